//! Which protocol a selector names.

use super::interface::{Entry, Selector, Transport};

/// Which protocol a selector names, by its place in the registry.
#[derive(Debug)]
pub(super) struct Selectors {
    link_types: Vec<(u32, u8)>,
    ether_types: Vec<u8>,
    ip_protocols: [u8; 256],
    udp: Candidates,
    tcp: Candidates,
}

/// The protocols that a payload may be of.
#[derive(Debug, Default)]
pub(super) struct Candidates {
    pub(super) ids: Vec<u8>,
    /// A bit for each port, set if it is one of theirs.
    ports: Vec<u64>,
}

impl Candidates {
    fn add(&mut self, id: u8, ports: &[u16]) {
        self.ids.push(id);
        self.ports.resize(PORTS / 64, 0);
        for port in ports {
            self.ports[usize::from(port / 64)] |= 1 << (port % 64);
        }
    }

    /// The port is one of theirs.
    #[inline]
    pub(super) fn have(&self, port: u16) -> bool {
        let bits = self.ports.get(usize::from(port / 64));
        bits.is_some_and(|bits| bits >> (port % 64) & 1 == 1)
    }
}

/// As many ports and EtherTypes as there can be.
const PORTS: usize = 1 << 16;
const ETHER_TYPES: usize = 1 << 16;

/// No protocol; the registry has fewer.
pub(super) const NONE: u8 = u8::MAX;

impl Selectors {
    pub(super) fn new(registry: &[Entry]) -> Self {
        let mut all = Self {
            link_types: Vec::new(),
            ether_types: vec![NONE; ETHER_TYPES],
            ip_protocols: [NONE; 256],
            udp: Candidates::default(),
            tcp: Candidates::default(),
        };
        for (id, entry) in (0..NONE).zip(registry) {
            for selector in entry.info.accepts {
                match *selector {
                    Selector::LinkType(link_type) => all.link_types.push((link_type, id)),
                    Selector::EtherType(ether_type) => {
                        all.ether_types[usize::from(ether_type)] = id;
                    }
                    Selector::IpProtocol(protocol) => {
                        all.ip_protocols[usize::from(protocol)] = id;
                    }
                    Selector::Payload(Transport::Udp) => all.udp.add(id, entry.info.ports),
                    Selector::Payload(Transport::Tcp) => all.tcp.add(id, entry.info.ports),
                }
            }
        }
        all
    }

    /// The protocol of a header.
    #[inline]
    pub(super) fn header(&self, selector: Selector) -> Option<u8> {
        match selector {
            Selector::LinkType(link_type) => {
                let known = self.link_types.iter().find(|(l, _)| *l == link_type);
                known.map(|(_, id)| *id)
            }
            Selector::EtherType(ether_type) => {
                let id = self.ether_types.get(usize::from(ether_type));
                id.copied().filter(|id| *id != NONE)
            }
            Selector::IpProtocol(protocol) => {
                let id = self.ip_protocols[usize::from(protocol)];
                (id != NONE).then_some(id)
            }
            Selector::Payload(_) => None,
        }
    }

    /// The protocols that a payload may be of.
    #[inline]
    pub(super) fn candidates(&self, transport: Transport) -> &Candidates {
        match transport {
            Transport::Udp => &self.udp,
            Transport::Tcp => &self.tcp,
        }
    }
}
