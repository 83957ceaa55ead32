//! How much of a label depends on decisions that nobody wrote down: which part of a flow has to lie in
//! a window, how exact the window is, who may have opened the flow. Flows are labeled under all
//! combinations, and the classes counted.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::Serialize;

use crate::label::duration;
use crate::label::labeler::Labeler;
use crate::label::model::{Direction, Rule, Test};
use crate::label::verdict::{FlowFacts, State};
use crate::text;

const SECOND_NS: i64 = 1_000_000_000;
const TESTS: [(&str, Test); 3] = [
    ("overlap", Test::Overlap),
    ("start", Test::Start),
    ("contained", Test::Contained),
];
const SLACKS_NS: [i64; 4] = [0, SECOND_NS, 10 * SECOND_NS, 60 * SECOND_NS];
const DIRECTIONS: [(&str, Direction); 2] = [
    ("either", Direction::Either),
    ("forward", Direction::Forward),
];

/// The rules as they are, and under each combination.
pub struct Sensitivity {
    grid: Vec<(Setting, Labeler)>,
    /// The classes that the rules name.
    classes: BTreeSet<String>,
    packet_rules: usize,
}

/// One combination.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Setting {
    /// Which part of a flow has to lie in a window.
    pub test: &'static str,
    /// By how much windows are longer at each end, in nanoseconds.
    pub slack_ns: i64,
    /// Who may have opened the flow; rules for flows that victims open stay.
    pub direction: &'static str,
}

/// Counts of flows, cheap to make and to merge.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SensitivityTally {
    /// Malicious flows by class with the rules as they are.
    plain: BTreeMap<String, u64>,
    /// For each setting and class: malicious flows, and those that are so with the rules as they are.
    settings: BTreeMap<usize, BTreeMap<String, (u64, u64)>>,
}

/// What came out for each class.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Stability {
    /// The classes, by name.
    pub classes: Vec<ClassStability>,
    /// Rules that are about packets: their windows are not varied, since only flows are labeled again.
    pub packet_rules: usize,
}

/// How a class depends on the settings.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ClassStability {
    /// Its name.
    pub label: String,
    /// Malicious flows with the rules as they are.
    pub flows: u64,
    /// Fewest, and where.
    pub least: (u64, Setting),
    /// Most, and where.
    pub most: (u64, Setting),
    /// What came out under each of the settings.
    pub settings: Vec<SettingCount>,
    /// The least share that a setting has in common with the rules as they are: flows in both of those in
    /// either (Jaccard index).
    pub jaccard: f64,
    /// The number of flows moves by more than 5 %.
    pub unstable: bool,
}

/// Malicious flows of a class under a setting.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SettingCount {
    /// The setting.
    #[serde(flatten)]
    pub setting: Setting,
    /// The flows.
    pub flows: u64,
    /// Those that are of the class as well with the rules as they are.
    pub in_common: u64,
}

impl Sensitivity {
    /// Alters the rules of a labeler.
    pub fn new(labeler: &Labeler) -> Self {
        let mut grid = Vec::new();
        for (test, as_test) in TESTS {
            for slack_ns in SLACKS_NS {
                for (direction, as_direction) in DIRECTIONS {
                    let altered = labeler.altered(|rule| {
                        rule.widen(slack_ns);
                        alter(rule, as_test, as_direction);
                    });
                    let setting = Setting {
                        test,
                        slack_ns,
                        direction,
                    };
                    grid.push((setting, altered));
                }
            }
        }
        let of_packets = labeler.rules().iter().filter(|rule| rule.is_of_packets());
        Self {
            grid,
            classes: labeler
                .rules()
                .iter()
                .filter(|rule| !rule.is_benign())
                .map(|rule| rule.label.clone())
                .collect(),
            packet_rules: of_packets.count(),
        }
    }

    /// Labels a flow in all ways.
    pub fn look(&self, labeler: &Labeler, facts: &FlowFacts<'_>, tally: &mut SensitivityTally) {
        if labeler.about(facts).is_empty() {
            return;
        }
        let plain = labeler.label(facts);
        let plain = plain.label.filter(|_| plain.state == State::Malicious);
        if let Some(label) = plain {
            count(&mut tally.plain, label, |flows: &mut u64| *flows += 1);
        }
        for (number, (_, altered)) in self.grid.iter().enumerate() {
            let verdict = altered.label(facts);
            if let (State::Malicious, Some(label)) = (verdict.state, verdict.label) {
                let classes = tally.settings.entry(number).or_default();
                count(classes, label, |(flows, both): &mut (u64, u64)| {
                    *flows += 1;
                    *both += u64::from(plain == Some(label));
                });
            }
        }
    }

    /// What the counts say of each class.
    pub fn stability(&self, tally: &SensitivityTally) -> Stability {
        let classes = self.classes.iter().filter_map(|label| {
            let flows = tally.plain.get(label).copied().unwrap_or(0);
            let counts = self.grid.iter().enumerate().map(|(number, (setting, _))| {
                let found = tally.settings.get(&number).and_then(|c| c.get(label));
                let (there, both) = found.copied().unwrap_or((0, 0));
                (there, both, setting)
            });
            let least = counts.clone().min_by_key(|(there, ..)| *there)?;
            let most = counts.clone().rev().max_by_key(|(there, ..)| *there)?;
            let jaccard = counts
                .clone()
                .map(|(there, both, _)| share(both, flows + there - both))
                .fold(1.0, f64::min);
            let moved = most
                .0
                .saturating_sub(flows)
                .max(flows.saturating_sub(least.0));
            Some(ClassStability {
                label: label.clone(),
                flows,
                least: (least.0, least.2.clone()),
                most: (most.0, most.2.clone()),
                jaccard,
                settings: counts
                    .map(|(flows, in_common, setting)| SettingCount {
                        setting: setting.clone(),
                        flows,
                        in_common,
                    })
                    .collect(),
                unstable: moved.saturating_mul(20) > flows,
            })
        });
        Stability {
            classes: classes.collect(),
            packet_rules: self.packet_rules,
        }
    }
}

impl SensitivityTally {
    /// Adds the counts of other flows.
    pub fn merge(&mut self, other: &Self) {
        for (label, flows) in &other.plain {
            count(&mut self.plain, label, |mine: &mut u64| *mine += flows);
        }
        for (number, classes) in &other.settings {
            let mine = self.settings.entry(*number).or_default();
            for (label, (flows, both)) in classes {
                count(mine, label, |mine: &mut (u64, u64)| {
                    mine.0 += flows;
                    mine.1 += both;
                });
            }
        }
    }
}

fn alter(rule: &mut Rule, test: Test, direction: Direction) {
    let of_packets = rule.is_of_packets();
    for variant in &mut rule.variants {
        if !of_packets {
            variant.test = test;
        }
        if variant.direction != Direction::Reverse {
            variant.direction = direction;
        }
    }
}

fn count<V: Default>(classes: &mut BTreeMap<String, V>, label: &str, add: impl FnOnce(&mut V)) {
    if !classes.contains_key(label) {
        classes.insert(label.to_owned(), V::default());
    }
    if let Some(value) = classes.get_mut(label) {
        add(value);
    }
}

/// `a` of `b`; all of nothing.
fn share(a: u64, b: u64) -> f64 {
    if b == 0 { 1.0 } else { a as f64 / b as f64 }
}

impl fmt::Display for Setting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, {}", self.test, self.direction)?;
        if self.slack_ns > 0 {
            write!(f, ", ±{}", duration::show(self.slack_ns))?;
        }
        Ok(())
    }
}

impl fmt::Display for Stability {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const MOST: usize = 33;
        let lengths = self.classes.iter().map(|class| class.label.chars().count());
        let width = lengths.max().unwrap_or(0).clamp("class".len(), MOST) + 1;
        writeln!(
            f,
            "{:<width$}{:>9}{:>10}{:>10}{:>9}",
            "class", "flows", "least", "most", "Jaccard"
        )?;
        for class in &self.classes {
            let name: String = class.label.chars().take(MOST).collect();
            writeln!(
                f,
                "{name:<width$}{:>9}{:>10}{:>10}{:>9.3}{}",
                class.flows,
                class.least.0,
                class.most.0,
                class.jaccard,
                if class.unstable { "  unstable" } else { "" }
            )?;
            if class.unstable {
                writeln!(
                    f,
                    "    least with {}; most with {}",
                    class.least.1, class.most.1
                )?;
            }
        }
        if self.classes.iter().all(|class| class.most.0 == 0) {
            writeln!(
                f,
                "no rule matches a flow under any setting: `netcap label` tells what keeps them out"
            )?;
        } else if !self.classes.is_empty() {
            writeln!(
                f,
                "Jaccard: flows of the class in both, of those in either, the rules as they are\nor under a setting; the least of all settings. --format json has each setting"
            )?;
        }
        if self.packet_rules > 0 {
            let rules = text::count(self.packet_rules as u64, "rule");
            writeln!(
                f,
                "{rules} for packets not varied: only flows are labeled again"
            )?;
        }
        Ok(())
    }
}
