//! `netcap label import`.

use std::path::PathBuf;

use clap::Args;

use super::values::{Report, refuse_to_replace};
use super::{Common, Done};
use crate::error::{Error, Result};
use crate::label::{ImportOptions, flow_columns, import, parse, parse_zone};
use crate::output::write_atomically;
use crate::pipeline::packet_comments;

/// Make a label file of ground truth in other formats
///
/// Each line becomes a rule, whose name tells the file and line that it comes from.
/// The format is told from the content: CIC-IDS2017, CSE-CIC-IDS2018, CIC-DDoS2019,
/// their improved versions, UNSW-NB15, CTU-13, Bot-IoT, CIDDS, UWF-ZeekData, labeled
/// connections and notices of Zeek, alerts of Suricata, Kitsune, MAWILab, attack lists
/// of the Go Netcap, label files and captures of pcapML; with --format also kitsune-mirai and lemay.
/// For others, write a mapping file like those in labels/formats.
///
/// Examples:
///   netcap label import NUSW-NB15_GT.csv --out unsw.labels.csv
///   netcap label import capture20110810.binetflow --zone Europe/Prague --out ctu.labels.csv
///   netcap label import eve.json --by-packet --capture lab.pcap --out lab.labels.csv
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
    /// The capture that the lines are about, by its name.
    #[arg(long, value_name = "CAPTURE")]
    capture: Option<String>,
    /// Make rules of packets by number, of alerts that have it (pcap_cnt of Suricata).
    #[arg(long)]
    by_packet: bool,
    /// The label file.
    #[arg(short, long, value_name = "FILE.csv")]
    out: PathBuf,
    /// Replace the label file.
    #[arg(short, long)]
    force: bool,
    /// How to print what became of the lines.
    #[arg(long, value_enum, default_value = "text")]
    report: Report,
}

impl LabelImport {
    pub(super) fn run(self, common: &Common) -> Result<Done> {
        refuse_to_replace(&self.out, self.force)?;
        let extension = self.out.extension().and_then(|e| e.to_str());
        if extension.is_some_and(|e| matches!(e, "yaml" | "yml" | "json")) {
            return Err(Error::new("what is imported becomes a label file in CSV")
                .in_file(&self.out)
                .help("name it .csv"));
        }
        let options = ImportOptions {
            zone: self.zone.as_deref().map(parse_zone).transpose()?,
            with_benign: self.with_benign,
            capture: self.capture,
            by_packet: self.by_packet,
        };
        let (text, done) = import(
            &self.files,
            self.format.as_deref(),
            &options,
            packet_comments,
        )?;
        // What is written can be read.
        parse(&text, &self.out, &flow_columns())?;
        write_atomically(&self.out, text.as_bytes())?;
        self.report.print(&done)?;
        common.say(&format!("in {}", self.out.display()));
        Ok(if done.rules == 0 || done.unreadable() > 0 {
            Done::WithWarnings
        } else {
            Done::Well
        })
    }
}
