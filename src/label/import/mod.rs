//! Ground truth of others, as label files: a mapping says what the columns of their files mean, and each line
//! becomes a line of a label file in CSV, whose id names the line that it comes from.
//!
//! `mapping` is the file that says so, `rows` takes lines apart, `convert` makes label lines. What cannot be joined with
//! flows by hosts and time (labels of packets, of files) is not of this.

mod convert;
mod mapping;
mod rows;

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use jiff::tz::TimeZone;
use serde::Serialize;

use crate::error::{Error, Result};

use mapping::Mapping;
pub use mapping::format_names;

/// What a person decides beside the mapping.
#[derive(Debug, Clone, Default)]
pub struct ImportOptions {
    /// Zone of times that have none.
    pub zone: Option<TimeZone>,
    /// Lines that say that a flow is no attack become rules too.
    pub with_benign: bool,
}

/// What became of the lines.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Imported {
    /// Name of the mapping.
    pub format: String,
    /// Lines with values.
    pub lines: u64,
    /// Rules made of them.
    pub rules: u64,
    /// Lines that say nothing that a rule could: why, how many, and the first.
    pub left_out: BTreeMap<String, (u64, String)>,
    /// Rules by label.
    pub labels: BTreeMap<String, u64>,
    /// What was decided in reading.
    pub notes: Vec<String>,
}

impl Imported {
    /// Lines that should have become rules, and did not.
    pub fn unreadable(&self) -> u64 {
        let bad = self.left_out.iter().filter(|(why, _)| !is_meant(why));
        bad.map(|(_, (lines, _))| lines).sum()
    }

    fn leave_out(&mut self, why: &str, place: &str) {
        let entry = self.left_out.entry(why.to_owned());
        entry.or_insert_with(|| (0, place.to_owned())).0 += 1;
    }
}

/// Reasons by which a mapping leaves lines out.
const MEANT: [&str; 4] = [
    "they say nothing of an attack",
    "they say that it is no attack (--with-benign keeps them)",
    "they have no values",
    "the mapping has no use for them",
];

fn is_meant(why: &str) -> bool {
    MEANT.contains(&why)
}

/// Reads files and makes a label file in CSV of them; gives its text too.
pub fn import(
    files: &[PathBuf],
    format: Option<&str>,
    options: &ImportOptions,
) -> Result<(String, Imported)> {
    let mut done = Imported::default();
    let mut lines = convert::Lines::new()?;
    for file in files {
        let bytes = std::fs::read(file).map_err(|e| Error::io(file, "read", e))?;
        let text = rows::text(&bytes, &mut done.notes);
        let mapping = match format {
            Some(format) => Mapping::named(format)?,
            None => Mapping::of(&text).ok_or_else(|| {
                Error::new("no known format has such lines")
                    .in_file(file)
                    .help(format!(
                        "say it with --format: {}, or the path of a mapping file",
                        format_names().collect::<Vec<_>>().join(", ")
                    ))
            })?,
        };
        if mapping.needs_zone() && options.zone.is_none() {
            return Err(Error::new(format!(
                "times of {} have no zone, and it matters: an hour moves labels to other flows",
                mapping.name
            ))
            .in_file(file)
            .help(mapping.zone_help()));
        }
        done.notes.extend(mapping.note.iter().cloned());
        done.format.clone_from(&mapping.name);
        add(file, &text, &mapping, options, &mut lines, &mut done)?;
    }
    done.notes.dedup();
    Ok((lines.finish()?, done))
}

fn add(
    file: &Path,
    text: &str,
    mapping: &Mapping,
    options: &ImportOptions,
    lines: &mut convert::Lines,
    done: &mut Imported,
) -> Result<()> {
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    let stem: String = name
        .chars()
        .map(|c| {
            if c.is_ascii_alphanumeric() || matches!(c, '-' | '.') {
                c
            } else {
                '-'
            }
        })
        .collect();
    for row in rows::Rows::new(text, mapping).map_err(|e| e.in_file(file))? {
        let place = format!("{name}:{}", row.line);
        if row.is_empty() {
            done.leave_out("they have no values", &place);
            continue;
        }
        done.lines += 1;
        match convert::convert(&row, mapping, options) {
            Ok(label) => {
                *done.labels.entry(label.label.clone()).or_default() += 1;
                done.rules += 1;
                lines.push(&format!("{stem}_{}", row.line), &label)?;
            }
            Err(why) => done.leave_out(&why, &place),
        }
    }
    Ok(())
}

impl fmt::Display for Imported {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{}: {} lines, {} rules",
            self.format, self.lines, self.rules
        )?;
        for (label, rules) in &self.labels {
            writeln!(f, "  {rules:>9}  {label}")?;
        }
        for (why, (lines, first)) in &self.left_out {
            writeln!(
                f,
                "left out: {lines} lines, since {why}; the first is {first}"
            )?;
        }
        for note in &self.notes {
            writeln!(f, "note: {note}")?;
        }
        Ok(())
    }
}
