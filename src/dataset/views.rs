//! The tables of an output under the names that `views.sql` and `netcap query` give them.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use netcap_proto::{CLAIM, FINDING, FLOW_LABEL, PACKET_CLAIM, PACKET_LABEL, TABLES, Table};

use super::manifest::Manifest;
use crate::error::{Error, Result};
use crate::output::{Layout, STREAM, TableFacts, View, stream_of_file};

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
            let name = table.name.to_owned();
            views.push(view(name, "tables", table.name, facts, layout));
        }
    }
    for (stage, all) in &manifest.stages {
        for (table, facts) in &all.tables {
            if let Some((name, layout)) = made_of_tables(stage, table) {
                views.push(view(name, stage, table, facts, layout));
            }
        }
    }
    add_streams(&mut views);
    views
}

/// If a table of a stage has folders of streams, all have, also those without rows.
fn add_streams(views: &mut [View]) {
    let has_folders = |view: &&View| {
        let mut files = view.files.iter();
        files.any(|file| stream_of_file(Path::new(file)).is_some())
    };
    let stages: BTreeSet<String> = views
        .iter()
        .filter(has_folders)
        .map(|view| view.stage.clone())
        .collect();
    for view in views {
        // The table of captures has a column of its own.
        let layout = view.layout.as_ref();
        let own = layout.is_some_and(|layout| layout.columns.iter().any(|c| c.name == STREAM));
        view.streams = stages.contains(&view.stage) && !own;
    }
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
        streams: false,
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

/// What is made, a set or table called `name`, takes no name of a view that something else has. `made` are its stages
/// with their tables.
///
/// # Errors
/// The view, and what has its name.
pub fn check_free(
    manifest: &Manifest,
    made: &[(&str, Vec<&str>)],
    what: &str,
    name: &str,
) -> Result<()> {
    let Some((view, other)) = taken_name(manifest, made) else {
        return Ok(());
    };
    let message = format!("{what} {name} would be read as {view}, which is the name of {other}");
    Err(Error::new(message).help("give it another name"))
}

/// A name that a set to be made would take from something else, letters of either case being the same as for DuckDB, and
/// what has it. `made` are its stages with their tables; what they are now does not count.
fn taken_name(manifest: &Manifest, made: &[(&str, Vec<&str>)]) -> Option<(String, String)> {
    let mut names: BTreeMap<String, String> = TABLES
        .iter()
        .map(|table| (table.name.to_owned(), format!("the table {}", table.name)))
        .collect();
    let others = manifest
        .stages
        .iter()
        .filter(|(stage, _)| !made.iter().any(|(own, _)| own == stage));
    for (stage, facts) in others {
        let views = facts.tables.keys();
        let views = views.filter_map(|table| made_of_tables(stage, table));
        names.extend(views.map(|(name, _)| (name.to_lowercase(), stage.clone())));
    }
    let own = made.iter().flat_map(|(stage, tables)| {
        let views = tables
            .iter()
            .filter_map(|table| made_of_tables(stage, table));
        views.map(|(name, _)| name)
    });
    own.into_iter().find_map(|name| {
        let other = names.get(&name.to_lowercase())?;
        Some((name, other.clone()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dataset::StageFacts;

    #[test]
    fn sets_take_no_name_that_something_else_has() {
        let mut manifest = Manifest::new();
        let mut facts = StageFacts::default();
        let empty = TableFacts {
            schema_version: 1,
            rows: 0,
            files: Vec::new(),
            columns: Vec::new(),
        };
        facts.tables.insert("flow".to_owned(), empty);
        manifest
            .stages
            .insert("labels/lab".to_owned(), facts.clone());
        manifest.stages.insert("labeled/lab".to_owned(), facts);
        let taken = |set: &str| {
            let [labels, labeled] = [format!("labels/{set}"), format!("labeled/{set}")];
            let made = [
                (labels.as_str(), vec!["flow", "claims"]),
                (labeled.as_str(), vec!["flow"]),
            ];
            taken_name(&manifest, &made).map(|(name, other)| format!("{name}: {other}"))
        };
        for (set, clash) in [
            ("lab", None),
            ("other", None),
            ("nfstream", Some("flow_nfstream: the table flow_nfstream")),
            ("LAB", Some("flow_label_LAB: labels/lab")),
            ("label_lab", Some("flow_label_lab: labels/lab")),
        ] {
            assert_eq!(taken(set).as_deref(), clash, "{set}");
        }
        let features = [("features/lab", vec!["lab"])];
        assert_eq!(taken_name(&manifest, &features), None);
    }
}
