//! Bidirectional flows: which packets belong together, and what they add up to.
//!
//! The flow table takes packets in order and says at once, and for good, which flow each belongs
//! to; ended flows come out at the end of a batch. It knows packets by their
//! [`Facts`](crate::packet::Facts) only and writes no files.

mod activity;
mod community_id;
mod details;
mod fragments;
mod history;
mod key;
mod lifecycle;
mod numbers;
mod packets;
mod policy;
mod published;
mod rows;
mod shard;
mod side;
mod table;
mod tcp;

pub use fragments::Fragments;
pub use key::{FlowKey, FlowPacket, PacketPlace, Side};
pub use lifecycle::{EndReason, Ended, Flow};
pub use packets::FlowPackets;
pub use policy::{Clock, Close, Initiator, KeyRule, Policy};
pub use rows::FlowRows;
pub use table::FlowTable;
