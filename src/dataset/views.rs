//! The tables of an output under the names that `views.sql` and `netcap query` give them.

use netcap_proto::{CLAIM, FINDING, FLOW_LABEL, PACKET_CLAIM, PACKET_LABEL, TABLES, Table};

use super::manifest::Manifest;
use crate::output::{Layout, Rows, View};

/// The views of an output: decoded tables under their names; labeled tables as `flow_lab`, the labels alone as
/// `flow_label_lab`, the claims as `claims_lab`, those of packets as
/// `packet_label_lab` and `packet_claims_lab`, findings as `findings_lab`; feature tables as `features_cicflowmeter`.
pub fn views(manifest: &Manifest) -> Vec<View> {
    let mut views = Vec::new();
    let decoded = manifest.stages.get("tables");
    for table in TABLES {
        // Of a table that was not decoded nobody can say that it has no rows.
        let Some(facts) = decoded.and_then(|stage| stage.tables.get(table.name)) else {
            continue;
        };
        views.push(View {
            name: table.name.to_owned(),
            rows: match facts.rows {
                0 => Rows::None(Layout::plain(table)),
                _ => Rows::Folder(format!("tables/{}", table.name)),
            },
        });
    }
    for (name, stage) in &manifest.stages {
        for (table, facts) in &stage.tables {
            views.extend(made_of_tables(name, table, facts.rows));
        }
    }
    views
}

/// The view of a table in a stage of labels or features.
fn made_of_tables(stage: &str, table: &str, rows: u64) -> Option<View> {
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
        ("features", _) => {
            let rows = Rows::Folder(stage.to_owned());
            let name = format!("features_{set}");
            return Some(View { name, rows });
        }
        _ => return None,
    };
    let rows = match rows {
        0 => Rows::None(layout),
        _ => Rows::Folder(format!("{stage}/{table}")),
    };
    Some(View { name, rows })
}
