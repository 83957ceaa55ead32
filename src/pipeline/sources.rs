//! What is to be decoded: captures found, ordered and hashed.

use std::collections::BTreeMap;
use std::path::PathBuf;

use crate::capture::{FileHash, Overlap, StreamFile, expand, order};
use crate::dataset::{HashCache, Input, State, describe, hash_inputs};
use crate::engine::{InputFile, Source};
use crate::error::{Error, Finding, Result};
use crate::output::{hex, stream_folder};

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
    streams.sort_by_cached_key(|(stream, _)| stream.name.as_deref().map(stream_folder));
    for pair in streams.windows(2) {
        if let [(a, _), (b, _)] = pair
            && a.name == b.name
        {
            let name = a.name.as_deref().unwrap_or("without a name");
            return Err(Error::new(format!("two streams are called {name}"))
                .help("give each stream a name of its own"));
        }
    }
    let mut sources = Vec::new();
    let mut inputs: Vec<Input> = Vec::new();
    for (stream, request) in streams {
        let paths: Vec<PathBuf> = stream.files.iter().map(|f| f.path.clone()).collect();
        let described = describe(&paths, &request.captures, cache)?;
        sources.push(Source {
            files: described.iter().map(InputFile::from).collect(),
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
    pub(super) fn want_hashes(&mut self) -> Result<Vec<Option<State>>> {
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
    pub(super) fn learn(
        &mut self,
        states: &[Option<State>],
        hashes: &[Option<FileHash>],
        cache: &HashCache,
    ) {
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
pub(super) fn files(sources: &[Source]) -> impl Iterator<Item = (&StreamFile, &InputFile)> {
    sources
        .iter()
        .flat_map(|source| source.stream.files.iter().zip(&source.files))
}

/// A path as findings name it: without the folders above what the user named, which differ from
/// machine to machine.
pub(super) fn shorten(path: &str, roots: &[PathBuf]) -> String {
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
