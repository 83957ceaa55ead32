//! The stages `labels/<set>` and `labeled/<set>`: ground truth joined with the flows.

use std::collections::BTreeMap;
use std::path::PathBuf;

use arrow::array::RecordBatch;
use netcap_proto::{ARP, CAPTURE, CLAIM, CLOCK, FINDING, FLOW, FLOW_LABEL, PACKET_LABEL, Table};
use rayon::prelude::*;
use serde::Serialize;

use super::Made;
use super::decoded::{decoded, read_columns};
use super::label_sets::{
    add_packets, first_flows, flow_tables, label_stages, stages_with_labels, writer,
};
use super::packet_labels::{PACKET_CLAIMS, PACKET_LABELS, write_packet_labels};
use super::surroundings::look_around;
use super::tables::TABLES_STAGE;
use super::truth::{basis, read_truth};
use super::values::check_name;
use crate::dataset::{Contents, Manifest, Output, StageFacts, check_free, fingerprint};
use crate::error::{Error, Finding, Result, Severity};
use crate::label::{
    Basis, FlowLabels, Misses, Report, Said, Sensitivity, SensitivityTally, Slacks, Stability,
    Surroundings, Tally, label_batch, look_batch, needed_columns, vary_batch,
};
use crate::output::{
    FileFacts, Layout, Splicer, Stage, TableFacts, TableWriter, hex, read_table, write_atomically,
};

/// A label set to be made.
#[derive(Debug, Clone)]
pub struct LabelRequest {
    /// Its name.
    pub set: String,
    /// The ground truth files.
    pub files: Vec<PathBuf>,
    /// Tables to write with label columns, beside `flow`.
    pub materialize: Vec<&'static str>,
    /// The table of flows that claims and report are of, in place of the first.
    pub policy: Option<&'static Table>,
}

/// What decides the bytes of a label set, beside its files.
#[derive(Debug, Serialize)]
struct Effective<'a> {
    set: &'a str,
    /// Of the stage with tables that have labels; the labels themselves do not depend on it.
    #[serde(skip_serializing_if = "Option::is_none")]
    materialize: Option<&'a [&'static str]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    policy: Option<&'static str>,
}

/// What became of a request for a label set.
#[derive(Debug)]
pub struct LabelSetMade {
    /// Whether it was there.
    pub made: Made,
    /// What it came to, if it was made now.
    pub report: Option<Report>,
    /// The files, by name, of the set of this name that was there before, if they were others or had another content.
    pub replaced: Option<Vec<String>>,
    /// Stages that had the labels of that set, and are gone with it.
    pub removed: Vec<String>,
}

/// Makes a label set, unless it is there.
pub fn make_labels(
    output: &mut Output,
    request: &LabelRequest,
    force: bool,
) -> Result<LabelSetMade> {
    check_name(&request.set, "a label set")?;
    let truth = read_truth(&request.files, output.contents())?;
    let tables = output.manifest().stages.get(TABLES_STAGE).ok_or_else(|| {
        Error::new("this output has no tables to label").help("run `netcap decode` first")
    })?;
    let mut flows: Vec<&'static Table> = flow_tables()
        .filter(|table| tables.tables.contains_key(table.name))
        .collect();
    first_flows(output.contents())?;
    check_views(output.manifest(), request, &flows)?;
    if let Some(policy) = request.policy {
        let name = policy.name;
        let place = flows.iter().position(|table| table.name == name);
        let place = place.ok_or_else(|| {
            Error::new(format!("this output has no table {name}"))
                .in_file(output.path())
                .help(format!("decode with `--tables +{name}`"))
        })?;
        flows.swap(0, place);
    }
    let facts = |materialize| {
        let options = serde_json::to_value(Effective {
            set: &request.set,
            materialize,
            policy: request.policy.map(|table| table.name),
        })
        .map_err(|e| Error::because("options could not be written", e))?;
        Ok::<_, Error>(StageFacts {
            fingerprint: fingerprint(&(&tables.fingerprint, &options, &truth.inputs))?,
            options,
            inputs: truth.inputs.clone(),
            ..StageFacts::default()
        })
    };
    let (mut labels, mut labeled) = (facts(None)?, facts(Some(&request.materialize))?);
    // Labels of tables that are no longer what they were say nothing of them.
    for table in flows.iter().copied().chain([&ARP, &CAPTURE, &CLOCK]) {
        decoded(output.contents(), table)?;
    }
    let [labels_name, labeled_name] = label_stages(&request.set);
    let there = output.has(&labels_name, &labels.fingerprint)
        && output.has(&labeled_name, &labeled.fingerprint);
    if !force && there {
        return Ok(LabelSetMade {
            made: Made::Before,
            report: None,
            replaced: None,
            removed: Vec::new(),
        });
    }
    // Exports and features with this set's labels are made of it.
    let of_this = if output.fingerprint_of(&labels_name) == Some(&labels.fingerprint) {
        Vec::new()
    } else {
        stages_with_labels(output.manifest(), &request.set)
    };
    let old = output.manifest().stages.get(&labels_name);
    let replaced = old
        .filter(|stage| stage.inputs != truth.inputs)
        .map(|stage| stage.inputs.iter().map(|file| file.name.clone()).collect());
    let old = output.manifest().stages.get(&labeled_name);
    let old: Vec<String> =
        old.map_or_else(Vec::new, |stage| stage.tables.keys().cloned().collect());
    let mut removed = output.retain(|stage| {
        stage != labels_name && stage != labeled_name && !of_this.iter().any(|s| s == stage)
    })?;
    removed.retain(|stage| *stage != labels_name && *stage != labeled_name);

    let stages = Stages {
        labels: output.begin(&labels_name)?,
        labeled: output.begin(&labeled_name)?,
        names: [&labels_name, &labeled_name],
    };
    let mut report = None;
    let mut carried = (!request.materialize.is_empty()).then(FlowLabels::default);
    for table in flows {
        // Claims and report are of the policy that is asked for, or of the table `flow`, or of the
        // first one if there is none.
        let first = report.is_none();
        let of_flow = carried.as_mut().filter(|_| table.name == FLOW.name);
        let labeler = truth.labeler();
        let (mut basis, rules) = basis(labeler, output.contents(), table)?;
        let made = label_flows(output.contents(), &basis, table, &stages, first, of_flow)?;
        labels.tables.insert(table.name.to_owned(), made.labels);
        labeled.tables.insert(table.name.to_owned(), made.labeled);
        let mut counts = BTreeMap::new();
        if table.name == FLOW.name {
            for (flow, said) in made.said {
                basis.packets.keep(flow, said);
            }
            let (contents, rules) = (output.contents(), rules.as_ref());
            let made = write_packet_labels(contents, &basis, rules, &stages.labels, &labels_name)?;
            labels.tables.extend(made.tables);
            counts = made.counts;
        }
        if let Some(claims) = made.claims {
            labels.tables.insert("claims".to_owned(), claims);
            let misses = Misses::new(labeler, &made.tally);
            let misses = look_for(output.contents(), table, &basis, misses)?;
            let around = Surroundings {
                packet_claims: counts,
                ..look_around(output.contents(), table)?
            };
            report = Some(Report::new(labeler, &made.tally, Some(&misses), &around));
        }
    }
    if let Some(carried) = &mut carried {
        // Not yet in the manifest.
        let facts = labels.tables.get(PACKET_LABELS);
        if facts.is_some_and(|facts| facts.rows > 0) {
            let folder = stages.labels.path().join(PACKET_LABELS);
            add_packets(carried, read_table(&folder, &Layout::plain(&PACKET_LABEL))?)?;
        }
    }
    for table in request
        .materialize
        .iter()
        .filter_map(|name| Table::find(name))
    {
        let of_flows = flow_tables().any(|flows| flows.name == table.name);
        if let Some(carried) = carried.as_ref().filter(|_| !of_flows) {
            let facts = materialize(output.contents(), table, carried, &stages)?;
            labeled.tables.insert(table.name.to_owned(), facts);
        }
    }
    if let Some(report) = &report {
        labels.findings = findings(report, &request.set);
        let mut table = writer(
            Layout::plain(&FINDING),
            &stages.labels,
            &labels_name,
            FINDINGS,
        )?;
        table.write(&report.findings_table()?)?;
        labels.tables.insert(FINDINGS.to_owned(), table.finish()?);
        labels
            .files
            .push(write_report(&stages.labels, &labels_name, report)?);
    }
    let gone = old
        .iter()
        .filter(|table| !labeled.tables.contains_key(*table));
    removed.extend(gone.map(|table| format!("{labeled_name}/{table}")));
    output.commit(&labels_name, stages.labels, labels)?;
    output.commit(&labeled_name, stages.labeled, labeled)?;
    Ok(LabelSetMade {
        made: Made::Now,
        report,
        replaced,
        removed,
    })
}

/// What can be told of the names of sets before there is an output: a long run is not to end with it.
pub(super) fn check_names(requests: &[LabelRequest]) -> Result<()> {
    let flows: Vec<&'static Table> = flow_tables().collect();
    for (i, request) in requests.iter().enumerate() {
        check_name(&request.set, "a label set")?;
        check_views(&Manifest::new(), request, &flows)?;
        let others = requests.iter().take(i);
        if let Some(other) = others
            .into_iter()
            .find(|other| other.set.eq_ignore_ascii_case(&request.set))
        {
            let message = format!(
                "two label sets are called {} and {}",
                other.set, request.set
            );
            return Err(Error::new(message)
                .help("give one another name; letters of either case are the same in SQL"));
        }
    }
    Ok(())
}

/// The set takes no name of a view that something else has.
fn check_views(
    manifest: &Manifest,
    request: &LabelRequest,
    flows: &[&'static Table],
) -> Result<()> {
    let [labels, labeled] = label_stages(&request.set);
    let flows: Vec<&str> = flows.iter().map(|table| table.name).collect();
    let own = ["claims", FINDINGS, PACKET_LABELS, PACKET_CLAIMS];
    let labels = (labels.as_str(), [&own[..], &flows].concat());
    let labeled = (
        labeled.as_str(),
        [&flows[..], &request.materialize].concat(),
    );
    check_free(manifest, &[labels, labeled], "the label set", &request.set)
}

/// How the classes depend on settings that the files leave open, for the flows of an output.
pub fn sensitivity(contents: &Contents, files: &[PathBuf]) -> Result<Stability> {
    let truth = read_truth(files, contents)?;
    let table = first_flows(contents)?;
    let (basis, _) = basis(truth.labeler(), contents, table)?;
    let sensitivity = Sensitivity::new(truth.labeler());
    let mut tally = SensitivityTally::default();
    let needed = needed_columns(truth.labeler());
    for_each_chunk(contents, table, &needed, |chunk| {
        let made: Vec<SensitivityTally> = chunk
            .par_iter()
            .map(|batch| vary_batch(&basis, &sensitivity, batch))
            .collect::<Result<_>>()?;
        made.iter().for_each(|made| tally.merge(made));
        Ok(())
    })?;
    Ok(sensitivity.stability(&tally))
}

/// The two stages of a set while they are written.
struct Stages<'a> {
    labels: Stage,
    labeled: Stage,
    names: [&'a str; 2],
}

/// What became of a table of flows.
struct LabeledFlows {
    labels: TableFacts,
    labeled: TableFacts,
    claims: Option<TableFacts>,
    tally: Tally,
    said: Vec<(i64, Said)>,
}

/// Name of the table of findings in a stage of labels.
const FINDINGS: &str = "findings";

/// Flows that are tried at other times.
const SAMPLE: u64 = 50_000;

/// Labels a table of flows: an overlay, the table with its labels, and the claims if they are asked for. The labels are kept in
/// `carried` too, if that is given.
fn label_flows(
    contents: &Contents,
    basis: &Basis<'_>,
    table: &'static Table,
    stages: &Stages<'_>,
    with_claims: bool,
    mut carried: Option<&mut FlowLabels>,
) -> Result<LabeledFlows> {
    let labels_name = stages.names[0];
    let overlay = Layout::plain(&FLOW_LABEL);
    let mut labels = writer(overlay, &stages.labels, labels_name, table.name)?;
    let mut claims = writer(Layout::plain(&CLAIM), &stages.labels, labels_name, "claims")?;
    let mut labeled = splicer(contents, table, stages)?;
    let mut tally = Tally::default();
    let mut said = Vec::new();
    // What the report needs.
    let slacks = with_claims.then(|| Slacks::of(basis.labeler));
    let facts = contents.stage(TABLES_STAGE);
    let rows = facts
        .and_then(|stage| stage.tables.get(table.name))
        .map_or(0, |t| t.rows);
    let slacks = slacks
        .as_ref()
        .map(|slacks| (slacks, rows.div_ceil(SAMPLE)));
    let needed = needed_columns(basis.labeler);
    for_each_chunk(contents, table, &needed, |chunk| {
        let made: Vec<_> = chunk
            .par_iter()
            .map(|batch| label_batch(basis, slacks, batch))
            .collect::<Result<_>>()?;
        for made in made {
            tally.merge(&made.tally);
            said.extend(made.said);
            labels.write(&made.labels)?;
            if with_claims {
                claims.write(&made.claims)?;
            }
            if let Some(labeled) = &mut labeled {
                labeled.write(&label_columns(&made.labels)?)?;
            }
            if let Some(carried) = carried.as_deref_mut() {
                carried.add(&plain(&made.labels)?)?;
            }
        }
        Ok(())
    })?;
    Ok(LabeledFlows {
        labels: labels.finish()?,
        labeled: spliced(labeled, table)?,
        claims: with_claims.then(|| claims.finish()).transpose()?,
        tally,
        said,
    })
}

/// Writes another table with the labels of its rows' flows.
fn materialize(
    contents: &Contents,
    table: &'static Table,
    labels: &FlowLabels,
    stages: &Stages<'_>,
) -> Result<TableFacts> {
    let mut out = splicer(contents, table, stages)?;
    let needed = ["capture", "packet", "layer", "flow"];
    for_each_chunk(contents, table, &needed, |chunk| {
        let made: Vec<RecordBatch> = chunk
            .par_iter()
            .map(|batch| labels.of(batch))
            .collect::<Result<_>>()?;
        made.iter().try_for_each(|labels| match &mut out {
            Some(out) => out.write(&label_columns(labels)?),
            None => Ok(()),
        })
    })?;
    spliced(out, table)
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

/// Reads some columns of a decoded table in chunks of batches, for work in parallel within bounded memory.
fn for_each_chunk(
    contents: &Contents,
    table: &'static Table,
    columns: &[&str],
    mut work: impl FnMut(&[RecordBatch]) -> Result<()>,
) -> Result<()> {
    const CHUNK: usize = 32;
    let mut batches = read_columns(contents, table, columns)?;
    loop {
        let chunk: Vec<RecordBatch> = batches.by_ref().take(CHUNK).collect::<Result<_>>()?;
        if chunk.is_empty() {
            return Ok(());
        }
        work(&chunk)?;
    }
}

/// The label columns of a batch of `flow_label`: all but the first, the flow.
fn label_columns(labels: &RecordBatch) -> Result<RecordBatch> {
    let columns: Vec<usize> = (1..labels.num_columns()).collect();
    Ok(labels.project(&columns)?)
}

/// Writes a decoded table again, with label columns.
fn splicer(
    contents: &Contents,
    table: &'static Table,
    stages: &Stages<'_>,
) -> Result<Option<Splicer>> {
    let Some((source, facts)) = decoded(contents, table)? else {
        return Ok(None);
    };
    let (folder, prefix) = (stages.labeled.path().join(table.name), stages.names[1]);
    let prefix = format!("{prefix}/{}", table.name);
    let layout = Layout::labeled(table);
    Ok(Some(Splicer::new(source, facts, layout, &folder, &prefix)))
}

/// What is known of a labeled table, written or not.
fn spliced(splicer: Option<Splicer>, table: &'static Table) -> Result<TableFacts> {
    match splicer {
        Some(splicer) => splicer.finish(),
        None => TableWriter::new(Layout::labeled(table)).finish(),
    }
}

fn look_for(
    contents: &Contents,
    flows: &'static Table,
    basis: &Basis<'_>,
    mut misses: Misses,
) -> Result<Misses> {
    if misses.is_empty() {
        return Ok(misses);
    }
    let none = misses.clone();
    for_each_chunk(contents, flows, &needed_columns(basis.labeler), |chunk| {
        let found: Vec<Misses> = chunk
            .par_iter()
            .map(|batch| {
                let mut found = none.clone();
                look_batch(basis, batch, &mut found)?;
                Ok(found)
            })
            .collect::<Result<_>>()?;
        found.iter().for_each(|found| misses.merge(found));
        Ok(())
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
