//! Values of options: counts and numbers of threads. Those that pipelines have too are read by
//! them.

use std::path::Path;

use crate::engine::Selection;
use crate::error::Error;
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

/// A folder for new files must be new or empty.
pub(super) fn check_new(folder: &Path) -> crate::error::Result<()> {
    if folder.exists() && folder.read_dir().is_ok_and(|mut d| d.next().is_some()) {
        return Err(Error::new("this folder is there already")
            .in_file(folder)
            .help("name a new folder with --out, or remove this one"));
    }
    Ok(())
}
