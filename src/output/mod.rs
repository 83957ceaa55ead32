//! Tables on disk: Parquet files with row groups in a fixed order, hashes of what was written, and
//! folders that appear whole or not at all.
//!
//! Nothing here knows what a packet is. Everything is generic over a [`Layout`].

mod layout;
mod logical_hash;
mod parquet;
mod stage;
mod views;

pub use layout::Layout;
pub use logical_hash::ColumnHasher;
pub use parquet::{FileFacts, TableFacts, TableWriter};
pub use stage::{Stage, hex, write_atomically};
pub use views::views_sql;
