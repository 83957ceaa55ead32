//! The command line: one file a command, nothing but arguments, progress and printing.

mod build;
mod completions;
mod decode;
mod diff;
mod export;
mod extract;
mod features;
mod features_diff;
mod flows;
mod inspect;
mod label;
mod label_check;
mod label_compare;
mod label_explain;
mod label_import;
mod label_record;
mod progress;
mod query;
mod summary;
mod tables;
mod values;
mod verify;

use std::io::Write;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};

use crate::dataset::{Output, Problem};
use crate::error::{Error, Result};
use crate::output::abandon;
use crate::text;

/// Turn network captures and a statement of ground truth into labeled, typed, reproducible tables.
#[derive(Debug, Parser)]
#[command(name = "netcap", version, max_term_width = 100, after_help = EXIT_STATUS)]
struct Cli {
    #[command(subcommand)]
    command: Command,
    #[command(flatten)]
    common: Common,
}

const EXIT_STATUS: &str = "\
Exit status: 0 done; 1 done, with warnings; 2 not done; 130 stopped by a signal.

Examples:
  netcap build pipelines/quickstart.yaml       a whole dataset, as the file says
  netcap decode capture.pcap --out data        captures to Parquet tables
  netcap flows capture.pcap -o flows.parquet   just the flows
  netcap label --labels attacks.yaml --input data
  netcap features cicflowmeter --input data --labels attacks
  netcap help label                            all about one command";

#[derive(Debug, Subcommand)]
enum Command {
    Build(build::Build),
    Decode(decode::Decode),
    Flows(flows::Flows),
    Label(label::Label),
    Features(features::Features),
    Export(export::Export),
    Extract(extract::Extract),
    Query(query::Query),
    Inspect(inspect::Inspect),
    Tables(tables::Tables),
    Verify(verify::Verify),
    Diff(diff::Diff),
    Completions(completions::Completions),
}

/// Options of all commands.
#[derive(Debug, Clone, Args)]
struct Common {
    /// Print nothing on standard error but errors.
    #[arg(short, long, global = true)]
    quiet: bool,
    /// Print more: all findings, informations included.
    #[arg(short, long, global = true, conflicts_with = "quiet")]
    verbose: bool,
}

impl Common {
    /// A line for the person at the terminal.
    fn say(&self, text: &str) {
        if !self.quiet {
            complain(text);
        }
    }
}

/// Writes to standard error, folded to the width of a terminal.
fn complain(text: &str) {
    let text = match terminal_width() {
        Some(width) => text::fold(text, width),
        None => text.to_owned(),
    };
    // Nobody to tell, if standard error is closed.
    let _ = writeln!(std::io::stderr(), "{text}");
}

/// Columns of the terminal that standard error is, if it is one.
fn terminal_width() -> Option<usize> {
    worth(terminal_size::terminal_size_of(std::io::stderr()))
}

/// Prints a text for people, folded to the width of a terminal; in a file or a pipe its lines stay whole, and so do those that
/// begin with `whole`, to be copied.
fn print_folded(text: &str, whole: &str) -> Result<()> {
    let Some(width) = worth(terminal_size::terminal_size_of(std::io::stdout())) else {
        return print(text);
    };
    let folded = text.lines().map(|line| match line.starts_with(whole) {
        true => format!("{line}\n"),
        false => text::fold(line, width) + "\n",
    });
    print(&folded.collect::<String>())
}

fn worth(size: Option<(terminal_size::Width, terminal_size::Height)>) -> Option<usize> {
    let (width, _) = size?;
    (width.0 >= MOST_NARROW).then(|| usize::from(width.0))
}

/// Columns for texts that are broken into lines in any case.
fn width() -> usize {
    terminal_width().unwrap_or(80)
}

/// Terminals below this width are not worth folding for.
const MOST_NARROW: u16 = 20;

/// How a command ended, if it was not an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Done {
    /// All is well.
    Well,
    /// There were warnings.
    WithWarnings,
}

/// Runs the program: 0 done, 1 done with warnings, 2 not done, 130 stopped.
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    let common = cli.common;
    if let Err(error) = stop_cleanly(&cli.command) {
        complain(&format!("error: {error}"));
        return ExitCode::from(2);
    }
    let result = match cli.command {
        Command::Build(command) => command.run(&common),
        Command::Decode(command) => command.run(&common),
        Command::Flows(command) => command.run(&common),
        Command::Label(command) => command.run(&common),
        Command::Features(command) => command.run(&common),
        Command::Export(command) => command.run(&common),
        Command::Extract(command) => command.run(&common),
        Command::Query(command) => command.run(),
        Command::Inspect(command) => command.run(&common),
        Command::Tables(command) => command.run(),
        Command::Verify(command) => command.run(&common),
        Command::Diff(command) => command.run(),
        Command::Completions(command) => command.run(),
    };
    match result {
        Ok(Done::Well) => ExitCode::SUCCESS,
        Ok(Done::WithWarnings) => ExitCode::from(1),
        Err(error) if is_broken_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            complain(&format!("error: {error}"));
            ExitCode::from(2)
        }
    }
}

/// Ctrl-C and its like end a run, and leave nothing half-written: exit status 130, as of what a shell runs.
fn stop_cleanly(command: &Command) -> Result<()> {
    if matches!(command, Command::Label(label) if label.records()) {
        // It outlives the Ctrl-C that ends the attack.
        return Ok(());
    }
    #[expect(clippy::exit, reason = "other threads cannot be told to return")]
    let stop = || {
        abandon();
        complain("stopped: nothing half-written is left");
        std::process::exit(130);
    };
    match ctrlc::try_set_handler(stop) {
        // Somebody has them ignored (nohup), and that stays so.
        Err(ctrlc::Error::MultipleHandlers) => Ok(()),
        set => set.map_err(|e| Error::because("signals cannot be caught", e)),
    }
}

/// Whoever read the output has had enough (`netcap tables | head`): no error.
fn is_broken_pipe(error: &Error) -> bool {
    let mut cause = std::error::Error::source(error);
    while let Some(e) = cause {
        if e.downcast_ref::<std::io::Error>()
            .is_some_and(|e| e.kind() == std::io::ErrorKind::BrokenPipe)
        {
            return true;
        }
        cause = e.source();
    }
    false
}

/// What is damaged of the stages that a command makes is made again, and told; so is what lies in their folders.
fn make_damaged_again(
    common: &Common,
    output: &mut Output,
    asked: impl Fn(&str) -> bool,
) -> Result<()> {
    let strays = output.strays(&asked)?;
    for Problem { path, what } in output.forget_damaged(&asked)? {
        common.say(&format!(
            "made again: {} in the output {what}",
            path.escape_debug()
        ));
    }
    for Problem { path, .. } in strays {
        common.say(&format!(
            "{} in the output is no part of it: netcap does not read it, but what reads the whole folder does",
            path.escape_debug()
        ));
    }
    Ok(())
}

/// Data for standard output.
fn print(text: &str) -> Result<()> {
    let mut out = std::io::stdout().lock();
    out.write_all(text.as_bytes())
        .and_then(|()| out.flush())
        .map_err(|e| Error::because("cannot write to standard output", e))
}

/// The arguments, for completions and tests.
fn command() -> clap::Command {
    <Cli as clap::CommandFactory>::command()
}
