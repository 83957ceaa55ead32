//! What a label report needs to know of an output beside its flows: clocks in the traffic, duplicates,
//! packets out of order. What was not decoded is not known, and not told.

use std::collections::{BTreeMap, BTreeSet};

use netcap_proto::{CAPTURE, CLOCK, FLOW, Table};

use super::decoded::read_plain;
use super::tables::TABLES_STAGE;
use crate::batch::{int64, text};
use crate::dataset::Contents;
use crate::error::Result;
use crate::label::{ClockSeen, Surroundings};

/// Looks at the tables of an output, of which `flows` is labeled.
pub(super) fn look_around(contents: &Contents, flows: &Table) -> Result<Surroundings> {
    let counts = contents.manifest().counts;
    let mut disordered = 0;
    let mut captures = Vec::new();
    for batch in read_plain(contents, &CAPTURE)? {
        let batch = batch?;
        let column = int64(&batch, "disordered_packets")?;
        disordered += column.iter().flatten().sum::<i64>().unsigned_abs();
        let (packets, ends) = (int64(&batch, "packets")?, text(&batch, "end")?);
        captures.extend((0..batch.num_rows()).map(|row| {
            let all = ends.value(row) != "not reached";
            all.then(|| packets.value(row).unsigned_abs())
        }));
    }
    Ok(Surroundings {
        without_packets: flows.name != FLOW.name,
        packet_claims: BTreeMap::new(),
        clocks: clocks(contents)?,
        captures,
        packets: counts.read,
        duplicates: counts.kept_duplicates,
        // Put in order, they say nothing of the flows.
        disordered: if is_reordered(contents) {
            0
        } else {
            disordered
        },
    })
}

/// Whether packets were put in order of time while they were decoded.
fn is_reordered(contents: &Contents) -> bool {
    let stage = contents.stage(TABLES_STAGE);
    let option = stage.and_then(|stage| stage.options.get("arrangement")?.get("reorder_ns"));
    option.is_some_and(|option| !option.is_null())
}

#[derive(Default)]
struct Stated {
    differences: Vec<i64>,
    servers: BTreeSet<String>,
    resolution_ns: i64,
}

fn clocks(contents: &Contents) -> Result<Vec<ClockSeen>> {
    let mut kinds: BTreeMap<String, Stated> = BTreeMap::new();
    for batch in read_plain(contents, &CLOCK)? {
        let batch = batch?;
        let (protocols, servers) = (text(&batch, "protocol")?, text(&batch, "src_ip")?);
        let resolutions = int64(&batch, "resolution_ns")?;
        let differences = int64(&batch, "difference_ns")?;
        for row in 0..batch.num_rows() {
            let kind = kinds.entry(protocols.value(row).to_owned()).or_default();
            kind.differences.push(differences.value(row));
            kind.servers.insert(servers.value(row).to_owned());
            kind.resolution_ns = resolutions.value(row);
        }
    }
    let seen = kinds.into_iter().map(|(protocol, mut stated)| {
        stated.differences.sort_unstable();
        // Between two values as far as they lie apart there.
        let at = |quarter: usize| {
            let quarters = (stated.differences.len() - 1) * quarter;
            let value = |place: usize| stated.differences.get(place).copied();
            let low = value(quarters / 4).unwrap_or(0);
            let high = value(quarters / 4 + 1).unwrap_or(low);
            let part = i64::try_from(quarters % 4).unwrap_or(0);
            low.saturating_add(high.saturating_sub(low) / 4 * part)
        };
        ClockSeen {
            protocol,
            messages: stated.differences.len() as u64,
            servers: stated.servers.len() as u64,
            quartiles_ns: [at(1), at(2), at(3)],
            resolution_ns: stated.resolution_ns,
        }
    });
    Ok(seen.collect())
}
