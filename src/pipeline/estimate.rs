//! What a run will cost: measured on the first packets of each stream, and scaled.

use std::time::{Duration, Instant};

use super::sources::Sources;
use crate::engine::{self, Options, Progress, Source};
use crate::error::{Error, Result};

/// Packets that are tried.
const SAMPLE: u64 = 50_000;

/// An estimate.
#[derive(Debug, Clone, Copy)]
pub struct Estimate {
    /// Packets.
    pub packets: u64,
    /// Time to decode.
    pub time: Duration,
    /// Bytes of the tables.
    pub disk: u64,
    /// All was read, so this is no estimate.
    pub exact: bool,
}

struct Silent;

impl Progress for Silent {
    fn advance(&self, _: u64, _: u64) {}
}

/// Decodes the first packets of each stream into a temporary folder, and scales by the sizes of
/// the files. `None` for what cannot be read twice.
pub fn estimate(sources: &Sources, options: &Options) -> Result<Option<Estimate>> {
    if sources.inputs.iter().any(|input| input.bytes.is_none()) {
        return Ok(None);
    }
    let folder = std::env::temp_dir().join(format!("netcap-estimate-{}", std::process::id()));
    let mut total = Estimate {
        packets: 0,
        time: Duration::ZERO,
        disk: 0,
        exact: true,
    };
    let result = sources
        .sources
        .iter()
        .try_for_each(|source| add(&mut total, source, options, &folder));
    let removed = std::fs::remove_dir_all(&folder);
    result?;
    match removed {
        Err(e) if e.kind() != std::io::ErrorKind::NotFound => {
            Err(Error::io(&folder, "remove the folder", e))
        }
        _ => Ok(Some(total)),
    }
}

fn add(
    total: &mut Estimate,
    source: &Source,
    options: &Options,
    folder: &std::path::Path,
) -> Result<()> {
    let sample = options.head.unwrap_or(SAMPLE).min(SAMPLE);
    let few = Options {
        head: Some(sample),
        ..options.clone()
    };
    let started = Instant::now();
    let made = engine::decode(std::slice::from_ref(source), folder, &few, &Silent)?;
    let time = started.elapsed();
    let disk: u64 = made
        .tables
        .values()
        .flat_map(|t| &t.files)
        .map(|f| f.bytes)
        .sum();
    // What was read of the files, as they lie on disk or unpacked: the share scales both.
    let read: u64 = made
        .files
        .iter()
        .map(|f| f.captured_bytes + f.packets.unsigned_abs() * 16)
        .sum();
    let packed = made.files.iter().any(|f| f.compression.is_some());
    let size: u64 = source.files.iter().filter_map(|f| f.bytes).sum();
    let complete = made.counts.read < sample;
    #[expect(clippy::cast_precision_loss, reason = "an estimate")]
    let mut scale = if complete || read == 0 {
        1.0
    } else {
        (size as f64 / read as f64).max(1.0)
    };
    if packed && !complete {
        // A guess at how well captures compress.
        scale *= 2.0;
    }
    if let Some(head) = options.head {
        #[expect(clippy::cast_precision_loss, reason = "an estimate")]
        let most = head as f64 / made.counts.read.max(1) as f64;
        scale = scale.min(most.max(1.0));
    }
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "an estimate"
    )]
    let times = |n: u64| (n as f64 * scale) as u64;
    total.packets += times(made.counts.read);
    total.disk += times(disk);
    total.time += time.mul_f64(scale);
    total.exact &= complete;
    Ok(())
}
