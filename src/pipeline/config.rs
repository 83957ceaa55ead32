//! `pipeline.yaml`: what a person writes, read and checked.
//!
//! Paths in it are relative to the folder of the file, so that a pipeline can be given away
//! together with its labels.

use std::path::{Path, PathBuf};

use netcap_proto::Table;
use schemars::JsonSchema;
use serde::Deserialize;

use super::expect::Expected;
use super::exports::ExportRequest;
use super::features::FeatureRequest;
use super::label_sets::{flow_table, materializable};
use super::labels::{LabelRequest, check_names};
use super::sources::StreamRequest;
use super::values::{Count, duration_ns, time_range};
use crate::capture::{Arrangement, Overlap};
use crate::dataset::Accept;
use crate::engine::{FIRST_PACKETS, Selection};
use crate::error::{Error, Result};
use crate::feature::FeatureSet;
use crate::flow::Policy;
use crate::output::export::Format;
use crate::yaml;

/// A pipeline: from captures to a dataset.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
#[schemars(title = "netcap pipeline file")]
pub struct Pipeline {
    /// Version of this format: 1.
    pub netcap_pipeline: u32,
    /// What it makes, for people.
    #[serde(default)]
    pub description: Option<String>,
    /// Folder of the output, unless --out names another one.
    #[serde(default)]
    pub output: Option<PathBuf>,
    /// Captures and folders of captures: one stream, unless `streams` says otherwise.
    #[serde(default)]
    pub captures: Option<OneOrMany>,
    /// The captures that the pipeline is for: what is missing or different is a warning.
    #[serde(default)]
    pub expect: Vec<Expected>,
    /// How captures form streams. Flows go on from file to file inside a stream, never between.
    #[serde(default)]
    pub streams: Option<Streams>,
    /// What to do where files of a stream overlap in time.
    #[serde(default)]
    pub overlap: OverlapMode,
    /// Tables to decode: a list; or names with - before them for all but those, + for those too. By default all that are not
    /// filled on request only.
    #[serde(default)]
    pub tables: Option<OneOrMany>,
    /// Rules for the table `flow`.
    #[serde(default)]
    pub flow: FlowRules,
    /// Only packets of this time: `A .. B` in RFC 3339; either may be left out.
    #[serde(default)]
    pub time: Option<String>,
    /// Packets are put in order of time, if they are not further apart than this, such as 10ms.
    #[serde(default)]
    pub reorder: Option<String>,
    /// Packets with the same bytes as one at most this long before are left out, such as 500us.
    #[serde(default)]
    pub drop_duplicates: Option<String>,
    /// Only so many packets of each stream: 1000, 64k, 1M.
    #[serde(default)]
    pub head: Option<Count>,
    /// Label sets.
    #[serde(default)]
    pub labels: Vec<LabelSet>,
    /// Feature tables.
    #[serde(default)]
    pub features: Vec<Features>,
    /// Exports.
    #[serde(default)]
    pub exports: Vec<Export>,
    /// Warnings that are known and do not change the exit status.
    #[serde(default)]
    pub accept: Vec<Accept>,
}

/// A text, or a list of texts.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(untagged, expecting = "expected a name, or a list of names")]
pub enum OneOrMany {
    /// One.
    One(String),
    /// Several.
    Many(Vec<String>),
}

impl OneOrMany {
    fn list(&self) -> Vec<String> {
        match self {
            Self::One(text) => vec![text.clone()],
            Self::Many(texts) => texts.clone(),
        }
    }
}

/// How captures form streams.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(
    untagged,
    expecting = "expected each-file, each-folder, or a list of streams, each with `name` and `captures`"
)]
pub enum Streams {
    /// Each file or each folder of `captures` is a stream, called after it.
    Each(Each),
    /// Streams with their captures.
    Named(Vec<NamedStream>),
}

/// What is a stream.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Each {
    /// Each file.
    EachFile,
    /// Each of the folders (or files) that `captures` names.
    EachFolder,
}

/// A stream with a name.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NamedStream {
    /// Its name: the value of the column `stream`.
    pub name: String,
    /// Its captures and folders of captures.
    pub captures: OneOrMany,
}

/// What to do where files of a stream overlap in time.
#[derive(Debug, Clone, Copy, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum OverlapMode {
    /// Stop and show where.
    #[default]
    Refuse,
    /// Read them as one, packet by packet by time.
    Merge,
    /// Make each file a stream of its own.
    Separate,
}

/// Rules for the table `flow`.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct FlowRules {
    /// A gap of more than this ends a flow, such as 120s (the default).
    #[serde(default)]
    pub idle_timeout: Option<String>,
    /// A flow that lasts this long is cut, such as 1800s (the default).
    #[serde(default)]
    pub active_timeout: Option<String>,
    /// No more flows than about this many at a time; those idle longest leave. No bound by default.
    #[serde(default)]
    pub max_flows: Option<Count>,
    /// Packets of each flow in the table `flow_packets`; 20 by default.
    #[serde(default)]
    pub first_packets: Option<usize>,
}

/// A label set.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LabelSet {
    /// Its name.
    pub set: String,
    /// Ground truth files.
    pub files: OneOrMany,
    /// Tables to write with label columns, beside `flow`; `all` for all that are decoded.
    #[serde(default)]
    pub materialize: Option<OneOrMany>,
    /// Flows that claims and report are of, by their policy; netcap's by default. All flows are labeled.
    #[serde(default)]
    pub policy: Option<String>,
}

/// A feature table.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Features {
    /// The set: its name, the file of one, with a dialect after a colon.
    pub set: String,
    /// Name of the table; by default that of the set, with a dialect that is not the default one.
    #[serde(default)]
    pub name: Option<String>,
    /// The label set whose labels are added.
    #[serde(default)]
    pub labels: Option<String>,
    /// What tells flows apart is written too: addresses, ports, time.
    #[serde(default)]
    pub with_ids: bool,
    /// Original spellings of the columns.
    #[serde(default)]
    pub naming: Option<String>,
}

/// An export.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Export {
    /// Its format.
    pub format: Format,
    /// Tables; all by default.
    #[serde(default)]
    pub tables: Option<OneOrMany>,
    /// The label set whose columns are added.
    #[serde(default)]
    pub labels: Option<String>,
}

/// A pipeline with its paths found and its values read.
#[derive(Debug)]
pub struct Plan {
    /// Folder of the output, if the file names one.
    pub output: Option<PathBuf>,
    /// The captures.
    pub streams: Vec<StreamRequest>,
    /// The captures that the pipeline is for.
    pub expect: Vec<Expected>,
    /// Tables to decode.
    pub tables: Selection,
    /// Rules for flows.
    pub policy: Policy,
    /// Packets of each flow in the table `flow_packets`.
    pub first_packets: usize,
    /// What is done with the packets before they are decoded.
    pub arrangement: Arrangement,
    /// Range of time (nanoseconds since 1970).
    pub time: Option<(i64, i64)>,
    /// Packets of each stream.
    pub head: Option<u64>,
    /// Label sets.
    pub labels: Vec<LabelRequest>,
    /// Feature tables.
    pub features: Vec<FeatureRequest>,
    /// Exports.
    pub exports: Vec<ExportRequest>,
    /// Accepted warnings.
    pub accept: Vec<Accept>,
}

impl Pipeline {
    /// Reads a file. `overrides` are `key=value` with dots between nested keys.
    pub fn read(path: &Path, overrides: &[String]) -> Result<Self> {
        let text = std::fs::read_to_string(path).map_err(|e| Error::io(path, "read", e))?;
        let pipeline: Self = yaml::read(&text).map_err(|e| e.in_file(path))?;
        if pipeline.netcap_pipeline != 1 {
            return Err(Error::new(format!(
                "this is version {} of the pipeline format, and netcap reads version 1",
                pipeline.netcap_pipeline
            ))
            .in_file(path));
        }
        if overrides.is_empty() {
            return Ok(pipeline);
        }
        let mut value: serde_json::Value = yaml::read(&text).map_err(|e| e.in_file(path))?;
        for text in overrides {
            set(&mut value, text)?;
        }
        serde_json::from_value(value).map_err(|e| {
            Error::new(format!("with --set, the pipeline is not valid: {e}")).in_file(path)
        })
    }

    /// Finds the paths, relative to `folder`, and reads the values.
    pub fn plan(&self, folder: &Path) -> Result<Plan> {
        let at = |text: &String| folder.join(text);
        let overlap = match self.overlap {
            OverlapMode::Refuse => Overlap::Refuse,
            OverlapMode::Merge => Overlap::Merge,
            OverlapMode::Separate => Overlap::Separate,
        };
        let exports = self
            .exports
            .iter()
            .map(|export| self.export_request(export));
        let features = self
            .features
            .iter()
            .map(|features| self.feature_request(features, folder));
        let tables = match &self.tables {
            Some(tables) => Selection::parse(&tables.list().join(","))?,
            None => Selection::all(),
        };
        let labels = self
            .labels
            .iter()
            .map(|set| label_request(set, folder, &tables));
        let labels: Vec<LabelRequest> = labels.collect::<Result<_>>()?;
        check_names(&labels)?;
        let default = Policy::default();
        let timeout = |text: &Option<String>| text.as_deref().map(duration_ns).transpose();
        Ok(Plan {
            output: self.output.as_ref().map(|p| folder.join(p)),
            streams: self.streams(&at, overlap)?,
            expect: self.expect.clone(),
            tables,
            policy: Policy {
                idle_ns: timeout(&self.flow.idle_timeout)?.or(default.idle_ns),
                active_ns: timeout(&self.flow.active_timeout)?.unwrap_or(default.active_ns),
                max_flows: self.flow.max_flows.map(|count| count.0),
                ..default
            },
            first_packets: self.flow.first_packets.unwrap_or(FIRST_PACKETS),
            arrangement: Arrangement {
                reorder_ns: timeout(&self.reorder)?,
                drop_duplicates_ns: timeout(&self.drop_duplicates)?,
            },
            time: self.time.as_deref().map(time_range).transpose()?,
            head: self.head.map(|count| count.0),
            labels,
            features: features.collect::<Result<_>>()?,
            exports: exports.collect::<Result<_>>()?,
            accept: self.accept.clone(),
        })
    }

    fn streams(
        &self,
        at: &dyn Fn(&String) -> PathBuf,
        overlap: Overlap,
    ) -> Result<Vec<StreamRequest>> {
        let captures: Vec<PathBuf> = self
            .captures
            .iter()
            .flat_map(OneOrMany::list)
            .map(|c| at(&c))
            .collect();
        let named = |path: PathBuf, root: &Path| StreamRequest {
            name: path
                .strip_prefix(root)
                .ok()
                .filter(|p| !p.as_os_str().is_empty())
                .or_else(|| path.file_name().map(Path::new))
                .map(|name| name.to_string_lossy().replace(['/', '\\'], "-")),
            captures: vec![path],
            overlap,
        };
        match (&self.streams, captures.is_empty()) {
            (Some(Streams::Named(streams)), true) if !streams.is_empty() => Ok(streams
                .iter()
                .map(|stream| StreamRequest {
                    name: Some(stream.name.clone()),
                    captures: stream.captures.list().iter().map(at).collect(),
                    overlap,
                })
                .collect()),
            (Some(Streams::Named(_)), false) => Err(Error::new(
                "the pipeline has both `captures` and a list of `streams`",
            )
            .help("put the captures into the streams")),
            (_, true) => Err(Error::new("the pipeline names no captures")
                .help("add `captures: FILE` or a list of `streams`")),
            (Some(Streams::Each(Each::EachFile)), false) => {
                let mut requests = Vec::new();
                for root in captures {
                    let (files, _) = crate::capture::expand(std::slice::from_ref(&root))?;
                    requests.extend(files.into_iter().map(|file| named(file, &root)));
                }
                Ok(requests)
            }
            (Some(Streams::Each(Each::EachFolder)), false) => Ok(captures
                .into_iter()
                .map(|path| named(path, Path::new("")))
                .map(|mut request| {
                    let name = request.captures.first().and_then(|p| p.file_name());
                    request.name = name.map(|n| n.to_string_lossy().into_owned());
                    request
                })
                .collect()),
            (None, false) => Ok(vec![StreamRequest {
                name: None,
                captures,
                overlap,
            }]),
        }
    }

    /// A label set that something names must be in the pipeline.
    fn check_labels(&self, who: &str, set: Option<&String>) -> Result<()> {
        match set {
            Some(set) if !self.labels.iter().any(|l| l.set == *set) => Err(Error::new(format!(
                "{who} names the label set \"{set}\", and the pipeline has none of this name"
            ))),
            _ => Ok(()),
        }
    }

    fn feature_request(&self, features: &Features, folder: &Path) -> Result<FeatureRequest> {
        self.check_labels("a feature table", features.labels.as_ref())?;
        let set = FeatureSet::find(&features.set, folder)?;
        if let Some(naming) = &features.naming {
            set.naming(naming)?;
        }
        Ok(FeatureRequest {
            name: features.name.clone().unwrap_or_else(|| set.full_name()),
            set,
            labels: features.labels.clone(),
            with_ids: features.with_ids,
            naming: features.naming.clone(),
        })
    }

    fn export_request(&self, export: &Export) -> Result<ExportRequest> {
        self.check_labels("an export", export.labels.as_ref())?;
        let tables = export
            .tables
            .as_ref()
            .map(|names| Selection::parse(&names.list().join(",")));
        Ok(ExportRequest {
            format: export.format,
            tables: tables.transpose()?.map(|s| s.names().to_vec()),
            labels: export.labels.clone(),
        })
    }
}

/// The request for a set, of an output that has `tables`.
fn label_request(set: &LabelSet, folder: &Path, tables: &Selection) -> Result<LabelRequest> {
    let names = set
        .materialize
        .as_ref()
        .map(OneOrMany::list)
        .unwrap_or_default();
    let mut materialize = tables_to_materialize(&names)?;
    if names.iter().any(|name| name == ALL) {
        materialize.retain(|table| tables.has(table));
    }
    Ok(LabelRequest {
        set: set.set.clone(),
        files: set.files.list().iter().map(|f| folder.join(f)).collect(),
        materialize,
        policy: set.policy.as_deref().map(flow_table).transpose()?,
    })
}

/// All tables, where names of tables are wanted.
const ALL: &str = "all";

/// Tables to label beside `flow`: `all`, or names.
pub fn tables_to_materialize(names: &[String]) -> Result<Vec<&'static str>> {
    if names.iter().any(|n| n == ALL) {
        return Ok(materializable().map(|t| t.name).collect());
    }
    let mut tables = Vec::new();
    for name in Selection::parse_list(&names.join(","))? {
        let table = Table::find(name);
        if table.is_none_or(|t| t.column("flow").is_none()) {
            return Err(Error::new(format!(
                "the table {name} cannot be labeled: its rows belong to no flow"
            )));
        }
        tables.push(name);
    }
    Ok(tables)
}

/// Sets a key, given as `key.key=value` with a value in YAML.
fn set(value: &mut serde_json::Value, text: &str) -> Result<()> {
    let (key, new) = text.split_once('=').ok_or_else(|| {
        Error::new(format!("\"{text}\" sets nothing")).help("write --set flow.idle-timeout=60s")
    })?;
    let new: serde_json::Value = serde_yaml::from_str(new)
        .map_err(|e| Error::new(format!("the value of --set {text} is no YAML: {e}")))?;
    let mut at = value;
    for part in key.split('.') {
        let object = match at {
            serde_json::Value::Object(object) => object,
            _ => {
                return Err(Error::new(format!(
                    "--set {key}: what is before .{part} is no mapping"
                )));
            }
        };
        at = object.entry(part).or_insert_with(|| serde_json::json!({}));
    }
    *at = new;
    Ok(())
}

/// JSON Schema of pipeline files, for editors.
pub fn json_schema() -> serde_json::Value {
    serde_json::Value::from(schemars::schema_for!(Pipeline))
}
