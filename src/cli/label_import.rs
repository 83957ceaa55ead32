//! `netcap label import`.

use std::path::PathBuf;

use clap::Args;
use jiff::tz::TimeZone;

use super::values::Report;
use super::{Common, Done};
use crate::error::{Error, Result};
use crate::label::{ImportOptions, import};
use crate::output::write_atomically;
use crate::pipeline::check_truth;

/// Make a label file of ground truth in other formats
///
/// Each line becomes a rule, whose name tells the file and line that it comes from.
/// The format is told from the content: CIC-IDS2017, CSE-CIC-IDS2018, CIC-DDoS2019,
/// their improved versions, UNSW-NB15, CTU-13, Bot-IoT, CIDDS, UWF-ZeekData, labeled
/// connections and notices of Zeek, alerts of Suricata. For others, write a mapping
/// file like those in labels/formats.
///
/// Examples:
///   netcap label import NUSW-NB15_GT.csv --out unsw.labels.csv
///   netcap label import capture20110810.binetflow --zone Europe/Prague --out ctu.labels.csv
///   netcap label import mine.csv --format mine.yaml --out mine.labels.csv
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(super) struct LabelImport {
    /// Files of others.
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Their format: a name, or the path of a mapping file [default: by content].
    #[arg(long, value_name = "NAME")]
    format: Option<String>,
    /// Zone of times that have none: an IANA name or an offset.
    #[arg(long, value_name = "ZONE", allow_hyphen_values = true)]
    zone: Option<String>,
    /// Make rules also of lines that say that a flow is no attack.
    #[arg(long)]
    with_benign: bool,
    /// The label file.
    #[arg(short, long, value_name = "FILE.csv")]
    out: PathBuf,
    /// How to print what became of the lines.
    #[arg(long, value_enum, default_value = "text")]
    report: Report,
}

impl LabelImport {
    pub(super) fn run(self, common: &Common) -> Result<Done> {
        let options = ImportOptions {
            zone: self.zone.as_deref().map(zone).transpose()?,
            with_benign: self.with_benign,
        };
        let (text, done) = import(&self.files, self.format.as_deref(), &options)?;
        write_atomically(&self.out, text.as_bytes())?;
        // What was written can be read.
        if done.rules > 0 {
            check_truth(std::slice::from_ref(&self.out))?;
        }
        self.report.print(&done)?;
        common.say(&format!("in {}", self.out.display()));
        Ok(if done.rules == 0 || done.unreadable() > 0 {
            Done::WithWarnings
        } else {
            Done::Well
        })
    }
}

fn zone(text: &str) -> Result<TimeZone> {
    let named = TimeZone::get(text).ok();
    let fixed = || {
        let time = jiff::fmt::strtime::parse("%:z", text).ok()?;
        time.offset().map(TimeZone::fixed)
    };
    named.or_else(fixed).ok_or_else(|| {
        Error::new(format!("\"{text}\" is no time zone"))
            .help("write an IANA name such as Europe/Prague, or an offset such as +02:00")
    })
}
