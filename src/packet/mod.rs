//! One packet, from link to application layer: the decoder interface, what layers tell each other,
//! and the walk over them.
//!
//! This room knows no protocol: each is a [`Protocol`] in `crate::protocol`, found by a
//! [`Selector`]. It knows no tables either; a protocol fills its own.

pub mod bytes;
mod context;
mod datagrams;
mod encapsulation;
mod entropy;
mod fragment;
mod interface;
mod layers;
mod path;
mod reassembly;
mod selectors;
mod walk;

pub use context::{
    Anomaly, ChecksumEnds, Context, Dns, Facts, Icmp, Ip, Tcp, WindowScale, has_ports,
};
pub use datagrams::{MOST_DATAGRAMS, Verdict, Whole, fragment_timeout};
pub use encapsulation::{Tunnel, Tunnels, Vlans};
pub use entropy::entropy;
pub use fragment::{Datagram, Fragment, FragmentSeen, Part};
pub use interface::{
    Direction, Entry, Extent, Info, Input, Next, Outcome, Protocol, Rows, Selector, Transport,
};
pub use reassembly::Reassembly;
pub use walk::{Class, Found, Frame, Seen, Walker};
