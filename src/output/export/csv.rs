//! CSV (RFC 4180, lines end with a line feed): a header line, then a line a row.
//!
//! How a value is written is decided in `text`; null is an empty field, and so is an empty text.

use std::io::Write;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use csv::{Writer, WriterBuilder};

use super::text::Texts;
use super::{Encoder, failed};
use crate::error::{Error, Result};

/// Encodes a table as CSV.
pub(super) struct CsvEncoder<'a> {
    out: Writer<&'a mut dyn Write>,
    scratch: Vec<u8>,
}

impl<'a> CsvEncoder<'a> {
    pub(super) fn new(out: &'a mut dyn Write, schema: &SchemaRef) -> Result<Self> {
        let mut out = WriterBuilder::new()
            .buffer_capacity(256 << 10)
            .from_writer(out);
        out.write_record(schema.fields().iter().map(|f| f.name()))
            .map_err(csv_failed)?;
        Ok(Self {
            out,
            scratch: Vec::new(),
        })
    }
}

impl Encoder for CsvEncoder<'_> {
    fn write(&mut self, batch: &RecordBatch) -> Result<()> {
        let schema = batch.schema();
        let columns = schema.fields().iter().zip(batch.columns());
        let columns = columns.map(|(field, array)| Texts::new(field, array));
        let mut columns: Vec<_> = columns.collect::<Result<_>>()?;
        for row in 0..batch.num_rows() {
            for column in &mut columns {
                let text = column.get(row, &mut self.scratch).unwrap_or_default();
                self.out.write_field(text).map_err(csv_failed)?;
            }
            self.out.write_record(None::<&[u8]>).map_err(csv_failed)?;
        }
        Ok(())
    }

    fn finish(mut self: Box<Self>) -> Result<()> {
        self.out.flush().map_err(failed)
    }
}

/// An error of the writer with what is behind it, by which a reader that has had enough is told from
/// a full disk.
fn csv_failed(error: csv::Error) -> Error {
    match error.into_kind() {
        csv::ErrorKind::Io(e) => failed(e),
        other => failed(format!("{other:?}")),
    }
}
