//! Label sets of an output: their stages, the tables of flows that they are of, and their labels read back.

use arrow::array::RecordBatch;
use netcap_proto::{FLOW, FLOW_LABEL, PACKET_LABEL, TABLES, Table};

use super::packet_labels::PACKET_LABELS;
use super::tables::TABLES_STAGE;
use crate::dataset::{Contents, Manifest, StageFacts};
use crate::error::{Error, Result};
use crate::flow::Policy;
use crate::label::FlowLabels;
use crate::output::{Layout, Stage, TableWriter};

/// Names of the two stages of a set.
pub fn label_stages(set: &str) -> [String; 2] {
    [format!("labels/{set}"), format!("labeled/{set}")]
}

/// A label set of an output: the name of its stage, and what is known of that.
pub(super) fn label_set<'a>(contents: &'a Contents, set: &str) -> Result<(String, &'a StageFacts)> {
    let [stage, _] = label_stages(set);
    let facts = contents.stage(&stage).ok_or_else(|| {
        Error::new(format!("this output has no label set {set}"))
            .in_file(contents.path())
            .help("run `netcap label` first")
    })?;
    Ok((stage, facts))
}

/// The table of flows of a policy.
pub fn flow_table(policy: &str) -> Result<&'static Table> {
    let found = Policy::NAMED.iter().find(|(known, _)| *known == policy);
    found.map(|(_, table)| *table).ok_or_else(|| {
        let known: Vec<&str> = Policy::NAMED.iter().map(|(name, _)| *name).collect();
        Error::new(format!("there is no policy \"{policy}\""))
            .help(format!("the policies are {}", known.join(", ")))
    })
}

/// The tables of flows, the one of netcap's own policy first.
pub(super) fn flow_tables() -> impl Iterator<Item = &'static Table> {
    Policy::NAMED.into_iter().map(|(_, table)| table)
}

/// The table of flows whose labels the rows of a table have: tables of flows their own, all else that of netcap's own policy.
pub(super) fn flows_of(table: &Table) -> &'static Table {
    flow_tables()
        .find(|flows| flows.name == table.name)
        .unwrap_or(&FLOW)
}

/// The table of flows of an output; of netcap's own policy, if it is there.
pub(super) fn first_flows(contents: &Contents) -> Result<&'static Table> {
    let tables = contents.stage(TABLES_STAGE);
    let found = tables.and_then(|t| flow_tables().find(|f| t.tables.contains_key(f.name)));
    found.ok_or_else(|| {
        Error::new("this output has no flow table, which labels are joined with")
            .in_file(contents.path())
            .help("decode again with the table flow")
    })
}

/// The stage of a set and the table of flows whose labels the rows of a table have, if the set has them.
fn labels_for(contents: &Contents, set: &str, table: &Table) -> Result<(String, &'static Table)> {
    let (stage, facts) = label_set(contents, set)?;
    let flows = flows_of(table);
    if !facts.tables.contains_key(flows.name) {
        return Err(Error::new(format!(
            "the label set {set} has no labels of the table {}",
            flows.name
        ))
        .in_file(contents.path())
        .help("run `netcap label --force` again"));
    }
    Ok((stage, flows))
}

/// Looks whether the labels that [`read_labels`] would read are as they were written.
pub(super) fn check_labels(contents: &Contents, set: &str, table: &Table) -> Result<()> {
    let (stage, flows) = labels_for(contents, set, table)?;
    contents.table(&stage, flows.name)?;
    if flows.name == FLOW.name {
        contents.table(&stage, PACKET_LABELS)?;
    }
    Ok(())
}

/// The labels of a set for the rows of a table.
pub(super) fn read_labels(contents: &Contents, set: &str, table: &Table) -> Result<FlowLabels> {
    let (stage, flows) = labels_for(contents, set, table)?;
    let mut labels = FlowLabels::default();
    for batch in contents.rows(&stage, flows.name, &Layout::plain(&FLOW_LABEL))? {
        labels.add(&batch?)?;
    }
    if flows.name == FLOW.name {
        let packets = contents.rows(&stage, PACKET_LABELS, &Layout::plain(&PACKET_LABEL))?;
        add_packets(&mut labels, packets)?;
    }
    Ok(labels)
}

/// Stages that were made with the labels of a set.
pub(super) fn stages_with_labels(manifest: &Manifest, set: &str) -> Vec<String> {
    let with = manifest
        .stages
        .iter()
        .filter(|(_, facts)| facts.options.get("labels").and_then(|l| l.as_str()) == Some(set));
    with.map(|(name, _)| name.clone()).collect()
}

/// Tables that can be labeled by their column `flow`.
pub fn materializable() -> impl Iterator<Item = &'static Table> {
    TABLES.iter().copied().filter(|t| {
        t.column("flow").is_some() && (t.name == FLOW.name || flows_of(t).name != t.name)
    })
}

/// Adds the packets that have labels of their own.
pub(super) fn add_packets(
    labels: &mut FlowLabels,
    packets: impl Iterator<Item = Result<RecordBatch>>,
) -> Result<()> {
    for batch in packets {
        labels.add_packets(&batch?)?;
    }
    Ok(())
}

/// A writer of a table in a folder of a stage, which is called `prefix`.
pub(super) fn writer(
    layout: Layout,
    stage: &Stage,
    prefix: &str,
    folder: &str,
) -> Result<TableWriter> {
    let mut writer = TableWriter::new(layout);
    writer.begin_folder(&stage.path().join(folder), &format!("{prefix}/{folder}"))?;
    Ok(writer)
}
