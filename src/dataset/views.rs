//! The tables of an output under the names that `views.sql` and `netcap query` give them.

use netcap_proto::{CLAIM, FINDING, FLOW_LABEL, PACKET_CLAIM, PACKET_LABEL, TABLES, Table};

use super::manifest::Manifest;
use crate::output::{Layout, TableFacts, View};

/// The views of an output: decoded tables under their names; labeled tables as `flow_lab`, the labels alone as
/// `flow_label_lab`, the claims as `claims_lab`, those of packets as
/// `packet_label_lab` and `packet_claims_lab`, findings as `findings_lab`; feature tables as `features_cicflowmeter`.
pub fn views(manifest: &Manifest) -> Vec<View> {
    let mut views = Vec::new();
    let decoded = manifest.stages.get("tables");
    for table in TABLES {
        // Of a table that was not decoded nobody can say that it has no rows.
        if let Some(facts) = decoded.and_then(|stage| stage.tables.get(table.name)) {
            let layout = Some(Layout::plain(table));
            views.push(view(
                table.name.to_owned(),
                "tables",
                table.name,
                facts,
                layout,
            ));
        }
    }
    for (stage, all) in &manifest.stages {
        for (table, facts) in &all.tables {
            if let Some((name, layout)) = made_of_tables(stage, table) {
                views.push(view(name, stage, table, facts, layout));
            }
        }
    }
    views
}

fn view(
    name: String,
    stage: &str,
    table: &str,
    facts: &TableFacts,
    layout: Option<Layout>,
) -> View {
    View {
        name,
        stage: stage.to_owned(),
        table: table.to_owned(),
        files: facts.files.iter().map(|file| file.path.clone()).collect(),
        layout,
    }
}

/// Name and columns of a table in a stage of labels or features.
fn made_of_tables(stage: &str, table: &str) -> Option<(String, Option<Layout>)> {
    let (kind, set) = stage.split_once('/')?;
    let (name, layout) = match (kind, table) {
        ("labels", "claims") => (format!("claims_{set}"), Layout::plain(&CLAIM)),
        ("labels", "findings") => (format!("findings_{set}"), Layout::plain(&FINDING)),
        ("labels", "packet_claims") => {
            (format!("packet_claims_{set}"), Layout::plain(&PACKET_CLAIM))
        }
        ("labels", "packet_labels") => {
            (format!("packet_label_{set}"), Layout::plain(&PACKET_LABEL))
        }
        ("labels", _) => (format!("{table}_label_{set}"), Layout::plain(&FLOW_LABEL)),
        ("labeled", _) => (
            format!("{table}_{set}"),
            Layout::labeled(Table::find(table)?),
        ),
        // Has a file, also without rows.
        ("features", _) => return Some((format!("features_{set}"), None)),
        _ => return None,
    };
    Some((name, Some(layout)))
}
