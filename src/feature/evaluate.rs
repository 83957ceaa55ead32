//! Feature sets calculated: batches of flows go in, batches of features come out.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, RecordBatch, UInt32Array};
use arrow::compute::{cast, take};
use arrow::datatypes::{DataType, Int64Type};
use foldhash::fast::FixedState;
use netcap_proto::Table;

use super::set::{Feature, FeatureSet, KEYS};
use super::table::{Form, layout};
use crate::error::{Error, Result};
use crate::output::{Layout, retyped};
use crate::sql::Expressions;

/// Calculates a feature set.
#[derive(Debug)]
pub struct Evaluator {
    layout: Layout,
    /// The columns of the feature table after the keys, in order.
    columns: Vec<Source>,
    of_flows: Over,
    of_packets: Option<Over>,
}

/// Where the values of a feature come from.
#[derive(Debug, Clone)]
enum Source {
    /// A column of the flow table as it is.
    Column(String),
    /// An expression over flows.
    OfFlows(usize),
    /// An expression over the flows' first packets.
    OfPackets(usize),
}

/// Expressions over a table, with the columns that they need.
#[derive(Debug)]
struct Over {
    expressions: Option<Expressions>,
    needed: Vec<&'static str>,
}

impl Over {
    fn new(
        table: &'static Table,
        features: &[&Feature],
        also: &[&str],
        grouped: bool,
    ) -> Result<Self> {
        let named: Vec<(&str, &str)> = features
            .iter()
            .map(|f| (f.name.as_str(), f.sql.as_str()))
            .collect();
        let expressions = match named.is_empty() {
            true => None,
            false => Some(Expressions::new(&named, grouped)?),
        };
        let used: BTreeSet<&str> = features
            .iter()
            .flat_map(|f| f.columns.iter().map(String::as_str))
            .chain(also.iter().copied())
            .collect();
        let names = table.columns.iter().map(|c| c.name);
        Ok(Self {
            expressions,
            needed: names.filter(|name| used.contains(name)).collect(),
        })
    }
}

impl Evaluator {
    /// For a set, written in a form.
    pub fn new(set: &FeatureSet, form: &Form) -> Result<Self> {
        let layout = layout(set, form)?;
        let mut columns = Vec::new();
        let (mut of_flows, mut of_packets) = (Vec::new(), Vec::new());
        let mut as_they_are: Vec<&str> = KEYS.to_vec();
        let ids = set.ids.iter().filter(|_| form.with_ids).map(|f| (f, false));
        for (feature, grouped) in ids.chain(set.features.iter().map(|f| (f, set.grouped))) {
            columns.push(if grouped {
                of_packets.push(feature);
                Source::OfPackets(of_packets.len() - 1)
            } else if set.flows.column(&feature.sql).is_some() {
                as_they_are.push(&feature.sql);
                Source::Column(feature.sql.clone())
            } else {
                of_flows.push(feature);
                Source::OfFlows(of_flows.len() - 1)
            });
        }
        Ok(Self {
            layout,
            columns,
            of_flows: Over::new(set.flows, &of_flows, &as_they_are, false)?,
            of_packets: match set.grouped {
                true => Some(Over::new(set.table(), &of_packets, &KEYS[..1], true)?),
                false => None,
            },
        })
    }

    /// The table that comes out.
    pub fn layout(&self) -> &Layout {
        &self.layout
    }

    /// The columns of the flow table that are needed.
    pub fn of_flows(&self) -> &[&'static str] {
        &self.of_flows.needed
    }

    /// The columns of the flows' first packets that are needed, if they are.
    pub fn of_packets(&self) -> Option<&[&'static str]> {
        self.of_packets.as_ref().map(|over| &over.needed[..])
    }

    /// The features of the flows of a batch. `packets` are their first packets, all of them and no others, where
    /// [`Evaluator::of_packets`] needs them; `label` is a text for each flow, where the form has labels.
    pub fn evaluate(
        &self,
        flows: &RecordBatch,
        packets: Option<&RecordBatch>,
        label: Option<ArrayRef>,
    ) -> Result<RecordBatch> {
        let flows = widened(flows)?;
        let of_flows = match &self.of_flows.expressions {
            Some(expressions) => expressions.each_row(&flows)?,
            None => Vec::new(),
        };
        let of_packets = self.grouped(&flows, packets)?;
        let mut arrays: Vec<ArrayRef> = Vec::with_capacity(self.columns.len() + 3);
        for key in KEYS {
            arrays.push(column(&flows, key)?.clone());
        }
        for source in &self.columns {
            let array = match source {
                Source::Column(name) => Some(column(&flows, name)?),
                Source::OfFlows(i) => of_flows.get(*i),
                Source::OfPackets(i) => of_packets.get(*i),
            };
            arrays.push(
                array
                    .ok_or_else(|| Error::new("a feature has no values"))?
                    .clone(),
            );
        }
        arrays.extend(label);
        let schema = self.layout.schema();
        if arrays.len() != schema.fields().len() {
            return Err(Error::new("a feature table has other columns than its set"));
        }
        let typed = arrays.iter().zip(schema.fields());
        let typed = typed.map(|(array, field)| Ok(finite(cast(array, field.data_type())?)));
        Ok(RecordBatch::try_new(
            schema.clone(),
            typed.collect::<Result<_>>()?,
        )?)
    }

    /// The values of the aggregates, in the order of the flows.
    fn grouped(&self, flows: &RecordBatch, packets: Option<&RecordBatch>) -> Result<Vec<ArrayRef>> {
        let expressions = self
            .of_packets
            .as_ref()
            .and_then(|o| o.expressions.as_ref());
        let (Some(expressions), Some(packets)) = (expressions, packets) else {
            return Ok(Vec::new());
        };
        let (keys, values) = expressions.each_group(&widened(packets)?, KEYS[0])?;
        let keys = keys.as_primitive::<Int64Type>().values();
        let places: HashMap<i64, u32, FixedState> = keys.iter().copied().zip(0..).collect();
        let wanted = column(flows, KEYS[0])?.as_primitive::<Int64Type>().values();
        let order: UInt32Array = wanted
            .iter()
            .map(|flow| places.get(flow).copied())
            .collect();
        let ordered = values.iter().map(|array| Ok(take(array, &order, None)?));
        ordered.collect()
    }
}

fn column<'a>(batch: &'a RecordBatch, name: &str) -> Result<&'a ArrayRef> {
    let column = batch.column_by_name(name);
    column.ok_or_else(|| Error::new(format!("the table has no column {name}")))
}

/// 32-bit integers as 64-bit ones, which do not wrap.
fn widened(batch: &RecordBatch) -> Result<RecordBatch> {
    retyped(batch, |ty| match ty {
        DataType::Int32 => DataType::Int64,
        ty => ty.clone(),
    })
}

/// Without infinities and what is no number: what a definition gives there is undefined, so null.
fn finite(array: ArrayRef) -> ArrayRef {
    use arrow::datatypes::Float64Type;
    let Some(values) = array.as_primitive_opt::<Float64Type>() else {
        return array;
    };
    if values.values().iter().all(|value| value.is_finite()) {
        return array;
    }
    let values = values.iter().map(|v| v.filter(|v| v.is_finite()));
    Arc::new(values.collect::<arrow::array::Float64Array>())
}
