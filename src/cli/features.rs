//! `netcap features`.

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand, ValueEnum};

use super::features_diff::FeaturesDiff;
use super::{Common, Done, make_damaged_again, print, values, width};
use crate::dataset::{Contents, Output};
use crate::error::{Error, Result};
use crate::feature::{FeatureSet, list, markdown, select, text};
use crate::output::Stage;
use crate::output::export::Format;
use crate::pipeline::{FeatureRequest, Made, make_features, write_features};
use crate::text::count;

/// List feature sets, print their definitions, or calculate one
///
/// A feature set is a file of SQL expressions over the flows of one policy. Those
/// that come with netcap are named by their names, others by their paths; a
/// dialect follows after a colon.
///
/// Examples:
///   netcap features
///   netcap features cicflowmeter:engelen
///   netcap features cicflowmeter --sql
///   netcap features cicflowmeter --input data --labels attacks
///   netcap features mine.yaml --input data --out features --format csv
///   netcap features diff cicflowmeter:engelen authors/*.csv --input data
#[derive(Debug, Args)]
#[command(verbatim_doc_comment, args_conflicts_with_subcommands = true)]
pub(super) struct Features {
    #[command(subcommand)]
    command: Option<Command>,
    /// A feature set: NAME, NAME:DIALECT, FILE.yaml.
    set: Option<String>,
    /// Print the set as one SELECT, for DuckDB or Spark.
    #[arg(long, conflicts_with_all = ["input", "markdown"])]
    sql: bool,
    /// Print the set as documentation.
    #[arg(long, conflicts_with = "input")]
    markdown: bool,
    /// Output of netcap decode or netcap build, whose flows are to be used.
    #[arg(short, long, value_name = "DIR")]
    input: Option<PathBuf>,
    /// Add the labels of this label set.
    #[arg(long, value_name = "SET", requires = "input")]
    labels: Option<String>,
    /// Write what tells flows apart too: addresses, ports, time.
    #[arg(long)]
    with_ids: bool,
    /// Original spellings of the columns, such as cic2017, cic2018, fork.
    #[arg(long, value_name = "NAME", requires = "input")]
    naming: Option<String>,
    /// A new folder for the files [default: features/NAME in the input, as part of it].
    #[arg(short, long, value_name = "DIR", requires = "input")]
    out: Option<PathBuf>,
    /// Format of the files.
    #[arg(long, value_enum, default_value = "parquet", requires = "out")]
    format: FormatArg,
    /// Calculate again, even if the features are there.
    #[arg(short, long, requires = "input")]
    force: bool,
}

#[derive(Debug, Subcommand)]
enum Command {
    Diff(FeaturesDiff),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum FormatArg {
    /// Parquet.
    Parquet,
    /// Comma-separated values.
    Csv,
    /// Arrow IPC.
    Arrow,
}

impl Features {
    pub(super) fn run(self, common: &Common) -> Result<Done> {
        if let Some(Command::Diff(diff)) = self.command {
            return diff.run();
        }
        let Some(word) = &self.set else {
            if self.input.is_some() || self.sql || self.markdown {
                return Err(Error::new("no feature set is named")
                    .help("name one first, as in `netcap features cicflowmeter`; `netcap features` lists them"));
            }
            print(&list(width())?)?;
            return Ok(Done::Well);
        };
        let set = FeatureSet::find(word, Path::new(""))?;
        let Some(input) = self.input.clone() else {
            print(&match (self.sql, self.markdown) {
                (true, _) => select(&set, self.with_ids),
                (_, true) => markdown(&set),
                _ => text(&set, width()),
            })?;
            return Ok(Done::Well);
        };
        let request = FeatureRequest {
            name: set.full_name(),
            set,
            labels: self.labels.clone(),
            with_ids: self.with_ids,
            naming: self.naming.clone(),
        };
        let contents = Contents::read(&input)?;
        match self.out {
            Some(out) => write_beside(common, &contents, &request, self.format, &out)?,
            None => {
                let mut output = Output::open(&input, contents.cache())?;
                let name = request.stage();
                make_damaged_again(common, &mut output, |stage| stage == name)?;
                let made = make_features(&mut output, &request, self.force)?;
                output.finish()?;
                let folder = input.join(request.stage());
                common.say(&match made {
                    Made::Now => told(&request, &folder.display().to_string()),
                    Made::Before => format!(
                        "in {}: nothing has changed, nothing was done (--force calculates again)",
                        folder.display()
                    ),
                });
            }
        }
        Ok(Done::Well)
    }
}

fn told(request: &FeatureRequest, place: &str) -> String {
    format!(
        "{} of {}, in {place}",
        count(request.set.features.len() as u64, "feature"),
        request.set.flows.name
    )
}

/// Writes into a folder that is no part of an output.
fn write_beside(
    common: &Common,
    contents: &Contents,
    request: &FeatureRequest,
    format: FormatArg,
    out: &Path,
) -> Result<()> {
    values::check_new(out)?;
    let format = match format {
        FormatArg::Parquet => None,
        FormatArg::Csv => Some(Format::Csv),
        FormatArg::Arrow => Some(Format::Arrow),
    };
    let stage = Stage::begin(out)?;
    write_features(contents, request, format, stage.path())?;
    stage.commit()?;
    common.say(&told(request, &out.display().to_string()));
    Ok(())
}
