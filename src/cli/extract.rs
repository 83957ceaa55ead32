//! `netcap extract`.

use std::collections::BTreeSet;
use std::path::PathBuf;

use clap::Args;

use super::progress::Bar;
use super::values::refuse_to_replace;
use super::{Common, Done};
use crate::error::Result;
use crate::pipeline::{Extracted, Flows, extract};
use crate::text::count;

/// The packets of flows, out of the original captures
///
/// Writes exactly the packets of some flows into a pcapng file. Each has a
/// comment with its flow and its number in the capture and, with --labels, what
/// ground truth claims of the flow: rule, file and line. It works as well if only
/// flows were kept; the captures are then decoded once more.
///
/// Examples:
///   netcap extract lab.pcap --input data --flow 1842 --out one.pcapng
///   netcap extract captures/ --input data --labels lab --out brute.pcapng \
///     --where "label_rule = 'ssh-brute' AND fwd_packets > 20"
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(super) struct Extract {
    /// The captures that the output was made of, or their folder.
    #[arg(required = true, value_name = "CAPTURE")]
    captures: Vec<PathBuf>,
    /// Output of netcap decode.
    #[arg(short, long, value_name = "DIR")]
    input: PathBuf,
    /// Numbers of flows (a,b).
    #[arg(
        long,
        value_name = "ID",
        value_delimiter = ',',
        required_unless_present = "condition"
    )]
    flow: Vec<i64>,
    /// A condition in SQL over the flow table, with its labels if --labels is given.
    #[arg(
        long = "where",
        id = "condition",
        value_name = "SQL",
        conflicts_with = "flow"
    )]
    condition: Option<String>,
    /// The label set whose claims are told.
    #[arg(long, value_name = "SET")]
    labels: Option<String>,
    /// The file; one that is there is replaced only with --force.
    #[arg(short, long, value_name = "FILE.pcapng")]
    out: PathBuf,
    /// Replace the file.
    #[arg(short, long)]
    force: bool,
}

impl Extract {
    pub(super) fn run(self, common: &Common) -> Result<Done> {
        refuse_to_replace(&self.out, self.force)?;
        let flows = match self.condition {
            Some(condition) => Flows::Where(condition),
            None => Flows::Numbers(self.flow.into_iter().collect::<BTreeSet<i64>>()),
        };
        let bar = Bar::new(common, 0);
        let set = self.labels.as_deref();
        let made = extract(&self.input, &self.captures, &flows, set, &self.out, &bar);
        bar.finish();
        let Extracted {
            flows,
            packets,
            without,
        } = made?;
        common.say(&format!(
            "{} of {} in {}",
            count(packets, "packet"),
            count(flows, "flow"),
            self.out.display()
        ));
        let Some(first) = without.first() else {
            return Ok(Done::Well);
        };
        common.say(&format!(
            "{} without packets, {first} first: is it the number of a flow of this output?",
            count(without.len() as u64, "flow")
        ));
        Ok(Done::WithWarnings)
    }
}
