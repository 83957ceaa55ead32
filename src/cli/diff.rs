//! `netcap diff`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::{Done, print};
use crate::dataset::diff;
use crate::error::{Error, Result};

/// Compare two outputs
///
/// Tells which tables and columns differ, and in how many rows. The exit status
/// is 0 if they are equal and 1 if they differ.
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
    format: Format,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Format {
    /// For a terminal.
    Text,
    /// For programs.
    Json,
}

impl Diff {
    pub(super) fn run(&self) -> Result<Done> {
        let found = diff(&self.a, &self.b)?;
        let text = match self.format {
            Format::Text => found.to_string(),
            Format::Json => serde_json::to_string_pretty(&found)
                .map_err(|e| Error::because("the result could not be written", e))?,
        };
        print(&format!("{}\n", text.trim_end()))?;
        Ok(if found.is_equal() {
            Done::Well
        } else {
            Done::WithWarnings
        })
    }
}
