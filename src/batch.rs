//! Columns of record batches, by name and type.

use arrow::array::{
    Array, AsArray, BooleanArray, Int32Array, Int64Array, RecordBatch, StringArray,
};
use arrow::datatypes::{Int32Type, Int64Type};

use crate::error::{Error, Result};

fn column<'a, T>(
    batch: &'a RecordBatch,
    name: &str,
    cast: impl FnOnce(&'a dyn Array) -> Option<&'a T>,
) -> Result<&'a T> {
    let column = batch
        .column_by_name(name)
        .and_then(|column| cast(column.as_ref()));
    column.ok_or_else(|| Error::new(format!("there is no usable column {name}")))
}

/// A column of int32.
pub(crate) fn int32<'a>(batch: &'a RecordBatch, name: &str) -> Result<&'a Int32Array> {
    column(batch, name, |c| c.as_primitive_opt::<Int32Type>())
}

/// A column of int64.
pub(crate) fn int64<'a>(batch: &'a RecordBatch, name: &str) -> Result<&'a Int64Array> {
    column(batch, name, |c| c.as_primitive_opt::<Int64Type>())
}

/// A column of texts.
pub(crate) fn text<'a>(batch: &'a RecordBatch, name: &str) -> Result<&'a StringArray> {
    column(batch, name, |c| c.as_string_opt::<i32>())
}

/// A column of booleans.
pub(crate) fn boolean<'a>(batch: &'a RecordBatch, name: &str) -> Result<&'a BooleanArray> {
    column(batch, name, |c| c.as_boolean_opt())
}
