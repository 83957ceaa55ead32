//! The decoder interface, the same for headers, for messages in datagrams and for messages in
//! streams.
//!
//! A protocol is given bytes and what is known of them, and answers with an [`Outcome`]. It keeps
//! its own rows, and tells the layers above what it learned through [`Context`].

use netcap_proto::TableColumns;

use super::context::Context;

/// A protocol: one file in `crate::protocol`, one [`Entry`] in its registry.
pub trait Protocol: Send {
    /// Decodes one header or message at the start of `input`, and adds its rows.
    fn decode(&mut self, input: &Input<'_>, cx: &mut Context<'_>) -> Outcome;

    /// The table that it fills, if it has one.
    fn rows(&mut self) -> Option<&mut dyn TableColumns> {
        None
    }
}

/// What the registry knows of a protocol.
#[derive(Clone, Copy)]
pub struct Entry {
    /// Name and selectors.
    pub info: Info,
    /// Makes one; each worker has its own. `wanted` tells whether its table was asked for.
    pub make: fn(wanted: bool) -> Box<dyn Protocol>,
}

/// Name and selectors of a protocol.
#[derive(Debug, Clone, Copy)]
pub struct Info {
    /// Its name in `path` and `malformed`; that of its table, where it has one.
    pub name: &'static str,
    /// The table that it fills.
    pub table: Option<&'static str>,
    /// Where it is found.
    pub accepts: &'static [Selector],
    /// Ports at which it is tried first. They order the probing and decide nothing.
    pub ports: &'static [u16],
}

/// Where a protocol is found in the layer below.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Selector {
    /// The link type of a capture (LINKTYPE_ number).
    LinkType(u32),
    /// An EtherType.
    EtherType(u16),
    /// An IP protocol number.
    IpProtocol(u8),
    /// The payload of that transport protocol, by content.
    Payload(Transport),
}

/// Transport protocols that carry application protocols.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Transport {
    /// UDP: a datagram is a message.
    Udp,
    /// TCP: a stream of bytes.
    Tcp,
}

/// What a protocol is given.
#[derive(Debug, Clone, Copy)]
pub struct Input<'a> {
    /// The bytes that were captured, from the start of the header or message.
    pub bytes: &'a [u8],
    /// How many bytes there are by the lengths in the headers around; at least `bytes.len()`.
    pub length: usize,
    /// Whether there are, or will be, more bytes than these.
    pub extent: Extent,
    /// Who sent them.
    pub direction: Direction,
    /// One of the two ports is one of the protocol's own.
    pub on_port: bool,
    /// What carries them.
    pub selector: Selector,
}

/// Whether an input is all there is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Extent {
    /// All of it: a whole datagram.
    Complete,
    /// The capture's snap length cut the end; it will never come.
    Cut,
    /// The start of a stream, or its continuation after a message; more may come.
    Prefix,
    /// The continuation of a stream after bytes that were never seen.
    AfterGap,
}

/// Direction of an input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// As the packet was sent; who opened the flow is not known here.
    AsSent,
    /// From the initiator of the flow.
    Forward,
    /// From the responder.
    Backward,
}

/// What a protocol answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// The header or message was decoded and had `bytes` bytes.
    Done {
        /// Length of the header (with what follows) or of the message.
        bytes: usize,
        /// What it carries.
        next: Next,
    },
    /// It is this protocol's, and the input ends too early: at least `bytes` are needed. For a
    /// complete input that is malformed, for a cut one truncated, for a stream neither.
    NeedMore {
        /// Length needed, from the start of the input.
        bytes: usize,
    },
    /// It is not this protocol's.
    NotMine,
    /// It is this protocol's and contradicts its specification, so that it cannot go on.
    Malformed {
        /// What is wrong.
        reason: &'static str,
        /// Where, in bytes from the start of the input.
        at: usize,
    },
}

impl Outcome {
    /// A header after which `next` begins.
    pub fn then(bytes: usize, selector: Selector, length: usize) -> Self {
        Self::Done {
            bytes,
            next: Next::Layer { selector, length },
        }
    }

    /// A header or message that carries nothing that is followed.
    pub fn last(bytes: usize) -> Self {
        Self::Done {
            bytes,
            next: Next::Nothing,
        }
    }
}

/// What a layer carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// Nothing that is followed.
    Nothing,
    /// Another layer, right after the bytes that were consumed.
    Layer {
        /// Which.
        selector: Selector,
        /// Its length by the headers so far.
        length: usize,
    },
}

/// The columns of a protocol's table, with whether the user asked for them.
#[derive(Debug, Default)]
pub struct Rows<C> {
    columns: C,
    wanted: bool,
}

impl<C: TableColumns + Default> Rows<C> {
    /// Empty columns.
    pub fn new(wanted: bool) -> Self {
        Self {
            columns: C::default(),
            wanted,
        }
    }

    /// The columns, if they were asked for. A protocol decodes in any case, since the layers above
    /// need what it finds, but makes no rows in vain.
    #[inline]
    pub fn wanted(&mut self) -> Option<&mut C> {
        self.wanted.then_some(&mut self.columns)
    }

    /// For [`Protocol::rows`].
    pub fn table(&mut self) -> Option<&mut dyn TableColumns> {
        Some(&mut self.columns)
    }
}
