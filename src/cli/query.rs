//! `netcap query`.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::RecordBatch;
use clap::{Args, ValueEnum};
use indicatif::HumanCount;

use super::values::refuse_to_replace;
use super::{Done, complain, print};
use crate::dataset::Contents;
use crate::error::{Error, Result};
use crate::output::{csv_of_any, parquet_of_any, text_of_any, write_atomically};
use crate::pipeline::query_output;

/// Ask an output with SQL
///
/// Tables have the names of views.sql: flow, dns, flow_SET with the labels of a set,
/// features_NAME. Answers are those of DuckDB, for a part of its SQL; the rest is
/// refused. Integers have 64 bits, beyond which they start again from the other
/// end. What a query names is read into memory, so for large tables DuckDB with
/// views.sql is the better choice.
///
/// Examples:
///   netcap query "SELECT service, count(*) AS n FROM flow GROUP BY service" --input data
///   netcap query "SELECT * FROM dns LIMIT 5" --input data --format csv
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(super) struct Query {
    /// A SELECT.
    sql: String,
    /// Output of netcap decode or netcap build.
    #[arg(short, long, value_name = "DIR")]
    input: PathBuf,
    /// How to print.
    #[arg(long, value_enum, default_value = "table")]
    format: Format,
    /// Write to this file instead: .csv or .parquet.
    #[arg(short, long, value_name = "FILE", conflicts_with = "format")]
    out: Option<PathBuf>,
    /// Replace the file.
    #[arg(short, long, requires = "out")]
    force: bool,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Format {
    /// For a terminal.
    Table,
    /// Comma-separated values.
    Csv,
}

/// Rows that a terminal is shown: the widths of columns are those of all rows, which so have to be made before one is
/// printed.
const MOST_ROWS: usize = 1000;

/// Makes the bytes of a file.
type Write = fn(&RecordBatch) -> Result<Vec<u8>>;

impl Query {
    pub(super) fn run(self) -> Result<Done> {
        let write = match &self.out {
            None => None,
            Some(path) => match path.extension().and_then(|e| e.to_str()) {
                Some("csv") => Some(csv_of_any as Write),
                Some("parquet") => Some(parquet_of_any as Write),
                _ => {
                    return Err(Error::new("the kind of file is not known")
                        .in_file(path)
                        .help("name it .csv or .parquet"));
                }
            },
        };
        if let Some(path) = &self.out {
            refuse_to_replace(path, self.force)?;
            let whole = |path: &Path| path.canonicalize().ok();
            let folder = path.parent().filter(|folder| *folder != Path::new(""));
            if let (Some(place), Some(output)) =
                (whole(folder.unwrap_or(Path::new("."))), whole(&self.input))
                && place.starts_with(output)
            {
                return Err(Error::new(
                    "this would be in the output that is read, whose files are all its own",
                )
                .in_file(path)
                .help("name a file elsewhere with --out"));
            }
        }
        let contents = Arc::new(Contents::read(&self.input)?);
        let rows = query_output(&contents, &self.sql)?;
        match (self.out, write) {
            (Some(path), Some(write)) => write_atomically(&path, &write(&rows)?)?,
            _ => match self.format {
                Format::Table => {
                    let shown = rows.slice(0, rows.num_rows().min(MOST_ROWS));
                    print(&format!("{}\n", text_of_any(&shown)?))?;
                    if shown.num_rows() < rows.num_rows() {
                        complain(&format!(
                            "these are the first {} of {} rows: --format csv prints all, --out writes them",
                            HumanCount(shown.num_rows() as u64),
                            HumanCount(rows.num_rows() as u64)
                        ));
                    }
                }
                Format::Csv => print(&String::from_utf8_lossy(&csv_of_any(&rows)?))?,
            },
        }
        Ok(Done::Well)
    }
}
