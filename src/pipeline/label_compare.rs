//! Two label sets of one output compared, flow by flow.

use std::collections::BTreeMap;
use std::fmt;

use arrow::array::{Array, AsArray, RecordBatch, StringArray};
use arrow::datatypes::Int64Type;
use netcap_proto::{FLOW_LABEL, Table};
use serde::Serialize;

use super::label_sets::label_stages;
use crate::dataset::Contents;
use crate::error::{Error, Result};
use crate::output::Layout;
use crate::text::count;

/// Flows that are shown of each pair of labels.
const EXAMPLES: usize = 3;

/// What a set says of a flow: `DoS Hulk`, `benign`, `DoS Hulk (attempted)`, `(unknown)`.
type Said = String;

/// What a comparison found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LabelComparison {
    /// The two sets.
    pub sets: [String; 2],
    /// Flows.
    pub flows: u64,
    /// Flows of which both say the same.
    pub same: u64,
    /// What the first and the second say, and of how many flows.
    pub pairs: Vec<LabelPair>,
}

/// Flows of which the sets say the same two things.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LabelPair {
    /// What each of them says.
    pub said: [Said; 2],
    /// Of how many flows.
    pub flows: u64,
    /// The rules that decided, and how often.
    pub rules: Vec<([Option<String>; 2], u64)>,
    /// Some of the flows.
    pub examples: Vec<i64>,
}

#[derive(Default)]
struct Cell {
    flows: u64,
    rules: BTreeMap<[Option<String>; 2], u64>,
    examples: Vec<i64>,
}

/// Compares two label sets of the flows of a table.
pub fn compare_labels(
    contents: &Contents,
    table: &Table,
    sets: [&str; 2],
) -> Result<LabelComparison> {
    let [first, second] = sets;
    let first = Rows::open(contents, table, first)?;
    let mut second = Rows::open(contents, table, second)?;
    let mut cells: BTreeMap<[Said; 2], Cell> = BTreeMap::new();
    let (mut flows, mut same) = (0, 0);
    for row in first {
        let (a, b) = (row?, second.next().transpose()?);
        // Both were written in the order of the flow table.
        let b = b.filter(|b| b.flow == a.flow).ok_or_else(|| {
            Error::new("the two label sets are not of the same flows")
                .in_file(contents.path())
                .help("run `netcap label --force` for both")
        })?;
        flows += 1;
        same += u64::from(a.said == b.said);
        let cell = cells.entry([a.said, b.said]).or_default();
        cell.flows += 1;
        *cell.rules.entry([a.rule, b.rule]).or_default() += 1;
        if cell.examples.len() < EXAMPLES {
            cell.examples.push(a.flow);
        }
    }
    let mut pairs: Vec<LabelPair> = cells
        .into_iter()
        .map(|(said, cell)| {
            let mut rules: Vec<_> = cell.rules.into_iter().collect();
            rules.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
            LabelPair {
                said,
                flows: cell.flows,
                rules,
                examples: cell.examples,
            }
        })
        .collect();
    // What they disagree on first, the most flows first.
    pairs.sort_by_key(|pair| {
        let [a, b] = &pair.said;
        (a == b, std::cmp::Reverse(pair.flows))
    });
    Ok(LabelComparison {
        sets: sets.map(str::to_owned),
        flows,
        same,
        pairs,
    })
}

/// What a set says of one flow.
struct Row {
    flow: i64,
    said: Said,
    rule: Option<String>,
}

/// The rows of a label set, one after another.
struct Rows {
    batches: Box<dyn Iterator<Item = Result<RecordBatch>>>,
    batch: Option<RecordBatch>,
    at: usize,
}

impl Rows {
    fn open(contents: &Contents, table: &Table, set: &str) -> Result<Self> {
        let [stage, _] = label_stages(set);
        let facts = contents.stage(&stage);
        if facts.is_none_or(|stage| !stage.tables.contains_key(table.name)) {
            let stages = contents.manifest().stages.keys();
            let known: Vec<&str> = stages.filter_map(|s| s.strip_prefix("labels/")).collect();
            return Err(Error::new(format!(
                "there is no label set {set} of the table {}",
                table.name
            ))
            .in_file(contents.path())
            .help(if known.is_empty() {
                "run `netcap label` first".to_owned()
            } else if known.contains(&set) {
                format!("decode with `--tables +{}`, and label again", table.name)
            } else {
                format!("there are {}", known.join(", "))
            }));
        }
        let batches = contents.rows(&stage, table.name, &Layout::plain(&FLOW_LABEL))?;
        Ok(Self {
            batches: Box::new(batches),
            batch: None,
            at: 0,
        })
    }

    fn row(&self, batch: &RecordBatch) -> Result<Row> {
        let missing = || Error::new("a label set has other columns than expected");
        let flow = batch.column_by_name("flow");
        let flow = flow.and_then(|c| c.as_primitive_opt::<Int64Type>());
        let column = |name: &str| -> Result<&StringArray> {
            let column = batch.column_by_name(name);
            column
                .and_then(|c| c.as_string_opt::<i32>())
                .ok_or_else(missing)
        };
        let text = |name: &str| -> Result<Option<String>> {
            let column = column(name)?;
            Ok(column
                .is_valid(self.at)
                .then(|| column.value(self.at).to_owned()))
        };
        let state = text("label_state")?.unwrap_or_default();
        let said = match (text("label")?, text("attack")?) {
            (Some(label), _) => label,
            (None, Some(attack)) => format!("{attack} ({state})"),
            (None, None) => format!("({state})"),
        };
        Ok(Row {
            flow: flow.ok_or_else(missing)?.value(self.at),
            said,
            rule: text("label_rule")?,
        })
    }
}

impl Iterator for Rows {
    type Item = Result<Row>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(batch) = self
                .batch
                .clone()
                .filter(|batch| self.at < batch.num_rows())
            {
                let row = self.row(&batch);
                self.at += 1;
                return Some(row);
            }
            match self.batches.next()? {
                Ok(batch) => {
                    self.batch = Some(batch);
                    self.at = 0;
                }
                Err(error) => return Some(Err(error)),
            }
        }
    }
}

impl fmt::Display for LabelComparison {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [first, second] = &self.sets;
        writeln!(
            f,
            "{}, of {} of which {first} and {second} say the same\n",
            count(self.flows, "flow"),
            self.same
        )?;
        let widest = |side: usize, name: &str| {
            let said = self.pairs.iter().filter_map(|pair| pair.said.get(side));
            let lengths = said.map(|said| said.chars().count());
            lengths.max().unwrap_or(0).max(name.chars().count())
        };
        let (one, two) = (widest(0, first), widest(1, second));
        writeln!(f, "{first:<one$} {second:<two$} {:>9}", "flows")?;
        for pair in &self.pairs {
            let [a, b] = &pair.said;
            let line = format!("{a:<one$} {b:<two$} {:>9}", pair.flows);
            writeln!(f, "{line}{}", if a == b { "" } else { "  differ" })?;
            if a == b {
                continue;
            }
            let name = |rule: &Option<String>| rule.clone().unwrap_or_else(|| "no rule".to_owned());
            for ([a, b], flows) in pair.rules.iter().take(EXAMPLES) {
                writeln!(f, "    {flows} by {} and {}", name(a), name(b))?;
            }
            let examples: Vec<String> = pair.examples.iter().map(i64::to_string).collect();
            writeln!(f, "    as flow {}", examples.join(", "))?;
        }
        Ok(())
    }
}
