//! An output as a whole: its inputs with their hashes, its manifest, what was asked for and what
//! came out.

mod inputs;
mod manifest;
mod output;

pub use inputs::{HashCache, Input, describe, hash_file};
pub use manifest::{Accept, FORMAT, Manifest, StageFacts, fingerprint};
pub use output::Output;
