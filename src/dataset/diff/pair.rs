//! Pairs the rows of two tables and counts where they differ.
//!
//! Rows are paired by position, or by a key. Where both tables are in the order of the key, as
//! packet-borne tables are, one pass with one batch of each in memory does it. Else the rows are
//! split by a hash of their key into parts that fit into memory, and each part is sorted: a pass
//! for each part, and memory for one.

use std::cmp::Ordering;

use arrow::array::{
    ArrayRef, BooleanArray, DynComparator, RecordBatch, UInt64Array, make_comparator,
};
use arrow::compute::{SortOptions, concat_batches, filter_record_batch, take_record_batch};
use arrow::row::{OwnedRow, RowConverter, Rows, SortField};
use xxhash_rust::xxh3::xxh3_64;

use super::{ColumnDiff, Example, Unpaired};
use crate::error::Result;
use crate::output::ParquetFiles;
use crate::output::export::Texts;

/// How many examples are kept.
const EXAMPLES: usize = 3;
/// Rows of both tables that are sorted at a time.
const PART_ROWS: u64 = 1 << 20;

/// What pairing two tables found.
#[derive(Debug, Default)]
pub(super) struct Pairing {
    pub(super) only_a: Unpaired,
    pub(super) only_b: Unpaired,
    /// A count for each compared column, in order.
    pub(super) columns: Vec<ColumnDiff>,
}

impl Pairing {
    fn of(columns: &[&str]) -> Self {
        let columns = columns.iter().map(|name| ColumnDiff {
            name: (*name).to_owned(),
            ..ColumnDiff::default()
        });
        Self {
            columns: columns.collect(),
            ..Self::default()
        }
    }
}

/// Pairs the nth row with the nth. `key` only names them.
pub(super) fn by_position(
    a: &ParquetFiles,
    b: &ParquetFiles,
    key: &[&str],
    columns: &[&str],
) -> Result<Pairing> {
    let mut found = Pairing::of(columns);
    let side = |files| Side::new(batches(files, key, columns), key, columns, None);
    merge(side(a), side(b), &mut found)?;
    Ok(found)
}

/// Pairs rows that have the same key; the nth with the nth, if several have it.
pub(super) fn by_key(
    a: &ParquetFiles,
    b: &ParquetFiles,
    key: &[&str],
    columns: &[&str],
) -> Result<Pairing> {
    let Some(converter) = converter(a, b, key)? else {
        return by_position(a, b, key, columns);
    };
    let mut found = Pairing::of(columns);
    let side = |files| Side::new(batches(files, key, columns), key, columns, Some(&converter));
    if merge(side(a), side(b), &mut found)? {
        return Ok(found);
    }
    let mut found = Pairing::of(columns);
    let parts = (a.rows() + b.rows()).div_ceil(PART_ROWS).max(1);
    for part in 0..parts {
        let side = |files| -> Result<Side<'_>> {
            let rows = batches(files, key, columns);
            let sorted = sorted_part(rows, key, &converter, part, parts)?;
            let batches = Box::new(sorted.into_iter().map(Ok));
            Ok(Side::new(batches, key, columns, Some(&converter)))
        };
        merge(side(a)?, side(b)?, &mut found)?;
    }
    Ok(found)
}

/// What makes keys comparable; `None` if neither table has rows.
fn converter(a: &ParquetFiles, b: &ParquetFiles, key: &[&str]) -> Result<Option<RowConverter>> {
    let Some(schema) = a.schema().or_else(|| b.schema()) else {
        return Ok(None);
    };
    let mut fields = Vec::new();
    for name in key {
        fields.push(SortField::new(
            schema.field_with_name(name)?.data_type().clone(),
        ));
    }
    Ok(Some(RowConverter::new(fields)?))
}

type BatchIter<'a> = Box<dyn Iterator<Item = Result<RecordBatch>> + 'a>;

fn batches(files: &ParquetFiles, key: &[&str], columns: &[&str]) -> BatchIter<'static> {
    let names: Vec<&str> = key.iter().chain(columns).copied().collect();
    Box::new(files.columns(&names))
}

/// The columns of that name, in the order of the names.
fn pick(batch: &RecordBatch, names: &[&str]) -> Vec<ArrayRef> {
    names
        .iter()
        .filter_map(|name| batch.column_by_name(name).cloned())
        .collect()
}

/// The rows of a part, in the order of their keys.
fn sorted_part(
    batches: BatchIter<'_>,
    key: &[&str],
    converter: &RowConverter,
    part: u64,
    parts: u64,
) -> Result<Option<RecordBatch>> {
    let mut kept = Vec::new();
    for batch in batches {
        let batch = batch?;
        let keys = converter.convert_columns(&pick(&batch, key))?;
        let mine = keys
            .iter()
            .map(|row| Some(xxh3_64(row.data()) % parts == part));
        kept.push(filter_record_batch(
            &batch,
            &mine.collect::<BooleanArray>(),
        )?);
    }
    let Some(first) = kept.first() else {
        return Ok(None);
    };
    let whole = concat_batches(&first.schema(), &kept)?;
    drop(kept);
    let keys = converter.convert_columns(&pick(&whole, key))?;
    let mut order: Vec<usize> = (0..keys.num_rows()).collect();
    // Stable, so that rows with the same key stay in their order.
    order.sort_by(|x, y| keys.row(*x).cmp(&keys.row(*y)));
    let order: UInt64Array = order.into_iter().map(|row| row as u64).collect();
    Ok(Some(take_record_batch(&whole, &order)?))
}

/// One of the two tables, at a row.
struct Side<'a> {
    batches: BatchIter<'a>,
    key: &'a [&'a str],
    columns: &'a [&'a str],
    converter: Option<&'a RowConverter>,
    batch: Option<Loaded>,
    row: usize,
    /// Rows of earlier batches.
    before: u64,
}

struct Loaded {
    batch: RecordBatch,
    keys: Option<Rows>,
    last: Option<OwnedRow>,
}

/// What [`Side::load`] did.
#[derive(PartialEq)]
enum Step {
    /// There are rows left in the batch, or in none.
    Same,
    /// The batch is another one.
    Next,
    /// As `Next`, and its rows are not in the order of their keys.
    Disorder,
}

impl<'a> Side<'a> {
    fn new(
        batches: BatchIter<'a>,
        key: &'a [&'a str],
        columns: &'a [&'a str],
        converter: Option<&'a RowConverter>,
    ) -> Self {
        Self {
            batches,
            key,
            columns,
            converter,
            batch: None,
            row: 0,
            before: 0,
        }
    }

    /// Takes the next batch if this one is at its end.
    fn load(&mut self) -> Result<Step> {
        let rows = self
            .batch
            .as_ref()
            .map_or(0, |loaded| loaded.batch.num_rows());
        if self.row < rows {
            return Ok(Step::Same);
        }
        let last = self.batch.take().and_then(|loaded| loaded.last);
        self.before += rows as u64;
        self.row = 0;
        let Some(batch) = self
            .batches
            .find(|b| !matches!(b, Ok(b) if b.num_rows() == 0))
        else {
            return Ok(Step::Same);
        };
        let batch = batch?;
        let Some(converter) = self.converter else {
            self.batch = Some(Loaded {
                batch,
                keys: None,
                last: None,
            });
            return Ok(Step::Next);
        };
        let keys = converter.convert_columns(&pick(&batch, self.key))?;
        let after_last = last
            .iter()
            .all(|last| keys.iter().next().is_none_or(|k| last.row() <= k));
        let in_order = after_last && keys.iter().is_sorted();
        let last = keys.iter().next_back().map(|row| row.owned());
        self.batch = Some(Loaded {
            batch,
            keys: Some(keys),
            last,
        });
        Ok(if in_order { Step::Next } else { Step::Disorder })
    }

    /// The name of the row: its key, or its number from 1.
    fn name(&self) -> Result<String> {
        let mut parts = Vec::new();
        for column in self.key {
            let value = self.value(column)?;
            parts.push(format!("{column} {}", value.as_deref().unwrap_or("null")));
        }
        if parts.is_empty() {
            parts.push(format!("row {}", self.before + self.row as u64 + 1));
        }
        Ok(parts.join(", "))
    }

    fn value(&self, column: &str) -> Result<Option<String>> {
        let Some(loaded) = &self.batch else {
            return Ok(None);
        };
        let schema = loaded.batch.schema();
        let Some((index, field)) = schema.fields().find(column) else {
            return Ok(None);
        };
        let mut scratch = Vec::new();
        let mut texts = Texts::new(field, loaded.batch.column(index))?;
        let text = texts.get(self.row, &mut scratch);
        Ok(text.map(|text| String::from_utf8_lossy(text).into_owned()))
    }

    fn add_to(&self, unpaired: &mut Unpaired) -> Result<()> {
        unpaired.rows += 1;
        if unpaired.examples.len() < EXAMPLES {
            unpaired.examples.push(self.name()?);
        }
        Ok(())
    }
}

/// Goes through both; false if one is not in the order of its keys.
fn merge(mut a: Side<'_>, mut b: Side<'_>, found: &mut Pairing) -> Result<bool> {
    let mut comparators: Vec<DynComparator> = Vec::new();
    loop {
        let steps = (a.load()?, b.load()?);
        if steps.0 == Step::Disorder || steps.1 == Step::Disorder {
            return Ok(false);
        }
        let order = match (&a.batch, &b.batch) {
            (None, None) => return Ok(true),
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (Some(loaded_a), Some(loaded_b)) => {
                if steps != (Step::Same, Step::Same) {
                    comparators = compare_columns(loaded_a, loaded_b, a.columns)?;
                }
                match (&loaded_a.keys, &loaded_b.keys) {
                    (Some(keys_a), Some(keys_b)) => keys_a.row(a.row).cmp(&keys_b.row(b.row)),
                    _ => Ordering::Equal,
                }
            }
        };
        if order == Ordering::Equal {
            for (compare, column) in comparators.iter().zip(&mut found.columns) {
                if compare(a.row, b.row) == Ordering::Equal {
                    continue;
                }
                column.rows += 1;
                if column.examples.len() < EXAMPLES {
                    column.examples.push(Example {
                        key: a.name()?,
                        a: a.value(&column.name)?,
                        b: b.value(&column.name)?,
                    });
                }
            }
        }
        if order.is_lt() {
            a.add_to(&mut found.only_a)?;
        } else if order.is_gt() {
            b.add_to(&mut found.only_b)?;
        }
        a.row += usize::from(order.is_le());
        b.row += usize::from(order.is_ge());
    }
}

fn compare_columns(a: &Loaded, b: &Loaded, columns: &[&str]) -> Result<Vec<DynComparator>> {
    let (a, b) = (pick(&a.batch, columns), pick(&b.batch, columns));
    let pairs = a.iter().zip(&b);
    let compared = pairs.map(|(a, b)| make_comparator(a, b, SortOptions::default()));
    Ok(compared.collect::<Result<_, _>>()?)
}
