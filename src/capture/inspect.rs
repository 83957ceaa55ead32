//! A look at a capture before it is used: duplicates and gaps, beside what every reading counts.

use std::path::Path;

use super::arrange::{DUPLICATE_WINDOW_NS, Duplicates};
use super::facts::FileFacts;
use super::reader::Reader;
use crate::error::Result;

/// What is known of a capture file.
#[derive(Debug)]
pub struct Inspection {
    /// What every reading counts.
    pub facts: FileFacts,
    /// Packets with the same bytes as one at most [`DUPLICATE_WINDOW_NS`] before.
    pub duplicates: u64,
    /// The longest time without a packet: how long (nanoseconds), and the packet before it.
    pub longest_gap: Option<(i64, i64)>,
    /// Packets of each link type, in order of the link types.
    pub link_types: std::collections::BTreeMap<u16, u64>,
}

/// Reads a capture file to its end.
pub fn inspect(path: &Path) -> Result<Inspection> {
    let mut reader = if path.as_os_str() == "-" {
        Reader::from_read(Path::new("standard input"), Box::new(std::io::stdin()))?
    } else {
        Reader::open(path)?
    };
    let mut link_types = std::collections::BTreeMap::new();
    let mut duplicates = 0;
    let mut longest_gap: Option<(i64, i64)> = None;
    let mut latest: Option<(i64, i64)> = None;
    let mut recent = Duplicates::new(DUPLICATE_WINDOW_NS);
    while let Some((meta, bytes)) = reader.next()? {
        *link_types.entry(meta.link_type).or_default() += 1;
        if !meta.timed {
            continue;
        }
        duplicates += u64::from(recent.is_one(meta, bytes));
        if let Some((ts, number)) = latest {
            let gap = meta.ts_ns.saturating_sub(ts);
            if gap > longest_gap.map_or(0, |(longest, _)| longest) {
                longest_gap = Some((gap, number));
            }
        }
        if latest.is_none_or(|(ts, _)| meta.ts_ns >= ts) {
            latest = Some((meta.ts_ns, meta.number));
        }
    }
    Ok(Inspection {
        facts: reader.into_facts(),
        duplicates,
        longest_gap,
        link_types,
    })
}
