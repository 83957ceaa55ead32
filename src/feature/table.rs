//! The table that a feature set fills: keys, ids, features, label; under the names that were asked for.

use netcap_proto::{Column, Encoding, Kind, Table, Type};

use super::set::{FeatureSet, KEYS, LABEL};
use crate::error::{Error, Result};
use crate::output::Layout;

/// What of a set is written, and under which names.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Form {
    /// The columns that tell flows apart, beside the keys.
    pub with_ids: bool,
    /// A column `label`.
    pub labeled: bool,
    /// The original spellings of this naming; netcap's own columns are prefixed then.
    pub naming: Option<String>,
}

/// The layout of the set's table.
///
/// Tables are described by static data everywhere. That of a set is made once for each time the set is
/// written and kept until the program ends: sets are few and small.
pub(super) fn layout(set: &FeatureSet, form: &Form) -> Result<Layout> {
    let names = Names::new(set, form)?;
    let mut columns: Vec<Column> = Vec::new();
    let mut add = |name: String, ty: Type, nullable: bool, doc: &str, unit: &str, source: &str| {
        let number = u32::try_from(columns.len() + 1).unwrap_or(u32::MAX);
        let plain = name == "flow_uid" || name.ends_with("_flow_uid");
        columns.push(Column {
            name: keep(name),
            number,
            path: &[],
            ty,
            kind: match ty {
                Type::Text if !plain => Kind::Term,
                _ => Kind::Plain,
            },
            nullable,
            repeated: false,
            doc: keep(doc.to_owned()),
            unit: keep(unit.to_owned()),
            source: keep(source.to_owned()),
            encoding: Encoding::Default,
            names: None,
            children: &[],
        });
    };
    for key in KEYS {
        let column = set.flows.column(key);
        let (ty, doc) = column.map_or((Type::Int64, ""), |column| (column.ty, column.doc));
        add(names.own(key), ty, false, doc, "", "");
    }
    let ids = set.ids.iter().filter(|_| form.with_ids);
    for feature in ids.chain(&set.features) {
        let name = names.of(&feature.name, feature.names.get(&names.naming));
        add(
            name,
            feature.ty,
            true,
            &feature.doc,
            &feature.unit,
            &feature.source,
        );
    }
    if form.labeled {
        let doc = "The class, or `benign`; null unless the row is certain.";
        add(names.label(), Type::Text, true, doc, "", "");
    }
    if let Some(twice) = twice(&columns) {
        return Err(Error::new(format!(
            "with the naming {}, two columns are called {twice}",
            names.naming
        )));
    }
    let table = Table {
        name: keep(set.full_name()),
        message: "",
        version: set.version,
        title: keep(set.title.clone()),
        doc: keep(set.description.clone()),
        source: keep(set.source.clone()),
        on_request: true,
        label_path: &[],
        columns: Vec::leak(columns),
    };
    let mut layout = Layout::plain(Box::leak(Box::new(table)));
    layout.says = vec![
        ("netcap.features.set", set.name.clone()),
        ("netcap.features.dialect", set.dialect.clone()),
        ("netcap.features.policy", set.policy.clone()),
        ("netcap.features.version", set.version.to_string()),
    ];
    Ok(layout)
}

fn keep(text: String) -> &'static str {
    String::leak(text)
}

/// A name that two columns have, ignoring case.
fn twice(columns: &[Column]) -> Option<&'static str> {
    let mut seen = std::collections::BTreeSet::new();
    let mut names = columns.iter().map(|column| column.name);
    names.find(|name| !seen.insert(name.to_lowercase()))
}

/// How columns are called.
struct Names {
    /// The naming; empty for netcap's own names.
    naming: String,
    label: Option<String>,
}

impl Names {
    fn new(set: &FeatureSet, form: &Form) -> Result<Self> {
        let Some(naming) = &form.naming else {
            return Ok(Self {
                naming: String::new(),
                label: Some(LABEL.to_owned()),
            });
        };
        let (_, label) = set.naming(naming)?;
        Ok(Self {
            naming: naming.clone(),
            label: label.clone(),
        })
    }

    fn own(&self, name: &str) -> String {
        match self.naming.is_empty() {
            true => name.to_owned(),
            false => format!("netcap_{name}"),
        }
    }

    fn of(&self, name: &str, original: Option<&String>) -> String {
        original.cloned().unwrap_or_else(|| self.own(name))
    }

    fn label(&self) -> String {
        self.label.clone().unwrap_or_else(|| self.own(LABEL))
    }
}
