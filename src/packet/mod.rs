//! One packet, from link to application layer: the decoder interface, what layers tell each other,
//! and the walk over them.
//!
//! This room knows no protocol: each is a [`Protocol`] in `crate::protocol`, found by a
//! [`Selector`]. It knows no tables either; a protocol fills its own.

pub mod bytes;
mod context;
mod entropy;
mod interface;
mod path;
mod walk;

pub use context::{
    Anomaly, Context, Datagram, Dns, Facts, Fragment, Icmp, Ip, Tcp, Tunnel, Tunnels, Vlans,
};
pub use entropy::entropy;
pub use interface::{
    Direction, Entry, Extent, Info, Input, Next, Outcome, Protocol, Rows, Selector, Transport,
};
pub use walk::{Class, Seen, Walker};
