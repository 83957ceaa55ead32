//! The walk over the layers of a packet.
//!
//! Each layer is decoded once, by the protocol that its selector names; application protocols are
//! probed, those whose port fits first. The walk ends where no protocol is known, where a layer is
//! cut or malformed, or at a depth that no honest packet has.

use netcap_proto::{Symbol, Symbols, TableColumns};

use super::context::{Anomaly, Context, Facts};
use super::datagrams::{Verdict, Whole};
use super::fragment::FragmentSeen;
use super::interface::{Entry, Selector};
use super::layers::{Layers, Protocols, Stretch};
use super::path::Paths;
use super::selectors::{NONE, Selectors};

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
pub struct Seen<'w> {
    /// Its class.
    pub class: Class,
    /// Its layers, as a text of the batch.
    pub path: Symbol,
    /// What the flow table needs.
    pub facts: &'w Facts,
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
    /// Of the present packet.
    facts: Facts,
    anomalies: Vec<Anomaly>,
    fragments: Vec<FragmentSeen>,
    firsts: Vec<(u32, u64)>,
    outer: Option<Vec<(u32, Facts)>>,
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
            facts: Facts::default(),
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
    pub fn packet(&mut self, symbols: &mut Symbols, frame: &Frame<'_>) -> Seen<'_> {
        let calm = self.anomalies.len();
        let (mut layers, mut cx) = self.begin(symbols, frame.index, frame.ts_ns);
        let outermost = Stretch {
            selector: Selector::LinkType(frame.link_type),
            bytes: frame.bytes,
            length: frame.length.max(frame.bytes.len()),
            base: 0,
        };
        if !layers.walk(outermost, &mut cx) {
            return Seen {
                class: Class::Skipped,
                path: layers.paths.symbol(layers.path, cx.symbols),
                facts: &self.facts,
            };
        }
        for found in frame.datagrams {
            match &found.verdict {
                Verdict::Complete(whole) => layers.datagram(whole, &mut cx),
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
        } else if layers.truncated {
            Class::Truncated
        } else {
            Class::Decoded
        };
        Seen {
            class,
            path: layers.paths.symbol(layers.path, cx.symbols),
            facts: &self.facts,
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
        let (mut layers, mut cx) = self.begin(symbols, seen.index, 0);
        layers.datagram(whole, &mut cx);
        self.anomalies.clear();
        self.firsts.clear();
        self.fragments.drain(..).nth(1)
    }

    /// At the first layer of a packet.
    fn begin<'w>(
        &'w mut self,
        symbols: &'w mut Symbols,
        packet: u32,
        ts_ns: i64,
    ) -> (Layers<'w>, Context<'w>) {
        self.facts = Facts::default();
        let cx = Context {
            symbols,
            ts_ns,
            facts: &mut self.facts,
            checksum_ends: None,
            packet,
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
        let layers = Layers {
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
        (layers, cx)
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
