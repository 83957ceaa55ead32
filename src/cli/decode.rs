//! `netcap decode`.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use clap::{Args, ValueEnum};

use super::progress::Bar;
use super::{Common, Done, make_damaged_again, summary, values};
use crate::capture::{Arrangement, Overlap};
use crate::dataset::{HashCache, Output};
use crate::engine::{self, Options, Selection};
use crate::error::Result;
use crate::flow::Policy;
use crate::pipeline::{Made, Sources, StreamRequest, TABLES_STAGE, find_sources, make_tables};

/// Decode captures into tables
///
/// Reads pcap and pcapng, plain or compressed with gzip, zstd or lz4, and
/// writes one Parquet table a protocol, one of packets and one of flows.
/// Several captures or a folder are one stream, in the order of their first
/// packets: a flow goes on from one file into the next.
///
/// Examples:
///   netcap decode capture.pcap --out data
///   netcap decode monday/ tuesday/ --out data --tables flow,dns
///   zcat big.pcap.gz | netcap decode - --out data --tables -packet
///   netcap decode capture.pcap --out data --time 2026-05-04T10:00:00Z..
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(super) struct Decode {
    #[command(flatten)]
    input: CaptureArgs,
    /// Folder for the tables, the manifest and views.sql.
    #[arg(short, long, value_name = "DIR")]
    out: PathBuf,
    /// Only these tables (a,b), all but these (-a,-b), or these too (+a,+b).
    #[arg(long, value_name = "LIST", value_parser = values::tables, allow_hyphen_values = true)]
    tables: Option<Selection>,
    /// Decode again, even if the tables are there.
    #[arg(short, long)]
    force: bool,
}

/// Options of all commands that read captures.
#[derive(Debug, Args)]
pub(super) struct CaptureArgs {
    /// Captures and folders of captures; - is standard input.
    #[arg(required = true, value_name = "CAPTURE")]
    captures: Vec<PathBuf>,
    /// Threads to use [default: all processors]. They change nothing but the time.
    #[arg(long, value_name = "N")]
    threads: Option<usize>,
    /// Only packets from A to before B, in RFC 3339; either may be left out.
    #[arg(long, value_name = "A..B", value_parser = values::time_range)]
    time: Option<(i64, i64)>,
    /// Only the first packets: 1000, 64k, 1M.
    #[arg(long, value_name = "N", value_parser = values::count)]
    head: Option<u64>,
    /// What to do if files overlap in time.
    #[arg(long, value_enum, default_value = "refuse")]
    overlap: OverlapArg,
    /// Put packets in order of time, if they are not further apart than this.
    #[arg(long, value_name = "TIME", value_parser = values::duration_ns)]
    reorder: Option<i64>,
    /// Leave out packets with the same bytes as one at most this long before.
    #[arg(long, value_name = "TIME", value_parser = values::duration_ns)]
    drop_duplicates: Option<i64>,
    /// A gap of more than this ends a flow.
    #[arg(long, value_name = "TIME", value_parser = values::duration_ns, default_value = "120s")]
    idle_timeout: i64,
    /// A flow that lasts this long is cut.
    #[arg(long, value_name = "TIME", value_parser = values::duration_ns, default_value = "1800s")]
    active_timeout: i64,
    /// No more flows than about this many at a time; those idle longest leave.
    #[arg(long, value_name = "N", value_parser = values::count)]
    max_flows: Option<u64>,
    /// Packets of each flow in the table flow_packets.
    #[arg(long, value_name = "N", default_value_t = engine::FIRST_PACKETS)]
    first_packets: usize,
    /// Hash inputs anew, even if they seem not to have changed.
    #[arg(long)]
    pub(super) rehash: bool,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum OverlapArg {
    /// Stop and show where.
    Refuse,
    /// Read them as one, packet by packet by time.
    Merge,
    /// Make each file a stream of its own.
    Separate,
}

impl CaptureArgs {
    pub(super) fn sources(&self, cache: &HashCache) -> Result<Sources> {
        let overlap = match self.overlap {
            OverlapArg::Refuse => Overlap::Refuse,
            OverlapArg::Merge => Overlap::Merge,
            OverlapArg::Separate => Overlap::Separate,
        };
        let request = StreamRequest {
            name: None,
            captures: self.captures.clone(),
            overlap,
        };
        find_sources(&[request], cache)
    }

    pub(super) fn options(&self, tables: Selection) -> Options {
        Options {
            tables,
            policy: Policy {
                idle_ns: Some(self.idle_timeout),
                active_ns: self.active_timeout,
                max_flows: self.max_flows,
                ..Policy::default()
            },
            first_packets: self.first_packets,
            arrangement: Arrangement {
                reorder_ns: self.reorder,
                drop_duplicates_ns: self.drop_duplicates,
            },
            time: self.time,
            head: self.head,
            hashed: true,
            threads: values::threads(self.threads),
        }
    }
}

impl Decode {
    pub(super) fn run(self, common: &Common) -> Result<Done> {
        let started = Instant::now();
        let cache = Arc::new(HashCache::open(self.input.rehash));
        let mut sources = self.input.sources(&cache)?;
        let mut output = Output::open(&self.out, &cache)?;
        make_damaged_again(common, &mut output, |stage| stage == TABLES_STAGE)?;
        let options = self
            .input
            .options(self.tables.unwrap_or_else(Selection::all));
        let total = sources.inputs.iter().filter_map(|i| i.bytes).sum();
        let bar = Bar::new(common, total);
        let made = make_tables(&mut output, &mut sources, &options, self.force, &bar);
        bar.finish();
        let (made, removed) = made?;
        if !removed.is_empty() {
            common.say(&format!(
                "removed, as they were made of the tables before: {}",
                removed.join(", ")
            ));
        }
        output.finish()?;
        let manifest = output.manifest();
        let done = summary::findings(common, manifest.findings(), &[]);
        common.say(&summary::packets(&manifest.counts));
        common.say(&summary::tables(manifest, TABLES_STAGE));
        let folder = self.out.display();
        common.say(&match made {
            Made::Now => format!(
                "in {folder}/tables, {:.1} s",
                started.elapsed().as_secs_f64()
            ),
            Made::Before => format!(
                "in {folder}/tables: nothing has changed, nothing was done (--force decodes again)"
            ),
        });
        Ok(done)
    }
}
