//! A fragment of an IP datagram, as the walk over its packet notes it. Putting datagrams together is
//! the subject of `datagrams`.

use std::hash::BuildHasher;
use std::net::IpAddr;

use foldhash::fast::FixedState;

use super::context::{Context, Facts};
use super::interface::{Input, Selector};

/// The greatest length that the header of a packet can state (RFC 791, 3.1; RFC 8200, 3).
const MOST_BYTES: usize = 65_535;

/// The fixed header of IPv6 and the fragment header.
const IPV6_HEADERS: usize = 40 + 8;

/// A part of a datagram, as its IP header says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fragment {
    /// Identification of the datagram.
    pub id: u32,
    /// Where it begins in the datagram's payload, in bytes.
    pub offset: u32,
    /// It is not the last.
    pub more: bool,
}

/// A datagram of which a packet is a fragment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Datagram {
    /// Hash of what its fragments have in common: addresses, protocol (of IPv4), identification,
    /// VLAN tags and tunnels.
    pub hash: u64,
    /// Which part of it the packet is.
    pub part: Part,
}

/// Which part of its datagram a fragment is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// The first, by offset.
    First,
    /// The first, and it ends within the transport header.
    Headless,
    /// A later one.
    Later,
    /// The one with which the datagram was complete, and only so its transport header.
    Headed,
}

impl Datagram {
    /// The datagram of a fragment behind those layers.
    pub(super) fn of(
        fragment: Fragment,
        src: IpAddr,
        dst: IpAddr,
        protocol: u8,
        facts: &Facts,
    ) -> Self {
        // Fragments of IPv6 need not agree on what follows their header (RFC 8200, 4.5).
        let protocol = if src.is_ipv4() { protocol } else { 0 };
        let common = (src, dst, protocol, fragment.id, facts.vlans, facts.entered);
        Self {
            hash: FixedState::with_seed(0x6672_6167).hash_one(common),
            part: if fragment.offset == 0 {
                Part::First
            } else {
                Part::Later
            },
        }
    }
}

/// A fragment in its packet, with what is needed to go on from there when the datagram is complete.
#[derive(Debug, Clone)]
pub struct FragmentSeen {
    /// Index of its packet in the batch.
    pub index: u32,
    /// What its fragments have in common.
    pub hash: u64,
    /// Where the IP header begins in the packet.
    pub start: usize,
    /// Bytes from there to the fragment's payload.
    pub(super) header: usize,
    /// Length of the payload.
    pub(super) payload: usize,
    pub(super) fragment: Fragment,
    /// It can be a part of a datagram: its length is right.
    pub(super) fits: bool,
    /// Layers from the IP header on that were decoded here; meant for first fragments.
    pub(super) layers: i32,
    pub(super) place: Place,
}

/// Where in a walk a fragment was met.
#[derive(Debug, Clone)]
pub(super) struct Place {
    pub(super) layer: i32,
    pub(super) protocol: &'static str,
    pub(super) selector: Selector,
    /// What was known before the IP header.
    pub(super) before: Facts,
    /// The path before it, as the walker numbers it.
    pub(super) path: usize,
    /// Layers decoded in the packet before it.
    pub(super) steps: i32,
}

impl Context<'_> {
    /// Notes that the IP header at the start of `input` has a fragment behind it: `part` is the number
    /// of bytes up to and with what says so, and of those after them. To be called before the
    /// header's addresses are entered.
    pub fn fragment(
        &mut self,
        input: &Input<'_>,
        (src, dst): (IpAddr, IpAddr),
        protocol: u8,
        fragment: Fragment,
        (header, payload): (usize, usize),
    ) {
        if self.facts.datagram.is_some() {
            // A part of a datagram that is itself not complete.
            return;
        }
        let end = usize::try_from(fragment.offset).unwrap_or(MOST_BYTES) + payload;
        let ragged = fragment.more && !payload.is_multiple_of(8);
        // The fixed header of IPv6 does not count, and the fragment header goes.
        let counted = if src.is_ipv4() {
            header
        } else {
            header.saturating_sub(IPV6_HEADERS)
        };
        let fits = !ragged && end + counted <= MOST_BYTES;
        // As it is once the header is entered; the walk enters it again.
        let mut entered = *self.facts;
        if matches!(input.selector, Selector::IpProtocol(_)) {
            entered.enter_ip_in_ip(if src.is_ipv4() { 4 } else { 6 });
        }
        if ragged {
            self.anomaly(
                "length of a fragment before the last is no multiple of 8",
                0,
            );
        } else if !fits {
            self.anomaly("fragment ends beyond 65,535 bytes", 0);
        }
        self.fragments.push(FragmentSeen {
            index: self.packet,
            hash: Datagram::of(fragment, src, dst, protocol, &entered).hash,
            start: self.start,
            header,
            payload,
            fragment,
            fits,
            layers: 1,
            place: Place {
                layer: self.layer,
                protocol: self.protocol,
                selector: input.selector,
                before: *self.facts,
                path: 0,
                steps: 0,
            },
        });
    }
}
