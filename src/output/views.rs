//! `views.sql`: DuckDB views over an output, also of the tables that have no rows.

use std::fmt::Write as _;

use netcap_proto::{Column, Type};

use super::layout::Layout;

/// A table of an output under one name: what a view in `views.sql` is of, and what `netcap query` knows.
#[derive(Debug, Clone)]
pub struct View {
    /// Its name.
    pub name: String,
    /// Its rows.
    pub rows: Rows,
}

/// Where the rows of a view are.
#[derive(Debug, Clone)]
pub enum Rows {
    /// In the Parquet files of a folder, whose path is relative to the output.
    Folder(String),
    /// Nowhere: it has none, but columns.
    None(Layout),
}

/// The SQL. Paths are relative: it is to be run in the output folder.
pub(crate) fn views_sql(views: &[View]) -> String {
    let mut sql = String::from(
        "-- Views over this output, for DuckDB. Run in this folder: duckdb -init views.sql\n",
    );
    for View { name, rows } in views {
        // Writing to a String cannot fail.
        let _ = match rows {
            Rows::Folder(folder) => writeln!(
                sql,
                "CREATE OR REPLACE VIEW {} AS SELECT * FROM read_parquet('{}/**/*.parquet', hive_partitioning = true);",
                quoted(name),
                folder.replace('\'', "''")
            ),
            Rows::None(layout) => {
                let columns: Vec<String> = layout
                    .columns
                    .iter()
                    .map(|c| format!("CAST(NULL AS {}) AS {}", duckdb_type(c), quoted(c.name)))
                    .collect();
                writeln!(
                    sql,
                    "CREATE OR REPLACE VIEW {} AS SELECT {} WHERE false;",
                    quoted(name),
                    columns.join(", ")
                )
            }
        };
    }
    sql
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
