//! Ground truth as it is once a file was read and found right: rules, what the file vouches for,
//! and how conflicts are decided. Data only; reading is in [`crate::label::document`], matching in
//! [`crate::label::labeler`].

use std::collections::BTreeMap;

use crate::label::captures::Captures;
use crate::label::condition::Condition;
use crate::label::interval::Interval;
use crate::label::packets::Numbers;
use crate::label::service::{Icmp, Ports};
use crate::label::side::Hosts;
use crate::label::verdict::State;

/// One ground-truth file.
#[derive(Debug, Clone)]
pub struct GroundTruth {
    /// Name of the file in reports, without folders.
    pub(super) file: String,
    pub(super) conflicts: Conflicts,
    /// The file says itself how conflicts are decided.
    pub(super) conflicts_stated: bool,
    pub(super) rules: Vec<Rule>,
    pub(super) covers: Vec<Cover>,
    /// What is labeled, if the file says so.
    pub(super) unit: Option<Unit>,
    /// Lines of a file of others that should be rules, and could not be read.
    pub(super) left_out: Vec<LeftOut>,
    /// What was decided in reading a file of others.
    pub(super) read_as: Vec<String>,
    /// Anything else that the file keeps (`extra:`).
    pub(super) extra: Option<serde_json::Value>,
}

/// Lines that are no rules for one reason.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct LeftOut {
    pub(super) why: String,
    pub(super) lines: u64,
    /// File and line of the first.
    pub(super) first: String,
}

impl GroundTruth {
    /// Name of the file, as reports and claims cite it.
    pub fn file(&self) -> &str {
        &self.file
    }

    /// Cites the file by another name: the name of the file without its folders, as it is by
    /// default, may not be enough to tell two files apart.
    pub fn set_file(&mut self, name: impl Into<String>) {
        self.file = name.into();
    }

    /// The rules, in the order of the file.
    pub fn rules(&self) -> &[Rule] {
        &self.rules
    }

    /// What stands under `extra:` at the top of the file; netcap makes nothing of it.
    pub fn extra(&self) -> Option<&serde_json::Value> {
        self.extra.as_ref()
    }
}

/// What a label is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Unit {
    /// Each flow.
    #[default]
    Flow,
    /// Connections: all their parts are tested by the time of the whole.
    Connection,
}

/// Which of several rules of equal priority decides the label of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Conflicts {
    #[default]
    First,
    Last,
    All,
    Ambiguous,
}

/// One attack.
#[derive(Debug, Clone)]
pub struct Rule {
    pub(super) id: String,
    pub(super) label: String,
    /// Line of the file, from 1.
    pub(super) line: u32,
    pub(super) priority: i64,
    pub(super) attackers: Hosts,
    pub(super) victims: Hosts,
    /// The rule's own window; an episode each.
    pub(super) time: Vec<Interval>,
    /// What the rule says, then what each refinement says; the last that matches decides.
    pub(super) variants: Vec<Variant>,
    /// Only flows of these captures.
    pub(super) captures: Option<Captures>,
    /// Only flows with one of these ids.
    pub(super) ids: Option<Ids>,
    /// Only these packets.
    pub(super) packets: Option<Numbers>,
    /// Packets of the capture that was labeled.
    pub(super) capture_packets: Option<u64>,
    /// ICMP errors that quote a packet of the attack belong to it.
    pub(super) icmp_errors: bool,
    /// How long around the times flows are excluded, in nanoseconds.
    pub(super) grey: i64,
    /// By how much the times were made longer, before and after, in nanoseconds.
    pub(super) slack: [i64; 2],
    /// `id#1`, `id#2` … for the intervals of `time`.
    pub(super) episodes: Vec<String>,
    pub(super) mitre: Vec<String>,
    /// Flows that the authors report, by state.
    pub(super) expected: BTreeMap<State, u64>,
    pub(super) extra: Option<serde_json::Value>,
}

impl Rule {
    /// Name of the rule, as the column `label_rule` cites it.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Class of the attack; `benign` if the rule says that it is none.
    pub fn label(&self) -> &str {
        &self.label
    }

    /// Line of the file where the rule stands, from 1.
    pub fn line(&self) -> u32 {
        self.line
    }

    /// MITRE ATT&CK techniques and tactics.
    pub fn mitre(&self) -> &[String] {
        &self.mitre
    }

    /// What stands under `extra:` in the rule.
    pub fn extra(&self) -> Option<&serde_json::Value> {
        self.extra.as_ref()
    }

    /// The intervals of capture time (first and last nanosecond since 1970 UTC) in which the rule
    /// itself applies, in the order of the file; a bound that is always open is the least or
    /// greatest number.
    pub fn intervals(&self) -> impl Iterator<Item = (i64, i64)> + '_ {
        self.time
            .iter()
            .map(|interval| (interval.start, interval.end))
    }

    /// Whether it claims just what a rule with this time, and with ports or without, says by itself: nothing of it
    /// comes from `defaults:` but hosts.
    pub fn is_plain(&self, (start, end): (i64, i64), with_ports: bool) -> bool {
        let times = self
            .time
            .iter()
            .map(|time| (time.start, time.end, time.unsure));
        let base = |base: &Variant| {
            base.state == Some(State::Malicious)
                && base.test == Test::Overlap
                && base.direction == Direction::Either
                && base.ports.is_some() == with_ports
                && base.protocols.is_none()
                && base.icmp.is_none()
                && base.conditions.is_empty()
        };
        times.eq([(start, end, 0)])
            && matches!(self.variants.as_slice(), [only] if base(only))
            && (self.captures.is_none() && self.ids.is_none() && self.packets.is_none())
            && self.grey == 0
    }

    /// Moves both ends of its times out by so many nanoseconds.
    pub(super) fn widen(&mut self, by: i64) {
        let variants = self
            .variants
            .iter_mut()
            .flat_map(|variant| &mut variant.time);
        for interval in self.time.iter_mut().chain(variants) {
            interval.start = interval.start.saturating_sub(by);
            interval.end = interval.end.saturating_add(by);
        }
    }

    /// Whether it claims packets, and flows by their packets.
    pub(super) fn is_of_packets(&self) -> bool {
        self.variants
            .first()
            .is_some_and(|base| base.test == Test::Packet)
    }

    /// Looks which captures of an output are meant, by their names in the order of ordinals.
    pub(super) fn find_captures(&mut self, names: &[String]) {
        if let Some(captures) = &mut self.captures {
            captures.find(names);
        }
        self.attackers.find_captures(names);
        self.victims.find_captures(names);
    }

    /// Whether it says of flows that they only look like an attack.
    pub(super) fn is_benign(&self) -> bool {
        self.label.eq_ignore_ascii_case("benign")
    }
}

/// What flows are known by.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Ids {
    /// `flow_uid`, Community ID; each sorted.
    pub(super) of: [Vec<String>; 2],
}

impl Ids {
    /// Whether a flow is one of them.
    pub(super) fn contain(&self, ids: [Option<&str>; 2]) -> bool {
        let is_one = |(known, id): (&Vec<String>, Option<&str>)| {
            id.is_some_and(|id| {
                known
                    .binary_search_by(|known| known.as_str().cmp(id))
                    .is_ok()
            })
        };
        self.of.iter().zip(ids).any(is_one)
    }
}

/// A rule, or one of its refinements: under which conditions which state.
#[derive(Debug, Clone)]
pub(super) struct Variant {
    /// `None`: the rule does not apply.
    pub(super) state: Option<State>,
    pub(super) category: Option<i64>,
    pub(super) time: Vec<Interval>,
    pub(super) test: Test,
    pub(super) direction: Direction,
    /// `None`: any.
    pub(super) ports: Option<Vec<Ports>>,
    /// `None`: any.
    pub(super) protocols: Option<Vec<u8>>,
    /// `None`: any, and flows of other protocols.
    pub(super) icmp: Option<Vec<Icmp>>,
    /// All must hold: a refinement narrows the condition of its rule.
    pub(super) conditions: Vec<Condition>,
}

/// What of a flow must lie in an interval.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Test {
    Overlap,
    Start,
    End,
    Contained,
    /// More than half of the flow's time; of a flow without length, its start.
    Majority,
    /// One of its packets.
    Packet,
}

/// Who opened the flow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Direction {
    Either,
    Forward,
    Reverse,
}

/// Hosts and a time that a file vouches for.
#[derive(Debug, Clone)]
pub(super) struct Cover {
    pub(super) hosts: Hosts,
    pub(super) time: Vec<Interval>,
    /// Only flows of these captures.
    pub(super) captures: Option<Captures>,
}
