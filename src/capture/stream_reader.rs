//! Reads a stream: one file after the other, or merged by time where files overlap.
//!
//! A file is open only from its first packet to its last, so that a stream of a thousand files
//! needs neither a thousand descriptors nor their buffers.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::path::{Path, PathBuf};

use super::PacketMeta;
use super::facts::FileFacts;
use super::hashed::{FileHash, hash_file};
use super::reader::{READ_AT_ONCE, Reader};
use super::stream::{STANDARD_INPUT, Stream};
use crate::error::{Finding, Result};

/// Window of each file where more than [`FEW`] may be open at once.
const SMALL_WINDOW: usize = 128 << 10;
const FEW: usize = 16;

/// Packets of all files of a stream.
pub struct StreamReader {
    files: Vec<Slot>,
    /// File of the packet that was given last.
    present: usize,
    /// That packet, where files are merged.
    merged: PacketMeta,
    how: How,
    window: usize,
}

enum How {
    InOrder,
    /// Next packet of each file that has one: its time, and the file's ordinal.
    Merged(BinaryHeap<Reverse<(i64, usize)>>),
}

struct Slot {
    path: PathBuf,
    /// Its hash is wanted.
    hash: bool,
    reader: Option<Reader>,
    /// The packet that the reader is at, where files are merged.
    packet: Option<PacketMeta>,
    /// Set when the file has been read.
    facts: Option<FileFacts>,
    /// Its hash, when the file has been read.
    hashed: Option<FileHash>,
}

impl StreamReader {
    /// Begins at the stream's first packet. No file is opened yet.
    pub fn new(stream: &Stream) -> Self {
        let how = if stream.merge {
            let first = |(i, file): (usize, &super::StreamFile)| {
                Reverse((file.first_ns().unwrap_or(i64::MIN), i))
            };
            How::Merged(stream.files.iter().enumerate().map(first).collect())
        } else {
            How::InOrder
        };
        let slot = |file: &super::StreamFile| Slot {
            path: file.path.clone(),
            hash: file.hash,
            reader: None,
            packet: None,
            facts: None,
            hashed: None,
        };
        Self {
            files: stream.files.iter().map(slot).collect(),
            present: 0,
            merged: PacketMeta::default(),
            how,
            window: if stream.merge && stream.files.len() > FEW {
                SMALL_WINDOW
            } else {
                READ_AT_ONCE
            },
        }
    }

    /// Next packet: ordinal of its file in the stream (from 0), what the file says of it, its
    /// bytes. Merged, packets come by (time, ordinal, number) as far as each file is in order: the
    /// packets of one file are never exchanged, and one without a time goes with the one before it.
    #[expect(
        clippy::should_implement_trait,
        reason = "an iterator cannot lend its buffer"
    )]
    #[inline]
    pub fn next(&mut self) -> Result<Option<(usize, &PacketMeta, &[u8])>> {
        let merged = matches!(self.how, How::Merged(_));
        let more = if merged {
            self.advance_merged()?
        } else {
            self.advance_in_order()?
        };
        let slot = self.files.get(self.present).filter(|_| more);
        let Some(reader) = slot.and_then(|slot| slot.reader.as_ref()) else {
            return Ok(None);
        };
        let meta = if merged { &self.merged } else { reader.meta() };
        Ok(Some((self.present, meta, reader.data())))
    }

    /// What is known of a file: all of it once its packets have come, less before.
    pub fn facts(&self, ordinal: usize) -> Option<&FileFacts> {
        let slot = self.files.get(ordinal)?;
        slot.facts
            .as_ref()
            .or_else(|| slot.reader.as_ref().map(Reader::facts))
    }

    /// Hashes of the files of which they are wanted, by ordinal. What is left of them is read, so that no more
    /// packets come.
    pub fn finish_hashes(&mut self) -> Result<Vec<Option<FileHash>>> {
        self.files.iter_mut().map(Slot::finish_hash).collect()
    }

    /// Files of the stream, by ordinal.
    pub fn paths(&self) -> impl Iterator<Item = &Path> {
        self.files.iter().map(|slot| slot.path.as_path())
    }

    /// Findings of all files that have been read, each about its path as it was given.
    pub fn findings(&self) -> Vec<Finding> {
        let of = |slot: &Slot| {
            Some(
                slot.facts
                    .as_ref()?
                    .findings(&slot.path.display().to_string()),
            )
        };
        self.files.iter().filter_map(of).flatten().collect()
    }

    #[inline]
    fn advance_in_order(&mut self) -> Result<bool> {
        while let Some(slot) = self.files.get_mut(self.present) {
            if slot.advance(self.window)?.is_some() {
                return Ok(true);
            }
            self.present += 1;
        }
        Ok(false)
    }

    fn advance_merged(&mut self) -> Result<bool> {
        let How::Merged(heap) = &mut self.how else {
            return Ok(false);
        };
        if let Some(slot) = self.files.get_mut(self.present)
            && let Some(before) = slot.packet
            && let Some(next) = slot.advance(self.window)?.copied()
        {
            let time = if next.timed { next.ts_ns } else { before.ts_ns };
            slot.packet = Some(PacketMeta {
                ts_ns: time,
                ..next
            });
            heap.push(Reverse((time, self.present)));
        }
        while let Some(Reverse((time, ordinal))) = heap.pop() {
            let Some(slot) = self.files.get_mut(ordinal) else {
                break;
            };
            self.present = ordinal;
            if let Some(packet) = slot.packet {
                let ts_ns = if packet.timed { packet.ts_ns } else { 0 };
                self.merged = PacketMeta { ts_ns, ..packet };
                return Ok(true);
            }
            if let Some(packet) = slot.advance(self.window)?.copied() {
                slot.packet = Some(PacketMeta {
                    ts_ns: time,
                    ..packet
                });
                self.merged = packet;
                return Ok(true);
            }
        }
        Ok(false)
    }
}

impl Slot {
    /// Goes on in this file, opening it at first and closing it at its end.
    #[inline]
    fn advance(&mut self, window: usize) -> Result<Option<&PacketMeta>> {
        if self.facts.is_some() {
            return Ok(None);
        }
        let reader = match &mut self.reader {
            Some(reader) => reader,
            none => none.insert(open(&self.path, window, self.hash)?),
        };
        if !reader.advance()? {
            self.hashed = reader.finish_hash()?;
            self.facts = self.reader.take().map(Reader::into_facts);
            self.packet = None;
        }
        Ok(self.reader.as_ref().map(Reader::meta))
    }

    fn finish_hash(&mut self) -> Result<Option<FileHash>> {
        if !self.hash || self.facts.is_some() {
            return Ok(self.hashed);
        }
        match &mut self.reader {
            Some(reader) => reader.finish_hash(),
            // Nobody wanted packets of it.
            None => hash_file(&self.path).map(Some),
        }
    }
}

fn open(path: &Path, window: usize, hash: bool) -> Result<Reader> {
    if path.as_os_str() == STANDARD_INPUT {
        let name = Path::new("standard input");
        return Reader::from_read(name, Box::new(std::io::stdin()));
    }
    Ok(Reader::try_open(path, window, hash)?)
}
