//! Labels of flows carried to the rows of other tables, by their `flow`.

use std::collections::HashMap;

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::{Int32Type, Int64Type};
use foldhash::fast::FixedState;
use netcap_proto::{Finish, FlowLabelColumns, FlowLabelRow, LabelRow, Symbols, TableColumns};

use super::verdict::State;
use crate::error::{Error, Result};

/// The label columns of one or many flows: most flows share theirs with others.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Labels {
    /// label, attack, state, rule, episode.
    texts: [Option<String>; 5],
    category: Option<i32>,
}

/// The labels of all flows of a label set.
#[derive(Debug)]
pub struct FlowLabels {
    distinct: Vec<Labels>,
    numbers: HashMap<Labels, usize, FixedState>,
    by_flow: HashMap<i64, usize, FixedState>,
}

impl Default for FlowLabels {
    fn default() -> Self {
        let seed = FixedState::with_seed(0x6c61_6265_6c73);
        Self {
            distinct: Vec::new(),
            numbers: HashMap::with_hasher(seed.clone()),
            by_flow: HashMap::with_hasher(seed),
        }
    }
}

/// Names of the columns behind [`Labels::texts`].
const TEXTS: [&str; 5] = [
    "label",
    "attack",
    "label_state",
    "label_rule",
    "label_episode",
];

impl FlowLabels {
    /// Adds a batch of the table `flow_label`.
    pub fn add(&mut self, batch: &RecordBatch) -> Result<()> {
        let missing = || Error::new("the labels of the flows have other columns than expected");
        let flow = batch
            .column_by_name("flow")
            .and_then(|c| c.as_primitive_opt::<Int64Type>());
        let category = batch
            .column_by_name("label_category")
            .and_then(|c| c.as_primitive_opt::<Int32Type>());
        let texts: Vec<_> = TEXTS
            .iter()
            .filter_map(|name| batch.column_by_name(name)?.as_string_opt::<i32>())
            .collect();
        let (Some(flow), Some(category), 5) = (flow, category, texts.len()) else {
            return Err(missing());
        };
        for row in 0..batch.num_rows() {
            let mut labels = Labels {
                texts: [const { None }; 5],
                category: None,
            };
            for (text, array) in labels.texts.iter_mut().zip(&texts) {
                *text = (!array.is_null(row)).then(|| array.value(row).to_owned());
            }
            labels.category = (!category.is_null(row)).then(|| category.value(row));
            let number = match self.numbers.get(&labels) {
                Some(number) => *number,
                None => {
                    let number = self.distinct.len();
                    self.distinct.push(labels.clone());
                    self.numbers.insert(labels, number);
                    number
                }
            };
            self.by_flow.insert(flow.value(row), number);
        }
        Ok(())
    }

    /// The label columns for the rows of a batch with a column `flow`, as a batch of the table
    /// `flow_label`. Rows without a flow are unknown.
    pub fn of(&self, batch: &RecordBatch) -> Result<RecordBatch> {
        let flow = batch
            .column_by_name("flow")
            .and_then(|c| c.as_primitive_opt::<Int64Type>());
        let flow =
            flow.ok_or_else(|| Error::new("this table has no column `flow` to label it by"))?;
        let mut columns = FlowLabelColumns::default();
        let mut symbols = Symbols::default();
        for flow in flow {
            let labels = flow
                .and_then(|f| self.by_flow.get(&f))
                .and_then(|n| self.distinct.get(*n));
            let text = |i: usize| labels.and_then(|l| l.texts.get(i)?.as_deref());
            let state = text(2).unwrap_or(State::Unknown.as_str());
            let row = LabelRow {
                label: text(0).map(|t| symbols.text(t)),
                attack: text(1).map(|t| symbols.text(t)),
                label_state: symbols.text(state),
                label_category: labels.and_then(|l| l.category),
                label_rule: text(3).map(|t| symbols.text(t)),
                label_episode: text(4).map(|t| symbols.text(t)),
            };
            columns.push(&FlowLabelRow {
                flow: flow.unwrap_or(-1),
                label: row,
            });
        }
        let symbols = symbols.finish();
        let cx = Finish::without_packets(&symbols);
        Ok(columns.finish_batch(&cx)?)
    }
}
