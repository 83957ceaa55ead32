//! An output as a whole: its inputs with their hashes, its manifest, what was asked for and what
//! came out.

mod contents;
mod diff;
mod files;
#[cfg(test)]
mod fixture;
mod inputs;
mod manifest;
mod output;
mod verify;
mod views;

pub use contents::Contents;
pub use diff::{ColumnDiff, Diff, Example, TableDiff, Unpaired, diff};
pub use files::Problem;
pub use inputs::{HashCache, Input, State, describe, hash_file, hash_inputs};
pub use manifest::{Accept, FORMAT, Manifest, StageFacts, fingerprint};
pub use output::Output;
pub use verify::{Verification, verify};
pub use views::{check_free, views};
