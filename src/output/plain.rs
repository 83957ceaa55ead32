//! Column chunks of values that hardly repeat: numbers and times as they are or as differences, and truth values.
//!
//! Parquet's own writer takes them value by value, with tables for compression of its own in each column. Here they
//! are copied as Arrow has them, and encoded when the chunk ends (`PLAIN` and `DELTA_BINARY_PACKED`; Parquet
//! format, "Encodings").

use std::ops::Range;

use arrow::array::{Array, ArrowPrimitiveType, AsArray, BooleanBufferBuilder, PrimitiveArray};
use arrow::datatypes::{
    DataType, Float64Type, Int32Type, Int64Type, TimeUnit, TimestampMicrosecondType,
};
use netcap_proto::Encoding as ColumnEncoding;
use parquet::basic::Encoding;
use parquet::file::statistics::Statistics;
use parquet::schema::types::ColumnDescPtr;

use super::chunk::{Chunk, ChunkWriter, Pages, Rows, of_int32, of_int64, plain};
use super::delta;
use super::runs::valid_runs;
use crate::error::{Error, Result};

/// A chunk under way.
pub(super) struct PlainWriter {
    values: Values,
    rows: Rows,
}

/// The values that are not null.
enum Values {
    Int32(Vec<i32>),
    Int64(Vec<i64>),
    /// As differences.
    Delta(Vec<i64>),
    Double(Vec<f64>),
    Bool(BooleanBufferBuilder),
}

impl PlainWriter {
    /// For a column of that type and encoding; `None` if it is written otherwise.
    pub(super) fn new(ty: &DataType, encoding: ColumnEncoding, nullable: bool) -> Option<Self> {
        let values = match (ty, encoding) {
            (DataType::Boolean, ColumnEncoding::Default) => {
                Values::Bool(BooleanBufferBuilder::new(0))
            }
            (DataType::Float64, ColumnEncoding::Default | ColumnEncoding::Plain) => {
                Values::Double(Vec::new())
            }
            (DataType::Int32, ColumnEncoding::Plain) => Values::Int32(Vec::new()),
            (DataType::Int64, ColumnEncoding::Plain) => Values::Int64(Vec::new()),
            (
                DataType::Int64 | DataType::Timestamp(TimeUnit::Microsecond, _),
                ColumnEncoding::Delta,
            ) => Values::Delta(Vec::new()),
            (DataType::Timestamp(TimeUnit::Microsecond, _), ColumnEncoding::Plain) => {
                Values::Int64(Vec::new())
            }
            _ => return None,
        };
        Some(Self {
            values,
            rows: Rows::new(nullable),
        })
    }
}

impl ChunkWriter for PlainWriter {
    fn write(&mut self, array: &dyn Array) -> Result<()> {
        self.rows.add(array);
        let added = match &mut self.values {
            Values::Int32(values) => add::<Int32Type>(array, values),
            Values::Double(values) => add::<Float64Type>(array, values),
            Values::Int64(values) | Values::Delta(values) => add::<Int64Type>(array, values)
                .or_else(|| add::<TimestampMicrosecondType>(array, values)),
            Values::Bool(values) => array.as_boolean_opt().map(|array| {
                let bits = array.values();
                match array.nulls() {
                    None => values.append_buffer(bits),
                    Some(nulls) => nulls.valid_slices().for_each(|(start, end)| {
                        values.append_buffer(&bits.slice(start, end - start));
                    }),
                }
            }),
        };
        added.ok_or_else(|| Error::new("the values of a column are of another type than it"))
    }

    fn estimated_bytes(&self) -> usize {
        match &self.values {
            Values::Int32(values) => values.len() * 4,
            Values::Int64(values) => values.len() * 8,
            Values::Delta(values) => values.len() * 2,
            Values::Double(values) => values.len() * 8,
            Values::Bool(values) => values.len() / 8,
        }
    }

    fn close(self: Box<Self>, descriptor: &ColumnDescPtr) -> Result<Chunk> {
        let nulls = self.rows.nulls();
        let (encoding, statistics) = match &self.values {
            Values::Int32(values) => (Encoding::PLAIN, of_int32(values, nulls)),
            Values::Int64(values) => (Encoding::PLAIN, of_int64(values, nulls)),
            Values::Delta(values) => (Encoding::DELTA_BINARY_PACKED, of_int64(values, nulls)),
            Values::Double(values) => {
                let (least, most) = bounds(values);
                let known = Statistics::double(least, most, None, Some(nulls), false);
                (Encoding::PLAIN, known)
            }
            Values::Bool(values) => {
                let (all, set) = (values.len(), values.finish_cloned().count_set_bits());
                let least = (all > 0).then_some(set == all);
                let most = (all > 0).then_some(set > 0);
                let known = Statistics::boolean(least, most, None, Some(nulls), false);
                (Encoding::PLAIN, known)
            }
        };
        let mut pages = Pages::default();
        for rows in self.rows.pages() {
            let mut page = rows.levels;
            self.values.encode(rows.values, &mut page);
            pages.data(&page, rows.rows, encoding)?;
        }
        pages.finish(descriptor, &self.rows, Some(statistics))
    }
}

impl Values {
    /// Appends some of the values to a page.
    fn encode(&self, own: Range<usize>, page: &mut Vec<u8>) {
        match self {
            Self::Int32(values) => plain(of(values, own), i32::to_le_bytes, page),
            Self::Int64(values) => plain(of(values, own), i64::to_le_bytes, page),
            Self::Double(values) => plain(of(values, own), f64::to_le_bytes, page),
            Self::Delta(values) => delta::encode(of(values, own), page),
            Self::Bool(values) => {
                let bits = values.finish_cloned().slice(own.start, own.len());
                page.extend_from_slice(&bits.sliced());
            }
        }
    }
}

/// Appends the values of an array that are not null; `None` if they are of another type.
fn add<T: ArrowPrimitiveType>(array: &dyn Array, out: &mut Vec<T::Native>) -> Option<()> {
    let array: &PrimitiveArray<T> = array.as_primitive_opt()?;
    for (start, end) in valid_runs(array) {
        out.extend_from_slice(array.values().get(start..end)?);
    }
    Some(())
}

fn of<T>(values: &[T], own: Range<usize>) -> &[T] {
    values.get(own).unwrap_or_default()
}

/// The least and the greatest of what is a number; of two zeros the negative one is less.
fn bounds(values: &[f64]) -> (Option<f64>, Option<f64>) {
    let numbers = || values.iter().copied().filter(|value| !value.is_nan());
    (
        numbers().min_by(f64::total_cmp),
        numbers().max_by(f64::total_cmp),
    )
}
