//! The stage `exports/<name>`: tables in other formats.

use std::collections::BTreeMap;
use std::path::Path;

use arrow::array::RecordBatch;
use netcap_proto::{TABLES, Table};
use rayon::prelude::*;
use serde::Serialize;

use super::Made;
use super::decoded::{decoded, read_plain};
use super::label_sets::{flows_of, label_stages, read_labels};
use super::tables::TABLES_STAGE;
use crate::dataset::{Contents, Manifest, Output, StageFacts, fingerprint};
use crate::error::{Error, Result};
use crate::label::FlowLabels;
use crate::output::export::{Format, export, export_descriptors, export_unhashed};
use crate::output::{FileFacts, Layout};

/// An export to be made.
#[derive(Debug, Clone, Serialize)]
pub struct ExportRequest {
    /// Its format.
    pub format: Format,
    /// Tables, in listing order; `None` for all.
    pub tables: Option<Vec<&'static str>>,
    /// The label set whose columns are added to tables of flows and packets.
    pub labels: Option<String>,
}

impl ExportRequest {
    /// Name of the stage.
    pub fn stage(&self) -> String {
        match &self.labels {
            Some(set) => format!("exports/{}-{set}", self.format),
            None => format!("exports/{}", self.format),
        }
    }

    fn tables(&self, manifest: &Manifest) -> Result<Vec<&'static Table>> {
        let stage = manifest.stages.get(TABLES_STAGE).ok_or_else(|| {
            Error::new("this output has no tables to export").help("run `netcap decode` first")
        })?;
        if let Some(missing) = self
            .tables
            .iter()
            .flatten()
            .find(|name| !stage.tables.contains_key(**name))
        {
            return Err(Error::new(format!(
                "this output has no table {missing}: it was not decoded"
            ))
            .help("decode again with this table"));
        }
        let wanted = |table: &&'static Table| {
            stage.tables.contains_key(table.name)
                && self
                    .tables
                    .as_ref()
                    .is_none_or(|names| names.contains(&table.name))
        };
        Ok(TABLES.iter().copied().filter(wanted).collect())
    }
}

/// Makes an export as a stage of the output, unless it is there.
pub fn make_export(output: &mut Output, request: &ExportRequest, force: bool) -> Result<Made> {
    let name = request.stage();
    let mut from = vec![TABLES_STAGE.to_owned()];
    from.extend(
        request
            .labels
            .iter()
            .map(|set| label_stages(set)[0].clone()),
    );
    let mut prints = Vec::new();
    for stage in &from {
        let facts = output.manifest().stages.get(stage);
        prints.push(facts.ok_or_else(|| no_labels(stage))?.fingerprint.clone());
    }
    let options = serde_json::to_value(request)
        .map_err(|e| Error::because("options could not be written", e))?;
    let fingerprint = fingerprint(&(&prints, &options))?;
    // What is made of tables that are no longer what they were says nothing of them.
    for table in request.tables(output.manifest())? {
        decoded(output.contents(), table)?;
    }
    if !force && output.has(&name, &fingerprint) {
        return Ok(Made::Before);
    }
    let stage = output.begin(&name)?;
    let files = write_stage(output.contents(), request, stage.path(), &name)?;
    let facts = StageFacts {
        fingerprint,
        options,
        files,
        ..StageFacts::default()
    };
    output.commit(&name, stage, facts)?;
    Ok(Made::Now)
}

fn no_labels(stage: &str) -> Error {
    Error::new(format!("this output has no {stage}")).help("run `netcap label` first")
}

/// Writes an export into the folder of a stage, which the facts call `prefix`.
fn write_stage(
    contents: &Contents,
    request: &ExportRequest,
    folder: &Path,
    prefix: &str,
) -> Result<Vec<FileFacts>> {
    let mut files = each_table(contents, request, &|batches, layout, name| {
        let called = format!("{prefix}/{name}");
        export(batches, layout, request.format, &folder.join(name), &called)
    })?;
    if request.format == Format::Protobuf {
        files.push(export_descriptors(folder, prefix)?);
    }
    Ok(files)
}

/// Writes an export of an output into a folder that no manifest tells of; gives the number of files.
pub fn write_export(contents: &Contents, request: &ExportRequest, folder: &Path) -> Result<usize> {
    let files = each_table(contents, request, &|batches, layout, name| {
        export_unhashed(batches, layout, request.format, &folder.join(name))
    })?;
    if request.format == Format::Protobuf {
        export_descriptors(folder, "")?;
        return Ok(files.len() + 1);
    }
    Ok(files.len())
}

/// Writes a table into a file of that name.
type Write<'w, T> =
    dyn Fn(&mut dyn Iterator<Item = Result<RecordBatch>>, &Layout, &str) -> Result<T> + Sync + 'w;

/// Has the tables of an export written, in parallel; gives what became of each.
fn each_table<T: Send>(
    contents: &Contents,
    request: &ExportRequest,
    write: &Write<'_, T>,
) -> Result<Vec<T>> {
    let tables = request.tables(contents.manifest())?;
    let labels = Labels::read(contents, request.labels.as_deref(), &tables)?;
    let one = |table| {
        let labels = labels.of(table);
        let layout = if labels.is_some() {
            Layout::labeled(table)
        } else {
            Layout::plain(table)
        };
        let schema = layout.schema();
        let mut batches = read_plain(contents, table)?.map(|batch| {
            let batch = batch?;
            let Some(labels) = labels else {
                return Ok(batch);
            };
            let added = labels.of(&batch)?;
            let columns = batch.columns().iter().chain(added.columns().iter().skip(1));
            let columns = columns.zip(schema.fields());
            let columns = columns.map(|(c, f)| arrow::compute::cast(c, f.data_type()));
            Ok(RecordBatch::try_new(
                schema.clone(),
                columns.collect::<Result<_, _>>()?,
            )?)
        });
        let name = request.format.file_name(table.name);
        write(&mut batches, &layout, &name)
    };
    tables.into_par_iter().map(one).collect()
}

/// The labels of a set, by the table of flows that they are of.
struct Labels(BTreeMap<&'static str, FlowLabels>);

impl Labels {
    /// Reads what the rows of `tables` need.
    fn read(contents: &Contents, set: Option<&str>, tables: &[&'static Table]) -> Result<Self> {
        let mut all = BTreeMap::new();
        let Some(set) = set else {
            return Ok(Self(all));
        };
        for table in tables.iter().filter(|t| t.column("flow").is_some()) {
            let flows = flows_of(table);
            if !all.contains_key(flows.name) {
                all.insert(flows.name, read_labels(contents, set, flows)?);
            }
        }
        Ok(Self(all))
    }

    fn of(&self, table: &Table) -> Option<&FlowLabels> {
        table.column("flow")?;
        self.0.get(flows_of(table).name)
    }
}
