//! The SQL engine: Polars, behind a few functions over Arrow batches.
//!
//! Expressions of feature sets are rewritten (`rewrite`) and calculated (`engine`). A query is parsed and rewritten (`select`, with
//! `results` and `values`), if it is one that is answered rightly (`answered`, with `functions` and `parts`). Nothing outside of this room knows Polars. Batches cross by the Arrow C data interface (`bridge`, the one module with
//! `unsafe`). Without the cargo feature `sql` netcap is built without the engine, and what needs it says so.

#[cfg(feature = "sql")]
mod answered;
#[cfg(feature = "sql")]
mod bridge;
#[cfg(feature = "sql")]
mod engine;
#[cfg(feature = "sql")]
mod functions;
#[cfg(feature = "sql")]
mod parts;
#[cfg(feature = "sql")]
mod results;
#[cfg(feature = "sql")]
mod rewrite;
#[cfg(feature = "sql")]
mod select;
#[cfg(feature = "sql")]
mod values;
#[cfg(not(feature = "sql"))]
mod without;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;

use crate::error::Result;

#[cfg(feature = "sql")]
pub use engine::{Expressions, query};
#[cfg(feature = "sql")]
pub use select::check_condition;
#[cfg(not(feature = "sql"))]
pub use without::{Expressions, check_condition, query};

/// A table that a query may read.
pub trait Source: Send + Sync {
    /// Its columns.
    fn schema(&self) -> SchemaRef;
    /// All of its rows, with some of its columns, at least those named.
    fn read(&self, columns: &[&str]) -> Result<Vec<RecordBatch>>;
}
