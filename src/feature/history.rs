//! What hosts did before: for each flow, counts over the flows that ended within a time before its end. Nothing
//! here looks ahead: when a flow ends, all of it is known. docs/features.md, "What hosts did before".
//!
//! Which files flows are read from is decided elsewhere.

use std::collections::BTreeSet;
use std::sync::{Arc, LazyLock};

use arrow::array::{Array, ArrayRef, AsArray, Int64Array, RecordBatch};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field, Int64Type, Schema};
use foldhash::fast::FixedState;
use hashbrown::HashMap;
use netcap_proto::{Column, Encoding, Kind, Table, Type};
use rayon::prelude::*;

use crate::error::{Error, Result};

/// Which flows are counted: those that have these columns in common, and which of them tells peers apart.
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
const NOT_ESTABLISHED: [&str; 6] = ["S0", "REJ", "RSTOS0", "RSTRH", "SH", "SHR"];

/// A column of history.
struct Counted {
    name: String,
    group: &'static Group,
    window: i64,
    measure: Measure,
}

static COUNTED: LazyLock<Vec<Counted>> = LazyLock::new(|| {
    let mut all = Vec::new();
    for group in &GROUPS {
        for (window, seconds) in WINDOWS {
            for (what, measure) in MEASURES {
                if measure != Measure::Peers || group.peer.is_some() {
                    all.push(Counted {
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
});

impl Counted {
    fn doc(&self) -> String {
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

    fn unit(&self) -> &'static str {
        match self.measure {
            Measure::Packets => "packets",
            Measure::Bytes => "bytes",
            _ => "",
        }
    }

    /// In DuckDB, over a table with `end_ns`.
    fn sql(&self) -> String {
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
             AS bigint) AS {}",
            self.group.columns.join(", "),
            self.window,
            self.name
        )
    }
}

/// The columns of history that are among `used`, as DuckDB calculates them, each with a comma before it.
pub(super) fn sql_of(used: &BTreeSet<&str>) -> String {
    let wanted = COUNTED.iter().filter(|c| used.contains(c.name.as_str()));
    wanted.fold(String::new(), |sql, counted| {
        format!("{sql},\n    {}", counted.sql())
    })
}

/// The columns of a table of flows that history is calculated from.
pub const NEEDED: [&str; 10] = [
    "flow",
    "ts_ns",
    "duration_ns",
    "src_ip",
    "dst_ip",
    "dst_port",
    "protocol",
    "packets",
    "wire_bytes",
    "connection_state",
];

/// The table of flows with the columns of history beside its own.
pub(super) fn with_history(flows: &'static Table) -> &'static Table {
    let mut columns = flows.columns.to_vec();
    for counted in COUNTED.iter() {
        columns.push(Column {
            name: String::leak(counted.name.clone()),
            number: 0,
            path: &[],
            ty: Type::Int64,
            kind: Kind::Plain,
            nullable: false,
            repeated: false,
            doc: String::leak(counted.doc()),
            unit: counted.unit(),
            source: "",
            encoding: Encoding::Default,
            names: None,
            children: &[],
        });
    }
    Box::leak(Box::new(Table {
        columns: Vec::leak(columns),
        ..*flows
    }))
}

/// A flow, as far as history needs it. Texts are numbers.
#[derive(Debug, Clone, Copy)]
struct Ended {
    end_ns: i64,
    packets: i64,
    bytes: i64,
    src: u32,
    dst: u32,
    /// None is -1.
    port: i32,
    protocol: i32,
    failed: bool,
}

/// What hosts did before each flow of a table.
#[derive(Debug, Default)]
pub struct History {
    addresses: HashMap<String, u32, FixedState>,
    flows: Vec<Ended>,
    rows: HashMap<i64, u32, FixedState>,
    columns: Vec<(&'static str, Vec<i64>)>,
}

impl History {
    /// Adds flows of the table: a batch with the columns [`NEEDED`].
    pub fn add(&mut self, batch: &RecordBatch) -> Result<()> {
        let [flow, start, duration, port, protocol, packets, bytes] = [
            "flow",
            "ts_ns",
            "duration_ns",
            "dst_port",
            "protocol",
            "packets",
            "wire_bytes",
        ]
        .map(|name| column(batch, name, &DataType::Int64));
        let numbers = [flow?, start?, duration?, port?, protocol?, packets?, bytes?];
        let numbers = numbers.each_ref().map(|a| a.as_primitive::<Int64Type>());
        let [flow, start, duration, port, protocol, packets, bytes] = numbers;
        let texts = ["src_ip", "dst_ip", "connection_state"]
            .map(|name| column(batch, name, &DataType::Utf8));
        let [src, dst, state] = texts;
        let (src, dst, state) = (src?, dst?, state?);
        let (src, dst) = (src.as_string::<i32>(), dst.as_string::<i32>());
        let state = state.as_string::<i32>();
        for row in 0..batch.num_rows() {
            let narrow = |array: &Int64Array| i32::try_from(array.value(row)).unwrap_or(-1);
            let state = state.is_valid(row).then(|| state.value(row));
            let ended = Ended {
                end_ns: start.value(row).saturating_add(duration.value(row)),
                packets: packets.value(row),
                bytes: bytes.value(row),
                src: self.address(src.value(row)),
                dst: self.address(dst.value(row)),
                port: if port.is_null(row) { -1 } else { narrow(port) },
                protocol: narrow(protocol),
                failed: protocol.value(row) == 6
                    && state.is_some_and(|state| NOT_ESTABLISHED.contains(&state)),
            };
            let number = u32::try_from(self.flows.len())
                .map_err(|_| Error::new("history counts at most 4,294,967,295 flows"))?;
            self.rows.insert(flow.value(row), number);
            self.flows.push(ended);
        }
        Ok(())
    }

    fn address(&mut self, text: &str) -> u32 {
        if let Some(known) = self.addresses.get(text) {
            return *known;
        }
        // Not more than flows have, which are counted.
        let number = u32::try_from(self.addresses.len()).unwrap_or(u32::MAX);
        self.addresses.insert(text.to_owned(), number);
        number
    }

    /// All flows were added: counts the columns that are among `used`.
    pub fn finish(&mut self, used: &BTreeSet<&str>) {
        let wanted: Vec<&'static Counted> = COUNTED
            .iter()
            .filter(|c| used.contains(c.name.as_str()))
            .collect();
        let flows = &self.flows;
        let by_group = GROUPS.par_iter().map(|group| {
            let wanted: Vec<_> = wanted
                .iter()
                .filter(|c| std::ptr::eq(c.group, group))
                .collect();
            if wanted.is_empty() {
                return Vec::new();
            }
            let key = |row: u32| key_of(group, flows, row);
            let mut order: Vec<u32> = (0..).take(flows.len()).collect();
            order.sort_unstable_by_key(|row| (key(*row), end_of(flows, *row), *row));
            let mut counts: Vec<Vec<i64>> = wanted.iter().map(|_| vec![0; flows.len()]).collect();
            for same in order.chunk_by(|a, b| key(*a) == key(*b)) {
                for (counted, values) in wanted.iter().zip(&mut counts) {
                    counted.count(flows, same, values);
                }
            }
            let names = wanted.iter().map(|counted| counted.name.as_str());
            names.zip(counts).collect::<Vec<(&'static str, Vec<i64>)>>()
        });
        let columns: Vec<_> = by_group.collect();
        self.columns = columns.into_iter().flatten().collect();
    }

    /// The flows of a batch with the columns of history after their own.
    pub fn beside(&self, batch: &RecordBatch) -> Result<RecordBatch> {
        let flow = column(batch, "flow", &DataType::Int64)?;
        let rows: Vec<u32> = flow
            .as_primitive::<Int64Type>()
            .values()
            .iter()
            .map(|flow| self.rows.get(flow).copied())
            .collect::<Option<_>>()
            .ok_or_else(|| Error::new("the table of flows has changed while it was read"))?;
        let mut fields = batch.schema().fields().to_vec();
        let mut arrays = batch.columns().to_vec();
        for (name, values) in &self.columns {
            let value = |row: &u32| values.get(*row as usize).copied();
            let array: Int64Array = rows.iter().map(value).collect();
            fields.push(Arc::new(Field::new(*name, DataType::Int64, true)));
            arrays.push(Arc::new(array));
        }
        Ok(RecordBatch::try_new(Arc::new(Schema::new(fields)), arrays)?)
    }
}

fn column(batch: &RecordBatch, name: &str, ty: &DataType) -> Result<ArrayRef> {
    let column = batch.column_by_name(name);
    let column = column.ok_or_else(|| Error::new(format!("a table of flows has no column {name}")));
    Ok(cast(column?, ty)?)
}

fn key_of(group: &Group, flows: &[Ended], row: u32) -> (u32, u32, i32, i32) {
    let Some(flow) = flows.get(row as usize) else {
        return (0, 0, 0, 0);
    };
    let has = |name: &str| group.columns.contains(&name);
    let pick = |name, value| if has(name) { value } else { 0 };
    (
        pick("src_ip", flow.src),
        pick("dst_ip", flow.dst),
        if has("dst_port") { flow.port } else { 0 },
        if has("protocol") { flow.protocol } else { 0 },
    )
}

fn end_of(flows: &[Ended], row: u32) -> i64 {
    flows.get(row as usize).map_or(0, |flow| flow.end_ns)
}

impl Counted {
    /// Counts for the flows `same` of a group, which are in the order of their ends.
    fn count(&self, flows: &[Ended], same: &[u32], values: &mut [i64]) {
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
                *slot = match self.measure {
                    Measure::Peers | Measure::Ports => {
                        i64::try_from(different.len()).unwrap_or(i64::MAX)
                    }
                    _ => sum,
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
            Measure::Ports => Value::Is((flow.port >= 0).then(|| flow.port.into())),
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

#[cfg(test)]
mod tests {
    use super::{BTreeSet, Ended, History};

    const SECOND: i64 = 1_000_000_000;

    fn flow(end_s: i64, src: u32, dst: u32, port: i32, failed: bool) -> Ended {
        Ended {
            end_ns: end_s * SECOND,
            packets: 10,
            bytes: 100 + end_s,
            src,
            dst,
            port,
            protocol: 6,
            failed,
        }
    }

    fn counted(flows: &[Ended], name: &str) -> Vec<i64> {
        let mut history = History {
            flows: flows.to_vec(),
            ..History::default()
        };
        history.finish(&BTreeSet::from([name]));
        history.columns.remove(0).1
    }

    #[test]
    fn only_flows_that_ended_before_and_within_the_window_count() {
        // Not in the order of their ends, as in a table of flows.
        let flows = [
            flow(60, 1, 2, 80, false),
            flow(0, 1, 2, 80, true),
            flow(60, 1, 3, 80, true),
            flow(61, 1, 3, 81, false),
            flow(30, 9, 2, 80, false),
            flow(62, 1, 2, -1, false),
        ];
        // What ended at the same time is not seen; what ended exactly a window before is.
        assert_eq!(counted(&flows, "src_60s_flows"), [1, 0, 1, 2, 0, 3]);
        assert_eq!(counted(&flows, "src_60s_peers"), [1, 0, 1, 2, 0, 2]);
        assert_eq!(counted(&flows, "src_60s_ports"), [1, 0, 1, 1, 0, 2]);
        assert_eq!(counted(&flows, "src_60s_failed"), [1, 0, 1, 1, 0, 1]);
        assert_eq!(counted(&flows, "dst_60s_peers"), [2, 0, 0, 1, 1, 2]);
        assert_eq!(counted(&flows, "pair_2s_flows"), [0, 0, 0, 1, 0, 1]);
        assert_eq!(counted(&flows, "service_60s_flows"), [2, 0, 0, 0, 1, 0]);
        assert_eq!(
            counted(&flows, "src_600s_bytes"),
            [100, 0, 100, 420, 0, 581]
        );
    }

    #[test]
    fn without_flows_there_is_no_history() {
        assert!(counted(&[], "src_60s_flows").is_empty());
    }
}
