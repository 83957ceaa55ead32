//! The walk over the layers of a packet.
//!
//! Each layer is decoded once, by the protocol that its selector names; application protocols are
//! probed, those whose port fits first. The walk ends where no protocol is known, where a layer is
//! cut or malformed, or at a depth that no honest packet has.

use netcap_proto::{Symbol, Symbols, TableColumns};

use super::context::{Anomaly, Context, Facts};
use super::datagrams::{Verdict, Whole};
use super::fragment::FragmentSeen;
use super::interface::{
    Direction, Entry, Extent, Info, Input, Next, Outcome, Protocol, Selector, Transport,
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

/// A packet to walk over.
#[derive(Debug, Clone, Copy)]
pub struct Frame<'a> {
    /// Its place in the batch.
    pub index: u32,
    /// Capture time, nanoseconds since 1970.
    pub ts_ns: i64,
    /// LINKTYPE_ number.
    pub link_type: u32,
    /// The bytes that were captured.
    pub bytes: &'a [u8],
    /// Length on the wire.
    pub length: usize,
    /// What is known of the datagrams that it is a fragment of, outermost first.
    pub datagrams: &'a [Found],
}

/// What a fragment did to its datagram.
#[derive(Debug, Clone)]
pub struct Found {
    /// Index of its packet in the batch.
    pub index: u32,
    /// What became of the datagram.
    pub verdict: Verdict,
}

/// One worker's protocols and the tables that they fill.
pub struct Walker {
    protocols: Protocols,
    /// They fill no tables: for layers that have their rows.
    silent: Protocols,
    selectors: Selectors,
    paths: Paths,
    anomalies: Vec<Anomaly>,
    fragments: Vec<FragmentSeen>,
    firsts: Vec<(u32, u64)>,
    outer: Option<Vec<(u32, Facts)>>,
}

type Protocols = Vec<(Entry, Box<dyn Protocol>)>;

/// Which protocol a selector names, by its place in the registry.
#[derive(Debug)]
struct Selectors {
    link_types: Vec<(u32, u8)>,
    ether_types: Vec<(u16, u8)>,
    ip_protocols: [u8; 256],
    udp: Vec<u8>,
    tcp: Vec<u8>,
}

const NONE: u8 = u8::MAX;

impl Selectors {
    fn new(registry: &[Entry]) -> Self {
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
    fn header(&self, selector: Selector) -> Option<u8> {
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
    fn candidates(&self, transport: Transport) -> &[u8] {
        match transport {
            Transport::Udp => &self.udp,
            Transport::Tcp => &self.tcp,
        }
    }
}

impl Walker {
    /// A walker over the registry's protocols. `wanted` tells which tables to fill.
    pub fn new(registry: &[Entry], wanted: &dyn Fn(&str) -> bool) -> Self {
        let make = |entry: &Entry, wanted| (*entry, (entry.make)(wanted));
        let known = registry.iter().take(usize::from(NONE));
        Self {
            protocols: known
                .clone()
                .map(|entry| make(entry, entry.info.table.is_some_and(wanted)))
                .collect(),
            silent: known.map(|entry| make(entry, false)).collect(),
            selectors: Selectors::new(registry),
            paths: Paths::new(),
            anomalies: Vec::new(),
            fragments: Vec::new(),
            firsts: Vec::new(),
            outer: None,
        }
    }

    /// The walker also keeps what it finds of the packets around tunnels.
    #[must_use]
    pub fn with_outer(mut self) -> Self {
        self.outer = Some(Vec::new());
        self
    }

    /// Decodes a packet.
    pub fn packet(&mut self, symbols: &mut Symbols, frame: &Frame<'_>) -> Seen {
        let calm = self.anomalies.len();
        let mut cx = Context {
            symbols,
            ts_ns: frame.ts_ns,
            facts: Facts::default(),
            packet: frame.index,
            layer: 0,
            index: 0,
            start: 0,
            protocol: "",
            anomalies: &mut self.anomalies,
            fragments: &mut self.fragments,
            firsts: &mut self.firsts,
            outer: self.outer.as_mut(),
            malformed: false,
        };
        let mut tree = Layers {
            protocols: &mut self.protocols,
            silent: &mut self.silent,
            selectors: &self.selectors,
            paths: &mut self.paths,
            path: Paths::ROOT,
            steps: 0,
            silent_until: 0,
            known: None,
            truncated: false,
        };
        let outermost = Stretch {
            selector: Selector::LinkType(frame.link_type),
            bytes: frame.bytes,
            length: frame.length.max(frame.bytes.len()),
            base: 0,
        };
        if !tree.walk(outermost, &mut cx) {
            return Seen {
                class: Class::Skipped,
                path: tree.paths.symbol(tree.path, cx.symbols),
                facts: cx.facts,
            };
        }
        for found in frame.datagrams {
            match &found.verdict {
                Verdict::Complete(whole) => tree.datagram(whole, &mut cx),
                Verdict::Conflict => {
                    if let Some(place) = cx.fragments.last().map(|seen| seen.place.clone()) {
                        (cx.layer, cx.protocol) = (place.layer, place.protocol);
                        cx.anomaly("fragment contradicts another of its datagram", 0);
                    }
                }
            }
        }
        if let Some(anomalies) = cx
            .anomalies
            .get_mut(calm..)
            .filter(|_| !frame.datagrams.is_empty())
        {
            in_order(anomalies);
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

    /// The fragment of another datagram that lies in a datagram, which was complete with `seen`.
    pub(super) fn fragment_in(
        &mut self,
        symbols: &mut Symbols,
        seen: &FragmentSeen,
        whole: &Whole,
    ) -> Option<FragmentSeen> {
        self.fragments = vec![seen.clone()];
        let mut cx = Context {
            symbols,
            ts_ns: 0,
            facts: Facts::default(),
            packet: seen.index,
            layer: 0,
            index: 0,
            start: 0,
            protocol: "",
            anomalies: &mut self.anomalies,
            fragments: &mut self.fragments,
            firsts: &mut self.firsts,
            outer: None,
            malformed: false,
        };
        let mut tree = Layers {
            protocols: &mut self.protocols,
            silent: &mut self.silent,
            selectors: &self.selectors,
            paths: &mut self.paths,
            path: Paths::ROOT,
            steps: 0,
            silent_until: i32::MAX,
            known: None,
            truncated: false,
        };
        tree.datagram(whole, &mut cx);
        self.anomalies.clear();
        self.firsts.clear();
        self.fragments.drain(..).nth(1)
    }

    /// The anomalies of the batch so far, in order of packets.
    pub fn take_anomalies(&mut self) -> Vec<Anomaly> {
        std::mem::take(&mut self.anomalies)
    }

    /// The fragments of the batch so far, in order of packets.
    pub fn take_fragments(&mut self) -> Vec<FragmentSeen> {
        std::mem::take(&mut self.fragments)
    }

    /// Packet and datagram of each first fragment of the batch so far, in order of packets.
    pub fn take_firsts(&mut self) -> Vec<(u32, u64)> {
        std::mem::take(&mut self.firsts)
    }

    /// The facts of packets around tunnels, each with the index of its packet, in order.
    pub fn take_outer(&mut self) -> Vec<(u32, Facts)> {
        self.outer.as_mut().map(std::mem::take).unwrap_or_default()
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

/// Puts the anomalies of a packet in the order of layers: those of a datagram came last.
fn in_order(anomalies: &mut [Anomaly]) {
    anomalies.sort_by_key(|anomaly| anomaly.at.layer);
    let mut next = (0, 0);
    for anomaly in anomalies {
        if anomaly.at.layer != next.0 {
            next = (anomaly.at.layer, 0);
        }
        anomaly.at.index = next.1;
        next.1 += 1;
    }
}

/// Bytes to walk over.
#[derive(Clone, Copy)]
struct Stretch<'b> {
    /// What is at their start.
    selector: Selector,
    bytes: &'b [u8],
    /// How many there are by the lengths around.
    length: usize,
    /// Where they begin in the packet.
    base: usize,
}

/// Lets a protocol decode the header at the start of `bytes`, of which there are `length` by the
/// headers around.
#[inline]
fn decode(
    info: Info,
    protocol: &mut dyn Protocol,
    (selector, bytes, length): (Selector, &[u8], usize),
    cx: &mut Context<'_>,
) -> (Outcome, Extent) {
    cx.protocol = info.name;
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
    (protocol.decode(&input, cx), extent)
}

/// The part of a walk that touches the protocols.
struct Layers<'w> {
    protocols: &'w mut Protocols,
    silent: &'w mut Protocols,
    selectors: &'w Selectors,
    paths: &'w mut Paths,
    path: usize,
    /// Layers decoded in this packet.
    steps: i32,
    /// Layers before that one have their rows.
    silent_until: i32,
    /// The facts of a datagram at that layer.
    known: Option<Facts>,
    truncated: bool,
}

impl Layers<'_> {
    /// Walks over layers until there is no protocol to go on with; `false` if there was none to
    /// begin with a link type.
    fn walk(&mut self, stretch: Stretch<'_>, cx: &mut Context<'_>) -> bool {
        let selectors = self.selectors;
        let (mut selector, mut length) = (stretch.selector, stretch.length);
        let noted = cx.fragments.len();
        loop {
            let rest = stretch
                .bytes
                .get(cx.start - stretch.base..)
                .unwrap_or_default();
            let rest = rest.get(..length).unwrap_or(rest);
            let next = match (selector, selectors.header(selector)) {
                (Selector::Payload(transport), _) => {
                    let candidates = selectors.candidates(transport);
                    self.messages(candidates, transport, rest, length, cx)
                }
                (_, Some(id)) => self.layer(id, selector, rest, length, cx),
                (Selector::LinkType(_), None) => return false,
                (_, None) => None,
            };
            match next {
                Some((next, its_length)) if cx.layer < MOST_LAYERS => {
                    (selector, length) = (next, its_length);
                }
                _ => break,
            }
        }
        for seen in cx.fragments.iter_mut().skip(noted) {
            seen.layers = seen.layers.max(self.steps - seen.place.steps);
        }
        true
    }

    /// Goes on from the fragment noted last with the datagram that is complete with it.
    fn datagram(&mut self, whole: &Whole, cx: &mut Context<'_>) {
        let Some(seen) = cx.fragments.last().cloned() else {
            return;
        };
        let place = seen.place;
        let fragment = std::mem::replace(&mut cx.facts, place.before);
        (cx.layer, cx.start, self.path) = (place.layer, seen.start, place.path);
        self.silent_until = self.silent_until.max(place.layer + whole.layers);
        self.known = None;
        let stretch = Stretch {
            selector: place.selector,
            bytes: &whole.bytes,
            length: whole.bytes.len(),
            base: seen.start,
        };
        self.walk(stretch, cx);
        let known = self.known.unwrap_or(cx.facts);
        cx.facts = fragment.completed(&known, &cx.facts);
    }

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
        if cx.layer < self.silent_until {
            return self.silent_layer(id, selector, bytes, length, cx);
        }
        let (entry, protocol) = self.protocols.get_mut(usize::from(id))?;
        let (info, noted) = (entry.info, cx.fragments.len());
        let (outcome, extent) = decode(info, protocol.as_mut(), (selector, bytes, length), cx);
        if let Some(seen) = cx.fragments.get_mut(noted) {
            (seen.place.path, seen.place.steps) = (self.path, self.steps);
        }
        // The first fragment of a datagram may be shorter than the header in it: no fault, and
        // no layer.
        let missing = matches!(outcome, Outcome::NeedMore { .. })
            && extent == Extent::Complete
            && cx.facts.is_partial();
        let is_row = cx.fragments.len() > noted;
        if missing {
            cx.facts.behead();
        }
        if outcome == Outcome::NotMine || (missing && !is_row) {
            return None;
        }
        self.steps += 1;
        self.path = self.paths.step(self.path, id, info.name);
        if missing {
            return None;
        }
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

    /// Reads a header again that was decoded with the first fragment of its datagram.
    fn silent_layer(
        &mut self,
        id: u8,
        selector: Selector,
        bytes: &[u8],
        length: usize,
        cx: &mut Context<'_>,
    ) -> Option<(Selector, usize)> {
        let (entry, protocol) = self.silent.get_mut(usize::from(id))?;
        let info = entry.info;
        let (anomalies, malformed, noted) = (cx.anomalies.len(), cx.malformed, cx.fragments.len());
        // The packets around tunnels were kept with the first fragment, too.
        let outer = cx.outer.take();
        let (outcome, _) = decode(info, protocol.as_mut(), (selector, bytes, length), cx);
        cx.outer = outer;
        cx.anomalies.truncate(anomalies);
        cx.malformed = malformed;
        if let Some(seen) = cx.fragments.get_mut(noted) {
            (seen.place.path, seen.place.steps) = (self.path, self.steps);
        }
        if matches!(outcome, Outcome::NeedMore { .. }) && cx.facts.is_partial() {
            cx.facts.behead();
            return None;
        }
        self.steps += 1;
        self.path = self.paths.step(self.path, id, info.name);
        let Outcome::Done { bytes, next } = outcome else {
            return None;
        };
        cx.start += bytes;
        cx.layer += 1;
        if cx.layer == self.silent_until {
            self.known = Some(cx.facts);
        }
        match next {
            Next::Layer { selector, length } => Some((selector, length)),
            Next::Nothing => None,
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
