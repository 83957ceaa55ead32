//! Rows of any columns, such as the result of a query, as the bytes of a file.
//!
//! Tables have writers of their own (`parquet`, `export`), with a schema, hashes and bounded memory.

use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field, Schema};
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
        .write(rows)?;
    Ok(out)
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
    let schema = rows.schema();
    let mut fields = Vec::new();
    let mut columns = Vec::new();
    for (field, column) in schema.fields().iter().zip(rows.columns()) {
        let ty = match field.data_type() {
            DataType::Null => DataType::Int64,
            ty if ty.is_unsigned_integer() => DataType::Int64,
            ty => ty.clone(),
        };
        columns.push(cast(column, &ty)?);
        fields.push(Field::new(field.name(), ty, true));
    }
    Ok(RecordBatch::try_new(
        Arc::new(Schema::new(fields)),
        columns,
    )?)
}
