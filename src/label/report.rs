//! What the labels of a run came to: per rule, state and conflict, with findings for whoever has
//! to repair the ground truth. `report.json` is this, serialised; the screen is in
//! [`crate::label::summary`].

use std::collections::BTreeMap;

use arrow::array::RecordBatch;
use netcap_proto::{FindingColumns, FindingRow, Finish, Symbols, TableColumns};
use serde::Serialize;

use crate::error::{Error, Finding, Severity};
use crate::label::diagnosis::{self, Surroundings};
use crate::label::interval::show_utc;
use crate::label::labeler::Labeler;
use crate::label::misses::Misses;
use crate::label::model::Rule;
use crate::label::tally::{RuleTally, Span, Tally};
use crate::label::verdict::{Edge, State};

/// What the labels of a run came to. The order of everything in it is that of the files, or of
/// names: the same flows give the same bytes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Report {
    /// Flows that were labeled.
    pub rows: u64,
    /// First start and last end of the flows.
    pub flows: Option<Range>,
    /// First start and last end of the rules that have any.
    pub labels: Option<Range>,
    /// Flows by state and class.
    pub states: Vec<StateRow>,
    /// The rules, in the order of the files.
    pub rules: Vec<RuleRow>,
    /// Pairs of rules that contradicted each other.
    pub conflicts: Vec<ConflictRow>,
    /// What a user should know of.
    pub findings: Vec<Finding>,
}

/// A range of time, RFC 3339 in UTC.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Range {
    /// The earliest.
    pub first: String,
    /// The latest.
    pub last: String,
}

/// Flows of one state and class.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct StateRow {
    /// The state.
    pub state: State,
    /// The class, or the claimed class where the state is not certain.
    pub label: Option<String>,
    /// Flows.
    pub rows: u64,
}

/// What one rule did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RuleRow {
    /// Its id.
    pub id: String,
    /// Its class.
    pub label: String,
    /// Its file.
    pub file: String,
    /// Its line.
    pub line: u32,
    /// Its intervals, in capture time; none if it always applies.
    pub intervals: Vec<Range>,
    /// By how much they were made longer, before and after, in nanoseconds; nothing if the rule has no slack.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub slack_ns: Option<[i64; 2]>,
    /// Flows near to its times, which `grey:` excludes; in none of the other counts.
    #[serde(skip_serializing_if = "is_zero")]
    pub grey: u64,
    /// Flows that it matched.
    pub rows: u64,
    /// Of these, flows whose label it made.
    pub won: u64,
    /// Flows that another rule decided.
    pub lost: u64,
    /// Flows so near to a bound that the clock cannot tell.
    pub uncertain: u64,
    /// Flows that an attacker opened.
    pub forward: u64,
    /// Flows that a victim opened.
    pub reverse: u64,
    /// Flows by what the rule says of them.
    pub states: BTreeMap<State, u64>,
    /// Flows by how they lie to the interval.
    pub edges: BTreeMap<Edge, u64>,
    /// First start and last end of the flows.
    pub seen: Option<Range>,
}

/// Two rules of different classes and equal priority that matched the same flows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ConflictRow {
    /// Id of the one that came first.
    pub winner: String,
    /// Id of the other.
    pub loser: String,
    /// Flows.
    pub rows: u64,
    /// Start of the first of them.
    pub first: String,
}

impl Report {
    /// Makes the report. Without `misses` empty rules are named but not explained.
    pub fn new(
        labeler: &Labeler,
        tally: &Tally,
        misses: Option<&Misses>,
        around: &Surroundings,
    ) -> Self {
        let id = |rule: usize| {
            labeler
                .rule(rule)
                .map_or_else(String::new, |(r, _)| r.id.clone())
        };
        let mut report = Self {
            rows: tally.rows,
            flows: tally.span.map(|span| range(span.first, span.last)),
            labels: bounds(labeler).map(|span| range(span.first, span.last)),
            states: tally
                .states
                .iter()
                .map(|((state, label), rows)| StateRow {
                    state: *state,
                    label: label.clone(),
                    rows: *rows,
                })
                .collect(),
            rules: (0..labeler.rules().len())
                .filter_map(|number| {
                    let (rule, file) = labeler.rule(number)?;
                    Some(row(rule, file, tally.rules.get(&number)))
                })
                .collect(),
            conflicts: tally
                .conflicts
                .iter()
                .map(|((winner, loser), conflict)| ConflictRow {
                    winner: id(*winner),
                    loser: id(*loser),
                    rows: conflict.rows,
                    first: show_utc(conflict.first),
                })
                .collect(),
            findings: Vec::new(),
        };
        report.findings = diagnosis::findings(&report, labeler, tally, misses, around);
        report
    }

    /// The report as `report.json` has it: indented, with a line break at its end.
    pub fn to_json(&self) -> String {
        // Maps with keys that are no text are the only thing that could fail here.
        let mut text = serde_json::to_string_pretty(self).unwrap_or_default();
        text.push('\n');
        text
    }

    /// The findings as rows of the table `finding`.
    pub fn findings_table(&self) -> Result<RecordBatch, Error> {
        let mut rows = FindingColumns::default();
        let mut symbols = Symbols::default();
        for finding in &self.findings {
            rows.push(&FindingRow {
                code: symbols.text(&finding.code),
                severity: symbols.text(match finding.severity {
                    Severity::Warning => "warning",
                    Severity::Information => "information",
                }),
                subject: finding.subject.as_deref(),
                message: &finding.message,
                rows: finding.rows.map(|n| i64::try_from(n).unwrap_or(i64::MAX)),
            });
        }
        let symbols = symbols.finish();
        Ok(rows.finish_batch(&Finish::without_packets(&symbols))?)
    }

    /// A summary for people: tables of at most 80 columns, texts of at most `width`, one screen.
    pub fn summary(&self, width: usize) -> String {
        crate::label::summary::write(self, width)
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks so")]
fn is_zero(n: &u64) -> bool {
    *n == 0
}

fn range(first: i64, last: i64) -> Range {
    Range {
        first: show_utc(first),
        last: show_utc(last),
    }
}

fn row(rule: &Rule, file: &str, tally: Option<&RuleTally>) -> RuleRow {
    let none = RuleTally::default();
    let tally = tally.unwrap_or(&none);
    let bounded = rule.time.iter().filter(|interval| interval.is_bounded());
    RuleRow {
        id: rule.id.clone(),
        label: rule.label.clone(),
        file: file.to_owned(),
        line: rule.line,
        intervals: bounded
            .map(|interval| range(interval.start, interval.end))
            .collect(),
        slack_ns: (rule.slack != [0; 2]).then_some(rule.slack),
        grey: tally.grey,
        rows: tally.rows,
        won: tally.won,
        lost: tally.rows - tally.won,
        uncertain: tally.uncertain,
        forward: tally.forward,
        reverse: tally.reverse,
        states: tally.states.clone(),
        edges: tally.edges.clone(),
        seen: tally.span.map(|span| range(span.first, span.last)),
    }
}

/// First start and last end of all rules that have a time.
pub(super) fn bounds(labeler: &Labeler) -> Option<Span> {
    let times = || {
        labeler
            .rules()
            .iter()
            .flat_map(|rule| &rule.time)
            .filter(|t| t.is_bounded())
    };
    let first = times()
        .map(|time| time.start.saturating_sub(time.unsure))
        .min()?;
    let last = times()
        .map(|time| time.end.saturating_add(time.unsure))
        .max()?;
    Some(Span { first, last })
}
