//! From ground truth to labels: finds the rules that match a flow and decides between them.
//!
//! Data in, data out: no files, no tables.

use crate::error::Error;
use crate::label::hosts::HostSet;
use crate::label::index::{Index, Item};
use crate::label::interval::Interval;
use crate::label::matching::{self, Hit};
use crate::label::mentions::Mentions;
use crate::label::model::{Conflicts, GroundTruth, Rule};
use crate::label::problems::Errors;
use crate::label::verdict::{Claim, FlowDirection, FlowFacts, State, Verdict};

/// Ground truth of one or several files, ready to label flows. Can be shared between threads.
#[derive(Debug, Clone)]
pub struct Labeler {
    rules: Vec<Rule>,
    /// For each rule the number of its file.
    file_of: Vec<usize>,
    files: Vec<String>,
    conflicts: Conflicts,
    conflicts_stated: bool,
    index: Index,
    /// Hosts and times that are vouched for, by start; those of unsure clocks are cut to what is
    /// sure.
    covers: Vec<(Interval, HostSet)>,
    mentions: Mentions,
}

impl Labeler {
    /// Puts files together. Rules keep the order of the files and, in each, of its lines.
    ///
    /// # Errors
    /// Two rules with one id, and files that decide conflicts in different ways.
    pub fn new(truths: &[GroundTruth]) -> Result<Self, Errors> {
        let mut rules: Vec<Rule> = Vec::new();
        let mut file_of = Vec::new();
        let mut covers = Vec::new();
        let mut errors: Option<Errors> = None;
        let mut report = |error: Error| match &mut errors {
            Some(all) => all.append(Errors::one(error)),
            None => errors = Some(Errors::one(error)),
        };
        let mut ids = std::collections::BTreeMap::new();
        for (file, truth) in truths.iter().enumerate() {
            for rule in &truth.rules {
                if let Some(other) = ids.insert(rule.id.as_str(), &truth.file) {
                    let message = format!("the id `{}` is also used in {other}", rule.id);
                    let error = Error::new(message).in_file(&truth.file);
                    report(
                        error
                            .at_line(rule.line as usize, 1)
                            .help("ids are unique over all files"),
                    );
                }
                rules.push(rule.clone());
                file_of.push(file);
            }
            for cover in &truth.covers {
                covers.extend(cover.time.iter().filter_map(|time| {
                    let sure = Interval {
                        start: time.start.saturating_add(time.unsure),
                        end: time.end.saturating_sub(time.unsure),
                        unsure: 0,
                    };
                    (sure.start <= sure.end).then(|| (sure, cover.hosts.clone()))
                }));
            }
        }
        let stated: Vec<&GroundTruth> = truths.iter().filter(|t| t.conflicts_stated).collect();
        if let [first, others @ ..] = stated.as_slice()
            && let Some(other) = others
                .iter()
                .find(|truth| truth.conflicts != first.conflicts)
        {
            let message = format!("`conflicts:` is not what it is in {}", first.file);
            report(
                Error::new(message)
                    .in_file(&other.file)
                    .help("files used together decide alike"),
            );
        }
        if let Some(errors) = errors {
            return Err(errors);
        }
        covers.sort_by_key(|(time, _)| time.start);
        let index = index(&rules);
        Ok(Self {
            mentions: Mentions::new(&rules),
            rules,
            file_of,
            files: truths.iter().map(|truth| truth.file.clone()).collect(),
            conflicts: stated
                .first()
                .map_or(Conflicts::First, |truth| truth.conflicts),
            conflicts_stated: !stated.is_empty(),
            index,
            covers,
        })
    }

    /// The same, with rules that were altered.
    pub(super) fn altered(&self, alter: impl Fn(&mut Rule)) -> Self {
        let mut rules = self.rules.clone();
        rules.iter_mut().for_each(alter);
        Self {
            index: index(&rules),
            rules,
            ..self.clone()
        }
    }

    /// All rules; a [`Claim`] names them by their place here.
    pub fn rules(&self) -> &[Rule] {
        &self.rules
    }

    /// A rule and the name of its file.
    pub fn rule(&self, number: usize) -> Option<(&Rule, &str)> {
        let file = self.files.get(*self.file_of.get(number)?)?;
        Some((self.rules.get(number)?, file))
    }

    /// The names of the files.
    pub fn files(&self) -> &[String] {
        &self.files
    }

    /// The files say themselves how conflicts are decided.
    pub(super) fn conflicts_stated(&self) -> bool {
        self.conflicts_stated
    }

    /// The hosts that rules name.
    pub(super) fn mentions(&self) -> &Mentions {
        &self.mentions
    }

    /// Labels a flow. What it costs is told in the index: mostly the rules of its two hosts whose
    /// windows it meets.
    pub fn label(&self, facts: &FlowFacts<'_>) -> Verdict<'_> {
        let matches = self.matches(facts);
        let Some(first) = matches.first() else {
            let state = if self.covered(facts) {
                State::Benign
            } else {
                State::Unknown
            };
            return Verdict {
                label: (state == State::Benign).then_some("benign"),
                attack: None,
                state,
                category: None,
                rule: None,
                episode: None,
                claims: Vec::new(),
            };
        };
        let top = |m: &Match<'_>| m.rule.priority == first.rule.priority;
        let tied = self.conflicts == Conflicts::Ambiguous
            && matches
                .iter()
                .any(|m| top(m) && m.rule.label != first.rule.label);
        let certain = !tied && is_certain(&matches);
        let state = if certain {
            first.hit.state
        } else {
            State::Ambiguous
        };
        let won = |n: usize, m: &Match<'_>| match self.conflicts {
            Conflicts::All => n == 0 || (top(m) && m.hit.certain),
            _ => n == 0 && !tied,
        };
        Verdict {
            label: matches!(state, State::Malicious | State::Benign)
                .then_some(first.outcome_label()),
            attack: (!matches!(state, State::Benign | State::Unknown) && !first.rule.is_benign())
                .then_some(first.rule.label.as_str()),
            state,
            category: if certain { first.hit.category } else { None },
            rule: Some(&first.rule.id),
            episode: first
                .rule
                .episodes
                .get(first.hit.episode)
                .map(String::as_str),
            claims: matches
                .iter()
                .enumerate()
                .map(|(n, m)| Claim {
                    rule: m.number,
                    direction: if m.hit.reverse {
                        FlowDirection::Reverse
                    } else {
                        FlowDirection::Forward
                    },
                    state: m.hit.state,
                    certain: m.hit.certain,
                    edge: m.hit.edge,
                    distance_ns: m.hit.distance,
                    won: won(n, m),
                })
                .collect(),
        }
    }

    /// The rules that are about the hosts of a flow, at whatever time.
    pub(super) fn about(&self, facts: &FlowFacts<'_>) -> Vec<usize> {
        let hosts = [facts.src_ip, facts.dst_ip];
        let candidates = self.index.candidates(hosts, i64::MIN, i64::MAX);
        let about = |rule: &Rule| {
            [false, true].into_iter().any(|reverse| {
                let (attacker, victim) = matching::roles(facts, reverse);
                rule.attackers.set.contains(attacker) && rule.victims.set.contains(victim)
            })
        };
        let mut rules = candidates;
        rules.retain(|number| self.rules.get(*number).is_some_and(about));
        rules
    }

    /// The rules that apply or may apply, the deciding one first.
    fn matches(&self, facts: &FlowFacts<'_>) -> Vec<Match<'_>> {
        let (start, end) = matching::span(facts);
        let candidates = self
            .index
            .candidates([facts.src_ip, facts.dst_ip], start, end);
        let mut matches: Vec<Match<'_>> = candidates
            .into_iter()
            .filter_map(|number| {
                let rule = self.rules.get(number)?;
                Some(Match {
                    number,
                    rule,
                    hit: matching::rule(rule, facts)?,
                })
            })
            .collect();
        let last = self.conflicts == Conflicts::Last;
        matches.sort_by_key(|m| {
            let place = if last {
                usize::MAX - m.number
            } else {
                m.number
            };
            (std::cmp::Reverse(m.rule.priority), place)
        });
        matches
    }

    /// Whether somebody vouches for one end of the flow during all of it. Times of several entries
    /// add up if they leave no gap.
    fn covered(&self, facts: &FlowFacts<'_>) -> bool {
        let (start, end) = matching::span(facts);
        let mut needed = start;
        for (time, hosts) in &self.covers {
            if time.start > needed {
                return false;
            }
            if time.end >= needed && (hosts.contains(facts.src_ip) || hosts.contains(facts.dst_ip))
            {
                if time.end >= end {
                    return true;
                }
                needed = time.end.saturating_add(1);
            }
        }
        false
    }
}

/// A rule that applies or may apply.
struct Match<'a> {
    number: usize,
    rule: &'a Rule,
    hit: Hit,
}

impl<'a> Match<'a> {
    /// What stands in `label` if this decides and is certain.
    fn outcome_label(&self) -> &'a str {
        if self.hit.state == State::Benign {
            "benign"
        } else {
            &self.rule.label
        }
    }
}

/// Whether the first match decides beyond doubt: its clock is sure, or all that would decide in its
/// place, down to the first that is sure, say the same.
fn is_certain(matches: &[Match<'_>]) -> bool {
    let same = |a: &Match<'_>, b: &Match<'_>| {
        a.outcome_label() == b.outcome_label()
            && a.hit.state == b.hit.state
            && a.hit.category == b.hit.category
    };
    let Some(first) = matches.first() else {
        return true;
    };
    let sure = matches.iter().position(|m| m.hit.certain);
    sure.is_some_and(|sure| matches.iter().take(sure + 1).all(|m| same(first, m)))
}

fn index(rules: &[Rule]) -> Index {
    Index::new(rules.iter().enumerate().map(|(number, rule)| Item {
        number,
        sides: [&rule.attackers.set, &rule.victims.set],
        window: window(rule),
    }))
}

/// The time outside of which no variant of a rule can match.
fn window(rule: &Rule) -> (i64, i64) {
    let times = || rule.variants.iter().flat_map(|variant| &variant.time);
    let first = times()
        .map(|time| time.start.saturating_sub(time.unsure))
        .min();
    let last = times()
        .map(|time| time.end.saturating_add(time.unsure))
        .max();
    (first.unwrap_or(i64::MAX), last.unwrap_or(i64::MIN))
}
