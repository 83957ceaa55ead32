//! Counts over the flows that ended within a time before a flow's end, but not at the same time.

use foldhash::fast::FixedState;
use hashbrown::HashMap;

use super::{Ended, end_of};

/// Which flows are counted: those that have these columns in common, and which column tells peers apart.
#[derive(Debug)]
struct Group {
    name: &'static str,
    of: &'static str,
    columns: &'static [&'static str],
    peer: Option<(&'static str, &'static str)>,
}

static GROUPS: [Group; 4] = [
    Group {
        name: "src",
        of: "that the same host opened",
        columns: &["src_ip"],
        peer: Some(("dst_ip", "hosts that it opened them to")),
    },
    Group {
        name: "dst",
        of: "that were opened to the same host",
        columns: &["dst_ip"],
        peer: Some(("src_ip", "hosts that opened them")),
    },
    Group {
        name: "pair",
        of: "that the same host opened to the same host",
        columns: &["src_ip", "dst_ip"],
        peer: None,
    },
    Group {
        name: "service",
        of: "that were opened to the same host, port and protocol",
        columns: &["dst_ip", "dst_port", "protocol"],
        peer: Some(("src_ip", "hosts that opened them")),
    },
];

/// Times before a flow's end: as in names, and in seconds.
const WINDOWS: [(&str, i64); 3] = [("2s", 2), ("60s", 60), ("600s", 600)];

/// What is counted of the flows of a group in a window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Measure {
    Flows,
    Peers,
    Ports,
    Packets,
    Bytes,
    Failed,
}

const MEASURES: [(&str, Measure); 6] = [
    ("flows", Measure::Flows),
    ("peers", Measure::Peers),
    ("ports", Measure::Ports),
    ("packets", Measure::Packets),
    ("bytes", Measure::Bytes),
    ("failed", Measure::Failed),
];

/// States of TCP connections that were not established, in Zeek's terms.
pub(super) const NOT_ESTABLISHED: [&str; 6] = ["S0", "REJ", "RSTOS0", "RSTRH", "SH", "SHR"];

/// A count over flows of a group in a window.
#[derive(Debug)]
pub(super) struct Window {
    pub(super) name: String,
    group: &'static Group,
    window: i64,
    measure: Measure,
}

/// All of them.
pub(super) fn all() -> Vec<Window> {
    let mut all = Vec::new();
    for group in &GROUPS {
        for (window, seconds) in WINDOWS {
            for (what, measure) in MEASURES {
                if measure != Measure::Peers || group.peer.is_some() {
                    all.push(Window {
                        name: format!("{}_{window}_{what}", group.name),
                        group,
                        window: seconds * 1_000_000_000,
                        measure,
                    });
                }
            }
        }
    }
    all
}

impl Window {
    /// What it means.
    pub(super) fn doc(&self) -> String {
        let (seconds, of) = (self.window / 1_000_000_000, self.group.of);
        let flows = format!("flows {of}");
        let when = format!("and that ended within {seconds} s before this one's end");
        match (self.measure, self.group.peer) {
            (Measure::Peers, Some((_, peers))) => {
                format!("Different {peers}, of the {flows}, {when}.")
            }
            (Measure::Ports, _) => format!("Different ports of responders of the {flows}, {when}."),
            (Measure::Packets, _) => format!("Packets of the {flows}, {when}."),
            (Measure::Bytes, _) => format!("Bytes on the wire of the {flows}, {when}."),
            (Measure::Failed, _) => {
                format!("TCP connections that were not established, of the {flows}, {when}.")
            }
            (Measure::Flows | Measure::Peers, _) => format!("Flows {of}, {when}."),
        }
    }

    /// Its unit; empty without one.
    pub(super) fn unit(&self) -> &'static str {
        match self.measure {
            Measure::Packets => "packets",
            Measure::Bytes => "bytes",
            _ => "",
        }
    }

    /// The columns that its flows have in common.
    pub(super) fn group(&self) -> &'static [&'static str] {
        self.group.columns
    }

    /// It counts what is different, for which not every engine has a window.
    pub(super) fn is_distinct(&self) -> bool {
        matches!(self.measure, Measure::Peers | Measure::Ports)
    }

    /// Its calculation in SQL, over a table with `end_ns`.
    pub(super) fn sql(&self) -> String {
        let states = NOT_ESTABLISHED.map(|state| format!("'{state}'")).join(", ");
        let counted = match (self.measure, self.group.peer) {
            (Measure::Peers, Some((peer, _))) => format!("count(DISTINCT {peer})"),
            (Measure::Ports, _) => "count(DISTINCT dst_port)".to_owned(),
            (Measure::Packets, _) => "sum(packets)".to_owned(),
            (Measure::Bytes, _) => "sum(wire_bytes)".to_owned(),
            (Measure::Failed, _) => {
                format!(
                    "count(CASE WHEN protocol = 6 AND connection_state IN ({states}) THEN 1 END)"
                )
            }
            (Measure::Flows | Measure::Peers, _) => "count(*)".to_owned(),
        };
        format!(
            "CAST(coalesce({counted} OVER (PARTITION BY {} ORDER BY end_ns RANGE BETWEEN {} PRECEDING AND 1 PRECEDING), 0) \
             AS bigint)",
            self.group.columns.join(", "),
            self.window,
        )
    }

    /// Counts for the flows `same` of a group, which are in the order of their ends.
    pub(super) fn count(&self, flows: &[Ended], same: &[u32], values: &mut [i64]) {
        let mut sum = 0_i64;
        let mut different: HashMap<i64, u32, FixedState> = HashMap::default();
        // Flows from `oldest` up to, not with, `newest` are in the window.
        let (mut oldest, mut newest) = (0, 0);
        let flow = |at: usize| same.get(at).and_then(|row| flows.get(*row as usize));
        for row in same {
            let end = end_of(flows, *row);
            while let Some(entering) = flow(newest).filter(|f| f.end_ns < end) {
                match self.of(entering) {
                    Value::Adds(value) => sum = sum.saturating_add(value),
                    Value::Is(Some(value)) => *different.entry(value).or_default() += 1,
                    Value::Is(None) => {}
                }
                newest += 1;
            }
            let first = end.saturating_sub(self.window);
            while let Some(leaving) = flow(oldest).filter(|f| oldest < newest && f.end_ns < first) {
                match self.of(leaving) {
                    Value::Adds(value) => sum = sum.saturating_sub(value),
                    Value::Is(Some(value)) => {
                        if let Some(count) = different.get_mut(&value) {
                            *count -= 1;
                            if *count == 0 {
                                different.remove(&value);
                            }
                        }
                    }
                    Value::Is(None) => {}
                }
                oldest += 1;
            }
            if let Some(slot) = values.get_mut(*row as usize) {
                *slot = match self.is_distinct() {
                    true => i64::try_from(different.len()).unwrap_or(i64::MAX),
                    false => sum,
                };
            }
        }
    }

    fn of(&self, flow: &Ended) -> Value {
        match self.measure {
            Measure::Flows => Value::Adds(1),
            Measure::Packets => Value::Adds(flow.packets),
            Measure::Bytes => Value::Adds(flow.bytes),
            Measure::Failed => Value::Adds(flow.failed.into()),
            Measure::Ports => Value::Is((flow.ports[1] >= 0).then(|| flow.ports[1].into())),
            Measure::Peers => Value::Is(match self.group.peer {
                Some(("src_ip", _)) => Some(flow.src.into()),
                Some(_) => Some(flow.dst.into()),
                None => None,
            }),
        }
    }
}

/// What a flow of the window is to a count.
enum Value {
    /// A part of a sum.
    Adds(i64),
    /// One of different values.
    Is(Option<i64>),
}
