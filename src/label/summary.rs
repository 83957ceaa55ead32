//! The report for a terminal: one screen, what affects most rows first. All of it is in `report.json`.
//! Names are as wide as they need to be and the terminal allows.

use std::fmt::Write;

use crate::error::Severity;
use crate::label::report::{Range, Report};
use crate::text::{count, fold, percent};

const STATES: usize = 8;
const RULES: usize = 10;
/// A name of which less is shown is none.
const LEAST: usize = 8;
/// Lines of findings. Of warnings more are shown: they may be what is wrong.
const FINDINGS: usize = 6;
const WARNINGS: usize = 8;

pub(super) fn write(report: &Report, width: usize) -> String {
    let mut lines: Vec<String> = Vec::new();
    let span = report
        .flows
        .as_ref()
        .map(|range| {
            format!(", {}", range.first.get(..4).unwrap_or_default()) + "-" + &short(range)
        })
        .unwrap_or_default();
    lines.push(format!(
        "{} labeled{span} (UTC)",
        count(report.rows, "flow")
    ));
    lines.push(String::new());
    states(report, width, &mut lines);
    rules(report, width, &mut lines);
    findings(report, width, &mut lines);
    let mut text = String::new();
    for line in lines {
        // Nothing can fail that writes into a string.
        let _ = writeln!(text, "{}", line.trim_end());
    }
    text
}

/// The width of a column of `names` under `heading`, beside `others` columns of a terminal.
fn wide<'n>(
    heading: &str,
    names: impl Iterator<Item = &'n str>,
    width: usize,
    others: usize,
) -> usize {
    let longest = names.map(|name| name.chars().count()).max().unwrap_or(0);
    let room = width.saturating_sub(others).max(LEAST);
    // With a space behind the longest.
    (longest.max(heading.len()) + 1).min(room)
}

fn states(report: &Report, width: usize, lines: &mut Vec<String>) {
    let labels = report.states.iter().filter_map(|row| row.label.as_deref());
    let name = wide("label", labels, width, 12 + 14 + 8);
    lines.push(format!(
        "{:<12}{:<name$}{:>14}{:>8}",
        "state", "label", "flows", "share"
    ));
    let mut states: Vec<_> = report.states.iter().collect();
    states.sort_by_key(|row| std::cmp::Reverse(row.rows));
    for row in states.iter().take(STATES) {
        lines.push(format!(
            "{:<12}{}{:>14}{:>8}",
            row.state.as_str(),
            padded(row.label.as_deref().unwrap_or("-"), name),
            row.rows,
            percent(row.rows, report.rows)
        ));
    }
    more(states.len(), STATES, "states and labels", lines);
}

fn rules(report: &Report, width: usize, lines: &mut Vec<String>) {
    if report.rules.is_empty() {
        return;
    }
    const NUMBERS: usize = 4 * 9;
    const TIMES: usize = 2 + 24;
    let with_times = width >= LEAST + NUMBERS + TIMES;
    let others = NUMBERS + if with_times { TIMES } else { 0 };
    let ids = report.rules.iter().map(|row| row.id.as_str());
    let name = wide("rule", ids, width, others);
    lines.push(String::new());
    lines.push(format!(
        "{:<name$}{:>9}{:>9}{:>9}{:>9}  {}",
        "rule",
        "flows",
        "won",
        "forward",
        "reverse",
        if with_times { "first .. last" } else { "" }
    ));
    let mut rules: Vec<_> = report.rules.iter().collect();
    rules.sort_by_key(|row| std::cmp::Reverse(row.rows));
    for row in rules.iter().take(RULES) {
        let seen = row.seen.as_ref().filter(|_| with_times);
        let seen = seen.map(short).unwrap_or_default();
        lines.push(format!(
            "{}{:>9}{:>9}{:>9}{:>9}  {seen}",
            padded(&row.id, name),
            row.rows,
            row.won,
            row.forward,
            row.reverse,
        ));
    }
    more(rules.len(), RULES, "rules", lines);
    let longer = rules.iter().filter(|row| row.slack_ns.is_some()).count();
    if longer > 0 {
        lines.push(format!(
            "({} with slack: their times are longer than written)",
            count(longer as u64, "rule")
        ));
    }
}

fn findings(report: &Report, width: usize, lines: &mut Vec<String>) {
    let mut findings: Vec<_> = report.findings.iter().collect();
    findings.sort_by_key(|finding| std::cmp::Reverse((finding.severity, finding.rows)));
    let warnings = findings
        .iter()
        .filter(|f| f.severity == Severity::Warning)
        .count();
    if !findings.is_empty() {
        lines.push(String::new());
        lines.push(format!(
            "{}, {}",
            count(warnings as u64, "warning"),
            count((findings.len() - warnings) as u64, "note")
        ));
    }
    let (mut shown, mut used) = (0, 0);
    for finding in &findings {
        let subject = finding
            .subject
            .as_ref()
            .map(|s| format!(" {s}:"))
            .unwrap_or_default();
        let line = format!("  {}{subject} {}", finding.code, finding.message);
        let folded = fold(&line, width);
        used += folded.lines().count();
        let most = match finding.severity {
            Severity::Warning => WARNINGS,
            Severity::Information => FINDINGS,
        };
        if shown > 0 && used > most {
            break;
        }
        lines.push(folded);
        shown += 1;
    }
    more(findings.len(), shown, "findings", lines);
}

fn more(all: usize, shown: usize, what: &str, lines: &mut Vec<String>) {
    if all > shown {
        lines.push(format!("  and {} more {what} in report.json", all - shown));
    }
}

/// `07-05 12:48:03..13:11:59` within a day, else `07-05 12:48..07-06 13:11`: what a person compares
/// with a notebook.
fn short(range: &Range) -> String {
    let (first, last) = (&range.first, &range.last);
    let parts = |time: &str, end: usize| {
        let (day, clock) = (time.get(5..10)?, time.get(11..end)?);
        Some((day.to_owned(), clock.to_owned()))
    };
    if first.get(..10) == last.get(..10)
        && let (Some((day, from)), Some((_, to))) = (parts(first, 19), parts(last, 19))
    {
        return format!("{day} {from}..{to}");
    }
    // A year is told with the end where it is another one than at the beginning.
    if first.get(..4) != last.get(..4)
        && let (Some(from), Some(to)) = (first.get(5..10), last.get(..10))
    {
        return format!("{from}..{to}");
    }
    match (parts(first, 16), parts(last, 16)) {
        (Some((day, from)), Some((end, to))) => format!("{day} {from}..{end} {to}"),
        _ => format!("{first}..{last}"),
    }
}

fn cut(text: &str, width: usize) -> String {
    if text.chars().count() <= width {
        return text.to_owned();
    }
    text.chars()
        .take(width.saturating_sub(1))
        .chain(['…'])
        .collect()
}

/// A text in a column: cut or filled, with a blank behind it.
fn padded(text: &str, width: usize) -> String {
    format!("{:<width$}", cut(text, width.saturating_sub(1)))
}
