//! From ground truth to labels: finds the rules that match a flow and decides between them.
//!
//! Data in, data out: no files, no tables.

use std::collections::BTreeSet;

use crate::error::Error;
use crate::label::asks::Asks;
use crate::label::captures::Captures;
use crate::label::index::{Index, Item};
use crate::label::interval::Interval;
use crate::label::matching::{self, Hit};
use crate::label::mentions::Mentions;
use crate::label::model::{Conflicts, Cover, GroundTruth, LeftOut, Rule, Unit};
use crate::label::packet_rows::PacketHit;
use crate::label::problems::Errors;
use crate::label::verdict::{Claim, Edge, FlowDirection, FlowFacts, State, Verdict};

/// Ground truth of one or several files, ready to label flows. Can be shared between threads.
#[derive(Debug, Clone, Default)]
pub struct Labeler {
    rules: Vec<Rule>,
    /// For each rule the number of its file.
    file_of: Vec<usize>,
    files: Vec<String>,
    conflicts: Conflicts,
    conflicts_stated: bool,
    index: Index,
    /// What is vouched for, by start, one interval each; those of unsure clocks are cut to what is sure.
    covers: Vec<(Interval, Cover)>,
    mentions: Mentions,
    unit: Unit,
    asks: Asks,
    left_out: Vec<LeftOut>,
    read_as: Vec<(String, String)>,
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
                    (sure.start <= sure.end).then(|| (sure, cover.clone()))
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
        let units: Vec<&GroundTruth> = truths.iter().filter(|t| t.unit.is_some()).collect();
        if let [first, others @ ..] = units.as_slice()
            && let Some(other) = others.iter().find(|truth| truth.unit != first.unit)
        {
            let message = format!("`unit:` is not what it is in {}", first.file);
            report(
                Error::new(message)
                    .in_file(&other.file)
                    .help("files used together label the same"),
            );
        }
        if let Some(errors) = errors {
            return Err(errors);
        }
        covers.sort_by_key(|(time, _)| time.start);
        let (index, asks) = (index(&rules), Asks::of(&rules, &covers));
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
            unit: units
                .first()
                .and_then(|truth| truth.unit)
                .unwrap_or(Unit::Flow),
            asks,
            covers,
            left_out: truths.iter().flat_map(|t| t.left_out.clone()).collect(),
            read_as: truths
                .iter()
                .flat_map(|t| t.read_as.iter().map(|what| (t.file.clone(), what.clone())))
                .collect(),
        })
    }

    /// The same for flows of an output, whose captures have these names, in the order of ordinals.
    ///
    /// # Errors
    /// Rules that name packets by number, and do not say of which of the captures.
    pub fn with_captures(mut self, names: &[String]) -> Result<Self, Errors> {
        let mut errors: Option<Errors> = None;
        for (number, rule) in self.rules.iter_mut().enumerate() {
            rule.find_captures(names);
            let of = rule
                .captures
                .as_ref()
                .map_or(names.len(), |c| c.ordinals().count());
            if rule.packets.is_none() || of <= 1 {
                continue;
            }
            let message = format!(
                "rule `{}` names packets, and there are {of} captures that they may be of",
                rule.id
            );
            let file = self
                .file_of
                .get(number)
                .and_then(|file| self.files.get(*file));
            let error = Error::new(message)
                .in_file(file.map_or("", String::as_str))
                .at_line(rule.line as usize, 1)
                .help("say `in: NAME.pcap` in the rule");
            match &mut errors {
                Some(all) => all.append(Errors::one(error)),
                None => errors = Some(Errors::one(error)),
            }
        }
        if let Some(errors) = errors {
            return Err(errors);
        }
        for (_, cover) in &mut self.covers {
            cover.hosts.find_captures(names);
            if let Some(captures) = &mut cover.captures {
                captures.find(names);
            }
        }
        Ok(self)
    }

    /// Lines of files of others that should be rules, and could not be read.
    pub(super) fn left_out(&self) -> &[LeftOut] {
        &self.left_out
    }

    /// What was decided in reading files of others: the file, and what it was.
    pub(super) fn read_as(&self) -> &[(String, String)] {
        &self.read_as
    }

    /// What of flows is asked for beside what every flow has.
    pub fn asks(&self) -> Asks {
        self.asks
    }

    /// The columns that conditions name, by their places.
    pub(super) fn condition_columns(&self) -> BTreeSet<usize> {
        let variants = self.rules.iter().flat_map(|rule| &rule.variants);
        let mut found = BTreeSet::new();
        for condition in variants.flat_map(|variant| &variant.conditions) {
            condition.columns(&mut found);
        }
        found
    }

    /// What a label is of.
    pub fn unit(&self) -> Unit {
        self.unit
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

    /// There is no rule, and nothing is vouched for.
    pub fn is_empty(&self) -> bool {
        self.rules.is_empty() && self.covers.is_empty()
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

    /// How conflicts are decided.
    pub(super) fn conflicts(&self) -> Conflicts {
        self.conflicts
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
        self.decided(self.matches(facts)).unwrap_or_else(|| {
            if self.covered(facts) {
                Verdict::vouched_for()
            } else {
                Verdict::unknown()
            }
        })
    }

    /// What several rules that claim a packet come to; `None` if there are none.
    pub(super) fn label_packet(
        &self,
        hits: impl IntoIterator<Item = (usize, PacketHit)>,
    ) -> Option<Verdict<'_>> {
        let matches = hits.into_iter().filter_map(|(number, hit)| {
            Some(Match {
                number,
                rule: self.rules.get(number)?,
                hit: Hit {
                    reverse: false,
                    state: hit.state,
                    category: hit.category,
                    certain: hit.certain,
                    edge: Edge::Inside,
                    distance: None,
                    episode: hit.episode,
                    alias: None,
                    grey: hit.grey,
                },
            })
        });
        let mut matches: Vec<Match<'_>> = matches.collect();
        self.sort(&mut matches);
        self.decided(matches)
    }

    /// What rules that apply come to, which are in their order.
    fn decided<'a>(&'a self, matches: Vec<Match<'a>>) -> Option<Verdict<'a>> {
        let first = matches.first()?;
        let top =
            |m: &Match<'_>| m.rule.priority == first.rule.priority && m.hit.grey == first.hit.grey;
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
        Some(Verdict {
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
                    episode: m.hit.episode,
                    alias: m.hit.alias,
                    grey: m.hit.grey,
                    rule: m.number,
                    direction: if m.hit.reverse {
                        FlowDirection::Reverse
                    } else {
                        FlowDirection::Forward
                    },
                    state: m.hit.state,
                    category: m.hit.category,
                    certain: m.hit.certain,
                    edge: m.hit.edge,
                    distance_ns: m.hit.distance,
                    won: won(n, m),
                })
                .collect(),
        })
    }

    /// The rules that are about the hosts of a flow, at whatever time.
    pub(super) fn about(&self, facts: &FlowFacts<'_>) -> Vec<usize> {
        let about = |rule: &Rule| {
            matching::is_eligible(rule, facts)
                && [false, true]
                    .into_iter()
                    .any(|reverse| matching::hosts(rule, facts, reverse).is_some())
        };
        let mut rules = self.candidates_at_any_time(facts);
        rules.retain(|number| self.rules.get(*number).is_some_and(about));
        rules
    }

    /// The rules that apply or may apply, the deciding one first.
    fn matches(&self, facts: &FlowFacts<'_>) -> Vec<Match<'_>> {
        let (start, end) = matching::span(facts);
        let mut candidates = self.index.candidates(facts, start, end);
        for count in facts.packets.iter().filter(|count| count.quoting) {
            // Its hosts are those of the flow that is quoted.
            if !candidates.contains(&count.rule) {
                candidates.push(count.rule);
            }
        }
        let mut matches: Vec<Match<'_>> = candidates
            .into_iter()
            .filter_map(|number| {
                let rule = self.rules.get(number)?;
                Some(Match {
                    number,
                    rule,
                    hit: matching::rule(number, rule, facts)?,
                })
            })
            .collect();
        self.sort(&mut matches);
        matches
    }

    /// The deciding one first.
    fn sort(&self, matches: &mut [Match<'_>]) {
        let last = self.conflicts == Conflicts::Last;
        matches.sort_by_key(|m| {
            let place = if last {
                usize::MAX - m.number
            } else {
                m.number
            };
            // Being near to the times of a rule is less than being in those of another.
            (m.hit.grey, std::cmp::Reverse(m.rule.priority), place)
        });
    }

    /// The rules that may be about the hosts of a flow, at whatever time.
    pub(super) fn candidates_at_any_time(&self, facts: &FlowFacts<'_>) -> Vec<usize> {
        self.index.candidates(facts, i64::MIN, i64::MAX)
    }

    /// The rules for packets that may claim packets of a flow: those that it looks as if it were of.
    pub(super) fn for_packets_of(&self, facts: &FlowFacts<'_>) -> Vec<usize> {
        let (start, end) = matching::span(facts);
        let mut rules = self.index.candidates(facts, start, end);
        rules.retain(|number| {
            let rule = self.rules.get(*number).filter(|rule| rule.is_of_packets());
            rule.is_some_and(|rule| matching::looks_as_of(rule, facts))
        });
        rules
    }

    /// Whether somebody vouches for one end of the flow during all of it. Times of several entries
    /// add up if they leave no gap.
    fn covered(&self, facts: &FlowFacts<'_>) -> bool {
        let (start, end) = matching::span(facts);
        let mut needed = start;
        let place = matching::place(facts);
        for (time, cover) in &self.covers {
            if time.start > needed {
                return false;
            }
            let here = |captures: &Captures| captures.contains(facts.capture);
            let one = |end| cover.hosts.find(end, place).is_some();
            if time.end >= needed
                && cover.captures.as_ref().is_none_or(here)
                && (one(&facts.src) || one(&facts.dst))
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
    hit: Hit<'a>,
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
        sides: [rule.attackers.addresses(), rule.victims.addresses()],
        ids: rule.ids.as_ref().map(|ids| &ids.of),
        window: window(rule),
    }))
}

/// The time outside of which no variant of a rule can match.
fn window(rule: &Rule) -> (i64, i64) {
    let times = || rule.variants.iter().flat_map(|variant| &variant.time);
    let first = times()
        .map(|time| {
            time.start
                .saturating_sub(time.unsure)
                .saturating_sub(rule.grey)
        })
        .min();
    let last = times()
        .map(|time| {
            time.end
                .saturating_add(time.unsure)
                .saturating_add(rule.grey)
        })
        .max();
    (first.unwrap_or(i64::MAX), last.unwrap_or(i64::MIN))
}
