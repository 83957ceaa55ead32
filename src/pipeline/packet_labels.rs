//! The tables `packet_labels` and `packet_claims` of a label set: packets that have labels of their own.

use std::collections::BTreeMap;

use netcap_proto::{ARP, IPV4, IPV6, PACKET_CLAIM, PACKET_LABEL};

use super::decoded::read_columns;
use super::label_sets::writer;
use super::truth::packets;
use crate::dataset::Contents;
use crate::error::Result;
use crate::label::{Basis, PacketCounts, PacketRows, PacketRules, label_without_flow};
use crate::output::{Layout, Stage, TableFacts};

/// Names of the two tables in a stage of labels.
pub(super) const PACKET_LABELS: &str = "packet_labels";
pub(super) const PACKET_CLAIMS: &str = "packet_claims";

/// What rows without a flow are labeled by, as far as their table has it.
const ADDRESSED: [&str; 9] = [
    "capture", "packet", "flow", "ts", "src_ip", "dst_ip", "src_mac", "dst_mac", "protocol",
];

/// What was written, and what of it rules claim.
pub(super) struct PacketTables {
    /// Both tables, by name.
    pub(super) tables: [(String, TableFacts); 2],
    /// By the number of the rule.
    pub(super) counts: BTreeMap<usize, PacketCounts>,
}

/// Writes both tables.
pub(super) fn write_packet_labels(
    contents: &Contents,
    basis: &Basis<'_>,
    rules: Option<&PacketRules<'_>>,
    stage: &Stage,
    prefix: &str,
) -> Result<PacketTables> {
    let mut labels = writer(Layout::plain(&PACKET_LABEL), stage, prefix, PACKET_LABELS)?;
    let mut claims = writer(Layout::plain(&PACKET_CLAIM), stage, prefix, PACKET_CLAIMS)?;
    let mut rows = PacketRows::default();
    // Of packets of IP only fragments have no flow.
    let fragments = (contents.manifest().counts.fragments > 0).then_some([&IPV4, &IPV6]);
    for table in [&ARP].into_iter().chain(fragments.into_iter().flatten()) {
        for batch in read_columns(contents, table, &ADDRESSED)? {
            label_without_flow(basis.labeler, &batch?, &mut rows)?;
        }
    }
    let mut write = |batches: Option<crate::label::PacketBatches>| -> Result<()> {
        if let Some(batches) = batches {
            labels.write(&batches.labels)?;
            claims.write(&batches.claims)?;
        }
        Ok(())
    };
    if let Some(rules) = rules {
        for batch in packets(contents)? {
            rules.label(&batch?, &basis.packets, &mut rows)?;
            write(rows.take_full()?)?;
        }
    }
    write(rows.take_rest(basis.labeler)?)?;
    Ok(PacketTables {
        tables: [
            (PACKET_LABELS.to_owned(), labels.finish()?),
            (PACKET_CLAIMS.to_owned(), claims.finish()?),
        ],
        counts: rows.counts().clone(),
    })
}
