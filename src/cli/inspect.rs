//! `netcap inspect`.

use std::fmt::Write as _;
use std::path::PathBuf;

use clap::Args;
use indicatif::{HumanBytes, HumanCount};
use rayon::prelude::*;
use serde_json::{Value, json};

use super::values::Report;
use super::{Common, Done, print, summary, values};
use crate::capture::{End, Inspection, Utc, expand, inspect};
use crate::engine::link_type_name;
use crate::error::{Finding, Result};
use crate::protocol::reads_link_type;

/// Look at captures before using them
///
/// Tells for each file the format, packets, bytes, times, snap length, how far
/// packets are out of order, duplicates, the longest gap, and where it is cut or
/// damaged; and which files overlap in time.
///
/// Examples:
///   netcap inspect capture.pcap
///   netcap inspect monday/ --format json
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(super) struct Inspect {
    /// Captures and folders of captures; - is standard input.
    #[arg(required = true, value_name = "CAPTURE")]
    captures: Vec<PathBuf>,
    /// How to print.
    #[arg(long, value_enum, default_value = "text")]
    format: Report,
}

impl Inspect {
    pub(super) fn run(self, common: &Common) -> Result<Done> {
        let (paths, mut findings) = expand(&self.captures)?;
        let looks: Vec<Inspection> = paths
            .par_iter()
            .map(|path| inspect(path))
            .collect::<Result<_>>()?;
        let files: Vec<(String, &Inspection)> = paths
            .iter()
            .map(|p| p.display().to_string())
            .zip(&looks)
            .collect();
        for (name, look) in &files {
            findings.extend(look.facts.findings(name));
        }
        let (overlaps, more) = overlaps(&files);
        findings.extend(overlaps.iter().map(|(a, b, seconds)| {
            Finding::warning(
                "captures-overlap",
                format!("overlaps {b} in time by {seconds:.6} s"),
            )
            .about(a.clone())
        }));
        if more > 0 {
            findings.push(Finding::warning(
                "captures-overlap",
                format!("{more} more pairs of captures overlap in time"),
            ));
        }
        match self.format {
            Report::Text => {
                let texts: Vec<String> = files.iter().map(|(n, look)| text(n, look)).collect();
                print(&texts.join("\n"))?;
            }
            Report::Json => {
                let all: Vec<Value> = files.iter().map(|(n, look)| value(n, look)).collect();
                let all = json!({ "files": all, "findings": findings });
                print(&values::json(&all)?)?;
            }
        }
        Ok(summary::findings(common, &findings, &[]))
    }
}

/// Pairs of files that are told to overlap.
const LISTED: usize = 20;

/// The first pairs of files that overlap in time, with the seconds that they have in common, and how many more there are.
fn overlaps(files: &[(String, &Inspection)]) -> (Vec<(String, String, f64)>, usize) {
    let (mut found, mut more) = (Vec::new(), 0);
    for (i, (a, look_a)) in files.iter().enumerate() {
        for (b, look_b) in files.iter().skip(i + 1) {
            let span = |look: &Inspection| look.facts.min_ns.zip(look.facts.max_ns);
            let (Some(x), Some(y)) = (span(look_a), span(look_b)) else {
                continue;
            };
            let common = x.1.min(y.1).saturating_sub(x.0.max(y.0));
            if common > 0 && found.len() < LISTED {
                found.push((a.clone(), b.clone(), seconds(common)));
            } else if common > 0 {
                more += 1;
            }
        }
    }
    (found, more)
}

#[expect(clippy::cast_precision_loss, reason = "for a person")]
fn seconds(ns: i64) -> f64 {
    ns as f64 / 1e9
}

fn link_types(look: &Inspection) -> String {
    let names: Vec<String> = look
        .link_types
        .iter()
        .map(|(number, packets)| {
            let (name, packets) = (link_type_name(*number), HumanCount(*packets));
            let skipped = match reads_link_type(*number) {
                true => "",
                false => ", which `decode` skips",
            };
            format!("{name} ({number}): {packets}{skipped}")
        })
        .collect();
    names.join(", ")
}

fn text(name: &str, look: &Inspection) -> String {
    let facts = &look.facts;
    let mut text = format!("{name}\n");
    let mut line = |key: &str, value: String| {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "  {key:<12} {value}");
    };
    let compression = facts
        .compression
        .map_or(String::new(), |c| format!(" in {c}"));
    line(
        "format",
        format!("{}, {} endian{compression}", facts.format, facts.byte_order),
    );
    line(
        "packets",
        HumanCount(facts.packets.unsigned_abs()).to_string(),
    );
    line("link types", link_types(look));
    let bytes = |n: u64| HumanBytes(n).to_string();
    line(
        "bytes",
        format!(
            "{} captured, {} on the wire",
            bytes(facts.captured_bytes),
            bytes(facts.wire_bytes)
        ),
    );
    if let (Some(from), Some(to)) = (facts.min_ns, facts.max_ns) {
        line("from", Utc(from).to_string());
        line(
            "to",
            format!("{}  ({:.6} s)", Utc(to), seconds(to.saturating_sub(from))),
        );
    }
    let snap = facts.snap_length();
    let cut = if facts.snapped > 0 {
        format!("; it cut {} packets", HumanCount(facts.snapped))
    } else {
        String::new()
    };
    line(
        "snap length",
        if snap == 0 {
            format!("none{cut}")
        } else {
            format!("{snap}{cut}")
        },
    );
    if facts.disordered > 0 {
        let most = i64::try_from(facts.greatest_disorder_ns).unwrap_or(i64::MAX);
        line(
            "disorder",
            format!(
                "{} packets, by at most {:.6} s",
                HumanCount(facts.disordered),
                seconds(most)
            ),
        );
    }
    if look.duplicates > 0 {
        line(
            "duplicates",
            format!("{} packets within 0.5 ms", HumanCount(look.duplicates)),
        );
    }
    if let Some((gap, packet)) = look.longest_gap {
        line(
            "longest gap",
            format!("{:.6} s, after packet {packet}", seconds(gap)),
        );
    }
    let blocks = [
        ("comments", facts.comments),
        ("name resolutions", facts.name_resolutions),
        ("decryption secrets", facts.decryption_secrets),
    ];
    let blocks: Vec<String> = blocks
        .iter()
        .filter(|(_, n)| *n > 0)
        .map(|(what, n)| format!("{n} {what}"))
        .collect();
    if !blocks.is_empty() {
        line("blocks", blocks.join(", "));
    }
    line(
        "end",
        match &facts.end {
            Some(End::Cut {
                packet,
                offset,
                what,
            }) => format!("cut at packet {packet}, byte offset {offset}: {what}"),
            Some(End::Damaged {
                packet,
                offset,
                what,
            }) => format!("damaged at packet {packet}, byte offset {offset}: {what}"),
            _ => "complete".to_owned(),
        },
    );
    text
}

fn value(name: &str, look: &Inspection) -> Value {
    let facts = &look.facts;
    let (end, place) = match &facts.end {
        Some(End::Cut {
            packet,
            offset,
            what,
        }) => ("cut", Some((packet, offset, what))),
        Some(End::Damaged {
            packet,
            offset,
            what,
        }) => ("damaged", Some((packet, offset, what))),
        _ => ("complete", None),
    };
    json!({
        "name": name,
        "format": facts.format.to_string(),
        "byte_order": facts.byte_order.to_string(),
        "compression": facts.compression.map(|c| c.to_string()),
        "packets": facts.packets,
        "link_types": look.link_types.iter().map(|(number, packets)| {
            json!({ "link_type": number, "name": link_type_name(*number), "packets": packets, "decoded": reads_link_type(*number) })
        }).collect::<Vec<_>>(),
        "captured_bytes": facts.captured_bytes,
        "wire_bytes": facts.wire_bytes,
        "first_ns": facts.min_ns,
        "last_ns": facts.max_ns,
        "snap_length": facts.snap_length(),
        "snapped_packets": facts.snapped,
        "disordered_packets": facts.disordered,
        "greatest_disorder_ns": facts.greatest_disorder_ns,
        "duplicate_packets": look.duplicates,
        "longest_gap": look.longest_gap.map(|(ns, packet)| json!({ "ns": ns, "after_packet": packet })),
        "comments": facts.comments,
        "name_resolution_blocks": facts.name_resolutions,
        "decryption_secrets_blocks": facts.decryption_secrets,
        "end": end,
        "end_place": place.map(|(packet, offset, what)| {
            json!({ "packet": packet, "offset": offset, "what": what })
        }),
    })
}
