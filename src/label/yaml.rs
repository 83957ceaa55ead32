//! A YAML text as a tree in which each node knows its line and column, and each scalar is the
//! text as it was written.
//!
//! Times, ports and MAC addresses must come from the source: what a YAML reader makes of `10:20`
//! or `1_000` is its own affair, and differs from reader to reader. Nothing here knows what a
//! label file is.

use std::fmt;
use std::path::Path;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_yaml::{DuplicateKeyPolicy, NonFiniteFloatPolicy, Spanned};

use crate::error::Error;
use crate::label::problems::{At, Problems};
use crate::yaml::{NO_TAB, TAB};

/// A node of the tree.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Node {
    pub(super) at: At,
    pub(super) kind: Kind,
}

/// What a node is.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Kind {
    Null,
    Text(Text),
    List(Vec<Node>),
    Map(Vec<Entry>),
}

/// A scalar.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Text {
    pub(super) value: String,
    at: At,
    /// Characters from `at` to the first of `value`, if the value stands in the source as it is.
    verbatim: Option<usize>,
    /// Written without quotes.
    pub(super) plain: bool,
}

impl Text {
    /// A text that stands in a file at this place as it is.
    pub(super) fn new(value: impl Into<String>, at: At) -> Self {
        Self {
            value: value.into(),
            at,
            verbatim: Some(0),
            plain: false,
        }
    }

    /// The place of the character at `offset`, as exactly as it is known.
    pub(super) fn place(&self, offset: usize) -> At {
        match self.verbatim {
            Some(shift) => self.at.right(shift.saturating_add(offset)),
            None => self.at,
        }
    }
}

/// A key with its value.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Entry {
    pub(super) key: String,
    pub(super) at: At,
    pub(super) value: Node,
}

impl Node {
    /// What the node is, in words for an error message.
    pub(super) fn what(&self) -> &'static str {
        match self.kind {
            Kind::Null => "nothing",
            Kind::Text(_) => "text",
            Kind::List(_) => "a list",
            Kind::Map(_) => "a mapping",
        }
    }

    /// A node of text that stands in a file at this place.
    pub(super) fn text(value: impl Into<String>, at: At) -> Self {
        Self {
            at,
            kind: Kind::Text(Text::new(value, at)),
        }
    }

    /// The node as JSON, every scalar as the text that it is.
    pub(super) fn to_json(&self) -> serde_json::Value {
        match &self.kind {
            Kind::Null => serde_json::Value::Null,
            Kind::Text(text) => text.value.clone().into(),
            Kind::List(items) => items.iter().map(Node::to_json).collect(),
            Kind::Map(entries) => serde_json::Value::Object(
                entries
                    .iter()
                    .map(|e| (e.key.clone(), e.value.to_json()))
                    .collect(),
            ),
        }
    }
}

/// Reads one YAML document.
///
/// # Errors
/// What is no YAML, with the place; keys that are no plain text go to `problems`.
pub(super) fn parse(source: &str, file: &Path, problems: &mut Problems) -> Result<Node, Error> {
    let options = serde_yaml::options! {
        budget: serde_yaml::budget! {
            // A rule takes some twenty nodes, and files of 30,000 rules exist.
            max_nodes: 20_000_000,
            max_events: 50_000_000,
            // One anchor used by every rule is fine; replays stay limited.
            enforce_alias_anchor_ratio: false,
        },
        // Duplicates are reported here, with both places, beside everything else.
        duplicate_keys: DuplicateKeyPolicy::PassThrough,
        // `.inf` stays text.
        non_finite_float_policy: NonFiniteFloatPolicy::PassThrough,
        with_snippet: false,
    };
    match serde_yaml::from_str_with_options::<Spanned<Raw>>(source, options) {
        Ok(raw) => Ok(convert(raw, source, problems)),
        Err(error) => Err(not_yaml(&error, source, file)),
    }
}

fn not_yaml(error: &serde_yaml::Error, source: &str, file: &Path) -> Error {
    let text = error.to_string();
    let Some(location) = error.location() else {
        return Error::new(format!("this is no valid YAML: {text}")).in_file(file);
    };
    let (line, column) = (location.line(), location.column());
    // The place is told once, in the form of all other errors.
    let place = format!(" at line {line}, column {column}");
    let what = text.replacen(&place, "", 1);
    // The reader tells of the value before it.
    let from = usize::try_from(line)
        .unwrap_or(usize::MAX)
        .saturating_sub(1);
    let mut next = source.lines().enumerate().skip(from).take(2);
    let is_indented = |text: &str| text.trim_start_matches(' ').starts_with('\t');
    if let Some((tab, _)) = next.find(|(_, text)| what.contains("tab") && is_indented(text)) {
        return Error::new(TAB)
            .in_file(file)
            .at_line(tab + 1, 1)
            .help(NO_TAB);
    }
    let at = At::new(
        usize::try_from(line).unwrap_or(usize::MAX),
        usize::try_from(column).unwrap_or(usize::MAX),
    );
    Error::new(format!("this is no valid YAML: {what}"))
        .in_file(file)
        .at_line(at.line as usize, at.column as usize)
        .help("look for indentation, a missing quote or an unclosed bracket here or just before")
}

fn convert(raw: Spanned<Raw>, source: &str, problems: &mut Problems) -> Node {
    let at = At::new(
        usize::try_from(raw.defined.line()).unwrap_or(usize::MAX),
        usize::try_from(raw.defined.column()).unwrap_or(usize::MAX),
    );
    let written = written(&raw.defined, source);
    let kind = match raw.value {
        Raw::Null => Kind::Null,
        Raw::Typed(value) => {
            let value = written.map_or(value, |text| text.trim().to_owned());
            Kind::Text(Text {
                value,
                at,
                verbatim: Some(0),
                plain: true,
            })
        }
        Raw::Text(value) => {
            let quoted = written.is_some_and(|text| text.starts_with(['"', '\'']));
            let inner = if quoted {
                written.and_then(|text| text.get(1..))
            } else {
                written
            };
            let verbatim = inner
                .is_some_and(|text| text.starts_with(&value) && !value.contains('\n'))
                .then_some(usize::from(quoted));
            Kind::Text(Text {
                value,
                at,
                verbatim,
                plain: !quoted,
            })
        }
        Raw::List(items) => Kind::List(
            items
                .into_iter()
                .map(|item| convert(item, source, problems))
                .collect(),
        ),
        Raw::Map(entries) => {
            let mut converted = Vec::with_capacity(entries.len());
            for (key, value) in entries {
                let key = convert(key, source, problems);
                let value = convert(value, source, problems);
                match key.kind {
                    Kind::Text(text) => {
                        converted.push(Entry {
                            key: text.value,
                            at: key.at,
                            value,
                        });
                    }
                    _ => problems.add(
                        key.at,
                        format!("a key must be plain text, and this is {}", key.what()),
                    ),
                }
            }
            Kind::Map(converted)
        }
    };
    Node { at, kind }
}

/// The scalar as it stands in the source.
fn written<'a>(location: &serde_yaml::Location, source: &'a str) -> Option<&'a str> {
    let span = location.span();
    let start = usize::try_from(span.byte_offset()?).ok()?;
    let length = usize::try_from(span.byte_len()?).ok()?;
    source.get(start..start.checked_add(length)?)
}

/// A node as the YAML reader sees it: with its guess at the type of plain scalars.
enum Raw {
    Null,
    /// A plain scalar that the reader took for a number or a boolean.
    Typed(String),
    Text(String),
    List(Vec<Spanned<Raw>>),
    Map(Vec<(Spanned<Raw>, Spanned<Raw>)>),
}

impl<'de> Deserialize<'de> for Raw {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(RawVisitor)
    }
}

struct RawVisitor;

impl<'de> Visitor<'de> for RawVisitor {
    type Value = Raw;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("text, a list or a mapping")
    }

    fn visit_unit<E>(self) -> Result<Raw, E> {
        Ok(Raw::Null)
    }

    fn visit_none<E>(self) -> Result<Raw, E> {
        Ok(Raw::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Raw, E> {
        Ok(Raw::Typed(value.to_string()))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Raw, E> {
        Ok(Raw::Typed(value.to_string()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Raw, E> {
        Ok(Raw::Typed(value.to_string()))
    }

    fn visit_i128<E>(self, value: i128) -> Result<Raw, E> {
        Ok(Raw::Typed(value.to_string()))
    }

    fn visit_u128<E>(self, value: u128) -> Result<Raw, E> {
        Ok(Raw::Typed(value.to_string()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Raw, E> {
        Ok(Raw::Typed(value.to_string()))
    }

    fn visit_str<E>(self, value: &str) -> Result<Raw, E> {
        Ok(Raw::Text(value.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Raw, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = access.next_element()? {
            items.push(item);
        }
        Ok(Raw::List(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Raw, A::Error> {
        let mut entries = Vec::new();
        while let Some(entry) = access.next_entry()? {
            entries.push(entry);
        }
        Ok(Raw::Map(entries))
    }
}
