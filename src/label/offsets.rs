//! Would the rules fit better if their times were moved? A zone that was forgotten, daylight saving, a clock that is an
//! hour off: the rules find few flows then, or others, and would find many at the right offset.
//!
//! A sample of the flows is labeled again at each offset. Only what rules decide by their times counts: a rule without
//! times takes what others leave to it wherever they are. Attacks tell most, since what is attempted or excluded may be
//! so by whatever time; but an offset at which rules about attacks claim fewer flows than now is no better one.
//! Which flows are in the sample follows from their numbers.

use std::collections::BTreeMap;

use crate::label::labeler::Labeler;
use crate::label::model::Rule;
use crate::label::verdict::{FlowFacts, State};

const HALF_HOUR_NS: i64 = 1_800_000_000_000;
/// Half hours that are tried to each side: as far as zones are apart.
const STEPS: i64 = 28;
/// Places of the counts of a rule.
const OFFSETS: usize = 2 * STEPS as usize + 1;
/// Fewer flows than this at the better offset are no hint.
const LEAST: u64 = 3;
const NOTHING: [Decided; OFFSETS] = [Decided { attacks: 0, all: 0 }; OFFSETS];

/// What each rule decides of the sample at each offset.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Offsets {
    rules: BTreeMap<usize, [Decided; OFFSETS]>,
}

/// Flows that a rule decides.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Decided {
    attacks: u64,
    /// Attacks, and what is attempted or excluded.
    all: u64,
}

/// A better offset.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Better {
    /// To be added to times of the rules, in nanoseconds.
    pub(super) offset_ns: i64,
    /// The rules that find more with it.
    pub(super) rules: Vec<usize>,
    /// The rules that find less.
    pub(super) others: Vec<usize>,
    /// Attacks in the sample by `rules` with it.
    pub(super) then: u64,
    /// Attacks in the sample by `rules` without.
    pub(super) now: u64,
}

impl Offsets {
    /// Labels a flow, of whose hosts there are rules, at each offset.
    pub(super) fn look(&mut self, labeler: &Labeler, facts: &FlowFacts<'_>) {
        for (place, step) in (-STEPS..=STEPS).enumerate() {
            // To move the rules ahead is to move the flow back.
            let moved = step * HALF_HOUR_NS;
            let shifted = FlowFacts {
                start_ns: facts.start_ns.saturating_sub(moved),
                end_ns: facts.end_ns.saturating_sub(moved),
                ..*facts
            };
            let verdict = labeler.label(&shifted);
            let by_its_times = verdict.claims.first().filter(|claim| {
                let of_attack = |(rule, _): (&Rule, _)| !rule.is_benign();
                claim.distance_ns.is_some()
                    && claim.certain
                    && !claim.grey
                    && labeler.rule(claim.rule).is_some_and(of_attack)
            });
            if let Some(claim) = by_its_times {
                let counts = self.rules.entry(claim.rule).or_insert(NOTHING);
                if let Some(count) = counts.get_mut(place) {
                    count.attacks += u64::from(verdict.state == State::Malicious);
                    count.all += 1;
                }
            }
        }
    }

    /// Adds another sample.
    pub(super) fn merge(&mut self, other: &Self) {
        for (rule, theirs) in &other.rules {
            let mine = self.rules.entry(*rule).or_insert(NOTHING);
            for (mine, theirs) in mine.iter_mut().zip(theirs) {
                mine.attacks += theirs.attacks;
                mine.all += theirs.all;
            }
        }
    }

    /// The offset at which at least twice as many flows are attacks; of equally good ones whole hours, and the nearest;
    /// `None` if the rules are fine where they are.
    pub(super) fn better(&self) -> Option<Better> {
        let at = |counts: &[Decided; OFFSETS], step: i64| {
            let place = usize::try_from(step + STEPS).ok();
            let found = place.and_then(|place| counts.get(place));
            found.copied().unwrap_or_default()
        };
        let total = |step, of: fn(Decided) -> u64| {
            let rules = self.rules.values();
            rules.map(|counts| of(at(counts, step))).sum::<u64>()
        };
        let attacks = |step| total(step, |decided| decided.attacks);
        let all = |step| total(step, |decided| decided.all);
        let (then, _, _, step) = (-STEPS..=STEPS)
            .map(|step| {
                (
                    attacks(step),
                    step % 2 == 0,
                    std::cmp::Reverse(step.abs()),
                    step,
                )
            })
            .max()?;
        if then < LEAST || then < attacks(0).saturating_mul(2) || all(step) < all(0) {
            return None;
        }
        let with = |wanted: std::cmp::Ordering| {
            let rules = self.rules.iter().filter(move |(_, counts)| {
                at(counts, step).attacks.cmp(&at(counts, 0).attacks) == wanted
            });
            rules.map(|(rule, _)| *rule).collect::<Vec<_>>()
        };
        let rules = with(std::cmp::Ordering::Greater);
        let sum = |step| {
            let counts = rules.iter().filter_map(|rule| self.rules.get(rule));
            counts.map(|counts| at(counts, step).attacks).sum()
        };
        Some(Better {
            offset_ns: step * HALF_HOUR_NS,
            then: sum(step),
            now: sum(0),
            others: with(std::cmp::Ordering::Less),
            rules,
        })
    }
}
