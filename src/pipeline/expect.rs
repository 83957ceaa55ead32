//! Which captures a pipeline is for: are they all there, and are they what they should be?
//!
//! A pipeline for a published dataset names its files. What is missing, what is there beside them and what differs are warnings: a
//! part of a dataset can be built too.

use std::collections::BTreeMap;

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::datatypes::{Int64Type, TimestampMicrosecondType};
use jiff::Timestamp;
use netcap_proto::CAPTURE;
use schemars::JsonSchema;
use serde::Deserialize;

use super::decoded::read_plain;
use super::sources::Sources;
use super::tables::TABLES_STAGE;
use crate::dataset::{Contents, Output};
use crate::error::{Error, Finding, Result};

/// A capture that a pipeline is for.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Expected {
    /// Name of the file, in whatever folder.
    pub name: String,
    /// Packets in it.
    #[serde(default)]
    pub packets: Option<i64>,
    /// Time of the first packet, as 2017-07-03T11:55:58.598Z: as exact as it is written.
    #[serde(default)]
    pub first: Option<String>,
    /// Time of the last packet.
    #[serde(default)]
    pub last: Option<String>,
    /// SHA-256 of the file, or how it begins.
    #[serde(default)]
    pub sha256: Option<String>,
}

/// Codes of the findings.
const MISSING: &str = "capture-missing";
const UNKNOWN: &str = "capture-unknown";
const OTHER: &str = "capture-other";

impl Expected {
    /// It says something that only the table `capture` tells.
    pub(super) fn needs_table(&self) -> bool {
        self.packets.is_some() || self.first.is_some() || self.last.is_some()
    }

    /// Checks what can be checked without captures: numbers, times, hashes.
    pub fn check(&self) -> Result<()> {
        if let Some(packets) = self.packets.filter(|packets| *packets < 0) {
            return Err(Error::new(format!(
                "`expect`: {} cannot have {packets} packets",
                self.name
            )));
        }
        let is_hash = |text: &String| {
            (1..=64).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_hexdigit())
        };
        if let Some(text) = self.sha256.as_ref().filter(|text| !is_hash(text)) {
            return Err(Error::new(format!(
                "`expect`: \"{text}\" of {} is no SHA-256",
                self.name
            ))
            .help("write up to 64 hexadecimal digits, as sha256sum prints them; the first ones will do"));
        }
        for time in [&self.first, &self.last].into_iter().flatten() {
            time.parse::<Timestamp>().map_err(|_| {
                Error::new(format!(
                    "`expect`: {time} of {} is no time with a zone",
                    self.name
                ))
                .help("write 2017-07-03T11:55:58.598Z")
            })?;
        }
        Ok(())
    }
}

/// The names of those that are not there.
pub fn missing<'a>(expected: &'a [Expected], sources: &Sources) -> Vec<&'a str> {
    let there = |name: &str| {
        sources
            .inputs
            .iter()
            .any(|input| file_name(&input.name) == name)
    };
    let names = expected.iter().map(|wanted| wanted.name.as_str());
    names.filter(|name| !there(name)).collect()
}

fn file_name(name: &str) -> &str {
    name.rsplit('/').next().unwrap_or(name)
}

/// What the table `capture` says of a file.
struct Found {
    packets: i64,
    first: Option<i64>,
    last: Option<i64>,
}

/// Compares what is expected with the captures of an output, and notes what differs in its manifest.
pub(super) fn note(
    output: &mut Output,
    expected: &[Expected],
    sources: &Sources,
    partly: bool,
) -> Result<()> {
    let findings = match expected.is_empty() {
        true => Vec::new(),
        false => compare(output.contents(), expected, sources, partly)?,
    };
    if let Some(stage) = output.manifest_mut().stages.get_mut(TABLES_STAGE) {
        let ours = [MISSING, UNKNOWN, OTHER];
        stage.findings.retain(|f| !ours.contains(&f.code.as_str()));
        stage.findings.extend(findings);
    }
    Ok(())
}

/// `partly`: not all packets were decoded, so numbers and times say nothing.
fn compare(
    contents: &Contents,
    expected: &[Expected],
    sources: &Sources,
    partly: bool,
) -> Result<Vec<Finding>> {
    let found = match partly {
        true => BTreeMap::new(),
        false => captures(contents)?,
    };
    let mut findings = Vec::new();
    for wanted in expected {
        let input = sources
            .inputs
            .iter()
            .find(|input| file_name(&input.name) == wanted.name);
        let Some(input) = input else {
            let message = "the pipeline is for this capture too, and it is not there";
            findings.push(Finding::warning(MISSING, message).about(wanted.name.clone()));
            continue;
        };
        let mut differs = Vec::new();
        if let (Some(sha256), Some(begin)) = (&input.sha256, &wanted.sha256)
            && !sha256.starts_with(&begin.to_ascii_lowercase())
        {
            differs.push(format!(
                "its SHA-256 begins {}, not {begin}",
                sha256.get(..begin.len()).unwrap_or_default()
            ));
        }
        if let Some(found) = found.get(&input.name) {
            if let Some(packets) = wanted.packets.filter(|n| *n != found.packets) {
                differs.push(format!("it has {} packets, not {packets}", found.packets));
            }
            let times = [
                ("begins", &wanted.first, found.first),
                ("ends", &wanted.last, found.last),
            ];
            for (what, wanted, found) in times {
                if let (Some(wanted), Some(found)) = (wanted, found)
                    && !same_time(wanted, found)
                {
                    let found = Timestamp::from_microsecond(found).map(|t| t.to_string());
                    differs.push(format!(
                        "it {what} {}, not {wanted}",
                        found.unwrap_or_default()
                    ));
                }
            }
        }
        if !differs.is_empty() {
            let message = format!(
                "this is not the capture that the pipeline is for: {}",
                differs.join("; ")
            );
            findings.push(Finding::warning(OTHER, message).about(input.name.clone()));
        }
    }
    for input in &sources.inputs {
        if !expected
            .iter()
            .any(|wanted| wanted.name == file_name(&input.name))
        {
            let message = "the pipeline is not for this capture";
            findings.push(Finding::warning(UNKNOWN, message).about(input.name.clone()));
        }
    }
    Ok(findings)
}

/// A time in microseconds against one that is written with so many digits.
fn same_time(wanted: &str, found_us: i64) -> bool {
    let Ok(time) = wanted.parse::<Timestamp>() else {
        return false;
    };
    let digits = wanted.split_once('.').map_or(0, |(_, fraction)| {
        fraction.chars().take_while(char::is_ascii_digit).count()
    });
    let clock = wanted
        .split_once(['T', 't', ' '])
        .map_or("", |(_, clock)| clock);
    let clock = clock.split(['Z', 'z', '+', '-']).next().unwrap_or(clock);
    let unit = match clock.matches(':').count() {
        // Without seconds.
        1 => 60_000_000,
        _ => 10_i64.pow(6_u32.saturating_sub(u32::try_from(digits).unwrap_or(6))),
    };
    time.as_microsecond().div_euclid(unit) == found_us.div_euclid(unit)
}

/// The files of the table `capture`, if it was decoded.
fn captures(contents: &Contents) -> Result<BTreeMap<String, Found>> {
    let mut all = BTreeMap::new();
    let column = |batch: &arrow::array::RecordBatch, name: &str| -> Result<ArrayRef> {
        let column = batch.column_by_name(name).cloned();
        column.ok_or_else(|| Error::new(format!("the table capture has no column {name}")))
    };
    for batch in read_plain(contents, &CAPTURE)? {
        let batch = batch?;
        let (names, packets) = (column(&batch, "name")?, column(&batch, "packets")?);
        let (first, last) = (column(&batch, "first_ts")?, column(&batch, "last_ts")?);
        let time = |array: &ArrayRef, row| {
            let array = array.as_primitive::<TimestampMicrosecondType>();
            array.is_valid(row).then(|| array.value(row))
        };
        for row in 0..batch.num_rows() {
            let found = Found {
                packets: packets.as_primitive::<Int64Type>().value(row),
                first: time(&first, row),
                last: time(&last, row),
            };
            all.insert(names.as_string::<i32>().value(row).to_owned(), found);
        }
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::same_time;

    #[test]
    fn times_are_as_exact_as_they_are_written() {
        let us = 1_499_082_958_598_308;
        assert!(same_time("2017-07-03T11:55:58.598Z", us));
        assert!(same_time("2017-07-03T11:55:58Z", us));
        assert!(same_time("2017-07-03T11:55Z", us) && !same_time("2017-07-03T11:54Z", us));
        assert!(same_time("2017-07-03T08:55:58.598308-03:00", us));
        assert!(!same_time("2017-07-03T11:55:58.599Z", us));
        assert!(!same_time("2017-07-03T11:55:58.598309Z", us));
        assert!(!same_time("yesterday", us));
    }
}
