//! Parquet files of a table.
//!
//! Batches come in order. Where a row group and a part end follows from the rows alone, so the
//! same rows give the same bytes; columns are encoded in parallel, which changes nothing.

mod splice;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch};
use arrow::datatypes::{FieldRef, Schema, SchemaRef};
use netcap_proto::{Column, Encoding as ColumnEncoding, Kind, Type};
use parquet::arrow::ArrowSchemaConverter;
use parquet::arrow::arrow_writer::{
    ArrowColumnChunk, ArrowColumnWriter, ArrowRowGroupWriterFactory, compute_leaves,
};
use parquet::basic::{Compression, Encoding, ZstdLevel};
use parquet::file::metadata::KeyValue;
use parquet::file::properties::{EnabledStatistics, WriterProperties, WriterPropertiesBuilder};
use parquet::file::writer::{SerializedFileWriter, SerializedRowGroupWriter};
use parquet::schema::types::{ColumnDescPtr, ColumnPath};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::chunk::{self, ChunkWriter};
use super::dictionary::DictionaryWriter;
use super::file::{FileFacts, HashingFile};
use super::layout::Layout;
use super::logical_hash::ColumnHasher;
use super::plain::PlainWriter;
use crate::error::{Error, Result};

pub use splice::Splicer;

/// Rows after which a row group ends: the least of the 128 k to 1 M that suit DuckDB and Spark, since open row groups
/// are most of the memory of a run.
const ROW_GROUP_ROWS: usize = 131_072;
/// Encoded bytes after which it ends earlier: a bound of memory.
const ROW_GROUP_BYTES: usize = 128 << 20;
/// Bytes after which a part ends, at the end of a row group.
const PART_BYTES: u64 = 256 << 20;

/// What was written of a table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TableFacts {
    /// Version of the table's schema.
    pub schema_version: i32,
    /// Rows in all files.
    pub rows: u64,
    /// The files, in order; none without rows.
    pub files: Vec<FileFacts>,
    /// Logical hash of each column, in order; none if they were not wanted.
    pub columns: Vec<(String, String)>,
}

/// Writes a table into a folder.
pub struct TableWriter {
    layout: Layout,
    schema: SchemaRef,
    folder: PathBuf,
    /// What the files are called in [`FileFacts::path`].
    prefix: String,
    /// Files begun in the folder.
    parts: usize,
    /// Bytes after which a part ends.
    part_bytes: u64,
    properties: Arc<WriterProperties>,
    part: Option<Part>,
    files: Vec<FileFacts>,
    /// Of each column; none if nobody wants hashes.
    hashers: Vec<ColumnHasher>,
    rows: u64,
}

struct Part {
    path: PathBuf,
    name: String,
    file: SerializedFileWriter<HashingFile>,
    /// Makes the writers of columns that are not written here.
    factory: ArrowRowGroupWriterFactory,
    /// The open row group: a writer for each column, and its rows.
    group: Option<(Vec<ColumnWriter>, usize)>,
    groups: usize,
    /// The Parquet columns of the file.
    leaves: Vec<ColumnDescPtr>,
}

/// Writes a column of a row group.
enum ColumnWriter {
    /// One of netcap's own, and its Parquet column.
    Own(Box<dyn ChunkWriter>, usize),
    /// All else: a writer for each leaf.
    Arrow(Vec<ArrowColumnWriter>),
}

/// What a column of a row group became.
enum Chunk {
    Own(chunk::Chunk),
    Arrow(ArrowColumnChunk),
}

impl Chunk {
    fn append_to(
        self,
        group: &mut SerializedRowGroupWriter<'_, HashingFile>,
    ) -> parquet::errors::Result<()> {
        match self {
            Self::Own(chunk) => group.append_column(&chunk.bytes, chunk.close),
            Self::Arrow(chunk) => chunk.append_to_row_group(group),
        }
    }
}

impl ColumnWriter {
    fn write(&mut self, field: &FieldRef, array: &ArrayRef) -> Result<()> {
        match self {
            Self::Own(writer, _) => writer.write(array),
            Self::Arrow(writers) => {
                for (leaf, writer) in compute_leaves(field, array)?.iter().zip(writers) {
                    writer.write(leaf)?;
                }
                Ok(())
            }
        }
    }

    fn estimated_bytes(&self) -> usize {
        match self {
            Self::Own(writer, _) => writer.estimated_bytes(),
            Self::Arrow(writers) => writers
                .iter()
                .map(ArrowColumnWriter::get_estimated_total_bytes)
                .sum(),
        }
    }

    fn close(self, leaves: &[ColumnDescPtr]) -> Result<Vec<Chunk>> {
        match self {
            Self::Own(writer, leaf) => {
                let of_column = leaves.get(leaf);
                let descriptor = of_column
                    .ok_or_else(|| Error::new("a file has fewer columns than its table"))?;
                Ok(vec![Chunk::Own(writer.close(descriptor)?)])
            }
            Self::Arrow(writers) => writers
                .into_iter()
                .map(|writer| Ok(Chunk::Arrow(writer.close()?)))
                .collect(),
        }
    }
}

/// The writer of a column; `None` if Arrow's has to write it: a list, or texts and bytes that hardly repeat.
fn own_writer(column: &Column, field: &FieldRef) -> Option<Box<dyn ChunkWriter>> {
    if column.repeated {
        return None;
    }
    let ty = field.data_type();
    if let Some(writer) = PlainWriter::new(ty, column.encoding, column.nullable) {
        return Some(Box::new(writer));
    }
    let repeats = column.ty != Type::Text || column.kind != Kind::Plain;
    if column.encoding != ColumnEncoding::Default || !repeats {
        return None;
    }
    Some(Box::new(DictionaryWriter::new(ty, column.nullable)?))
}

impl TableWriter {
    /// A writer without a folder yet.
    pub fn new(layout: Layout) -> Self {
        let schema = layout.batch_schema();
        let hashers = schema
            .fields()
            .iter()
            .map(|f| ColumnHasher::new(f.data_type()))
            .collect();
        let properties = Arc::new(properties(&layout));
        Self {
            layout,
            schema,
            folder: PathBuf::new(),
            prefix: String::new(),
            parts: 0,
            part_bytes: PART_BYTES,
            properties,
            part: None,
            files: Vec::new(),
            hashers,
            rows: 0,
        }
    }

    /// Never ends a part: all rows of a folder go to one file.
    #[must_use]
    pub fn whole(mut self) -> Self {
        self.part_bytes = u64::MAX;
        self
    }

    /// Hashes nothing, which costs a twentieth of the time to write: for what no manifest is to tell of.
    #[must_use]
    pub fn unhashed(mut self) -> Self {
        self.hashers.clear();
        self
    }

    /// Rows from now on go to files `part-00000.parquet` and so on in `folder`, which is made with
    /// the first row. `prefix` is the folder's path below the output folder.
    pub fn begin_folder(&mut self, folder: &Path, prefix: &str) -> Result<()> {
        self.end_part()?;
        self.folder = folder.to_path_buf();
        prefix.clone_into(&mut self.prefix);
        self.parts = 0;
        Ok(())
    }

    fn end_part(&mut self) -> Result<()> {
        if let Some(mut part) = self.part.take() {
            part.end_group()?;
            self.files.push(part.close()?);
        }
        Ok(())
    }

    /// Adds the rows of a batch, in either form of the layout's schema.
    pub fn write(&mut self, batch: &RecordBatch) -> Result<()> {
        if batch.num_rows() == 0 {
            return Ok(());
        }
        self.rows += batch.num_rows() as u64;
        let mut part = match self.part.take() {
            Some(part) => part,
            None => self.open()?,
        };
        let (mut writers, rows) = match part.group.take() {
            Some(group) => group,
            None => (self.column_writers(&part)?, 0),
        };
        let fields = self.schema.fields().iter().zip(batch.columns());
        let mut hashers = self.hashers.iter_mut();
        let tasks: Vec<_> = fields
            .zip(&mut writers)
            .map(|(column, writer)| (column, writer, hashers.next()))
            .collect();
        tasks
            .into_par_iter()
            .try_for_each(|((field, array), writer, hasher)| -> Result<()> {
                if let Some(hasher) = hasher {
                    hasher.update(array)?;
                }
                writer.write(field, array)
            })?;
        let rows = rows + batch.num_rows();
        let bytes: usize = writers.iter().map(ColumnWriter::estimated_bytes).sum();
        part.group = Some((writers, rows));
        if rows >= ROW_GROUP_ROWS || bytes >= ROW_GROUP_BYTES {
            part.end_group()?;
            if part.file.bytes_written() as u64 >= self.part_bytes {
                self.files.push(part.close()?);
                return Ok(());
            }
        }
        self.part = Some(part);
        Ok(())
    }

    /// Writers for the columns of the part's next row group. Columns may have several leaves; each
    /// gets the writers of its own.
    fn column_writers(&self, part: &Part) -> Result<Vec<ColumnWriter>> {
        let mut arrow = part.factory.create_column_writers(part.groups)?.into_iter();
        let mut leaf = 0;
        let columns = self.layout.columns.iter().zip(self.schema.fields());
        let writers = columns.map(|(column, field)| {
            let count = leaves(field.data_type());
            leaf += count;
            match own_writer(column, field) {
                Some(writer) => ColumnWriter::Own(writer, leaf - count),
                None => ColumnWriter::Arrow(arrow.by_ref().take(count).collect()),
            }
        });
        Ok(writers.collect())
    }

    fn open(&mut self) -> Result<Part> {
        let name = format!("part-{:05}.parquet", self.parts);
        self.parts += 1;
        let path = self.folder.join(&name);
        std::fs::create_dir_all(&self.folder)
            .map_err(|e| Error::io(&self.folder, "make the folder", e))?;
        let schema = ArrowSchemaConverter::new().convert(&self.schema)?;
        let file = SerializedFileWriter::new(
            HashingFile::create(&path, !self.hashers.is_empty())?,
            schema.root_schema_ptr(),
            self.properties.clone(),
        )
        .map_err(|e| failed(&path, e))?;
        let factory = self.arrow_factory()?;
        Ok(Part {
            leaves: schema.columns().to_vec(),
            path,
            name: format!("{}/{name}", self.prefix),
            file,
            factory,
            group: None,
            groups: 0,
        })
    }

    /// For the columns that Arrow's writers write, as if a file had no others: each writer has tables for
    /// compression, which take long to make.
    fn arrow_factory(&self) -> Result<ArrowRowGroupWriterFactory> {
        let columns = self.layout.columns.iter().zip(self.schema.fields());
        let others = columns.filter(|(column, field)| own_writer(column, field).is_none());
        let others: Vec<FieldRef> = others.map(|(_, field)| field.clone()).collect();
        let schema = Arc::new(Schema::new(others));
        let root = ArrowSchemaConverter::new()
            .convert(&schema)?
            .root_schema_ptr();
        let file = SerializedFileWriter::new(std::io::sink(), root, self.properties.clone())?;
        Ok(ArrowRowGroupWriterFactory::new(&file, schema))
    }

    /// As [`TableWriter::finish`], but without rows there is a file without rows.
    pub fn finish_even_empty(mut self) -> Result<TableFacts> {
        if self.part.is_none() && self.files.is_empty() {
            self.part = Some(self.open()?);
        }
        self.finish()
    }

    /// Ends the last file.
    pub fn finish(mut self) -> Result<TableFacts> {
        self.end_part()?;
        let names = self.layout.columns.iter().map(|c| c.name.to_owned());
        Ok(TableFacts {
            schema_version: self.layout.table.version,
            rows: self.rows,
            files: self.files,
            columns: names
                .zip(self.hashers.iter().map(ColumnHasher::finish))
                .collect(),
        })
    }
}

impl Part {
    fn end_group(&mut self) -> Result<()> {
        let Some((writers, _)) = self.group.take() else {
            return Ok(());
        };
        let chunks: Vec<Vec<Chunk>> = writers
            .into_par_iter()
            .map(|writer| writer.close(&self.leaves))
            .collect::<Result<_>>()?;
        let mut group = self
            .file
            .next_row_group()
            .map_err(|e| failed(&self.path, e))?;
        for chunk in chunks.into_iter().flatten() {
            chunk
                .append_to(&mut group)
                .map_err(|e| failed(&self.path, e))?;
        }
        group.close().map_err(|e| failed(&self.path, e))?;
        self.groups += 1;
        Ok(())
    }

    fn close(mut self) -> Result<FileFacts> {
        self.file.finish().map_err(|e| failed(&self.path, e))?;
        self.file.inner_mut().finish(self.name)
    }
}

fn failed(path: &Path, source: parquet::errors::ParquetError) -> Error {
    Error::because("cannot write", source)
        .in_file(path)
        .help("is the disk full?")
}

/// How many Parquet columns an Arrow column becomes.
fn leaves(ty: &arrow::datatypes::DataType) -> usize {
    use arrow::datatypes::DataType;
    match ty {
        DataType::List(element) => leaves(element.data_type()),
        DataType::Struct(fields) => fields.iter().map(|f| leaves(f.data_type())).sum(),
        _ => 1,
    }
}

fn properties(layout: &Layout) -> WriterProperties {
    let table = layout.table;
    let mut metadata = vec![
        KeyValue::new("netcap.table".to_owned(), table.name.to_owned()),
        KeyValue::new(
            "netcap.schema_version".to_owned(),
            table.version.to_string(),
        ),
    ];
    let says = layout.says.iter();
    metadata.extend(says.map(|(key, value)| KeyValue::new((*key).to_owned(), value.clone())));
    let mut builder = WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::default()))
        .set_created_by(format!("netcap {}", env!("CARGO_PKG_VERSION")))
        .set_statistics_enabled(EnabledStatistics::Chunk)
        .set_offset_index_disabled(true)
        .set_data_page_row_count_limit(131_072)
        .set_write_batch_size(8192)
        .set_key_value_metadata(Some(metadata));
    for column in &layout.columns {
        builder = column_properties(builder, column, Vec::new());
    }
    builder.build()
}

fn column_properties(
    mut builder: WriterPropertiesBuilder,
    column: &Column,
    mut path: Vec<String>,
) -> WriterPropertiesBuilder {
    path.push(column.name.to_owned());
    if column.repeated {
        path.extend(["list".to_owned(), "element".to_owned()]);
    }
    if column.ty == Type::Struct {
        for child in column.children {
            builder = column_properties(builder, child, path.clone());
        }
        return builder;
    }
    let path = ColumnPath::new(path);
    let (dictionary, encoding) = match (column.encoding, column.ty) {
        (ColumnEncoding::Delta, _) => (false, Encoding::DELTA_BINARY_PACKED),
        (ColumnEncoding::Plain, _) => (false, Encoding::PLAIN),
        (ColumnEncoding::Default, Type::Bool | Type::Double | Type::Bytes) => {
            (false, Encoding::PLAIN)
        }
        (ColumnEncoding::Default, _) => (true, Encoding::PLAIN),
    };
    // The least and greatest of texts that repeat let no reader skip a row group, and finding them
    // compares every value. Those outside of lists are written by `DictionaryWriter`, without.
    if column.ty == Type::Text && column.kind != Kind::Plain {
        builder = builder.set_column_statistics_enabled(path.clone(), EnabledStatistics::None);
    }
    builder
        .set_column_dictionary_enabled(path.clone(), dictionary)
        .set_column_encoding(path, encoding)
}
