//! `netcap completions`.

use clap::Args;
use clap_complete::Shell;

use super::{Done, command, print};
use crate::error::{Error, Result};

/// Print a script that completes commands and options in a shell
///
/// For bash, for example:
///   netcap completions bash > ~/.local/share/bash-completion/completions/netcap
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(super) struct Completions {
    /// The shell.
    shell: Shell,
}

impl Completions {
    pub(super) fn run(&self) -> Result<Done> {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut command(), "netcap", &mut script);
        let script =
            String::from_utf8(script).map_err(|e| Error::because("the script is not UTF-8", e))?;
        print(&script)?;
        Ok(Done::Well)
    }
}
