//! Attack lists of the Go Netcap: YAML with a zone and Go's layouts for dates and times.
//!
//! `ips:` are hosts among each other. What its own labeling ignores or gets wrong (protocols that are none of IP,
//! `flagVictimTraffic`) says nothing here either; minutes at the end count in full.

use std::net::IpAddr;

use jiff::civil::{Date, Time};
use serde::Deserialize;
use serde_yaml::Spanned;

use super::convert::Label;
use super::others::Said;
use crate::error::Result;
use crate::label::interval::{Frame, interval};
use crate::label::moment::{Moment, Resolution};
use crate::label::parse_zone;
use crate::label::service;
use crate::yaml;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct List {
    location: String,
    time_format: String,
    date_format: String,
    attacks: Vec<Spanned<Attack>>,
}

#[derive(Debug, Deserialize)]
struct Attack {
    #[serde(default)]
    name: String,
    #[serde(default)]
    category: String,
    date: String,
    start: String,
    end: String,
    #[serde(default)]
    proto: String,
    #[serde(default)]
    ips: Vec<String>,
    #[serde(default)]
    victims: Vec<String>,
    #[serde(default)]
    attackers: Vec<String>,
}

/// What a list says.
pub(super) fn read(text: &str) -> Result<Vec<Said>> {
    let list: List = yaml::read(text)?;
    let frame = Frame {
        zone: Some(parse_zone(&list.location)?),
        ..Frame::default()
    };
    let (dates, times) = (strftime(&list.date_format), strftime(&list.time_format));
    let exact = times.contains("%S");
    let said = list.attacks.iter().map(|attack| {
        let line = usize::try_from(attack.referenced.line()).unwrap_or(0);
        let moment = |clock: &str| {
            let date = Date::strptime(&dates, attack.value.date.trim());
            let time = Time::strptime(&times, clock.trim());
            Ok(Moment {
                date: Some(
                    date.map_err(|_| "the date is not written as dateFormat says".to_owned())?,
                ),
                time: time.map_err(|_| "a time is not written as timeFormat says".to_owned())?,
                resolution: if exact {
                    Resolution::Second
                } else {
                    Resolution::Minute
                },
                zone: None,
                text: clock.to_owned(),
            })
        };
        (line, label(&attack.value, &frame, moment))
    });
    Ok(said.collect())
}

fn label(
    attack: &Attack,
    frame: &Frame,
    moment: impl Fn(&str) -> Result<Moment, String>,
) -> Result<Label, String> {
    let (start, end) = (moment(&attack.start)?, moment(&attack.end)?);
    let span = interval(&start, &end, frame).map_err(|(_, fault)| fault.message)?;
    let name = match attack.category.trim() {
        "" => attack.name.trim(),
        category => category,
    };
    if name.is_empty() {
        return Err("they have no label".to_owned());
    }
    let hosts = |hosts: &[String]| {
        let hosts = hosts.iter().map(|host| host.trim().parse::<IpAddr>());
        let hosts: Result<Vec<IpAddr>, _> = hosts.collect();
        hosts.map_err(|_| "an address is none".to_owned())
    };
    let among = hosts(&attack.ips)?;
    let (attackers, victims) = match among.is_empty() {
        true => (hosts(&attack.attackers)?, hosts(&attack.victims)?),
        false => (among.clone(), among),
    };
    if attackers.is_empty() && victims.is_empty() {
        return Err("they name no host".to_owned());
    }
    Ok(Label {
        span: Some((span.start, span.end)),
        attackers,
        victims,
        // Many say an application there.
        protocol: service::protocol(attack.proto.trim()).ok(),
        ..Label::of(name)
    })
}

/// A layout of Go in the words of strftime.
fn strftime(layout: &str) -> String {
    const WORDS: [(&str, &str); 21] = [
        ("January", "%B"),
        ("Monday", "%A"),
        ("2006", "%Y"),
        ("Jan", "%b"),
        ("Mon", "%a"),
        ("01", "%m"),
        ("02", "%d"),
        ("_2", "%e"),
        ("15", "%H"),
        ("03", "%I"),
        ("04", "%M"),
        ("05", "%S"),
        ("06", "%y"),
        ("PM", "%p"),
        ("pm", "%P"),
        ("1", "%m"),
        ("2", "%d"),
        ("3", "%I"),
        ("4", "%M"),
        ("5", "%S"),
        ("%", "%%"),
    ];
    let mut out = String::new();
    let mut rest = layout;
    while let Some(first) = rest.chars().next() {
        match WORDS.iter().find(|(word, _)| rest.starts_with(word)) {
            Some((word, ours)) => {
                out += ours;
                rest = rest.get(word.len()..).unwrap_or_default();
            }
            None => {
                out.push(first);
                rest = rest.get(first.len_utf8()..).unwrap_or_default();
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::strftime;

    #[test]
    fn layouts_of_go() {
        assert_eq!(strftime("Monday-02-01-2006"), "%A-%d-%m-%Y");
        assert_eq!(strftime("2006/1/2 15:04:05"), "%Y/%m/%d %H:%M:%S");
        assert_eq!(strftime("3:04 PM"), "%I:%M %p");
    }
}
