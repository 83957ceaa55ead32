//! Rows of any columns, such as the result of a query, as the bytes of a file.
//!
//! Tables have writers of their own (`parquet`, `export`), with a schema, hashes and bounded memory.

use std::sync::Arc;

use arrow::array::{RecordBatch, RecordBatchOptions};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field, Schema};
use arrow::util::pretty::pretty_format_batches;
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::WriterProperties;

use crate::error::{Error, Result};

/// As CSV with a header. Lists and structs are not for CSV.
pub fn csv_of_any(rows: &RecordBatch) -> Result<Vec<u8>> {
    let schema = rows.schema();
    let nested = schema.fields().iter().find(|f| f.data_type().is_nested());
    if let Some(field) = nested {
        return Err(Error::new(format!(
            "the column {} has lists or structs, and CSV has none",
            field.name()
        ))
        .help("write Parquet, or select what is in them"));
    }
    let mut out = Vec::new();
    arrow::csv::WriterBuilder::new()
        .with_header(true)
        .build(&mut out)
        .write(&printable(rows)?)?;
    Ok(out)
}

/// As a table for a terminal.
pub fn text_of_any(rows: &RecordBatch) -> Result<String> {
    Ok(pretty_format_batches(&[printable(rows)?])?.to_string())
}

/// Times in UTC with their zone as an offset, which needs no database of zones to be written.
fn printable(rows: &RecordBatch) -> Result<RecordBatch> {
    retyped(rows, |ty| match ty {
        DataType::Timestamp(unit, Some(zone)) if zone.as_ref() == "UTC" => {
            DataType::Timestamp(*unit, Some("+00:00".into()))
        }
        ty => ty.clone(),
    })
}

/// As Parquet.
pub fn parquet_of_any(rows: &RecordBatch) -> Result<Vec<u8>> {
    let rows = with_known_types(rows)?;
    let properties = WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::default()))
        .set_created_by(format!("netcap {}", env!("CARGO_PKG_VERSION")))
        .build();
    let mut out = Vec::new();
    let mut writer = ArrowWriter::try_new(&mut out, rows.schema(), Some(properties))?;
    writer.write(&rows)?;
    writer.close()?;
    Ok(out)
}

/// Small and unsigned integers, which come of counting, as 64-bit ones: what all readers know.
fn with_known_types(rows: &RecordBatch) -> Result<RecordBatch> {
    retyped(rows, |ty| match ty {
        DataType::Null => DataType::Int64,
        ty if ty.is_unsigned_integer() => DataType::Int64,
        ty => ty.clone(),
    })
}

/// The rows with each column cast to the type that `to` gives for its own.
pub(crate) fn retyped(
    rows: &RecordBatch,
    to: impl Fn(&DataType) -> DataType,
) -> Result<RecordBatch> {
    let schema = rows.schema();
    let mut fields = Vec::new();
    let mut columns = Vec::new();
    for (field, column) in schema.fields().iter().zip(rows.columns()) {
        let ty = to(field.data_type());
        columns.push(cast(column, &ty)?);
        fields.push(Field::new(field.name(), ty, true));
    }
    let options = RecordBatchOptions::new().with_row_count(Some(rows.num_rows()));
    let schema = Arc::new(Schema::new(fields));
    Ok(RecordBatch::try_new_with_options(
        schema, columns, &options,
    )?)
}
