//! Labels for rows of the flow table: from their facts to verdicts, and from verdicts to columns.
//!
//! Which files are read and written is decided elsewhere; here a batch goes in and batches come
//! out.

use arrow::array::RecordBatch;
use netcap_proto::{
    ClaimColumns, ClaimRow, Finish, FlowLabelColumns, FlowLabelRow, LabelRow, Symbols, TableColumns,
};

use super::Misses;
use super::explain::{Considered, explain};
use super::flows::{Basis, Flows};
use super::packet_claims::{self, Said};
use super::sensitivity::{Sensitivity, SensitivityTally};
use super::slack::Slacks;
use super::tally::Tally;
use super::verdict::Verdict;
use crate::error::Result;

/// What came out of a batch of flows.
#[derive(Debug)]
pub struct Labeled {
    /// Rows of the table `flow_label`, one a flow, in order.
    pub labels: RecordBatch,
    /// Rows of the table `claim`.
    pub claims: RecordBatch,
    /// Counts.
    pub tally: Tally,
    /// What was said of flows for whose packets there are rules, for [`crate::label::PacketClaims::keep`].
    pub said: Vec<(i64, Said)>,
}

/// Labels the flows of a batch. With `slacks` one flow of so many is also tried at other times.
pub fn label_batch(
    basis: &Basis<'_>,
    slacks: Option<(&Slacks, u64)>,
    batch: &RecordBatch,
) -> Result<Labeled> {
    let labeler = basis.labeler;
    let flows = Flows::new(basis, batch)?;
    let mut labels = FlowLabelColumns::default();
    let mut claims = ClaimColumns::default();
    let mut symbols = Symbols::default();
    let mut tally = Tally::default();
    let mut said = Vec::new();
    let asked = labeler.asks().packets;
    for row in 0..batch.num_rows() {
        let flow = flows.number(row);
        let values = |column| flows.value(column, row);
        let facts = flows.facts(row, &values)?;
        let verdict = labeler.label(&facts);
        let attacks = basis.packets.attacks(flow, &verdict);
        tally.add(labeler, &facts, &verdict);
        tally.add_traffic(&facts, &verdict, &flows.traffic(row, attacks));
        if let Some((slacks, _)) = slacks.filter(|(_, every)| is_sampled(flow, *every)) {
            tally.try_times(labeler, slacks, &facts, &verdict);
        }
        labels.push(&FlowLabelRow {
            flow,
            label: label_row(&verdict, asked.then_some(attacks), &mut symbols),
        });
        if !basis.packets.of(flow).is_empty() {
            said.push((
                flow,
                packet_claims::said(labeler, &facts, &verdict, attacks),
            ));
        }
        for claim in &verdict.claims {
            let Some((rule, file)) = labeler.rule(claim.rule) else {
                continue;
            };
            claims.push(&ClaimRow {
                flow,
                rule: symbols.text(rule.id()),
                attack: symbols.text(rule.label()),
                state: symbols.text(claim.state.as_str()),
                direction: symbols.text(claim.direction.as_str()),
                edge: symbols.text(claim.edge.as_str()),
                distance_ns: claim.distance_ns,
                certain: claim.certain,
                won: claim.won,
                file: symbols.text(file),
                line: i32::try_from(rule.line()).unwrap_or(i32::MAX),
                alias: claim.alias.map(|alias| symbols.text(alias)),
            });
        }
    }
    let symbols = symbols.finish();
    let cx = Finish::without_packets(&symbols);
    Ok(Labeled {
        labels: labels.finish_batch(&cx)?,
        claims: claims.finish_batch(&cx)?,
        tally,
        said,
    })
}

/// Looks in a batch of flows for what came near to rules that matched nothing.
pub fn look_batch(basis: &Basis<'_>, batch: &RecordBatch, misses: &mut Misses) -> Result<()> {
    let flows = Flows::new(basis, batch)?;
    for row in 0..batch.num_rows() {
        let values = |column| flows.value(column, row);
        misses.look(basis.labeler, &flows.facts(row, &values)?);
    }
    Ok(())
}

/// Labels the flows of a batch in all ways of a sensitivity analysis.
pub fn vary_batch(
    basis: &Basis<'_>,
    sensitivity: &Sensitivity,
    batch: &RecordBatch,
) -> Result<SensitivityTally> {
    let flows = Flows::new(basis, batch)?;
    let mut tally = SensitivityTally::default();
    for row in 0..batch.num_rows() {
        let values = |column| flows.value(column, row);
        sensitivity.look(basis.labeler, &flows.facts(row, &values)?, &mut tally);
    }
    Ok(tally)
}

/// What ground truth makes of one flow, and why.
#[derive(Debug, Clone)]
pub struct Explained {
    /// The label columns that it gets: label, attack, state, rule.
    pub label: Option<String>,
    /// The claimed class.
    pub attack: Option<String>,
    /// How certain it is.
    pub state: &'static str,
    /// The rule that decided.
    pub rule: Option<String>,
    /// Each rule, seen from the flow.
    pub rules: Vec<Considered>,
}

/// What ground truth makes of one row of a batch of flows, and why.
pub fn explain_row(basis: &Basis<'_>, batch: &RecordBatch, row: usize) -> Result<Explained> {
    let labeler = basis.labeler;
    let flows = Flows::new(basis, batch)?;
    let values = |column| flows.value(column, row);
    let facts = flows.facts(row, &values)?;
    let verdict = labeler.label(&facts);
    let text = |text: Option<&str>| text.map(str::to_owned);
    Ok(Explained {
        label: text(verdict.label),
        attack: text(verdict.attack),
        state: verdict.state.as_str(),
        rule: text(verdict.rule),
        rules: explain(labeler, &facts, &verdict),
    })
}

/// One flow of `every`, by a hash of its number: whichever files were read, and in whatever batches.
fn is_sampled(flow: i64, every: u64) -> bool {
    let mixed = flow.cast_unsigned().wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32;
    mixed.is_multiple_of(every.max(1))
}

/// The label columns; `attacks` are the packets of the flow that are claimed as an attack by themselves.
pub(super) fn label_row(
    verdict: &Verdict<'_>,
    attacks: Option<u64>,
    symbols: &mut Symbols,
) -> LabelRow {
    let mut text = |text: Option<&str>| text.map(|t| symbols.text(t));
    LabelRow {
        label: text(verdict.label),
        attack: text(verdict.attack),
        label_category: verdict
            .category
            .map(|c| i32::try_from(c).unwrap_or(if c < 0 { i32::MIN } else { i32::MAX })),
        label_rule: text(verdict.rule),
        label_episode: text(verdict.episode),
        label_state: symbols.text(verdict.state.as_str()),
        malicious_packets: attacks.map(|n| i64::try_from(n).unwrap_or(i64::MAX)),
    }
}
