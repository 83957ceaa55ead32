//! Arrow: the IPC file format, as `pyarrow.ipc.open_file` and `polars.read_ipc` read it; one
//! record batch for each that comes, without compression, so that it can be mapped into memory.

use std::io::Write;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use arrow::ipc::writer::FileWriter;

use super::{Encoder, failed};
use crate::error::Result;

/// Encodes a table as an Arrow IPC file.
pub(super) struct IpcEncoder<'a> {
    out: FileWriter<&'a mut dyn Write>,
}

impl<'a> IpcEncoder<'a> {
    pub(super) fn new(out: &'a mut dyn Write, schema: &SchemaRef) -> Result<Self> {
        Ok(Self {
            out: FileWriter::try_new(out, schema).map_err(failed)?,
        })
    }
}

impl Encoder for IpcEncoder<'_> {
    fn write(&mut self, batch: &RecordBatch) -> Result<()> {
        self.out.write(batch).map_err(failed)
    }

    fn finish(mut self: Box<Self>) -> Result<()> {
        self.out.finish().map_err(failed)
    }
}
