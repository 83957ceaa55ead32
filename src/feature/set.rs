//! A feature set in one of its dialects: every column with its definition, checked.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use netcap_proto::{FLOW_PACKET, Table, Type};
use serde_yaml::Spanned;

use super::document::{Base, ColumnType, Dialect, Document, From, Item, Naming};
use super::expression::{Kind, Names, check};
use super::history::with_history;
use super::shipped;
use super::template::{Words, unfold};
use crate::error::{Error, Result};
use crate::flow::Policy;

/// Columns that every feature table has: the flow's number and its identifier to cite.
pub(super) const KEYS: [&str; 2] = ["flow", "flow_uid"];
/// The label column, where labels are asked for.
pub(super) const LABEL: &str = "label";

/// A feature set in one dialect.
#[derive(Debug)]
pub struct FeatureSet {
    /// Its name.
    pub name: String,
    /// The dialect; empty if the set has only one.
    pub dialect: String,
    /// All dialects with their descriptions, the default one first.
    pub dialects: Vec<(String, String)>,
    /// The policy whose flows it is of.
    pub policy: String,
    /// Version of the definitions.
    pub version: i32,
    /// What it is, in a line.
    pub title: String,
    /// More about it.
    pub description: String,
    /// Where it is defined.
    pub source: String,
    /// The table of flows.
    pub flows: &'static Table,
    /// The expressions are aggregates over the flows' first packets.
    pub grouped: bool,
    /// How many of these they name.
    pub first_packets: Option<u64>,
    /// The expressions know what hosts did before each flow, too.
    pub with_history: bool,
    /// What tells flows apart.
    pub ids: Vec<Feature>,
    /// The features.
    pub features: Vec<Feature>,
    /// Original spellings, by name: whose they are, and what the label is called.
    pub namings: BTreeMap<String, (String, Option<String>)>,
}

/// A column of a feature set.
#[derive(Debug, Clone)]
pub struct Feature {
    /// Its name.
    pub name: String,
    /// Type of its values.
    pub ty: Type,
    /// Their unit; empty without one.
    pub unit: String,
    /// What it means.
    pub doc: String,
    /// The definition.
    pub sql: String,
    /// Type of the definition.
    pub kind: Kind,
    /// The columns that the definition names.
    pub columns: BTreeSet<String>,
    /// How it departs from what the published tool writes; empty if it does not.
    pub departs: String,
    /// What one should know before one trains on it; empty if nothing.
    pub trap: String,
    /// Where it is defined, when more exact than the set's source.
    pub source: String,
    /// Original spellings, by naming.
    pub names: BTreeMap<String, String>,
}

impl FeatureSet {
    /// The set that `word` names: `cicflowmeter`, `cicflowmeter:engelen`, or a file `mine.yaml`, also with a
    /// dialect. Paths are relative to `folder`.
    pub fn find(word: &str, folder: &Path) -> Result<Self> {
        let (set, dialect) = split(word);
        let (text, path) = if is_file(set) {
            let path = folder.join(set);
            let text = std::fs::read_to_string(&path).map_err(|e| Error::io(&path, "read", e))?;
            (text, path)
        } else {
            let text = shipped::text(set).ok_or_else(|| shipped::unknown(set))?;
            (text.to_owned(), shipped::path(set))
        };
        Self::read(&text, &path, dialect)
    }

    /// Reads a set from the text of a file.
    pub fn read(text: &str, path: &Path, dialect: Option<&str>) -> Result<Self> {
        let document = Document::read(text, path)?;
        let set = Builder::new(&document, dialect).and_then(|builder| builder.build(&document));
        set.map_err(|e| e.in_file(path))
    }

    /// Its name with the dialect, if that is not the default one: `cicflowmeter-engelen`.
    pub fn full_name(&self) -> String {
        match self.dialects.first() {
            Some((default, _)) if *default != self.dialect => {
                format!("{}-{}", self.name, self.dialect)
            }
            _ => self.name.clone(),
        }
    }

    /// Whose the spellings of a naming are, and what it calls the label.
    pub fn naming(&self, name: &str) -> Result<&(String, Option<String>)> {
        self.namings.get(name).ok_or_else(|| {
            let known: Vec<&str> = self.namings.keys().map(String::as_str).collect();
            let error = Error::new(format!("the set {} has no naming {name}", self.name));
            match known.is_empty() {
                true => error.help("it has none; leave --naming out"),
                false => error.help(format!("it has {}", known.join(", "))),
            }
        })
    }

    /// The columns that its features are calculated from.
    pub fn used(&self) -> BTreeSet<&str> {
        let columns = self.features.iter().flat_map(|f| &f.columns);
        columns.map(String::as_str).collect()
    }

    /// The table that the expressions are over, without what is calculated beside it.
    pub fn table(&self) -> &'static Table {
        if self.grouped {
            &FLOW_PACKET
        } else {
            self.flows
        }
    }
}

/// `cicflowmeter:engelen` as set and dialect.
fn split(word: &str) -> (&str, Option<&str>) {
    match word.rsplit_once(':') {
        // A path may have a colon in a folder's name.
        Some((set, dialect)) if !dialect.contains(['/', '.', '\\']) => (set, Some(dialect)),
        _ => (word, None),
    }
}

fn is_file(set: &str) -> bool {
    set.contains(['/', '\\']) || set.ends_with(".yaml") || set.ends_with(".yml")
}

/// What is known while a set is put together.
struct Builder {
    dialect: Dialect,
    flows: &'static Table,
    over: TableNames,
    words: Words,
}

/// The columns of a table, for expressions.
struct TableNames(&'static Table);

impl Names for TableNames {
    fn kind(&self, name: &str) -> Option<Kind> {
        self.0.column(name).and_then(|column| match column.ty {
            Type::Int32 | Type::Int64 => Some(Kind::Integer),
            Type::Double => Some(Kind::Double),
            Type::Text => Some(Kind::Text),
            Type::Bool => Some(Kind::Boolean),
            Type::Timestamp => Some(Kind::Timestamp),
            Type::Bytes | Type::Struct => None,
        })
    }

    fn near(&self, name: &str) -> Option<&str> {
        let names = self.0.columns.iter().map(|column| column.name);
        crate::text::nearest(name, names)
    }
}

impl Builder {
    fn new(document: &Document, dialect: Option<&str>) -> Result<Self> {
        let names = || document.dialects.iter().map(|d| d.name.as_str());
        let chosen = match dialect {
            None => document.dialects.first(),
            Some(name) => document.dialects.iter().find(|d| d.name == name),
        };
        let mut seen = BTreeSet::new();
        if let Some(twice) = names().find(|name| !seen.insert(*name)) {
            return Err(Error::new(format!("two dialects are called {twice}")));
        }
        let chosen = chosen.ok_or_else(|| match dialect {
            None => {
                Error::new("the set has no dialects").help("write at least one, with its policy")
            }
            Some(name) => Error::new(format!("the set {} has no dialect {name}", document.set))
                .help(format!("it has {}", names().collect::<Vec<_>>().join(", "))),
        })?;
        let policy = Policy::NAMED
            .iter()
            .find(|(name, _)| *name == chosen.policy);
        let (_, flows) = policy.ok_or_else(|| {
            let known: Vec<&str> = Policy::NAMED.iter().map(|(name, _)| *name).collect();
            Error::new(format!("there is no policy {}", chosen.policy))
                .help(format!("write {}", known.join(", ")))
        })?;
        let grouped = document.from == From::FlowPackets;
        if grouped && flows.name != "flow" {
            return Err(Error::new(format!(
                "flow_packets has the packets of the policy netcap only, not of {}",
                chosen.policy
            )));
        }
        let mut words = chosen.words.clone();
        words.insert("dialect".to_owned(), chosen.name.clone());
        Ok(Self {
            dialect: chosen.clone(),
            flows,
            over: TableNames(match document.from {
                From::Flow => flows,
                From::FlowPackets => &FLOW_PACKET,
                From::FlowHistory => with_history(flows).unwrap_or(flows),
            }),
            words,
        })
    }

    fn build(&self, document: &Document) -> Result<FeatureSet> {
        let mut ids = Vec::new();
        let mut features = Vec::new();
        let mut with_history = document.from == From::FlowHistory;
        let mut first_packets = document.first_packets;
        let mut namings: BTreeMap<String, Naming> = BTreeMap::new();
        if let Some(base) = &document.extends {
            let text = shipped::text(base).ok_or_else(|| shipped::unknown(base))?;
            let path = shipped::path(base);
            let document = Document::read(text, &path)?;
            let base = Self::new(&document, None).and_then(|builder| builder.build(&document));
            let base = base.map_err(|e| e.in_file(&path))?;
            ids = base.ids;
            features = base.features;
            with_history |= base.with_history;
            first_packets = first_packets.max(base.first_packets);
        }
        namings.extend(document.namings.clone());
        // What tells flows apart is of the flow itself, also where the features are of its packets.
        let flows = Self {
            over: TableNames(self.flows),
            dialect: self.dialect.clone(),
            words: self.words.clone(),
            ..*self
        };
        let named = named(document);
        for item in &document.ids {
            ids.extend(flows.features(item, document, &named, false)?);
        }
        let grouped = document.from == From::FlowPackets;
        for item in &document.columns {
            features.extend(self.features(item, document, &named, grouped)?);
        }
        let set = FeatureSet {
            name: document.set.clone(),
            dialect: self.dialect.name.clone(),
            dialects: document
                .dialects
                .iter()
                .map(|d| (d.name.clone(), d.description.clone()))
                .collect(),
            policy: self.dialect.policy.clone(),
            version: document.version,
            title: document.title.clone(),
            description: document.description.trim().to_owned(),
            source: document.source.trim().to_owned(),
            flows: self.flows,
            grouped,
            first_packets,
            with_history,
            ids,
            features,
            namings: namings
                .into_iter()
                .map(|(name, naming)| (name, (naming.description, naming.label)))
                .collect(),
        };
        check_names(&set)?;
        Ok(set)
    }

    /// The columns that an item of the file stands for in this dialect.
    fn features(
        &self,
        item: &Spanned<Item>,
        document: &Document,
        named: &BTreeSet<String>,
        grouped: bool,
    ) -> Result<Vec<Feature>> {
        let number = |n: u64| usize::try_from(n).unwrap_or(usize::MAX);
        let place = (
            number(item.referenced.line()),
            number(item.referenced.column()),
        );
        let wrong = |message: String| Error::new(message).at_line(place.0, place.1);
        let mut out = Vec::new();
        for item in unfold(&item.value, &self.words).map_err(wrong)? {
            self.check_dialects(&item, document).map_err(wrong)?;
            let here = |only: &Vec<String>| only.contains(&self.dialect.name);
            if !item.only.as_ref().is_none_or(here) {
                continue;
            }
            if let Some(base) = &item.base {
                out.extend(self.base(base, named).map_err(wrong)?);
                continue;
            }
            out.push(self.feature(&item, document, grouped).map_err(wrong)?);
        }
        Ok(out)
    }

    fn check_dialects(&self, item: &Item, document: &Document) -> Result<(), String> {
        let texts = [&item.sql, &item.departs, &item.trap];
        let texts = texts.into_iter().flatten().flat_map(|t| t.dialects());
        let only = item.only.iter().flatten().map(String::as_str);
        for name in only.chain(texts) {
            if !document.dialects.iter().any(|d| d.name == name) {
                return Err(format!("the set has no dialect {name}"));
            }
        }
        let namings = item
            .names
            .keys()
            .find(|n| !document.namings.contains_key(*n));
        match namings {
            Some(name) => Err(format!("`namings` of the set has no {name}")),
            None => Ok(()),
        }
    }

    fn feature(&self, item: &Item, document: &Document, grouped: bool) -> Result<Feature, String> {
        let name = item.name.clone().ok_or("a column needs a `name`")?;
        let about = |e: String| format!("{name}: {e}");
        let dialect = &self.dialect.name;
        let sql = item.sql.as_ref().and_then(|sql| sql.of(dialect));
        let sql = sql.ok_or_else(|| match document.dialects.len() {
            1 => format!("{name} has no `sql`"),
            _ => format!(
                "{name} has no `sql` for the dialect {dialect}, and no `only` that leaves it out"
            ),
        })?;
        let sql = sql.split_whitespace().collect::<Vec<_>>().join(" ");
        let checked = check(&sql, &self.over, grouped).map_err(about)?;
        let declared = item.r#type.ok_or_else(|| format!("{name} has no `type`"))?;
        let wanted = match declared {
            ColumnType::Int64 => Kind::Integer,
            ColumnType::Double => Kind::Double,
            ColumnType::Text => Kind::Text,
            ColumnType::Timestamp => Kind::Timestamp,
        };
        if checked.kind.with(wanted) != Some(wanted) {
            return Err(format!(
                "{name} is declared {declared:?}, and its definition gives {:?}",
                checked.kind
            )
            .to_lowercase());
        }
        let text = |text: &Option<super::document::ByDialect>| {
            let text = text
                .as_ref()
                .and_then(|t| t.of(dialect))
                .unwrap_or_default();
            text.trim().to_owned()
        };
        Ok(Feature {
            ty: match declared {
                ColumnType::Int64 => Type::Int64,
                ColumnType::Double => Type::Double,
                ColumnType::Text => Type::Text,
                ColumnType::Timestamp => Type::Timestamp,
            },
            unit: item.unit.clone().unwrap_or_default(),
            doc: item.doc.clone().unwrap_or_default().trim().to_owned(),
            sql,
            kind: checked.kind,
            columns: checked.columns,
            departs: text(&item.departs),
            trap: text(&item.trap),
            source: item.source.clone().unwrap_or_default(),
            names: item.names.clone(),
            name,
        })
    }

    /// Columns of the table as they are.
    fn base(&self, base: &Base, named: &BTreeSet<String>) -> Result<Vec<Feature>, String> {
        let table = self.over.0;
        let names: Vec<&str> = match base {
            Base::Names(names) => names.iter().map(String::as_str).collect(),
            Base::All(_) => {
                let free = |name: &&str| !named.contains(*name) && !KEYS.contains(name);
                table.columns.iter().map(|c| c.name).filter(free).collect()
            }
        };
        let feature = |name: &str| {
            let checked = check(name, &self.over, false)?;
            let column = table.column(name).ok_or("it is no column")?;
            Ok(Feature {
                name: name.to_owned(),
                ty: match column.ty {
                    Type::Int32 | Type::Bool => Type::Int64,
                    other => other,
                },
                unit: column.unit.to_owned(),
                doc: column.doc.to_owned(),
                sql: name.to_owned(),
                kind: checked.kind,
                columns: checked.columns,
                departs: String::new(),
                trap: String::new(),
                source: column.source.to_owned(),
                names: BTreeMap::new(),
            })
        };
        names.into_iter().map(feature).collect()
    }
}

/// The columns of the flow table that the file names as they are.
fn named(document: &Document) -> BTreeSet<String> {
    let items = document.ids.iter().chain(&document.columns);
    let bases = items.filter_map(|item| match &item.value.base {
        Some(Base::Names(names)) => Some(names),
        _ => None,
    });
    bases.flatten().cloned().collect()
}

/// Names are spelt alike, and no two are equal.
fn check_names(set: &FeatureSet) -> Result<()> {
    let good = |name: &str| {
        name.starts_with(|c: char| c.is_ascii_lowercase())
            && name
                .chars()
                .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
    };
    let mut seen: BTreeSet<&str> = KEYS.into_iter().chain([LABEL]).collect();
    for feature in set.ids.iter().chain(&set.features) {
        let name = feature.name.as_str();
        if !good(name) {
            return Err(Error::new(format!("\"{name}\" is no name for a column"))
                .help("use small letters, digits and _, and begin with a letter"));
        }
        if !seen.insert(name) {
            return Err(Error::new(format!("two columns are called {name}"))
                .help("flow, flow_uid and label are in every feature table"));
        }
    }
    if !good(&set.name.replace('-', "_")) {
        return Err(Error::new(format!("\"{}\" is no name for a set", set.name))
            .help("use small letters, digits and -"));
    }
    Ok(())
}
