//! The decoded tables of an output, read by the stages that are made of them.

use arrow::array::RecordBatch;
use netcap_proto::Table;

use super::tables::TABLES_STAGE;
use crate::dataset::Contents;
use crate::error::Result;
use crate::output::{Layout, ParquetFiles, TableFacts};

/// Whether a table was decoded, with rows or without.
pub(super) fn has_table(contents: &Contents, table: &Table) -> bool {
    let stage = contents.stage(TABLES_STAGE);
    stage.is_some_and(|stage| stage.tables.contains_key(table.name))
}

/// The files of a table, with what is known of it; nothing, if it has no rows or was not decoded.
pub(super) fn decoded<'a>(
    contents: &'a Contents,
    table: &'static Table,
) -> Result<Option<(ParquetFiles, &'a TableFacts)>> {
    let found = contents.table(TABLES_STAGE, table.name)?;
    if let Some((files, _)) = &found {
        files.check(&Layout::plain(table))?;
    }
    Ok(found)
}

/// The rows of a table.
pub fn read_plain(
    contents: &Contents,
    table: &'static Table,
) -> Result<impl Iterator<Item = Result<RecordBatch>> + use<>> {
    contents.rows(TABLES_STAGE, table.name, &Layout::plain(table))
}

/// The rows of a table, with some columns.
pub(super) fn read_columns(
    contents: &Contents,
    table: &'static Table,
    names: &[&str],
) -> Result<impl Iterator<Item = Result<RecordBatch>> + use<>> {
    let files = decoded(contents, table)?;
    let batches = files.map(|(files, _)| files.columns(names));
    Ok(batches.into_iter().flatten())
}
