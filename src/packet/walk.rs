//! The walk over the layers of a packet.
//!
//! Each layer is decoded once, by the protocol that its selector names; application protocols are
//! probed, those whose port fits first. The walk ends where no protocol is known, where a layer is
//! cut or malformed, or at a depth that no honest packet has.

use netcap_proto::{Symbol, Symbols, TableColumns};

use super::context::{Anomaly, Context, Facts};
use super::interface::{
    Direction, Entry, Extent, Input, Next, Outcome, Protocol, Selector, Transport,
};
use super::path::Paths;

/// More layers than this are a loop or an attack on the decoder.
const MOST_LAYERS: i32 = 64;

/// What became of a packet, by its worst layer; as `PacketClass` in `capture.proto`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Class {
    /// Every known layer was decoded.
    Decoded = 0,
    /// The snap length cut a layer.
    Truncated = 1,
    /// A layer contradicts its specification.
    Malformed = 2,
    /// The link type is not known.
    Skipped = 3,
    /// The user asked for other packets.
    Filtered = 4,
}

/// What the walk found in a packet.
#[derive(Debug, Clone, Copy)]
pub struct Seen {
    /// Its class.
    pub class: Class,
    /// Its layers, as a text of the batch.
    pub path: Symbol,
    /// What the flow table needs.
    pub facts: Facts,
}

/// One worker's protocols and the tables that they fill.
pub struct Walker {
    protocols: Vec<(Entry, Box<dyn Protocol>)>,
    link_types: Vec<(u32, u8)>,
    ether_types: Vec<(u16, u8)>,
    ip_protocols: [u8; 256],
    udp: Vec<u8>,
    tcp: Vec<u8>,
    paths: Paths,
    anomalies: Vec<Anomaly>,
}

const NONE: u8 = u8::MAX;

impl Walker {
    /// A walker over the registry's protocols. `wanted` tells which tables to fill.
    pub fn new(registry: &[Entry], wanted: &dyn Fn(&str) -> bool) -> Self {
        let mut walker = Self {
            protocols: Vec::with_capacity(registry.len()),
            link_types: Vec::new(),
            ether_types: Vec::new(),
            ip_protocols: [NONE; 256],
            udp: Vec::new(),
            tcp: Vec::new(),
            paths: Paths::new(),
            anomalies: Vec::new(),
        };
        for (id, entry) in (0..NONE).zip(registry) {
            for selector in entry.info.accepts {
                match *selector {
                    Selector::LinkType(link_type) => walker.link_types.push((link_type, id)),
                    Selector::EtherType(ether_type) => walker.ether_types.push((ether_type, id)),
                    Selector::IpProtocol(protocol) => {
                        walker.ip_protocols[usize::from(protocol)] = id;
                    }
                    Selector::Payload(Transport::Udp) => walker.udp.push(id),
                    Selector::Payload(Transport::Tcp) => walker.tcp.push(id),
                }
            }
            let protocol = (entry.make)(entry.info.table.is_some_and(wanted));
            walker.protocols.push((*entry, protocol));
        }
        walker
    }

    /// Decodes a packet: `index` is its place in the batch, `length` its length on the wire.
    pub fn packet(
        &mut self,
        symbols: &mut Symbols,
        index: u32,
        ts_ns: i64,
        link_type: u32,
        bytes: &[u8],
        length: usize,
    ) -> Seen {
        let mut cx = Context {
            symbols,
            ts_ns,
            facts: Facts::default(),
            packet: index,
            layer: 0,
            index: 0,
            start: 0,
            protocol: "",
            anomalies: &mut self.anomalies,
            malformed: false,
        };
        let mut tree = Layers {
            protocols: &mut self.protocols,
            paths: &mut self.paths,
            path: Paths::ROOT,
            truncated: false,
        };
        let mut selector = Selector::LinkType(link_type);
        let mut length = length.max(bytes.len());
        loop {
            let ids: (&[u8], Option<u8>) = match selector {
                Selector::LinkType(link_type) => (&[], find(&self.link_types, link_type)),
                Selector::EtherType(ether_type) => (&[], find(&self.ether_types, ether_type)),
                Selector::IpProtocol(protocol) => {
                    let id = self.ip_protocols[usize::from(protocol)];
                    (&[], (id != NONE).then_some(id))
                }
                Selector::Payload(Transport::Udp) => (&self.udp, None),
                Selector::Payload(Transport::Tcp) => (&self.tcp, None),
            };
            let rest = bytes.get(cx.start..).unwrap_or_default();
            let rest = rest.get(..length).unwrap_or(rest);
            let next = match (selector, ids) {
                (Selector::Payload(transport), (candidates, _)) => {
                    tree.messages(candidates, transport, rest, length, &mut cx)
                }
                (_, (_, Some(id))) => tree.layer(id, selector, rest, length, &mut cx),
                (_, (_, None)) => {
                    if matches!(selector, Selector::LinkType(_)) {
                        let path = tree.paths.symbol(tree.path, cx.symbols);
                        return Seen {
                            class: Class::Skipped,
                            path,
                            facts: cx.facts,
                        };
                    }
                    None
                }
            };
            match next {
                Some((next, its_length)) if cx.layer < MOST_LAYERS => {
                    (selector, length) = (next, its_length);
                }
                _ => break,
            }
        }
        let class = if cx.malformed {
            Class::Malformed
        } else if tree.truncated {
            Class::Truncated
        } else {
            Class::Decoded
        };
        Seen {
            class,
            path: tree.paths.symbol(tree.path, cx.symbols),
            facts: cx.facts,
        }
    }

    /// The anomalies of the batch so far, in order of packets.
    pub fn take_anomalies(&mut self) -> Vec<Anomaly> {
        std::mem::take(&mut self.anomalies)
    }

    /// The tables that the protocols have filled, in the registry's order.
    pub fn tables(&mut self) -> impl Iterator<Item = &mut dyn TableColumns> {
        self.protocols
            .iter_mut()
            .filter_map(|(_, protocol)| protocol.rows())
    }

    /// To be called when a batch is over and its texts are gone.
    pub fn end_batch(&mut self) {
        self.paths.end_batch();
    }
}

fn find<K: PartialEq>(table: &[(K, u8)], key: K) -> Option<u8> {
    table.iter().find(|(k, _)| *k == key).map(|(_, id)| *id)
}

/// The part of a walk that touches the protocols.
struct Layers<'w> {
    protocols: &'w mut Vec<(Entry, Box<dyn Protocol>)>,
    paths: &'w mut Paths,
    path: usize,
    truncated: bool,
}

impl Layers<'_> {
    /// Decodes a header; gives what it carries.
    #[inline]
    fn layer(
        &mut self,
        id: u8,
        selector: Selector,
        bytes: &[u8],
        length: usize,
        cx: &mut Context<'_>,
    ) -> Option<(Selector, usize)> {
        let (entry, protocol) = self.protocols.get_mut(usize::from(id))?;
        cx.protocol = entry.info.name;
        cx.index = 0;
        let extent = if bytes.len() < length {
            Extent::Cut
        } else {
            Extent::Complete
        };
        let input = Input {
            bytes,
            length,
            extent,
            direction: Direction::AsSent,
            on_port: false,
            selector,
        };
        let outcome = protocol.decode(&input, cx);
        // The first fragment of a datagram may be shorter than the header in it: no fault, and
        // no layer.
        let fragment = cx.facts.ip.is_some_and(|ip| ip.fragment.is_some());
        let missing =
            matches!(outcome, Outcome::NeedMore { .. }) && extent == Extent::Complete && fragment;
        if outcome == Outcome::NotMine || missing {
            return None;
        }
        self.path = self.paths.step(self.path, id, entry.info.name);
        match outcome {
            Outcome::Done { bytes, next } => {
                cx.start += bytes;
                cx.layer += 1;
                match next {
                    Next::Layer { selector, length } => Some((selector, length)),
                    Next::Nothing => None,
                }
            }
            _ => {
                self.stop(outcome, extent, bytes.len(), cx);
                None
            }
        }
    }

    /// Probes the application protocols, and decodes the messages that lie in the payload; gives
    /// what a tunnel carries.
    fn messages(
        &mut self,
        candidates: &[u8],
        transport: Transport,
        mut bytes: &[u8],
        length: usize,
        cx: &mut Context<'_>,
    ) -> Option<(Selector, usize)> {
        let whole = if bytes.len() < length {
            Extent::Cut
        } else {
            Extent::Complete
        };
        let extent = match (transport, whole) {
            (Transport::Tcp, Extent::Complete) => Extent::Prefix,
            (_, whole) => whole,
        };
        let ports = cx.facts.ports;
        let on_port = |entry: &Entry| {
            ports.is_some_and(|(a, b)| {
                entry.info.ports.contains(&a) || entry.info.ports.contains(&b)
            })
        };
        let mut length = length;
        for wanted in [true, false] {
            for id in candidates {
                let Some((entry, protocol)) = self.protocols.get_mut(usize::from(*id)) else {
                    continue;
                };
                if on_port(entry) != wanted {
                    continue;
                }
                cx.protocol = entry.info.name;
                cx.index = 0;
                loop {
                    let selector = Selector::Payload(transport);
                    let direction = Direction::AsSent;
                    let input = Input {
                        bytes,
                        length,
                        extent,
                        direction,
                        on_port: wanted,
                        selector,
                    };
                    let outcome = protocol.decode(&input, cx);
                    if outcome == Outcome::NotMine {
                        break;
                    }
                    if cx.index == 0 {
                        cx.facts.service = Some(entry.info.name);
                        self.path = self.paths.step(self.path, *id, entry.info.name);
                    }
                    let (entry_bytes, used) = (
                        bytes.len(),
                        match outcome {
                            Outcome::Done {
                                bytes,
                                next: Next::Layer { selector, length },
                            } => {
                                cx.start += bytes;
                                cx.layer += 1;
                                return Some((selector, length));
                            }
                            Outcome::Done { bytes, .. } => bytes,
                            _ => 0,
                        },
                    );
                    if used == 0 || used >= entry_bytes || transport == Transport::Udp {
                        self.stop(outcome, extent, entry_bytes, cx);
                        return None;
                    }
                    bytes = bytes.get(used..).unwrap_or_default();
                    length = length.saturating_sub(used);
                    cx.start += used;
                    cx.index += 1;
                }
                if cx.index > 0 {
                    return None;
                }
            }
        }
        None
    }

    fn stop(&mut self, outcome: Outcome, extent: Extent, have: usize, cx: &mut Context<'_>) {
        match (outcome, extent) {
            (Outcome::Malformed { reason, at }, _) => cx.anomaly(reason, at),
            (Outcome::NeedMore { .. }, Extent::Cut) => self.truncated = true,
            (Outcome::NeedMore { .. }, Extent::Complete) => cx.anomaly("ends too early", have),
            _ => {}
        }
    }
}
