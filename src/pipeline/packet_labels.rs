//! The tables `packet_labels` and `packet_claims` of a label set: packets that have labels of their own.

use std::path::Path;

use netcap_proto::{ARP, IPV4, IPV6, PACKET_CLAIM, PACKET_LABEL};

use super::exports::{read_columns, read_plain};
use super::truth::packets;
use crate::dataset::Manifest;
use crate::error::Result;
use crate::label::{Basis, PacketRows, PacketRules, label_without_flow};
use crate::output::{Layout, Stage, TableFacts, TableWriter};

/// Names of the two tables in a stage of labels.
pub(super) const PACKET_LABELS: &str = "packet_labels";
pub(super) const PACKET_CLAIMS: &str = "packet_claims";

/// Writes both tables; gives them by name.
pub(super) fn write_packet_labels(
    input: &Path,
    manifest: &Manifest,
    basis: &Basis<'_>,
    rules: Option<&PacketRules<'_>>,
    stage: &Stage,
    prefix: &str,
) -> Result<[(String, TableFacts); 2]> {
    let writer = |layout, folder: &str| {
        let mut writer = TableWriter::new(layout);
        writer.begin_folder(&stage.path().join(folder), &format!("{prefix}/{folder}"))?;
        Ok::<_, crate::error::Error>(writer)
    };
    let mut labels = writer(Layout::plain(&PACKET_LABEL), PACKET_LABELS)?;
    let mut claims = writer(Layout::plain(&PACKET_CLAIM), PACKET_CLAIMS)?;
    let mut rows = PacketRows::default();
    for batch in read_plain(input, manifest, &ARP)? {
        label_without_flow(basis.labeler, &batch?, &mut rows)?;
    }
    // Of packets of IP only fragments have no flow.
    if manifest.counts.fragments > 0 {
        let names = [
            "capture", "packet", "flow", "ts", "src_ip", "dst_ip", "protocol",
        ];
        for table in [&IPV4, &IPV6] {
            for batch in read_columns(input, manifest, table, &names)? {
                label_without_flow(basis.labeler, &batch?, &mut rows)?;
            }
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
        for batch in packets(input, manifest)? {
            rules.label(&batch?, &basis.packets, &mut rows)?;
            write(rows.take_full()?)?;
        }
    }
    write(rows.finish(basis.labeler)?)?;
    Ok([
        (PACKET_LABELS.to_owned(), labels.finish()?),
        (PACKET_CLAIMS.to_owned(), claims.finish()?),
    ])
}
