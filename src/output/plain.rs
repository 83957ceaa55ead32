//! Column chunks of values that hardly repeat: numbers and times as they are or as differences, and truth values.
//!
//! Parquet's own writer takes them value by value, with tables for compression of its own in each column. Here
//! arrays of numbers are kept as they came, and encoded when the chunk ends (`PLAIN` and `DELTA_BINARY_PACKED`;
//! Parquet format, "Encodings"): to copy them behind each other would touch as much memory once more.

use arrow::array::{
    Array, ArrayRef, ArrowPrimitiveType, AsArray, BooleanBufferBuilder, PrimitiveArray,
};
use arrow::datatypes::{
    DataType, Float64Type, Int32Type, Int64Type, TimeUnit, TimestampMicrosecondType,
};
use netcap_proto::Encoding as ColumnEncoding;
use parquet::basic::Encoding;
use parquet::file::statistics::Statistics;
use parquet::schema::types::ColumnDescPtr;

use super::chunk::{Bounds, Chunk, ChunkWriter, Pages, Rows, bounds, of_int32, of_int64, plain};
use super::delta;
use super::runs::valid_runs;
use crate::error::{Error, Result};

/// A chunk under way.
pub(super) struct PlainWriter {
    values: Values,
    rows: Rows,
}

/// The values so far.
enum Values {
    Int32(Arrays<Int32Type>),
    Int64(Arrays<Int64Type>),
    /// As differences.
    Delta(Arrays<Int64Type>),
    Double(Arrays<Float64Type>),
    /// Those that are not null.
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
                Values::Double(Arrays::default())
            }
            (DataType::Int32, ColumnEncoding::Plain) => Values::Int32(Arrays::default()),
            (DataType::Int64, ColumnEncoding::Plain) => Values::Int64(Arrays::default()),
            (
                DataType::Int64 | DataType::Timestamp(TimeUnit::Microsecond, _),
                ColumnEncoding::Delta,
            ) => Values::Delta(Arrays::default()),
            (DataType::Timestamp(TimeUnit::Microsecond, _), ColumnEncoding::Plain) => {
                Values::Int64(Arrays::default())
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
    fn write(&mut self, array: &ArrayRef) -> Result<()> {
        self.rows.add(array);
        let added = match &mut self.values {
            Values::Int32(numbers) => array.as_primitive_opt().map(|array| numbers.add(array)),
            Values::Double(numbers) => array.as_primitive_opt().map(|array| numbers.add(array)),
            Values::Int64(numbers) | Values::Delta(numbers) => {
                let times = array.as_primitive_opt::<TimestampMicrosecondType>();
                let times = times.map(|times| numbers.add(&times.reinterpret_cast()));
                times.or_else(|| array.as_primitive_opt().map(|array| numbers.add(array)))
            }
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
            Values::Int32(numbers) => numbers.count * 4,
            Values::Int64(numbers) => numbers.count * 8,
            Values::Delta(numbers) => numbers.count * 2,
            Values::Double(numbers) => numbers.count * 8,
            Values::Bool(values) => values.len() / 8,
        }
    }

    fn close(self: Box<Self>, descriptor: &ColumnDescPtr) -> Result<Chunk> {
        let Self { values, rows } = *self;
        let nulls = rows.nulls();
        let mut pages = Pages::default();
        let statistics = match values {
            Values::Int32(numbers) => {
                let known = numbers.plain(&rows, i32::to_le_bytes, bounds, &mut pages)?;
                of_int32(known, nulls)
            }
            Values::Int64(numbers) => {
                let known = numbers.plain(&rows, i64::to_le_bytes, bounds, &mut pages)?;
                of_int64(known, nulls)
            }
            Values::Delta(numbers) => of_int64(numbers.delta(&rows, &mut pages)?, nulls),
            Values::Double(numbers) => {
                let known = numbers.plain(&rows, f64::to_le_bytes, of_doubles, &mut pages)?;
                let (least, most) = known.unzip();
                Statistics::double(least, most, None, Some(nulls), false)
            }
            Values::Bool(mut values) => {
                let values = values.finish();
                for rows in rows.pages() {
                    let mut page = rows.levels;
                    let bits = values.slice(rows.values.start, rows.values.len());
                    page.extend_from_slice(&bits.sliced());
                    pages.data(&page, rows.rows, Encoding::PLAIN)?;
                }
                let (all, set) = (values.len(), values.count_set_bits());
                let least = (all > 0).then_some(set == all);
                let most = (all > 0).then_some(set > 0);
                Statistics::boolean(least, most, None, Some(nulls), false)
            }
        };
        pages.finish(descriptor, &rows, Some(statistics))
    }
}

/// Arrays of numbers, in order.
struct Arrays<T: ArrowPrimitiveType> {
    arrays: Vec<PrimitiveArray<T>>,
    /// How many of their numbers are not null.
    count: usize,
}

impl<T: ArrowPrimitiveType> Default for Arrays<T> {
    fn default() -> Self {
        Self {
            arrays: Vec::new(),
            count: 0,
        }
    }
}

impl<T: ArrowPrimitiveType> Arrays<T> {
    fn add(&mut self, array: &PrimitiveArray<T>) {
        let count = array.len() - array.null_count();
        self.count += count;
        if count > array.len() / 2 {
            self.arrays.push(array.clone());
        } else if count > 0 {
            // Most of its memory is of nulls.
            let mut values = Vec::with_capacity(count);
            valid_runs(array).for_each(|(start, end)| {
                values.extend_from_slice(array.values().get(start..end).unwrap_or_default());
            });
            self.arrays.push(PrimitiveArray::new(values.into(), None));
        }
    }

    /// The numbers that are not null, in pieces.
    fn pieces(&self) -> Pieces<'_, T::Native, impl Iterator<Item = &[T::Native]>> {
        let arrays = self.arrays.iter();
        let runs = arrays.flat_map(|array| valid_runs(array).map(move |run| (array, run)));
        Pieces {
            rest: &[],
            next: runs
                .map(|(array, (start, end))| array.values().get(start..end).unwrap_or_default()),
        }
    }

    /// Pages in plain encoding; gives the least and the greatest number.
    fn plain<const N: usize>(
        &self,
        rows: &Rows,
        bytes: impl Fn(T::Native) -> [u8; N],
        bounds: fn(&[T::Native]) -> Bounds<T::Native>,
        pages: &mut Pages,
    ) -> Result<Bounds<T::Native>> {
        let (mut pieces, mut known) = (self.pieces(), None);
        for rows in rows.pages() {
            let mut page = rows.levels;
            page.reserve_exact(rows.values.len() * N);
            pieces.take(rows.values.len(), |piece| {
                known = both(known, bounds(piece), bounds);
                plain(piece, &bytes, &mut page);
            });
            pages.data(&page, rows.rows, Encoding::PLAIN)?;
        }
        Ok(known)
    }
}

impl Arrays<Int64Type> {
    /// Pages of differences; gives the least and the greatest number.
    fn delta(&self, rows: &Rows, pages: &mut Pages) -> Result<Bounds<i64>> {
        let (mut pieces, mut known) = (self.pieces(), None);
        for rows in rows.pages() {
            let mut page = rows.levels;
            let mut values = Vec::with_capacity(rows.values.len());
            pieces.take(rows.values.len(), |piece| values.extend_from_slice(piece));
            known = both(known, bounds(&values), bounds);
            delta::encode(&values, &mut page);
            pages.data(&page, rows.rows, Encoding::DELTA_BINARY_PACKED)?;
        }
        Ok(known)
    }
}

/// Numbers behind each other, in pieces.
struct Pieces<'n, N, I> {
    rest: &'n [N],
    next: I,
}

impl<'n, N, I: Iterator<Item = &'n [N]>> Pieces<'n, N, I> {
    /// Gives the next so many to `take`.
    fn take(&mut self, mut count: usize, mut take: impl FnMut(&[N])) {
        while count > 0 {
            if self.rest.is_empty() {
                let Some(next) = self.next.next() else {
                    return;
                };
                self.rest = next;
            }
            let (piece, rest) = self.rest.split_at(count.min(self.rest.len()));
            take(piece);
            self.rest = rest;
            count -= piece.len();
        }
    }
}

/// The bounds of both.
fn both<N>(one: Bounds<N>, other: Bounds<N>, bounds: fn(&[N]) -> Bounds<N>) -> Bounds<N> {
    match (one, other) {
        (Some((a, b)), Some((c, d))) => bounds(&[a, b, c, d]),
        (one, other) => one.or(other),
    }
}

/// As [`bounds`], of what is a number; of two zeros the negative one is less.
fn of_doubles(values: &[f64]) -> Bounds<f64> {
    let numbers = || values.iter().copied().filter(|value| !value.is_nan());
    Some((
        numbers().min_by(f64::total_cmp)?,
        numbers().max_by(f64::total_cmp)?,
    ))
}

#[cfg(test)]
mod tests {
    use arrow::array::{ArrayRef, BooleanArray, RecordBatch};
    use arrow::compute::{concat_batches, nullif};
    use netcap_proto::TCP;

    use crate::output::sample::{sample, write_table};
    use crate::output::{Layout, read_table};

    /// Arrays that are kept as they came and such that are kept without their nulls, in a row group with two pages of
    /// which the second begins within an array.
    #[test]
    fn numbers_are_read_again_across_arrays_and_pages() {
        let layout = Layout::plain(&TCP);
        let [first, second] = [(0, 70_000), (70_000, 70_001)].map(|(from, rows)| {
            let batch = sample(&layout, from, rows);
            let columns = layout.columns.iter().zip(batch.columns());
            let columns = columns.map(|(column, array)| -> ArrayRef {
                if from == 0 || !column.nullable || column.repeated {
                    return array.clone();
                }
                let mostly: BooleanArray = (0..rows).map(|row| Some(row % 5 > 0)).collect();
                nullif(array, &mostly).unwrap()
            });
            RecordBatch::try_new(layout.schema(), columns.collect()).unwrap()
        });
        let folder = tempfile::tempdir().unwrap();
        let batches = [first, second];
        write_table(&layout, folder.path(), "x", &batches);
        let read = read_table(folder.path(), &layout).unwrap();
        let read: Vec<RecordBatch> = read.map(Result::unwrap).collect();
        let schema = layout.schema();
        let (found, expected) = (
            concat_batches(&schema, &read),
            concat_batches(&schema, &batches),
        );
        assert_eq!(found.unwrap(), expected.unwrap());
    }
}
