//! The protocols, one file each, and their registry.
//!
//! A protocol is added with one message in `proto/`, one file here, and its line below; see
//! CONTRIBUTING.md. Their order is that in which tables are listed.

mod arp;
mod clock;
mod dns;
mod esp;
mod ethernet;
mod geneve;
mod gre;
mod gtpu;
mod icmp;
mod icmpv4;
mod icmpv6;
mod ipv4;
mod ipv6;
mod mpls;
mod null;
mod ports;
mod pppoe;
mod raw;
mod sll;
mod tcp;
mod udp;
mod vlan;
mod vxlan;

use crate::packet::{Entry, Selector};

/// All protocols.
pub const REGISTRY: &[Entry] = &[
    ethernet::ENTRY,
    sll::SLL,
    sll::SLL2,
    null::ENTRY,
    raw::ENTRY,
    vlan::ENTRY,
    mpls::ENTRY,
    pppoe::ENTRY,
    arp::ENTRY,
    ipv4::ENTRY,
    ipv6::ENTRY,
    icmpv4::ENTRY,
    icmpv6::ENTRY,
    gre::ENTRY,
    esp::ENTRY,
    tcp::ENTRY,
    udp::ENTRY,
    ports::SCTP,
    ports::DCCP,
    ports::UDP_LITE,
    vxlan::ENTRY,
    geneve::ENTRY,
    gtpu::ENTRY,
    dns::ENTRY,
    clock::ENTRY,
];

/// Packets of that link type (LINKTYPE_ number) are decoded.
pub fn reads_link_type(link_type: u16) -> bool {
    let selector = Selector::LinkType(link_type.into());
    let mut accepted = REGISTRY.iter().flat_map(|entry| entry.info.accepts);
    accepted.any(|accepts| *accepts == selector)
}
