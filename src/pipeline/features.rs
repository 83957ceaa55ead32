//! The stage `features/<name>`: a feature set calculated from the flows of an output.

use std::collections::HashSet;
use std::path::Path;

use arrow::array::{ArrayRef, AsArray, RecordBatch};
use arrow::compute::concat_batches;
use arrow::datatypes::Int64Type;
use netcap_proto::{FLOW_PACKET, Table};
use rayon::prelude::*;

use super::Made;
use super::decoded::{decoded, has_table};
use super::label_sets::{check_labels, label_stages, read_labels};
use super::tables::TABLES_STAGE;
use super::values::check_name;
use crate::dataset::{Contents, Output, StageFacts, check_free, fingerprint};
use crate::error::{Error, Result};
use crate::feature::{Evaluator, FeatureSet, Form, History, OF_HISTORY};
use crate::label::FlowLabels;
use crate::output::export::{Format, export_unhashed};
use crate::output::{Batches, ParquetFiles, TableFacts, TableWriter};

/// Batches that are calculated in parallel.
const CHUNK: usize = 32;

/// A feature table to be made.
#[derive(Debug)]
pub struct FeatureRequest {
    /// Its name: that of its folder.
    pub name: String,
    /// The set, in its dialect.
    pub set: FeatureSet,
    /// The label set whose labels are added.
    pub labels: Option<String>,
    /// Columns that tell flows apart are written too.
    pub with_ids: bool,
    /// Original spellings.
    pub naming: Option<String>,
}

impl FeatureRequest {
    /// Name of the stage.
    pub fn stage(&self) -> String {
        format!("features/{}", self.name)
    }

    /// The decoded tables that it is made of.
    pub fn tables(&self) -> Vec<&'static Table> {
        let mut tables = vec![self.set.flows];
        tables.extend(self.set.grouped.then_some(&FLOW_PACKET));
        tables
    }

    /// How the table is written.
    pub fn form(&self) -> Form {
        Form {
            with_ids: self.with_ids,
            labeled: self.labels.is_some(),
            naming: self.naming.clone(),
        }
    }

    /// What decides the bytes, beside the tables and labels.
    pub(super) fn options(&self) -> Result<serde_json::Value> {
        let columns = self.set.ids.iter().chain(&self.set.features);
        let columns: Vec<_> = columns.map(|f| (&f.name, &f.sql, &f.names)).collect();
        Ok(serde_json::json!({
            "set": self.set.name,
            "dialect": self.set.dialect,
            "policy": self.set.policy,
            "version": self.set.version,
            "labels": self.labels,
            "with_ids": self.with_ids,
            "naming": self.naming,
            "definitions": fingerprint(&columns)?,
        }))
    }
}

/// Makes a feature table as a stage of the output, unless it is there.
pub fn make_features(output: &mut Output, request: &FeatureRequest, force: bool) -> Result<Made> {
    check_name(&request.name, "a feature table")?;
    let name = request.stage();
    let made = [(name.as_str(), vec![request.name.as_str()])];
    check_free(output.manifest(), &made, "the feature table", &request.name)?;
    let mut from = vec![TABLES_STAGE.to_owned()];
    from.extend(
        request
            .labels
            .iter()
            .map(|set| label_stages(set)[0].clone()),
    );
    let prints: Vec<Option<&str>> = from
        .iter()
        .map(|stage| Some(output.manifest().stages.get(stage)?.fingerprint.as_str()))
        .collect();
    let options = request.options()?;
    let print = fingerprint(&(&prints, &options))?;
    // Before all: of tables that are no longer what they were, features that are there say nothing.
    let evaluator = Evaluator::new(&request.set, &request.form())?;
    check_sources(output.contents(), request, &evaluator)?;
    if !force && output.has(&name, &print) {
        return Ok(Made::Before);
    }
    let features = Features::with(evaluator, output.contents(), request)?;
    let stage = output.begin(&name)?;
    let mut facts = StageFacts {
        fingerprint: print,
        options,
        ..StageFacts::default()
    };
    // Without a folder of its own: there is one table.
    let made = features.write_parquet(stage.path(), &name)?;
    facts.tables.insert(request.name.clone(), made);
    output.commit(&name, stage, facts)?;
    Ok(Made::Now)
}

/// Writes a feature table of an output into a folder that no manifest tells of, as Parquet or in another format.
pub fn write_features(
    contents: &Contents,
    request: &FeatureRequest,
    format: Option<Format>,
    folder: &Path,
) -> Result<()> {
    let features = Features::open(contents, request)?;
    let Some(format) = format else {
        features.write_parquet(folder, "")?;
        return Ok(());
    };
    let layout = features.evaluator.layout().clone();
    let path = folder.join(format.file_name(&request.name));
    export_unhashed(features, &layout, format, &path)
}

/// The batches of a feature table, as they are calculated.
pub(super) struct Features {
    pub(super) evaluator: Evaluator,
    flows: Option<Batches>,
    packets: Option<FirstPackets>,
    history: Option<History>,
    labels: Option<FlowLabels>,
    /// Calculated and not yet given.
    ready: std::vec::IntoIter<RecordBatch>,
}

impl Features {
    pub(super) fn open(contents: &Contents, request: &FeatureRequest) -> Result<Self> {
        let evaluator = Evaluator::new(&request.set, &request.form())?;
        Self::with(evaluator, contents, request)
    }

    fn with(evaluator: Evaluator, contents: &Contents, request: &FeatureRequest) -> Result<Self> {
        check_first_packets(contents, &request.set)?;
        let flows = open(contents, &request.set, request.set.flows)?;
        let packets = match evaluator.of_packets() {
            None => None,
            Some(columns) => {
                let files = open(contents, &request.set, &FLOW_PACKET)?;
                files.map(|files| FirstPackets::new(files.columns(columns)))
            }
        };
        let of_history = flows.as_ref().filter(|_| request.set.with_history);
        let history = of_history.map(|files| history(files, &request.set));
        let labels = request.labels.as_deref();
        let labels = labels
            .map(|set| read_labels(contents, set, request.set.flows))
            .transpose()?;
        Ok(Self {
            flows: flows.map(|files| files.columns(evaluator.of_flows())),
            packets,
            history: history.transpose()?,
            labels,
            evaluator,
            ready: Vec::new().into_iter(),
        })
    }

    fn write_parquet(self, folder: &Path, prefix: &str) -> Result<TableFacts> {
        let mut writer = TableWriter::new(self.evaluator.layout().clone());
        writer.begin_folder(folder, prefix)?;
        for batch in self {
            writer.write(&batch?)?;
        }
        // With its columns also if there are no flows.
        writer.finish_even_empty()
    }

    /// Calculates the next batches; none at the end.
    fn calculate(&mut self) -> Result<Vec<RecordBatch>> {
        let flows: Vec<RecordBatch> = match &mut self.flows {
            Some(flows) => flows.by_ref().take(CHUNK).collect::<Result<_>>()?,
            None => Vec::new(),
        };
        let mut packets = Vec::new();
        if let Some(first) = &mut self.packets {
            for batch in &flows {
                packets.push(first.of(batch)?);
            }
            if flows.is_empty() {
                first.check_end()?;
            }
        }
        let (evaluator, labels) = (&self.evaluator, self.labels.as_ref());
        let history = self.history.as_ref();
        flows
            .par_iter()
            .enumerate()
            .map(|(i, batch)| {
                let label = labels.map(|labels| label(labels, batch)).transpose()?;
                let beside = history.map(|history| history.beside(batch)).transpose()?;
                evaluator.evaluate(beside.as_ref().unwrap_or(batch), packets.get(i), label)
            })
            .collect()
    }
}

impl Iterator for Features {
    type Item = Result<RecordBatch>;

    fn next(&mut self) -> Option<Self::Item> {
        if let Some(batch) = self.ready.next() {
            return Some(Ok(batch));
        }
        match self.calculate() {
            Ok(batches) => {
                self.ready = batches.into_iter();
                self.ready.next().map(Ok)
            }
            Err(error) => {
                self.flows = None;
                self.packets = None;
                Some(Err(error))
            }
        }
    }
}

/// The files of a decoded table, or none if it has no rows; an error if it was not decoded.
pub(super) fn open(
    contents: &Contents,
    set: &FeatureSet,
    table: &'static Table,
) -> Result<Option<ParquetFiles>> {
    if !has_table(contents, table) {
        return Err(missing(set, table).in_file(contents.path()));
    }
    Ok(decoded(contents, table)?.map(|(files, _)| files))
}

/// Looks whether the files of what features are made of are as they were written; reads none of their rows.
fn check_sources(
    contents: &Contents,
    request: &FeatureRequest,
    evaluator: &Evaluator,
) -> Result<()> {
    open(contents, &request.set, request.set.flows)?;
    if evaluator.of_packets().is_some() {
        open(contents, &request.set, &FLOW_PACKET)?;
    }
    match &request.labels {
        Some(set) => check_labels(contents, set, request.set.flows),
        None => Ok(()),
    }
}

/// The table of first packets has as many of each flow as a set names.
fn check_first_packets(contents: &Contents, set: &FeatureSet) -> Result<()> {
    let tables = contents.stage(TABLES_STAGE);
    let decoded = tables.and_then(|stage| stage.options.get("first_packets")?.as_u64());
    match (set.first_packets, decoded) {
        (Some(needed), Some(decoded)) if decoded < needed => Err(Error::new(format!(
            "the set {} names the first {needed} packets of each flow, and the table {} has {decoded}",
            set.name, FLOW_PACKET.name
        ))
        .help(format!(
            "decode again with `--first-packets {needed}`, or `flow: {{first-packets: {needed}}}` in the pipeline"
        ))),
        _ => Ok(()),
    }
}

/// What hosts did before each flow of a table.
fn history(files: &ParquetFiles, set: &FeatureSet) -> Result<History> {
    let mut history = History::default();
    for batch in files.columns(&OF_HISTORY) {
        history.add(&batch?)?;
    }
    history.finish(&set.used());
    Ok(history)
}

/// The output has no table that a set is made of.
fn missing(set: &FeatureSet, table: &Table) -> Error {
    let what = match table.on_request {
        true => format!(
            "decode again: `netcap decode CAPTURE --out DIR --tables +{0}`, or `tables: [+{0}]` in the pipeline",
            table.name
        ),
        false => format!("decode again with the table {}", table.name),
    };
    Error::new(format!(
        "this output has no table {}, which the feature set {} (policy {}) is made of",
        table.name, set.name, set.policy
    ))
    .help(what)
}

fn label(labels: &FlowLabels, flows: &RecordBatch) -> Result<ArrayRef> {
    let labels = labels.of(flows)?;
    let label = labels.column_by_name("label");
    Ok(label
        .ok_or_else(|| Error::new("the labels have no column label"))?
        .clone())
}

/// The first packets of flows, read along with the flows: both tables have the flows in the same order.
struct FirstPackets {
    batches: Batches,
    /// Read and not yet given.
    rest: RecordBatch,
}

impl FirstPackets {
    fn new(batches: Batches) -> Self {
        Self {
            rest: RecordBatch::new_empty(batches.schema()),
            batches,
        }
    }

    /// The packets of the flows of a batch, which come next.
    fn of(&mut self, flows: &RecordBatch) -> Result<RecordBatch> {
        let wanted: HashSet<i64> = flow_column(flows)?.iter().copied().collect();
        let mut parts = Vec::new();
        loop {
            let others = flow_column(&self.rest)?
                .iter()
                .position(|flow| !wanted.contains(flow));
            if let Some(end) = others {
                parts.push(self.rest.slice(0, end));
                self.rest = self.rest.slice(end, self.rest.num_rows() - end);
                break;
            }
            parts.push(self.rest.clone());
            self.rest = match self.batches.next() {
                Some(batch) => batch?,
                None => {
                    self.rest = RecordBatch::new_empty(self.batches.schema());
                    break;
                }
            };
        }
        Ok(concat_batches(&self.batches.schema(), &parts)?)
    }

    /// All packets were of flows that came.
    fn check_end(&mut self) -> Result<()> {
        if self.rest.num_rows() == 0 && self.batches.next().is_none() {
            return Ok(());
        }
        Err(Error::new(
            "the tables flow and flow_packets do not have the same flows in the same order",
        )
        .help("`netcap verify` tells which files are not as they were written"))
    }
}

fn flow_column(batch: &RecordBatch) -> Result<&[i64]> {
    let column = batch.column_by_name("flow");
    let column = column.and_then(|c| c.as_primitive_opt::<Int64Type>());
    let column = column.ok_or_else(|| Error::new("a table of flows has no column flow"))?;
    Ok(column.values())
}
