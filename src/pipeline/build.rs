//! Runs a pipeline: plan, locked check, stages in order, what is no longer asked for removed.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Instant;

use netcap_proto::{CAPTURE, FLOW};
use serde::Serialize;
use serde_json::Value;

use super::Made;
use super::config::Plan;
use super::expect::{self, Expected};
use super::exports::{ExportRequest, make_export};
use super::features::{FeatureRequest, make_features};
use super::label_sets::label_stages;
use super::labels::make_labels;
use super::sources::Sources;
use super::tables::{TABLES_STAGE, make_tables, tables_fingerprint};
use super::truth::check_truth;
use crate::dataset::{Manifest, Output};
use crate::engine::{Options, Progress};
use crate::error::{Error, Result};
use crate::label::Report;
use crate::output::write_atomically;

/// How a pipeline is run; nothing of it changes an output.
#[derive(Debug, Clone, Copy)]
pub struct How {
    /// Make all stages, also those that are there.
    pub force: bool,
    /// Threads.
    pub threads: usize,
}

/// What happened to a stage.
#[derive(Debug)]
pub struct StageRun {
    /// Its name.
    pub stage: String,
    /// Whether it was made.
    pub made: Made,
    /// Seconds that it took.
    pub seconds: f64,
    /// For labels that were made now: what they did.
    pub report: Option<Report>,
}

/// `run.json`: how it went here and today. Never hashed, never decisive.
#[derive(Debug, Serialize)]
struct RunFacts<'a> {
    netcap: &'a str,
    finished: String,
    threads: usize,
    system: String,
    stages: Vec<(&'a str, &'static str, f64)>,
}

/// Options of the decoder for a plan.
pub fn options(plan: &Plan, threads: usize) -> Options {
    Options {
        tables: plan.tables.clone(),
        policy: plan.policy,
        first_packets: plan.first_packets,
        arrangement: plan.arrangement,
        time: plan.time,
        head: plan.head,
        hashed: true,
        threads,
    }
}

/// Checks what can be checked before anything is done: label files above all.
pub fn check(plan: &Plan) -> Result<()> {
    plan.expect.iter().try_for_each(Expected::check)?;
    for request in &plan.labels {
        check_truth(&request.files)?;
    }
    if let Some(name) = twice(plan.labels.iter().map(|l| l.set.as_str())) {
        return Err(Error::new(format!("two label sets are called {name}")));
    }
    if let Some(name) = twice(plan.features.iter().map(FeatureRequest::stage)) {
        return Err(Error::new(format!("two feature tables are called {name}"))
            .help("give one of them another `name`"));
    }
    if let Some(stage) = twice(plan.exports.iter().map(ExportRequest::stage)) {
        return Err(
            Error::new(format!("two exports would be written to {stage}"))
                .help("name the tables of both in one export"),
        );
    }
    let labeled = plan.labels.iter().flat_map(|request| {
        let flow = std::iter::once(FLOW.name);
        let policy = request.policy.map(|table| table.name);
        let others = request.materialize.iter().copied();
        flow.chain(policy).chain(others)
    });
    let features = plan.features.iter().flat_map(|request| {
        let tables = request.tables().into_iter();
        tables.map(|table| (table.name, "a feature table needs"))
    });
    let expected = plan.expect.iter().any(Expected::needs_table);
    let exported = plan.exports.iter().flat_map(|e| e.tables.iter().flatten());
    let needed = labeled
        .map(|table| (table, "the labels need"))
        .chain(features)
        .chain(exported.map(|table| (*table, "an export names")))
        .chain(expected.then_some((CAPTURE.name, "`expect` with packets or times needs")));
    for (table, who) in needed {
        if !plan.tables.has(table) {
            return Err(Error::new(format!(
                "{who} the table {table}, and the pipeline does not decode it"
            ))
            .help(format!(
                "write `tables: [+{table}]`, or add it to the list there"
            )));
        }
    }
    Ok(())
}

/// A name that two have.
fn twice<N: Ord + Clone>(mut names: impl Iterator<Item = N>) -> Option<N> {
    let mut seen = BTreeSet::new();
    names.find(|name| !seen.insert(name.clone()))
}

/// Runs the stages of a plan; gives those that were there and that it does not have.
pub fn build(
    output: &mut Output,
    plan: &Plan,
    sources: &mut Sources,
    how: How,
    progress: &dyn Progress,
    mut tell: impl FnMut(&StageRun),
) -> Result<Vec<String>> {
    let mut runs: Vec<StageRun> = Vec::new();
    let mut done = |stage: String, started: Instant, made: Made, report: Option<Report>| {
        let run = StageRun {
            stage,
            made,
            seconds: started.elapsed().as_secs_f64(),
            report,
        };
        tell(&run);
        runs.push(run);
    };
    output.manifest_mut().accepted.clone_from(&plan.accept);
    let started = Instant::now();
    // What goes with the tables is made again.
    let (made, mut gone) = make_tables(
        output,
        sources,
        &options(plan, how.threads),
        how.force,
        progress,
    )?;
    let partly = plan.head.is_some() || plan.time.is_some();
    expect::note(output, &plan.expect, sources, partly)?;
    done(TABLES_STAGE.to_owned(), started, made, None);
    for request in &plan.labels {
        let started = Instant::now();
        let made = make_labels(output, request, how.force)?;
        let stage = label_stages(&request.set)[0].clone();
        done(stage, started, made.made, made.report);
    }
    for request in &plan.features {
        let started = Instant::now();
        let made = make_features(output, request, how.force)?;
        done(request.stage(), started, made, None);
    }
    for request in &plan.exports {
        let started = Instant::now();
        let made = make_export(output, request, how.force)?;
        done(request.stage(), started, made, None);
    }
    let kept = stages(plan);
    let is_kept = |stage: &str| kept.iter().any(|k| k == stage);
    gone.extend(output.retain(is_kept)?);
    gone.retain(|stage| !is_kept(stage));
    output.finish()?;
    let facts = RunFacts {
        netcap: env!("CARGO_PKG_VERSION"),
        finished: jiff::Timestamp::now().to_string(),
        threads: how.threads,
        system: format!("{} {}", std::env::consts::OS, std::env::consts::ARCH),
        stages: runs
            .iter()
            .map(|run| {
                let made = match run.made {
                    Made::Now => "made",
                    Made::Before => "unchanged",
                };
                (run.stage.as_str(), made, run.seconds)
            })
            .collect(),
    };
    let text = serde_json::to_vec_pretty(&facts)
        .map_err(|e| Error::because("run.json could not be written", e))?;
    write_atomically(&output.path().join("run.json"), &text)?;
    Ok(gone)
}

/// Names of all stages of a plan.
pub fn stages(plan: &Plan) -> Vec<String> {
    let labels = plan
        .labels
        .iter()
        .flat_map(|request| label_stages(&request.set));
    std::iter::once(TABLES_STAGE.to_owned())
        .chain(labels)
        .chain(plan.features.iter().map(FeatureRequest::stage))
        .chain(plan.exports.iter().map(ExportRequest::stage))
        .collect()
}

/// Refuses to go on unless version, inputs and options are those of `locked`.
pub fn check_locked(locked: &Manifest, path: &Path, plan: &Plan, sources: &Sources) -> Result<()> {
    let mut wrong = Vec::new();
    if locked.netcap != env!("CARGO_PKG_VERSION") {
        wrong.push(format!(
            "it was made by netcap {}, and this is {}",
            locked.netcap,
            env!("CARGO_PKG_VERSION")
        ));
    }
    for (i, input) in sources.inputs.iter().enumerate() {
        match locked.inputs.get(i) {
            Some(theirs) if theirs == input => {}
            Some(theirs) if theirs.name == input.name => {
                wrong.push(format!("input {} has another content", input.name));
            }
            Some(theirs) => wrong.push(format!(
                "input {} stands where {} was",
                input.name, theirs.name
            )),
            None => wrong.push(format!("input {} was not there", input.name)),
        }
    }
    for missing in locked.inputs.iter().skip(sources.inputs.len()) {
        wrong.push(format!("input {} is missing", missing.name));
    }
    let (_, options) = tables_fingerprint(sources, &options(plan, 1))?;
    if let Some(stage) = locked.stages.get(TABLES_STAGE)
        && stage.options != options
    {
        tell_options("", &options, &stage.options, &mut wrong);
    }
    for request in &plan.labels {
        let [name, _] = label_stages(&request.set);
        let inputs = check_truth(&request.files)?.inputs;
        match locked.stages.get(&name) {
            Some(stage) if stage.inputs == inputs => {}
            Some(_) => wrong.push(format!("the files of {name} have another content")),
            None => {}
        }
    }
    for request in &plan.features {
        let options = request.options()?;
        let theirs = locked.stages.get(&request.stage());
        if theirs.is_some_and(|stage| stage.options != options) {
            wrong.push(format!(
                "{} had other options or definitions",
                request.stage()
            ));
        }
    }
    let planned = stages(plan);
    wrong.extend(
        planned
            .iter()
            .filter(|s| !locked.stages.contains_key(*s))
            .map(|s| format!("{s} was not there")),
    );
    wrong.extend(
        locked
            .stages
            .keys()
            .filter(|s| !planned.contains(s))
            .map(|s| format!("{s} is missing")),
    );
    refuse(
        wrong,
        path,
        "this run would not be the one that the manifest tells of",
    )
}

/// The options that differ, one by one: `policy.idle_ns is 1, and was 2`.
fn tell_options(path: &str, mine: &Value, theirs: &Value, wrong: &mut Vec<String>) {
    if let (Value::Object(mine), Value::Object(theirs)) = (mine, theirs) {
        let dot = if path.is_empty() { "" } else { "." };
        for (key, value) in mine {
            let theirs = theirs.get(key).unwrap_or(&Value::Null);
            tell_options(&format!("{path}{dot}{key}"), value, theirs, wrong);
        }
    } else if mine != theirs {
        wrong.push(format!("option {path} is {mine}, and was {theirs}"));
    }
}

/// Refuses a result that differs from `locked`.
pub fn check_result(locked: &Manifest, path: &Path, made: &Manifest) -> Result<()> {
    let wrong = locked
        .stages
        .iter()
        .filter(|(name, stage)| made.stages.get(*name) != Some(stage))
        .map(|(name, _)| format!("{name} came out differently"));
    refuse(
        wrong.collect(),
        path,
        "the result is not the one that the manifest tells of",
    )
}

fn refuse(wrong: Vec<String>, path: &Path, what: &str) -> Result<()> {
    if wrong.is_empty() {
        return Ok(());
    }
    Err(Error::new(format!("{what}:\n  {}", wrong.join("\n  "))).in_file(path))
}
