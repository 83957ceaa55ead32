//! CSV (RFC 4180, lines end with a line feed): a header line, then a line a row.
//!
//! How a value is written is decided in `text`; null is an empty field, and so is an empty text. Lines are put
//! together here, and not by the crate csv: its writer looks at each byte of each field for what has to be quoted, and most
//! fields are numbers.

use std::io::Write;

use arrow::array::{Array, RecordBatch};
use arrow::datatypes::SchemaRef;

use super::text::Texts;
use super::{BUFFER_BYTES, Encoder, failed};
use crate::error::Result;

/// Encodes a table as CSV.
pub(super) struct CsvEncoder<'a> {
    out: &'a mut dyn Write,
    buffer: Vec<u8>,
    scratch: Vec<u8>,
}

impl<'a> CsvEncoder<'a> {
    pub(super) fn new(out: &'a mut dyn Write, schema: &SchemaRef) -> Self {
        let mut buffer = Vec::with_capacity(BUFFER_BYTES + 4096);
        for (i, field) in schema.fields().iter().enumerate() {
            if i > 0 {
                buffer.push(b',');
            }
            quoted(field.name().as_bytes(), &mut buffer);
        }
        buffer.push(b'\n');
        Self {
            out,
            buffer,
            scratch: Vec::new(),
        }
    }

    fn flush(&mut self) -> Result<()> {
        self.out.write_all(&self.buffer).map_err(failed)?;
        self.buffer.clear();
        Ok(())
    }
}

impl Encoder for CsvEncoder<'_> {
    fn write(&mut self, batch: &RecordBatch) -> Result<()> {
        let schema = batch.schema();
        let columns = schema.fields().iter().zip(batch.columns());
        let columns = columns.map(|(field, array)| Texts::new(field, array));
        let mut columns: Vec<_> = columns.collect::<Result<_>>()?;
        for row in 0..batch.num_rows() {
            let start = self.buffer.len();
            for column in &mut columns {
                cell(column, row, &mut self.buffer, &mut self.scratch);
                self.buffer.push(b',');
            }
            // The line ends in place of the last comma. One without anything on it would be no line for readers.
            self.buffer.pop();
            if self.buffer.len() == start {
                self.buffer.extend_from_slice(b"\"\"");
            }
            self.buffer.push(b'\n');
            if self.buffer.len() >= BUFFER_BYTES {
                self.flush()?;
            }
        }
        Ok(())
    }

    fn finish(mut self: Box<Self>) -> Result<()> {
        self.flush()
    }
}

/// A field. Only texts and lists can have what has to be quoted.
#[inline]
fn cell(column: &mut Texts<'_>, row: usize, out: &mut Vec<u8>, scratch: &mut Vec<u8>) {
    match column {
        Texts::Text(texts) => {
            if texts.is_valid(row) {
                quoted(texts.value(row).as_bytes(), out);
            }
        }
        Texts::Json(_) => {
            if let Some(text) = column.get(row, scratch) {
                quoted(text, out);
            }
        }
        _ => {
            column.append(row, out);
        }
    }
}

/// A text, in quotes where it has to be.
#[inline]
fn quoted(text: &[u8], out: &mut Vec<u8>) {
    let special = |byte: &u8| matches!(byte, b',' | b'"' | b'\n' | b'\r');
    if !text.iter().any(special) {
        return out.extend_from_slice(text);
    }
    out.push(b'"');
    for byte in text {
        if *byte == b'"' {
            out.push(b'"');
        }
        out.push(*byte);
    }
    out.push(b'"');
}

#[cfg(test)]
mod tests {
    use super::quoted;

    /// As the crate csv quotes.
    #[test]
    fn what_has_to_be_quoted_is() {
        let mut writer = csv::WriterBuilder::new().from_writer(Vec::new());
        let mut ours = Vec::new();
        for text in [
            "a", "", "a b", "a,b", "\"", "a\"b\"\"", "a\nb", "a\r", "'", "\u{fc}", ";", "\t",
        ] {
            writer.write_record(["x", text]).unwrap();
            ours.extend_from_slice(b"x,");
            quoted(text.as_bytes(), &mut ours);
            ours.push(b'\n');
        }
        assert_eq!(ours, writer.into_inner().unwrap());
    }
}
