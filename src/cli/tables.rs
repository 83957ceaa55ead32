//! `netcap tables`.

use std::fmt::Write as _;

use clap::{Args, ValueEnum};
use netcap_proto::{LABEL_TABLES, TABLES, Table};

use super::{Done, print};
use crate::engine::unknown_table;
use crate::error::{Error, Result};
use crate::{schema, text};

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
        let all: Vec<&'static Table> = TABLES.iter().chain(LABEL_TABLES).copied().collect();
        let chosen: Vec<&'static Table> = match &self.table {
            None => all,
            Some(name) => {
                let chosen = all.iter().find(|t| t.name.eq_ignore_ascii_case(name));
                vec![*chosen.ok_or_else(|| unknown_table(name, &all))?]
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
            "{:<26} {:>3} columns  {}{}",
            table.name,
            table.columns.len(),
            table.title,
            if table.on_request {
                " (on request)"
            } else {
                ""
            }
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
    let _ = writeln!(text, "{}\n", text::wrap(table.doc, 78, ""));
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
        let _ = writeln!(text, "{}", text::wrap(column.doc, 78, "    "));
    }
    text
}
