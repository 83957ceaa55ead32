//! The stage `tables`: captures to tables.

use std::path::PathBuf;

use netcap_proto::{FLOW_PACKET, Table};
use serde::Serialize;

use crate::capture::{Overlap, expand, order};
use crate::dataset::{HashCache, Input, Output, StageFacts, describe, fingerprint};
use crate::engine::{self, InputFile, Options, Progress, Source};
use crate::error::{Error, Finding, Result};

/// Name of the stage and its folder.
pub const TABLES_STAGE: &str = "tables";

/// Captures of one vantage point, as the user named them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StreamRequest {
    /// Its name; needed if there are several.
    pub name: Option<String>,
    /// Files and folders.
    pub captures: Vec<PathBuf>,
    /// What to do where files overlap in time.
    pub overlap: Overlap,
}

/// What is to be decoded: streams with their files in order, hashed.
#[derive(Debug)]
pub struct Sources {
    /// The streams, in order.
    pub sources: Vec<Source>,
    /// All files as the manifest has them, in the order of their ordinals.
    pub inputs: Vec<Input>,
    /// What was noticed on the way.
    pub findings: Vec<Finding>,
}

/// Finds, orders and hashes the captures.
pub fn find_sources(requests: &[StreamRequest], cache: &HashCache) -> Result<Sources> {
    let mut findings = Vec::new();
    let mut streams = Vec::new();
    for request in requests {
        let (files, mut found) = expand(&request.captures)?;
        for finding in &mut found {
            let subject = finding.subject.take();
            finding.subject = subject.map(|s| shorten(&s, &request.captures));
        }
        findings.append(&mut found);
        for stream in order(request.name.as_deref(), &files, request.overlap)? {
            streams.push((stream, request));
        }
    }
    // The order of folders on disk, and of the table's rows with it.
    streams.sort_by(|(a, _), (b, _)| a.name.cmp(&b.name));
    for pair in streams.windows(2) {
        if let [(a, _), (b, _)] = pair
            && a.name == b.name
        {
            let name = a.name.as_deref().unwrap_or("without a name");
            return Err(Error::new(format!("two streams are called {name}"))
                .help("give each stream a name of its own"));
        }
    }
    let named = streams.iter().filter_map(|(s, _)| s.name.as_deref());
    if let Some(name) = named.into_iter().find(|name| name.contains('=')) {
        return Err(Error::new(format!(
            "the name of the stream \"{name}\" has a =, by which readers of partitioned tables tell a column from its value"
        ))
        .help("name the streams in a pipeline file, or rename the file or folder"));
    }
    let mut sources = Vec::new();
    let mut inputs: Vec<Input> = Vec::new();
    for (stream, request) in streams {
        let paths: Vec<PathBuf> = stream.files.iter().map(|f| f.path.clone()).collect();
        let described = describe(&paths, &request.captures, cache)?;
        let files = described.iter().map(|input| InputFile {
            name: input.name.clone(),
            sha256: input.sha256.clone(),
            bytes: input.bytes,
        });
        sources.push(Source {
            files: files.collect(),
            stream,
        });
        inputs.extend(described);
    }
    for (i, input) in inputs.iter().enumerate() {
        let same = |other: &&Input| other.sha256.is_some() && other.sha256 == input.sha256;
        if let Some(twin) = inputs.iter().take(i).find(same) {
            let message = format!("has the same bytes as {}", twin.name);
            findings.push(Finding::warning("capture-twice", message).about(input.name.clone()));
        }
    }
    Ok(Sources {
        sources,
        inputs,
        findings,
    })
}

/// A path as findings name it: without the folders above what the user named, which differ from
/// machine to machine.
fn shorten(path: &str, roots: &[PathBuf]) -> String {
    let full = PathBuf::from(path);
    let below = roots
        .iter()
        .filter(|r| **r != full)
        .find_map(|r| full.strip_prefix(r).ok());
    let name = below
        .map(|p| p.to_path_buf())
        .or_else(|| full.file_name().map(PathBuf::from));
    name.unwrap_or(full).to_string_lossy().into_owned()
}

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
    sources: &Sources,
    options: &Options,
    force: bool,
    progress: &dyn Progress,
) -> Result<(Made, Vec<String>)> {
    let (fingerprint, effective) = tables_fingerprint(sources, options)?;
    // What is read from standard input is not known before it is read.
    let known = sources.inputs.iter().all(|input| input.sha256.is_some());
    if !force && known && output.has(TABLES_STAGE, &fingerprint) {
        return Ok((Made::Before, Vec::new()));
    }
    let removed = output.retain(|stage| stage == TABLES_STAGE)?;
    let stage = output.begin(TABLES_STAGE)?;
    let made = engine::decode(&sources.sources, stage.path(), options, progress)?;
    let manifest = output.manifest_mut();
    manifest.inputs.clone_from(&sources.inputs);
    manifest.counts = made.counts;
    let mut findings = sources.findings.clone();
    findings.extend(made.findings.into_iter().map(|mut finding| {
        let subject = finding.subject.take();
        let roots: Vec<PathBuf> = Vec::new();
        finding.subject = subject.map(|s| {
            let file = sources
                .sources
                .iter()
                .flat_map(|s| s.stream.files.iter().zip(&s.files));
            let mut named = file.filter(|(f, _)| f.path.display().to_string() == s);
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
