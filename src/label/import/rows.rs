//! Takes the lines of a file of others apart into fields with names.

use std::collections::BTreeMap;

use regex::Regex;
use serde_json::Value;

use super::mapping::{Mapping, Shape};
use crate::error::{Error, Result};

/// A line with its fields.
#[derive(Debug, Clone)]
pub(super) struct Row {
    /// Number of the line in its file, from 1.
    pub(super) line: usize,
    /// Which one it is, without the names of columns, from 1.
    pub(super) nth: usize,
    /// It is not of the form of its file: no JSON, or cut off.
    pub(super) is_broken: bool,
    fields: BTreeMap<String, String>,
}

impl Row {
    /// A line with its fields; [`Rows`] counts it.
    fn of(line: usize, fields: BTreeMap<String, String>) -> Self {
        Self {
            line,
            nth: 0,
            is_broken: false,
            fields,
        }
    }

    /// A line that is not of the form of its file.
    fn broken(line: usize) -> Self {
        Self {
            is_broken: true,
            ..Self::of(line, BTreeMap::new())
        }
    }

    /// The value of the first of those columns that has one.
    pub(super) fn get(&self, columns: &[String]) -> Option<&str> {
        let values = columns
            .iter()
            .filter_map(|name| self.fields.get(&key(name)));
        values
            .map(|value| value.trim())
            .find(|value| is_value(value))
    }

    /// It has a field of one of those names, if only an empty one.
    pub(super) fn has_any(&self, columns: &[String]) -> bool {
        columns
            .iter()
            .any(|name| self.fields.contains_key(&key(name)))
    }

    /// The names of its fields, in small letters.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.fields.keys().map(String::as_str)
    }

    /// There is nothing in it.
    pub(super) fn is_empty(&self) -> bool {
        !self.fields.values().any(|value| is_value(value.trim()))
    }
}

fn is_value(text: &str) -> bool {
    !matches!(text, "" | "-" | "nan" | "NaN" | "(empty)")
}

/// A file as text, whatever its encoding: UTF-8, with a mark or without, or else Windows-1252.
pub(super) fn text(bytes: &[u8], notes: &mut Vec<String>) -> String {
    let text = match std::str::from_utf8(bytes) {
        Ok(text) => text.strip_prefix('\u{feff}').unwrap_or(text).to_owned(),
        Err(_) => {
            notes.push("not in UTF-8: read as Windows-1252".to_owned());
            encoding_rs::WINDOWS_1252.decode(bytes).0.into_owned()
        }
    };
    // Dashes of every kind, and what damage made of them.
    text.replace(['\u{2013}', '\u{2014}', '\u{fffd}'], "-")
}

/// Names of columns are the same whatever their case and the blanks around.
fn key(name: &str) -> String {
    name.trim().to_ascii_lowercase()
}

/// The lines of a file.
pub(super) struct Rows<'t> {
    nth: usize,
    lines: Box<dyn Iterator<Item = Row> + 't>,
}

impl Iterator for Rows<'_> {
    type Item = Row;

    fn next(&mut self) -> Option<Row> {
        let row = self.lines.next()?;
        self.nth += 1;
        Some(Row {
            nth: self.nth,
            ..row
        })
    }
}

impl<'t> Rows<'t> {
    /// Takes a text apart.
    pub(super) fn new(text: &'t str, mapping: &Mapping) -> Result<Self> {
        Ok(Self {
            nth: 0,
            lines: match &mapping.rows {
                Shape::Csv {
                    separator,
                    header,
                    lacking,
                } => {
                    let (separator, lacking) = (separator.unwrap_or(','), lacking.as_deref());
                    csv(text, separator, header, lacking, &mapping.columns.label)?
                }
                Shape::Zeek => zeek(text)?,
                Shape::JsonLines => Box::new(numbered(text).filter_map(json_line)),
                Shape::Pattern { pattern } => pattern_lines(text, pattern)?,
            },
        })
    }
}

/// Whether a text is of a format: it has its columns, and of one without header the first lines make sense.
pub(super) fn is_of(text: &str, mapping: &Mapping) -> bool {
    let Ok(rows) = Rows::new(text, mapping) else {
        return false;
    };
    // What has neither names nor addresses looks like many a file: it is for users to say.
    let headless = matches!(&mapping.rows, Shape::Csv { header, .. } if !header.is_empty());
    if headless && mapping.recognise.is_empty() {
        return false;
    }
    // A broken line does not make it another file.
    let first: Vec<Row> = rows.filter(|row| !row.is_empty()).take(20).collect();
    if first.is_empty() && !headless {
        return has_header_only(text, mapping);
    }
    let has = |row: &Row, name: &String| row.fields.contains_key(&key(name));
    let fits = |row: &&Row| {
        let columns = mapping.recognise.iter().all(|name| has(row, name));
        // Without names, a time and addresses have to be where they should.
        let addresses = !headless
            || (row.get(&mapping.columns.src).is_some_and(is_address)
                && row.get(&mapping.columns.dst).is_some_and(is_address));
        columns && addresses
    };
    !first.is_empty() && first.iter().filter(fits).count() * 2 >= first.len()
}

/// Whether a table has the names of a format, and no line.
fn has_header_only(text: &str, mapping: &Mapping) -> bool {
    let Shape::Csv { separator, .. } = &mapping.rows else {
        return false;
    };
    let header = text.lines().find(|line| !line.trim().is_empty());
    let names = header.map(|line| line.split(separator.unwrap_or(',')).map(key));
    let names: Vec<String> = names.map(Iterator::collect).unwrap_or_default();
    !mapping.recognise.is_empty()
        && mapping
            .recognise
            .iter()
            .all(|name| names.contains(&key(name)))
}

fn is_address(text: &str) -> bool {
    text.parse::<std::net::IpAddr>().is_ok()
}

fn numbered(text: &str) -> impl Iterator<Item = (usize, &str)> {
    (1..).zip(text.lines())
}

type Lines<'t> = Box<dyn Iterator<Item = Row> + 't>;

fn csv<'t>(
    text: &'t str,
    separator: char,
    header: &[String],
    lacking: Option<&str>,
    label: &[String],
) -> Result<Lines<'t>> {
    let mut reader = csv::ReaderBuilder::new()
        .delimiter(u8::try_from(separator).unwrap_or(b','))
        .has_headers(header.is_empty())
        .flexible(true)
        .from_reader(text.as_bytes());
    let names: Vec<String> = if header.is_empty() {
        let names = reader
            .headers()
            .map_err(|e| Error::because("the first line cannot be read", e))?;
        names.iter().map(key).collect()
    } else {
        header.iter().map(|name| key(name)).collect()
    };
    let lacking = lacking.map(key);
    let label: Vec<String> = label.iter().map(|name| key(name)).collect();
    let rows = reader.into_records().filter_map(move |record| {
        let record = record.ok()?;
        let line = record.position().map_or(0, |at| line_of(text, at));
        let mut fields = BTreeMap::new();
        // It ends before its label.
        let is_there = |name: &String| names.iter().position(|n| n == name);
        let labels = label.iter().filter_map(is_there);
        let is_broken =
            record.len() + 1 < names.len() && labels.min().is_some_and(|at| at >= record.len());
        let lacks = |name: &&String| record.len() < names.len() && Some(*name) == lacking.as_ref();
        for (name, value) in names.iter().filter(|name| !lacks(name)).zip(&record) {
            // The first of two columns of one name counts.
            fields
                .entry(name.clone())
                .or_insert_with(|| value.to_owned());
        }
        Some(Row {
            is_broken,
            ..Row::of(line, fields)
        })
    });
    Ok(Box::new(rows))
}

/// The line that a record begins in. To the reader, blank lines and the second half of a line break before it belong to it.
fn line_of(text: &str, position: &csv::Position) -> usize {
    let number = |n: u64| usize::try_from(n).unwrap_or(usize::MAX);
    let rest = text.get(number(position.byte())..).unwrap_or_default();
    let breaks = rest.chars().take_while(|c| matches!(c, '\r' | '\n'));
    number(position.line()) + breaks.filter(|c| *c == '\n').count()
}

fn zeek(text: &str) -> Result<Lines<'_>> {
    let names = text.lines().find_map(|line| line.strip_prefix("#fields"));
    let names = names.ok_or_else(|| Error::new("there is no line that begins with #fields"))?;
    let split = |line: &str| -> Vec<String> {
        let fields = line.split('\t').flat_map(|field| field.split("   "));
        fields.map(|field| field.trim().to_owned()).collect()
    };
    let names: Vec<String> = split(names.trim_start())
        .iter()
        .map(|name| key(name))
        .collect();
    let rows = numbered(text).filter(|(_, line)| !line.starts_with('#') && !line.is_empty());
    Ok(Box::new(rows.map(move |(line, text)| {
        Row::of(line, names.iter().cloned().zip(split(text)).collect())
    })))
}

fn json_line((line, text): (usize, &str)) -> Option<Row> {
    if text.trim().is_empty() {
        return None;
    }
    let Ok(value) = serde_json::from_str::<Value>(text) else {
        return Some(Row::broken(line));
    };
    let mut fields = BTreeMap::new();
    flatten(&value, String::new(), &mut fields);
    Some(Row::of(line, fields))
}

/// Objects within objects become names with dots; of lists the first element counts.
fn flatten(value: &Value, path: String, fields: &mut BTreeMap<String, String>) {
    match value {
        Value::Object(object) => {
            for (name, value) in object {
                let dot = if path.is_empty() { "" } else { "." };
                flatten(value, format!("{path}{dot}{}", key(name)), fields);
            }
        }
        Value::Array(list) => {
            if let Some(first) = list.first() {
                flatten(first, path, fields);
            }
        }
        Value::Null => {}
        Value::String(text) => {
            fields.insert(path, text.clone());
        }
        other => {
            fields.insert(path, other.to_string());
        }
    }
}

fn pattern_lines<'t>(text: &'t str, pattern: &str) -> Result<Lines<'t>> {
    let pattern = Regex::new(pattern)
        .map_err(|e| Error::because("the pattern is no regular expression", e))?;
    let names: Vec<String> = pattern
        .capture_names()
        .flatten()
        .map(str::to_owned)
        .collect();
    Ok(Box::new(numbered(text).filter_map(move |(line, text)| {
        if text.trim().is_empty() {
            return None;
        }
        let Some(found) = pattern.captures(text) else {
            return Some(Row::broken(line));
        };
        let fields = names.iter().filter_map(|name| {
            let value = found.name(name)?;
            Some((key(name), value.as_str().to_owned()))
        });
        Some(Row::of(line, fields.collect()))
    })))
}
