//! The generated files in `schemas/`, and the promise that tables only grow.

use std::path::Path;

use netcap::{feature, label, pipeline, schema};
use netcap_proto::{Column, LABEL_COLUMNS, LABEL_TABLES, TABLES, Table};

use crate::support::{compare, root};

fn all() -> Vec<&'static Table> {
    TABLES.iter().chain(LABEL_TABLES).copied().collect()
}

fn pretty(value: &serde_json::Value) -> String {
    serde_json::to_string_pretty(value).unwrap() + "\n"
}

#[test]
fn schemas_are_up_to_date() {
    compare("schemas/tables.md", &schema::markdown(&all()));
    for table in all() {
        compare(
            &format!("schemas/{}.json", table.name),
            &pretty(&schema::json(table)),
        );
    }
    compare(
        "schemas/pipeline.schema.json",
        &pretty(&pipeline::json_schema()),
    );
    compare("schemas/labels.schema.json", &pretty(&label::json_schema()));
    compare(
        "schemas/features.schema.json",
        &pretty(&feature::json_schema()),
    );
    compare("schemas/features.md", &features());
    compare("schemas/labels.md", &label::key_reference());
}

/// All shipped feature sets in all of their dialects.
fn features() -> String {
    let mut text = String::from(
        "# Feature sets\n\nGenerated from `features/`. docs/features.md tells how they are used and made.\n",
    );
    for name in feature::names() {
        let find = |word: &str| feature::FeatureSet::find(word, Path::new("")).unwrap();
        for (dialect, _) in find(name).dialects {
            text += "\n";
            text += &feature::markdown(&find(&format!("{name}:{dialect}")));
        }
    }
    text
}

/// One line a column: what readers of existing files rely on.
fn lines() -> Vec<String> {
    fn add(prefix: &str, columns: &[Column], out: &mut Vec<String>) {
        for column in columns {
            let null = if column.nullable { "null" } else { "required" };
            out.push(format!(
                "{prefix}.{} {:?} {} {null}",
                column.name,
                column.path,
                // The fields of a struct have lines of their own, and may become more.
                if column.children.is_empty() {
                    schema::type_name(column)
                } else {
                    "struct".to_owned()
                }
            ));
            add(&format!("{prefix}.{}", column.name), column.children, out);
        }
    }
    let mut out = Vec::new();
    for table in all() {
        add(table.name, table.columns, &mut out);
    }
    add("label columns", LABEL_COLUMNS, &mut out);
    out
}

/// A column, once released, keeps its name, number and type. `proto/columns.lock` only grows.
#[test]
fn columns_are_compatible() {
    let path = root().join("proto/columns.lock");
    let locked = std::fs::read_to_string(&path).unwrap_or_default();
    let now = lines();
    for line in locked.lines() {
        assert!(
            now.iter().any(|l| l == line),
            "this column was removed, renumbered or retyped, which breaks existing datasets: {line}"
        );
    }
    let mut text = now.join("\n");
    text.push('\n');
    compare("proto/columns.lock", &text);
}

#[test]
fn tables_have_docs_and_unique_names() {
    for table in all() {
        assert!(
            !table.doc.is_empty() && table.version >= 1,
            "{}",
            table.name
        );
        let mut names: Vec<String> = table
            .columns
            .iter()
            .map(|c| c.name.to_lowercase())
            .collect();
        names.sort();
        names.dedup();
        assert_eq!(names.len(), table.columns.len(), "{}", table.name);
    }
}

/// Each protocol that names a table is the only one that does, and each table is filled.
#[test]
fn registry_and_tables_agree() {
    let mut filled: Vec<&str> = netcap::protocol::REGISTRY
        .iter()
        .filter_map(|e| e.info.table)
        .collect();
    filled.extend(["capture", "packet", "malformed", "flow"]);
    filled.sort_unstable();
    let by_default = TABLES.iter().filter(|t| !t.on_request);
    let mut known: Vec<&str> = by_default.map(|t| t.name).collect();
    known.sort_unstable();
    assert_eq!(filled, known);
}
