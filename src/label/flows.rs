//! A batch of the flow table, as the facts that decide labels.

use std::collections::{BTreeSet, HashMap};
use std::net::IpAddr;

use arrow::array::{Array, ArrayRef, AsArray, Int32Array, Int64Array, RecordBatch, StringArray};
use arrow::datatypes::{DataType, Float64Type, Int32Type, Int64Type};
use foldhash::fast::FixedState;
use netcap_proto::{Column, FLOW, Type};

use super::asks::Asks;
use super::columns::{ColumnType, Columns, Value};
use super::hosts::parse_mac;
use super::labeler::Labeler;
use super::packet_claims::PacketClaims;
use super::traffic::Traffic;
use super::verdict::{End, FlowFacts};
use crate::batch::{int32, int64, text};
use crate::error::{Error, Result};

/// The columns of the flow table that conditions may use, in its order.
pub fn flow_columns() -> Columns {
    let kind = |ty| match ty {
        Type::Bool => Some(ColumnType::Boolean),
        Type::Int32 | Type::Int64 => Some(ColumnType::Integer),
        Type::Double => Some(ColumnType::Float),
        Type::Text => Some(ColumnType::Text),
        // A time is compared by `time:`, and in conditions as `ts_ns`.
        Type::Timestamp | Type::Bytes | Type::Struct => None,
    };
    Columns::new(condition_columns().filter_map(|c| Some((c.name, kind(c.ty)?))))
}

/// The columns of the flow table that [`Flows`] always reads.
const ALWAYS: [&str; 17] = [
    "flow",
    "connection",
    "capture",
    "src_ip",
    "dst_ip",
    "src_port",
    "dst_port",
    "protocol",
    "ts_ns",
    "duration_ns",
    "icmp_type",
    "icmp_code",
    "packets",
    "wire_bytes",
    "payload_bytes",
    "connection_part",
    "connection_state",
];

/// The columns of the flow table that labels need.
pub fn needed_columns(labeler: &Labeler) -> Vec<&'static str> {
    let asks = labeler.asks();
    let macs = asks.macs.then_some(["src_mac", "dst_mac"]);
    let ids = asks.ids.then_some(["flow_uid", "community_id"]);
    let conditions = labeler.condition_columns();
    let of_conditions = condition_columns().enumerate();
    let of_conditions = of_conditions.filter(|(place, _)| conditions.contains(place));
    let mut all = ALWAYS.to_vec();
    all.extend(macs.into_iter().chain(ids).flatten());
    all.extend(of_conditions.map(|(_, column)| column.name));
    all
}

/// The columns that conditions may name, in their order.
fn condition_columns() -> impl Iterator<Item = &'static Column> {
    let usable = |c: &&Column| !matches!(c.ty, Type::Timestamp | Type::Bytes | Type::Struct);
    FLOW.columns.iter().filter(usable)
}

/// A labeler, and what it has to know of an output beside each flow.
#[derive(Debug, Clone)]
pub struct Basis<'a> {
    /// The labeler.
    pub labeler: &'a Labeler,
    /// What is claimed of packets, if there are rules for packets.
    pub packets: PacketClaims,
    /// First and last moment of connections, if connections are labeled.
    pub connections: Connections,
    /// The columns that conditions name, by their places.
    conditions: BTreeSet<usize>,
}

impl<'a> Basis<'a> {
    /// A labeler that does without.
    pub fn new(labeler: &'a Labeler) -> Self {
        Self {
            labeler,
            packets: PacketClaims::default(),
            connections: Connections::default(),
            conditions: labeler.condition_columns(),
        }
    }
}

/// First and last moment of connections of several parts, in nanoseconds since 1970.
#[derive(Debug, Clone, Default)]
pub struct Connections(HashMap<i64, (i64, i64), FixedState>);

impl Connections {
    /// The columns of the flow table that they are made of.
    pub const COLUMNS: [&'static str; 3] = ["connection", "ts_ns", "duration_ns"];

    /// Adds the parts in a batch of the flow table.
    pub fn add(&mut self, batch: &RecordBatch) -> Result<()> {
        let [connection, start, duration] = Self::COLUMNS.map(|name| int64(batch, name));
        let (connections, starts, durations) = (connection?, start?, duration?);
        for row in 0..batch.num_rows() {
            let start = starts.value(row);
            let end = start.saturating_add(durations.value(row));
            let span = self.0.entry(connections.value(row)).or_insert((start, end));
            *span = (span.0.min(start), span.1.max(end));
        }
        Ok(())
    }

    fn span(&self, connection: i64, own: (i64, i64)) -> (i64, i64) {
        self.0.get(&connection).copied().unwrap_or(own)
    }
}

/// A batch of the flow table, by column.
pub(super) struct Flows<'a> {
    basis: &'a Basis<'a>,
    flow: &'a Int64Array,
    connection: &'a Int64Array,
    capture: &'a Int32Array,
    src_ip: &'a StringArray,
    dst_ip: &'a StringArray,
    src_port: &'a Int32Array,
    dst_port: &'a Int32Array,
    protocol: &'a Int32Array,
    ts_ns: &'a Int64Array,
    duration_ns: &'a Int64Array,
    /// Type and code.
    icmp: [&'a Int32Array; 2],
    /// Of source and destination, if they are asked for.
    macs: [Option<&'a StringArray>; 2],
    /// `flow_uid` and Community ID, if they are asked for.
    ids: [Option<&'a StringArray>; 2],
    /// The columns of [`flow_columns`], in their order, as far as they were read.
    conditions: Vec<Option<&'a ArrayRef>>,
    packets: &'a Int64Array,
    wire_bytes: &'a Int64Array,
    payload_bytes: &'a Int64Array,
    part: &'a Int32Array,
    state: &'a StringArray,
}

impl<'a> Flows<'a> {
    pub(super) fn new(basis: &'a Basis<'a>, batch: &'a RecordBatch) -> Result<Self> {
        let conditions = condition_columns().enumerate().map(|(place, column)| {
            let found = batch.column_by_name(column.name);
            if found.is_none() && basis.conditions.contains(&place) {
                let name = column.name;
                return Err(Error::new(format!("the flow table has no column {name}")));
            }
            Ok(found)
        });
        let Asks { macs, ids, .. } = basis.labeler.asks();
        let asked = |asked: bool, name: &str| asked.then(|| text(batch, name)).transpose();
        Ok(Self {
            basis,
            flow: int64(batch, "flow")?,
            connection: int64(batch, "connection")?,
            capture: int32(batch, "capture")?,
            icmp: [int32(batch, "icmp_type")?, int32(batch, "icmp_code")?],
            macs: [asked(macs, "src_mac")?, asked(macs, "dst_mac")?],
            ids: [asked(ids, "flow_uid")?, asked(ids, "community_id")?],
            src_ip: text(batch, "src_ip")?,
            dst_ip: text(batch, "dst_ip")?,
            src_port: int32(batch, "src_port")?,
            dst_port: int32(batch, "dst_port")?,
            protocol: int32(batch, "protocol")?,
            ts_ns: int64(batch, "ts_ns")?,
            duration_ns: int64(batch, "duration_ns")?,
            conditions: conditions.collect::<Result<_>>()?,
            packets: int64(batch, "packets")?,
            wire_bytes: int64(batch, "wire_bytes")?,
            payload_bytes: int64(batch, "payload_bytes")?,
            part: int32(batch, "connection_part")?,
            state: text(batch, "connection_state")?,
        })
    }

    /// The number of a flow.
    pub(super) fn number(&self, row: usize) -> i64 {
        self.flow.value(row)
    }

    /// What is counted of a flow; `malicious_packets` are those that are claimed as an attack by themselves.
    pub(super) fn traffic(&self, row: usize, malicious_packets: u64) -> Traffic {
        let unsigned = |n: i64| u64::try_from(n).unwrap_or(0);
        let state = self.state.value(row);
        let payload_bytes = unsigned(self.payload_bytes.value(row));
        Traffic {
            packets: unsigned(self.packets.value(row)),
            wire_bytes: unsigned(self.wire_bytes.value(row)),
            payload_bytes,
            malicious_packets,
            part: u32::try_from(self.part.value(row)).unwrap_or(1),
            in_vain: match self.protocol.value(row) {
                6 => payload_bytes == 0 && matches!(state, "S0" | "REJ" | "RSTOS0" | "SH"),
                // Nothing came back but for an error, which is of no flow of UDP.
                17 => state == "S0",
                _ => false,
            },
        }
    }

    pub(super) fn value(&self, column: usize, row: usize) -> Value<'a> {
        let Some(array) = self.conditions.get(column).copied().flatten() else {
            return Value::Null;
        };
        if array.is_null(row) {
            return Value::Null;
        }
        match array.data_type() {
            DataType::Boolean => Value::Boolean(array.as_boolean().value(row)),
            DataType::Int32 => Value::Integer(array.as_primitive::<Int32Type>().value(row).into()),
            DataType::Int64 => Value::Integer(array.as_primitive::<Int64Type>().value(row)),
            DataType::Float64 => Value::Float(array.as_primitive::<Float64Type>().value(row)),
            DataType::Utf8 => Value::Text(array.as_string::<i32>().value(row)),
            _ => Value::Null,
        }
    }

    pub(super) fn facts<'f>(
        &self,
        row: usize,
        values: &'f dyn Fn(usize) -> Value<'f>,
    ) -> Result<FlowFacts<'f>>
    where
        'a: 'f,
    {
        let ip = |texts: &StringArray| -> Result<IpAddr> {
            let text = texts.value(row);
            text.parse()
                .map_err(|_| Error::new(format!("\"{text}\" in the flow table is no IP address")))
        };
        let number = |numbers: &Int32Array| numbers.is_valid(row).then(|| numbers.value(row));
        let port = |ports| number(ports).and_then(|port| u16::try_from(port).ok());
        let byte = |bytes| number(bytes).and_then(|byte| u8::try_from(byte).ok());
        let given = |texts: Option<&'a StringArray>| {
            texts
                .filter(|texts| texts.is_valid(row))
                .map(|texts| texts.value(row))
        };
        let [src_mac, dst_mac] = self.macs.map(|texts| given(texts).and_then(parse_mac));
        let start_ns = self.ts_ns.value(row);
        let own = (
            start_ns,
            start_ns.saturating_add(self.duration_ns.value(row)),
        );
        // A part of a connection counts by the time of all of it, if connections are labeled.
        let (start_ns, end_ns) = self.basis.connections.span(self.connection.value(row), own);
        let [kind, code] = self.icmp;
        Ok(FlowFacts {
            src: End {
                ip: ip(self.src_ip)?,
                port: port(self.src_port),
                mac: src_mac,
            },
            dst: End {
                ip: ip(self.dst_ip)?,
                port: port(self.dst_port),
                mac: dst_mac,
            },
            protocol: u8::try_from(self.protocol.value(row)).unwrap_or(0),
            start_ns,
            end_ns,
            icmp: byte(kind).zip(byte(code)),
            capture: usize::try_from(self.capture.value(row)).ok(),
            packet: None,
            ids: self.ids.map(given),
            packets: self.basis.packets.of(self.flow.value(row)),
            values,
        })
    }
}
