//! Which protocol a selector names.

use super::interface::{Entry, Selector, Transport};

/// Which protocol a selector names, by its place in the registry.
#[derive(Debug)]
pub(super) struct Selectors {
    link_types: Vec<(u32, u8)>,
    ether_types: Vec<(u16, u8)>,
    ip_protocols: [u8; 256],
    udp: Vec<u8>,
    tcp: Vec<u8>,
}

/// No protocol; the registry has fewer.
pub(super) const NONE: u8 = u8::MAX;

impl Selectors {
    pub(super) fn new(registry: &[Entry]) -> Self {
        let mut all = Self {
            link_types: Vec::new(),
            ether_types: Vec::new(),
            ip_protocols: [NONE; 256],
            udp: Vec::new(),
            tcp: Vec::new(),
        };
        for (id, entry) in (0..NONE).zip(registry) {
            for selector in entry.info.accepts {
                match *selector {
                    Selector::LinkType(link_type) => all.link_types.push((link_type, id)),
                    Selector::EtherType(ether_type) => all.ether_types.push((ether_type, id)),
                    Selector::IpProtocol(protocol) => {
                        all.ip_protocols[usize::from(protocol)] = id;
                    }
                    Selector::Payload(Transport::Udp) => all.udp.push(id),
                    Selector::Payload(Transport::Tcp) => all.tcp.push(id),
                }
            }
        }
        all
    }

    /// The protocol of a header.
    #[inline]
    pub(super) fn header(&self, selector: Selector) -> Option<u8> {
        match selector {
            Selector::LinkType(link_type) => find(&self.link_types, link_type),
            Selector::EtherType(ether_type) => find(&self.ether_types, ether_type),
            Selector::IpProtocol(protocol) => {
                let id = self.ip_protocols[usize::from(protocol)];
                (id != NONE).then_some(id)
            }
            Selector::Payload(_) => None,
        }
    }

    /// The protocols that a payload may be of.
    pub(super) fn candidates(&self, transport: Transport) -> &[u8] {
        match transport {
            Transport::Udp => &self.udp,
            Transport::Tcp => &self.tcp,
        }
    }
}

fn find<K: PartialEq>(table: &[(K, u8)], key: K) -> Option<u8> {
    table.iter().find(|(k, _)| *k == key).map(|(_, id)| *id)
}
