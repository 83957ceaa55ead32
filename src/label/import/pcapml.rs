//! Labels of pcapML: comments of packets in a capture, `<sample>,<label>` or `s=<sample>,proc=<label>,…`, and label
//! files: `BPF:<filter>|TS_START:<seconds>|TS_END:<seconds>,<label>[,<key>]`, of which the first that fits
//! decides. Of filters those are read that are conditions joined by `and`.

use std::net::IpAddr;

use super::convert::Label;
use super::others::Said;
use crate::label::service;

/// What a file says.
pub(super) fn read(text: &str) -> Vec<Said> {
    let lines = (1..).zip(text.lines().map(str::trim));
    let lines = lines.filter(|(_, line)| !line.is_empty() && !line.starts_with('#'));
    lines.map(|(number, line)| (number, label(line))).collect()
}

/// What the comments of a packet say; the packet's number stands in place of a line.
pub(super) fn of_packet(packet: u64, comments: &[String]) -> Said {
    let said = comments.iter().find_map(|comment| {
        let keyed = comment
            .split(',')
            .find_map(|field| field.trim().strip_prefix("proc="));
        let sampled = comment
            .split_once(',')
            .filter(|(sample, _)| sample.trim().parse::<u64>().is_ok());
        keyed.or(sampled.map(|(_, label)| label))
    });
    let label = match said.map(str::trim) {
        Some(label) if !label.is_empty() => Ok(Label {
            packets: vec![(packet, packet)],
            ..Label::of(label)
        }),
        Some(_) => Err("they have no label".to_owned()),
        None => Err(super::EMPTY.to_owned()),
    };
    (usize::try_from(packet).unwrap_or(usize::MAX), label)
}

fn label(line: &str) -> Result<Label, String> {
    let mut fields = line.split(',');
    let (traffic, label) = (
        fields.next().unwrap_or_default(),
        fields.next().unwrap_or_default().trim(),
    );
    if label.is_empty() {
        return Err("they have no label".to_owned());
    }
    let mut found = Label::of(label);
    let (mut start, mut end) = (None, None);
    for part in traffic.split('|') {
        let seconds = |text: &str| {
            let seconds: i64 = text
                .trim()
                .parse()
                .map_err(|_| "the time is no number".to_owned())?;
            let ns = seconds.checked_mul(1_000_000_000).filter(|ns| *ns >= 0);
            ns.ok_or_else(|| "the time is no number of seconds since 1970".to_owned())
        };
        match part.trim().split_once(':') {
            Some(("BPF", filter)) => bpf(filter, &mut found)?,
            Some(("TS_START", text)) => start = Some(seconds(text)?),
            // To the end of that second.
            Some(("TS_END", text)) => end = Some(seconds(text)?.saturating_add(999_999_999)),
            _ => return Err(format!("`{part}` is neither BPF, TS_START nor TS_END")),
        }
    }
    if start.is_some() || end.is_some() {
        found.span = Some((start.unwrap_or(0), end.unwrap_or(i64::MAX)));
        if start > end && end.is_some() {
            return Err("they end before they start".to_owned());
        }
    }
    Ok(found)
}

/// Conditions joined by `and`: hosts, ports and protocols.
fn bpf(filter: &str, label: &mut Label) -> Result<(), String> {
    let other =
        || "their filter is more than hosts, ports and protocols joined by `and`".to_owned();
    // Which end has a port is known where a side is told of a host, too: other packets of the same flow have it on the other side.
    let mut has_sides = false;
    for condition in filter.split(" and ") {
        let words: Vec<&str> = condition
            .trim()
            .trim_matches(['(', ')'])
            .split_whitespace()
            .collect();
        match words.as_slice() {
            [] => {}
            ["ip" | "ip6"] => {}
            [side @ .., "host", host] => {
                let host: IpAddr = host.parse().map_err(|_| other())?;
                has_sides |= !side.is_empty();
                let hosts = match (side, label.attackers.is_empty()) {
                    (["dst"], _) => &mut label.victims,
                    (["src"], _) | ([], true) => &mut label.attackers,
                    ([], false) => &mut label.victims,
                    _ => return Err(other()),
                };
                if !hosts.is_empty() {
                    return Err(other());
                }
                hosts.push(host);
            }
            [rest @ .., "port", port] => {
                let port = port.parse().map_err(|_| other())?;
                let (protocol, side) = match rest {
                    [protocol @ ("tcp" | "udp" | "sctp"), side @ ..] => (Some(*protocol), side),
                    side => (None, side),
                };
                if let Some(name) = protocol {
                    label.protocol = service::protocol(name).ok();
                }
                match side {
                    ["src"] if label.ports.0.is_none() => label.ports.0 = Some(port),
                    ["dst"] if label.ports.1.is_none() => label.ports.1 = Some(port),
                    [] => label.either_ports.push(port),
                    _ => return Err(other()),
                }
            }
            [protocol @ ("tcp" | "udp" | "icmp" | "icmp6" | "sctp")] => {
                label.protocol = service::protocol(protocol).ok();
            }
            _ => return Err(other()),
        }
    }
    if !has_sides {
        let (src, dst) = std::mem::take(&mut label.ports);
        label.either_ports.extend(src.into_iter().chain(dst));
    }
    Ok(())
}
