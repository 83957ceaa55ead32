//! Feature set files as people write them: YAML, read and checked for its form.
//!
//! What the parts mean together, and whether the expressions are good, is the business of `set`.

use std::collections::BTreeMap;
use std::path::Path;

use schemars::JsonSchema;
use serde::Deserialize;
use serde_yaml::Spanned;

use crate::error::{Error, Result};
use crate::yaml;

/// A feature set: columns with their definitions in SQL, over the flow table of one policy.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
#[schemars(title = "netcap feature set file")]
pub(super) struct Document {
    /// Version of this format: 1.
    pub netcap_features: u32,
    /// Name of the set.
    pub set: String,
    /// Version of the definitions: one more with each change of what comes out.
    pub version: i32,
    /// What it is, in a line.
    pub title: String,
    /// More about it, for people.
    #[serde(default)]
    pub description: String,
    /// Where the features are defined: a paper, a tool and its version.
    #[serde(default)]
    pub source: String,
    /// The table that the expressions are over.
    #[serde(default)]
    pub from: From,
    /// How many of the first packets of each flow the columns name, where they are made of `flow_packets`.
    #[serde(default)]
    pub first_packets: Option<u64>,
    /// Ways to calculate the set, by name; the first one is the default.
    pub dialects: Vec<Dialect>,
    /// Original spellings that the columns can be given, by name.
    #[serde(default)]
    pub namings: BTreeMap<String, Naming>,
    /// A shipped set that the columns of this one are added to.
    #[serde(default)]
    pub extends: Option<String>,
    /// What tells flows apart rather than what they are like: written when asked for.
    #[serde(default)]
    #[schemars(with = "Vec<Item>")]
    pub ids: Vec<Spanned<Item>>,
    /// The features.
    #[schemars(with = "Vec<Item>")]
    pub columns: Vec<Spanned<Item>>,
}

/// The table that the expressions are over.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum From {
    /// The policy's table of flows: a row each.
    #[default]
    Flow,
    /// The first packets of each flow: expressions are aggregates over them.
    FlowPackets,
    /// The policy's table of flows, and beside its columns what hosts did before each flow.
    FlowHistory,
}

/// A way to calculate a set.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Dialect {
    /// Its name.
    pub name: String,
    /// The rules by which packets become flows: netcap, nfstream, cicflowmeter-engelen or cicflowmeter-2017.
    pub policy: String,
    /// What it is for.
    #[serde(default)]
    pub description: String,
    /// Words that stand in braces in the columns.
    #[serde(default)]
    pub words: BTreeMap<String, String>,
}

/// Original spellings of a tool or a data set.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Naming {
    /// Whose they are.
    #[serde(default)]
    pub description: String,
    /// What the column `label` is called; without it, it is netcap_label.
    #[serde(default)]
    pub label: Option<String>,
}

/// A column, several columns of the flow table, or a block of columns that is repeated.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Item {
    /// The column's name: small letters, digits and _.
    #[serde(default)]
    pub name: Option<String>,
    /// Type of its values.
    #[serde(default)]
    pub r#type: Option<ColumnType>,
    /// Unit of its values.
    #[serde(default)]
    pub unit: Option<String>,
    /// What it means.
    #[serde(default)]
    pub doc: Option<String>,
    /// The definition: a row-wise SQL expression over the columns of the flow table.
    #[serde(default)]
    pub sql: Option<ByDialect>,
    /// How it departs from what the published tool writes.
    #[serde(default)]
    pub departs: Option<ByDialect>,
    /// What one should know before one trains on it.
    #[serde(default)]
    pub trap: Option<ByDialect>,
    /// Where it is defined, when more exact than the set's source.
    #[serde(default)]
    pub source: Option<String>,
    /// Original spellings, by naming.
    #[serde(default)]
    pub names: BTreeMap<String, String>,
    /// Only in these dialects.
    #[serde(default)]
    pub only: Option<Vec<String>>,
    /// Columns of the flow table as they are: names, or `all` that are not named elsewhere in the file.
    #[serde(default)]
    pub base: Option<Base>,
    /// Repeats the column, or the block, once for each value of these words.
    #[serde(default)]
    pub r#for: Option<BTreeMap<String, Values>>,
    /// A block of columns to be repeated.
    #[serde(default)]
    pub columns: Vec<Item>,
}

/// A text for all dialects, or one for each.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(untagged, expecting = "expected a text, or a text for each dialect")]
pub(super) enum ByDialect {
    /// The same for all.
    All(String),
    /// By the names of dialects.
    Each(BTreeMap<String, String>),
}

/// Columns of the flow table.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(untagged, expecting = "expected `all`, or a list of columns")]
pub(super) enum Base {
    /// `all`.
    All(All),
    /// By name.
    Names(Vec<String>),
}

/// The word `all`.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum All {
    /// All columns.
    All,
}

/// Values of a word.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(untagged, expecting = "expected a list of texts, or {from: 0, to: 19}")]
pub(super) enum Values {
    /// These.
    List(Vec<String>),
    /// Numbers, the last one included.
    Range(Range),
}

/// Numbers from one to another.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Range {
    /// The first.
    pub from: u16,
    /// The last.
    pub to: u16,
}

/// Types of features.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum ColumnType {
    /// 64-bit integer.
    Int64,
    /// 64-bit float.
    Double,
    /// Text.
    Text,
    /// Time with microseconds, UTC.
    Timestamp,
}

impl ByDialect {
    /// The text for a dialect.
    pub(super) fn of(&self, dialect: &str) -> Option<&str> {
        match self {
            Self::All(text) => Some(text),
            Self::Each(texts) => texts.get(dialect).map(String::as_str),
        }
    }

    /// The dialects that it names.
    pub(super) fn dialects(&self) -> impl Iterator<Item = &str> {
        let texts = match self {
            Self::All(_) => None,
            Self::Each(texts) => Some(texts.keys().map(String::as_str)),
        };
        texts.into_iter().flatten()
    }
}

impl Document {
    /// Reads a file's text; errors have the file's name.
    pub(super) fn read(text: &str, path: &Path) -> Result<Self> {
        let document: Self = yaml::read(text).map_err(|e| e.in_file(path))?;
        if document.netcap_features != 1 {
            return Err(Error::new(format!(
                "this is version {} of the format of feature sets, and netcap reads version 1",
                document.netcap_features
            ))
            .in_file(path));
        }
        Ok(document)
    }
}

/// JSON Schema of feature set files, for editors.
pub fn json_schema() -> serde_json::Value {
    serde_json::Value::from(schemars::schema_for!(Document))
}
