//! What a label run tells of itself: findings, each with a code that stays, so that ground truth can
//! be mended and pipelines can accept what they know. One file for each subject: how the times fit
//! (`times`), what single rules did (`rules`), what they are called (`names`), how many flows there should be (`counts`), what the labeled traffic
//! is like (`traffic`).
//!
//! Counts come from [`crate::label::tally`]; here they get a meaning.

mod counts;
mod names;
mod rules;
mod times;
mod traffic;

use std::collections::BTreeMap;

use crate::error::Finding;
use crate::label::labeler::Labeler;
use crate::label::misses::Misses;
use crate::label::packet_rows::PacketCounts;
use crate::label::report::Report;
use crate::label::tally::Tally;

pub use times::ClockSeen;

/// Codes that make `--strict` fail: each of them says that the labels are probably wrong.
pub const SERIOUS: [&str; 4] = ["rule-empty", "range-disjoint", "conflict", "offset-hint"];

/// What is known of the dataset beside its flows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Surroundings {
    /// Clocks in the traffic.
    pub clocks: Vec<ClockSeen>,
    /// Packets of each capture, by ordinal, where all of it was read.
    pub captures: Vec<Option<u64>>,
    /// The flows are of another policy than netcap's own, so that rules for packets say nothing of them.
    pub without_packets: bool,
    /// What rules claim of packets by themselves, by the numbers of rules.
    pub packet_claims: BTreeMap<usize, PacketCounts>,
    /// Packets, and among them duplicates and those earlier than one before.
    pub packets: u64,
    /// Packets with the same bytes as one shortly before.
    pub duplicates: u64,
    /// Packets earlier than one before them.
    pub disordered: u64,
}

/// All findings: first what explains others.
pub(super) fn findings(
    report: &Report,
    labeler: &Labeler,
    tally: &Tally,
    misses: Option<&Misses>,
    around: &Surroundings,
) -> Vec<Finding> {
    let mut findings = Vec::new();
    times::tell(labeler, tally, around, &mut findings);
    names::tell(labeler, tally, &mut findings);
    rules::tell(report, labeler, tally, misses, around, &mut findings);
    counts::tell(labeler, tally, &mut findings);
    traffic::tell(report, labeler, tally, around, &mut findings);
    findings
}
