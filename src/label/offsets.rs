//! Would the rules fit better if all their times were moved? A zone that was forgotten, daylight saving, a clock that is an
//! hour off: the rules find few flows then, or others, and would find many at the right offset.
//!
//! A sample of the flows is labeled again at each offset; only certain attacks count, since what is benign or attempted
//! says little. Which flows are in the sample follows from their numbers.

use crate::label::labeler::Labeler;
use crate::label::verdict::{FlowFacts, State};

const HALF_HOUR_NS: i64 = 1_800_000_000_000;
/// Half hours that are tried to each side: as far as zones are apart.
const STEPS: i64 = 28;
/// Places of [`Offsets::malicious`].
const OFFSETS: usize = 2 * STEPS as usize + 1;
/// Fewer flows than this at the better offset are no hint.
const LEAST: u64 = 3;

/// How many flows of the sample are attacks at each offset.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Offsets {
    malicious: [u64; OFFSETS],
}

impl Default for Offsets {
    fn default() -> Self {
        Self {
            malicious: [0; OFFSETS],
        }
    }
}

/// A better offset.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Better {
    /// To be added to the times of the rules, in nanoseconds.
    pub(super) offset_ns: i64,
    /// Attacks in the sample with it.
    pub(super) then: u64,
    /// Attacks in the sample without.
    pub(super) now: u64,
}

impl Offsets {
    /// Labels a flow, of whose hosts there are rules, at each offset.
    pub(super) fn look(&mut self, labeler: &Labeler, facts: &FlowFacts<'_>) {
        for (step, count) in (-STEPS..=STEPS).zip(&mut self.malicious) {
            // To move the rules ahead is to move the flow back.
            let moved = step * HALF_HOUR_NS;
            let shifted = FlowFacts {
                start_ns: facts.start_ns.saturating_sub(moved),
                end_ns: facts.end_ns.saturating_sub(moved),
                ..*facts
            };
            *count += u64::from(labeler.label(&shifted).state == State::Malicious);
        }
    }

    /// Adds another sample.
    pub(super) fn merge(&mut self, other: &Self) {
        for (mine, theirs) in self.malicious.iter_mut().zip(other.malicious) {
            *mine += theirs;
        }
    }

    /// The offset at which at least twice as many flows are attacks; of equally good ones whole hours, and the nearest; `None` if the rules are fine
    /// where they are.
    pub(super) fn better(&self) -> Option<Better> {
        let at = |step: i64| {
            let place = usize::try_from(step + STEPS).ok()?;
            self.malicious.get(place).copied()
        };
        let now = at(0)?;
        let best = (-STEPS..=STEPS)
            .filter_map(|step| {
                Some((
                    at(step)?,
                    step % 2 == 0,
                    std::cmp::Reverse(step.abs()),
                    step,
                ))
            })
            .max()?;
        let (then, _, _, step) = best;
        (then >= LEAST && then >= now.saturating_mul(2)).then_some(Better {
            offset_ns: step * HALF_HOUR_NS,
            then,
            now,
        })
    }
}
