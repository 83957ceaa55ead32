//! Column chunks of values that repeat: texts (addresses, names, terms) and integers.
//!
//! Parquet's own writer looks every value up by its bytes, which is most of its work on packet
//! tables. Here each distinct text of a batch, which has them dictionary-encoded already, is looked
//! up once; small integers are looked up in an array, and one that is equal to the one before not
//! at all (`distinct`). The result is what any reader expects of a dictionary-encoded column: a
//! dictionary page, and data pages in `RLE_DICTIONARY` (Parquet format, "Data Pages"; `hybrid`).
//! Integers that hardly repeat are written plain.

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::datatypes::{DataType, Int32Type, Int64Type};
use parquet::basic::Encoding;
use parquet::schema::types::ColumnDescPtr;

use super::chunk::{Chunk, ChunkWriter, PAGE_ROWS, Pages, Rows, bounds, of_int32, of_int64, plain};
use super::distinct::{Integers, Numbers, Texts};
use super::hybrid;
use crate::error::{Error, Result};

/// A chunk under way.
pub(super) struct DictionaryWriter {
    distinct: Distinct,
    /// Number of each row that is not null, in the order of first occurrence of its value.
    numbers: Numbers,
    rows: Rows,
}

/// The distinct values, with their numbers.
enum Distinct {
    Texts(Texts),
    Int32(Integers),
    Int64(Integers),
}

impl Distinct {
    fn count(&self) -> usize {
        match self {
            Self::Texts(texts) => texts.count(),
            Self::Int32(integers) | Self::Int64(integers) => integers.values.len(),
        }
    }
}

impl DictionaryWriter {
    /// For a column of that type; `None` if it is written otherwise.
    pub(super) fn new(ty: &DataType, nullable: bool) -> Option<Self> {
        let distinct = match ty {
            DataType::Utf8 => Distinct::Texts(Texts::new()),
            DataType::Dictionary(_, value) if **value == DataType::Utf8 => {
                Distinct::Texts(Texts::new())
            }
            DataType::Int32 => Distinct::Int32(Integers::new()),
            DataType::Int64 => Distinct::Int64(Integers::new()),
            _ => return None,
        };
        Some(Self {
            distinct,
            numbers: Numbers::default(),
            rows: Rows::new(nullable),
        })
    }
}

impl ChunkWriter for DictionaryWriter {
    /// Texts may be dictionary-encoded or not.
    fn write(&mut self, array: &ArrayRef) -> Result<()> {
        self.rows.add(array);
        let mut numbers = Vec::with_capacity(array.len() - array.null_count());
        let known = match &mut self.distinct {
            Distinct::Texts(texts) => texts.add(array, &mut numbers),
            Distinct::Int32(integers) => array
                .as_primitive_opt::<Int32Type>()
                .map(|array| integers.add(array, &mut numbers)),
            Distinct::Int64(integers) => array
                .as_primitive_opt::<Int64Type>()
                .map(|array| integers.add(array, &mut numbers)),
        };
        known.ok_or_else(|| Error::new("the values of a column are of another type than it"))?;
        self.numbers
            .append(&numbers, self.distinct.count(), PAGE_ROWS);
        Ok(())
    }

    fn estimated_bytes(&self) -> usize {
        let distinct = match &self.distinct {
            Distinct::Texts(texts) => texts.plain.len(),
            Distinct::Int32(integers) | Distinct::Int64(integers) => integers.values.len() * 8,
        };
        distinct + self.numbers.len() * 2
    }

    fn close(self: Box<Self>, descriptor: &ColumnDescPtr) -> Result<Chunk> {
        let nulls = self.rows.nulls();
        // How many there are, as a dictionary page, what is known of them, and the size of each.
        let (count, distinct, statistics, size) = match self.distinct {
            Distinct::Texts(texts) => (texts.count(), texts.plain, None, None),
            Distinct::Int32(Integers { values, .. }) => {
                let values: Vec<i32> = values
                    .into_iter()
                    .map(|n| i32::try_from(n).unwrap_or(0))
                    .collect();
                let mut bytes = Vec::new();
                plain(&values, i32::to_le_bytes, &mut bytes);
                let known = of_int32(bounds(&values), nulls);
                (values.len(), bytes, Some(known), Some(4))
            }
            Distinct::Int64(Integers { values, .. }) => {
                let mut bytes = Vec::new();
                plain(&values, i64::to_le_bytes, &mut bytes);
                let known = of_int64(bounds(&values), nulls);
                (values.len(), bytes, Some(known), Some(8))
            }
        };
        // Integers that hardly repeat.
        let as_they_are = size.filter(|_| count > 1024 && count * 2 > self.numbers.len());
        let mut pages = Pages::default();
        if as_they_are.is_none() {
            pages.dictionary(&distinct, count)?;
        }
        let width = hybrid::bits(count.saturating_sub(1));
        for rows in self.rows.pages() {
            let mut page = rows.levels;
            let encoding = match as_they_are {
                Some(size) => {
                    self.numbers.plain(rows.values, &distinct, size, &mut page);
                    Encoding::PLAIN
                }
                None => {
                    page.push(width);
                    self.numbers.hybrid(rows.values, width, &mut page);
                    Encoding::RLE_DICTIONARY
                }
            };
            pages.data(&page, rows.rows, encoding)?;
        }
        pages.finish(descriptor, &self.rows, statistics)
    }
}
