//! Values of options: counts, numbers of threads, how results are printed. Those that pipelines have too
//! are read by them.

use std::fmt::Display;
use std::path::Path;

use clap::ValueEnum;
use serde::Serialize;

use super::print;
use crate::engine::Selection;
use crate::error::{Error, Result};
use crate::pipeline;

/// As [`pipeline::duration_ns`], for clap.
pub(super) fn duration_ns(text: &str) -> Result<i64, String> {
    pipeline::duration_ns(text).map_err(|e| e.to_string())
}

/// As [`pipeline::time_range`], for clap.
pub(super) fn time_range(text: &str) -> Result<(i64, i64), String> {
    pipeline::time_range(text).map_err(|e| e.to_string())
}

/// As [`pipeline::count`], for clap.
pub(super) fn count(text: &str) -> Result<u64, String> {
    pipeline::count(text).map_err(|e| e.to_string())
}

/// As [`Selection::parse`], for clap.
pub(super) fn tables(text: &str) -> Result<Selection, String> {
    Selection::parse(text).map_err(|e| e.to_string())
}

/// Threads: all processors unless the user says otherwise.
pub(super) fn threads(asked: Option<usize>) -> usize {
    asked
        .unwrap_or_else(|| std::thread::available_parallelism().map_or(1, usize::from))
        .max(1)
}

/// How a result is printed.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(super) enum Report {
    /// For a terminal.
    Text,
    /// For programs.
    Json,
}

impl Report {
    /// Prints a result in that way.
    pub(super) fn print(self, result: &(impl Serialize + Display)) -> Result<()> {
        print(&match self {
            Self::Text => format!("{}\n", result.to_string().trim_end()),
            Self::Json => json(result)?,
        })
    }
}

/// A result as JSON, for people to read too.
pub(super) fn json(result: &impl Serialize) -> Result<String> {
    let text = serde_json::to_string_pretty(result);
    let text = text.map_err(|e| Error::because("the result could not be written", e))?;
    Ok(format!("{text}\n"))
}

/// A file that is there is replaced only by who says so.
pub(super) fn refuse_to_replace(file: &Path, force: bool) -> Result<()> {
    if !file.exists() || force {
        return Ok(());
    }
    Err(Error::new("this file is there already")
        .in_file(file)
        .help("name another one with --out, or replace it with --force"))
}

/// A folder for new files must be new or empty.
pub(super) fn check_new(folder: &Path) -> Result<()> {
    if folder.exists() && folder.read_dir().is_ok_and(|mut d| d.next().is_some()) {
        return Err(Error::new("this folder is there already")
            .in_file(folder)
            .help("name a new folder with --out, or remove this one"));
    }
    Ok(())
}
