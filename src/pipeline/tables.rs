//! The stage `tables`: captures to tables.

use std::collections::BTreeMap;
use std::path::PathBuf;

use netcap_proto::{FLOW_PACKET, Table};
use serde::Serialize;

use crate::capture::{FileHash, Overlap, StreamFile, expand, order};
use crate::dataset::{
    HashCache, Input, Output, StageFacts, State, describe, fingerprint, hash_inputs,
};
use crate::engine::{self, InputFile, Options, Progress, Source};
use crate::error::{Error, Finding, Result};
use crate::output::hex;

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

/// What is to be decoded: streams with their files in order. Hashes that are not known before are made
/// while the files are decoded, so that a long capture is read once.
#[derive(Debug)]
pub struct Sources {
    /// The streams, in order.
    pub sources: Vec<Source>,
    /// All files as the manifest has them, in the order of their ordinals.
    pub inputs: Vec<Input>,
    /// What was noticed on the way.
    pub findings: Vec<Finding>,
}

/// Finds and orders the captures; `cache` tells the hashes of those that have not changed.
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
    Ok(Sources {
        sources,
        inputs,
        findings,
    })
}

impl Sources {
    /// Hashes the files whose hash is not known.
    pub fn hash(&mut self, cache: &HashCache) -> Result<()> {
        let paths = files(&self.sources).map(|(file, _)| &file.path);
        hash_inputs(self.inputs.iter_mut().zip(paths), cache)?;
        let files = self.sources.iter_mut().flat_map(|s| &mut s.files);
        for (file, input) in files.zip(&self.inputs) {
            file.sha256.clone_from(&input.sha256);
        }
        Ok(())
    }

    /// Hashes the files that may have the same bytes, by their sizes.
    pub fn hash_alike(&mut self, cache: &HashCache) -> Result<()> {
        let mut sizes: BTreeMap<u64, usize> = BTreeMap::new();
        for bytes in self.inputs.iter().filter_map(|input| input.bytes) {
            *sizes.entry(bytes).or_default() += 1;
        }
        let paths = files(&self.sources).map(|(file, _)| &file.path);
        let alike = |input: &Input| {
            let others = input.bytes.and_then(|bytes| sizes.get(&bytes));
            others.is_some_and(|n| *n > 1)
        };
        let inputs = self.inputs.iter_mut().zip(paths);
        hash_inputs(inputs.filter(|(input, _)| alike(input)), cache)
    }

    /// Has the files hashed while they are decoded whose hash is not known; gives the state that each of them is in.
    fn want_hashes(&mut self) -> Result<Vec<Option<State>>> {
        let files = self.sources.iter_mut().flat_map(|source| {
            let files = source.stream.files.iter_mut();
            files.zip(&source.files)
        });
        let want = |(file, input): (&mut StreamFile, &InputFile)| {
            file.hash = input.sha256.is_none() && input.bytes.is_some();
            file.hash.then(|| State::of(&file.path)).transpose()
        };
        files.map(want).collect()
    }

    /// Takes the hashes that were made while the files were decoded.
    fn learn(&mut self, states: &[Option<State>], hashes: &[Option<FileHash>], cache: &HashCache) {
        let made = states.iter().zip(hashes);
        for (input, (state, hash)) in self.inputs.iter_mut().zip(made) {
            if let (Some(state), Some(hash)) = (state, hash) {
                let sha256 = hex(&hash.sha256);
                cache.learn(state, &sha256);
                (input.bytes, input.sha256) = (Some(hash.bytes), Some(sha256));
            }
        }
    }

    /// Files with the same bytes, as far as their hashes are known.
    pub fn twins(&self) -> Vec<Finding> {
        let twin = |(i, input): (usize, &Input)| {
            let same = |other: &&Input| other.sha256.is_some() && other.sha256 == input.sha256;
            let twin = self.inputs.iter().take(i).find(same)?;
            let message = format!("has the same bytes as {}", twin.name);
            Some(Finding::warning("capture-twice", message).about(input.name.clone()))
        };
        self.inputs.iter().enumerate().filter_map(twin).collect()
    }
}

/// All files, as the streams and as the table `capture` have them.
fn files(sources: &[Source]) -> impl Iterator<Item = (&StreamFile, &InputFile)> {
    sources
        .iter()
        .flat_map(|source| source.stream.files.iter().zip(&source.files))
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
    sources: &mut Sources,
    cache: &HashCache,
    options: &Options,
    force: bool,
    progress: &dyn Progress,
) -> Result<(Made, Vec<String>)> {
    if !force && output.manifest().stages.contains_key(TABLES_STAGE) {
        sources.hash(cache)?;
        let (fingerprint, _) = tables_fingerprint(sources, options)?;
        // What is read from standard input is not known before it is read.
        let known = sources.inputs.iter().all(|input| input.sha256.is_some());
        if known && output.has(TABLES_STAGE, &fingerprint) {
            return Ok((Made::Before, Vec::new()));
        }
    }
    let removed = output.retain(|stage| stage == TABLES_STAGE)?;
    let stage = output.begin(TABLES_STAGE)?;
    let states = sources.want_hashes()?;
    let made = engine::decode(&sources.sources, stage.path(), options, progress)?;
    sources.learn(&states, &made.hashes, cache);
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
