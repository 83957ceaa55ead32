//! `netcap label`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::label_check::LabelCheck;
use super::label_compare::LabelCompare;
use super::label_explain::LabelExplain;
use super::label_import::LabelImport;
use super::label_record::LabelRecord;
use super::values::Report;
use super::{Common, Done, make_damaged_again, summary, width};
use crate::dataset::{Contents, Output};
use crate::error::{Error, Result};
use crate::pipeline::{
    LabelRequest, LabelSetMade, Made, flow_table, label_stages, make_labels, sensitivity,
    tables_to_materialize,
};

/// Join ground truth with decoded flows
///
/// Writes a label set beside the tables, the flow table with its label columns,
/// and a report that tells for each rule what it did. The tables themselves do
/// not change, and an output can have several label sets.
///
/// Examples:
///   netcap label --labels attacks.yaml --input data
///   netcap label --labels attacks.yaml --input data --materialize dns,tcp
///   netcap label check attacks.yaml
///   netcap label --labels attacks.yaml --input data --sensitivity
///   netcap label compare corrected published --input data
///   netcap label explain --labels attacks.yaml --input data --flow 1842
///   netcap label import conn.log.labeled --out attacks.csv
///   netcap label record --labels attacks.yaml --rule scan --victim 10.0.1.5 -- nmap 10.0.1.5
#[derive(Debug, Args)]
#[command(verbatim_doc_comment, args_conflicts_with_subcommands = true)]
#[command(subcommand_negates_reqs = true)]
pub(super) struct Label {
    #[command(subcommand)]
    command: Option<Command>,
    /// Ground truth: YAML or CSV.
    #[arg(short, long, required = true, num_args = 1.., value_name = "FILE")]
    labels: Vec<PathBuf>,
    /// Output of netcap decode.
    #[arg(short, long, required = true, value_name = "DIR")]
    input: Option<PathBuf>,
    /// Name of the label set [default: that of the first file].
    #[arg(long, value_name = "NAME")]
    set: Option<String>,
    /// Write these tables with label columns too (a,b or all).
    #[arg(long, value_name = "TABLES")]
    materialize: Option<String>,
    /// Flows that claims and report are of [default: netcap]. All flows are labeled.
    #[arg(long, value_name = "NAME")]
    policy: Option<String>,
    /// Fail if the labels are probably wrong: rule-empty, range-disjoint,
    /// conflict, offset-hint.
    #[arg(long)]
    strict: bool,
    /// Write nothing; tell how many flows of each class there would be under other
    /// time tests, with longer windows, and with flows that attackers opened only
    /// (rules with direction: reverse stay so).
    #[arg(long, conflicts_with_all = ["set", "materialize", "force"])]
    sensitivity: bool,
    /// How --sensitivity prints.
    #[arg(long, value_enum, default_value = "text", requires = "sensitivity")]
    format: Report,
    /// Label again, even if the set is there.
    #[arg(short, long)]
    force: bool,
}

#[derive(Debug, Subcommand)]
enum Command {
    Check(LabelCheck),
    Explain(LabelExplain),
    Compare(LabelCompare),
    Import(LabelImport),
    Record(LabelRecord),
}

impl Label {
    /// It records what another program does.
    pub(super) fn records(&self) -> bool {
        matches!(self.command, Some(Command::Record(_)))
    }

    pub(super) fn run(self, common: &Common) -> Result<Done> {
        match self.command {
            Some(Command::Check(check)) => return check.run(common),
            Some(Command::Explain(explain)) => return explain.run(),
            Some(Command::Compare(compare)) => return compare.run(),
            Some(Command::Import(import)) => return import.run(common),
            Some(Command::Record(record)) => return record.run(common),
            None => {}
        }
        let Some(input) = &self.input else {
            return Err(Error::new("there is no output").help("name one with --input"));
        };
        if !input.is_dir() {
            return Err(Error::new("there is no such folder")
                .in_file(input)
                .help("name the folder that `netcap decode --out` made"));
        }
        // For its message: what is no output cannot be labeled.
        let contents = Contents::read(input)?;
        if self.sensitivity {
            let found = sensitivity(&contents, &self.labels)?;
            self.format.print(&found)?;
            return Ok(Done::Well);
        }
        let request = LabelRequest {
            set: self.set.clone().unwrap_or_else(|| set_name(&self.labels)),
            files: self.labels.clone(),
            materialize: match &self.materialize {
                Some(names) => {
                    tables_to_materialize(&names.split(',').map(str::to_owned).collect::<Vec<_>>())?
                }
                None => Vec::new(),
            },
            policy: self.policy.as_deref().map(flow_table).transpose()?,
        };
        let mut output = Output::open(input, contents.cache())?;
        let [labels, labeled] = label_stages(&request.set);
        make_damaged_again(common, &mut output, |stage| {
            stage == labels || stage == labeled
        })?;
        let LabelSetMade {
            made,
            report,
            replaced,
            removed,
        } = make_labels(&mut output, &request, self.force)?;
        output.finish()?;
        if let Some(files) = replaced {
            common.say(&format!(
                "the set {}, which was made of {} as it was then, is replaced (--set NAME keeps both)",
                request.set,
                files.join(", ")
            ));
        }
        if !removed.is_empty() {
            common.say(&format!(
                "removed, as they had the labels of that set: {}",
                removed.join(", ")
            ));
        }
        if let Some(report) = &report {
            common.say(&report.summary(width()));
        }
        let folder = input.display();
        common.say(&match made {
            Made::Now => format!("in {folder}/{labels} and {folder}/{labeled}"),
            Made::Before => format!(
                "in {folder}/{labels}: nothing has changed, nothing was done (--force labels again)"
            ),
        });
        let findings = output
            .manifest()
            .stages
            .get(&labels)
            .map(|s| s.findings.as_slice());
        // The summary has told the ones that matter most.
        let quiet = Common {
            quiet: (report.is_some() && !common.verbose) || common.quiet,
            ..common.clone()
        };
        let findings = findings.unwrap_or_default();
        let done = summary::findings(&quiet, findings, &[]);
        summary::strictly(self.strict, findings, &[])?;
        Ok(done)
    }
}

/// `quickstart` for `dir/quickstart.labels.yaml`.
fn set_name(files: &[PathBuf]) -> String {
    let name = files
        .first()
        .and_then(|f| f.file_name())
        .unwrap_or_default()
        .to_string_lossy();
    let stem = name.split('.').next().unwrap_or_default();
    if stem.is_empty() {
        "labels".to_owned()
    } else {
        stem.to_owned()
    }
}
