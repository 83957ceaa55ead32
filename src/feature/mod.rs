//! Feature sets: definitions of what models learn from, as SQL expressions over the flow table of one policy.
//!
//! A set is a file (`document`), read in one of its dialects and checked (`set`, `template`, `expression`). It can be
//! described, printed as one SELECT (`select`), calculated from batches of flows (`evaluate`, with what hosts did
//! before from `history`), and compared with another table of the same flows (`compare`). The sets that come with
//! netcap are in `features/` (`shipped`). Which files are read and written is decided elsewhere.

pub mod compare;
mod describe;
mod document;
mod evaluate;
mod expression;
mod history;
mod select;
mod set;
mod shipped;
mod table;
mod template;
#[cfg(test)]
mod tests;

pub use describe::{list, markdown, text};
pub use document::json_schema;
pub use evaluate::Evaluator;
pub use history::{History, NEEDED as OF_HISTORY};
pub use select::select;
pub use set::{Feature, FeatureSet};
pub use shipped::names;
pub use table::Form;
