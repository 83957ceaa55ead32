//! Ground truth: reads who attacked whom and when, checks it, labels flows by it, and reports what
//! came of it. No tables and no captures: flows come in as facts, verdicts go out.
//!
//! ```text
//! file ─ yaml, csv_form ─► tree ─ document, rule ─► GroundTruth ─► Labeler ─ label ─► Verdict
//!                (keys: the table of all keys; schema)      │ index, matching      │
//!                                                           └► Misses, Report ◄─ Tally
//! ```
//!
//! The label file is described in `docs/label-file.md`, and each of its keys in the table of all keys ([`json_schema`]).

mod append;
mod asks;
mod captures;
mod carry;
mod clock;
mod columns;
mod condition;
mod csv_form;
mod diagnosis;
mod document;
mod duration;
mod explain;
mod fields;
mod flows;
mod host_set;
mod hosts;
mod import;
mod index;
mod interval;
mod join;
mod keys;
mod labeler;
mod matching;
mod mentions;
mod misses;
mod model;
mod moment;
mod names;
mod offsets;
mod other_dates;
mod packet_claims;
mod packet_rows;
mod packets;
mod problems;
mod protocols;
mod report;
mod rule;
mod schema;
mod sensitivity;
mod service;
mod side;
mod slack;
mod summary;
mod tally;
#[cfg(test)]
mod tests;
mod traffic;
mod values;
mod verdict;
mod yaml;

use std::path::Path;

pub use append::{NewRule, append};
pub use asks::Asks;
pub use carry::FlowLabels;
pub use clock::Captured;
pub use columns::{ColumnType, Columns, Value};
pub use diagnosis::{ClockSeen, SERIOUS, Surroundings};
pub use explain::{Considered, Role};
pub use flows::{Basis, Connections, flow_columns, needed_columns};
pub use import::{Commented, ImportOptions, Imported, format_names, import};
pub use join::{Explained, Labeled, explain_row, label_batch, look_batch, vary_batch};
pub use labeler::Labeler;
pub use misses::Misses;
pub use model::{GroundTruth, Rule, Unit};
pub use packet_claims::{PacketClaims, PacketRules, Said, label_without_flow};
pub use packet_rows::{PacketBatches, PacketCounts, PacketRows};
pub use problems::Errors;
pub use report::Report;
pub use schema::{json_schema, key_reference};
pub use sensitivity::{ClassStability, Sensitivity, SensitivityTally, Setting, Stability};
pub use slack::Slacks;
pub use tally::Tally;
pub use traffic::Traffic;
pub use verdict::{Claim, Edge, End, FlowDirection, FlowFacts, PacketCount, State, Verdict};

use jiff::tz::TimeZone;

use crate::capture::{Format, read_whole};
use crate::error::Error;
use problems::Problems;

/// Reads a zone: an IANA name, `UTC`, or an offset such as `+02:00`. It means the same on every machine.
///
/// # Errors
/// What is none, with the nearest name.
pub fn parse_zone(text: &str) -> Result<TimeZone, Error> {
    moment::parse_zone(text).map_err(|fault| {
        let error = Error::new(fault.message);
        match fault.help {
            Some(help) => error.help(help),
            None => error,
        }
    })
}

/// Reads a ground-truth file; whether it is YAML or CSV is told from its content, and so are the formats
/// of others that need no zone to be said.
///
/// `columns` are those that conditions may use, in the order by which [`FlowFacts::values`] is
/// asked for them. `captured` tells when packets were captured that clocks are anchored in; without it
/// such clocks are only checked.
///
/// # Errors
/// Everything that is wrong in the file, in its order, each with line, column, what was expected
/// and, for a misspelt word, the nearest one. A file that is no YAML at all gives one error.
pub fn read(
    path: &Path,
    columns: &Columns,
    captured: Option<&dyn Captured>,
) -> Result<GroundTruth, Errors> {
    let bytes = read_whole(path).map_err(|error| {
        Errors::one(match path.is_dir() {
            true => error.help("it is a folder: name the files in it"),
            false => error,
        })
    })?;
    if let Some(magic) = bytes.first_chunk()
        && let Some(format) = Format::recognise(*magic)
    {
        let error = Error::new(format!("this is a capture ({format}), and no ground truth"));
        return Err(Errors::one(error.in_file(path).help(
            "name the label file about it; `netcap label import` reads labels in comments of its packets",
        )));
    }
    if let Some(foreign) = import::as_label_file(path, &bytes).map_err(Errors::one)? {
        let mut truth = parse_in(&foreign.text, path, columns, captured)?;
        truth.left_out = foreign.left_out;
        truth.read_as = foreign.notes;
        for rule in &mut truth.rules {
            rule.line = import::line_of(&rule.id).unwrap_or(rule.line);
        }
        return Ok(truth);
    }
    let text = std::str::from_utf8(&bytes).map_err(|error| {
        let before = bytes.get(..error.valid_up_to()).unwrap_or_default();
        let before = String::from_utf8_lossy(before);
        let line = 1 + before.matches('\n').count();
        let in_line = before.chars().rev().take_while(|c| *c != '\n');
        let error = Error::new("this is no text in UTF-8")
            .in_file(path)
            .at_line(line, 1 + in_line.count());
        Errors::one(error.help("label files are YAML or CSV; save it as UTF-8"))
    })?;
    parse_in(text, path, columns, captured)
}

/// Reads ground truth from a text; `path` is what messages call it.
///
/// # Errors
/// As [`read`].
pub fn parse(text: &str, path: &Path, columns: &Columns) -> Result<GroundTruth, Errors> {
    parse_in(text, path, columns, None)
}

fn parse_in(
    text: &str,
    path: &Path,
    columns: &Columns,
    captured: Option<&dyn Captured>,
) -> Result<GroundTruth, Errors> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let name = path
        .file_name()
        .unwrap_or(path.as_os_str())
        .to_string_lossy();
    let mut problems = Problems::default();
    let truth = if csv_form::is_csv(text) {
        Some(csv_form::read(text, path, &name, columns, &mut problems).map_err(Errors::one)?)
    } else {
        if is_table(path) && !import::is_label_yaml(text) {
            let error = Error::new(
                "the first line of this table does not name the columns of a label table",
            );
            return Err(Errors::one(error.in_file(path).at_line(1, 1).help(
                "write such as `label,start,end,attackers,victims`; tables of others become label files with `netcap label import`",
            )));
        }
        let root = yaml::parse(text, path, &mut problems).map_err(Errors::one)?;
        document::read(&root, &name, columns, captured, &mut problems)
    };
    match problems.into_result(path, truth)? {
        Some(truth) => Ok(truth),
        None => Err(Errors::one(
            Error::new("this is no label file")
                .in_file(path)
                .help("the first line of one is `netcap-labels: 1`"),
        )),
    }
}

/// Whether the name of a file says that it is a table.
fn is_table(path: &Path) -> bool {
    let extension = path.extension().unwrap_or_default();
    ["csv", "tsv"]
        .iter()
        .any(|table| extension.eq_ignore_ascii_case(table))
}
