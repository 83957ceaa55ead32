//! What the rules would claim if their times were longer, and what their hosts did outside of them: whether
//! windows were taken down right can be told from that. Looked at for a sample of the flows.

use std::collections::BTreeMap;

use crate::label::labeler::Labeler;
use crate::label::matching;
use crate::label::verdict::{Claim, FlowFacts, State, Verdict};

const SECOND_NS: i64 = 1_000_000_000;

/// By how much each end of a time is moved out.
pub(super) const SLACKS_NS: [i64; 7] = [
    0,
    SECOND_NS,
    10 * SECOND_NS,
    60 * SECOND_NS,
    120 * SECOND_NS,
    300 * SECOND_NS,
    900 * SECOND_NS,
];

/// A labeler for each slack but the first, which is none. Made once a run.
#[derive(Debug)]
pub struct Slacks([Labeler; SLACKS_NS.len() - 1]);

impl Slacks {
    /// Those of a labeler.
    pub fn of(labeler: &Labeler) -> Self {
        let [_, slacks @ ..] = SLACKS_NS;
        Self(slacks.map(|slack| labeler.altered(|rule| rule.widen(slack))))
    }
}

/// Counts of the sample, by rule.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct SlackTally {
    /// Flows that a rule claims at each slack.
    pub(super) curves: BTreeMap<usize, [u64; SLACKS_NS.len()]>,
    pub(super) outside: BTreeMap<usize, Outside>,
}

/// Flows that no rule claims, and that a rule would claim but for its time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Outside {
    pub(super) flows: u64,
    /// First start and last end of them.
    pub(super) first: i64,
    pub(super) last: i64,
    /// Those that end less than an hour before an interval, or begin less than an hour after one.
    pub(super) near: u64,
    /// Those that are benign, since the ground truth covers their hosts.
    pub(super) benign: u64,
}

const NEAR_NS: i64 = 3600 * SECOND_NS;

impl SlackTally {
    /// Looks at a flow, of which `verdict` was said as the rules are; `about` are those about its hosts.
    pub(super) fn look(
        &mut self,
        labeler: &Labeler,
        slacks: &Slacks,
        facts: &FlowFacts<'_>,
        verdict: &Verdict<'_>,
        about: &[usize],
    ) {
        let unclaimed = verdict.claims.is_empty();
        for number in about.iter().copied().filter(|_| unclaimed) {
            let Some(distance) = labeler
                .rule(number)
                .and_then(|(rule, _)| matching::outside(rule, facts))
            else {
                continue;
            };
            let (start, end) = matching::span(facts);
            let outside = self.outside.entry(number).or_insert(Outside {
                flows: 0,
                first: start,
                last: end,
                near: 0,
                benign: 0,
            });
            outside.benign += u64::from(verdict.state == State::Benign);
            outside.flows += 1;
            outside.first = outside.first.min(start);
            outside.last = outside.last.max(end);
            outside.near += u64::from(distance <= NEAR_NS);
        }
        let mut count = |place: usize, claims: &[Claim<'_>]| {
            // What is excluded for being near is none of them.
            for claim in claims.iter().filter(|claim| !claim.grey) {
                if let Some(count) = self.curves.entry(claim.rule).or_default().get_mut(place) {
                    *count += 1;
                }
            }
        };
        count(0, &verdict.claims);
        for (place, labeler) in (1..).zip(&slacks.0) {
            count(place, &labeler.label(facts).claims);
        }
    }

    /// Flows that a rule claims as it is, and with times a minute longer at each end.
    pub(super) fn a_minute_more(&self, rule: usize) -> Option<(u64, u64)> {
        let curve = self.curves.get(&rule)?;
        let at = SLACKS_NS
            .iter()
            .position(|slack| *slack == 60 * SECOND_NS)?;
        Some((*curve.first()?, *curve.get(at)?))
    }

    /// Adds another sample.
    pub(super) fn merge(&mut self, other: &Self) {
        for (rule, theirs) in &other.curves {
            let mine = self.curves.entry(*rule).or_default();
            for (mine, theirs) in mine.iter_mut().zip(theirs) {
                *mine += theirs;
            }
        }
        for (rule, theirs) in &other.outside {
            let mine = self.outside.entry(*rule).or_insert(Outside {
                flows: 0,
                near: 0,
                benign: 0,
                ..*theirs
            });
            mine.flows += theirs.flows;
            mine.near += theirs.near;
            mine.benign += theirs.benign;
            mine.first = mine.first.min(theirs.first);
            mine.last = mine.last.max(theirs.last);
        }
    }
}
