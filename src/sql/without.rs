//! What stands in the place of the engine where netcap is built without it.

use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch};

use super::Source;
use crate::error::{Error, Result};

/// Expressions that cannot be evaluated.
#[derive(Debug)]
pub struct Expressions;

fn missing() -> Error {
    Error::new("this netcap was built without its SQL engine")
        .help("build it with the cargo feature `sql`, which is among the default ones; or run what `netcap features SET --sql` prints in DuckDB")
}

impl Expressions {
    /// Fails.
    pub fn new(_: &[(&str, &str)], _: bool) -> Result<Self> {
        Err(missing())
    }

    /// Fails.
    pub fn each_row(&self, _: &RecordBatch) -> Result<Vec<ArrayRef>> {
        Err(missing())
    }

    /// Fails.
    pub fn each_group(&self, _: &RecordBatch, _: &str) -> Result<(ArrayRef, Vec<ArrayRef>)> {
        Err(missing())
    }
}

/// Fails.
pub fn query(_: &str, _: Vec<(String, Arc<dyn Source>)>) -> Result<RecordBatch> {
    Err(missing())
}

/// Fails.
pub fn check_condition(_: &str) -> Result<()> {
    Err(missing())
}
