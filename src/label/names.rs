//! Names of hosts and groups (`hosts:`), and what they come to: addresses, and the other names of a host.
//!
//! How an address is written is in [`crate::label::hosts`].

use std::collections::BTreeMap;

use crate::label::fields::Fields;
use crate::label::host_set::HostSet;
use crate::label::hosts::{self, Term, What};
use crate::label::keys;
use crate::label::problems::{Problems, did_you_mean};
use crate::label::side::{Hosts, Seen};
use crate::label::values;
use crate::label::yaml::{Kind, Node};

/// How deep names may stand for names; a limit only against files made to overflow the stack.
const DEPTH: usize = 32;

/// The names of a file.
#[derive(Debug, Default)]
pub(super) struct Names {
    known: BTreeMap<String, Hosts>,
    /// For each host the names that it goes by (`is:`).
    aliases: BTreeMap<String, Vec<String>>,
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
        names.find_aliases(node, problems);
        for entry in entries {
            names.resolve(&entry.key, 0, &mut definitions, problems);
        }
        names
    }

    /// Which hosts say that they are another one.
    fn find_aliases(&mut self, node: &Node, problems: &mut Problems) {
        let Kind::Map(entries) = &node.kind else {
            return;
        };
        let is = |node: &Node| match &node.kind {
            Kind::Map(keys) => keys
                .iter()
                .find(|key| key.key == "is")
                .map(|key| key.value.clone()),
            _ => None,
        };
        for entry in entries {
            let Some(target) = is(&entry.value) else {
                continue;
            };
            let Some(text) = values::text("is", &target, problems) else {
                continue;
            };
            let name = text.value.trim();
            match entries.iter().find(|other| other.key == name) {
                Some(other) if is(&other.value).is_some() => problems.add_help(
                    target.at,
                    format!("`{name}` is itself another name of a host"),
                    "say which host it is in the end",
                ),
                Some(_) => {
                    let aliases = self.aliases.entry(name.to_owned()).or_default();
                    aliases.push(entry.key.clone());
                }
                None => {
                    let known = entries.iter().map(|entry| entry.key.as_str());
                    let help = did_you_mean(name, known)
                        .unwrap_or_else(|| "define it under `hosts:`".to_owned());
                    problems.add_help(target.at, format!("no host is named `{name}`"), help);
                }
            }
        }
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
        let fields =
            matches!(node.kind, Kind::Map(_)).then(|| Fields::read(node, &keys::HOST, problems));
        let addresses = match &fields {
            Some(fields) => fields.get("ip"),
            None => Some(node),
        };
        let aliases = self.aliases.get(name).cloned().unwrap_or_default();
        for term in addresses
            .iter()
            .flat_map(|node| terms(node))
            .chain(aliases.iter().cloned())
        {
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
        let mut hosts = match addresses {
            Some(addresses) => self.side(addresses, problems),
            None => Hosts::default(),
        };
        // A reader knows a host by its name, with the address where that is not all of it.
        for (text, _) in &mut hosts.parts {
            let is_address = !text.contains(' ') && !self.known.contains_key(text);
            if is_address {
                *text = format!("{name} ({text})");
            }
        }
        if let Some(fields) = &fields {
            hosts = host(name, hosts, fields, problems);
        }
        for alias in aliases {
            hosts.add(self.known.get(&alias).cloned().unwrap_or_default());
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
                        all.add(self.term(term, text, problems));
                    }
                    for term in &expression.except {
                        all.remove(&self.term(term, text, problems));
                    }
                    let new = problems.len() > before;
                    if all.is_empty() && !expression.except.is_empty() && !new {
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
                        all.add(self.side(item, problems));
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
            What::Any => Hosts::any(),
            What::Set(set) => Hosts::of(set.clone(), Some(&term.text)),
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

/// A host that is more than its addresses: `mac:`, `in:`, `is:`, `is_also:`.
fn host(name: &str, mut hosts: Hosts, fields: &Fields<'_>, problems: &mut Problems) -> Hosts {
    if let Some(node) = fields.get("mac") {
        for text in values::texts("mac", node, problems) {
            let word = text.value.trim();
            match hosts::parse_mac(word) {
                Some(mac) => {
                    let known_by = format!("{name} ({word})");
                    hosts.add(Hosts::of(HostSet::mac(mac), Some(&known_by)));
                }
                None => problems.add_help(
                    text.place(0),
                    format!("`{word}` is no MAC address"),
                    "write it as 02:42:ac:11:00:02",
                ),
            }
        }
    } else if fields.get("ip").is_none() {
        problems.add_help(
            fields.at,
            "a host needs `ip:` or `mac:`",
            "write `web: {ip: 10.0.1.5}`",
        );
    }
    let captures = fields
        .get("in")
        .map(|node| values::captures(node, problems));
    if fields.get("is").is_some() || captures.is_some() {
        let seen = Seen {
            alias: fields.get("is").is_some().then(|| name.to_owned()),
            set: hosts.addresses().clone(),
            captures: captures.clone(),
            port: None,
            except: Vec::new(),
        };
        let parts = std::mem::take(&mut hosts.parts);
        hosts = Hosts::seen(seen, name);
        hosts.parts = parts;
    }
    if let Some(node) = fields.get("is_also") {
        for text in values::texts("is_also", node, problems) {
            match hosts::parse_alias(&text.value) {
                Ok((set, port)) => {
                    let alias = text.value.trim();
                    let seen = Seen {
                        alias: Some(alias.to_owned()),
                        set,
                        captures: captures.clone(),
                        port,
                        except: Vec::new(),
                    };
                    hosts.add(Hosts::seen(seen, &format!("{name} ({alias})")));
                }
                Err(fault) => problems.add_fault(text.place(fault.offset), fault),
            }
        }
    }
    hosts
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
