//! The stage `tables`: captures to tables.

use std::path::PathBuf;
use std::sync::Arc;

use netcap_proto::{FLOW_PACKET, Table};
use serde::Serialize;

use super::sources::{Sources, files, shorten};
use crate::dataset::{Output, StageFacts, fingerprint};
use crate::engine::{self, Options, Progress};
use crate::error::{Error, Finding, Result};

/// Name of the stage and its folder.
pub const TABLES_STAGE: &str = "tables";

/// What decides the bytes of the tables.
#[derive(Debug, Serialize)]
struct Effective<'a> {
    tables: &'a [&'static str],
    flow: crate::flow::Policy,
    /// Where the table `flow_packets` is wanted.
    #[serde(skip_serializing_if = "Option::is_none")]
    first_packets: Option<usize>,
    arrangement: crate::capture::Arrangement,
    time_ns: Option<(i64, i64)>,
    head: Option<u64>,
    /// Names of the streams, the ordinals of their captures, and whether these are merged by time.
    streams: Vec<(Option<&'a str>, usize, bool)>,
}

/// What happened to a stage.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Made {
    /// It was made now.
    Now,
    /// It was there, from the same inputs and options.
    Before,
}

/// Fingerprint and options of the stage.
pub fn tables_fingerprint(
    sources: &Sources,
    options: &Options,
) -> Result<(String, serde_json::Value)> {
    let effective = Effective {
        tables: options.tables.names(),
        flow: options.policy,
        first_packets: options
            .tables
            .has(FLOW_PACKET.name)
            .then_some(options.first_packets),
        arrangement: options.arrangement,
        time_ns: options.time,
        head: options.head,
        streams: sources
            .sources
            .iter()
            .map(|s| (s.stream.name.as_deref(), s.files.len(), s.stream.merge))
            .collect(),
    };
    let value = serde_json::to_value(&effective)
        .map_err(|e| Error::because("options could not be written", e))?;
    // Tables of another version of netcap, with other columns, are made again.
    let columns = |table: &'static Table| table.columns.iter().map(|column| column.name);
    let tables = effective.tables.iter().filter_map(|name| Table::find(name));
    let schemas: Vec<_> = tables
        .map(|table| (table.version, columns(table).collect::<Vec<_>>()))
        .collect();
    let print = fingerprint(&(&value, &sources.inputs, &schemas))?;
    Ok((print, value))
}

/// Makes the tables, unless they are there. What was made of other tables (labels, exports) is
/// removed; gives the names of those stages too.
pub fn make_tables(
    output: &mut Output,
    sources: &mut Sources,
    options: &Options,
    force: bool,
    progress: &dyn Progress,
) -> Result<(Made, Vec<String>)> {
    let cache = Arc::clone(output.contents().cache());
    let mut same = false;
    if !force && let Some(before) = output.fingerprint_of(TABLES_STAGE) {
        sources.hash(&cache)?;
        let (fingerprint, _) = tables_fingerprint(sources, options)?;
        // What is read from standard input is not known before it is read.
        let known = sources.inputs.iter().all(|input| input.sha256.is_some());
        same = known && before == fingerprint;
        if same && output.has(TABLES_STAGE, &fingerprint) {
            return Ok((Made::Before, Vec::new()));
        }
    }
    let removed = match same {
        // Damaged tables, which will be again what they were.
        true => Vec::new(),
        false => output.retain(|stage| stage == TABLES_STAGE)?,
    };
    let stage = output.begin(TABLES_STAGE)?;
    let states = sources.want_hashes()?;
    let made = engine::decode(&sources.sources, stage.path(), options, progress)?;
    sources.learn(&states, &made.hashes, &cache);
    let (fingerprint, effective) = tables_fingerprint(sources, options)?;
    let manifest = output.manifest_mut();
    manifest.inputs.clone_from(&sources.inputs);
    manifest.counts = made.counts;
    let mut findings = sources.findings.clone();
    findings.extend(sources.twins());
    findings.extend(made.findings.into_iter().map(|mut finding| {
        let subject = finding.subject.take();
        let roots: Vec<PathBuf> = Vec::new();
        finding.subject = subject.map(|s| {
            let mut named =
                files(&sources.sources).filter(|(f, _)| f.path.display().to_string() == s);
            named
                .next()
                .map_or_else(|| shorten(&s, &roots), |(_, input)| input.name.clone())
        });
        finding
    }));
    if made.counts.malformed > 0 {
        findings.push(Finding::information(
            "malformed",
            format!(
                "{} packets have malformed layers; see the table malformed",
                made.counts.malformed
            ),
        ));
    }
    if made.counts.read == 0 {
        findings.push(Finding::warning(
            "no-packets",
            "there are no packets in the input",
        ));
    } else if made.counts.read == made.counts.filtered {
        findings.push(Finding::warning(
            "no-packets",
            "no packet is within the time that was asked for",
        ));
    }
    let tables = made
        .tables
        .into_iter()
        .map(|(name, facts)| (name.to_owned(), facts));
    let facts = StageFacts {
        fingerprint,
        options: effective,
        tables: tables.collect(),
        findings,
        ..StageFacts::default()
    };
    output.commit(TABLES_STAGE, stage, facts)?;
    Ok((Made::Now, removed))
}
