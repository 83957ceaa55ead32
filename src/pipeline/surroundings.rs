//! What a label report needs to know of an output beside its flows: clocks in the traffic, duplicates,
//! packets out of order. What was not decoded is not known, and not told.

use std::collections::{BTreeMap, BTreeSet};

use arrow::array::AsArray;
use arrow::datatypes::Int64Type;
use netcap_proto::{CAPTURE, CLOCK, Table};

use super::tables::TABLES_STAGE;
use crate::dataset::Output;
use crate::error::{Error, Result};
use crate::label::{ClockSeen, Surroundings};
use crate::output::{Layout, read_table};

/// Looks at the tables of an output.
pub(super) fn look_around(output: &Output) -> Result<Surroundings> {
    let counts = output.manifest().counts;
    let mut disordered = 0;
    each_batch(output, &CAPTURE, |batch| {
        let column = int64(batch, "disordered_packets")?;
        disordered += column.iter().flatten().sum::<i64>().unsigned_abs();
        Ok(())
    })?;
    Ok(Surroundings {
        clocks: clocks(output)?,
        packets: counts.read,
        duplicates: counts.kept_duplicates,
        disordered,
    })
}

#[derive(Default)]
struct Stated {
    differences: Vec<i64>,
    servers: BTreeSet<String>,
    resolution_ns: i64,
}

fn clocks(output: &Output) -> Result<Vec<ClockSeen>> {
    let mut kinds: BTreeMap<String, Stated> = BTreeMap::new();
    each_batch(output, &CLOCK, |batch| {
        let (protocols, servers) = (text(batch, "protocol")?, text(batch, "src_ip")?);
        let resolutions = int64(batch, "resolution_ns")?;
        let differences = int64(batch, "difference_ns")?;
        for row in 0..batch.num_rows() {
            let kind = kinds.entry(protocols.value(row).to_owned()).or_default();
            kind.differences.push(differences.value(row));
            kind.servers.insert(servers.value(row).to_owned());
            kind.resolution_ns = resolutions.value(row);
        }
        Ok(())
    })?;
    let seen = kinds.into_iter().map(|(protocol, mut stated)| {
        stated.differences.sort_unstable();
        let at = |quarter: usize| {
            let place = (stated.differences.len() - 1) * quarter / 4;
            stated.differences.get(place).copied().unwrap_or(0)
        };
        ClockSeen {
            protocol,
            messages: stated.differences.len() as u64,
            servers: stated.servers.len() as u64,
            quartiles_ns: [at(1), at(2), at(3)],
            resolution_ns: stated.resolution_ns,
        }
    });
    Ok(seen.collect())
}

fn each_batch(
    output: &Output,
    table: &'static Table,
    mut take: impl FnMut(&arrow::array::RecordBatch) -> Result<()>,
) -> Result<()> {
    let stage = output.manifest().stages.get(TABLES_STAGE);
    let rows = stage
        .and_then(|s| s.tables.get(table.name))
        .map_or(0, |t| t.rows);
    if rows == 0 {
        return Ok(());
    }
    let folder = output.path().join(TABLES_STAGE).join(table.name);
    for batch in read_table(&folder, &Layout::plain(table))? {
        take(&batch?)?;
    }
    Ok(())
}

fn int64<'a>(
    batch: &'a arrow::array::RecordBatch,
    name: &str,
) -> Result<&'a arrow::array::PrimitiveArray<Int64Type>> {
    let column = batch.column_by_name(name);
    let column = column.and_then(|c| c.as_primitive_opt::<Int64Type>());
    column.ok_or_else(|| Error::new(format!("there is no usable column {name}")))
}

fn text<'a>(
    batch: &'a arrow::array::RecordBatch,
    name: &str,
) -> Result<&'a arrow::array::StringArray> {
    let column = batch.column_by_name(name);
    let column = column.and_then(|c| c.as_string_opt::<i32>());
    column.ok_or_else(|| Error::new(format!("there is no usable column {name}")))
}
