//! Rows on their way from the rooms that make them to the writers.

use arrow::array::RecordBatch;
use netcap_proto::{Finish, Symbols, TableColumns};

use crate::error::Result;

/// Rows of tables, by name.
pub(super) type Rows = Vec<(&'static str, RecordBatch)>;

/// The rows of a table that does not come from packets.
pub(super) fn finish(columns: &mut dyn TableColumns, symbols: &mut Symbols) -> Result<RecordBatch> {
    let symbols = symbols.finish();
    let cx = Finish::without_packets(&symbols);
    Ok(columns.finish_batch(&cx)?)
}
