//! Labels of flows carried to the rows of other tables, by their `flow`; those that packets have of their own, by
//! capture and packet.

use std::collections::HashMap;

use arrow::array::{Array, Int32Array, Int64Array, RecordBatch, StringArray};
use foldhash::fast::FixedState;
use netcap_proto::{Finish, FlowLabelColumns, FlowLabelRow, LabelRow, Symbols, TableColumns};

use super::verdict::State;
use crate::batch::{int32, int64, text};
use crate::error::{Error, Result};

/// The label columns of one or many flows: most flows share theirs with others.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Labels {
    /// label, attack, state, rule, episode.
    texts: [Option<String>; 5],
    category: Option<i32>,
    malicious_packets: Option<i64>,
}

/// The labels of all flows of a label set.
#[derive(Debug)]
pub struct FlowLabels {
    distinct: Vec<Labels>,
    numbers: HashMap<Labels, usize, FixedState>,
    by_flow: HashMap<i64, usize, FixedState>,
    /// Those that have their own, by capture and packet.
    by_packet: HashMap<(i32, i64), usize, FixedState>,
}

impl Default for FlowLabels {
    fn default() -> Self {
        let seed = FixedState::with_seed(0x6c61_6265_6c73);
        Self {
            distinct: Vec::new(),
            numbers: HashMap::with_hasher(seed.clone()),
            by_flow: HashMap::with_hasher(seed.clone()),
            by_packet: HashMap::with_hasher(seed),
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
        let flows = int64(batch, "flow")?;
        let columns = LabelArrays::new(batch)?;
        for (row, flow) in flows.values().iter().enumerate() {
            let number = self.number(columns.at(row));
            self.by_flow.insert(*flow, number);
        }
        Ok(())
    }

    /// Adds a batch of the table `packet_label`.
    pub fn add_packets(&mut self, batch: &RecordBatch) -> Result<()> {
        let (captures, packets) = (int32(batch, "capture")?, int64(batch, "packet")?);
        let columns = LabelArrays::new(batch)?;
        for row in 0..batch.num_rows() {
            let number = self.number(columns.at(row));
            let key = (captures.value(row), packets.value(row));
            self.by_packet.insert(key, number);
        }
        Ok(())
    }

    fn number(&mut self, labels: Labels) -> usize {
        if let Some(number) = self.numbers.get(&labels) {
            return *number;
        }
        let number = self.distinct.len();
        self.distinct.push(labels.clone());
        self.numbers.insert(labels, number);
        number
    }

    /// The label columns for the rows of a batch with a column `flow`, as a batch of the table
    /// `flow_label`: a packet has its own labels, if there are any, else those of its flow. Other rows without a
    /// flow are unknown.
    pub fn of(&self, batch: &RecordBatch) -> Result<RecordBatch> {
        let flows = int64(batch, "flow")?;
        // Flows, too, have a packet: their first.
        let of_packets = batch.column_by_name("layer").is_some() && !self.by_packet.is_empty();
        let packets = of_packets
            .then(|| Ok::<_, Error>((int32(batch, "capture")?, int64(batch, "packet")?)))
            .transpose()?;
        let mut columns = FlowLabelColumns::default();
        let mut symbols = Symbols::default();
        for (row, flow) in flows.iter().enumerate() {
            let own = packets.and_then(|(captures, packets)| {
                self.by_packet
                    .get(&(captures.value(row), packets.value(row)))
            });
            let labels = own
                .or_else(|| self.by_flow.get(&flow?))
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
                malicious_packets: labels.and_then(|l| l.malicious_packets),
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

/// The label columns of a batch.
struct LabelArrays<'a> {
    texts: [&'a StringArray; 5],
    category: &'a Int32Array,
    malicious_packets: &'a Int64Array,
}

impl<'a> LabelArrays<'a> {
    fn new(batch: &'a RecordBatch) -> Result<Self> {
        let [label, attack, state, rule, episode] = TEXTS.map(|name| text(batch, name));
        Ok(Self {
            texts: [label?, attack?, state?, rule?, episode?],
            category: int32(batch, "label_category")?,
            malicious_packets: int64(batch, "malicious_packets")?,
        })
    }

    fn at(&self, row: usize) -> Labels {
        let (category, packets) = (self.category, self.malicious_packets);
        Labels {
            texts: self
                .texts
                .map(|array| array.is_valid(row).then(|| array.value(row).to_owned())),
            category: category.is_valid(row).then(|| category.value(row)),
            malicious_packets: packets.is_valid(row).then(|| packets.value(row)),
        }
    }
}
