//! A line of a file of others as a line of a label file.

use std::net::IpAddr;

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

use super::ImportOptions;
use super::mapping::{Kind, Mapping, Unit, has_zone};
use super::rows::Row;
use crate::error::{Error, Result};
use crate::label::{duration, service};

/// A label line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Label {
    pub(super) label: String,
    /// First and last nanosecond.
    span: (i64, i64),
    attacker: Option<IpAddr>,
    victim: Option<IpAddr>,
    protocol: Option<u8>,
    ports: (Option<u16>, Option<u16>),
    direction: String,
}

/// What a line says; else why it is left out.
pub(super) fn convert(
    row: &Row,
    mapping: &Mapping,
    options: &ImportOptions,
) -> Result<Label, String> {
    let columns = &mapping.columns;
    let found = row.get(&columns.label).unwrap_or_default();
    let meaning = mapping.labels.iter().find(|m| fits(&m.pattern, found));
    let kind = meaning.map_or(Kind::Attack, |meaning| meaning.kind);
    let named = meaning.and_then(|meaning| meaning.label.clone());
    let label = match kind {
        Kind::Nothing => return Err("they say nothing of an attack".to_owned()),
        Kind::Benign if !options.with_benign => {
            return Err("they say that it is no attack (--with-benign keeps them)".to_owned());
        }
        Kind::Benign => "benign".to_owned(),
        Kind::Attack if found.is_empty() => return Err("they have no label".to_owned()),
        Kind::Attack => {
            named.unwrap_or_else(|| found.split_whitespace().collect::<Vec<_>>().join(" "))
        }
    };
    let address = |columns: &[String]| match row.get(columns) {
        None => Ok(None),
        Some(text) => text
            .parse::<IpAddr>()
            .map(|address| Some(address.to_canonical()))
            .map_err(|_| "an address is none".to_owned()),
    };
    let (attacker, victim) = (address(&columns.src)?, address(&columns.dst)?);
    if attacker.is_none() && victim.is_none() {
        return Err("they name no host".to_owned());
    }
    let protocol = match row.get(&columns.protocol) {
        // Of all protocols of IP, as some call it.
        Some("ip" | "0") | None => None,
        Some(text) => {
            Some(service::protocol(text).map_err(|_| format!("`{text}` is no protocol of IP"))?)
        }
    };
    let has_ports = protocol.is_none_or(|p| matches!(p, 6 | 17 | 33 | 132 | 136));
    let port = |columns: &[String]| row.get(columns).filter(|_| has_ports).and_then(port);
    Ok(Label {
        label,
        span: span(row, mapping, options)?,
        attacker,
        victim,
        protocol,
        ports: (port(&columns.src_port), port(&columns.dst_port)),
        direction: mapping
            .direction
            .clone()
            .unwrap_or_else(|| "either".to_owned()),
    })
}

/// `*` stands for anything.
fn fits(pattern: &str, text: &str) -> bool {
    let (pattern, text) = (pattern.to_lowercase(), text.to_lowercase());
    let mut parts = pattern.split('*');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = text.strip_prefix(first) else {
        return false;
    };
    let mut last = None;
    for part in parts {
        last = Some(part);
        match rest.find(part) {
            Some(at) => rest = rest.get(at + part.len()..).unwrap_or_default(),
            None => return false,
        }
    }
    match last {
        None => rest.is_empty(),
        Some(last) => text.ends_with(last),
    }
}

/// A port, also in hexadecimal; 0 is none.
fn port(text: &str) -> Option<u16> {
    let number = match text.strip_prefix("0x") {
        Some(digits) => u16::from_str_radix(digits, 16).ok(),
        None => text.strip_suffix(".0").unwrap_or(text).parse().ok(),
    };
    number.filter(|port| *port != 0)
}

/// First and last nanosecond, with all that the resolution leaves open.
fn span(row: &Row, mapping: &Mapping, options: &ImportOptions) -> Result<(i64, i64), String> {
    let (columns, time) = (&mapping.columns, &mapping.time);
    let read = |columns: &[String]| {
        row.get(columns)
            .map(|text| moment(text, mapping, options))
            .transpose()
    };
    let (start, end) = (read(&columns.start)?, read(&columns.end)?);
    let unit = time.duration_unit.unwrap_or(Unit::S);
    let length = match row.get(&columns.duration) {
        Some(text) => scaled(text, unit)
            .ok_or_else(|| "the duration is no number".to_owned())?
            .max(0),
        None => 0,
    };
    let resolution = match &time.resolution {
        Some(text) => duration::parse(text)
            .map_err(|_| "the resolution in the mapping is no time".to_owned())?,
        None => Unit::S.ns(),
    };
    let (start, end) = match (start, end) {
        (Some(start), Some(end)) => (start, end),
        (Some(start), None) => (start, start.saturating_add(length)),
        (None, Some(end)) => (end.saturating_sub(length), end),
        (None, None) => return Err("they have no time".to_owned()),
    };
    if end < start {
        return Err("they end before they start".to_owned());
    }
    Ok((start, end.saturating_add(resolution - 1)))
}

fn moment(text: &str, mapping: &Mapping, options: &ImportOptions) -> Result<i64, String> {
    let time = &mapping.time;
    let zone = match (&time.zone, &options.zone) {
        (Some(zone), _) => {
            TimeZone::get(zone).map_err(|_| "the zone in the mapping is none".to_owned())?
        }
        (None, Some(zone)) => zone.clone(),
        (None, None) => TimeZone::UTC,
    };
    for form in &time.forms {
        if form == "epoch" {
            if let Some(ns) = scaled(text, time.unit.unwrap_or(Unit::S)) {
                return Ok(ns);
            }
            continue;
        }
        if has_zone(form) {
            if let Ok(time) = Timestamp::strptime(form, text) {
                return ns(time);
            }
            continue;
        }
        let Ok(mut local) = DateTime::strptime(form, text) else {
            continue;
        };
        if let Some([from, to]) = time.afternoon
            && (from..=to).contains(&local.hour())
        {
            let later = local.with().hour(local.hour() + 12).build();
            local = later.map_err(|_| "the time is none".to_owned())?;
        }
        let ambiguous = zone.to_ambiguous_timestamp(local);
        let time = ambiguous
            .unambiguous()
            .map_err(|_| "the local time exists twice, or not at all".to_owned())?;
        return ns(time);
    }
    Err("the time is not written as the mapping says".to_owned())
}

fn ns(time: Timestamp) -> Result<i64, String> {
    i64::try_from(time.as_nanosecond())
        .map_err(|_| "the time is beyond what can be kept".to_owned())
}

/// A decimal number of units as nanoseconds; what is finer is cut.
fn scaled(text: &str, unit: Unit) -> Option<i64> {
    let digits = match text.split_once('.') {
        Some((whole, fraction)) => {
            let most = unit.ns().checked_ilog10().unwrap_or(0) as usize;
            format!("{whole}.{}", fraction.get(..most).unwrap_or(fraction))
        }
        None => text.to_owned(),
    };
    match digits.strip_prefix('-') {
        Some(digits) => duration::nanoseconds(digits, unit.ns()).map(i64::wrapping_neg),
        None => duration::nanoseconds(&digits, unit.ns()),
    }
}

/// A label file in CSV under construction.
pub(super) struct Lines(csv::Writer<Vec<u8>>);

const HEADER: [&str; 10] = [
    "id",
    "label",
    "start",
    "end",
    "attackers",
    "victims",
    "ports",
    "protocol",
    "direction",
    "if",
];

impl Lines {
    /// With the names of the columns.
    pub(super) fn new() -> Result<Self> {
        let mut writer = csv::Writer::from_writer(Vec::new());
        writer.write_record(HEADER).map_err(failed)?;
        Ok(Self(writer))
    }

    /// Adds a rule.
    pub(super) fn push(&mut self, id: &str, label: &Label) -> Result<()> {
        let time = |ns: i64| {
            let time = Timestamp::from_nanosecond(ns.into());
            // Nine digits, so that it means exactly that.
            time.map_or_else(|_| String::new(), |t| format!("{t:.9}"))
        };
        let host = |host: Option<IpAddr>| host.map_or_else(|| "any".to_owned(), |h| h.to_string());
        let protocol = label
            .protocol
            .map(service::protocol_name)
            .unwrap_or_default();
        let (src_port, dst_port) = label.ports;
        let ports = dst_port.map(|port| match label.protocol {
            Some(_) => format!("{port}/{protocol}"),
            None => port.to_string(),
        });
        let condition = src_port.map(|port| match label.direction.as_str() {
            "forward" => format!("src_port = {port}"),
            _ => format!("src_port = {port} or dst_port = {port}"),
        });
        let record = [
            id.to_owned(),
            label.label.clone(),
            time(label.span.0),
            time(label.span.1),
            host(label.attacker),
            host(label.victim),
            ports.clone().unwrap_or_default(),
            if ports.is_some() {
                String::new()
            } else {
                protocol
            },
            label.direction.clone(),
            condition.unwrap_or_default(),
        ];
        self.0.write_record(record).map_err(failed)
    }

    /// The text.
    pub(super) fn finish(self) -> Result<String> {
        let bytes = self
            .0
            .into_inner()
            .map_err(|e| Error::because("the label file could not be written", e.into_error()))?;
        String::from_utf8(bytes)
            .map_err(|e| Error::because("the label file could not be written", e))
    }
}

fn failed(error: csv::Error) -> Error {
    Error::because("the label file could not be written", error)
}
