//! Labels that are no attack by their names, in rules that make them one.

use std::collections::BTreeMap;

use crate::error::Finding;
use crate::label::labeler::Labeler;
use crate::label::model::Rule;
use crate::label::tally::Tally;
use crate::label::verdict::State;
use crate::text::count;

/// What others call traffic that is no attack.
const BENIGN: [&str; 10] = [
    "normal",
    "normal traffic",
    "benign traffic",
    "background",
    "legitimate",
    "legit",
    "clean",
    "no attack",
    "none",
    "0",
];
/// What they call traffic of which nobody knows.
const UNKNOWN: [&str; 6] = ["unknown", "unlabeled", "unlabelled", "n/a", "nan", "-"];
/// States, which are no classes.
const STATES: [State; 3] = [State::Attempted, State::Ambiguous, State::Excluded];

pub(super) fn tell(labeler: &Labeler, tally: &Tally, findings: &mut Vec<Finding>) {
    let mut rules: BTreeMap<&str, (u64, u64)> = BTreeMap::new();
    for (number, rule) in labeler.rules().iter().enumerate() {
        if advice(rule).is_some() {
            let flows = tally.rules.get(&number).map_or(0, |counts| counts.rows);
            let of_label = rules.entry(rule.label()).or_default();
            of_label.0 += 1;
            of_label.1 += flows;
        }
    }
    for (label, (number, flows)) in rules {
        let rule = labeler.rules().iter().find(|rule| rule.label() == label);
        let message = format!(
            "{} with this label, which is a class of attacks like any other; {}",
            count(number, "rule"),
            rule.and_then(advice).unwrap_or_default()
        );
        findings.push(
            Finding::warning("label-name", message)
                .about(label)
                .affecting(flows),
        );
    }
}

/// What its author may mean, if the label of a rule does not sound like an attack.
fn advice(rule: &Rule) -> Option<String> {
    let states = rule.variants.first().and_then(|base| base.state);
    if states.is_some_and(|state| state != State::Malicious) {
        return None;
    }
    let name = rule.label().trim().to_lowercase();
    let state = STATES.iter().find(|state| state.as_str() == name);
    if BENIGN.contains(&name.as_str()) {
        Some("if it is none, call it `benign`".to_owned())
    } else if UNKNOWN.contains(&name.as_str()) {
        Some("if nobody knows what it is, leave the rules out".to_owned())
    } else {
        state.map(|state| {
            format!(
                "if that is meant, say `state: {}`, and the class as label",
                state.as_str()
            )
        })
    }
}
