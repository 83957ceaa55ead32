//! Counts what the rules of a labeler did, flow by flow. Cheap to make, to fill and to merge, so
//! that each batch of a parallel run can have its own; the order of merging does not matter.
//!
//! What the counts mean to a reader is in [`crate::label::report`].

use std::collections::BTreeMap;

use crate::label::labeler::Labeler;
use crate::label::matching;
use crate::label::offsets::Offsets;
use crate::label::slack::{SlackTally, Slacks};
use crate::label::traffic::{Traffic, TrafficTally};
use crate::label::verdict::{Edge, FlowDirection, FlowFacts, State, Verdict};

/// Counts of labeled flows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tally {
    pub(super) rows: u64,
    /// First start and last end of all flows.
    pub(super) span: Option<Span>,
    pub(super) states: BTreeMap<(State, Option<String>), u64>,
    pub(super) rules: BTreeMap<usize, RuleTally>,
    /// Winner and loser of different classes and equal priority.
    pub(super) conflicts: BTreeMap<(usize, usize), ConflictTally>,
    /// Hosts of rules that were seen, by their numbers in the labeler.
    pub(super) seen: std::collections::BTreeSet<usize>,
    pub(super) offsets: Offsets,
    pub(super) slack: SlackTally,
    pub(super) traffic: TrafficTally,
    /// Flows of which rules of equal priority say different things, so that none decides.
    pub(super) disputed: u64,
    /// Flows that a rule speaks of.
    pub(super) claimed: u64,
    /// Flows of the sample.
    pub(super) sampled: u64,
}

/// First start and last end, in nanoseconds since 1970 UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Span {
    pub(super) first: i64,
    pub(super) last: i64,
}

impl Span {
    fn join(self, other: Self) -> Self {
        Self {
            first: self.first.min(other.first),
            last: self.last.max(other.last),
        }
    }
}

/// What one rule did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct RuleTally {
    pub(super) rows: u64,
    /// Flows near to its times, which `grey:` excludes; counted nowhere else.
    pub(super) grey: u64,
    pub(super) won: u64,
    /// Flows that other rules decided, by the rule that did.
    pub(super) lost_to: BTreeMap<usize, u64>,
    pub(super) uncertain: u64,
    pub(super) forward: u64,
    pub(super) reverse: u64,
    pub(super) states: BTreeMap<State, u64>,
    pub(super) edges: BTreeMap<Edge, u64>,
    pub(super) span: Option<Span>,
}

/// How often two rules contradicted each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct ConflictTally {
    pub(super) rows: u64,
    /// Start of the first such flow.
    pub(super) first: i64,
}

impl Tally {
    /// Looks what a flow would be if the rules were at other times, or took longer. Takes as long as labeling it some
    /// sixty times, so of many flows a sample is enough.
    pub fn try_times(
        &mut self,
        labeler: &Labeler,
        slacks: &Slacks,
        facts: &FlowFacts<'_>,
        verdict: &Verdict<'_>,
    ) {
        self.sampled += 1;
        let about = labeler.about(facts);
        if !about.is_empty() {
            self.offsets.look(labeler, facts);
            self.slack.look(labeler, slacks, facts, verdict, &about);
        }
    }

    /// Counts what is in a flow.
    pub fn add_traffic(&mut self, facts: &FlowFacts<'_>, verdict: &Verdict<'_>, traffic: &Traffic) {
        self.traffic.add(facts, verdict, traffic);
    }

    /// Counts a flow and what `labeler` said of it.
    pub fn add(&mut self, labeler: &Labeler, facts: &FlowFacts<'_>, verdict: &Verdict<'_>) {
        let (first, last) = matching::span(facts);
        let span = Span { first, last };
        self.rows += 1;
        self.claimed += u64::from(!verdict.claims.is_empty());
        self.span = Some(self.span.map_or(span, |all| all.join(span)));
        labeler
            .mentions()
            .mark([&facts.src, &facts.dst], &mut self.seen);
        let shown = verdict.label.or(verdict.attack);
        match self
            .states
            .iter_mut()
            .find(|((s, l), _)| *s == verdict.state && l.as_deref() == shown)
        {
            Some((_, rows)) => *rows += 1,
            None => {
                self.states
                    .insert((verdict.state, shown.map(str::to_owned)), 1);
            }
        }
        let winner = verdict.claims.first().filter(|claim| claim.won);
        self.disputed += u64::from(winner.is_none() && !verdict.claims.is_empty());
        let winner = winner.map(|claim| claim.rule);
        for claim in &verdict.claims {
            let rule = self.rules.entry(claim.rule).or_default();
            if claim.grey {
                rule.grey += 1;
                continue;
            }
            rule.rows += 1;
            rule.won += u64::from(claim.won);
            if let Some(winner) = winner.filter(|_| !claim.won) {
                *rule.lost_to.entry(winner).or_default() += 1;
            }
            rule.uncertain += u64::from(!claim.certain);
            match claim.direction {
                FlowDirection::Forward => rule.forward += 1,
                FlowDirection::Reverse => rule.reverse += 1,
            }
            *rule.states.entry(claim.state).or_default() += 1;
            *rule.edges.entry(claim.edge).or_default() += 1;
            rule.span = Some(rule.span.map_or(span, |all| all.join(span)));
        }
        self.add_conflicts(labeler, first, verdict);
    }

    fn add_conflicts(&mut self, labeler: &Labeler, start: i64, verdict: &Verdict<'_>) {
        let [winner, others @ ..] = verdict.claims.as_slice() else {
            return;
        };
        let Some((rule, _)) = labeler.rule(winner.rule) else {
            return;
        };
        for other in others {
            let Some((loser, _)) = labeler.rule(other.rule) else {
                continue;
            };
            // To be near an attack contradicts nothing.
            let grey = winner.grey || other.grey;
            if grey || loser.priority != rule.priority || loser.label == rule.label {
                continue;
            }
            // They speak of other packets of the flow.
            if let (Some(some), Some(others)) = (&rule.packets, &loser.packets)
                && !some.meet(others)
            {
                continue;
            }
            let one = ConflictTally {
                rows: 0,
                first: start,
            };
            let conflict = self
                .conflicts
                .entry((winner.rule, other.rule))
                .or_insert(one);
            conflict.rows += 1;
            conflict.first = conflict.first.min(start);
        }
    }

    /// Adds the counts of other flows, labeled by the same labeler.
    pub fn merge(&mut self, other: &Self) {
        self.rows += other.rows;
        self.span = join(self.span, other.span);
        self.offsets.merge(&other.offsets);
        self.slack.merge(&other.slack);
        self.traffic.merge(&other.traffic);
        self.claimed += other.claimed;
        self.disputed += other.disputed;
        self.sampled += other.sampled;
        for (state, rows) in &other.states {
            *self.states.entry(state.clone()).or_default() += rows;
        }
        for (number, theirs) in &other.rules {
            let mine = self.rules.entry(*number).or_default();
            mine.rows += theirs.rows;
            mine.grey += theirs.grey;
            mine.won += theirs.won;
            for (winner, rows) in &theirs.lost_to {
                *mine.lost_to.entry(*winner).or_default() += rows;
            }
            mine.uncertain += theirs.uncertain;
            mine.forward += theirs.forward;
            mine.reverse += theirs.reverse;
            for (state, rows) in &theirs.states {
                *mine.states.entry(*state).or_default() += rows;
            }
            for (edge, rows) in &theirs.edges {
                *mine.edges.entry(*edge).or_default() += rows;
            }
            mine.span = join(mine.span, theirs.span);
        }
        for (pair, theirs) in &other.conflicts {
            let none = ConflictTally {
                rows: 0,
                first: theirs.first,
            };
            let mine = self.conflicts.entry(*pair).or_insert(none);
            mine.rows += theirs.rows;
            mine.first = mine.first.min(theirs.first);
        }
        self.seen.extend(&other.seen);
    }

    /// The flows that were counted.
    pub fn rows(&self) -> u64 {
        self.rows
    }
}

fn join(a: Option<Span>, b: Option<Span>) -> Option<Span> {
    match (a, b) {
        (Some(a), Some(b)) => Some(a.join(b)),
        (a, b) => a.or(b),
    }
}
