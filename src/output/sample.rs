//! For tests: rows of any table, with the values that are easily got wrong.

use std::path::Path;
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, BinaryArray, BooleanArray, Float64Array, Int32Array, Int64Array, ListArray,
    RecordBatch, StringArray, StructArray, TimestampMicrosecondArray,
};
use arrow::buffer::OffsetBuffer;
use arrow::datatypes::{Field, Fields};
use netcap_proto::{Column, Type};

use super::{Layout, TableFacts, TableWriter};

/// Rows of a table from the number `first` on. The same numbers give the same rows; keys are in
/// order and unique.
pub(crate) fn sample(layout: &Layout, first: usize, rows: usize) -> RecordBatch {
    let columns = layout.columns.iter().enumerate();
    let columns = columns.map(|(number, column)| match column.name {
        "capture" => Arc::new(Int32Array::from(vec![0; rows])) as ArrayRef,
        "packet" => Arc::new(Int64Array::from_iter_values(
            (first..first + rows).map(|row| row as i64 + 1),
        )),
        "flow_uid" => Arc::new(StringArray::from_iter_values(
            // Not in order, as in the real table.
            (first..first + rows)
                .map(|row| format!("{:016x}", (row as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15))),
        )),
        _ => array(column, column.nullable, (first * 31 + number * 7, rows)),
    });
    RecordBatch::try_new(layout.schema(), columns.collect()).unwrap()
}

/// Writes batches as a table's Parquet files.
pub(crate) fn write_table(
    layout: &Layout,
    folder: &Path,
    prefix: &str,
    batches: &[RecordBatch],
) -> TableFacts {
    let mut writer = TableWriter::new(layout.clone());
    writer.begin_folder(folder, prefix).unwrap();
    for batch in batches {
        writer.write(batch).unwrap();
    }
    writer.finish().unwrap()
}

fn array(column: &Column, nullable: bool, (seed, rows): (usize, usize)) -> ArrayRef {
    if column.repeated {
        let lengths: Vec<usize> = (0..rows).map(|row| (seed + row) % 3).collect();
        let elements = values(column, false, (seed, lengths.iter().sum()));
        let field = Arc::new(Field::new("element", elements.data_type().clone(), false));
        let offsets = OffsetBuffer::from_lengths(lengths);
        return Arc::new(ListArray::new(field, offsets, elements, None));
    }
    values(column, nullable, (seed, rows))
}

fn values(column: &Column, nullable: bool, (seed, rows): (usize, usize)) -> ArrayRef {
    fn pick<T: Copy>(of: &[T], nullable: bool, (seed, rows): (usize, usize)) -> Vec<Option<T>> {
        let value =
            |i: usize| (!nullable || !i.is_multiple_of(4)).then(|| of[(i / 3 + i) % of.len()]);
        (seed..seed + rows).map(value).collect()
    }
    let at = (seed, rows);
    let long = "x".repeat(300);
    match column.ty {
        Type::Bool => Arc::new(BooleanArray::from(pick(
            &[true, false, false],
            nullable,
            at,
        ))),
        Type::Int32 => Arc::new(Int32Array::from(pick(
            &[0, 1, 127, 128, -1, 65_535, i32::MAX, i32::MIN],
            nullable,
            at,
        ))),
        Type::Int64 => Arc::new(Int64Array::from(pick(
            &[0, 1, 300, -1, 10_000_000_001, i64::MAX, i64::MIN],
            nullable,
            at,
        ))),
        Type::Double => Arc::new(Float64Array::from(pick(
            &[0.0, -0.0, 1.5, 1e300, 1e-9],
            nullable,
            at,
        ))),
        Type::Timestamp => Arc::new(
            TimestampMicrosecondArray::from(pick(
                &[0, 1_764_031_199_382_586, -1, 1_764_031_200_000_000],
                nullable,
                at,
            ))
            .with_timezone("UTC"),
        ),
        Type::Text => Arc::new(StringArray::from(pick(
            &["", "tcp", "a, \"b\"", "two\nlines", "grüße 日本 🦀", &long],
            nullable,
            at,
        ))),
        Type::Bytes => Arc::new(BinaryArray::from(pick(
            &[b"".as_slice(), &[0, 255, 16], long.as_bytes()],
            nullable,
            at,
        ))),
        Type::Struct => {
            let fields: Fields = column
                .children
                .iter()
                .map(|child| child.field(false))
                .collect();
            let children = column.children.iter().enumerate();
            let children = children
                .map(|(number, child)| array(child, child.nullable, (seed + number * 5, rows)));
            Arc::new(StructArray::new(fields, children.collect(), None))
        }
    }
}
