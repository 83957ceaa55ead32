//! Protobuf: the messages of a table one after another, each after its length as a varint (what
//! `parseDelimitedFrom` of Java and `parse_length_prefixed` of Python read).
//!
//! Messages are written from the arrays, without a message in between, and as protobuf's own
//! encoders write them: fields by number, no field that has its default value unless it is
//! `optional` and set.

use std::io::Write;

use arrow::array::{Array, AsArray, BinaryArray, BooleanArray, RecordBatch, StringArray};
use arrow::buffer::NullBuffer;
use arrow::datatypes::{Float64Type, Int32Type, Int64Type, TimestampMicrosecondType};
use netcap_proto::{Column, Type};
use prost::encoding::{WireType, encode_key, encode_varint};

use super::{BUFFER_BYTES, Encoder, failed};
use crate::error::{Error, Result};
use crate::output::Layout;

/// Encodes a table as delimited messages.
pub(super) struct ProtobufEncoder<'a> {
    out: &'a mut dyn Write,
    shape: Vec<Shape>,
    buffer: Vec<u8>,
}

/// A field of the table's message: a column, or a message that columns are grouped in.
#[derive(Debug)]
struct Shape {
    number: u32,
    content: Content,
}

#[derive(Debug)]
enum Content {
    Column(usize, &'static Column),
    Group(Vec<Shape>),
}

impl<'a> ProtobufEncoder<'a> {
    pub(super) fn new(out: &'a mut dyn Write, layout: &Layout) -> Result<Self> {
        Ok(Self {
            out,
            shape: shape(layout)?,
            buffer: Vec::with_capacity(BUFFER_BYTES + 4096),
        })
    }

    fn flush(&mut self) -> Result<()> {
        self.out.write_all(&self.buffer).map_err(failed)?;
        self.buffer.clear();
        Ok(())
    }
}

impl Encoder for ProtobufEncoder<'_> {
    fn write(&mut self, batch: &RecordBatch) -> Result<()> {
        let fields = bind(&self.shape, batch)?;
        for row in 0..batch.num_rows() {
            delimited(&mut self.buffer, |out| encode_all(&fields, row, out));
            if self.buffer.len() >= BUFFER_BYTES {
                self.out.write_all(&self.buffer).map_err(failed)?;
                self.buffer.clear();
            }
        }
        Ok(())
    }

    fn finish(mut self: Box<Self>) -> Result<()> {
        self.flush()
    }
}

/// The fields of the table's message, by number, groups nested as their paths say.
fn shape(layout: &Layout) -> Result<Vec<Shape>> {
    let table = layout.table;
    let mut shape = Vec::new();
    for (index, column) in layout.columns.iter().copied().enumerate() {
        // A label column is described once for all tables; the table says where its group is.
        let own = table.columns.iter().any(|c| std::ptr::eq(c, column));
        let prefix = if own { &[] } else { table.label_path };
        if !own && prefix.is_empty() {
            return Err(Error::new(format!(
                "the message {} has no field for labels",
                table.message
            )));
        }
        let path: Vec<u32> = prefix.iter().chain(column.path).copied().collect();
        insert(&mut shape, &path, index, column);
    }
    sort(&mut shape);
    Ok(shape)
}

fn insert(shape: &mut Vec<Shape>, path: &[u32], index: usize, column: &'static Column) {
    match path {
        [] => {}
        [number] => {
            shape.push(Shape {
                number: *number,
                content: Content::Column(index, column),
            });
        }
        [number, rest @ ..] => {
            for field in shape.iter_mut() {
                if field.number == *number
                    && let Content::Group(fields) = &mut field.content
                {
                    return insert(fields, rest, index, column);
                }
            }
            let mut fields = Vec::new();
            insert(&mut fields, rest, index, column);
            shape.push(Shape {
                number: *number,
                content: Content::Group(fields),
            });
        }
    }
}

fn sort(shape: &mut [Shape]) {
    shape.sort_by_key(|field| field.number);
    for field in shape {
        if let Content::Group(fields) = &mut field.content {
            sort(fields);
        }
    }
}

/// A field with the values of a batch.
struct Field<'a> {
    key: Key,
    /// Defaults are written too: the field is `optional`, a message, or an element of a list.
    explicit: bool,
    nulls: Option<&'a NullBuffer>,
    values: Values<'a>,
}

/// Number and wire type of a field as they are written before its value.
#[derive(Debug, Clone, Copy)]
struct Key {
    bytes: [u8; 5],
    length: u8,
}

impl Key {
    fn new(number: u32, values: &Values<'_>) -> Self {
        let wire = match values {
            Values::Bool(_) | Values::Int32(_) | Values::Int64(_) => WireType::Varint,
            Values::Double(_) => WireType::SixtyFourBit,
            _ => WireType::LengthDelimited,
        };
        let mut bytes = [0; 5];
        let mut room = &mut bytes[..];
        encode_key(number, wire, &mut room);
        let left = room.len();
        Self {
            bytes,
            length: u8::try_from(bytes.len() - left).unwrap_or_default(),
        }
    }

    #[inline]
    fn write(self, out: &mut Vec<u8>) {
        let [first, second, ..] = self.bytes;
        match self.length {
            1 => out.push(first),
            2 => out.extend_from_slice(&[first, second]),
            length => out.extend(self.bytes.iter().take(usize::from(length))),
        }
    }
}

enum Values<'a> {
    Bool(&'a BooleanArray),
    Int32(&'a [i32]),
    Int64(&'a [i64]),
    Double(&'a [f64]),
    Text(&'a StringArray),
    Bytes(&'a BinaryArray),
    Message(Vec<Field<'a>>),
    /// Where the elements of each row begin and end, and the elements.
    List(&'a [i32], Box<Field<'a>>),
}

fn bind<'a>(shape: &[Shape], batch: &'a RecordBatch) -> Result<Vec<Field<'a>>> {
    let field = |field: &Shape| match &field.content {
        Content::Group(fields) => {
            let values = Values::Message(bind(fields, batch)?);
            Ok(Field {
                key: Key::new(field.number, &values),
                explicit: true,
                nulls: None,
                values,
            })
        }
        Content::Column(index, column) => match batch.columns().get(*index) {
            Some(array) => bind_column(column, field.number, array),
            None => Err(mismatch(column)),
        },
    };
    let fields = shape.iter().map(field);
    // Of a column that has nothing to be written in any row no row is asked.
    fields
        .filter(|field| field.as_ref().map_or(true, Field::has_any))
        .collect()
}

/// `number` is that of the field in its message, which for a column of a group is another than the
/// column's own.
fn bind_column<'a>(column: &Column, number: u32, array: &'a dyn Array) -> Result<Field<'a>> {
    if !column.repeated {
        return bind_value(column, number, array, column.nullable);
    }
    let list = array.as_list_opt::<i32>().ok_or_else(|| mismatch(column))?;
    let element = bind_value(column, number, list.values(), true)?;
    let values = Values::List(list.value_offsets(), Box::new(element));
    Ok(Field {
        key: Key::new(number, &values),
        explicit: true,
        nulls: array.nulls().filter(|nulls| nulls.null_count() > 0),
        values,
    })
}

fn bind_value<'a>(
    column: &Column,
    number: u32,
    array: &'a dyn Array,
    explicit: bool,
) -> Result<Field<'a>> {
    let values = match column.ty {
        Type::Bool => array.as_boolean_opt().map(Values::Bool),
        Type::Int32 => array
            .as_primitive_opt::<Int32Type>()
            .map(|a| Values::Int32(a.values())),
        Type::Int64 => array
            .as_primitive_opt::<Int64Type>()
            .map(|a| Values::Int64(a.values())),
        Type::Timestamp => array
            .as_primitive_opt::<TimestampMicrosecondType>()
            .map(|a| Values::Int64(a.values())),
        Type::Double => array
            .as_primitive_opt::<Float64Type>()
            .map(|a| Values::Double(a.values())),
        Type::Text => array.as_string_opt::<i32>().map(Values::Text),
        Type::Bytes => array.as_binary_opt::<i32>().map(Values::Bytes),
        Type::Struct => match array.as_struct_opt() {
            Some(fields) => {
                let mut fields: Vec<_> = column.children.iter().zip(fields.columns()).collect();
                fields.sort_by_key(|(column, _)| column.number);
                let fields = fields
                    .into_iter()
                    .map(|(column, array)| bind_column(column, column.number, array));
                Some(Values::Message(fields.collect::<Result<_>>()?))
            }
            None => None,
        },
    };
    let values = values.ok_or_else(|| mismatch(column))?;
    Ok(Field {
        key: Key::new(number, &values),
        explicit: explicit || column.ty == Type::Struct,
        nulls: array.nulls().filter(|nulls| nulls.null_count() > 0),
        values,
    })
}

fn mismatch(column: &Column) -> Error {
    Error::new(format!(
        "the rows to export have no column {} of the type it has",
        column.name
    ))
}

fn encode_all(fields: &[Field<'_>], row: usize, out: &mut Vec<u8>) {
    for field in fields {
        field.encode(row, out);
    }
}

impl Field<'_> {
    /// Whether anything of it is written in any row.
    fn has_any(&self) -> bool {
        let all_null = |nulls: &NullBuffer| nulls.null_count() == nulls.len();
        if self.nulls.is_some_and(all_null) {
            return false;
        }
        self.explicit
            || match &self.values {
                Values::Bool(values) => values.values().count_set_bits() > 0,
                Values::Int32(values) => values.iter().any(|value| *value != 0),
                Values::Int64(values) => values.iter().any(|value| *value != 0),
                Values::Double(values) => values.iter().any(|value| value.to_bits() != 0),
                Values::Text(values) => !values.value_data().is_empty(),
                Values::Bytes(values) => !values.value_data().is_empty(),
                Values::Message(_) | Values::List(..) => true,
            }
    }

    /// Short for most fields, so that going over them calls nothing; messages and lists are elsewhere.
    #[inline(always)]
    fn encode(&self, row: usize, out: &mut Vec<u8>) {
        if self.nulls.is_some_and(|nulls| nulls.is_null(row)) {
            return;
        }
        let (key, explicit) = (self.key, self.explicit);
        match &self.values {
            Values::Bool(values) => {
                let value = values.value(row);
                if explicit || value {
                    key.write(out);
                    out.push(value.into());
                }
            }
            Values::Int32(values) => {
                let value = values.get(row).copied().unwrap_or_default();
                if explicit || value != 0 {
                    key.write(out);
                    // Negative numbers of 32 bits are written as those of 64.
                    varint(i64::from(value).cast_unsigned(), out);
                }
            }
            Values::Int64(values) => {
                let value = values.get(row).copied().unwrap_or_default();
                if explicit || value != 0 {
                    key.write(out);
                    varint(value.cast_unsigned(), out);
                }
            }
            Values::Double(values) => {
                let value = values.get(row).copied().unwrap_or_default();
                // By its bits: -0.0 is not the default.
                if explicit || value.to_bits() != 0 {
                    key.write(out);
                    out.extend_from_slice(&value.to_le_bytes());
                }
            }
            Values::Text(values) => bytes(key, explicit, values.value(row).as_bytes(), out),
            Values::Bytes(values) => bytes(key, explicit, values.value(row), out),
            Values::Message(_) | Values::List(..) => self.encode_nested(row, out),
        }
    }

    #[inline(never)]
    fn encode_nested(&self, row: usize, out: &mut Vec<u8>) {
        match &self.values {
            Values::Message(fields) => {
                self.key.write(out);
                delimited(out, |out| encode_all(fields, row, out));
            }
            Values::List(offsets, element) => {
                if let Some([start, end]) = offsets.get(row..row + 2) {
                    for i in *start..*end {
                        element.encode(usize::try_from(i).unwrap_or_default(), out);
                    }
                }
            }
            _ => {}
        }
    }
}

#[inline]
fn bytes(key: Key, explicit: bool, value: &[u8], out: &mut Vec<u8>) {
    if explicit || !value.is_empty() {
        key.write(out);
        varint(value.len() as u64, out);
        out.extend_from_slice(value);
    }
}

/// Most numbers of a capture fit into one or two bytes.
#[inline(always)]
fn varint(value: u64, out: &mut Vec<u8>) {
    let [low, high, ..] = value.to_le_bytes();
    if value < 0x80 {
        out.push(low);
    } else if value < 0x4000 {
        out.extend_from_slice(&[low | 0x80, high << 1 | low >> 7]);
    } else {
        long_varint(value, out);
    }
}

/// Seven bits in each byte, the lowest first, all but the last marked. Up to eight of them at once: apart from each
/// other by halves, and as many bytes appended each time, of which those that are too many go again.
#[inline(never)]
fn long_varint(value: u64, out: &mut Vec<u8>) {
    if value >> 56 != 0 {
        return encode_varint(value, out);
    }
    let bytes = value & 0x0fff_ffff | (value & 0x00ff_ffff_f000_0000) << 4;
    let bytes = bytes & 0x0000_3fff_0000_3fff | (bytes & 0x0fff_c000_0fff_c000) << 2;
    let bytes = bytes & 0x007f_007f_007f_007f | (bytes & 0x3f80_3f80_3f80_3f80) << 1;
    let most = bytes.leading_zeros() / 8;
    let marks = 0x0080_8080_8080_8080 >> (8 * most);
    let end = out.len() + 8 - most as usize;
    out.extend_from_slice(&(bytes | marks).to_le_bytes());
    out.truncate(end);
}

/// What `write` appends, after its length. A length of one byte is assumed, since most are; a
/// longer one moves what was written.
#[inline]
fn delimited(out: &mut Vec<u8>, write: impl FnOnce(&mut Vec<u8>)) {
    let start = out.len();
    out.push(0);
    write(out);
    let len = out.len() - start - 1;
    if let (Ok(len), Some(byte)) = (u8::try_from(len), out.get_mut(start))
        && len < 0x80
    {
        *byte = len;
        return;
    }
    let mut prefix = [0; 10];
    let mut room = &mut prefix[..];
    encode_varint(len as u64, &mut room);
    let left = room.len();
    let length = prefix.len() - left;
    out.splice(start..=start, prefix.into_iter().take(length));
}

#[cfg(test)]
mod tests {
    use super::{delimited, varint};
    use prost::encoding::encode_varint;

    /// Of each length, and around where the next one begins.
    #[test]
    fn varints_are_as_those_of_prost() {
        let powers = (0..64).map(|bit| 1u64 << bit);
        let numbers = powers.flat_map(|n| [n - 1, n, n + 1, n | n >> 3, n | n >> 9]);
        for number in numbers.chain([u64::MAX, (-1i64).cast_unsigned()]) {
            let (mut ours, mut theirs) = (vec![7], vec![7]);
            varint(number, &mut ours);
            encode_varint(number, &mut theirs);
            assert_eq!(ours, theirs, "{number}");
        }
    }

    #[test]
    fn lengths_stand_before_what_they_are_of() {
        for length in [0, 1, 127, 128, 16_383, 16_384, 70_000] {
            let content: Vec<u8> = (0..length).map(|n: u32| n as u8).collect();
            let (mut ours, mut theirs) = (vec![7], vec![7]);
            delimited(&mut ours, |out| out.extend_from_slice(&content));
            encode_varint(content.len() as u64, &mut theirs);
            theirs.extend_from_slice(&content);
            assert_eq!(ours, theirs, "{length}");
        }
    }
}
