//! Expressions and queries, evaluated by Polars.

use std::any::Any;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

use arrow::array::{ArrayRef, Float64Array, RecordBatch, new_empty_array};
use arrow::datatypes::{DataType, Field, FieldRef, Schema, SchemaRef};
use polars::error::{PolarsError, PolarsResult};
use polars::prelude::{
    AnonymousScan, AnonymousScanArgs, Column, DataFrame, Expr, IntoLazy, LazyFrame,
    ScanArgsAnonymous, col,
};
use polars::sql::{SQLContext, sql_expr};

use super::Source;
use super::bridge::{from_polars, to_polars};
use super::rewrite::{divisor_column, rewrite};
use super::select;
use crate::error::{Error, Result};

/// SQL expressions, parsed once for many batches.
pub struct Expressions {
    expressions: Vec<Expr>,
    /// Divisors that are given as columns.
    divisors: BTreeSet<u64>,
}

impl std::fmt::Debug for Expressions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} expressions", self.expressions.len())
    }
}

/// How results are called in the engine, so that they hide no column that an expression needs.
fn result_name(i: usize) -> String {
    format!("={i}")
}

impl Expressions {
    /// Parses expressions, each with its name for messages. `grouped`: they are aggregates.
    pub fn new(named: &[(&str, &str)], grouped: bool) -> Result<Self> {
        let mut divisors = BTreeSet::new();
        let parsed = named.iter().enumerate().map(|(i, (name, sql))| {
            let rewritten = rewrite(sql, grouped);
            divisors.extend(rewritten.divisors);
            let parsed = sql_expr(&rewritten.sql).map_err(|e| failed(name, sql, &e))?;
            Ok(parsed.alias(result_name(i)))
        });
        Ok(Self {
            expressions: parsed.collect::<Result<_>>()?,
            divisors,
        })
    }

    /// The values for each row of a batch, a column for each expression.
    pub fn each_row(&self, batch: &RecordBatch) -> Result<Vec<ArrayRef>> {
        // Added to the columns, not selected: a constant has a value for each row then.
        let frame = self
            .frame(batch)?
            .lazy()
            .with_columns(self.expressions.clone());
        self.results(&frame.collect().map_err(|e| refused(&e))?)
    }

    /// The values for each group of rows with the same `key`, the groups in the order of their first rows.
    pub fn each_group(&self, batch: &RecordBatch, key: &str) -> Result<(ArrayRef, Vec<ArrayRef>)> {
        let frame = self
            .frame(batch)?
            .lazy()
            .group_by_stable([col(key)])
            .agg(self.expressions.clone());
        let frame = frame.collect().map_err(|e| refused(&e))?;
        let keys = frame.column(key).map_err(|e| refused(&e))?;
        let keys = from_polars(keys.as_materialized_series())?;
        Ok((keys, self.results(&frame)?))
    }

    /// A batch, with a column for each divisor.
    fn frame(&self, batch: &RecordBatch) -> Result<DataFrame> {
        let schema = batch.schema();
        let mut fields: Vec<FieldRef> = schema.fields().iter().cloned().collect();
        let mut columns = batch.columns().to_vec();
        for divisor in &self.divisors {
            let name = divisor_column(*divisor);
            fields.push(Arc::new(Field::new(name, DataType::Float64, false)));
            let values = vec![*divisor as f64; batch.num_rows()];
            columns.push(Arc::new(Float64Array::from(values)));
        }
        let batch = RecordBatch::try_new(Arc::new(Schema::new(fields)), columns)?;
        frame_of(&batch.schema(), std::slice::from_ref(&batch))
    }

    fn results(&self, frame: &DataFrame) -> Result<Vec<ArrayRef>> {
        let result = |i| {
            let column = frame.column(&result_name(i)).map_err(|e| refused(&e))?;
            from_polars(column.as_materialized_series())
        };
        (0..self.expressions.len()).map(result).collect()
    }
}

fn failed(name: &str, sql: &str, e: &PolarsError) -> Error {
    Error::new(format!(
        "{name}: the SQL engine cannot evaluate \"{sql}\": {e}"
    ))
}

/// What a user can make of an error: a column that is not there with the nearest one, instead of all of them, and
/// nothing of how the engine planned.
fn refused(e: &PolarsError) -> Error {
    let text = e.to_string();
    let text = text.split("\n\n").next().unwrap_or_default();
    // Not by its kind, which is hidden in another one where the error came up while planning.
    if let Some((_, quoted)) = text.split_once("unable to find column ") {
        let mut words = quoted.split('"').skip(1).step_by(2);
        if let Some(name) = words.next().filter(|name| !name.starts_with("_POLARS")) {
            let error = Error::new(format!("there is no column {name}"));
            let list = "`netcap tables TABLE` lists the columns of a table";
            return error.help(match crate::text::nearest(name, words) {
                Some(near) => format!("did you mean {near}? {list}"),
                None => list.to_owned(),
            });
        }
    }
    if let Some((_, rest)) = text.split_once("relation '")
        && let Some((name, _)) = rest.split_once("' was not found")
    {
        return Error::new(format!("there is no table {name}"))
            .help("`netcap tables` lists those that there can be; views of label sets end with the set's name, as in flow_lab, those of other tables than flows if they were labeled with --materialize. The tables of an output are in its views.sql");
    }
    // What the parser made of an expression is nothing to read.
    let is_inner = [
        "Span(",
        "_POLARS_TMP",
        "cannot cast List",
        "PrecisionAndScale",
    ];
    let text = match is_inner.iter().any(|inner| text.contains(inner)) {
        true => "it does not have one of the expressions",
        false => text,
    };
    Error::new(format!("the SQL engine: {text}"))
        .help("DuckDB with views.sql of the output has more")
}

/// Batches of one schema as a frame.
fn frame_of(schema: &SchemaRef, batches: &[RecordBatch]) -> Result<DataFrame> {
    let rows = batches.iter().map(RecordBatch::num_rows).sum();
    let column = |(i, field): (usize, &FieldRef)| {
        let mut chunks: Vec<ArrayRef> = batches
            .iter()
            .filter(|batch| batch.num_rows() > 0)
            .map(|batch| batch.column(i).clone())
            .collect();
        if chunks.is_empty() {
            chunks.push(new_empty_array(field.data_type()));
        }
        to_polars(field.name(), &chunks).map(Column::from)
    };
    let columns = schema.fields().iter().enumerate().map(column);
    DataFrame::new(rows, columns.collect::<Result<_>>()?).map_err(|e| refused(&e))
}

/// Words and signs of a query, but for values and commas, of which lists are made. Each may be a level of its own, as in
/// a long sum.
const MOST_WORDS: usize = 5_000;
/// The engine goes through a query level by level, and keeps them all on the stack: enough for so many.
const STACK: usize = 256 << 20;

/// The rows of a query over tables. What the query does not name is not read.
pub fn query(sql: &str, tables: Vec<(String, Arc<dyn Source>)>) -> Result<RecordBatch> {
    let words = select::words(sql);
    if words > MOST_WORDS {
        return Err(Error::new(format!(
            "this query has {words} words and signs, and at most {MOST_WORDS} are read (values and commas do not count)"
        )));
    }
    std::thread::scope(|scope| {
        std::thread::Builder::new()
            .stack_size(STACK)
            .spawn_scoped(scope, || answer(sql, tables))
            .map_err(|e| Error::because("cannot start a thread", e))?
            .join()
            .unwrap_or_else(|_| Err(Error::new("the query stopped unexpectedly")))
    })
}

fn answer(sql: &str, tables: Vec<(String, Arc<dyn Source>)>) -> Result<RecordBatch> {
    let mut context = SQLContext::new();
    let mut schemas = BTreeMap::new();
    let unread = Arc::new(Mutex::new(None));
    for (name, source) in tables {
        let source = Wide(source);
        let schema = source.schema();
        schemas.insert(name.clone(), schema.clone());
        let empty = frame_of(&schema, &[])?;
        let arguments = ScanArgsAnonymous {
            schema: Some(empty.schema().clone()),
            name: "netcap",
            ..ScanArgsAnonymous::default()
        };
        let scan = Scan {
            source: Arc::new(source),
            unread: Arc::clone(&unread),
        };
        let table = LazyFrame::anonymous_scan(Arc::new(scan), arguments);
        context.register(&name, table.map_err(|e| refused(&e))?);
    }
    let sql = select::rewrite(sql, &schemas)?;
    let frame = quietly(|| context.execute(&sql).and_then(LazyFrame::collect));
    // What is wrong with a table is told as such, not as what became of the query.
    let unread = unread.lock().ok().and_then(|mut error| error.take());
    if let Some(error) = unread {
        return Err(error);
    }
    let frame = frame.map_err(|e| refused(&e))?;
    let mut fields = Vec::new();
    let mut columns = Vec::new();
    for column in frame.columns() {
        let array = from_polars(column.as_materialized_series())?;
        let array = match array.data_type() {
            DataType::LargeUtf8 => arrow::compute::cast(&array, &DataType::Utf8)?,
            _ => array,
        };
        fields.push(Field::new(
            column.name().as_str(),
            array.data_type().clone(),
            true,
        ));
        columns.push(array);
    }
    let options = arrow::array::RecordBatchOptions::new().with_row_count(Some(frame.height()));
    let schema = Arc::new(Schema::new(fields));
    Ok(RecordBatch::try_new_with_options(
        schema, columns, &options,
    )?)
}

/// What the engine makes of a query, even if it panics: it does so over some that it could refuse.
fn quietly(work: impl FnOnce() -> PolarsResult<DataFrame>) -> PolarsResult<DataFrame> {
    let hook = std::panic::take_hook();
    std::panic::set_hook(Box::new(|_| {}));
    let done = std::panic::catch_unwind(std::panic::AssertUnwindSafe(work));
    std::panic::set_hook(hook);
    done.unwrap_or_else(|_| Err(PolarsError::ComputeError("it fails at this query".into())))
}

/// A table whose integers are all of 64 bits, since Polars calculates in those of the columns, and what is beyond is told by nobody.
struct Wide(Arc<dyn Source>);

impl Source for Wide {
    fn schema(&self) -> SchemaRef {
        let schema = self.0.schema();
        let fields = schema.fields().iter().map(|field| match field.data_type() {
            DataType::Int32 => Arc::new(field.as_ref().clone().with_data_type(DataType::Int64)),
            _ => field.clone(),
        });
        Arc::new(Schema::new(fields.collect::<Vec<_>>()))
    }

    fn read(&self, columns: &[&str]) -> Result<Vec<RecordBatch>> {
        let wide = |batch: RecordBatch| {
            let mut fields = Vec::new();
            let mut arrays = Vec::new();
            for (field, array) in batch.schema().fields().iter().zip(batch.columns()) {
                let (field, array) = match field.data_type() {
                    DataType::Int32 => (
                        Arc::new(field.as_ref().clone().with_data_type(DataType::Int64)),
                        arrow::compute::cast(array, &DataType::Int64)?,
                    ),
                    _ => (field.clone(), array.clone()),
                };
                fields.push(field);
                arrays.push(array);
            }
            let options = arrow::array::RecordBatchOptions::new();
            let options = options.with_row_count(Some(batch.num_rows()));
            let schema = Arc::new(Schema::new(fields));
            Ok(RecordBatch::try_new_with_options(schema, arrays, &options)?)
        };
        self.0.read(columns)?.into_iter().map(wide).collect()
    }
}

/// A table as Polars asks for it.
struct Scan {
    source: Arc<dyn Source>,
    /// Why a table could not be read, if one could not.
    unread: Arc<Mutex<Option<Error>>>,
}

impl AnonymousScan for Scan {
    fn as_any(&self) -> &dyn Any {
        self
    }

    fn scan(&self, arguments: AnonymousScanArgs) -> PolarsResult<DataFrame> {
        let schema = self.source.schema();
        let all = || schema.fields().iter().map(|f| f.name().as_str()).collect();
        let columns: Vec<&str> = match &arguments.with_columns {
            Some(names) => names.iter().map(|name| name.as_str()).collect(),
            None => all(),
        };
        let read = || {
            let batches = self.source.read(&columns)?;
            let found = match batches.first() {
                Some(batch) => batch.schema(),
                None => schema.clone(),
            };
            frame_of(&found, &batches)
        };
        let frame = read().map_err(|e| {
            let told = PolarsError::ComputeError(e.to_string().into());
            if let Ok(mut unread) = self.unread.lock() {
                unread.get_or_insert(e);
            }
            told
        })?;
        // Polars takes what comes for what it asked for: these columns in this order, and no more rows.
        let frame = frame.select(columns)?;
        Ok(match arguments.n_rows {
            Some(rows) => frame.head(Some(rows)),
            None => frame,
        })
    }

    fn allows_projection_pushdown(&self) -> bool {
        true
    }
}
