//! The layers of a packet, or of a datagram that was put together: each is decoded by the protocol that
//! its selector names, payloads are probed.

use super::context::{Context, Facts};
use super::datagrams::Whole;
use super::interface::{
    Direction, Entry, Extent, Input, Next, Outcome, Protocol, Selector, Transport,
};
use super::path::Paths;
use super::selectors::{Candidates, Selectors};

/// More layers than this are a loop or an attack on the decoder.
const MOST_LAYERS: i32 = 64;

/// Protocols, by their places in the registry.
pub(super) type Protocols = Vec<(Entry, Box<dyn Protocol>)>;

/// Bytes to walk over.
#[derive(Clone, Copy)]
pub(super) struct Stretch<'b> {
    /// What is at their start.
    pub(super) selector: Selector,
    pub(super) bytes: &'b [u8],
    /// How many there are by the lengths around.
    pub(super) length: usize,
    /// Where they begin in the packet.
    pub(super) base: usize,
}

/// The part of a walk that touches the protocols.
pub(super) struct Layers<'w> {
    pub(super) protocols: &'w mut Protocols,
    pub(super) silent: &'w mut Protocols,
    pub(super) selectors: &'w Selectors,
    pub(super) paths: &'w mut Paths,
    pub(super) path: usize,
    /// Layers decoded in this packet.
    pub(super) steps: i32,
    /// Layers before that one have their rows.
    pub(super) silent_until: i32,
    /// The facts of a datagram at that layer.
    pub(super) known: Option<Facts>,
    pub(super) truncated: bool,
}

impl Layers<'_> {
    /// Walks over layers until there is no protocol to go on with; `false` if there was none to
    /// begin with a link type.
    pub(super) fn walk(&mut self, stretch: Stretch<'_>, cx: &mut Context<'_>) -> bool {
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
                (_, Some(id)) if cx.layer < self.silent_until => {
                    self.again(id, selector, rest, length, cx)
                }
                (_, Some(id)) => self.header(id, selector, rest, length, cx),
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
    pub(super) fn datagram(&mut self, whole: &Whole, cx: &mut Context<'_>) {
        let Some(seen) = cx.fragments.last().cloned() else {
            return;
        };
        let place = seen.place;
        let fragment = std::mem::replace(cx.facts, place.before);
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
        let known = self.known.unwrap_or(*cx.facts);
        *cx.facts = fragment.completed(&known, cx.facts);
    }

    /// A header that was decoded with the first fragment of its datagram: it is read again, for what it tells the
    /// layers above, and leaves nothing else.
    #[cold]
    fn again(
        &mut self,
        id: u8,
        selector: Selector,
        bytes: &[u8],
        length: usize,
        cx: &mut Context<'_>,
    ) -> Option<(Selector, usize)> {
        let (anomalies, malformed) = (cx.anomalies.len(), cx.malformed);
        let truncated = self.truncated;
        // The packets around tunnels were kept with the first fragment, too.
        let outer = cx.outer.take();
        let next = self.header(id, selector, bytes, length, cx);
        cx.outer = outer;
        cx.anomalies.truncate(anomalies);
        (cx.malformed, self.truncated) = (malformed, truncated);
        if cx.layer == self.silent_until {
            self.known = Some(*cx.facts);
        }
        next
    }

    /// Decodes a header; gives what it carries.
    #[inline(always)]
    fn header(
        &mut self,
        id: u8,
        selector: Selector,
        bytes: &[u8],
        length: usize,
        cx: &mut Context<'_>,
    ) -> Option<(Selector, usize)> {
        let protocols = if cx.layer < self.silent_until {
            &mut *self.silent
        } else {
            &mut *self.protocols
        };
        let (entry, protocol) = protocols.get_mut(usize::from(id))?;
        let info = entry.info;
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
        let noted = cx.fragments.len();
        let outcome = protocol.decode(&input, cx);
        let is_fragment = cx.fragments.len() > noted;
        if let Some(seen) = cx.fragments.get_mut(noted) {
            (seen.place.path, seen.place.steps) = (self.path, self.steps);
        }
        if let Outcome::Done { bytes, next } = outcome {
            self.step(id, info.name);
            cx.start += bytes;
            cx.layer += 1;
            return match next {
                Next::Layer { selector, length } => Some((selector, length)),
                Next::Nothing => None,
            };
        }
        // The first fragment of a datagram may be shorter than the header in it: no fault, and
        // no layer, unless that is the IP header itself, whose extensions go on.
        let missing = matches!(outcome, Outcome::NeedMore { .. })
            && extent == Extent::Complete
            && cx.facts.is_partial();
        if missing {
            cx.facts.behead();
        }
        if outcome == Outcome::NotMine || (missing && !is_fragment) {
            return None;
        }
        self.step(id, info.name);
        if !missing {
            self.stop(outcome, extent, bytes.len(), cx);
        }
        None
    }

    #[inline]
    fn step(&mut self, id: u8, name: &'static str) {
        self.steps += 1;
        self.path = self.paths.step(self.path, id, name);
    }

    /// Probes the application protocols, and decodes the messages that lie in the payload; gives
    /// what a tunnel carries.
    fn messages(
        &mut self,
        candidates: &Candidates,
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
        // Most ports are nobody's: then all are tried in one go.
        let ported = ports.is_some_and(|(a, b)| candidates.have(a) || candidates.have(b));
        let passes: &[bool] = if ported { &[true, false] } else { &[false] };
        for wanted in passes.iter().copied() {
            for id in &candidates.ids {
                let Some((entry, protocol)) = self.protocols.get_mut(usize::from(*id)) else {
                    continue;
                };
                if ported && on_port(entry) != wanted {
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
