//! `netcap label compare`.

use std::path::PathBuf;

use clap::Args;

use super::Done;
use super::label_explain::policy_table;
use super::values::Report;
use crate::dataset::Contents;
use crate::error::Result;
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
    format: Report,
}

impl LabelCompare {
    pub(super) fn run(self) -> Result<Done> {
        let contents = Contents::read(&self.input)?;
        let table = policy_table(self.policy.as_deref())?;
        let found = compare_labels(&contents, table, [&self.first, &self.second])?;
        self.format.print(&found)?;
        Ok(match found.same == found.flows {
            true => Done::Well,
            false => Done::WithWarnings,
        })
    }
}
