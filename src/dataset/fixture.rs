//! For tests: an output made of given rows, without captures.

use std::fs;
use std::path::Path;

use arrow::array::{ArrayRef, RecordBatch};

use super::inputs::hash_file;
use super::manifest::Manifest;
use super::views::views;
use crate::output::sample::write_table;
use crate::output::{FileFacts, Layout, views_sql};

/// Writes the tables, in `tables/`, then a file that is no table, then the manifest.
pub(super) fn output(folder: &Path, tables: &[(&Layout, Vec<RecordBatch>)]) -> Manifest {
    let mut manifest = Manifest::new();
    let mut stage = super::StageFacts::default();
    for (layout, batches) in tables {
        let name = layout.table.name;
        let prefix = format!("tables/{name}");
        let facts = write_table(layout, &folder.join(&prefix), &prefix, batches);
        stage.tables.insert(name.to_owned(), facts);
    }
    manifest.stages.insert("tables".to_owned(), stage);

    let path = folder.join("exports/csv/flow.csv");
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(&path, "flow\n1\n").unwrap();
    let (bytes, sha256) = hash_file(&path).unwrap();
    let facts = FileFacts {
        path: "exports/csv/flow.csv".to_owned(),
        bytes,
        sha256,
    };
    let stage = super::StageFacts {
        files: vec![facts],
        ..Default::default()
    };
    manifest.stages.insert("exports/csv".to_owned(), stage);
    fs::write(folder.join("views.sql"), views_sql(&views(&manifest))).unwrap();
    manifest.write(folder).unwrap();
    manifest
}

/// The batch with another column of that name.
pub(super) fn with(batch: &RecordBatch, name: &str, column: ArrayRef) -> RecordBatch {
    let mut columns = batch.columns().to_vec();
    columns[batch.schema().index_of(name).unwrap()] = column;
    RecordBatch::try_new(batch.schema(), columns).unwrap()
}
