//! SQL over the tables of an output.

use std::path::Path;
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use sqlparser::ast::Statement;
use sqlparser::dialect::GenericDialect;
use sqlparser::parser::Parser;

use crate::dataset::{Manifest, views};
use crate::error::{Error, Result};
use crate::output::{ParquetFiles, Rows, table_files};
use crate::sql::{Source, query};

/// The rows of a query over the tables of the output at `input`, under the names of `views.sql`.
pub fn query_output(input: &Path, manifest: &Manifest, sql: &str) -> Result<RecordBatch> {
    // What cannot be parsed is the engine's to tell.
    let other = Parser::parse_sql(&GenericDialect, sql)
        .is_ok_and(|all| !matches!(&all[..], [Statement::Query(_)]));
    if other {
        return Err(
            Error::new("this is no single SELECT").help("an output is only read, never changed")
        );
    }
    let mut tables: Vec<(String, Arc<dyn Source>)> = Vec::new();
    for view in views(manifest) {
        let source = match view.rows {
            Rows::None(layout) => Files {
                schema: layout.schema(),
                files: None,
            },
            Rows::Folder(folder) => {
                let files = ParquetFiles::open(table_files(&input.join(folder))?)?;
                Files {
                    schema: files
                        .schema()
                        .unwrap_or_else(|| Arc::new(arrow::datatypes::Schema::empty())),
                    files: Some(files),
                }
            }
        };
        tables.push((view.name, Arc::new(source)));
    }
    query(sql, tables)
}

/// The files of a table.
struct Files {
    schema: SchemaRef,
    files: Option<ParquetFiles>,
}

impl Source for Files {
    fn schema(&self) -> SchemaRef {
        self.schema.clone()
    }

    fn read(&self, columns: &[&str]) -> Result<Vec<RecordBatch>> {
        match &self.files {
            Some(files) => files.columns(columns).collect(),
            None => Ok(Vec::new()),
        }
    }
}
