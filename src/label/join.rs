//! Labels for rows of the flow table: from record batches to facts, and from verdicts to columns.
//!
//! Which files are read and written is decided elsewhere; here a batch goes in and batches come
//! out.

use std::net::IpAddr;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use arrow::datatypes::{DataType, Float64Type, Int32Type, Int64Type};
use netcap_proto::{
    ClaimColumns, ClaimRow, FLOW, Finish, FlowLabelColumns, FlowLabelRow, LabelRow, Symbols,
    TableColumns, Type,
};

use super::Misses;
use super::columns::{ColumnType, Columns, Value};
use super::explain::{Considered, explain};
use super::labeler::Labeler;
use super::sensitivity::{Sensitivity, SensitivityTally};
use super::slack::Slacks;
use super::tally::Tally;
use super::traffic::Traffic;
use super::verdict::{FlowFacts, Verdict};
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
    Columns::new(
        FLOW.columns
            .iter()
            .filter_map(|c| Some((c.name, kind(c.ty)?))),
    )
}

/// What came out of a batch of flows.
#[derive(Debug)]
pub struct Labeled {
    /// Rows of the table `flow_label`, one a flow, in order.
    pub labels: RecordBatch,
    /// Rows of the table `claim`.
    pub claims: RecordBatch,
    /// Counts.
    pub tally: Tally,
}

/// Labels the flows of a batch. One flow of `every` is also tried at other times.
pub fn label_batch(
    labeler: &Labeler,
    slacks: &Slacks,
    batch: &RecordBatch,
    every: u64,
) -> Result<Labeled> {
    let flows = Flows::new(batch)?;
    let mut labels = FlowLabelColumns::default();
    let mut claims = ClaimColumns::default();
    let mut symbols = Symbols::default();
    let mut tally = Tally::default();
    for row in 0..batch.num_rows() {
        let flow = flows.flow.value(row);
        let values = |column| flows.value(column, row);
        let facts = flows.facts(row, &values)?;
        let verdict = labeler.label(&facts);
        tally.add(labeler, &facts, &verdict);
        tally.add_traffic(&facts, &verdict, &flows.traffic(row));
        if is_sampled(flow, every) {
            tally.try_times(labeler, slacks, &facts);
        }
        labels.push(&FlowLabelRow {
            flow,
            label: label_row(&verdict, &mut symbols),
        });
        for claim in &verdict.claims {
            let Some((rule, file)) = labeler.rule(claim.rule) else {
                continue;
            };
            claims.push(&ClaimRow {
                flow,
                rule: symbols.text(rule.id()),
                attack: symbols.text(rule.label()),
                state: symbols.text(claim.state.as_str()),
                direction: symbols.text(claim.direction.as_str()),
                edge: symbols.text(claim.edge.as_str()),
                distance_ns: claim.distance_ns,
                certain: claim.certain,
                won: claim.won,
                file: symbols.text(file),
                line: i32::try_from(rule.line()).unwrap_or(i32::MAX),
            });
        }
    }
    let symbols = symbols.finish();
    let cx = Finish::without_packets(&symbols);
    Ok(Labeled {
        labels: labels.finish_batch(&cx)?,
        claims: claims.finish_batch(&cx)?,
        tally,
    })
}

/// Looks in a batch of flows for what came near to rules that matched nothing.
pub fn look_batch(labeler: &Labeler, batch: &RecordBatch, misses: &mut Misses) -> Result<()> {
    let flows = Flows::new(batch)?;
    for row in 0..batch.num_rows() {
        let values = |column| flows.value(column, row);
        misses.look(labeler, &flows.facts(row, &values)?);
    }
    Ok(())
}

/// Labels the flows of a batch in all ways of a sensitivity analysis.
pub fn vary_batch(
    labeler: &Labeler,
    sensitivity: &Sensitivity,
    batch: &RecordBatch,
) -> Result<SensitivityTally> {
    let flows = Flows::new(batch)?;
    let mut tally = SensitivityTally::default();
    for row in 0..batch.num_rows() {
        let values = |column| flows.value(column, row);
        sensitivity.look(labeler, &flows.facts(row, &values)?, &mut tally);
    }
    Ok(tally)
}

/// What ground truth makes of one flow, and why.
#[derive(Debug, Clone)]
pub struct Explained {
    /// The label columns that it gets: label, attack, state, rule.
    pub label: Option<String>,
    /// The claimed class.
    pub attack: Option<String>,
    /// How certain it is.
    pub state: &'static str,
    /// The rule that decided.
    pub rule: Option<String>,
    /// Each rule, seen from the flow.
    pub rules: Vec<Considered>,
}

/// What ground truth makes of one row of a batch of flows, and why.
pub fn explain_row(labeler: &Labeler, batch: &RecordBatch, row: usize) -> Result<Explained> {
    let flows = Flows::new(batch)?;
    let values = |column| flows.value(column, row);
    let facts = flows.facts(row, &values)?;
    let verdict = labeler.label(&facts);
    let text = |text: Option<&str>| text.map(str::to_owned);
    Ok(Explained {
        label: text(verdict.label),
        attack: text(verdict.attack),
        state: verdict.state.as_str(),
        rule: text(verdict.rule),
        rules: explain(labeler, &facts),
    })
}

/// One flow of `every`, by a hash of its number: whichever files were read, and in whatever batches.
fn is_sampled(flow: i64, every: u64) -> bool {
    let mixed = flow.cast_unsigned().wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32;
    mixed.is_multiple_of(every.max(1))
}

fn label_row(verdict: &Verdict<'_>, symbols: &mut Symbols) -> LabelRow {
    let mut text = |text: Option<&str>| text.map(|t| symbols.text(t));
    LabelRow {
        label: text(verdict.label),
        attack: text(verdict.attack),
        label_category: verdict
            .category
            .map(|c| i32::try_from(c).unwrap_or(if c < 0 { i32::MIN } else { i32::MAX })),
        label_rule: text(verdict.rule),
        label_episode: text(verdict.episode),
        label_state: symbols.text(verdict.state.as_str()),
    }
}

/// A batch of the flow table, by column.
struct Flows<'a> {
    flow: &'a arrow::array::Int64Array,
    src_ip: &'a arrow::array::StringArray,
    dst_ip: &'a arrow::array::StringArray,
    src_port: &'a arrow::array::Int32Array,
    dst_port: &'a arrow::array::Int32Array,
    protocol: &'a arrow::array::Int32Array,
    ts_ns: &'a arrow::array::Int64Array,
    duration_ns: &'a arrow::array::Int64Array,
    /// The columns of [`flow_columns`], in their order.
    conditions: Vec<&'a ArrayRef>,
    packets: &'a arrow::array::Int64Array,
    wire_bytes: &'a arrow::array::Int64Array,
    payload_bytes: &'a arrow::array::Int64Array,
    part: &'a arrow::array::Int32Array,
    state: &'a arrow::array::StringArray,
}

impl<'a> Flows<'a> {
    fn new(batch: &'a RecordBatch) -> Result<Self> {
        let missing =
            |name: &str| Error::new(format!("the flow table has no usable column {name}"));
        let column = |name: &str| batch.column_by_name(name).ok_or_else(|| missing(name));
        let int64 = |name: &str| {
            column(name)?
                .as_primitive_opt::<Int64Type>()
                .ok_or_else(|| missing(name))
        };
        let int32 = |name: &str| {
            column(name)?
                .as_primitive_opt::<Int32Type>()
                .ok_or_else(|| missing(name))
        };
        let text = |name: &str| {
            column(name)?
                .as_string_opt::<i32>()
                .ok_or_else(|| missing(name))
        };
        let names = FLOW
            .columns
            .iter()
            .filter(|c| !matches!(c.ty, Type::Timestamp | Type::Bytes | Type::Struct));
        Ok(Self {
            flow: int64("flow")?,
            src_ip: text("src_ip")?,
            dst_ip: text("dst_ip")?,
            src_port: int32("src_port")?,
            dst_port: int32("dst_port")?,
            protocol: int32("protocol")?,
            ts_ns: int64("ts_ns")?,
            duration_ns: int64("duration_ns")?,
            conditions: names.map(|c| column(c.name)).collect::<Result<_>>()?,
            packets: int64("packets")?,
            wire_bytes: int64("wire_bytes")?,
            payload_bytes: int64("payload_bytes")?,
            part: int32("connection_part")?,
            state: text("connection_state")?,
        })
    }

    fn traffic(&self, row: usize) -> Traffic {
        let unsigned = |n: i64| u64::try_from(n).unwrap_or(0);
        let tcp = self.protocol.value(row) == 6;
        let payload_bytes = unsigned(self.payload_bytes.value(row));
        Traffic {
            packets: unsigned(self.packets.value(row)),
            wire_bytes: unsigned(self.wire_bytes.value(row)),
            payload_bytes,
            part: u32::try_from(self.part.value(row)).unwrap_or(1),
            in_vain: tcp
                && payload_bytes == 0
                && matches!(self.state.value(row), "S0" | "REJ" | "RSTOS0" | "SH"),
        }
    }

    fn value(&self, column: usize, row: usize) -> Value<'a> {
        let Some(array) = self.conditions.get(column) else {
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

    fn facts<'f>(
        &self,
        row: usize,
        values: &'f dyn Fn(usize) -> Value<'f>,
    ) -> Result<FlowFacts<'f>> {
        let ip = |texts: &arrow::array::StringArray| -> Result<IpAddr> {
            let text = texts.value(row);
            text.parse()
                .map_err(|_| Error::new(format!("\"{text}\" in the flow table is no IP address")))
        };
        let port = |ports: &arrow::array::Int32Array| {
            if ports.is_null(row) {
                None
            } else {
                u16::try_from(ports.value(row)).ok()
            }
        };
        let start_ns = self.ts_ns.value(row);
        Ok(FlowFacts {
            src_ip: ip(self.src_ip)?,
            dst_ip: ip(self.dst_ip)?,
            src_port: port(self.src_port),
            dst_port: port(self.dst_port),
            protocol: u8::try_from(self.protocol.value(row)).unwrap_or(0),
            start_ns,
            end_ns: start_ns.saturating_add(self.duration_ns.value(row)),
            values,
        })
    }
}
