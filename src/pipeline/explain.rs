//! One flow of an output and what ground truth makes of it, rule by rule.

use std::net::IpAddr;
use std::path::PathBuf;

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Int64Type};
use netcap_proto::Table;

use super::decoded::read_plain;
use super::truth::{basis, read_truth};
use crate::dataset::Contents;
use crate::error::{Error, Result};
use crate::label::{Basis, Explained, explain_row};

/// Which flow is meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wanted {
    /// By its number.
    Number(i64),
    /// By its identifier to cite.
    Uid(String),
    /// By an address (and port) of each end, in either direction; the flow that is nearest to a time, or the first.
    Ends {
        /// One end.
        a: (IpAddr, Option<i64>),
        /// The other.
        b: (IpAddr, Option<i64>),
        /// Nanoseconds since 1970.
        at_ns: Option<i64>,
    },
}

/// A flow with what ground truth makes of it.
#[derive(Debug)]
pub struct FlowExplained {
    /// Its number.
    pub flow: i64,
    /// Other flows that fit what was asked for as well.
    pub others: u64,
    /// Its identifier to cite.
    pub uid: String,
    /// Address and port of the initiator and of the responder.
    pub ends: [(String, Option<i64>); 2],
    /// IP protocol number.
    pub protocol: i64,
    /// First and last packet, nanoseconds since 1970.
    pub span_ns: (i64, i64),
    /// Packets from the initiator and from the responder.
    pub packets: [i64; 2],
    /// Payload from the initiator and from the responder.
    pub payload_bytes: [i64; 2],
    /// The label, and each rule.
    pub explained: Explained,
    /// For each rule its name, its file and its line, by its number.
    pub rules: Vec<(String, String, u32)>,
}

/// Finds a flow of an output and explains what the files make of it.
pub fn explain_flow(
    contents: &Contents,
    table: &'static Table,
    files: &[PathBuf],
    wanted: &Wanted,
) -> Result<FlowExplained> {
    let truth = read_truth(files, contents)?;
    let (basis, _) = basis(truth.labeler(), contents, table)?;
    let mut best: Option<(u64, RecordBatch, usize)> = None;
    let mut fit = 0u64;
    for batch in read_plain(contents, table)? {
        let batch = batch?;
        for row in 0..batch.num_rows() {
            let Some(distance) = distance(&batch, row, wanted)? else {
                continue;
            };
            match best.as_ref().map_or(u64::MAX, |(other, _, _)| *other) {
                other if distance == other => fit += 1,
                other if distance > other => {}
                _ => {
                    fit = 1;
                    best = Some((distance, batch.clone(), row));
                }
            }
        }
        if fit > 0 && !matches!(wanted, Wanted::Ends { .. }) {
            break;
        }
    }
    let (_, batch, row) = best.ok_or_else(|| {
        Error::new(format!("the table {} has no such flow", table.name))
            .in_file(contents.path())
            .help("`netcap query \"SELECT flow, src_ip, dst_ip FROM flow LIMIT 20\" --input DIR` shows some")
    })?;
    let mut flow = describe(&basis, &batch, row)?;
    flow.others = fit.saturating_sub(1);
    Ok(flow)
}

/// How far a row is from what is wanted; `None` if it is another flow.
fn distance(batch: &RecordBatch, row: usize, wanted: &Wanted) -> Result<Option<u64>> {
    Ok(match wanted {
        Wanted::Number(flow) => (number(batch, "flow", row)? == Some(*flow)).then_some(0),
        Wanted::Uid(uid) => (text(batch, "flow_uid", row)? == *uid).then_some(0),
        Wanted::Ends { a, b, at_ns } => {
            let src = (text(batch, "src_ip", row)?, number(batch, "src_port", row)?);
            let dst = (text(batch, "dst_ip", row)?, number(batch, "dst_port", row)?);
            let is = |end: &(IpAddr, Option<i64>), found: &(String, Option<i64>)| {
                found.0.parse() == Ok(end.0) && (end.1.is_none() || end.1 == found.1)
            };
            let same = (is(a, &src) && is(b, &dst)) || (is(a, &dst) && is(b, &src));
            match (same, at_ns) {
                (false, _) => None,
                (true, None) => Some(0),
                (true, Some(at)) => {
                    let (first, last) = span(batch, row)?;
                    let nearest = (*at).clamp(first, last.max(first));
                    Some(nearest.abs_diff(*at))
                }
            }
        }
    })
}

fn describe(basis: &Basis<'_>, batch: &RecordBatch, row: usize) -> Result<FlowExplained> {
    let needed = |name: &str| number(batch, name, row).map(|n| n.unwrap_or(0));
    let labeler = basis.labeler;
    let rules = (0..labeler.rules().len()).filter_map(|n| labeler.rule(n));
    Ok(FlowExplained {
        flow: needed("flow")?,
        others: 0,
        uid: text(batch, "flow_uid", row)?,
        ends: [
            (text(batch, "src_ip", row)?, number(batch, "src_port", row)?),
            (text(batch, "dst_ip", row)?, number(batch, "dst_port", row)?),
        ],
        protocol: needed("protocol")?,
        span_ns: span(batch, row)?,
        packets: [needed("fwd_packets")?, needed("bwd_packets")?],
        payload_bytes: [needed("fwd_payload_bytes")?, needed("bwd_payload_bytes")?],
        explained: explain_row(basis, batch, row)?,
        rules: rules
            .map(|(rule, file)| (rule.id().to_owned(), file.to_owned(), rule.line()))
            .collect(),
    })
}

fn span(batch: &RecordBatch, row: usize) -> Result<(i64, i64)> {
    let first = number(batch, "ts_ns", row)?.unwrap_or(0);
    let duration = number(batch, "duration_ns", row)?.unwrap_or(0);
    Ok((first, first.saturating_add(duration)))
}

fn number(batch: &RecordBatch, name: &str, row: usize) -> Result<Option<i64>> {
    let column = batch.column_by_name(name);
    let column =
        column.ok_or_else(|| Error::new(format!("the flow table has no column {name}")))?;
    let value = cast(&column.slice(row, 1), &DataType::Int64)?;
    let value = value.as_primitive::<Int64Type>();
    Ok(value.is_valid(0).then(|| value.value(0)))
}

fn text(batch: &RecordBatch, name: &str, row: usize) -> Result<String> {
    let column = batch
        .column_by_name(name)
        .and_then(|c| c.as_string_opt::<i32>());
    let column =
        column.ok_or_else(|| Error::new(format!("the flow table has no column {name}")))?;
    Ok(column.value(row).to_owned())
}
