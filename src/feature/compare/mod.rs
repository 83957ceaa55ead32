//! Two feature tables of the same packets compared: two sets or dialects, or netcap and somebody's CSV files.
//!
//! Flows are matched by addresses, ports and protocol, in either direction, and by their start (`matching`); then columns of the
//! same name are compared (`columns`). Files of others are read by `theirs`. What comes out is told by `text`.

mod columns;
mod matching;
mod text;
mod theirs;

use std::collections::BTreeMap;

use serde::Serialize;

use crate::error::Result;

pub use columns::{ColumnDifference, Worst};
pub use matching::Key;
pub use theirs::{Zone, read_csv};

/// A table of features with what is needed to find its rows in another one.
#[derive(Debug, Default)]
pub struct Side {
    /// What it is called in reports.
    pub name: String,
    /// The key of each row.
    pub keys: Vec<Key>,
    /// What each row is called: the number of a flow, the line of a file.
    pub rows: Vec<String>,
    /// The class of each row; none if the table has no labels.
    pub labels: Option<Vec<Option<String>>>,
    /// The columns, by their names in the set: a value for each row.
    pub columns: Vec<(String, Values)>,
    /// Rows that could not be read.
    pub unreadable: u64,
    /// The first of them, and why.
    pub unreadable_first: Option<String>,
}

/// The values of a column.
#[derive(Debug, Clone, PartialEq)]
pub enum Values {
    /// Numbers.
    Numbers(Vec<Option<f64>>),
    /// Texts.
    Texts(Vec<Option<String>>),
}

/// What a comparison found.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Comparison {
    /// The two tables.
    pub names: [String; 2],
    /// How far starts of one flow may be apart, in nanoseconds; `None` if a table has no starts.
    pub tolerance_ns: Option<i64>,
    /// Where few flows match: by how many nanoseconds the starts of the second table would have to be moved for more to match, and
    /// how many would.
    pub better_offset: Option<(i64, u64)>,
    /// Flows of both.
    pub matched: u64,
    /// Of these, the ones that have another initiator; their columns are not compared.
    pub reversed: u64,
    /// Flows of the first one only.
    pub only_first: u64,
    /// Flows of the second one only.
    pub only_second: u64,
    /// Rows that could not be read.
    pub unreadable: u64,
    /// The first of them, and why.
    pub unreadable_first: Option<String>,
    /// The same by class, where a table has labels; unmatched ones by the class of their own table.
    pub classes: BTreeMap<String, Class>,
    /// Columns that only one of them has.
    pub only_in_one: Vec<String>,
    /// Columns of both.
    pub columns: Vec<ColumnDifference>,
}

/// Flows of a class.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Class {
    /// Flows of both.
    pub matched: u64,
    /// Flows of the first one only.
    pub only_first: u64,
    /// Flows of the second one only.
    pub only_second: u64,
}

/// Compares two tables. Starts may be `tolerance_ns` apart.
pub fn compare(first: &Side, second: &Side, tolerance_ns: i64) -> Result<Comparison> {
    let found = matching::find(&first.keys, &second.keys, tolerance_ns);
    let class = |side: &Side, row: usize| {
        let labels = side.labels.as_ref()?;
        let label = labels.get(row)?.as_deref();
        Some(label.unwrap_or("(none)").to_owned())
    };
    let mut classes: BTreeMap<String, Class> = BTreeMap::new();
    for pair in &found.pairs {
        // By the class that netcap gave, if it did.
        if let Some(name) = class(first, pair.first).or_else(|| class(second, pair.second)) {
            classes.entry(name).or_default().matched += 1;
        }
    }
    for row in &found.only_first {
        if let Some(name) = class(first, *row) {
            classes.entry(name).or_default().only_first += 1;
        }
    }
    for row in &found.only_second {
        if let Some(name) = class(second, *row) {
            classes.entry(name).or_default().only_second += 1;
        }
    }
    let same_way: Vec<(usize, usize)> = found
        .pairs
        .iter()
        .filter(|pair| !pair.reversed)
        .map(|pair| (pair.first, pair.second))
        .collect();
    let mut columns = Vec::new();
    let mut only_in_one = Vec::new();
    for (name, ours) in &first.columns {
        match second.columns.iter().find(|(other, _)| other == name) {
            Some((_, theirs)) => {
                columns.push(columns::compare(
                    name, ours, theirs, &same_way, first, second,
                ));
            }
            None => only_in_one.push(name.clone()),
        }
    }
    let known = |name: &String| first.columns.iter().any(|(other, _)| other == name);
    let others = second.columns.iter().map(|(name, _)| name);
    only_in_one.extend(others.filter(|name| !known(name)).cloned());
    Ok(Comparison {
        names: [first.name.clone(), second.name.clone()],
        tolerance_ns: found.by_time.then_some(tolerance_ns),
        better_offset: better_offset(first, second, tolerance_ns, &found),
        matched: found.pairs.len() as u64,
        reversed: (found.pairs.len() - same_way.len()) as u64,
        only_first: found.only_first.len() as u64,
        only_second: found.only_second.len() as u64,
        unreadable: first.unreadable + second.unreadable,
        unreadable_first: second.unreadable_first.clone(),
        classes,
        only_in_one,
        columns,
    })
}

/// A whole number of hours, as zones are apart and 12-hour clocks are off, by which more flows would match: if fewer than
/// half do, and at least twice as many would.
fn better_offset(
    first: &Side,
    second: &Side,
    tolerance_ns: i64,
    found: &matching::Found,
) -> Option<(i64, u64)> {
    const HOUR_NS: i64 = 3_600_000_000_000;
    const HOURS: i64 = 14;
    let now = found.pairs.len();
    if !found.by_time || now * 2 >= first.keys.len().min(second.keys.len()) {
        return None;
    }
    let matched = |hours: i64| {
        let moved: Vec<Key> = second
            .keys
            .iter()
            .map(|key| Key {
                start_ns: key.start_ns.map(|ns| ns.saturating_add(hours * HOUR_NS)),
                ..*key
            })
            .collect();
        matching::find(&first.keys, &moved, tolerance_ns)
            .pairs
            .len()
    };
    let best = (-HOURS..=HOURS)
        .map(|hours| (matched(hours), std::cmp::Reverse(hours.abs()), hours))
        .max()?;
    let (then, _, hours) = best;
    (then > 0 && then >= now * 2).then_some((hours * HOUR_NS, then as u64))
}

impl Comparison {
    /// Same flows, same values.
    pub fn is_equal(&self) -> bool {
        self.reversed == 0
            && self.only_first == 0
            && self.only_second == 0
            && self.unreadable == 0
            && self.columns.iter().all(|c| c.equal == c.compared)
    }
}
