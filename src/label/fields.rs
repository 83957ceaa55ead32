//! The keys of one mapping, checked against the table of keys: unknown, misspelt, planned and
//! doubled ones are reported here, once for all sections.

use std::collections::BTreeMap;

use crate::label::keys::Section;
use crate::label::problems::{At, Problems, did_you_mean, suggest};
use crate::label::yaml::{Entry, Kind, Node};

/// The keys of a mapping that its section knows.
#[derive(Debug, Clone)]
pub(super) struct Fields<'a> {
    pub(super) at: At,
    section: &'static Section,
    nodes: BTreeMap<&'static str, &'a Node>,
    /// A key whose value is known to be cut; nothing more is to be said of it.
    broken: Option<&'static str>,
    /// Keys that misspelt ones may be: that they are missing is said with them.
    meant: Vec<&'static str>,
}

impl<'a> Fields<'a> {
    /// Reads a mapping; what does not belong into it goes to `problems`.
    pub(super) fn read(node: &'a Node, section: &'static Section, problems: &mut Problems) -> Self {
        let mut fields = Self {
            at: node.at,
            section,
            nodes: BTreeMap::new(),
            broken: None,
            meant: Vec::new(),
        };
        let entries = match &node.kind {
            Kind::Map(entries) => entries.as_slice(),
            _ => {
                problems.add_help(
                    node.at,
                    format!(
                        "{} must be a mapping, and this is {}",
                        section.name,
                        node.what()
                    ),
                    format!(
                        "its keys are {}",
                        names(section).collect::<Vec<_>>().join(", ")
                    ),
                );
                return fields;
            }
        };
        let mut first: BTreeMap<&str, At> = BTreeMap::new();
        let cut = fields.find_cut(entries, problems);
        for entry in entries {
            let known = section.keys.iter().find(|key| key.name == entry.key);
            if let Some(at) = first.get(entry.key.as_str()) {
                problems.add(
                    entry.at,
                    format!("`{}` is given twice; first in line {}", entry.key, at.line),
                );
                continue;
            }
            first.insert(&entry.key, entry.at);
            match known {
                Some(key) => {
                    fields.nodes.insert(key.name, &entry.value);
                }
                None if cut && entry.value.kind == Kind::Null => {}
                None => {
                    fields.meant.extend(suggest(&entry.key, names(section)));
                    unknown(entry, section, problems);
                }
            }
        }
        fields
    }

    /// Finds `{if: src_port in (1, 2)}`, which is the key `if` with the value `src_port in (1`
    /// and the key `2)` with none.
    fn find_cut(&mut self, entries: &[Entry], problems: &mut Problems) -> bool {
        let opened = entries.iter().position(|entry| match &entry.value.kind {
            Kind::Text(text) => text.plain && balance(&text.value) > 0,
            _ => false,
        });
        let Some(opened) = opened else { return false };
        let Some(entry) = entries.get(opened) else {
            return false;
        };
        let rest = entries.get(opened + 1..).unwrap_or_default();
        let rest: Vec<&str> = rest
            .iter()
            .take_while(|entry| entry.value.kind == Kind::Null)
            .map(|entry| entry.key.as_str())
            .collect();
        let Some(key) = self.section.keys.iter().find(|key| key.name == entry.key) else {
            return false;
        };
        if let (Kind::Text(text), false) = (&entry.value.kind, rest.is_empty()) {
            problems.add_help(
                entry.value.at,
                "this value was cut at its comma, inside of a parenthesis",
                format!(
                    "inside of {{ }} a comma separates keys; put the value in quotes: `{}: \"{}, {}\"`",
                    entry.key,
                    text.value,
                    rest.join(", ")
                ),
            );
            self.broken = Some(key.name);
            return true;
        }
        false
    }

    /// The value of a key.
    pub(super) fn get(&self, key: &str) -> Option<&'a Node> {
        debug_assert!(
            self.section.keys.iter().any(|known| known.name == key),
            "`{key}` is missing in the table of keys"
        );
        if self.broken == Some(key) {
            None
        } else {
            self.nodes.get(key).copied()
        }
    }

    /// Whether a key that is not known may be this one.
    pub(super) fn meant(&self, key: &str) -> bool {
        self.meant.contains(&key)
    }

    /// Sets a key, as the columns of a CSV line do.
    pub(super) fn set(&mut self, key: &'static str, node: &'a Node) {
        self.nodes.insert(key, node);
    }

    /// An empty mapping at this place.
    pub(super) fn empty(at: At, section: &'static Section) -> Self {
        Self {
            at,
            section,
            nodes: BTreeMap::new(),
            broken: None,
            meant: Vec::new(),
        }
    }

    /// Takes what is missing from the defaults. `attempted` and `refine` are two forms of one
    /// thing: the rule's own replaces either.
    pub(super) fn with_defaults(mut self, defaults: &Fields<'a>) -> Self {
        let refined = self.nodes.contains_key("attempted") || self.nodes.contains_key("refine");
        for (key, node) in &defaults.nodes {
            if !(refined && matches!(*key, "attempted" | "refine")) {
                self.nodes.entry(key).or_insert(node);
            }
        }
        if self.broken.is_none() {
            self.broken = defaults.broken;
        }
        self
    }

    /// Reports the keys that must be there and are not.
    pub(super) fn require(&self, problems: &mut Problems) {
        for key in self.section.keys.iter().filter(|key| key.required) {
            if !self.nodes.contains_key(key.name) && !self.meant(key.name) {
                problems.add_help(
                    self.at,
                    format!("{} needs `{}:`", self.section.name, key.name),
                    key.doc,
                );
            }
        }
    }
}

/// Opening parentheses less closing ones.
fn balance(text: &str) -> i32 {
    text.chars().fold(0, |open, c| match c {
        '(' => open + 1,
        ')' => open - 1,
        _ => open,
    })
}

fn names(section: &Section) -> impl Iterator<Item = &'static str> + Clone {
    section.keys.iter().map(|key| key.name)
}

fn unknown(entry: &Entry, section: &Section, problems: &mut Problems) {
    let key = &entry.key;
    if section.planned.contains(&key.as_str()) {
        problems.add_help(
            entry.at,
            format!(
                "`{key}` belongs to the format, but this version of netcap does not read it yet"
            ),
            "take it out, or keep it as a note under `extra:`",
        );
        return;
    }
    let message = format!("`{key}` is no key of {}", section.name);
    let help = if entry.value.kind == Kind::Null && suggest(key, names(section)).is_none() {
        "it has no value: inside of { } a comma separates keys, so put lists in [ ] and other text with commas in quotes".to_owned()
    } else {
        match did_you_mean(key, names(section)) {
            Some(near) if near.ends_with('?') => format!("{near} Notes go under `extra:`"),
            Some(known) => format!("{known}; notes go under `extra:`"),
            None => "notes go under `extra:`".to_owned(),
        }
    };
    problems.add_help(entry.at, message, help);
}
