//! SQL over the tables of an output.

use std::sync::Arc;

use arrow::array::{RecordBatch, StringArray};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};

use crate::dataset::{Contents, views};
use crate::error::Result;
use crate::output::{STREAM, View};
use crate::sql::{Source, query};

/// The rows of a query over the tables of an output, under the names of `views.sql`.
pub fn query_output(contents: &Arc<Contents>, sql: &str) -> Result<RecordBatch> {
    let mut tables: Vec<(String, Arc<dyn Source>)> = Vec::new();
    for view in views(contents.manifest()) {
        let mut schema = match &view.layout {
            Some(layout) => layout.schema(),
            None => match contents.table(&view.stage, &view.table)? {
                Some((files, _)) => files.schema().unwrap_or_else(none),
                None => none(),
            },
        };
        // As DuckDB makes a column of the folders' names.
        if view.streams {
            schema = and_stream(&schema);
        }
        let contents = Arc::clone(contents);
        tables.push((
            view.name.clone(),
            Arc::new(Rows {
                contents,
                view,
                schema,
            }),
        ));
    }
    query(sql, tables)
}

fn none() -> SchemaRef {
    Arc::new(Schema::empty())
}

/// The rows of a table, whose files are looked at only if a query names it.
struct Rows {
    contents: Arc<Contents>,
    view: View,
    schema: SchemaRef,
}

impl Source for Rows {
    fn schema(&self) -> SchemaRef {
        self.schema.clone()
    }

    fn read(&self, columns: &[&str]) -> Result<Vec<RecordBatch>> {
        let Some((files, _)) = self.contents.table(&self.view.stage, &self.view.table)? else {
            return Ok(Vec::new());
        };
        if !self.view.streams || !columns.contains(&STREAM) {
            return files.columns(columns).collect();
        }
        let mut all = Vec::new();
        for (stream, files) in files.by_stream() {
            for batch in files.columns(columns) {
                all.push(with_stream(&batch?, stream.as_deref())?);
            }
        }
        Ok(all)
    }
}

/// A batch with the name of its stream in each row.
fn with_stream(batch: &RecordBatch, stream: Option<&str>) -> Result<RecordBatch> {
    let names = StringArray::from(vec![stream; batch.num_rows()]);
    let mut columns = batch.columns().to_vec();
    columns.push(Arc::new(names));
    Ok(RecordBatch::try_new(and_stream(&batch.schema()), columns)?)
}

/// A schema and the column of the stream.
fn and_stream(schema: &Schema) -> SchemaRef {
    let fields = schema.fields().iter().cloned();
    let stream = Arc::new(Field::new(STREAM, DataType::Utf8, true));
    Arc::new(Schema::new(fields.chain([stream]).collect::<Vec<_>>()))
}
