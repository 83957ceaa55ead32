//! Ground truth, read for an output: with its captures, and with what rules say of its packets and connections.

use std::path::PathBuf;

use arrow::array::Array;
use netcap_proto::{FLOW, ICMPV4, ICMPV6, PACKET, Table};

use super::decoded::{has_table, read_columns};
use crate::batch::{int32, int64};
use crate::dataset::{Contents, Input, hash_file};
use crate::error::{Error, Result};
use crate::label::{
    Basis, Captured, Connections, GroundTruth, Labeler, PacketRules, Unit, flow_columns,
    needed_columns, read,
};

/// Ground truth, read and put together.
pub struct Truth {
    labeler: Labeler,
    /// The files.
    pub inputs: Vec<Input>,
}

impl Truth {
    /// What labels flows.
    pub(super) fn labeler(&self) -> &Labeler {
        &self.labeler
    }
}

/// Reads and checks ground truth files, before there is an output.
pub fn check_truth(files: &[PathBuf]) -> Result<Truth> {
    read_files(files, None)
}

/// Reads ground truth for an output.
pub(super) fn read_truth(files: &[PathBuf], contents: &Contents) -> Result<Truth> {
    let truth = read_files(files, Some(&OfOutput(contents)))?;
    let names: Vec<String> = contents
        .manifest()
        .inputs
        .iter()
        .map(|input| input.name.clone())
        .collect();
    Ok(Truth {
        labeler: truth.labeler.with_captures(&names)?,
        ..truth
    })
}

fn read_files(files: &[PathBuf], captured: Option<&dyn Captured>) -> Result<Truth> {
    let columns = flow_columns();
    let mut truths: Vec<GroundTruth> = Vec::new();
    let mut inputs = Vec::new();
    for file in files {
        truths.push(read(file, &columns, captured)?);
        let (bytes, sha256) = hash_file(file)?;
        let name = file
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        inputs.push(Input {
            name,
            bytes: Some(bytes),
            sha256: Some(sha256),
        });
    }
    let labeler = Labeler::new(&truths)?;
    if labeler.is_empty() {
        let error = Error::new("there is no rule in it, and nothing that it vouches for");
        let error =
            error.help("add a rule, or to a label file in YAML `covers:` if there was no attack");
        return Err(match files {
            [file] => error.in_file(file),
            _ => error,
        });
    }
    Ok(Truth { labeler, inputs })
}

/// What a labeler has to know of an output beside each flow of a table; with the rules for packets, if there are any.
pub(super) fn basis<'a>(
    labeler: &'a Labeler,
    contents: &Contents,
    flows: &'static Table,
) -> Result<(Basis<'a>, Option<PacketRules<'a>>)> {
    let mut basis = Basis::new(labeler);
    if labeler.unit() == Unit::Connection {
        for batch in read_columns(contents, flows, &Connections::COLUMNS)? {
            basis.connections.add(&batch?)?;
        }
    }
    // The flows of packets are those of netcap's own policy.
    if !labeler.asks().packets || flows.name != FLOW.name {
        return Ok((basis, None));
    }
    let needed = [&PACKET, &ICMPV4, &ICMPV6];
    let needed = needed
        .iter()
        .take(if labeler.asks().icmp_errors { 3 } else { 1 });
    if let Some(missing) = needed.into_iter().find(|table| !has_table(contents, table)) {
        let name = missing.name;
        return Err(Error::new(format!(
            "the ground truth speaks of packets, and this output has no table {name}"
        ))
        .in_file(contents.path())
        .help(format!("decode with `--tables +{name}`")));
    }
    let mut rules = PacketRules::new(labeler);
    for batch in read_columns(contents, flows, &needed_columns(labeler))? {
        rules.add_flows(&batch?)?;
    }
    if labeler.asks().icmp_errors {
        for table in [&ICMPV4, &ICMPV6] {
            for batch in read_columns(contents, table, &PacketRules::ERROR_COLUMNS)? {
                rules.add_errors(&batch?)?;
            }
        }
    }
    for batch in packets(contents)? {
        rules.count(&batch?, &mut basis.packets)?;
    }
    Ok((basis, Some(rules)))
}

/// The rows of the table packet, with what rules for packets need.
pub(super) fn packets(
    contents: &Contents,
) -> Result<impl Iterator<Item = Result<arrow::array::RecordBatch>> + use<>> {
    read_columns(contents, &PACKET, &["capture", "packet", "flow", "ts_ns"])
}

/// An output, for what clocks showed at its packets.
struct OfOutput<'a>(&'a Contents);

impl Captured for OfOutput<'_> {
    fn ts_ns(&self, capture: &str, packet: u64) -> Result<i64> {
        let known = self.0.manifest().inputs.iter().enumerate();
        let mut fitting = known.filter(|(_, input)| {
            let last = input.name.rsplit('/').next().unwrap_or(&input.name);
            input.name == capture || last == capture
        });
        let ordinal = match (fitting.next(), fitting.next()) {
            (Some((ordinal, _)), None) => i32::try_from(ordinal).unwrap_or(i32::MAX),
            (None, _) => {
                return Err(Error::new(format!("the output has no capture {capture}")));
            }
            (Some(_), Some(_)) => {
                return Err(Error::new(format!(
                    "several captures are called {capture}: name its folder, too"
                )));
            }
        };
        if !has_table(self.0, &PACKET) {
            return Err(Error::new(
                "the output has no table packet: decode with `--tables +packet`",
            ));
        }
        for batch in packets(self.0)? {
            let batch = batch?;
            let (captures, numbers) = (int32(&batch, "capture")?, int64(&batch, "packet")?);
            let times = int64(&batch, "ts_ns")?;
            let found = (0..batch.num_rows()).find(|row| {
                captures.value(*row) == ordinal && u64::try_from(numbers.value(*row)) == Ok(packet)
            });
            if let Some(row) = found.filter(|row| times.is_valid(*row)) {
                return Ok(times.value(row));
            }
        }
        Err(Error::new(format!("{capture} has no packet {packet}")))
    }
}
