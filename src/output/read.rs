//! The Parquet files of a table, read back as record batches.
//!
//! A table's folder has its parts, or folders `stream=<name>` with parts, or both. What is in them
//! is checked before the first row is read: a file of another table or of another version of its
//! schema is an error that says so. Whether files are as they were written is the business of
//! `dataset::verify`.

use std::fs::File;
use std::path::{Path, PathBuf};

use arrow::array::{RecordBatch, RecordBatchOptions};
use arrow::datatypes::{Schema, SchemaRef};
use netcap_proto::{TABLES, Table};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReader,
    ParquetRecordBatchReaderBuilder,
};

use super::layout::Layout;
use super::streams::{stream_of, stream_of_file};
use crate::error::{Error, Result};

/// Rows of a batch: enough to make the work per batch small, few enough to stay in the cache.
const BATCH_ROWS: usize = 8192;

/// The tables that have files in `folder` (`OUT/tables`, `OUT/labeled/x`), in listing order.
pub fn tables_in(folder: &Path) -> Result<Vec<&'static Table>> {
    let mut found = Vec::new();
    for table in TABLES.iter().copied() {
        let folder = folder.join(table.name);
        if folder.is_dir() && !table_files(&folder)?.is_empty() {
            found.push(table);
        }
    }
    Ok(found)
}

/// The Parquet files of a table's folder: its own parts, then those of its streams, by name.
pub fn table_files(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    let mut streams = Vec::new();
    for path in entries(folder)? {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if stream_of(&name).is_some() && path.is_dir() {
            streams.push(path);
        } else if is_part(&name) {
            files.push(path);
        }
    }
    for stream in streams {
        let parts = entries(&stream)?.into_iter();
        files.extend(
            parts.filter(|path| is_part(&path.file_name().unwrap_or_default().to_string_lossy())),
        );
    }
    Ok(files)
}

fn is_part(name: &str) -> bool {
    name.ends_with(".parquet") && !name.starts_with('.')
}

fn entries(folder: &Path) -> Result<Vec<PathBuf>> {
    let failed = |e| Error::io(folder, "list the folder", e);
    let mut paths = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(failed)? {
        paths.push(entry.map_err(failed)?.path());
    }
    paths.sort();
    Ok(paths)
}

/// The rows of the table in `folder`, in the form of [`Layout::schema`].
pub fn read_table(folder: &Path, layout: &Layout) -> Result<Batches> {
    let files = ParquetFiles::open(table_files(folder)?)?;
    files.check(layout)?;
    Ok(files.batches_as(layout.schema()))
}

/// Parquet files that are read one after another, with what their footers say.
#[derive(Debug, Clone)]
pub struct ParquetFiles {
    files: Vec<(PathBuf, ArrowReaderMetadata)>,
}

impl ParquetFiles {
    /// Reads the footers.
    pub fn open(paths: Vec<PathBuf>) -> Result<Self> {
        // The pages' positions are not needed: files are read from end to end.
        let options = ArrowReaderOptions::new;
        let read = |path: PathBuf| {
            let file = File::open(&path).map_err(|e| Error::io(&path, "read", e))?;
            let footer = ArrowReaderMetadata::load(&file, options());
            let footer = footer.map_err(|e| unreadable(&path, e))?;
            Ok((path, footer))
        };
        let files = paths.into_iter().map(read).collect::<Result<_>>()?;
        Ok(Self { files })
    }

    /// The schema of the first file; `None` if there is no file.
    pub fn schema(&self) -> Option<SchemaRef> {
        let (_, footer) = self.files.first()?;
        Some(plain(footer.schema()))
    }

    /// A file and its footer, by its place.
    pub(super) fn file(&self, place: usize) -> Option<(&Path, &ArrowReaderMetadata)> {
        self.files
            .get(place)
            .map(|(path, footer)| (path.as_path(), footer))
    }

    /// Each file by itself, with the stream whose rows it has: that of its folder `stream=<name>`.
    pub fn by_stream(&self) -> impl Iterator<Item = (Option<String>, Self)> {
        self.files.iter().map(|file| {
            let files = vec![file.clone()];
            (stream_of_file(&file.0), Self { files })
        })
    }

    /// Rows of all files.
    pub fn rows(&self) -> u64 {
        let rows = |footer: &ArrowReaderMetadata| footer.metadata().file_metadata().num_rows();
        let rows = self.files.iter().map(|(_, footer)| rows(footer));
        rows.map(|n| u64::try_from(n).unwrap_or(0)).sum()
    }

    /// Checks that each file holds the columns of `layout`, in its version of the schema.
    pub fn check(&self, layout: &Layout) -> Result<()> {
        self.files
            .iter()
            .try_for_each(|(path, footer)| check(footer, layout).map_err(|e| e.in_file(path)))
    }

    /// The version of the table's schema that each file says it has.
    pub fn schema_versions(&self) -> impl Iterator<Item = (&Path, Option<&str>)> {
        self.files
            .iter()
            .map(|(path, footer)| (path.as_path(), said(footer, "netcap.schema_version")))
    }

    /// The rows, with all columns.
    pub fn batches(&self) -> Batches {
        self.batches_as(
            self.schema()
                .unwrap_or_else(|| SchemaRef::new(Schema::empty())),
        )
    }

    /// The rows, with some columns, in the order in which they are in the files. Names that the
    /// files do not have are left out.
    pub fn columns(&self, names: &[&str]) -> Batches {
        let schema = self.schema();
        let fields = schema.iter().flat_map(|s| s.fields().iter().cloned());
        let fields = fields.filter(|f| names.contains(&f.name().as_str()));
        self.batches_as(SchemaRef::new(Schema::new(fields.collect::<Vec<_>>())))
    }

    /// The rows, with the columns of a schema.
    pub fn batches_as(&self, schema: SchemaRef) -> Batches {
        Batches {
            files: self.files.clone().into_iter(),
            schema,
            open: None,
        }
    }
}

/// The batches of files that are read one after another.
#[derive(Debug)]
pub struct Batches {
    files: std::vec::IntoIter<(PathBuf, ArrowReaderMetadata)>,
    schema: SchemaRef,
    open: Option<(PathBuf, ParquetRecordBatchReader)>,
}

impl Batches {
    /// The schema of each batch.
    pub fn schema(&self) -> SchemaRef {
        self.schema.clone()
    }

    fn open(&self, path: &Path, footer: ArrowReaderMetadata) -> Result<ParquetRecordBatchReader> {
        let file = File::open(path).map_err(|e| Error::io(path, "read", e))?;
        let columns = self.schema.fields().iter().map(|wanted| {
            let found = footer.schema().fields().find(wanted.name());
            let found = found.filter(|(_, field)| field.data_type() == wanted.data_type());
            found.map(|(index, _)| index).ok_or_else(|| {
                Error::new(format!(
                    "the column {} is not as in the table's other files",
                    wanted.name()
                ))
                .in_file(path)
            })
        });
        let columns: Vec<usize> = columns.collect::<Result<_>>()?;
        let mask = ProjectionMask::roots(footer.parquet_schema(), columns);
        ParquetRecordBatchReaderBuilder::new_with_metadata(file, footer)
            .with_batch_size(BATCH_ROWS)
            .with_projection(mask)
            .build()
            .map_err(|e| unreadable(path, e))
    }
}

impl Iterator for Batches {
    type Item = Result<RecordBatch>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some((path, reader)) = &mut self.open {
                match reader.next() {
                    Some(Ok(batch)) => {
                        // The same columns under the table's own schema, without what the files
                        // say of themselves.
                        let rows = Some(batch.num_rows());
                        let batch = RecordBatch::try_new_with_options(
                            self.schema.clone(),
                            batch.columns().to_vec(),
                            &RecordBatchOptions::new().with_row_count(rows),
                        );
                        return Some(batch.map_err(|e| unreadable(path, e)));
                    }
                    Some(Err(e)) => {
                        let error = unreadable(path, e);
                        self.open = None;
                        return Some(Err(error));
                    }
                    None => self.open = None,
                }
            }
            let (path, footer) = self.files.next()?;
            match self.open(&path, footer) {
                Ok(reader) => self.open = Some((path, reader)),
                Err(error) => return Some(Err(error)),
            }
        }
    }
}

fn unreadable(path: &Path, e: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Error {
    Error::because("cannot read this file as Parquet", e)
        .in_file(path)
        .help("`netcap verify` tells which files of an output are not as they were written")
}

/// The schema without the key-value pairs of the file.
fn plain(schema: &Schema) -> SchemaRef {
    SchemaRef::new(Schema::new(schema.fields().clone()))
}

/// What the file says of itself under `key`.
fn said<'a>(footer: &'a ArrowReaderMetadata, key: &str) -> Option<&'a str> {
    let pairs = footer.metadata().file_metadata().key_value_metadata()?;
    pairs.iter().find(|pair| pair.key == key)?.value.as_deref()
}

fn check(footer: &ArrowReaderMetadata, layout: &Layout) -> Result<()> {
    let table = layout.table;
    match said(footer, "netcap.table") {
        Some(name) if name == table.name => {}
        Some(name) => {
            let name = name.escape_debug();
            return Err(Error::new(format!(
                "this file holds the table \"{name}\", not \"{}\"",
                table.name
            )));
        }
        None => {
            return Err(Error::new(
                "netcap did not write this file: it names no table",
            ));
        }
    }
    let version = said(footer, "netcap.schema_version").unwrap_or_default();
    if version != table.version.to_string() {
        let newer = version.parse::<i32>().is_ok_and(|v| v > table.version);
        let help = if newer {
            "use the netcap that wrote it, or a newer one"
        } else {
            "run the command that made it again, or use the netcap that wrote it"
        };
        return Err(Error::new(format!(
            "this file has version {} of the table {}, and this netcap reads version {}",
            version.escape_debug(),
            table.name,
            table.version
        ))
        .help(help));
    }
    if layout.fits(footer.schema()) {
        return Ok(());
    }
    Err(Error::new(format!(
        "this file is not as the table {} is: {}",
        table.name,
        misfit(&layout.schema(), footer.schema())
    )))
}

/// The first difference between two schemas.
fn misfit(expected: &Schema, found: &Schema) -> String {
    for field in expected.fields() {
        match found.field_with_name(field.name()) {
            Err(_) => return format!("it has no column {}", field.name()),
            Ok(f) if f.data_type() != field.data_type() => {
                return format!(
                    "the column {} is {}, not {}",
                    field.name(),
                    f.data_type(),
                    field.data_type()
                );
            }
            Ok(_) => {}
        }
    }
    let extra = found
        .fields()
        .iter()
        .find(|f| expected.field_with_name(f.name()).is_err());
    match extra {
        Some(field) => format!("it has a column {} that is not expected", field.name()),
        None => "its columns are in another order".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use netcap_proto::{CAPTURE, FLOW, TCP, UDP};

    use super::{read_table, table_files, tables_in};
    use crate::output::Layout;
    use crate::output::sample::{sample, write_table};

    #[test]
    fn reads_parts_and_streams_in_order() {
        let folder = tempfile::tempdir().unwrap();
        let tcp = folder.path().join("tcp");
        let layout = Layout::plain(&TCP);
        let all = sample(&layout, 0, 300);
        write_table(&layout, &tcp, "tables/tcp", &[all.slice(0, 100)]);
        // Written first, read last.
        write_table(&layout, &tcp.join("stream=b"), "x", &[all.slice(250, 50)]);
        write_table(&layout, &tcp.join("stream=a"), "x", &[all.slice(100, 150)]);
        fs::write(tcp.join(".part-00000.parquet.partial"), "left over").unwrap();

        let names: Vec<String> = table_files(&tcp)
            .unwrap()
            .iter()
            .map(|p| p.strip_prefix(&tcp).unwrap().display().to_string())
            .collect();
        let expected = [
            "part-00000.parquet",
            "stream=a/part-00000.parquet",
            "stream=b/part-00000.parquet",
        ];
        assert_eq!(names, expected);
        let batches: Vec<_> = read_table(&tcp, &layout)
            .unwrap()
            .map(Result::unwrap)
            .collect();
        let read = arrow::compute::concat_batches(&layout.schema(), &batches).unwrap();
        assert_eq!(read, all);
        let tables = tables_in(folder.path()).unwrap();
        assert_eq!(tables.iter().map(|t| t.name).collect::<Vec<_>>(), ["tcp"]);
    }

    #[test]
    fn reads_labels() {
        let folder = tempfile::tempdir().unwrap();
        let layout = Layout::labeled(&FLOW);
        let rows = sample(&layout, 0, 20);
        write_table(
            &layout,
            folder.path(),
            "labeled/x/flow",
            std::slice::from_ref(&rows),
        );
        let mut batches = read_table(folder.path(), &layout).unwrap();
        assert_eq!(batches.next().unwrap().unwrap(), rows);
        assert!(batches.next().is_none());
        let error = read_table(folder.path(), &Layout::plain(&FLOW))
            .unwrap_err()
            .to_string();
        assert!(
            error.contains("it has a column label that is not expected"),
            "{error}"
        );
    }

    #[test]
    fn other_files_are_named_in_the_error() {
        let folder = tempfile::tempdir().unwrap();
        let layout = Layout::plain(&UDP);
        write_table(
            &layout,
            folder.path(),
            "tables/udp",
            &[sample(&layout, 0, 3)],
        );
        let error = read_table(folder.path(), &Layout::plain(&TCP)).unwrap_err();
        assert!(
            error
                .place()
                .file
                .as_ref()
                .unwrap()
                .ends_with("part-00000.parquet")
        );
        assert!(
            error
                .to_string()
                .contains("holds the table \"udp\", not \"tcp\""),
            "{error}"
        );
        let error = read_table(folder.path(), &Layout::labeled(&UDP))
            .unwrap_err()
            .to_string();
        assert!(error.contains("it has no column label"), "{error}");

        fs::write(folder.path().join("part-00001.parquet"), "no Parquet").unwrap();
        let error = read_table(folder.path(), &layout).unwrap_err();
        assert!(
            error
                .place()
                .file
                .as_ref()
                .unwrap()
                .ends_with("part-00001.parquet")
        );
        assert!(
            error
                .to_string()
                .contains("cannot read this file as Parquet"),
            "{error}"
        );
    }

    #[test]
    fn another_version_is_named_in_the_error() {
        static NEWER: netcap_proto::Table = netcap_proto::Table {
            version: CAPTURE.version + 1,
            ..CAPTURE
        };
        let folder = tempfile::tempdir().unwrap();
        let (old, new) = (Layout::plain(&CAPTURE), Layout::plain(&NEWER));
        write_table(&old, folder.path(), "x", &[sample(&old, 0, 1)]);
        let error = read_table(folder.path(), &new).unwrap_err().to_string();
        assert!(error.contains("version 1 of the table capture, and this netcap reads version 2"));
        assert!(
            error.contains("run the command that made it again"),
            "{error}"
        );
        write_table(&new, folder.path(), "x", &[sample(&new, 0, 1)]);
        let error = read_table(folder.path(), &old).unwrap_err().to_string();
        assert!(
            error.contains("use the netcap that wrote it, or a newer one"),
            "{error}"
        );
    }
}
