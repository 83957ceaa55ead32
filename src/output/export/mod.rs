//! Tables in other formats than Parquet: protobuf, CSV and Arrow.
//!
//! All of it is generic over a [`Layout`]; no table has code of its own here. A format is a file
//! beside this one that encodes batches to a [`Write`]; names, hashes and order of the files are
//! decided here, and where they lie by the caller.

mod csv;
mod ipc;
mod protobuf;
#[cfg(test)]
mod tests;
mod text;

use std::fmt;
use std::io::Write;
use std::path::Path;
use std::str::FromStr;

use arrow::array::RecordBatch;
use arrow::compute::cast;
use arrow::datatypes::SchemaRef;
use serde::{Deserialize, Serialize};

use super::file::{FileFacts, HashingFile};
use super::layout::Layout;
use super::stage::write_whole;
use crate::error::{Error, Result};

pub(crate) use text::Texts;

/// A format of exports.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// Messages of `proto/netcap/v1`, each after its length (a varint).
    Protobuf,
    /// Comma-separated values with a header line.
    Csv,
    /// The Arrow IPC file format.
    Arrow,
}

impl Format {
    /// All formats.
    pub const ALL: [Self; 3] = [Self::Protobuf, Self::Csv, Self::Arrow];

    /// Its name, as users write it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Protobuf => "protobuf",
            Self::Csv => "csv",
            Self::Arrow => "arrow",
        }
    }

    /// What the file of a table is called, such as `tcp.csv`.
    pub fn file_name(self, table: &str) -> String {
        let ending = match self {
            Self::Protobuf => "pb",
            Self::Csv => "csv",
            Self::Arrow => "arrow",
        };
        format!("{table}.{ending}")
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Format {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self> {
        let found = Self::ALL.into_iter().find(|format| format.name() == name);
        found.ok_or_else(|| {
            Error::new(format!("there is no export format \"{name}\""))
                .help("choose protobuf, csv or arrow")
        })
    }
}

/// Encoded bytes that are collected before they are written: as many as go to the file at once, so that they are
/// not collected twice.
const BUFFER_BYTES: usize = 256 << 10;

/// Writes batches in a format.
trait Encoder {
    /// Adds the rows of a batch of [`Layout::schema`].
    fn write(&mut self, batch: &RecordBatch) -> Result<()>;
    /// Writes what is left.
    fn finish(self: Box<Self>) -> Result<()>;
}

/// Writes a table into the file `path`, which the facts call `name`. Batches may have either form
/// of the layout's schema. A table without rows becomes a file without rows, not no file: who
/// reads exports needs no manifest to know that there was nothing.
pub fn export(
    batches: impl IntoIterator<Item = Result<RecordBatch>>,
    layout: &Layout,
    format: Format,
    path: &Path,
    name: &str,
) -> Result<FileFacts> {
    let mut file = HashingFile::create(path, true)?;
    write_to(batches, layout, format, &mut file).map_err(|e| e.in_file(path))?;
    file.finish(name.to_owned())
}

/// As [`export`], for what no manifest is to tell of: without the hash, which costs a sixth of the time.
pub fn export_unhashed(
    batches: impl IntoIterator<Item = Result<RecordBatch>>,
    layout: &Layout,
    format: Format,
    path: &Path,
) -> Result<()> {
    write_whole(path, |file| {
        write_to(batches, layout, format, file).map_err(|e| e.in_file(path))
    })?;
    Ok(())
}

/// Writes a table to `out`; gives the number of rows.
pub fn write_to(
    batches: impl IntoIterator<Item = Result<RecordBatch>>,
    layout: &Layout,
    format: Format,
    out: &mut dyn Write,
) -> Result<u64> {
    let schema = layout.schema();
    let mut encoder: Box<dyn Encoder + '_> = match format {
        Format::Protobuf => Box::new(protobuf::ProtobufEncoder::new(out, layout)?),
        Format::Csv => Box::new(csv::CsvEncoder::new(out, &schema)),
        Format::Arrow => Box::new(ipc::IpcEncoder::new(out, &schema)?),
    };
    let mut rows = 0;
    for batch in batches {
        let batch = batch?;
        if batch.num_rows() > 0 {
            rows += batch.num_rows() as u64;
            encoder.write(&plain(batch, &schema)?)?;
        }
    }
    encoder.finish()?;
    Ok(rows)
}

/// What protobuf exports need beside them: the compiled messages, from which any language can
/// decode them. `folder` is where the file goes, `prefix` what the facts call that folder.
pub fn export_descriptors(folder: &Path, prefix: &str) -> Result<FileFacts> {
    const NAME: &str = "netcap.v1.binpb";
    let path = folder.join(NAME);
    let mut file = HashingFile::create(&path, true)?;
    file.write_all(netcap_proto::FILE_DESCRIPTOR_SET)
        .map_err(|e| failed(e).in_file(&path))?;
    file.finish(format!("{prefix}/{NAME}"))
}

/// The batch with its texts as texts: in memory those that repeat are keys into a dictionary.
fn plain(batch: RecordBatch, schema: &SchemaRef) -> Result<RecordBatch> {
    let fits = |batch: &RecordBatch| {
        let found = batch.columns().iter().map(|c| c.data_type());
        found.eq(schema.fields().iter().map(|f| f.data_type()))
    };
    if fits(&batch) {
        return Ok(batch);
    }
    let columns = batch.columns().iter().zip(schema.fields());
    let columns = columns.map(|(column, field)| cast(column, field.data_type()));
    Ok(RecordBatch::try_new(
        schema.clone(),
        columns.collect::<Result<_, _>>()?,
    )?)
}

/// Writing failed.
fn failed(source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Error {
    Error::because("cannot write", source).help("is the disk full?")
}
