//! Two outputs compared: which tables and rows are in only one, and which values differ.
//!
//! An output that is not as its manifest says is refused. What the manifests show to be equal (by logical
//! hash) is then not read.

mod pair;
mod text;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use rayon::prelude::*;
use serde::Serialize;

use self::pair::Pairing;
use super::files::check_files;
use super::manifest::Manifest;
use crate::error::Result;
use crate::output::{FileFacts, ParquetFiles, TableFacts};

/// How two outputs differ.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Diff {
    /// Versions of netcap that wrote them.
    pub netcap: (String, String),
    /// Tables that only the first has, as `stage/table`.
    pub only_a: Vec<String>,
    /// Tables that only the second has.
    pub only_b: Vec<String>,
    /// The tables that both have, equal ones included.
    pub tables: Vec<TableDiff>,
    /// Number of files that are no tables (exports, reports) and are in both, byte by byte.
    pub equal_files: u64,
    /// Files that are no tables and are in only one, or have other bytes.
    pub files: Vec<String>,
}

/// How a table differs.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct TableDiff {
    /// `stage/table`.
    pub name: String,
    /// Rows of the first.
    pub rows_a: u64,
    /// Rows of the second.
    pub rows_b: u64,
    /// Columns that only the first has.
    pub columns_only_a: Vec<String>,
    /// Columns that only the second has.
    pub columns_only_b: Vec<String>,
    /// The columns by which rows were paired; none if they were paired by position.
    pub key: Vec<String>,
    /// Rows whose key only the first has.
    pub rows_only_a: Unpaired,
    /// Rows whose key only the second has.
    pub rows_only_b: Unpaired,
    /// The columns that differ.
    pub columns: Vec<ColumnDiff>,
    /// The rows are the same, but in another order.
    pub reordered: bool,
}

/// Rows that only one output has.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Unpaired {
    /// How many.
    pub rows: u64,
    /// The keys of the first few.
    pub examples: Vec<String>,
}

/// How a column differs.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct ColumnDiff {
    /// Its name.
    pub name: String,
    /// The types, if they differ; values are not compared then.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub types: Option<(String, String)>,
    /// Rows in which the values differ.
    pub rows: u64,
    /// The first few of them.
    pub examples: Vec<Example>,
}

/// A row in which a column differs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Example {
    /// The key of the row.
    pub key: String,
    /// The value in the first; `None` is null.
    pub a: Option<String>,
    /// The value in the second.
    pub b: Option<String>,
}

impl Diff {
    /// Nothing differs.
    pub fn is_equal(&self) -> bool {
        self.only_a.is_empty()
            && self.only_b.is_empty()
            && self.files.is_empty()
            && self.tables.iter().all(TableDiff::is_equal)
    }
}

impl TableDiff {
    /// Nothing differs.
    pub fn is_equal(&self) -> bool {
        self.rows_a == self.rows_b
            && self.columns_only_a.is_empty()
            && self.columns_only_b.is_empty()
            && self.rows_only_a.rows == 0
            && self.rows_only_b.rows == 0
            && self.columns.is_empty()
            && !self.reordered
    }
}

/// Compares two outputs, on the threads of the current pool.
pub fn diff(a: &Path, b: &Path) -> Result<Diff> {
    let (manifest_a, manifest_b) = (Manifest::read(a)?, Manifest::read(b)?);
    check_files(a, &manifest_a)?;
    check_files(b, &manifest_b)?;
    let (tables_a, tables_b) = (tables(&manifest_a), tables(&manifest_b));
    let only = |of: &BTreeMap<String, &TableFacts>, other: &BTreeMap<String, &TableFacts>| {
        of.keys()
            .filter(|name| !other.contains_key(*name))
            .cloned()
            .collect()
    };
    let both: Vec<(&String, &TableFacts, &TableFacts)> = tables_a
        .iter()
        .filter_map(|(name, facts)| Some((name, *facts, *tables_b.get(name)?)))
        .collect();
    let compared = both
        .par_iter()
        .map(|(name, facts_a, facts_b)| compare(name, (a, facts_a), (b, facts_b)));
    let (equal_files, files) = files(&manifest_a, &manifest_b);
    Ok(Diff {
        netcap: (manifest_a.netcap.clone(), manifest_b.netcap.clone()),
        only_a: only(&tables_a, &tables_b),
        only_b: only(&tables_b, &tables_a),
        tables: compared.collect::<Result<_>>()?,
        equal_files,
        files,
    })
}

fn tables(manifest: &Manifest) -> BTreeMap<String, &TableFacts> {
    let stages = manifest.stages.iter();
    let tables = stages.flat_map(|(stage, facts)| {
        facts
            .tables
            .iter()
            .map(move |(table, facts)| (format!("{stage}/{table}"), facts))
    });
    tables.collect()
}

/// How many of the files that are no tables are equal, and what the others are.
fn files(a: &Manifest, b: &Manifest) -> (u64, Vec<String>) {
    let by_path = |manifest: &Manifest| -> BTreeMap<String, FileFacts> {
        let files = manifest.stages.values().flat_map(|stage| &stage.files);
        files
            .map(|facts| (facts.path.clone(), facts.clone()))
            .collect()
    };
    let (a, b) = (by_path(a), by_path(b));
    let mut equal = 0;
    let mut others = Vec::new();
    for path in a.keys().chain(b.keys()).collect::<BTreeSet<_>>() {
        match (a.get(path), b.get(path)) {
            (Some(a), Some(b)) if a == b => equal += 1,
            (Some(_), Some(_)) => others.push(format!("{path} has other bytes")),
            (Some(_), None) => others.push(format!("{path} is only in A")),
            _ => others.push(format!("{path} is only in B")),
        }
    }
    (equal, others)
}

/// The keys that tables have, the first that fits: that of packet-borne tables, of flows, of claims on packets, of
/// labels of packets, of claims, of what else refers to flows, of captures, of findings.
const KEYS: [&[&str]; 8] = [
    &["capture", "packet", "layer", "index"],
    &["flow_uid"],
    &["capture", "packet", "rule"],
    &["capture", "packet", "label_state"],
    &["flow", "rule"],
    &["flow"],
    &["capture"],
    &["code", "subject"],
];

fn compare(
    name: &str,
    (a, facts_a): (&Path, &TableFacts),
    (b, facts_b): (&Path, &TableFacts),
) -> Result<TableDiff> {
    let hash = |facts: &TableFacts, column: &str| {
        facts
            .columns
            .iter()
            .find(|(name, _)| name == column)
            .map(|(_, hash)| hash.clone())
    };
    let only = |of: &TableFacts, other: &TableFacts| -> Vec<String> {
        let names = of.columns.iter().map(|(name, _)| name);
        names
            .filter(|name| hash(other, name).is_none())
            .cloned()
            .collect()
    };
    let mut found = TableDiff {
        name: name.to_owned(),
        rows_a: facts_a.rows,
        rows_b: facts_b.rows,
        columns_only_a: only(facts_a, facts_b),
        columns_only_b: only(facts_b, facts_a),
        ..TableDiff::default()
    };
    let same = |column: &str| hash(facts_a, column) == hash(facts_b, column);
    let common = facts_a.columns.iter().map(|(name, _)| name.as_str());
    let common: Vec<&str> = common
        .filter(|name| hash(facts_b, name).is_some())
        .collect();
    let same_rows = facts_a.rows == facts_b.rows;
    if same_rows && common.iter().all(|column| same(column)) {
        return Ok(found);
    }

    let files = |output: &Path, facts: &TableFacts| {
        ParquetFiles::open(facts.files.iter().map(|f| output.join(&f.path)).collect())
    };
    let (files_a, files_b) = (files(a, facts_a)?, files(b, facts_b)?);
    let (retyped, mut common) = split_by_type(&files_a, &files_b, &common);
    found.columns = retyped;
    let key = KEYS
        .into_iter()
        .find(|key| key.iter().all(|column| common.contains(column)));
    let key = key.unwrap_or_default();
    let in_step = same_rows && key.iter().all(|column| same(column));
    let pairing = if in_step || key.is_empty() {
        if same_rows {
            common.retain(|column| !same(column));
        }
        pair::by_position(&files_a, &files_b, key, &common)?
    } else {
        found.key = key.iter().map(|&name| name.to_owned()).collect();
        common.retain(|column| !key.contains(column));
        pair::by_key(&files_a, &files_b, key, &common)?
    };
    let Pairing {
        only_a,
        only_b,
        columns,
    } = pairing;
    (found.rows_only_a, found.rows_only_b) = (only_a, only_b);
    found
        .columns
        .extend(columns.into_iter().filter(|column| column.rows > 0));
    found.reordered = !in_step && found.is_equal();
    Ok(found)
}

/// The columns whose types differ, and those that can be compared.
fn split_by_type<'n>(
    a: &ParquetFiles,
    b: &ParquetFiles,
    common: &[&'n str],
) -> (Vec<ColumnDiff>, Vec<&'n str>) {
    let (Some(a), Some(b)) = (a.schema(), b.schema()) else {
        // One has no rows, so nothing will be compared.
        return (Vec::new(), common.to_vec());
    };
    let mut retyped = Vec::new();
    let mut comparable = Vec::new();
    for name in common {
        let (Ok(a), Ok(b)) = (a.field_with_name(name), b.field_with_name(name)) else {
            continue;
        };
        if a.data_type().equals_datatype(b.data_type()) {
            comparable.push(*name);
        } else {
            retyped.push(ColumnDiff {
                name: (*name).to_owned(),
                types: Some((a.data_type().to_string(), b.data_type().to_string())),
                ..ColumnDiff::default()
            });
        }
    }
    (retyped, comparable)
}

#[cfg(test)]
mod tests;
