//! What ground truth says of one flow: the label columns, and the claims that they come from.

use std::net::IpAddr;

use crate::label::columns::Value;
use crate::label::host_set::HostSet;

/// One end of a flow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct End {
    /// Its address.
    pub ip: IpAddr,
    /// Its port; `None` where the protocol has none.
    pub port: Option<u16>,
    /// Its MAC address as a number, if it is known and [`crate::label::Labeler::asks`] for it.
    pub mac: Option<u64>,
}

impl End {
    /// An end of which no more is known.
    pub fn new(ip: IpAddr, port: Option<u16>) -> Self {
        Self {
            ip,
            port,
            mac: None,
        }
    }

    #[inline]
    pub(super) fn is_in(&self, set: &HostSet) -> bool {
        set.contains(self.ip) || self.mac.is_some_and(|mac| set.contains_mac(mac))
    }
}

/// What of a flow decides its label.
#[derive(Clone, Copy)]
pub struct FlowFacts<'a> {
    /// The side that opened the flow.
    pub src: End,
    /// The other side.
    pub dst: End,
    /// Transport protocol, as IANA numbers them.
    pub protocol: u8,
    /// First packet, in nanoseconds since 1970 UTC.
    pub start_ns: i64,
    /// Last packet, in nanoseconds since 1970 UTC.
    pub end_ns: i64,
    /// Type and code of the ICMP message that the flow began with.
    pub icmp: Option<(u8, u8)>,
    /// Ordinal of the capture where it began.
    pub capture: Option<usize>,
    /// Its number in the capture, if it is no flow, but a packet without one.
    pub packet: Option<u64>,
    /// What it is known by: `flow_uid`, Community ID; if [`crate::label::Labeler::asks`] for them.
    pub ids: [Option<&'a str>; 2],
    /// How many of its packets the rules for packets claim, by rule.
    pub packets: &'a [PacketCount],
    /// The value of the nth of the columns that [`crate::label::read`] was given; asked for only
    /// where a condition needs it.
    pub values: &'a dyn Fn(usize) -> Value<'a>,
}

impl<'a> FlowFacts<'a> {
    /// A flow from its first to its last packet of which no more is known.
    pub fn new(
        (src, dst): (End, End),
        protocol: u8,
        (start_ns, end_ns): (i64, i64),
        values: &'a dyn Fn(usize) -> Value<'a>,
    ) -> Self {
        Self {
            src,
            dst,
            protocol,
            start_ns,
            end_ns,
            icmp: None,
            capture: None,
            packet: None,
            ids: [None; 2],
            packets: &[],
            values,
        }
    }
}

/// Packets of a flow that a rule for packets claims.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PacketCount {
    /// The rule, for [`crate::label::Labeler::rule`].
    pub rule: usize,
    /// Packets that it surely claims.
    pub sure: u64,
    /// Packets that it may claim: they are so near to a bound that its clock cannot tell.
    pub unsure: u64,
    /// They are ICMP errors that quote a packet of the attack.
    pub quoting: bool,
}

/// State of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Part of an attack.
    Malicious,
    /// Of an attack, but it achieved nothing.
    Attempted,
    /// Vouched for as no attack.
    Benign,
    /// Nobody says anything of it.
    Unknown,
    /// An attack or not: the ground truth is not exact enough.
    Ambiguous,
    /// Not to be used.
    Excluded,
}

impl State {
    /// All states.
    pub const ALL: [Self; 6] = [
        Self::Malicious,
        Self::Attempted,
        Self::Benign,
        Self::Unknown,
        Self::Ambiguous,
        Self::Excluded,
    ];

    /// The state as the column `label_state` has it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Malicious => "malicious",
            Self::Attempted => "attempted",
            Self::Benign => "benign",
            Self::Unknown => "unknown",
            Self::Ambiguous => "ambiguous",
            Self::Excluded => "excluded",
        }
    }

    /// The state of this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == name)
    }
}

/// What ground truth says of a flow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict<'a> {
    /// A class or `benign`; `None` unless that is certain.
    pub label: Option<&'a str>,
    /// The claimed class, also where the attack was only attempted, ambiguous or excluded.
    pub attack: Option<&'a str>,
    /// The state.
    pub state: State,
    /// Category of the state, as the ground truth numbers it.
    pub category: Option<i64>,
    /// Id of the rule that decided.
    pub rule: Option<&'a str>,
    /// Attack episode: the id of the rule, `#`, and which of its intervals it is, from 1.
    pub episode: Option<&'a str>,
    /// All rules that matched, the deciding one first.
    pub claims: Vec<Claim<'a>>,
}

impl Verdict<'_> {
    /// Nobody claims it.
    fn unclaimed(state: State) -> Self {
        Self {
            label: (state == State::Benign).then_some("benign"),
            attack: None,
            state,
            category: None,
            rule: None,
            episode: None,
            claims: Vec::new(),
        }
    }

    /// Of what no rule claims and the ground truth vouches for.
    pub(super) fn vouched_for() -> Self {
        Self::unclaimed(State::Benign)
    }

    /// Of what no rule claims and nobody vouches for.
    pub(super) fn unknown() -> Self {
        Self::unclaimed(State::Unknown)
    }
}

/// One rule that matched a flow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Claim<'a> {
    /// The rule, for [`crate::label::Labeler::rule`].
    pub rule: usize,
    /// Who opened the flow.
    pub direction: FlowDirection,
    /// What the rule says of the flow (for itself, were its clock exact).
    pub state: State,
    /// Category of that state.
    pub category: Option<i64>,
    /// Whether the rule surely applies: not within what its clock is unsure of.
    pub certain: bool,
    /// How the flow lies to the interval.
    pub edge: Edge,
    /// By how much the nearest bound could move before the rule's time test came out otherwise, in
    /// ns; negative if it only matches because the clock is unsure. `None` if the rule always
    /// applies.
    pub distance_ns: Option<i64>,
    /// Whether it made the label.
    pub won: bool,
    /// Which interval of the rule, from 0.
    pub episode: usize,
    /// The name by which a host of the rule was seen, if that is another one.
    pub alias: Option<&'a str>,
    /// The flow is of the hosts of the rule and near its times, but not in them.
    pub grey: bool,
}

/// Who opened a flow, as a rule sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum FlowDirection {
    /// An attacker.
    Forward,
    /// A victim.
    Reverse,
}

impl FlowDirection {
    /// `forward` or `reverse`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Forward => "forward",
            Self::Reverse => "reverse",
        }
    }
}

/// How a flow lies to an interval.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Edge {
    /// Wholly inside.
    Inside,
    /// It began before.
    CrossesStart,
    /// It ended after.
    CrossesEnd,
    /// It began before and ended after.
    Covers,
    /// They do not meet; the rule matches because its clock is unsure.
    Outside,
}

impl Edge {
    /// The edge as the table of claims has it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Inside => "inside",
            Self::CrossesStart => "crosses_start",
            Self::CrossesEnd => "crosses_end",
            Self::Covers => "covers",
            Self::Outside => "outside",
        }
    }
}
