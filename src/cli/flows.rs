//! `netcap flows`.

use std::fs;
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use indicatif::HumanCount;
use netcap_proto::{
    FLOW, FLOW_CICFLOWMETER_2017, FLOW_CICFLOWMETER_ENGELEN, FLOW_NFSTREAM, FLOW_OUTER, Table,
};

use super::decode::CaptureArgs;
use super::progress::Bar;
use super::values::refuse_to_replace;
use super::{Common, Done, summary};
use crate::dataset::HashCache;
use crate::engine::{self, Options, Selection};
use crate::error::{Error, Result};
use crate::output::export::{Format, export_unhashed, write_to};
use crate::output::{Layout, Stage, TableWriter, read_table, table_files};
use crate::pipeline::Sources;

/// Write the flows of captures into one file
///
/// The kind of file follows from its name: .parquet, .csv, .arrow or .pb; - is
/// CSV on standard output.
///
/// Examples:
///   netcap flows capture.pcap -o flows.parquet
///   netcap flows monday/ -o - | head
///   netcap flows capture.pcap --policy nfstream -o flows.csv
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(super) struct Flows {
    #[command(flatten)]
    input: CaptureArgs,
    /// The rules by which packets become flows; the time-outs below change those of netcap only.
    #[arg(long, value_enum, default_value = "netcap")]
    policy: PolicyArg,
    /// The file; - is standard output.
    #[arg(short, long, value_name = "FILE")]
    out: PathBuf,
    /// Replace the file if it is there.
    #[arg(short, long)]
    force: bool,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum PolicyArg {
    /// Connections, whole; directions by evidence.
    Netcap,
    /// Those of NFStream.
    Nfstream,
    /// Those of CICFlowMeter as corrected by Engelen et al.
    CicflowmeterEngelen,
    /// Those of CICFlowMeter as published, with its defects.
    #[value(name = "cicflowmeter-2017")]
    Cicflowmeter2017,
    /// Those of netcap, for the packets around tunnels.
    Outer,
}

impl PolicyArg {
    fn table(self) -> &'static Table {
        match self {
            Self::Netcap => &FLOW,
            Self::Nfstream => &FLOW_NFSTREAM,
            Self::CicflowmeterEngelen => &FLOW_CICFLOWMETER_ENGELEN,
            Self::Cicflowmeter2017 => &FLOW_CICFLOWMETER_2017,
            Self::Outer => &FLOW_OUTER,
        }
    }
}

impl Flows {
    pub(super) fn run(self, common: &Common) -> Result<Done> {
        let target = Target::of(&self.out)?;
        if !matches!(target, Target::Output) {
            refuse_to_replace(&self.out, self.force)?;
        }
        // No manifest is written: hashes only tell files that are there twice.
        let cache = HashCache::open(self.input.rehash);
        let mut sources = self.input.sources(&cache)?;
        sources.hash_alike(&cache)?;
        let table = self.policy.table();
        let options = Options {
            hashed: false,
            ..self.input.options(Selection::only(table))
        };
        // Beside the file, so that it can be renamed; removed whatever happens.
        let beside = match &target {
            Target::Output => {
                std::env::temp_dir().join(format!("netcap-flows-{}", std::process::id()))
            }
            _ => {
                let name = self.out.file_name().unwrap_or_default().to_string_lossy();
                self.out.with_file_name(format!("{name}.netcap"))
            }
        };
        let stage = Stage::begin(&beside)?;
        let (flows, done) = decode(common, &sources, &options, table, stage.path())?;
        let folder = stage.path().join(table.name);
        let layout = Layout::plain(table);
        let batches = || {
            let table = folder
                .is_dir()
                .then(|| read_table(&folder, &layout))
                .transpose();
            table.map(|table| table.into_iter().flatten())
        };
        match target {
            Target::Output => {
                write_to(
                    batches()?,
                    &layout,
                    Format::Csv,
                    &mut std::io::stdout().lock(),
                )?;
            }
            Target::Export(format) => {
                let path = stage.path().join("flows");
                export_unhashed(batches()?, &layout, format, &path)?;
                rename(&path, &self.out)?;
            }
            Target::Parquet => {
                let parts = if folder.is_dir() {
                    table_files(&folder)?
                } else {
                    Vec::new()
                };
                if let [only] = &parts[..] {
                    rename(only, &self.out)?;
                } else {
                    let whole = stage.path().join("whole");
                    let mut writer = TableWriter::new(layout.clone()).unhashed().whole();
                    writer.begin_folder(&whole, "whole")?;
                    batches()?.try_for_each(|batch| writer.write(&batch?))?;
                    writer.finish_even_empty()?;
                    rename(&whole.join("part-00000.parquet"), &self.out)?;
                }
            }
        }
        common.say(&format!(
            "{} flows in {}",
            HumanCount(flows),
            self.out.display()
        ));
        Ok(done)
    }
}

fn decode(
    common: &Common,
    sources: &Sources,
    options: &Options,
    table: &Table,
    folder: &Path,
) -> Result<(u64, Done)> {
    let bar = Bar::new(common, sources.inputs.iter().filter_map(|i| i.bytes).sum());
    let made = engine::decode(&sources.sources, folder, options, &bar);
    bar.finish();
    let made = made?;
    let done = summary::findings(
        common,
        sources
            .findings
            .iter()
            .chain(&sources.twins())
            .chain(&made.findings),
        &[],
    );
    common.say(&summary::packets(&made.counts));
    Ok((made.tables.get(table.name).map_or(0, |t| t.rows), done))
}

fn rename(from: &Path, to: &Path) -> Result<()> {
    fs::rename(from, to).map_err(|e| Error::io(to, "write", e))
}

#[derive(Debug)]
enum Target {
    Output,
    Parquet,
    Export(Format),
}

impl Target {
    fn of(path: &Path) -> Result<Self> {
        if path.as_os_str() == "-" {
            return Ok(Self::Output);
        }
        match path
            .extension()
            .map(|e| e.to_string_lossy().to_lowercase())
            .as_deref()
        {
            Some("parquet") => Ok(Self::Parquet),
            Some("csv") => Ok(Self::Export(Format::Csv)),
            Some("arrow") => Ok(Self::Export(Format::Arrow)),
            Some("pb") => Ok(Self::Export(Format::Protobuf)),
            _ => Err(
                Error::new("the name does not tell what kind of file to write")
                    .in_file(path)
                    .help("end it with .parquet, .csv, .arrow or .pb"),
            ),
        }
    }
}
