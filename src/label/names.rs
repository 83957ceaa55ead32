//! Names of hosts and groups (`hosts:`), and the sets of addresses that they come to.
//!
//! How an address is written is in [`crate::label::hosts`].

use std::collections::BTreeMap;

use crate::label::fields::Fields;
use crate::label::hosts::{self, HostSet, Term, What};
use crate::label::keys;
use crate::label::problems::{Problems, did_you_mean};
use crate::label::yaml::{Kind, Node};

/// The addresses of a side of a rule, and the parts by which a reader knows them.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Hosts {
    pub(super) set: HostSet,
    /// `kali (10.9.0.7)`, each with its addresses.
    pub(super) parts: Vec<(String, HostSet)>,
}

/// How deep names may stand for names; a limit only against files made to overflow the stack.
const DEPTH: usize = 32;

/// The names of a file.
#[derive(Debug, Default)]
pub(super) struct Names {
    known: BTreeMap<String, Hosts>,
}

/// A definition that waits to be resolved.
enum Definition<'a> {
    Waiting(&'a Node),
    /// Being resolved: to meet it again is a circle.
    Open,
}

impl Names {
    /// Reads the mapping under `hosts:`.
    pub(super) fn read(node: &Node, problems: &mut Problems) -> Self {
        let mut names = Self::default();
        let Kind::Map(entries) = &node.kind else {
            problems.add_help(
                node.at,
                format!(
                    "`hosts:` must be a mapping of names to addresses, and this is {}",
                    node.what()
                ),
                "write one name a line: `web: 10.0.1.5`",
            );
            return names;
        };
        let mut definitions = BTreeMap::new();
        for entry in entries {
            if !hosts::is_name(&entry.key) {
                problems.add_help(
                    entry.at,
                    format!("`{}` cannot be the name of a host", entry.key),
                    "names begin with a letter and have letters, digits, `_`, `.` and `-`",
                );
            } else if definitions
                .insert(entry.key.as_str(), Definition::Waiting(&entry.value))
                .is_some()
            {
                problems.add(
                    entry.at,
                    format!("the host `{}` is defined twice", entry.key),
                );
            }
        }
        for entry in entries {
            names.resolve(&entry.key, 0, &mut definitions, problems);
        }
        names
    }

    fn resolve<'a>(
        &mut self,
        name: &str,
        depth: usize,
        definitions: &mut BTreeMap<&'a str, Definition<'a>>,
        problems: &mut Problems,
    ) {
        let Some(definition) = definitions.get_mut(name) else {
            return;
        };
        let Definition::Waiting(node) = std::mem::replace(definition, Definition::Open) else {
            return;
        };
        if depth > DEPTH {
            problems.add(
                node.at,
                format!("groups are nested more than {DEPTH} deep here"),
            );
            return;
        }
        let node: &Node = match &node.kind {
            Kind::Map(_) => {
                let fields = Fields::read(node, &keys::HOST, problems);
                fields.require(problems);
                match fields.get("ip") {
                    Some(ip) => ip,
                    None => {
                        self.known.insert(name.to_owned(), Hosts::default());
                        return;
                    }
                }
            }
            _ => node,
        };
        for term in terms(node) {
            if definitions.contains_key(term.as_str()) && !self.known.contains_key(&term) {
                if matches!(definitions.get(term.as_str()), Some(Definition::Open)) {
                    problems.add(
                        node.at,
                        format!("`{name}` and `{term}` are defined by each other"),
                    );
                    self.known.insert(term, Hosts::default());
                } else {
                    self.resolve(&term, depth + 1, definitions, problems);
                }
            }
        }
        let mut hosts = self.side(node, problems);
        // A reader knows a host by its name, with the address where that is not all of it.
        for (text, _) in &mut hosts.parts {
            let is_address = !text.contains(' ') && !self.known.contains_key(text);
            if is_address {
                *text = format!("{name} ({text})");
            }
        }
        self.known.insert(name.to_owned(), hosts);
    }

    /// The addresses that a text or a list of texts comes to.
    pub(super) fn side(&self, node: &Node, problems: &mut Problems) -> Hosts {
        let mut all = Hosts::default();
        let before = problems.len();
        match &node.kind {
            Kind::Text(text) => match hosts::parse(&text.value) {
                Ok(expression) => {
                    for term in &expression.include {
                        let hosts = self.term(term, text, problems);
                        all.set.add(&hosts.set);
                        all.parts.extend(hosts.parts);
                    }
                    for term in &expression.except {
                        let hosts = self.term(term, text, problems);
                        all.set.remove(&hosts.set);
                    }
                    let new = problems.len() > before;
                    if all.set.is_empty() && !expression.except.is_empty() && !new {
                        problems.add(
                            text.place(0),
                            "nothing is left of these hosts after `except`",
                        );
                    }
                }
                Err(fault) => problems.add_fault(text.place(fault.offset), fault),
            },
            Kind::List(items) => {
                for item in items {
                    if matches!(item.kind, Kind::Text(_)) {
                        let hosts = self.side(item, problems);
                        all.set.add(&hosts.set);
                        all.parts.extend(hosts.parts);
                    } else {
                        // `[10.0.0.0/8, !10.0.0.3]` and `[::1]` are something else to YAML.
                        problems.add_help(
                            item.at,
                            format!("a host must be text, and this is {}", item.what()),
                            "exclude with `… except …`; put IPv6 addresses in quotes inside of [ ]",
                        );
                    }
                }
                if items.is_empty() {
                    problems.add_help(node.at, "a host is missing", "for all hosts write `any`");
                }
            }
            _ => problems.add_help(
                node.at,
                format!("a host must be text or a list, and this is {}", node.what()),
                "for all hosts write `any`",
            ),
        }
        all
    }

    fn term(&self, term: &Term, text: &crate::label::yaml::Text, problems: &mut Problems) -> Hosts {
        match &term.what {
            What::Any => Hosts {
                set: HostSet::any(),
                parts: vec![],
            },
            What::Set(set) => Hosts {
                set: set.clone(),
                parts: vec![(term.text.clone(), set.clone())],
            },
            What::Name => match self.known.get(&term.text) {
                Some(hosts) => hosts.clone(),
                None => {
                    let at = text.place(term.offset);
                    let message = format!("no host is named `{}`", term.text);
                    match did_you_mean(&term.text, self.known.keys().map(String::as_str)) {
                        Some(help) => problems.add_help(at, message, help),
                        None => problems.add_help(at, message, "define it under `hosts:`"),
                    }
                    Hosts::default()
                }
            },
        }
    }
}

/// The names that a definition refers to.
fn terms(node: &Node) -> Vec<String> {
    let texts: Vec<&Node> = match &node.kind {
        Kind::Text(_) => vec![node],
        Kind::List(items) => items.iter().collect(),
        _ => vec![],
    };
    let mut names = Vec::new();
    for text in texts {
        if let Kind::Text(text) = &text.kind
            && let Ok(expression) = hosts::parse(&text.value)
        {
            let all = expression.include.into_iter().chain(expression.except);
            names.extend(
                all.filter(|term| term.what == What::Name)
                    .map(|term| term.text),
            );
        }
    }
    names
}
