//! A feature table in memory, with what is needed to compare it with another one.

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use arrow::compute::{cast, concat_batches};
use arrow::datatypes::{DataType, Float64Type, Int64Type};
use netcap_proto::Type;

use super::features::{FeatureRequest, Features, open};
use crate::dataset::Contents;
use crate::error::{Error, Result};
use crate::feature::compare::{Key, Side, Values};

/// A feature table in memory, to be compared. Keys have the protocol as the set has it if `protocol_of_set`, else as the
/// flow table has it.
pub fn feature_side(
    contents: &Contents,
    request: &FeatureRequest,
    protocol_of_set: bool,
) -> Result<Side> {
    let mut keys = Vec::new();
    let mut rows = Vec::new();
    let flows = open(contents, &request.set, request.set.flows)?;
    if let Some(files) = flows {
        for batch in files.columns(&FlowKeys::COLUMNS) {
            let flows = FlowKeys::new(&batch?)?;
            for row in 0..flows.len() {
                keys.push(flows.key(row)?);
                rows.push(flows.flow(row).to_string());
            }
        }
    }
    let features = Features::open(contents, request)?;
    let schema = features.evaluator.layout().schema();
    let batches = features.collect::<Result<Vec<_>>>()?;
    let all = concat_batches(&schema, &batches)?;
    let mut side = Side {
        name: match request.set.dialects.len() {
            1 => request.set.name.clone(),
            _ => format!("{}:{}", request.set.name, request.set.dialect),
        },
        keys,
        rows,
        ..Side::default()
    };
    for feature in request.set.ids.iter().chain(&request.set.features) {
        let Some(array) = all.column_by_name(&feature.name) else {
            continue;
        };
        // Times are compared by matching.
        if feature.ty == Type::Timestamp {
            continue;
        }
        let values = values(array, feature.ty)?;
        if let (true, Values::Numbers(numbers)) = (protocol_of_set, &values)
            && feature.columns.len() == 1
            && feature.columns.contains("protocol")
        {
            for (key, protocol) in side.keys.iter_mut().zip(numbers) {
                key.protocol = protocol.map_or(key.protocol, |p| p as i64);
            }
        }
        side.columns.push((feature.name.clone(), values));
    }
    if let Some(array) = all
        .column_by_name("label")
        .filter(|_| request.labels.is_some())
        && let Values::Texts(labels) = values(array, Type::Text)?
    {
        side.labels = Some(labels);
    }
    Ok(side)
}

fn values(array: &ArrayRef, ty: Type) -> Result<Values> {
    Ok(match ty {
        Type::Text => {
            let array = cast(array, &DataType::Utf8)?;
            let texts = array.as_string::<i32>().iter();
            Values::Texts(texts.map(|text| text.map(str::to_owned)).collect())
        }
        _ => {
            let array = cast(array, &DataType::Float64)?;
            Values::Numbers(array.as_primitive::<Float64Type>().iter().collect())
        }
    })
}

/// The columns of a flow table by which flows of different tables are matched.
struct FlowKeys {
    flow: ArrayRef,
    ips: [ArrayRef; 2],
    /// Ports, protocol and start.
    numbers: [ArrayRef; 4],
}

impl FlowKeys {
    const COLUMNS: [&'static str; 7] = [
        "flow", "src_ip", "dst_ip", "src_port", "dst_port", "protocol", "ts_ns",
    ];

    fn new(batch: &RecordBatch) -> Result<Self> {
        let column = |name: &str, ty| {
            let column = batch.column_by_name(name);
            let column =
                column.ok_or_else(|| Error::new(format!("a table of flows has no column {name}")));
            Ok::<_, Error>(cast(column?, &ty)?)
        };
        let number = |name| column(name, DataType::Int64);
        let text = |name| column(name, DataType::Utf8);
        Ok(Self {
            flow: number("flow")?,
            ips: [text("src_ip")?, text("dst_ip")?],
            numbers: [
                number("src_port")?,
                number("dst_port")?,
                number("protocol")?,
                number("ts_ns")?,
            ],
        })
    }

    fn len(&self) -> usize {
        self.flow.len()
    }

    fn flow(&self, row: usize) -> i64 {
        self.flow.as_primitive::<Int64Type>().value(row)
    }

    fn key(&self, row: usize) -> Result<Key> {
        let ip = |array: &ArrayRef| {
            let text = array.as_string::<i32>().value(row);
            text.parse()
                .map_err(|_| Error::new(format!("\"{text}\" in a flow table is no IP address")))
        };
        // No port is port 0.
        let number = |array: &ArrayRef| match array.is_null(row) {
            true => 0,
            false => array.as_primitive::<Int64Type>().value(row),
        };
        let [src, dst] = &self.ips;
        let [src_port, dst_port, protocol, start] = &self.numbers;
        Ok(Key {
            src: (ip(src)?, number(src_port)),
            dst: (ip(dst)?, number(dst_port)),
            protocol: number(protocol),
            start_ns: Some(number(start)),
        })
    }
}
