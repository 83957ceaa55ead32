//! The tables `packet_label` and `packet_claim`: rows of packets that have labels of their own, in the order of
//! captures and packets.

use std::collections::BTreeMap;

use arrow::array::RecordBatch;
use netcap_proto::{
    Finish, PacketClaimColumns, PacketClaimRow, PacketLabelColumns, PacketLabelRow, Symbols,
    TableColumns,
};

use super::join::label_row;
use super::labeler::Labeler;
use super::verdict::{Claim, State, Verdict};
use crate::error::Result;

/// What a rule says of a packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct PacketHit {
    pub(super) state: State,
    pub(super) category: Option<i64>,
    pub(super) certain: bool,
    /// Which interval of the rule, from 0.
    pub(super) episode: usize,
    /// Near the times of the rule, not in them.
    pub(super) grey: bool,
}

impl PacketHit {
    /// What a claim on a flow says of its packets, with the rule.
    pub(super) fn of(claim: &Claim<'_>) -> (usize, Self) {
        let hit = Self {
            state: claim.state,
            category: claim.category,
            certain: claim.certain,
            episode: claim.episode,
            grey: claim.grey,
        };
        (claim.rule, hit)
    }
}

/// Ordinal of the capture, number of the packet.
pub(super) type Key = (i32, i64);

/// Rows of both tables, filled in their order.
#[derive(Default)]
pub struct PacketRows {
    /// Packets without a flow, until it is their turn: what claims them; of what nobody claims, that it is
    /// vouched for.
    waiting: BTreeMap<Key, Vec<(usize, PacketHit)>>,
    labels: PacketLabelColumns,
    claims: PacketClaimColumns,
    symbols: Symbols,
    rows: usize,
    counts: BTreeMap<usize, PacketCounts>,
}

/// Packets that a rule claims.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct PacketCounts {
    /// All of them.
    pub claimed: u64,
    /// Those whose label it made.
    pub decided: u64,
}

/// Rows of the two tables.
#[derive(Debug)]
pub struct PacketBatches {
    /// Of the table `packet_label`.
    pub labels: RecordBatch,
    /// Of the table `packet_claim`.
    pub claims: RecordBatch,
}

/// Rows that make a batch.
const BATCH: usize = 1 << 16;

impl PacketRows {
    /// Keeps what is said of a packet without a flow, until those before it are written.
    pub(super) fn wait(&mut self, key: Key, verdict: &Verdict<'_>) {
        if verdict.state == State::Unknown {
            return;
        }
        let hits = verdict.claims.iter().map(PacketHit::of);
        // A tunnel has several addresses: the innermost come last.
        self.waiting.insert(key, hits.collect());
    }

    /// Whether something is kept of a packet without a flow.
    pub(super) fn waits(&self, key: Key) -> bool {
        self.waiting.contains_key(&key)
    }

    /// Adds a packet that rules claim, and those before it that waited.
    pub(super) fn push(
        &mut self,
        labeler: &Labeler,
        key: Key,
        flow: Option<i64>,
        verdict: &Verdict<'_>,
        attacks: u64,
    ) {
        self.write_before(labeler, key);
        self.write(key, verdict, Some(attacks));
        self.write_claims(labeler, key, flow, verdict);
    }

    /// Adds a packet that has what rules say of its flow, and those before it that waited.
    pub(super) fn push_inherited(
        &mut self,
        labeler: &Labeler,
        key: Key,
        verdict: &Verdict<'_>,
        attacks: u64,
    ) {
        self.write_before(labeler, key);
        self.write(key, verdict, Some(attacks));
    }

    fn write_before(&mut self, labeler: &Labeler, key: Key) {
        while let Some(entry) = self
            .waiting
            .first_entry()
            .filter(|entry| *entry.key() <= key)
        {
            let (before, hits) = entry.remove_entry();
            if before < key {
                self.write_waiting(labeler, before, hits);
            }
        }
    }

    /// The batch, if it is large enough.
    pub fn take_full(&mut self) -> Result<Option<PacketBatches>> {
        (self.rows >= BATCH).then(|| self.take()).transpose()
    }

    /// What rules claim of the packets so far.
    pub fn counts(&self) -> &BTreeMap<usize, PacketCounts> {
        &self.counts
    }

    /// The last batch, with all that still waited; nothing if it has no rows.
    pub fn take_rest(&mut self, labeler: &Labeler) -> Result<Option<PacketBatches>> {
        for (key, hits) in std::mem::take(&mut self.waiting) {
            self.write_waiting(labeler, key, hits);
        }
        (self.rows > 0).then(|| self.take()).transpose()
    }

    fn take(&mut self) -> Result<PacketBatches> {
        self.rows = 0;
        let symbols = self.symbols.finish();
        let cx = Finish::without_packets(&symbols);
        Ok(PacketBatches {
            labels: self.labels.finish_batch(&cx)?,
            claims: self.claims.finish_batch(&cx)?,
        })
    }

    fn write_waiting(&mut self, labeler: &Labeler, key: Key, mut hits: Vec<(usize, PacketHit)>) {
        // What is said of the packet itself comes before what is said of its hosts.
        let is_of_packets =
            |rule: usize| labeler.rule(rule).is_some_and(|(r, _)| r.is_of_packets());
        if hits.iter().any(|(rule, _)| is_of_packets(*rule)) {
            hits.retain(|(rule, _)| is_of_packets(*rule));
        }
        let verdict = labeler.label_packet(hits);
        let verdict = verdict.unwrap_or_else(Verdict::vouched_for);
        self.write(key, &verdict, None);
        self.write_claims(labeler, key, None, &verdict);
    }

    fn write(&mut self, (capture, packet): Key, verdict: &Verdict<'_>, attacks: Option<u64>) {
        self.rows += 1;
        self.labels.push(&PacketLabelRow {
            capture,
            packet,
            label: label_row(verdict, attacks, &mut self.symbols),
        });
    }

    fn write_claims(
        &mut self,
        labeler: &Labeler,
        (capture, packet): Key,
        flow: Option<i64>,
        verdict: &Verdict<'_>,
    ) {
        for claim in &verdict.claims {
            let Some((rule, file)) = labeler.rule(claim.rule) else {
                continue;
            };
            let counts = self.counts.entry(claim.rule).or_default();
            counts.claimed += 1;
            counts.decided += u64::from(claim.won);
            self.claims.push(&PacketClaimRow {
                capture,
                packet,
                flow,
                rule: self.symbols.text(rule.id()),
                attack: self.symbols.text(rule.label()),
                state: self.symbols.text(claim.state.as_str()),
                certain: claim.certain,
                won: claim.won,
                file: self.symbols.text(file),
                line: i32::try_from(rule.line()).unwrap_or(i32::MAX),
            });
        }
    }
}
