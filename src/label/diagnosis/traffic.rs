//! What the labeled traffic is like, and what of it nobody speaks of.

use crate::error::Finding;
use crate::label::diagnosis::Surroundings;
use crate::label::labeler::Labeler;
use crate::label::report::Report;
use crate::label::tally::Tally;
use crate::label::traffic::SCAN;
use crate::label::verdict::State;
use crate::text::{count, percent};

/// Findings of one kind that are told one by one; more are counted.
const MOST: usize = 5;

pub(super) fn tell(
    report: &Report,
    labeler: &Labeler,
    tally: &Tally,
    around: &Surroundings,
    findings: &mut Vec<Finding>,
) {
    coverage(tally, findings);
    background(labeler, tally, findings);
    payloadless(tally, findings);
    mixed(tally, findings);
    unexplained_scans(tally, findings);
    packets(report, around, findings);
}

/// Shares of flows, packets and bytes by state.
fn coverage(tally: &Tally, findings: &mut Vec<Finding>) {
    let states = &tally.traffic.states;
    let total = |of: fn(&crate::label::traffic::Sums) -> u64| states.values().map(of).sum::<u64>();
    let (flows, packets) = (total(|s| s.flows), total(|s| s.packets));
    let bytes = total(|s| s.wire_bytes);
    let told: Vec<String> = states
        .iter()
        .map(|(state, sums)| {
            format!(
                "{} {} of flows, {} of packets, {} of bytes",
                state.as_str(),
                percent(sums.flows, flows),
                percent(sums.packets, packets),
                percent(sums.wire_bytes, bytes)
            )
        })
        .collect();
    if !told.is_empty() {
        findings.push(Finding::information("coverage", told.join("; ")));
    }
}

/// Flows that are partly an attack.
fn mixed(tally: &Tally, findings: &mut Vec<Finding>) {
    let flows = tally.traffic.mixed;
    if flows > 0 {
        let message = format!(
            "of {} some packets are claimed as an attack and others are not: the column malicious_packets counts them",
            count(flows, "flow")
        );
        findings.push(Finding::information("mixed", message).affecting(flows));
    }
}

/// Flows that have their state because no rule speaks of them.
fn background(labeler: &Labeler, tally: &Tally, findings: &mut Vec<Finding>) {
    let claimed = tally.claimed;
    let rest = tally.rows - claimed;
    if rest > 0 && !labeler.rules().is_empty() {
        let unknown = tally
            .traffic
            .states
            .get(&State::Unknown)
            .map_or(0, |s| s.flows);
        let unknown = unknown.min(rest);
        let which = match rest - unknown {
            0 => "all of them unknown".to_owned(),
            vouched => {
                format!("{unknown} unknown, {vouched} benign because `covers:` vouches for them")
            }
        };
        let share = percent(rest, tally.rows);
        let message = format!("{rest} flows ({share}) are claimed by no rule: {which}");
        findings.push(Finding::information("background", message).affecting(rest));
    }
}

/// Classes of which a half or more carries nothing.
fn payloadless(tally: &Tally, findings: &mut Vec<Finding>) {
    for (class, (all, empty)) in &tally.traffic.classes {
        if empty.saturating_mul(2) >= *all {
            let message = format!(
                "{} of its {all} malicious flows have no payload: ends of connections, refused ones, scans; `attempted: [{{if: payload_bytes = 0}}]` tells them apart",
                percent(*empty, *all)
            );
            let finding = Finding::information("payloadless", message).about(class);
            findings.push(finding.affecting(*empty));
        }
    }
}

/// What looks like a scan, and no rule claims.
fn unexplained_scans(tally: &Tally, findings: &mut Vec<Finding>) {
    let scans = tally.traffic.port_scans().map(|(from, to)| {
        (
            from.to_string(),
            format!("tried {SCAN} ports of {to} or more in vain"),
        )
    });
    let sweeps = tally.traffic.sweeps().map(|(from, port)| {
        (
            from.to_string(),
            format!("tried port {port} at {SCAN} hosts or more in vain"),
        )
    });
    let all: Vec<(String, String)> = scans.chain(sweeps).collect();
    for (host, what) in all.iter().take(MOST) {
        let message = format!("{what}, and no rule speaks of it");
        findings.push(Finding::information("unexplained-scan", message).about(host));
    }
    if let Some(more) = all.len().checked_sub(MOST).filter(|more| *more > 0) {
        let message = format!("and {more} more hosts and ports");
        findings.push(Finding::information("unexplained-scan", message));
    }
}

/// Duplicates and packets out of order, which change counts and directions.
fn packets(report: &Report, around: &Surroundings, findings: &mut Vec<Finding>) {
    if report.rows == 0 {
        return;
    }
    for (code, packets, what, remedy) in [
        (
            "dup",
            around.duplicates,
            "came within 0.5 ms with the same bytes as another",
            "--drop-duplicates 500us",
        ),
        (
            "reorder",
            around.disordered,
            "are earlier than one before them in their file",
            "--reorder TIME",
        ),
    ] {
        if packets > 0 {
            let share = percent(packets, around.packets);
            let message =
                format!("{packets} packets ({share}) {what}; `netcap decode {remedy}` mends it");
            findings.push(Finding::information(code, message));
        }
    }
}
