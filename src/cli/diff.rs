//! `netcap diff`.

use std::path::PathBuf;

use clap::Args;

use super::Done;
use super::values::Report;
use crate::dataset::diff;
use crate::error::Result;

/// Compare two outputs
///
/// Tells which tables and columns differ, and in how many rows. The exit status
/// is 0 if they are equal and 1 if they differ; an output that is not as its manifest
/// says is refused (2).
///
/// Examples:
///   netcap diff data data-of-the-reviewer
///   netcap diff a b --format json
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(super) struct Diff {
    /// An output folder.
    #[arg(value_name = "DIR")]
    a: PathBuf,
    /// Another one.
    #[arg(value_name = "DIR")]
    b: PathBuf,
    /// How to print.
    #[arg(long, value_enum, default_value = "text")]
    format: Report,
}

impl Diff {
    pub(super) fn run(&self) -> Result<Done> {
        let found = diff(&self.a, &self.b)?;
        self.format.print(&found)?;
        Ok(if found.is_equal() {
            Done::Well
        } else {
            Done::WithWarnings
        })
    }
}
