//! The run over a stream: read, decode, give flows, write.
//!
//! A thread of its own reads. The others take as many batches as there are threads at a time, a round, and each
//! step of a round runs in parallel: over batches, then over flow shards, then over tables and their columns. The
//! batches of the next round are decoded meanwhile, so there are two sets of workers.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, Sender, channel, sync_channel};

use arrow::array::RecordBatch;
use netcap_proto::{CAPTURE, CaptureColumns, CaptureInterfaceRow, CaptureRow, Symbols, TABLES};
use rayon::prelude::*;

use super::batch::{self, Batch};
use super::flows::{Flows, RowMakers};
use super::rows::{Rows, finish};
use super::worker::{Decoded, Worker};
use super::{Options, Progress, Source, Tables, link_type_name};
use crate::capture::End;
use crate::error::{Error, Finding, Result};
use crate::output::{Layout, TableWriter, hex, stream_folder};
use crate::packet::{Found, Reassembly};
use crate::protocol::REGISTRY;

/// Decodes streams, one after the other, into the tables of `folder`:
/// `<table>/part-00000.parquet`, below `<table>/stream=<name>/` for a stream with a name. Captures
/// are numbered in the order given, from 0. `folder` is the stage `tables` of an output.
pub fn decode(
    streams: &[Source],
    folder: &Path,
    options: &Options,
    progress: &dyn Progress,
) -> Result<Tables> {
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(options.threads.max(1))
        .build()
        .map_err(|e| Error::because("cannot start threads", e))?;
    let mut run = Run::new(folder, options);
    let mut workers = [(); 2].map(|()| new_workers(options));
    let mut first_capture = 0;
    for source in streams {
        run.begin_stream(source.stream.name.as_deref())?;
        let (send, mut receive) = sync_channel(options.threads.max(1));
        let (give_back, spent) = channel();
        let read = std::thread::scope(|scope| {
            let reader = scope.spawn(move || {
                let (head, arrangement) = (options.head, options.arrangement);
                let stream = &source.stream;
                batch::read(stream, first_capture, head, arrangement, &send, &spent)
            });
            // The receiver is dropped before the reader is waited for, so that the reader never
            // waits for a run that has failed.
            let (run, workers) = (&mut run, &mut workers);
            let written =
                pool.install(move || run.rounds(workers, &mut receive, &give_back, progress));
            let read = reader
                .join()
                .map_err(|_| Error::new("the reader stopped unexpectedly"))?;
            // What stopped the reader ended the rounds too, and is the cause.
            let read = read?;
            written.map(|()| read)
        })?;
        pool.install(|| run.end_stream(source, first_capture, read))?;
        let files = i32::try_from(source.files.len()).unwrap_or(i32::MAX);
        first_capture = first_capture.saturating_add(files);
    }
    pool.install(|| run.finish())
}

struct Run<'o> {
    folder: PathBuf,
    options: &'o Options,
    reassembly: Reassembly,
    flows: Flows,
    makers: RowMakers,
    writers: Writers,
    skipped: BTreeMap<u16, u64>,
    result: Tables,
}

impl<'o> Run<'o> {
    fn new(folder: &Path, options: &'o Options) -> Self {
        let wanted = TABLES.iter().filter(|t| options.tables.has(t.name));
        Self {
            folder: folder.to_path_buf(),
            options,
            reassembly: Reassembly::new(REGISTRY),
            flows: Flows::new(options),
            makers: RowMakers::default(),
            writers: wanted
                .map(|t| {
                    let writer = TableWriter::new(Layout::plain(t));
                    let hashed = options.hashed;
                    (t.name, if hashed { writer } else { writer.unhashed() })
                })
                .collect(),
            skipped: BTreeMap::new(),
            result: Tables::default(),
        }
    }

    /// Flow state never crosses from one stream to the next, nor do files.
    fn begin_stream(&mut self, name: Option<&str>) -> Result<()> {
        self.flows = Flows::new(self.options);
        self.reassembly = Reassembly::new(REGISTRY);
        for (table, writer) in &mut self.writers {
            let path = match name {
                Some(name) => format!("{table}/{}", stream_folder(name)),
                None => (*table).to_owned(),
            };
            writer.begin_folder(&self.folder.join(&path), &format!("tables/{path}"))?;
        }
        Ok(())
    }

    /// A round's batches are decoded while those of the round before are given their flows, made rows and written:
    /// some of that is for one thread alone, and the others have something to do meanwhile.
    fn rounds(
        &mut self,
        [idle, busy]: &mut [Vec<Worker>; 2],
        receive: &mut Receiver<Batch>,
        give_back: &Sender<Batch>,
        progress: &dyn Progress,
    ) -> Result<()> {
        let mut decoded: Vec<Decoded> = Vec::new();
        loop {
            let (batches, workers) = (&mut *receive, &mut *idle);
            let next = move || {
                let batches: Vec<Batch> = batches.iter().take(workers.len()).collect();
                workers
                    .par_iter_mut()
                    .zip(batches)
                    .map(|(worker, batch)| worker.decode(batch, &[]))
                    .collect::<Vec<Decoded>>()
            };
            let before = || self.round(busy, decoded, give_back, progress);
            let (next, done) = rayon::join(next, before);
            done?;
            if next.is_empty() {
                return Ok(());
            }
            decoded = next;
            std::mem::swap(idle, busy);
        }
    }

    /// What is left to do with a round when it is decoded. Each batch has its worker.
    fn round(
        &mut self,
        workers: &mut [Worker],
        mut decoded: Vec<Decoded>,
        give_back: &Sender<Batch>,
        progress: &dyn Progress,
    ) -> Result<()> {
        self.reassemble(workers, &mut decoded)?;
        let mut ended = Vec::new();
        let flows: Vec<Vec<i64>> = decoded
            .iter_mut()
            .map(|decoded| self.flows.batch(decoded, &mut ended))
            .collect();
        let makers = &self.makers;
        let finish = || {
            workers
                .par_iter_mut()
                .zip(decoded.par_iter().zip(&flows))
                .map(|(worker, (decoded, flows))| worker.finish(decoded, flows))
                .collect::<Result<Vec<Rows>>>()
        };
        let (tables, ended) = rayon::join(finish, || makers.rows(ended));
        let mut rows = ended?;
        rows.extend(tables?);
        for (worker, decoded) in workers.iter_mut().zip(decoded) {
            self.result.counts.add(&decoded.counts);
            for (link_type, packets) in &decoded.skipped {
                *self.skipped.entry(*link_type).or_default() += packets;
            }
            progress.advance(decoded.counts.read, decoded.batch.size() as u64);
            // The reader needs no more once all has been read.
            let _ = give_back.send(worker.give_back(decoded));
        }
        write(&mut self.writers, rows.iter())
    }

    /// Puts the datagrams together whose fragments the batches have, in order; batches with packets
    /// that complete one are decoded once more.
    fn reassemble(&mut self, workers: &mut [Worker], decoded: &mut [Decoded]) -> Result<()> {
        let mut found: Vec<Vec<Found>> = Vec::with_capacity(decoded.len());
        for decoded in &mut *decoded {
            let mut of_batch = Vec::new();
            for seen in std::mem::take(&mut decoded.fragments) {
                let (meta, bytes) = decoded.batch.packet(seen.index);
                let ts_ns = meta.map_or(0, |meta| meta.ts_ns);
                self.reassembly.add(seen, ts_ns, bytes, &mut of_batch);
            }
            found.push(of_batch);
        }
        workers
            .par_iter_mut()
            .zip(decoded.par_iter_mut().zip(found))
            .filter(|(_, (_, found))| !found.is_empty())
            .try_for_each(|(worker, (decoded, found))| worker.decode_again(decoded, &found))
    }

    fn end_stream(
        &mut self,
        source: &Source,
        first_capture: i32,
        read: batch::ReadFacts,
    ) -> Result<()> {
        let (complete, incomplete) = self.reassembly.finish();
        self.result.counts.datagrams += complete;
        self.result.counts.incomplete_datagrams += incomplete;
        let (writers, makers) = (&mut self.writers, &self.makers);
        self.flows
            .finish(|ended| write(writers, makers.rows(ended)?.iter()))?;
        if let Some(writer) = self.writers.get_mut(CAPTURE.name) {
            writer.write(&capture_rows(source, first_capture, &read)?)?;
        }
        self.result.findings.extend(read.findings);
        self.result.files.extend(read.files);
        self.result.hashes.extend(read.hashes);
        Ok(())
    }

    fn finish(mut self) -> Result<Tables> {
        for (link_type, packets) in &self.skipped {
            let name = link_type_name(*link_type);
            self.result.findings.push(Finding::warning(
                "link-type-skipped",
                format!("{packets} packets of link type {link_type} ({name}) were skipped: netcap does not read it"),
            ));
        }
        let tables = self
            .writers
            .into_par_iter()
            .map(|(name, writer)| Ok((name, writer.finish()?)));
        self.result.tables = tables.collect::<Result<_>>()?;
        Ok(self.result)
    }
}

/// A worker for each batch of a round.
fn new_workers(options: &Options) -> Vec<Worker> {
    let new = |_| Worker::new(&options.tables, options.time);
    (0..options.threads.max(1)).map(new).collect()
}

/// The writers of the wanted tables.
type Writers = BTreeMap<&'static str, TableWriter>;

/// Writes rows into their tables, in order.
fn write<'r>(
    writers: &mut Writers,
    rows: impl Iterator<Item = &'r Rows> + Clone + Sync,
) -> Result<()> {
    writers.par_iter_mut().try_for_each(|(name, writer)| {
        rows.clone()
            .flatten()
            .filter(|(table, _)| table == name)
            .try_for_each(|(_, batch)| writer.write(batch))
    })
}

fn capture_rows(
    source: &Source,
    first_capture: i32,
    read: &batch::ReadFacts,
) -> Result<RecordBatch> {
    let mut columns = CaptureColumns::default();
    let int64 = |n: u64| i64::try_from(n).unwrap_or(i64::MAX);
    let read = read.files.iter().zip(&read.hashes);
    for ((capture, file), (facts, hash)) in (first_capture..).zip(&source.files).zip(read) {
        let resolutions: Vec<String> = facts
            .interfaces
            .iter()
            .map(|i| i.resolution.to_string())
            .collect();
        let interfaces: Vec<CaptureInterfaceRow<'_>> = facts
            .interfaces
            .iter()
            .zip(&resolutions)
            .map(|(interface, resolution)| CaptureInterfaceRow {
                link_type: interface.link_type.into(),
                snap_length: interface.snap_length.into(),
                name: interface.name.as_deref(),
                resolution,
            })
            .collect();
        let (end, end_offset) = match &facts.end {
            Some(End::Cut { offset, .. }) => ("cut", Some(*offset)),
            Some(End::Damaged { offset, .. }) => ("damaged", Some(*offset)),
            Some(End::Complete) => ("complete", None),
            // Only part of it was asked for.
            None => ("not reached", None),
        };
        let compression = facts.compression.map(|c| c.to_string());
        let sha256 = hash.map(|hash| hex(&hash.sha256));
        columns.push(&CaptureRow {
            capture,
            name: &file.name,
            stream: source.stream.name.as_deref(),
            sha256: file.sha256.as_deref().or(sha256.as_deref()),
            // Of what is no plain file, the size is known when it has been read.
            file_bytes: hash.map(|hash| hash.bytes).or(file.bytes).map(int64),
            format: &facts.format.to_string(),
            byte_order: &facts.byte_order.to_string(),
            compression: compression.as_deref(),
            packets: facts.packets,
            captured_bytes: int64(facts.captured_bytes),
            wire_bytes: int64(facts.wire_bytes),
            first_ts: facts.first_ns.map(|ns| ns.div_euclid(1000)),
            last_ts: facts.last_ns.map(|ns| ns.div_euclid(1000)),
            disordered_packets: int64(facts.disordered),
            interfaces: &interfaces,
            sections: i32::try_from(facts.sections).unwrap_or(i32::MAX),
            comments: int64(facts.comments),
            name_resolution_blocks: int64(facts.name_resolutions),
            decryption_secrets_blocks: int64(facts.decryption_secrets),
            end,
            end_offset: end_offset.and_then(|o| i64::try_from(o).ok()),
        });
    }
    finish(&mut columns, &mut Symbols::default())
}
