//! A line of a file of others as a line of a label file.

use std::net::IpAddr;

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

use super::ImportOptions;
use super::mapping::{Columns, Kind, Mapping, Shape, Unit, has_zone};
use super::rows::Row;
use crate::label::{duration, moment as written, service};
use crate::packet::has_ports;

const ICMP: u8 = 1;
const ICMPV6: u8 = 58;

/// A label line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Label {
    pub(super) label: String,
    /// First and last nanosecond; nothing if it always holds.
    pub(super) span: Option<(i64, i64)>,
    /// Addresses; none are any.
    pub(super) attackers: Vec<IpAddr>,
    pub(super) victims: Vec<IpAddr>,
    pub(super) protocol: Option<u8>,
    /// Of attacker and victim.
    pub(super) ports: (Option<u16>, Option<u16>),
    /// Ports that one of the ends has, each.
    pub(super) either_ports: Vec<u16>,
    pub(super) direction: String,
    /// Packets by number: first and last of each range.
    pub(super) packets: Vec<(u64, u64)>,
    /// Packets of the capture that was labeled, where all of them are.
    pub(super) capture_packets: Option<u64>,
}

impl Label {
    /// Of whatever traffic at whatever time.
    pub(super) fn of(label: &str) -> Self {
        Self {
            label: label.to_owned(),
            span: None,
            attackers: Vec::new(),
            victims: Vec::new(),
            protocol: None,
            ports: (None, None),
            either_ports: Vec::new(),
            direction: "either".to_owned(),
            packets: Vec::new(),
            capture_packets: None,
        }
    }
}

/// What a line says; else why it is left out. `shift` is added to numbers of packets.
pub(super) fn convert(
    row: &Row,
    mapping: &Mapping,
    options: &ImportOptions,
    shift: u64,
) -> Result<Label, String> {
    let columns = &mapping.columns;
    let is_skipped = |(column, values): (&String, &Vec<String>)| {
        let value = row.get(std::slice::from_ref(column)).unwrap_or_default();
        values.iter().any(|skipped| fits(skipped, value))
    };
    if mapping.skip.iter().any(is_skipped) {
        return Err(super::UNUSED.to_owned());
    }
    let found = row.get(&columns.label).unwrap_or_default();
    let meaning = mapping.labels.iter().find(|m| fits(&m.pattern, found));
    let kind = meaning.map_or(Kind::Attack, |meaning| meaning.kind);
    let named = meaning.and_then(|meaning| meaning.label.clone());
    let label = match kind {
        Kind::Nothing => return Err("they say nothing of an attack".to_owned()),
        Kind::Foreign => {
            return Err("the format has no such label: is it the right one?".to_owned());
        }
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
        None => Ok(Vec::new()),
        Some(text) => text
            .parse::<IpAddr>()
            .map(|address| vec![address.to_canonical()])
            .map_err(|_| "an address is none".to_owned()),
    };
    // Lines without ports, whose pattern takes the last group of an address for one.
    let whole = |host: &[String], port: &[String]| {
        let text = format!("{}:{}", row.get(host)?, row.get(port)?);
        text.parse::<std::net::Ipv6Addr>().ok()
    };
    let is_pattern = matches!(mapping.rows, Shape::Pattern { .. });
    let whole = [
        (&columns.src, &columns.src_port),
        (&columns.dst, &columns.dst_port),
    ]
    .map(|(host, port)| whole(host, port).filter(|_| is_pattern));
    let [src, dst] = whole;
    let (attackers, victims) = (
        src.map_or_else(|| address(&columns.src), |ip| Ok(vec![ip.into()]))?,
        dst.map_or_else(|| address(&columns.dst), |ip| Ok(vec![ip.into()]))?,
    );
    let packet = match columns.are_of_packets() || options.by_packet {
        true => Some(packet(row, columns, shift)?),
        false => None,
    };
    let protocol = match row.get(&columns.protocol) {
        // Of all protocols of IP, as some call it.
        Some("ip" | "0") | None => None,
        Some(text) => {
            Some(service::protocol(text).map_err(|_| format!("`{text}` is no protocol of IP"))?)
        }
    };
    // Zeek calls both so.
    let of_ipv6 = attackers.iter().chain(&victims).any(IpAddr::is_ipv6);
    let protocol = match protocol {
        Some(ICMP) if of_ipv6 => Some(ICMPV6),
        protocol => protocol,
    };
    let has_ports = protocol.is_none_or(has_ports);
    let port = |columns: &[String]| match row.get(columns).filter(|_| has_ports) {
        None => Ok(None),
        Some(text) => port(text),
    };
    let port_of = |whole: Option<_>, columns| match whole {
        Some(_) => Ok(None),
        None => port(columns),
    };
    let ports = (
        port_of(src, &columns.src_port)?,
        port_of(dst, &columns.dst_port)?,
    );
    if attackers.is_empty() && victims.is_empty() && ports == (None, None) && packet.is_none() {
        return Err("they name no host".to_owned());
    }
    let timed = packet.is_none() && !mapping.time.forms.is_empty();
    Ok(Label {
        label,
        span: timed.then(|| span(row, mapping, options)).transpose()?,
        attackers,
        victims,
        protocol,
        ports,
        either_ports: Vec::new(),
        packets: packet.map(|packet| (packet, packet)).into_iter().collect(),
        capture_packets: None,
        direction: mapping
            .direction
            .clone()
            .unwrap_or_else(|| "either".to_owned()),
    })
}

/// The number of the packet that a line is about, from 1.
fn packet(row: &Row, columns: &Columns, shift: u64) -> Result<u64, String> {
    let number = number(row, columns)?.ok_or_else(|| "they name no packet".to_owned())?;
    let number = number.checked_add(shift);
    let number = number.filter(|number| *number > 0);
    number.ok_or_else(|| "the number of the packet is none".to_owned())
}

/// The number of the packet as the line has it.
pub(super) fn number(row: &Row, columns: &Columns) -> Result<Option<u64>, String> {
    if columns.packet.first().is_some_and(|name| name == "line") {
        return Ok(Some(row.nth as u64));
    }
    let parse = |text: &str| {
        let number = text.parse();
        number.map_err(|_| "the number of the packet is none".to_owned())
    };
    row.get(&columns.packet).map(parse).transpose()
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
fn port(text: &str) -> Result<Option<u16>, String> {
    let number = match text.strip_prefix("0x") {
        Some(digits) => u16::from_str_radix(digits, 16).ok(),
        None => text.strip_suffix(".0").unwrap_or(text).parse().ok(),
    };
    // Without it the rule would be about all ports.
    let number = number.ok_or_else(|| "a port is none".to_owned())?;
    Ok(Some(number).filter(|port| *port != 0))
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
    let has_seconds = [start, end]
        .into_iter()
        .flatten()
        .any(|(_, seconds)| seconds);
    let (start, end) = (start.map(|(ns, _)| ns), end.map(|(ns, _)| ns));
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
    // A format may have times with seconds and without.
    let is_mixed = time.forms.iter().any(|form| has_seconds_in(form))
        && !time.forms.iter().all(|form| has_seconds_in(form));
    let resolution = match has_seconds {
        true if is_mixed => resolution.min(Unit::S.ns()),
        true => resolution,
        false => resolution.max(60 * Unit::S.ns()),
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

fn has_seconds_in(form: &str) -> bool {
    ["epoch", "%S", "%T", "%s", "%c", "%X"]
        .iter()
        .any(|seconds| form.contains(seconds))
}

/// A time in nanoseconds, and whether it was written with seconds.
fn moment(text: &str, mapping: &Mapping, options: &ImportOptions) -> Result<(i64, bool), String> {
    let time = &mapping.time;
    let zone = match (&time.zone, &options.zone) {
        (Some(zone), _) => {
            written::parse_zone(zone).map_err(|_| "the zone in the mapping is none".to_owned())?
        }
        (None, Some(zone)) => zone.clone(),
        (None, None) => TimeZone::UTC,
    };
    for form in &time.forms {
        if form == "epoch" {
            if let Some(ns) = scaled(text, time.unit.unwrap_or(Unit::S)) {
                return Ok((ns, true));
            }
            continue;
        }
        if has_zone(form) {
            if let Some(ns) = Timestamp::strptime(form, text).ok().and_then(ns) {
                return Ok((ns, has_seconds_in(form)));
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
        // Years of two digits that were read as such of four.
        let Some(ns) = ns(time) else {
            continue;
        };
        return Ok((ns, has_seconds_in(form)));
    }
    Err("the time is not written as the mapping says".to_owned())
}

fn ns(time: Timestamp) -> Option<i64> {
    i64::try_from(time.as_nanosecond()).ok()
}

/// `1.5e9` with all of its digits and no exponent, as programs write numbers that are floats to them.
fn without_exponent(text: &str) -> Option<String> {
    let Some((mantissa, exponent)) = text.split_once(['e', 'E']) else {
        return Some(text.to_owned());
    };
    let exponent: i32 = exponent.parse().ok().filter(|e: &i32| e.abs() < 40)?;
    let (sign, mantissa) = match mantissa.strip_prefix('-') {
        Some(rest) => ("-", rest),
        None => ("", mantissa),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = format!("{whole}{fraction}");
    let point = i32::try_from(whole.len()).ok()? + exponent;
    let point = usize::try_from(point).ok()?;
    let digits = format!("{digits:0<point$}");
    let (whole, fraction) = digits.split_at_checked(point)?;
    Some(format!("{sign}{whole}.{fraction}"))
}

/// A decimal number of units as nanoseconds; what is finer is cut.
fn scaled(text: &str, unit: Unit) -> Option<i64> {
    let plain = without_exponent(text)?;
    let text = plain.as_str();
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
