//! `netcap export`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::{Common, Done, values};
use crate::dataset::Contents;
use crate::engine::Selection;
use crate::error::Result;
use crate::output::Stage;
use crate::output::export::Format;
use crate::pipeline::{ExportRequest, write_export};
use crate::text::count;

/// Write tables in another format
///
/// Examples:
///   netcap export --input data --format csv --tables flow --out csv
///   netcap export --input data --format protobuf --labels attacks --out pb
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(super) struct Export {
    /// Output of netcap decode or netcap build.
    #[arg(short, long, value_name = "DIR")]
    input: PathBuf,
    /// Format of the files.
    #[arg(long, value_enum)]
    format: FormatArg,
    /// Only these tables (a,b), or all but these (-a,-b).
    #[arg(long, value_name = "LIST", value_parser = values::tables, allow_hyphen_values = true)]
    tables: Option<Selection>,
    /// Add the columns of this label set.
    #[arg(long, value_name = "SET")]
    labels: Option<String>,
    /// A new folder for the files.
    #[arg(short, long, value_name = "DIR")]
    out: PathBuf,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum FormatArg {
    /// Messages, each after its length, with the descriptors beside.
    Protobuf,
    /// Comma-separated values.
    Csv,
    /// Arrow IPC files.
    Arrow,
}

impl Export {
    pub(super) fn run(self, common: &Common) -> Result<Done> {
        let contents = Contents::read(&self.input)?;
        values::check_new(&self.out)?;
        let request = ExportRequest {
            format: match self.format {
                FormatArg::Protobuf => Format::Protobuf,
                FormatArg::Csv => Format::Csv,
                FormatArg::Arrow => Format::Arrow,
            },
            tables: self.tables.map(|selection| {
                let there = contents.stage("tables");
                // Tables that are only not left out may be missing.
                let has = |t: &&str| {
                    selection.named().contains(t)
                        || there.is_some_and(|s| s.tables.contains_key(*t))
                };
                selection.names().iter().copied().filter(has).collect()
            }),
            labels: self.labels,
        };
        let stage = Stage::begin(&self.out)?;
        let files = write_export(&contents, &request, stage.path())?;
        stage.commit()?;
        let files = count(files as u64, "file");
        common.say(&format!("{files} in {}", self.out.display()));
        Ok(Done::Well)
    }
}
