//! Tables on disk: Parquet files with row groups in a fixed order, hashes of what was written, and
//! folders that appear whole or not at all.
//!
//! Nothing here knows what a packet is. Everything is generic over a [`Layout`].

mod any;
mod chunk;
mod delta;
mod dictionary;
mod distinct;
pub mod export;
mod file;
mod hybrid;
mod layout;
mod logical_hash;
mod parquet;
mod plain;
mod read;
mod runs;
#[cfg(test)]
pub(crate) mod sample;
mod stage;
mod streams;
mod views;

pub(crate) use any::retyped;
pub use any::{csv_of_any, parquet_of_any, text_of_any};
pub use file::FileFacts;
pub use layout::Layout;
pub use logical_hash::ColumnHasher;
pub use parquet::{Splicer, TableFacts, TableWriter};
pub use read::{Batches, ParquetFiles, read_table, table_files, tables_in};
pub use stage::{Stage, clear_partial, hex, write_atomically, write_whole};
pub(crate) use stage::{abandon, is_partial, remove_folder};
pub(crate) use streams::stream_of_file;
pub use streams::{STREAM, stream_folder};
pub use views::View;
pub(crate) use views::views_sql;
