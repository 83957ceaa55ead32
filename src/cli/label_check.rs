//! `netcap label check`.

use std::path::PathBuf;

use clap::Args;

use super::{Common, Done};
use crate::error::Result;
use crate::pipeline::check_truth;

/// Tell everything that is wrong in label files, without a capture
///
/// Examples:
///   netcap label check attacks.yaml
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(super) struct LabelCheck {
    /// Ground truth: YAML or CSV.
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
}

impl LabelCheck {
    pub(super) fn run(&self, common: &Common) -> Result<Done> {
        check_truth(&self.files)?;
        common.say("the label files are in order");
        Ok(Done::Well)
    }
}
