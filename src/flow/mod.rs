//! Bidirectional flows: which packets belong together, and what they add up to.
//!
//! The flow table takes packets in order and says at once, and for good, which flow each belongs
//! to; ended flows come out at the end of a batch. It knows packets by their
//! [`Facts`](crate::packet::Facts) only and writes no files.

mod community_id;
mod key;
mod policy;
mod rows;
mod shard;
mod table;

pub use key::{FlowKey, FlowPacket, Side};
pub use policy::Policy;
pub use rows::push_row;
pub use shard::{EndReason, Flow};
pub use table::FlowTable;
