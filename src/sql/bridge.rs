//! Columns from Arrow to Polars and back, without copying them.
//!
//! Polars has an implementation of Arrow of its own. Both know the Arrow C data interface, a fixed layout in memory of three
//! structs, and each has Rust types of that layout. This is the one module of netcap with `unsafe`: the types of one crate
//! are taken for those of the other, and handed over with what releases their memory.
#![allow(unsafe_code)]

use std::mem::{align_of, size_of, transmute};

use arrow::array::{Array, ArrayRef, make_array, new_null_array};
use arrow::datatypes::DataType;
use arrow::ffi::{FFI_ArrowArray, FFI_ArrowSchema, from_ffi, to_ffi};
use polars::prelude::{CompatLevel, PlSmallStr, Series};
use polars_arrow::ffi::{
    ArrowArray, ArrowSchema, export_array_to_c, export_field_to_c, import_array_from_c,
    import_field_from_c,
};

use crate::error::{Error, Result};

// Both are the structs of <https://arrow.apache.org/docs/format/CDataInterface.html>, `repr(C)`.
const _: () = {
    assert!(size_of::<FFI_ArrowArray>() == size_of::<ArrowArray>());
    assert!(align_of::<FFI_ArrowArray>() == align_of::<ArrowArray>());
    assert!(size_of::<FFI_ArrowSchema>() == size_of::<ArrowSchema>());
    assert!(align_of::<FFI_ArrowSchema>() == align_of::<ArrowSchema>());
};

/// A column, in pieces, as a Polars series. There must be a piece, if only an empty one.
pub(super) fn to_polars(name: &str, chunks: &[ArrayRef]) -> Result<Series> {
    let mut out = Vec::with_capacity(chunks.len());
    let mut field = None;
    for chunk in chunks {
        let (array, schema) = to_ffi(&chunk.to_data())?;
        // SAFETY: the two pairs of types have the layout of the C data interface, which both crates state; sizes are
        // checked above. `transmute` moves the structs, so each is released once, by Polars.
        let (array, schema) = unsafe {
            (
                transmute::<FFI_ArrowArray, ArrowArray>(array),
                transmute::<FFI_ArrowSchema, ArrowSchema>(schema),
            )
        };
        // SAFETY: `schema` and `array` were made by arrow's exporter just now, for the same array, and are valid as the
        // interface asks; the type given is the one that the schema names.
        let (read, array) = unsafe {
            let read = import_field_from_c(&schema).map_err(failed)?;
            let array = import_array_from_c(array, read.dtype().clone()).map_err(failed)?;
            (read, array)
        };
        field.get_or_insert(read);
        out.push(array);
    }
    let field = field.ok_or_else(|| Error::new(format!("the column {name} has no pieces")))?;
    let mut series = Series::try_from((&field, out)).map_err(failed)?;
    series.rename(PlSmallStr::from(name));
    Ok(series)
}

/// A Polars series as an Arrow array.
pub(super) fn from_polars(series: &Series) -> Result<ArrayRef> {
    if series.dtype().is_null() {
        // Polars gives such a column a buffer, which the interface knows none of.
        return Ok(new_null_array(&DataType::Null, series.len()));
    }
    let series = series.rechunk();
    let field = series.field().to_arrow(CompatLevel::oldest());
    let array = export_array_to_c(series.to_arrow(0, CompatLevel::oldest()));
    let schema = export_field_to_c(&field);
    // SAFETY: as above, the other way round: the structs are moved, and released by arrow.
    let (array, schema) = unsafe {
        (
            transmute::<ArrowArray, FFI_ArrowArray>(array),
            transmute::<ArrowSchema, FFI_ArrowSchema>(schema),
        )
    };
    // SAFETY: both were made by Polars' exporter just now, for the same series.
    let data = unsafe { from_ffi(array, &schema)? };
    // The fields of the interface say nothing of the values: look at offsets and UTF-8 once.
    data.validate_full()?;
    Ok(make_array(data))
}

fn failed(e: polars::error::PolarsError) -> Error {
    Error::because("a column could not be handed to the SQL engine", e)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{
        Array, ArrayRef, BooleanArray, Float64Array, Int64Array, ListArray, StringArray,
        TimestampMicrosecondArray,
    };
    use arrow::datatypes::{DataType, Int64Type};

    use super::{from_polars, to_polars};

    #[test]
    fn columns_come_back_as_they_went() {
        let columns: Vec<ArrayRef> = vec![
            Arc::new(Int64Array::from(vec![Some(1), None, Some(i64::MIN)])),
            Arc::new(Float64Array::from(vec![Some(0.1), None, Some(-0.0)])),
            Arc::new(BooleanArray::from(vec![Some(true), None, Some(false)])),
            Arc::new(StringArray::from(vec![Some("ä"), None, Some("")])),
            Arc::new(
                TimestampMicrosecondArray::from(vec![Some(1), None, Some(-1)]).with_timezone("UTC"),
            ),
            Arc::new(ListArray::from_iter_primitive::<Int64Type, _, _>([
                Some(vec![Some(1), None]),
                None,
                Some(vec![]),
            ])),
        ];
        for column in columns {
            let series = to_polars("x", &[column.slice(0, 1), column.slice(1, 2)]).unwrap();
            let back = from_polars(&series).unwrap();
            // Texts and lists come back with 64-bit offsets.
            let back = arrow::compute::cast(&back, column.data_type()).unwrap();
            assert_eq!(&back.to_data(), &column.to_data());
        }
        let none: ArrayRef = Arc::new(Int64Array::from(Vec::<i64>::new()));
        let back = from_polars(&to_polars("x", &[none]).unwrap()).unwrap();
        assert_eq!((back.len(), back.data_type()), (0, &DataType::Int64));
    }
}
