//! What a run did, on one screen.

use std::fmt::Write as _;

use indicatif::{HumanBytes, HumanCount};

use super::{Common, Done};
use crate::dataset::{Accept, Manifest};
use crate::engine::Counts;
use crate::error::{Error, Finding, Result, Severity};
use crate::label::SERIOUS;
use crate::text;

/// Findings printed before the rest is counted.
const MOST_FINDINGS: usize = 8;

/// Packets by class: `8,090 packets: 8,090 decoded`.
pub(super) fn packets(counts: &Counts) -> String {
    let mut line = format!("{} packets", HumanCount(counts.read));
    let classes = [
        ("decoded", counts.decoded),
        ("truncated", counts.truncated),
        ("malformed", counts.malformed),
        ("skipped", counts.skipped),
        ("filtered", counts.filtered),
        ("duplicates left out", counts.duplicates),
    ];
    let mut separator = ": ";
    for (name, n) in classes.into_iter().filter(|(_, n)| *n > 0) {
        let _ = write!(line, "{separator}{} {name}", HumanCount(n));
        separator = ", ";
    }
    if counts.kept_duplicates > 0 {
        let kept = text::count(counts.kept_duplicates, "duplicate");
        let _ = write!(line, "; {kept} within 0.5 ms, kept");
    }
    if counts.fragments > 0 {
        let _ = write!(
            line,
            "; {}, {} put together, {} incomplete",
            text::count(counts.fragments, "fragment"),
            text::count(counts.datagrams, "datagram"),
            HumanCount(counts.incomplete_datagrams)
        );
    }
    line
}

/// The tables of a stage with rows and sizes, in columns.
pub(super) fn tables(manifest: &Manifest, stage: &str) -> String {
    let Some(stage) = manifest.stages.get(stage) else {
        return String::new();
    };
    let mut text = String::new();
    let mut bytes = 0;
    let with_rows = || stage.tables.iter().filter(|(_, table)| table.rows > 0);
    let width = with_rows().map(|(name, _)| name.len()).max().unwrap_or(0);
    let width = width.max(10);
    for (name, table) in with_rows() {
        let size: u64 = table.files.iter().map(|f| f.bytes).sum();
        bytes += size;
        let rows = HumanCount(table.rows).to_string();
        let _ = writeln!(
            text,
            "  {name:<width$} {rows:>13} rows {:>12}",
            HumanBytes(size).to_string()
        );
    }
    let _ = write!(
        text,
        "  {:<width$} {:>18} {:>12}",
        "",
        "",
        HumanBytes(bytes).to_string()
    );
    text
}

/// With `--strict`, serious findings about labels that nobody accepts are an error.
pub(super) fn strictly<'a>(
    strict: bool,
    findings: impl IntoIterator<Item = &'a Finding>,
    accepted: &[Accept],
) -> Result<()> {
    let serious = findings
        .into_iter()
        .filter(|f| SERIOUS.contains(&f.code.as_str()) && f.severity == Severity::Warning)
        .filter(|f| !accepted.iter().any(|a| a.covers(f)));
    let codes: std::collections::BTreeSet<&str> = serious.map(|f| f.code.as_str()).collect();
    if !strict || codes.is_empty() {
        return Ok(());
    }
    let codes: Vec<&str> = codes.into_iter().collect();
    let message = format!("the labels are probably wrong: {}", codes.join(", "));
    Err(Error::new(message).help("the label set was written, with a report; mend the ground truth, or accept the finding in the pipeline (`accept: [{code: …, because: …}]`)"))
}

/// Tells what a pipeline accepts and nobody warns of: a misspelt code or rule, or one that is mended.
pub(super) fn unused<'a>(
    common: &Common,
    findings: impl IntoIterator<Item = &'a Finding>,
    accepted: &[Accept],
) {
    let findings: Vec<&Finding> = findings.into_iter().collect();
    for accept in accepted {
        if !findings.iter().any(|f| accept.covers(f)) {
            let rule = accept.rule.as_ref();
            let rule = rule.map_or_else(String::new, |rule| format!(" about {rule}"));
            common.say(&format!(
                "`accept:` has {}{rule}, and there is no such finding",
                accept.code
            ));
        }
    }
}

/// Prints findings, most serious first, and tells how the command ended.
pub(super) fn findings<'a>(
    common: &Common,
    findings: impl IntoIterator<Item = &'a Finding>,
    accepted: &[Accept],
) -> Done {
    let is_accepted = |finding: &Finding| accepted.iter().any(|a| a.covers(finding));
    let mut all: Vec<&Finding> = findings.into_iter().collect();
    all.sort_by_key(|f| std::cmp::Reverse((f.severity, f.rows)));
    let shown: Vec<&&Finding> = all
        .iter()
        .filter(|f| common.verbose || f.severity == Severity::Warning)
        .collect();
    let most = if common.verbose {
        usize::MAX
    } else {
        MOST_FINDINGS
    };
    for finding in shown.iter().take(most) {
        let kind = match finding.severity {
            Severity::Warning if is_accepted(finding) => "accepted",
            Severity::Warning => "warning",
            Severity::Information => "note",
        };
        let subject = finding
            .subject
            .as_ref()
            .map_or(String::new(), |s| format!("{s}: "));
        common.say(&format!(
            "{kind} [{}]: {subject}{}",
            finding.code, finding.message
        ));
    }
    if let Some(more) = shown.len().checked_sub(most).filter(|n| *n > 0) {
        common.say(&format!("and {more} more; --verbose shows all"));
    }
    let warned = all
        .iter()
        .any(|f| f.severity == Severity::Warning && !is_accepted(f));
    if warned {
        Done::WithWarnings
    } else {
        Done::Well
    }
}
