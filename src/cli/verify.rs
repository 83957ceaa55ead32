//! `netcap verify`.

use std::path::PathBuf;

use clap::Args;
use indicatif::{HumanBytes, HumanCount};

use super::{Common, Done, print};
use crate::dataset::verify;
use crate::error::{Error, Result};
use crate::text::count;

/// Check an output against its manifest
///
/// Every file must be there with its bytes, every table with its rows and values,
/// and nothing else may be there. What is not so goes to standard output, a line
/// each, and the exit status is 2.
///
/// Examples:
///   netcap verify data
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(super) struct Verify {
    /// An output folder.
    #[arg(value_name = "DIR")]
    output: PathBuf,
}

impl Verify {
    pub(super) fn run(&self, common: &Common) -> Result<Done> {
        let found = verify(&self.output)?;
        for problem in &found.problems {
            print(&format!("{problem}\n"))?;
        }
        common.say(&format!(
            "{} files ({}), {} tables, {} rows",
            HumanCount(found.files),
            HumanBytes(found.bytes),
            HumanCount(found.tables),
            HumanCount(found.rows)
        ));
        match found.problems.len() {
            0 => {
                common.say("all is as the manifest says");
                Ok(Done::Well)
            }
            n => Err(Error::new(format!(
                "this is not as the manifest says: {}",
                count(n as u64, "difference")
            ))
            .in_file(&self.output)
            .help("build it again: what is not whole is made anew with --force")),
        }
    }
}
