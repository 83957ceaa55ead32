//! A table again, with columns added: what is there already is copied as it is encoded, row group by row group.
//!
//! The parts and row groups are those of the source, so that only the added columns cost anything but copying.

use std::fs::File;
use std::path::Path;

use arrow::array::RecordBatch;
use parquet::arrow::arrow_reader::ArrowReaderMetadata;
use parquet::column::writer::ColumnCloseResult;
use parquet::file::metadata::RowGroupMetaData;
use rayon::prelude::*;

use super::{Chunk, ColumnWriter, Part, TableFacts, TableWriter, failed};
use crate::error::{Error, Result};
use crate::output::layout::Layout;
use crate::output::logical_hash::ColumnHasher;
use crate::output::read::ParquetFiles;
use crate::output::streams::stream_of;

/// Writes a table with columns added, which come in batches, in the order of the table's rows.
pub struct Splicer {
    writer: TableWriter,
    source: ParquetFiles,
    /// What is known of the table.
    known: TableFacts,
    folder: std::path::PathBuf,
    prefix: String,
    /// The file and the row group that is next.
    next: (usize, usize),
    part: Option<(Part, File)>,
    /// Of the row group that is next: writers of the added columns, and the rows that they have.
    open: Option<(Vec<ColumnWriter>, usize)>,
}

impl Splicer {
    /// Copies the table in the files of `source`, of which `known` is known, to `folder`, which facts call `prefix`.
    /// `layout` begins with the columns of the table.
    pub fn new(
        source: ParquetFiles,
        known: &TableFacts,
        layout: Layout,
        folder: &Path,
        prefix: &str,
    ) -> Self {
        Self {
            writer: TableWriter::new(layout),
            source,
            known: known.clone(),
            folder: folder.to_path_buf(),
            prefix: prefix.to_owned(),
            next: (0, 0),
            part: None,
            open: None,
        }
    }

    /// How many columns are copied.
    fn copied(&self) -> usize {
        self.known.columns.len()
    }

    /// Adds the added columns of the next rows.
    pub fn write(&mut self, batch: &RecordBatch) -> Result<()> {
        let mut done = 0;
        while done < batch.num_rows() {
            let group = self.next_group()?;
            let wanted = usize::try_from(group.num_rows()).unwrap_or(0);
            let (mut writers, has) = match self.open.take() {
                Some(open) => open,
                None => (self.added_writers()?, 0),
            };
            let take = (wanted - has).min(batch.num_rows() - done);
            self.fill(&mut writers, &batch.slice(done, take))?;
            done += take;
            if has + take == wanted {
                self.end_group(&group, writers)?;
            } else {
                self.open = Some((writers, has + take));
            }
        }
        Ok(())
    }

    fn fill(&mut self, writers: &mut [ColumnWriter], batch: &RecordBatch) -> Result<()> {
        let copied = self.copied();
        let fields = self.writer.schema.fields().iter().skip(copied);
        let hashers = self.writer.hashers.iter_mut().skip(copied);
        for (((field, array), writer), hasher) in
            fields.zip(batch.columns()).zip(writers).zip(hashers)
        {
            hasher.update(array)?;
            writer.write(field, array)?;
        }
        Ok(())
    }

    /// The row group that comes next; opens the file that it goes to.
    fn next_group(&mut self) -> Result<RowGroupMetaData> {
        loop {
            let Some((path, footer)) = self.source.file(self.next.0) else {
                return Err(Error::new("there are more rows to add than the table has"));
            };
            let (path, footer): (_, ArrowReaderMetadata) = (path.to_path_buf(), footer.clone());
            let groups = footer.metadata().row_groups();
            match groups.get(self.next.1) {
                Some(group) if self.part.is_some() || group.num_rows() > 0 => {
                    if self.part.is_none() {
                        self.open_part(&path)?;
                    }
                    return Ok(group.clone());
                }
                Some(_) => self.next.1 += 1,
                None => {
                    self.end_part()?;
                    self.next = (self.next.0 + 1, 0);
                }
            }
        }
    }

    /// A part for the rows of a file: of the same name, in the folder of the same stream.
    fn open_part(&mut self, source: &Path) -> Result<()> {
        let name = |path: Option<&Path>| {
            path.and_then(Path::file_name)
                .map(|name| name.to_string_lossy().into_owned())
                .unwrap_or_default()
        };
        let stream = name(source.parent());
        let (folder, prefix) = if stream_of(&stream).is_some() {
            (
                self.folder.join(&stream),
                format!("{}/{stream}", self.prefix),
            )
        } else {
            (self.folder.clone(), self.prefix.clone())
        };
        if self.writer.folder != folder {
            self.writer.begin_folder(&folder, &prefix)?;
        }
        let file = File::open(source).map_err(|e| Error::io(source, "read", e))?;
        self.part = Some((self.writer.open()?, file));
        Ok(())
    }

    fn end_part(&mut self) -> Result<()> {
        if let Some((part, _)) = self.part.take() {
            self.writer.files.push(part.close()?);
        }
        Ok(())
    }

    fn added_writers(&self) -> Result<Vec<ColumnWriter>> {
        let Some((part, _)) = &self.part else {
            return Err(Error::new("no part is open"));
        };
        let mut writers = self.writer.column_writers(part)?;
        Ok(writers.split_off(self.copied()))
    }

    fn end_group(&mut self, source: &RowGroupMetaData, writers: Vec<ColumnWriter>) -> Result<()> {
        let Some((part, file)) = &mut self.part else {
            return Err(Error::new("no part is open"));
        };
        let leaves = &part.leaves;
        let chunks: Vec<Vec<Chunk>> = writers
            .into_par_iter()
            .map(|writer| writer.close(leaves))
            .collect::<Result<_>>()?;
        let broken = |e| failed(&part.path, e);
        let mut group = part.file.next_row_group().map_err(broken)?;
        for column in source.columns() {
            let close = ColumnCloseResult {
                bytes_written: u64::try_from(column.compressed_size()).unwrap_or(0),
                rows_written: u64::try_from(source.num_rows()).unwrap_or(0),
                metadata: column.clone(),
                bloom_filter: None,
                column_index: None,
                offset_index: None,
            };
            group.append_column(&*file, close).map_err(broken)?;
        }
        for chunk in chunks.into_iter().flatten() {
            chunk.append_to(&mut group).map_err(broken)?;
        }
        group.close().map_err(broken)?;
        part.groups += 1;
        self.next.1 += 1;
        self.writer.rows += u64::try_from(source.num_rows()).unwrap_or(0);
        Ok(())
    }

    /// Ends the last file.
    ///
    /// # Errors
    /// Rows of the table for which nothing was added.
    pub fn finish(mut self) -> Result<TableFacts> {
        self.end_part()?;
        if self.writer.rows != self.known.rows {
            return Err(Error::new(format!(
                "there are columns for {} rows, and the table has {}",
                self.writer.rows, self.known.rows
            )));
        }
        let copied = self.copied();
        let added = self.writer.layout.columns.iter().skip(copied);
        let hashers = self.writer.hashers.iter().skip(copied);
        let added = added
            .map(|c| c.name.to_owned())
            .zip(hashers.map(ColumnHasher::finish));
        Ok(TableFacts {
            schema_version: self.known.schema_version,
            rows: self.writer.rows,
            files: self.writer.files,
            columns: self.known.columns.iter().cloned().chain(added).collect(),
        })
    }
}

#[cfg(test)]
mod tests {
    use arrow::compute::concat_batches;
    use netcap_proto::{ARP, CAPTURE};

    use super::*;
    use crate::output::read::{read_table, table_files};
    use crate::output::sample::{sample, write_table};

    /// The rows of a folder, as one batch.
    fn rows(folder: &Path, layout: &Layout) -> RecordBatch {
        let batches: Vec<RecordBatch> = read_table(folder, layout)
            .unwrap()
            .map(Result::unwrap)
            .collect();
        concat_batches(&layout.schema(), &batches).unwrap()
    }

    #[test]
    fn columns_are_added_across_row_groups_and_streams() {
        let folder = tempfile::tempdir().unwrap();
        // With lists and structs, and with several row groups.
        for (table, sizes) in [(&ARP, [150_000, 4]), (&CAPTURE, [3, 500])] {
            let plain = Layout::plain(table);
            let labeled = Layout::labeled(table);
            let source = folder.path().join(table.name);
            let mut all: Option<TableFacts> = None;
            for (stream, size) in ["stream=a", "stream=b"].into_iter().zip(sizes) {
                let batch = sample(&plain, 0, size);
                let facts = write_table(&plain, &source.join(stream), "x", &[batch]);
                match &mut all {
                    Some(all) => all.rows += facts.rows,
                    None => all = Some(facts),
                }
            }
            let all = all.unwrap();
            let expected = sample(&labeled, 7, sizes.iter().sum());
            let added: Vec<usize> = (plain.columns.len()..labeled.columns.len()).collect();
            let added = expected.project(&added).unwrap();
            let out = folder.path().join("out").join(table.name);
            let splice = |rows: usize| {
                let files = ParquetFiles::open(table_files(&source).unwrap()).unwrap();
                let mut splicer = Splicer::new(files, &all, labeled.clone(), &out, "out");
                let mut at = 0;
                while at < rows {
                    let batch = 7001.min(rows - at);
                    splicer.write(&added.slice(at, batch))?;
                    at += batch;
                }
                splicer.finish()
            };
            let facts = splice(added.num_rows()).unwrap();
            assert_eq!(facts.rows, all.rows);
            assert_eq!(facts.files.len(), 2);
            assert!(
                facts
                    .files
                    .iter()
                    .any(|file| file.path == "out/stream=b/part-00000.parquet")
            );
            let found = rows(&out, &labeled);
            let source = rows(&source, &plain);
            for (n, column) in source.columns().iter().chain(added.columns()).enumerate() {
                assert_eq!(found.column(n), column, "{}", labeled.columns[n].name);
            }
            assert!(splice(added.num_rows() - 1).is_err(), "a row has no labels");
        }
    }
}
