//! `views.sql`: DuckDB views over an output, also of the tables that have no rows.

use std::fmt::Write as _;

use netcap_proto::{Column, Type};

use super::layout::Layout;
use super::streams::STREAM;

/// A table of an output under one name: what a view in `views.sql` is of, and what `netcap query` knows.
#[derive(Debug, Clone)]
pub struct View {
    /// Its name.
    pub name: String,
    /// The stage that it is in.
    pub stage: String,
    /// Its name in the stage.
    pub table: String,
    /// Its files, by paths relative to the output.
    pub files: Vec<String>,
    /// Its rows have the name of their stream, which is that of a folder: a column that is not in the files.
    pub streams: bool,
    /// Its columns; `None` for those that are known by its files alone, of which there is one at least.
    pub layout: Option<Layout>,
}

/// The SQL. Paths are relative: it is to be run in the output folder.
pub(crate) fn views_sql(views: &[View]) -> String {
    let mut sql = String::from(
        "-- Views over this output, for DuckDB. Run in this folder: duckdb -init views.sql\n",
    );
    for view in views {
        let rows = match &view.layout {
            Some(layout) if view.files.is_empty() => no_rows(layout, view.streams),
            _ => rows_of(&view.files),
        };
        // Writing to a String cannot fail.
        let _ = writeln!(
            sql,
            "CREATE OR REPLACE VIEW {} AS SELECT {rows};",
            quoted(&view.name)
        );
    }
    sql
}

/// The files by name: one that lies beside them is not of the table.
fn rows_of(files: &[String]) -> String {
    let files: Vec<String> = files
        .iter()
        .map(|file| format!("'{}'", file.replace('\'', "''")))
        .collect();
    let files = match &files[..] {
        [file] => file.clone(),
        _ => format!("[{}]", files.join(", ")),
    };
    format!("* FROM read_parquet({files}, hive_partitioning = true, hive_types_autocast = false)")
}

fn no_rows(layout: &Layout, streams: bool) -> String {
    let mut columns: Vec<String> = layout
        .columns
        .iter()
        .map(|c| format!("CAST(NULL AS {}) AS {}", duckdb_type(c), quoted(c.name)))
        .collect();
    if streams {
        columns.push(format!("CAST(NULL AS VARCHAR) AS {STREAM}"));
    }
    format!("{} WHERE false", columns.join(", "))
}

fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

fn duckdb_type(column: &Column) -> String {
    let ty = match column.ty {
        Type::Bool => "BOOLEAN".to_owned(),
        Type::Int32 => "INTEGER".to_owned(),
        Type::Int64 => "BIGINT".to_owned(),
        Type::Double => "DOUBLE".to_owned(),
        Type::Text => "VARCHAR".to_owned(),
        Type::Bytes => "BLOB".to_owned(),
        Type::Timestamp => "TIMESTAMPTZ".to_owned(),
        Type::Struct => {
            let fields: Vec<String> = column
                .children
                .iter()
                .map(|c| format!("{} {}", quoted(c.name), duckdb_type(c)))
                .collect();
            format!("STRUCT({})", fields.join(", "))
        }
    };
    if column.repeated {
        format!("{ty}[]")
    } else {
        ty
    }
}
