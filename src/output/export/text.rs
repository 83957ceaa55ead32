//! Values as text: the cells of CSV, and the values that a comparison shows.
//!
//! Integers and floats as Rust writes them (the shortest digits that read back the same), times as
//! RFC 3339 in UTC with microseconds, bytes in hexadecimal, lists and structs as JSON.

use std::io::Write as _;
use std::sync::LazyLock;

use arrow::array::{
    Array, ArrayRef, AsArray, BinaryArray, BooleanArray, Float64Array, Int32Array, Int64Array,
    StringArray, TimestampMicrosecondArray,
};
use arrow::datatypes::{
    DataType, FieldRef, Float64Type, Int32Type, Int64Type, TimeUnit, TimestampMicrosecondType,
};
use arrow::json::writer::{EncoderOptions, NullableEncoder, make_encoder};
use jiff::Timestamp;
use jiff::fmt::temporal::DateTimePrinter;

use crate::error::Result;

/// How values inside of JSON are written; numbers, text, bytes and null as is usual.
static JSON: LazyLock<EncoderOptions> = LazyLock::new(|| {
    EncoderOptions::default()
        .with_explicit_nulls(true)
        .with_timestamp_tz_format("%Y-%m-%dT%H:%M:%S%.6fZ".to_owned())
});

static TIME: DateTimePrinter = DateTimePrinter::new().precision(Some(6));

/// The texts of a column of a batch.
pub(crate) enum Texts<'a> {
    Bool(&'a BooleanArray),
    Int32(&'a Int32Array),
    Int64(&'a Int64Array),
    Double(&'a Float64Array),
    Time(&'a TimestampMicrosecondArray),
    Text(&'a StringArray),
    Bytes(&'a BinaryArray),
    Json(NullableEncoder<'a>),
}

impl<'a> Texts<'a> {
    /// The texts of `array`, which is of the type of `field`.
    pub(crate) fn new(field: &'a FieldRef, array: &'a ArrayRef) -> Result<Self> {
        let array = array.as_ref();
        let simple = match array.data_type() {
            DataType::Boolean => array.as_boolean_opt().map(Self::Bool),
            DataType::Int32 => array.as_primitive_opt::<Int32Type>().map(Self::Int32),
            DataType::Int64 => array.as_primitive_opt::<Int64Type>().map(Self::Int64),
            DataType::Float64 => array.as_primitive_opt::<Float64Type>().map(Self::Double),
            DataType::Timestamp(TimeUnit::Microsecond, _) => array
                .as_primitive_opt::<TimestampMicrosecondType>()
                .map(Self::Time),
            DataType::Utf8 => array.as_string_opt::<i32>().map(Self::Text),
            DataType::Binary => array.as_binary_opt::<i32>().map(Self::Bytes),
            _ => None,
        };
        match simple {
            Some(texts) => Ok(texts),
            None => Ok(Self::Json(make_encoder(field, array, &JSON)?)),
        }
    }

    /// The text of a row; `None` if it is null. It may be in `scratch`.
    #[inline]
    pub(crate) fn get<'s>(&'s mut self, row: usize, scratch: &'s mut Vec<u8>) -> Option<&'s [u8]> {
        scratch.clear();
        // Writing to a vector cannot fail.
        let _ = match self {
            Self::Bool(a) if a.is_valid(row) => {
                return Some(if a.value(row) { b"true" } else { b"false" });
            }
            Self::Text(a) if a.is_valid(row) => return Some(a.value(row).as_bytes()),
            Self::Int32(a) if a.is_valid(row) => {
                scratch.extend_from_slice(itoa::Buffer::new().format(a.value(row)).as_bytes());
                Ok(())
            }
            Self::Int64(a) if a.is_valid(row) => {
                scratch.extend_from_slice(itoa::Buffer::new().format(a.value(row)).as_bytes());
                Ok(())
            }
            // `Debug` has an exponent for the very large and small, `Display` all of their digits.
            Self::Double(a) if a.is_valid(row) => write!(scratch, "{:?}", a.value(row)),
            Self::Time(a) if a.is_valid(row) => {
                time(a.value(row), scratch);
                Ok(())
            }
            Self::Bytes(a) if a.is_valid(row) => a
                .value(row)
                .iter()
                .try_for_each(|byte| write!(scratch, "{byte:02x}")),
            Self::Json(encoder) if !encoder.is_null(row) => {
                encoder.encode(row, scratch);
                Ok(())
            }
            _ => return None,
        };
        Some(scratch)
    }
}

/// Microseconds since 1970 as RFC 3339; as they are when the year has more than four digits.
fn time(microseconds: i64, out: &mut Vec<u8>) {
    let printed = Timestamp::from_microsecond(microseconds)
        .and_then(|time| TIME.print_timestamp(&time, &mut *out));
    if printed.is_err() {
        out.clear();
        let _ = write!(out, "{microseconds}");
    }
}
