//! A label file in CSV under construction: the columns that its rules need.

use std::collections::HashSet;
use std::net::IpAddr;

use jiff::Timestamp;

use super::convert::Label;
use crate::error::{Error, Result};
use crate::label::service;

/// The rules so far.
pub(super) struct Lines {
    rules: Vec<(String, Label)>,
    ids: HashSet<String>,
    capture: Option<String>,
}

impl Lines {
    /// No rules yet; all of them will be about a capture, if there is one.
    pub(super) fn of(capture: Option<String>) -> Self {
        Self {
            rules: Vec::new(),
            ids: HashSet::new(),
            capture,
        }
    }

    /// Adds a rule. Of an id that is taken, of a file of the same name or a label that differs in signs only, another one
    /// is made.
    pub(super) fn push(&mut self, id: String, label: Label) {
        let mut own = id.clone();
        let mut nth = 1;
        while !self.ids.insert(own.clone()) {
            nth += 1;
            own = format!("{nth}-{id}");
        }
        self.rules.push((own, label));
    }

    /// The text.
    pub(super) fn finish(self) -> Result<String> {
        let mut writer = csv::Writer::from_writer(Vec::new());
        let any = |of: fn(&Label) -> bool| self.rules.iter().any(|(_, label)| of(label));
        let timed = any(|label| label.span.is_some()) || self.rules.is_empty();
        let always = any(|label| label.span.is_none());
        let packets = any(|label| !label.packets.is_empty());
        let capture = self.capture.as_deref();
        let mut header = vec!["id", "label"];
        header.extend(always.then_some("time"));
        header.extend(timed.then_some(["start", "end"]).into_iter().flatten());
        header.extend([
            "attackers",
            "victims",
            "ports",
            "protocol",
            "direction",
            "if",
        ]);
        header.extend(packets.then_some("packets"));
        let counted = any(|label| label.capture_packets.is_some());
        header.extend(counted.then_some("capture_packets"));
        header.extend(capture.map(|_| "in"));
        writer.write_record(header).map_err(failed)?;
        for (id, label) in &self.rules {
            let mut record = vec![id.clone(), label.label.clone()];
            if always {
                record.push(
                    label
                        .span
                        .map_or_else(|| "always".to_owned(), |_| String::new()),
                );
            }
            if timed {
                let ends = label.span.map(|(first, last)| [time(first), time(last)]);
                record.extend(ends.unwrap_or_default());
            }
            record.extend(conditions(label));
            if packets {
                let ranges: Vec<String> = label.packets.iter().map(range).collect();
                record.push(ranges.join(" "));
            }
            if counted {
                let packets = label.capture_packets.map(|packets| packets.to_string());
                record.push(packets.unwrap_or_default());
            }
            record.extend(capture.map(str::to_owned));
            writer.write_record(record).map_err(failed)?;
        }
        let bytes = writer
            .into_inner()
            .map_err(|e| Error::because("the label file could not be written", e.into_error()))?;
        String::from_utf8(bytes)
            .map_err(|e| Error::because("the label file could not be written", e))
    }
}

/// Attackers, victims, ports, protocol, direction, condition.
fn conditions(label: &Label) -> [String; 6] {
    let hosts = |hosts: &[IpAddr]| match hosts {
        [] => "any".to_owned(),
        hosts => {
            let hosts: Vec<String> = hosts.iter().map(IpAddr::to_string).collect();
            hosts.join(" ")
        }
    };
    let protocol = label
        .protocol
        .map(service::protocol_name)
        .unwrap_or_default();
    let (src_port, dst_port) = label.ports;
    let ports = dst_port.map(|port| match label.protocol {
        Some(_) => format!("{port}/{protocol}"),
        None => port.to_string(),
    });
    let of_attacker = src_port.map(|port| format!("attacker_port = {port}"));
    let of_either = label
        .either_ports
        .iter()
        .map(|port| format!("(src_port = {port} or dst_port = {port})"));
    let condition: Vec<String> = of_attacker.into_iter().chain(of_either).collect();
    [
        hosts(&label.attackers),
        hosts(&label.victims),
        ports.clone().unwrap_or_default(),
        if ports.is_some() {
            String::new()
        } else {
            protocol
        },
        label.direction.clone(),
        condition.join(" and "),
    ]
}

/// With nine digits, so that it means exactly that.
fn time(ns: i64) -> String {
    let time = Timestamp::from_nanosecond(ns.into());
    time.map_or_else(|_| String::new(), |t| format!("{t:.9}"))
}

fn range((first, last): &(u64, u64)) -> String {
    match first == last {
        true => first.to_string(),
        false => format!("{first}-{last}"),
    }
}

fn failed(error: csv::Error) -> Error {
    Error::because("the label file could not be written", error)
}
