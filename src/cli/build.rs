//! `netcap build`.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;
use indicatif::{HumanBytes, HumanCount, HumanDuration};

use super::progress::Bar;
use super::{Common, Done, make_damaged_again, print, summary, values, width};
use crate::dataset::{HashCache, Manifest, Output};
use crate::error::{Error, Result};
use crate::pipeline::{
    How, Made, Pipeline, Plan, Sources, TABLES_STAGE, build, check, check_locked, check_result,
    estimate, find_sources, missing, options, stages,
};

/// Build a dataset as a pipeline file says
///
/// Decodes, labels and exports, and writes a manifest from which anyone gets the
/// same bytes again. Stages whose inputs and options have not changed are not
/// made again.
///
/// Examples:
///   netcap build pipelines/quickstart.yaml
///   netcap build pipeline.yaml --dry-run
///   netcap build pipeline.yaml --head 1M --out first-look
///   netcap build pipeline.yaml --set flow.idle-timeout=60s
///   netcap build pipeline.yaml --locked manifest.json
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(super) struct Build {
    /// The pipeline file.
    #[arg(value_name = "PIPELINE.yaml")]
    pipeline: PathBuf,
    /// Folder of the output, in place of the one that the file names.
    #[arg(short, long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Make all stages, also those that are there.
    #[arg(short, long)]
    force: bool,
    /// Only tell what would be done, with an estimate of packets, time and disk.
    #[arg(long)]
    dry_run: bool,
    /// Set a key of the file: flow.idle-timeout=60s. May be repeated.
    #[arg(long, value_name = "KEY=VALUE")]
    set: Vec<String>,
    /// Only the first packets of each stream, for a first look: 1000, 64k, 1M.
    #[arg(long, value_name = "N", value_parser = values::count)]
    head: Option<u64>,
    /// Refuse other inputs, options or another version of netcap than this manifest tells of.
    #[arg(long, value_name = "MANIFEST")]
    locked: Option<PathBuf>,
    /// Fail if labels are probably wrong: rule-empty, range-disjoint, conflict,
    /// offset-hint, unless the pipeline accepts it.
    #[arg(long)]
    strict: bool,
    /// Threads to use [default: all processors]. They change nothing but the time.
    #[arg(long, value_name = "N")]
    threads: Option<usize>,
    /// Hash inputs anew, even if they seem not to have changed.
    #[arg(long)]
    rehash: bool,
}

impl Build {
    pub(super) fn run(self, common: &Common) -> Result<Done> {
        let mut plan = self.plan()?;
        let out = self
            .out
            .clone()
            .or_else(|| plan.output.clone())
            .ok_or_else(|| {
                Error::new("the pipeline names no output")
                    .in_file(&self.pipeline)
                    .help("add `output: FOLDER`, or give --out")
            })?;
        plan.head = self.head.or(plan.head);
        check(&plan)?;
        let cache = Arc::new(HashCache::open(self.rehash));
        let mut sources = find_sources(&plan.streams, &cache)?;
        let locked = self.locked.as_ref().map(|path| locked(path)).transpose()?;
        if let (Some(locked), Some(path)) = (&locked, &self.locked) {
            sources.hash(&cache)?;
            check_locked(locked, path, &plan, &sources)?;
        }
        let threads = values::threads(self.threads);
        if self.dry_run {
            print(&dry_run(&plan, &sources, &out, threads)?)?;
            return Ok(Done::Well);
        }
        let mut output = Output::open(&out, &cache)?;
        make_damaged_again(common, &mut output, |_| true)?;
        let bar = Bar::new(common, sources.inputs.iter().filter_map(|i| i.bytes).sum());
        let how = How {
            force: self.force,
            threads,
        };
        let names = stages(&plan)
            .iter()
            .map(String::len)
            .max()
            .unwrap_or(0)
            .max(24);
        let result = build(&mut output, &plan, &mut sources, how, &bar, |run| {
            bar.finish();
            let what = match run.made {
                Made::Now => format!("{:.1} s", run.seconds),
                Made::Before => "unchanged".to_owned(),
            };
            common.say(&format!("{:<width$} {what}", run.stage, width = names));
            if let Some(report) = &run.report {
                common.say(&report.summary(width()));
            }
        });
        bar.finish();
        let gone = result?;
        if !gone.is_empty() {
            common.say(&format!(
                "removed, as the pipeline does not have them: {}",
                gone.join(", ")
            ));
        }
        let manifest = output.manifest();
        if let (Some(locked), Some(path)) = (&locked, &self.locked) {
            check_result(locked, path, manifest)?;
        }
        let done = summary::findings(common, manifest.findings(), &plan.accept);
        summary::unused(common, manifest.findings(), &plan.accept);
        summary::strictly(self.strict, manifest.findings(), &plan.accept)?;
        common.say(&summary::packets(&manifest.counts));
        common.say(&summary::tables(manifest, TABLES_STAGE));
        common.say(&format!("in {}", out.display()));
        Ok(done)
    }

    fn plan(&self) -> Result<Plan> {
        let pipeline = Pipeline::read(&self.pipeline, &self.set)?;
        let folder = self.pipeline.parent().unwrap_or_else(|| Path::new(""));
        pipeline.plan(folder).map_err(|e| e.in_file(&self.pipeline))
    }
}

/// A manifest by its own name, or that of the output folder that it is in.
fn locked(path: &Path) -> Result<Manifest> {
    if path.is_dir() {
        return Manifest::read(path);
    }
    Manifest::load(path)?.ok_or_else(|| {
        Error::new("there is no such file")
            .in_file(path)
            .help("name a manifest.json")
    })
}

fn dry_run(plan: &Plan, sources: &Sources, out: &Path, threads: usize) -> Result<String> {
    use std::fmt::Write as _;
    let mut text = String::new();
    // Writing to a String cannot fail.
    let _ = writeln!(text, "output     {}", out.display());
    for source in &sources.sources {
        let name = source.stream.name.as_deref().unwrap_or("(the only one)");
        let bytes: u64 = source.files.iter().filter_map(|f| f.bytes).sum();
        let _ = writeln!(
            text,
            "stream     {name}: {} files, {}",
            source.files.len(),
            HumanBytes(bytes)
        );
    }
    for name in missing(&plan.expect, sources) {
        let _ = writeln!(text, "missing    {name}");
    }
    let _ = writeln!(text, "tables     {}", plan.tables.names().join(", "));
    for stage in stages(plan) {
        let _ = writeln!(text, "stage      {stage}");
    }
    match estimate(sources, &options(plan, threads))? {
        Some(e) => {
            let about = if e.exact { "" } else { "about " };
            let _ = writeln!(
                text,
                "estimate   {about}{} packets, {about}{} to decode, {about}{} of tables",
                HumanCount(e.packets),
                HumanDuration(e.time),
                HumanBytes(e.disk)
            );
        }
        None => text.push_str("estimate   none: standard input is not known before it is read\n"),
    }
    Ok(text)
}
