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
use crate::output::hex;

/// How values inside of JSON are written; numbers, text, bytes and null as is usual.
static JSON: LazyLock<EncoderOptions> = LazyLock::new(|| {
    EncoderOptions::default()
        .with_explicit_nulls(true)
        .with_timestamp_tz_format("%Y-%m-%dT%H:%M:%S%.6fZ".to_owned())
});

static TIME: DateTimePrinter = DateTimePrinter::new().precision(Some(0));

/// The texts of a column of a batch.
pub(crate) enum Texts<'a> {
    Bool(&'a BooleanArray),
    Int32(&'a Int32Array),
    Int64(&'a Int64Array),
    Double(&'a Float64Array),
    Time(&'a TimestampMicrosecondArray, Second),
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
                .map(|array| Self::Time(array, Second::default())),
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
    pub(crate) fn get<'s>(&mut self, row: usize, scratch: &'s mut Vec<u8>) -> Option<&'s [u8]> {
        scratch.clear();
        self.append(row, scratch).then_some(scratch)
    }

    /// Appends the text of a row; `false` if it is null.
    #[inline]
    pub(crate) fn append(&mut self, row: usize, out: &mut Vec<u8>) -> bool {
        match self {
            Self::Int32(a) if a.is_valid(row) => integer(a.value(row).into(), out),
            Self::Int64(a) if a.is_valid(row) => integer(a.value(row), out),
            Self::Bool(a) if a.is_valid(row) => {
                out.extend_from_slice(if a.value(row) { b"true" } else { b"false" });
            }
            Self::Text(a) if a.is_valid(row) => out.extend_from_slice(a.value(row).as_bytes()),
            Self::Time(a, second) if a.is_valid(row) => second.append(a.value(row), out),
            Self::Double(a) if a.is_valid(row) => double(a.value(row), out),
            Self::Bytes(a) if a.is_valid(row) => {
                out.extend_from_slice(hex(a.value(row)).as_bytes())
            }
            Self::Json(encoder) if !encoder.is_null(row) => encoder.encode(row, out),
            _ => return false,
        }
        true
    }
}

/// The digits of the numbers below a thousand, and how many they are.
static DIGITS: [[u8; 4]; 1000] = {
    let mut all = [[0; 4]; 1000];
    let mut n = 0;
    while n < all.len() {
        let digits = [n / 100, n / 10 % 10, n % 10];
        let leading = if n > 99 {
            0
        } else if n > 9 {
            1
        } else {
            2
        };
        let mut at = leading;
        while at < 3 {
            all[n][at - leading] = b'0' + digits[at] as u8;
            at += 1;
        }
        all[n][3] = 3 - leading as u8;
        n += 1;
    }
    all
};

/// Most integers of a capture are small, and a table has them faster than division.
#[inline]
fn integer(value: i64, out: &mut Vec<u8>) {
    let small = usize::try_from(value).ok().and_then(|n| DIGITS.get(n));
    match small {
        Some(digits) => {
            let end = out.len() + usize::from(digits[3]);
            out.extend_from_slice(digits);
            out.truncate(end);
        }
        None => out.extend_from_slice(itoa::Buffer::new().format(value).as_bytes()),
    }
}

/// `Debug` has an exponent for the very large and small, `Display` all of their digits.
fn double(value: f64, out: &mut Vec<u8>) {
    // Writing to a vector cannot fail.
    let _ = write!(out, "{value:?}");
}

/// The last second that was written: the next time is often of the same.
#[derive(Debug, Default)]
pub(crate) struct Second {
    second: i64,
    /// As RFC 3339, up to the point before the fraction; empty if none was written.
    text: Vec<u8>,
}

impl Second {
    /// Microseconds since 1970 as RFC 3339; as they are when the year has more than four digits.
    fn append(&mut self, microseconds: i64, out: &mut Vec<u8>) {
        let (second, fraction) = (
            microseconds.div_euclid(1_000_000),
            microseconds.rem_euclid(1_000_000).unsigned_abs(),
        );
        if self.text.is_empty() || second != self.second {
            self.text.clear();
            self.second = second;
            let time = Timestamp::from_second(second);
            let printed = time.and_then(|time| TIME.print_timestamp(&time, &mut self.text));
            if printed.is_err() {
                self.text.clear();
                return integer(microseconds, out);
            }
            // Without `Z`.
            self.text.pop();
            self.text.push(b'.');
        }
        out.extend_from_slice(&self.text);
        // Six digits and `Z`.
        let mut digits = *b"000000Z";
        let mut rest = fraction;
        for digit in digits.iter_mut().take(6).rev() {
            *digit = b'0' + (rest % 10) as u8;
            rest /= 10;
        }
        out.extend_from_slice(&digits);
    }
}
