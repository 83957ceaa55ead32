//! netcap: from network captures and ground truth to typed, labeled, reproducible tables.
//!
//! Data goes one way: `capture` → `packet` → `protocol` and `flow` → `output` → `label` →
//! `dataset`, put together by `engine` and `pipeline`; see ARCHITECTURE.md.

mod batch;
pub mod capture;
pub mod cli;
pub mod dataset;
pub mod engine;
pub mod error;
pub mod feature;
pub mod flow;
pub mod label;
pub mod output;
pub mod packet;
pub mod pipeline;
pub mod protocol;
pub mod schema;
pub mod sql;
pub mod text;
mod yaml;
