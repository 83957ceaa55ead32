//! The stages `labels/<set>` and `labeled/<set>`: ground truth joined with the flows.

use std::path::PathBuf;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use netcap_proto::{CLAIM, FLOW, FLOW_LABEL, TABLES, Table};
use rayon::prelude::*;
use serde::Serialize;

use super::Made;
use super::tables::TABLES_STAGE;
use crate::dataset::{Input, Output, StageFacts, fingerprint, hash_file};
use crate::error::{Error, Finding, Result, Severity};
use crate::label::{
    FlowLabels, GroundTruth, Labeler, Misses, Report, Tally, flow_columns, label_batch, look_batch,
    read,
};
use crate::output::{FileFacts, Layout, Stage, TableWriter, hex, read_table, write_atomically};

/// A label set to be made.
#[derive(Debug, Clone)]
pub struct LabelRequest {
    /// Its name.
    pub set: String,
    /// The ground truth files.
    pub files: Vec<PathBuf>,
    /// Tables to write with label columns, beside `flow`.
    pub materialize: Vec<&'static str>,
}

/// What decides the bytes of a label set, beside its files.
#[derive(Debug, Serialize)]
struct Effective<'a> {
    set: &'a str,
    materialize: &'a [&'static str],
}

/// Ground truth, read and put together: also to check it before anything is decoded.
pub struct Truth {
    labeler: Labeler,
    /// The files.
    pub inputs: Vec<Input>,
}

/// Reads and checks ground truth files.
pub fn read_truth(files: &[PathBuf]) -> Result<Truth> {
    let columns = flow_columns();
    let mut truths: Vec<GroundTruth> = Vec::new();
    let mut inputs = Vec::new();
    for file in files {
        truths.push(read(file, &columns)?);
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
    Ok(Truth {
        labeler: Labeler::new(&truths)?,
        inputs,
    })
}

/// Names of the two stages of a set.
pub fn label_stages(set: &str) -> [String; 2] {
    [format!("labels/{set}"), format!("labeled/{set}")]
}

/// Makes a label set, unless it is there. The report is given if it was made now.
pub fn make_labels(
    output: &mut Output,
    request: &LabelRequest,
    force: bool,
) -> Result<(Made, Option<Report>)> {
    check_name(&request.set)?;
    let truth = read_truth(&request.files)?;
    let tables = output.manifest().stages.get(TABLES_STAGE).ok_or_else(|| {
        Error::new("this output has no tables to label").help("run `netcap decode` first")
    })?;
    if !tables.tables.contains_key(FLOW.name) {
        return Err(
            Error::new("this output has no flow table, which labels are joined with")
                .in_file(output.path())
                .help("decode again with the table flow"),
        );
    }
    let effective = Effective {
        set: &request.set,
        materialize: &request.materialize,
    };
    let options = serde_json::to_value(&effective)
        .map_err(|e| Error::because("options could not be written", e))?;
    let print = fingerprint(&(&tables.fingerprint, &options, &truth.inputs))?;
    let [labels_name, labeled_name] = label_stages(&request.set);
    if !force && output.has(&labels_name, &print) && output.has(&labeled_name, &print) {
        return Ok((Made::Before, None));
    }
    // Exports of this set are made of it.
    output.retain(|stage| {
        stage != labels_name && stage != labeled_name && !is_export_of(stage, &request.set)
    })?;

    let labels_stage = output.begin(&labels_name)?;
    let labeled_stage = output.begin(&labeled_name)?;
    let mut labels = writer(
        Layout::plain(&FLOW_LABEL),
        &labels_stage,
        &labels_name,
        "flow",
    )?;
    let mut claims = writer(Layout::plain(&CLAIM), &labels_stage, &labels_name, "claims")?;
    let mut labeled = writer(
        Layout::labeled(&FLOW),
        &labeled_stage,
        &labeled_name,
        FLOW.name,
    )?;
    let labeled_schema = Layout::labeled(&FLOW).schema();
    let mut tally = Tally::default();
    let mut carried = FlowLabels::default();
    for_each_chunk(output, &FLOW, |chunk| {
        let made: Vec<_> = chunk
            .par_iter()
            .map(|batch| label_batch(&truth.labeler, batch))
            .collect::<Result<_>>()?;
        for (batch, made) in chunk.iter().zip(made) {
            tally.merge(&made.tally);
            labels.write(&made.labels)?;
            claims.write(&made.claims)?;
            let with_labels = beside(batch, &made.labels, &labeled_schema)?;
            labeled.write(&with_labels)?;
            if !request.materialize.is_empty() {
                carried.add(&plain(&made.labels)?)?;
            }
        }
        Ok(())
    })?;
    let misses = Misses::new(&truth.labeler, &tally);
    let misses = look_for(output, &truth.labeler, misses)?;
    let report = Report::new(&truth.labeler, &tally, Some(&misses));

    let mut facts = StageFacts {
        fingerprint: print.clone(),
        options: options.clone(),
        inputs: truth.inputs.clone(),
        findings: findings(&report, &request.set),
        ..StageFacts::default()
    };
    facts.tables.insert("flow".to_owned(), labels.finish()?);
    facts.tables.insert("claims".to_owned(), claims.finish()?);
    facts
        .files
        .push(write_report(&labels_stage, &labels_name, &report)?);

    let mut labeled_facts = StageFacts {
        fingerprint: print,
        options,
        inputs: truth.inputs.clone(),
        ..StageFacts::default()
    };
    labeled_facts
        .tables
        .insert(FLOW.name.to_owned(), labeled.finish()?);
    for table in request
        .materialize
        .iter()
        .filter_map(|name| Table::find(name))
    {
        if table.name == FLOW.name {
            continue;
        }
        let layout = Layout::labeled(table);
        let schema = layout.schema();
        let mut out = writer(layout, &labeled_stage, &labeled_name, table.name)?;
        for_each_chunk(output, table, |chunk| {
            let made: Vec<RecordBatch> = chunk
                .par_iter()
                .map(|batch| beside(batch, &carried.of(batch)?, &schema))
                .collect::<Result<_>>()?;
            made.iter().try_for_each(|batch| out.write(batch))
        })?;
        labeled_facts
            .tables
            .insert(table.name.to_owned(), out.finish()?);
    }
    output.commit(&labels_name, labels_stage, facts)?;
    output.commit(&labeled_name, labeled_stage, labeled_facts)?;
    Ok((Made::Now, Some(report)))
}

/// Tables that can be labeled by their column `flow`.
pub fn materializable() -> impl Iterator<Item = &'static Table> {
    TABLES
        .iter()
        .copied()
        .filter(|t| t.column("flow").is_some())
}

fn is_export_of(stage: &str, set: &str) -> bool {
    stage
        .strip_prefix("exports/")
        .is_some_and(|name| name.ends_with(&format!("-{set}")))
}

fn check_name(set: &str) -> Result<()> {
    let good = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
    if set.is_empty() || set.starts_with('.') || !set.chars().all(good) {
        return Err(Error::new(format!("\"{set}\" is no name for a label set"))
            .help("use letters, digits, _ and -"));
    }
    Ok(())
}

fn writer(layout: Layout, stage: &Stage, prefix: &str, folder: &str) -> Result<TableWriter> {
    let mut writer = TableWriter::new(layout);
    writer.begin_folder(&stage.path().join(folder), &format!("{prefix}/{folder}"))?;
    Ok(writer)
}

/// Reads a decoded table in chunks of batches, for work in parallel within bounded memory.
fn for_each_chunk(
    output: &Output,
    table: &'static Table,
    mut work: impl FnMut(&[RecordBatch]) -> Result<()>,
) -> Result<()> {
    const CHUNK: usize = 32;
    let stage = output.manifest().stages.get(TABLES_STAGE);
    if stage
        .and_then(|s| s.tables.get(table.name))
        .is_none_or(|t| t.rows == 0)
    {
        return Ok(());
    }
    let folder = output.path().join(TABLES_STAGE).join(table.name);
    let mut batches = read_table(&folder, &Layout::plain(table))?;
    loop {
        let chunk: Vec<RecordBatch> = batches.by_ref().take(CHUNK).collect::<Result<_>>()?;
        if chunk.is_empty() {
            return Ok(());
        }
        work(&chunk)?;
    }
}

/// A table's batch with the label columns of a batch of `flow_label`.
fn beside(batch: &RecordBatch, labels: &RecordBatch, schema: &SchemaRef) -> Result<RecordBatch> {
    let labels = plain(labels)?;
    // All but the first column, the flow.
    let columns = batch
        .columns()
        .iter()
        .chain(labels.columns().iter().skip(1));
    Ok(RecordBatch::try_new(
        schema.clone(),
        columns.cloned().collect(),
    )?)
}

/// A batch of `flow_label` with texts in place of keys into dictionaries.
fn plain(labels: &RecordBatch) -> Result<RecordBatch> {
    let schema = Layout::plain(&FLOW_LABEL).schema();
    let columns = labels.columns().iter().zip(schema.fields());
    let columns = columns.map(|(c, f)| arrow::compute::cast(c, f.data_type()));
    Ok(RecordBatch::try_new(
        schema.clone(),
        columns.collect::<Result<_, _>>()?,
    )?)
}

fn look_for(output: &Output, labeler: &Labeler, mut misses: Misses) -> Result<Misses> {
    if misses.is_empty() {
        return Ok(misses);
    }
    for_each_chunk(output, &FLOW, |chunk| {
        chunk
            .iter()
            .try_for_each(|batch| look_batch(labeler, batch, &mut misses))
    })?;
    Ok(misses)
}

fn findings(report: &Report, set: &str) -> Vec<Finding> {
    report
        .findings
        .iter()
        .map(|finding| {
            let mut finding = finding.clone();
            // Which set, where a pipeline has several.
            let subject = finding.subject.take();
            finding.subject =
                Some(subject.map_or_else(|| set.to_owned(), |s| format!("{set}: {s}")));
            finding
        })
        .filter(|finding| finding.severity >= Severity::Information)
        .collect()
}

fn write_report(stage: &Stage, prefix: &str, report: &Report) -> Result<FileFacts> {
    use sha2::{Digest, Sha256};
    let text = report.to_json();
    write_atomically(&stage.path().join("report.json"), text.as_bytes())?;
    Ok(FileFacts {
        path: format!("{prefix}/report.json"),
        bytes: text.len() as u64,
        sha256: hex(&Sha256::digest(text.as_bytes())),
    })
}
