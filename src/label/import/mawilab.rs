//! Anomalies of MAWILab in XML (admd): patterns of hosts and ports, each with a time. The CSV files of MAWILab are
//! tables without times, which a mapping reads.

use std::net::IpAddr;

use roxmltree::{Document, Node};

use super::convert::Label;
use super::others::Said;
use crate::error::{Error, Result};
use crate::label::service;

/// What a file says: a rule for each pattern of each anomaly.
pub(super) fn read(text: &str) -> Result<Vec<Said>> {
    let document = Document::parse(text).map_err(|e| {
        let place = e.pos();
        let (line, column) = (place.row as usize, place.col as usize);
        Error::because("this is no valid XML", e).at_line(line, column)
    })?;
    let named =
        |node: &Node<'_, '_>, name: &str| node.has_tag_name(name) || node.tag_name().name() == name;
    let mut said = Vec::new();
    for anomaly in document.descendants().filter(|node| named(node, "anomaly")) {
        let kind = anomaly.attribute("type").unwrap_or_default();
        let at = |name: &str| anomaly.descendants().find(|node| named(node, name));
        let span = span(at("from"), at("to"));
        for filter in anomaly.descendants().filter(|node| named(node, "filter")) {
            let line = document.text_pos_at(filter.range().start).row as usize;
            let label = match kind {
                "anomalous" | "suspicious" => {
                    span.clone().and_then(|span| label(kind, span, &filter))
                }
                "notice" | "benign" => Err("they say nothing of an attack".to_owned()),
                _ => Err("they have no label".to_owned()),
            };
            said.push((line, label));
        }
    }
    Ok(said)
}

fn label(kind: &str, span: Option<(i64, i64)>, filter: &Node<'_, '_>) -> Result<Label, String> {
    let host = |name: &str| match filter.attribute(name) {
        None | Some("") => Ok(Vec::new()),
        Some(text) => text
            .parse::<IpAddr>()
            .map(|host| vec![host])
            .map_err(|_| "an address is none".to_owned()),
    };
    let port = |name: &str| match filter.attribute(name) {
        None | Some("") => Ok(None),
        Some(text) => text
            .parse()
            .map(Some)
            .map_err(|_| "a port is none".to_owned()),
    };
    let (attackers, victims) = (host("src_ip")?, host("dst_ip")?);
    let ports = (port("src_port")?, port("dst_port")?);
    if attackers.is_empty() && victims.is_empty() && ports == (None, None) {
        return Err("they name no host".to_owned());
    }
    Ok(Label {
        span,
        attackers,
        victims,
        protocol: filter
            .attribute("proto")
            .and_then(|name| service::protocol(name).ok()),
        ports,
        ..Label::of(kind)
    })
}

/// First and last nanosecond; nothing if neither is set.
fn span(
    from: Option<Node<'_, '_>>,
    to: Option<Node<'_, '_>>,
) -> Result<Option<(i64, i64)>, String> {
    const SECOND: i64 = 1_000_000_000;
    // How "not set" is written.
    const UNSET: [i64; 2] = [0, 2_147_483_645];
    let moment = |node: Option<Node<'_, '_>>, rest: i64| -> Result<Option<i64>, String> {
        let number = |name: &str| {
            node.and_then(|node| node.attribute(name))
                .map(str::parse::<i64>)
        };
        let seconds = match number("sec") {
            None => return Ok(None),
            Some(Err(_)) => return Err("the time is no number".to_owned()),
            Some(Ok(seconds)) => seconds,
        };
        if UNSET.contains(&seconds) {
            return Ok(None);
        }
        let micros = number("usec")
            .and_then(Result::ok)
            .filter(|micros| *micros > 0);
        let rest = micros.map_or(rest, |micros| micros.saturating_mul(1000));
        Ok(Some(seconds.saturating_mul(SECOND).saturating_add(rest)))
    };
    Ok(match (moment(from, 0)?, moment(to, SECOND - 1)?) {
        (None, None) => None,
        (Some(from), Some(to)) if from > to => return Err("they end before they start".to_owned()),
        // A trace has a quarter of an hour; an open end is as far as an interval can reach.
        (from, to) => Some((from.unwrap_or(0), to.unwrap_or(i64::MAX))),
    })
}
