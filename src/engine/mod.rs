//! From captures to tables: the one room that knows capture, packet, protocol, flow and output
//! together.
//!
//! Packets are read into batches of a fixed number, decoded in parallel, given their flows in
//! order, and written in order. What is cut where depends on the packets alone, so the files do
//! not depend on the number of threads.

mod batch;
mod flows;
mod rows;
mod run;
mod worker;

use std::collections::BTreeMap;

use netcap_proto::{PACKET, TABLES, Table};

use crate::capture::{Arrangement, FileFacts, FileHash, Stream};
use crate::error::{Error, Finding, Result};
use crate::flow::Policy;
use crate::output::TableFacts;

pub use run::decode;

/// What to decode and how. Nothing of the machine is in it but `threads`, which changes no output.
#[derive(Debug, Clone)]
pub struct Options {
    /// The tables to fill.
    pub tables: Selection,
    /// Rules for the table `flow`.
    pub policy: Policy,
    /// Only packets from the first to before the second time (nanoseconds since 1970).
    pub time: Option<(i64, i64)>,
    /// Only so many packets of the stream.
    pub head: Option<u64>,
    /// What is done with the packets before they are decoded.
    pub arrangement: Arrangement,
    /// How many packets of each flow the table `flow_packets` has, if it is wanted.
    pub first_packets: usize,
    /// What is written is hashed, so that a manifest can tell of it.
    pub hashed: bool,
    /// Threads to use; at least 1.
    pub threads: usize,
}

/// Packets of each flow in the table `flow_packets`, unless another number is asked for.
pub const FIRST_PACKETS: usize = 20;

/// Which tables are wanted, in listing order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Selection {
    wanted: Vec<&'static str>,
    /// Those that were asked for by name.
    named: Vec<&'static str>,
}

impl Selection {
    /// All tables but those that are filled on request.
    pub fn all() -> Self {
        let wanted = TABLES.iter().filter(|t| !t.on_request);
        Self {
            wanted: wanted.map(|t| t.name).collect(),
            named: Vec::new(),
        }
    }

    /// One table.
    pub fn only(table: &'static Table) -> Self {
        Self {
            wanted: vec![table.name],
            named: vec![table.name],
        }
    }

    /// Reads `a,b` (only those), `-a,-b` (all but those), `+a,+b` (those too), or a mixture.
    pub fn parse(text: &str) -> Result<Self> {
        let (mut only, mut without, mut with) = (Vec::new(), Vec::new(), Vec::new());
        for word in text.split(',').map(str::trim).filter(|w| !w.is_empty()) {
            let (list, name) = match (word.strip_prefix('-'), word.strip_prefix('+')) {
                (Some(name), _) => (&mut without, name),
                (_, Some(name)) => (&mut with, name),
                _ => (&mut only, word),
            };
            list.extend(Self::parse_list(name)?);
        }
        let names = TABLES.iter().map(|t| (t.name, t.on_request));
        let all = names.filter(|(name, on_request)| {
            let by_default = only.is_empty() && !on_request;
            (by_default || only.contains(name) || with.contains(name)) && !without.contains(name)
        });
        let all = Self {
            wanted: all.map(|(name, _)| name).collect(),
            named: [only, with].concat(),
        };
        if all.wanted.is_empty() {
            return Err(Error::new(format!("no table is left of \"{text}\""))
                .help("name tables with commas, or put - before those to leave out, + before those to add"));
        }
        Ok(all)
    }

    /// Reads `a,b` as names of tables, in that order.
    pub fn parse_list(text: &str) -> Result<Vec<&'static str>> {
        let words = text.split(',').map(str::trim).filter(|w| !w.is_empty());
        words
            .map(|name| {
                let table = TABLES.iter().find(|t| t.name == name);
                Ok(table.ok_or_else(|| unknown_table(name, TABLES))?.name)
            })
            .collect()
    }

    /// Whether a table is wanted.
    pub fn has(&self, table: &str) -> bool {
        self.wanted.contains(&table)
    }

    /// Names of the wanted tables.
    pub fn names(&self) -> &[&'static str] {
        &self.wanted
    }

    /// Names of the tables that were asked for by name.
    pub fn named(&self) -> &[&'static str] {
        &self.named
    }
}

/// The error for a name that none of `tables` has.
pub fn unknown_table(name: &str, tables: &[&Table]) -> Error {
    let likeness = |table: &str| strsim::jaro_winkler(table, &name.to_lowercase());
    let near = tables
        .iter()
        .map(|t| t.name)
        .max_by(|a, b| likeness(a).total_cmp(&likeness(b)));
    Error::new(format!("there is no table \"{name}\"")).help(format!(
        "did you mean {}? `netcap tables` lists them",
        near.unwrap_or("flow")
    ))
}

/// A stream to decode, with what the table `capture` says of its files, in order.
#[derive(Debug, Clone)]
pub struct Source {
    /// The stream.
    pub stream: Stream,
    /// Its files.
    pub files: Vec<InputFile>,
}

/// An input file as the table `capture` names it.
#[derive(Debug, Clone)]
pub struct InputFile {
    /// Path relative to what the user named.
    pub name: String,
    /// SHA-256 of the file; `None` for standard input, and if it is not known before the file is read.
    pub sha256: Option<String>,
    /// Its size in bytes; `None` for standard input.
    pub bytes: Option<u64>,
}

/// What became of the packets. `read` is the sum of those down to `duplicates`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Counts {
    /// All packets.
    pub read: u64,
    /// Decoded as far as netcap knows.
    pub decoded: u64,
    /// Cut by the snap length.
    pub truncated: u64,
    /// With a layer that contradicts its specification.
    pub malformed: u64,
    /// Of a link type that netcap does not read.
    pub skipped: u64,
    /// Outside of what was asked for.
    pub filtered: u64,
    /// Left out because the same bytes had come shortly before.
    #[serde(default)]
    pub duplicates: u64,
    /// Not left out, although the same bytes came at most 0.5 ms before.
    #[serde(default)]
    pub kept_duplicates: u64,
    /// Fragments of datagrams.
    #[serde(default)]
    pub fragments: u64,
    /// Datagrams that were put together from fragments.
    #[serde(default)]
    pub datagrams: u64,
    /// Datagrams of which a fragment was missing, late, cut or contradicted another.
    #[serde(default)]
    pub incomplete_datagrams: u64,
}

impl Counts {
    /// Adds those of another part.
    pub fn add(&mut self, other: &Self) {
        self.read += other.read;
        self.decoded += other.decoded;
        self.truncated += other.truncated;
        self.malformed += other.malformed;
        self.skipped += other.skipped;
        self.filtered += other.filtered;
        self.duplicates += other.duplicates;
        self.kept_duplicates += other.kept_duplicates;
        self.fragments += other.fragments;
        self.datagrams += other.datagrams;
        self.incomplete_datagrams += other.incomplete_datagrams;
    }
}

/// What came out.
#[derive(Debug, Default)]
pub struct Tables {
    /// What was written, by table; wanted tables without rows included.
    pub tables: BTreeMap<&'static str, TableFacts>,
    /// What became of the packets.
    pub counts: Counts,
    /// What is known of each file, in order.
    pub files: Vec<FileFacts>,
    /// Hashes of the input files of which they were wanted, in order.
    pub hashes: Vec<Option<FileHash>>,
    /// What a user should know.
    pub findings: Vec<Finding>,
}

/// Told how far a run has come.
pub trait Progress: Sync {
    /// So many packets of so many captured bytes have been decoded since the last call.
    fn advance(&self, packets: u64, bytes: u64);
}

/// Name of a link type (LINKTYPE_ number).
pub fn link_type_name(link_type: u16) -> &'static str {
    let names = PACKET
        .column("link_type_name")
        .and_then(|c| c.names.as_ref());
    names
        .and_then(|n| {
            n.values
                .iter()
                .find(|(number, _)| *number == i32::from(link_type))
        })
        .map_or("unknown", |(_, name)| name)
}
