//! What ground truth says of one flow: the label columns, and the claims that they come from.

use std::net::IpAddr;

use crate::label::columns::Value;

/// What of a flow decides its label.
pub struct FlowFacts<'a> {
    /// Address of the side that opened the flow.
    pub src_ip: IpAddr,
    /// Address of the other side.
    pub dst_ip: IpAddr,
    /// Port of the side that opened the flow; `None` where the protocol has none.
    pub src_port: Option<u16>,
    /// Port of the other side.
    pub dst_port: Option<u16>,
    /// Transport protocol, as IANA numbers them.
    pub protocol: u8,
    /// First packet, in nanoseconds since 1970 UTC.
    pub start_ns: i64,
    /// Last packet, in nanoseconds since 1970 UTC.
    pub end_ns: i64,
    /// The value of the nth of the columns that [`crate::label::read`] was given; asked for only
    /// where a condition needs it.
    pub values: &'a dyn Fn(usize) -> Value<'a>,
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
    pub claims: Vec<Claim>,
}

/// One rule that matched a flow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Claim {
    /// The rule, for [`crate::label::Labeler::rule`].
    pub rule: usize,
    /// Who opened the flow.
    pub direction: FlowDirection,
    /// What the rule says of the flow (for itself, were its clock exact).
    pub state: State,
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
