//! Several capture files in a row: their order by time, and what to do where they overlap.
//!
//! A stream is the captures of one vantage point. Which files belong together is the caller's to
//! know; here they are put in order, which needs a look through each file if there are several.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use rayon::prelude::*;

use super::facts::{FileFacts, Seconds};
use super::reader::Reader;
use super::time::Utc;
use crate::error::{Error, Result};

/// What names standard input where a file is expected.
pub(super) const STANDARD_INPUT: &str = "-";
/// Pairs that an error lists.
const LISTED: usize = 20;

/// Captures of one vantage point, in order.
#[derive(Debug, Clone)]
pub struct Stream {
    /// Its name, if it has one.
    pub name: Option<String>,
    /// Its files, in the order of their first packets.
    pub files: Vec<StreamFile>,
    /// Whether files overlap in time, so that their packets have to be merged.
    pub merge: bool,
}

/// One file of a stream.
#[derive(Debug, Clone)]
pub struct StreamFile {
    /// The file; `-` is standard input.
    pub path: PathBuf,
    /// All about it, if it was looked through to find the order.
    pub facts: Option<FileFacts>,
    /// Its hash is wanted: it is made while the stream is read.
    pub hash: bool,
}

impl StreamFile {
    /// Time of the first packet, if it is known and there is one.
    pub fn first_ns(&self) -> Option<i64> {
        self.facts.as_ref()?.first_ns
    }

    /// Times of the first and the last packet.
    fn span(&self) -> Option<(i64, i64)> {
        let facts = self.facts.as_ref()?;
        Some((facts.first_ns?, facts.last_ns?))
    }
}

/// What to do if files of a stream overlap in time, from the first packet of each to its last.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Overlap {
    /// Stop, and show where.
    #[default]
    Refuse,
    /// Read them as one, packet by packet by time.
    Merge,
    /// Make each file a stream of its own.
    Separate,
}

/// Makes a stream of `files`, ordered by the time of their first packets (those without packets
/// in front; at the same time, by path). Where files overlap, `overlap` decides; with
/// [`Overlap::Separate`] there is then a stream for each file, called after it.
pub fn order(name: Option<&str>, files: &[PathBuf], overlap: Overlap) -> Result<Vec<Stream>> {
    let name = name.map(str::to_string);
    if let [path] = files {
        let file = StreamFile {
            path: path.clone(),
            facts: None,
            hash: false,
        };
        return Ok(vec![Stream {
            name,
            files: vec![file],
            merge: false,
        }]);
    }
    if files.is_empty() {
        return Err(Error::new("no captures are given"));
    }
    // The results are looked at in order, so that of several errors always the same one comes.
    let scanned: Vec<Result<StreamFile>> = files.par_iter().map(|path| scan(path)).collect();
    let mut files = scanned.into_iter().collect::<Result<Vec<_>>>()?;
    files.sort_by(|a, b| (a.first_ns(), &a.path).cmp(&(b.first_ns(), &b.path)));
    let (overlaps, more) = overlaps(&files);
    if overlaps.is_empty() {
        return Ok(vec![Stream {
            name,
            files,
            merge: false,
        }]);
    }
    match overlap {
        Overlap::Refuse => Err(refuse(&overlaps, more)),
        Overlap::Merge => Ok(vec![Stream {
            name,
            files,
            merge: true,
        }]),
        Overlap::Separate => Ok(separate(name.as_deref(), files)),
    }
}

fn scan(path: &Path) -> Result<StreamFile> {
    let metadata = std::fs::metadata(path);
    if path.as_os_str() == STANDARD_INPUT || metadata.is_ok_and(|m| !m.is_file() && !m.is_dir()) {
        return Err(Error::new(
            "this can be read only once, but of several inputs the times have to be known first",
        )
        .in_file(path)
        .help("give it alone, or write it to a file"));
    }
    let mut reader = Reader::open(path)?;
    while reader.advance()? {}
    Ok(StreamFile {
        path: path.to_path_buf(),
        facts: Some(reader.into_facts()),
        hash: false,
    })
}

type Spanned<'a> = (&'a Path, i64, i64);

/// The first pairs of files of which one begins before the other ends, and how many more there are: thousands of
/// files have millions of pairs. `files` are in order.
fn overlaps(files: &[StreamFile]) -> (Vec<(Spanned<'_>, Spanned<'_>)>, usize) {
    let spans: Vec<Spanned> = files
        .iter()
        .filter_map(|file| {
            file.span()
                .map(|(first, last)| (file.path.as_path(), first, last))
        })
        .collect();
    let (mut found, mut more) = (Vec::new(), 0);
    for (i, earlier) in spans.iter().enumerate() {
        let later = spans.get(i + 1..).unwrap_or_default();
        let overlap = later.partition_point(|later| later.1 < earlier.2);
        let listed = overlap.min(LISTED - found.len());
        found.extend(later.iter().take(listed).map(|later| (*earlier, *later)));
        more += overlap - listed;
    }
    (found, more)
}

fn refuse(overlaps: &[(Spanned, Spanned)], more: usize) -> Error {
    let mut text = String::from("files of one stream overlap in time, so they have no order:");
    for ((a, a_first, a_last), (b, b_first, b_last)) in overlaps {
        // Writing to a string cannot fail.
        let _ = write!(
            text,
            "\n  {} ({} to {}) and {} ({} to {}): {} s in common",
            a.display(),
            Utc(*a_first),
            Utc(*a_last),
            b.display(),
            Utc(*b_first),
            Utc(*b_last),
            Seconds(a_last.min(b_last).abs_diff(*b_first)),
        );
        if (a_first, a_last) == (b_first, b_last) {
            text += ": is it the same capture twice?";
        }
    }
    if more > 0 {
        let _ = write!(text, "\n  and {more} more pairs");
    }
    Error::new(text).help(
        "choose `merge` if they are of one vantage point (packets are then read by time, from \
         all files at once), or `separate` if they are not (each file is then a stream of its own)",
    )
}

fn separate(name: Option<&str>, files: Vec<StreamFile>) -> Vec<Stream> {
    let mut names: Vec<String> = Vec::new();
    let mut taken = BTreeSet::new();
    for file in &files {
        let own = file
            .path
            .file_name()
            .unwrap_or(file.path.as_os_str())
            .to_string_lossy();
        let own = name.map_or_else(|| own.to_string(), |name| format!("{name}-{own}"));
        // Files of the same name in several folders.
        let mut unique = own.clone();
        let mut n = 2;
        while !taken.insert(unique.clone()) {
            unique = format!("{own}-{n}");
            n += 1;
        }
        names.push(unique);
    }
    let make = |(name, file)| Stream {
        name: Some(name),
        files: vec![file],
        merge: false,
    };
    names.into_iter().zip(files).map(make).collect()
}
