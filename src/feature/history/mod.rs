//! What hosts did before: for each flow, counts over flows that ended before it. Nothing here looks ahead: when a
//! flow ends, all that is counted has ended. docs/features.md, "What hosts did before".
//!
//! Which files flows are read from is decided elsewhere.

mod recent;
#[cfg(test)]
mod tests;
mod windows;

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
use crate::flow::Policy;
use recent::Recent;
use windows::Window;

/// A column of history.
#[derive(Debug)]
enum Counted {
    Window(Window),
    Recent(Recent),
}

static COUNTED: LazyLock<Vec<Counted>> = LazyLock::new(|| {
    let windows = windows::all().into_iter().map(Counted::Window);
    windows
        .chain(recent::ALL.into_iter().map(Counted::Recent))
        .collect()
});

impl Counted {
    fn name(&self) -> &str {
        match self {
            Self::Window(window) => &window.name,
            Self::Recent(recent) => recent.name,
        }
    }

    fn doc(&self) -> String {
        match self {
            Self::Window(window) => window.doc(),
            Self::Recent(recent) => recent.doc(),
        }
    }

    fn unit(&self) -> &'static str {
        match self {
            Self::Window(window) => window.unit(),
            Self::Recent(_) => "",
        }
    }

    /// What the flows that are counted have in common.
    fn group(&self) -> &'static [&'static str] {
        match self {
            Self::Window(window) => window.group(),
            Self::Recent(recent) => recent.group,
        }
    }

    fn sql(&self) -> String {
        match self {
            Self::Window(window) => window.sql(),
            Self::Recent(recent) => recent.sql(),
        }
    }

    fn count(&self, flows: &[Ended], nth: &[u32], same: &[u32], values: &mut [i64]) {
        match self {
            Self::Window(window) => window.count(flows, same, values),
            Self::Recent(_) => recent::count(nth, same, values),
        }
    }
}

fn used_of(used: &BTreeSet<&str>) -> Vec<&'static Counted> {
    let wanted = COUNTED.iter().filter(|c| used.contains(c.name()));
    wanted.collect()
}

/// The columns of history among `used` in SQL, each with a comma before it, over a table with `end_ns` and `nth`;
/// and whether only DuckDB can calculate them.
pub(super) fn sql_of(used: &BTreeSet<&str>) -> (String, bool) {
    let wanted = used_of(used);
    let distinct = |c: &&Counted| matches!(c, Counted::Window(window) if window.is_distinct());
    let sql = wanted.iter().fold(String::new(), |sql, counted| {
        format!("{sql},\n    {} AS {}", counted.sql(), counted.name())
    });
    (sql, wanted.iter().any(distinct))
}

/// The columns of a table of flows that history is calculated from.
pub const NEEDED: [&str; 11] = [
    "flow",
    "ts_ns",
    "duration_ns",
    "src_ip",
    "dst_ip",
    "src_port",
    "dst_port",
    "protocol",
    "packets",
    "wire_bytes",
    "connection_state",
];

/// The tables of flows with the columns of history beside their own. Made once, since what describes a table lives as
/// long as the program.
static WITH_HISTORY: LazyLock<Vec<Table>> =
    LazyLock::new(|| Policy::NAMED.map(|(_, flows)| extended(flows)).into());

/// The table of flows with the columns of history beside its own; `None` of a table that has no flows.
pub(super) fn with_history(flows: &Table) -> Option<&'static Table> {
    WITH_HISTORY.iter().find(|table| table.name == flows.name)
}

fn extended(flows: &Table) -> Table {
    let mut columns = flows.columns.to_vec();
    for counted in &*COUNTED {
        columns.push(Column {
            name: counted.name(),
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
    Table {
        columns: Vec::leak(columns),
        ..*flows
    }
}

/// A flow, as far as history needs it. Texts are numbers.
#[derive(Debug, Clone, Copy)]
struct Ended {
    flow: i64,
    end_ns: i64,
    packets: i64,
    bytes: i64,
    src: u32,
    dst: u32,
    /// Of initiator and responder; none is -1.
    ports: [i32; 2],
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
        let number = |name| column(batch, name, &DataType::Int64);
        let numbers = [
            number("flow")?,
            number("ts_ns")?,
            number("duration_ns")?,
            number("src_port")?,
            number("dst_port")?,
            number("protocol")?,
            number("packets")?,
            number("wire_bytes")?,
        ];
        let numbers = numbers.each_ref().map(|a| a.as_primitive::<Int64Type>());
        let [
            flow,
            start,
            duration,
            src_port,
            dst_port,
            protocol,
            packets,
            bytes,
        ] = numbers;
        let text = |name| column(batch, name, &DataType::Utf8);
        let texts = [text("src_ip")?, text("dst_ip")?, text("connection_state")?];
        let [src, dst, state] = texts.each_ref().map(|a| a.as_string::<i32>());
        for row in 0..batch.num_rows() {
            let narrow = |array: &Int64Array| match array.is_valid(row) {
                true => i32::try_from(array.value(row)).unwrap_or(-1),
                false => -1,
            };
            let state = state.is_valid(row).then(|| state.value(row));
            let ended = Ended {
                flow: flow.value(row),
                end_ns: start.value(row).saturating_add(duration.value(row)),
                packets: packets.value(row),
                bytes: bytes.value(row),
                src: self.address(src.value(row)),
                dst: self.address(dst.value(row)),
                ports: [narrow(src_port), narrow(dst_port)],
                protocol: narrow(protocol),
                failed: protocol.value(row) == 6
                    && state.is_some_and(|state| windows::NOT_ESTABLISHED.contains(&state)),
            };
            let number = u32::try_from(self.flows.len())
                .map_err(|_| Error::new("history counts at most 4,294,967,295 flows"))?;
            self.rows.insert(ended.flow, number);
            self.flows.push(ended);
        }
        Ok(())
    }

    fn address(&mut self, text: &str) -> u32 {
        if let Some(known) = self.addresses.get(text) {
            return *known;
        }
        // Fewer than twice the flows, which are counted.
        let number = u32::try_from(self.addresses.len()).unwrap_or(u32::MAX);
        self.addresses.insert(text.to_owned(), number);
        number
    }

    /// All flows were added: counts the columns that are among `used`.
    pub fn finish(&mut self, used: &BTreeSet<&str>) {
        let wanted = used_of(used);
        let flows = &self.flows;
        let mut ended: Vec<u32> = (0..).take(flows.len()).collect();
        ended.par_sort_unstable_by_key(|row| {
            flows
                .get(*row as usize)
                .map(|flow| (flow.end_ns, flow.flow))
        });
        let mut nth = vec![0; flows.len()];
        for (at, row) in (0..).zip(&ended) {
            if let Some(slot) = nth.get_mut(*row as usize) {
                *slot = at;
            }
        }
        let groups: BTreeSet<&[&str]> = wanted.iter().map(|counted| counted.group()).collect();
        let groups: Vec<&[&str]> = groups.into_iter().collect();
        let counted = groups.par_iter().map(|group| {
            let of_group = wanted.iter().filter(|counted| counted.group() == *group);
            let mut columns: Vec<_> = of_group.map(|c| (*c, vec![0; flows.len()])).collect();
            let key = key_of(group);
            let key = |row: u32| flows.get(row as usize).map(&key);
            let mut order = ended.clone();
            // Stable, so that within a group they stay as they ended.
            order.sort_by_key(|row| key(*row));
            for same in order.chunk_by(|a, b| key(*a) == key(*b)) {
                for (counted, values) in &mut columns {
                    counted.count(flows, &nth, same, values);
                }
            }
            columns
        });
        let columns: Vec<Vec<(&'static Counted, Vec<i64>)>> = counted.collect();
        let columns = columns.into_iter().flatten();
        self.columns = columns.map(|(c, values)| (c.name(), values)).collect();
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

/// What flows of a group have in common, and 0 for all else.
fn key_of(group: &[&str]) -> impl Fn(&Ended) -> [i64; 5] {
    let columns = ["src_ip", "dst_ip", "src_port", "dst_port", "protocol"];
    let counts = columns.map(|name| i64::from(group.contains(&name)));
    move |flow| {
        let [src_port, dst_port] = flow.ports.map(i64::from);
        let values = [
            flow.src.into(),
            flow.dst.into(),
            src_port,
            dst_port,
            flow.protocol.into(),
        ];
        std::array::from_fn(|i| counts[i] * values[i])
    }
}

fn end_of(flows: &[Ended], row: u32) -> i64 {
    flows.get(row as usize).map_or(0, |flow| flow.end_ns)
}
