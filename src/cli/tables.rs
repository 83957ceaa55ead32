//! `netcap tables`.

use std::fmt::Write as _;

use clap::{Args, ValueEnum};
use netcap_proto::{TABLES, Table};

use super::{Done, print};
use crate::engine::Selection;
use crate::error::{Error, Result};
use crate::schema;

/// List the tables, or the columns of one
///
/// Examples:
///   netcap tables
///   netcap tables tcp
///   netcap tables --format markdown > reference.md
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(super) struct Tables {
    /// A table.
    table: Option<String>,
    /// How to print.
    #[arg(long, value_enum, default_value = "text")]
    format: Format,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Format {
    /// For a terminal.
    Text,
    /// For programs.
    Json,
    /// For documentation.
    Markdown,
}

impl Tables {
    pub(super) fn run(self) -> Result<Done> {
        let chosen: Vec<&'static Table> = match &self.table {
            None => TABLES.to_vec(),
            Some(name) => {
                // For its message about names that do not exist.
                Selection::parse(name)?;
                TABLES.iter().copied().filter(|t| t.name == name).collect()
            }
        };
        let text = match (self.format, &chosen[..]) {
            (Format::Text, [table]) => columns(table),
            (Format::Text, tables) => list(tables),
            (Format::Markdown, tables) => schema::markdown(tables),
            (Format::Json, tables) => {
                let all: Vec<_> = tables.iter().map(|t| schema::json(t)).collect();
                let mut text = serde_json::to_string_pretty(&all)
                    .map_err(|e| Error::because("the tables could not be written", e))?;
                text.push('\n');
                text
            }
        };
        print(&text)?;
        Ok(Done::Well)
    }
}

fn list(tables: &[&Table]) -> String {
    let mut text = String::new();
    for table in tables {
        // Writing to a String cannot fail.
        let _ = writeln!(
            text,
            "{:<10} {:>3} columns  {}",
            table.name,
            table.columns.len(),
            table.title
        );
    }
    text.push_str("\nnetcap tables TABLE shows its columns.\n");
    text
}

fn columns(table: &Table) -> String {
    let mut text = format!("{}: {}\n", table.name, table.title);
    if !table.source.is_empty() {
        let _ = writeln!(text, "source: {}", table.source);
    }
    let _ = writeln!(text, "{}\n", schema::wrap(table.doc, 78, ""));
    for column in table.columns {
        let null = if column.nullable { ", may be null" } else { "" };
        let unit = if column.unit.is_empty() {
            String::new()
        } else {
            format!(", {}", column.unit)
        };
        let _ = writeln!(
            text,
            "{}  ({}{unit}{null})",
            column.name,
            schema::type_name(column)
        );
        let _ = writeln!(text, "{}", schema::wrap(column.doc, 78, "    "));
    }
    text
}
