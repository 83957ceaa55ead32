//! `netcap label compare`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::label_explain::policy_table;
use super::{Done, print};
use crate::dataset::Manifest;
use crate::error::{Error, Result};
use crate::pipeline::compare_labels;

/// Compare two label sets of an output, flow by flow
///
/// Told is what each says, of how many flows, by which rules, with some of the flows
/// for `netcap label explain`. The exit status is 0 if they say the same. To compare
/// with labels in CSV files of others, see `netcap features diff`.
///
/// Examples:
///   netcap label compare corrected published --input data
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(super) struct LabelCompare {
    /// A label set.
    first: String,
    /// Another one.
    second: String,
    /// Output of netcap decode or netcap build, with both.
    #[arg(short, long, value_name = "DIR")]
    input: PathBuf,
    /// The flows of this policy [default: netcap].
    #[arg(long, value_name = "NAME")]
    policy: Option<String>,
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

impl LabelCompare {
    pub(super) fn run(self) -> Result<Done> {
        let manifest = Manifest::read(&self.input)?;
        let table = policy_table(self.policy.as_deref())?;
        let found = compare_labels(&self.input, &manifest, table, [&self.first, &self.second])?;
        let text = match self.format {
            Format::Text => found.to_string(),
            Format::Json => serde_json::to_string_pretty(&found)
                .map_err(|e| Error::because("the result could not be written", e))?,
        };
        print(&format!("{}\n", text.trim_end()))?;
        Ok(match found.same == found.flows {
            true => Done::Well,
            false => Done::WithWarnings,
        })
    }
}
