//! SQL over the tables of an output.

use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::{Schema, SchemaRef};
use sqlparser::ast::Statement;
use sqlparser::dialect::GenericDialect;
use sqlparser::parser::Parser;

use crate::dataset::{Contents, views};
use crate::error::{Error, Result};
use crate::output::View;
use crate::sql::{Source, query};

/// The rows of a query over the tables of an output, under the names of `views.sql`.
pub fn query_output(contents: &Arc<Contents>, sql: &str) -> Result<RecordBatch> {
    // What cannot be parsed is the engine's to tell.
    let other = Parser::parse_sql(&GenericDialect, sql)
        .is_ok_and(|all| !matches!(&all[..], [Statement::Query(_)]));
    if other {
        return Err(
            Error::new("this is no single SELECT").help("an output is only read, never changed")
        );
    }
    let mut tables: Vec<(String, Arc<dyn Source>)> = Vec::new();
    for view in views(contents.manifest()) {
        let schema = match &view.layout {
            Some(layout) => layout.schema(),
            None => match contents.table(&view.stage, &view.table)? {
                Some((files, _)) => files.schema().unwrap_or_else(none),
                None => none(),
            },
        };
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
        match self.contents.table(&self.view.stage, &self.view.table)? {
            Some((files, _)) => files.columns(columns).collect(),
            None => Ok(Vec::new()),
        }
    }
}
