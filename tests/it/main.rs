//! What a user can see, end to end: one program, so that Arrow is linked once.
//!
//! `NETCAP_BLESS=1 cargo test` rewrites the files that tests compare with.

#![allow(
    missing_docs,
    unreachable_pub,
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::iter_over_hash_type,
    reason = "tests"
)]

mod attacks;
mod captures;
mod cli;
mod damage;
mod datasets;
mod defects;
mod explain;
mod extract;
mod faults;
mod features;
mod import;
mod import_faults;
mod import_packets;
mod outputs;
mod packet_labels;
mod quickstart;
mod record;
mod schemas;
mod support;
