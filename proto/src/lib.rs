//! The tables of netcap, generated from the messages under `proto/netcap/v1`.
//!
//! For a message `Tcp` there are `TcpRow` (one row, borrowed), `TcpColumns` (its columns under
//! construction) and `TCP` (its description). A column is declared in the message and nowhere
//! else. What is done with finished columns is no business of this crate.

mod bits;
mod columns;
mod schema;
mod symbols;

pub use columns::{At, AtColumns, Finish, Group, NO_FLOW, TableColumns};
pub use schema::{Column, Encoding, Kind, Names, Table, Type, dictionary};
pub use symbols::{Symbol, Symbols};

/// The compiled messages as a `google.protobuf.FileDescriptorSet`, for readers of exports.
pub static FILE_DESCRIPTOR_SET: &[u8] =
    include_bytes!(concat!(env!("OUT_DIR"), "/netcap.v1.binpb"));

/// Generated: rows, columns and descriptions.
#[allow(unused_imports, clippy::all, clippy::pedantic, reason = "generated")]
mod tables {
    use std::sync::{Arc, LazyLock};

    use arrow::array::{ArrayRef, RecordBatch, new_null_array};
    use arrow::datatypes::{
        DataType, Fields, Float64Type, Int32Type, Int64Type, SchemaRef, TimestampMicrosecondType,
    };
    use arrow::error::ArrowError;

    use crate::columns::*;
    use crate::schema::*;
    use crate::symbols::Symbol;

    include!(concat!(env!("OUT_DIR"), "/tables.rs"));
}
pub use tables::*;

/// The messages as Rust types, for reading protobuf exports.
#[cfg(feature = "messages")]
#[allow(missing_docs, clippy::all, clippy::pedantic, reason = "generated")]
pub mod message {
    include!(concat!(env!("OUT_DIR"), "/netcap.v1.rs"));
}
