//! Packets in memory: a fixed number of them, with their bytes in one buffer.

use std::sync::mpsc::{Receiver, SyncSender};

use crate::capture::{
    Arranged, Arrangement, FileFacts, FileHash, PacketMeta, Stream, StreamReader,
};
use crate::error::{Error, Finding, Result};
use crate::flow::PacketPlace;

/// Packets of a batch, unless their bytes are more than [`BATCH_BYTES`].
const BATCH_PACKETS: usize = 16_384;
/// A bound of memory for captures of huge packets.
const BATCH_BYTES: usize = 16 << 20;
/// Room for the packet with which there are so many bytes: the greatest snap length that is usual.
const LAST_BYTES: usize = 256 << 10;

/// Bytes that come from memory together.
const LINE: usize = 64;

/// Packets in stream order.
#[derive(Debug, Default)]
pub(super) struct Batch {
    pub(super) metas: Vec<PacketMeta>,
    /// Capture ordinal of each packet.
    pub(super) captures: Vec<i32>,
    bytes: Vec<u8>,
    /// Where each packet ends in `bytes`.
    ends: Vec<usize>,
    /// Duplicates among them that were left out, and that were kept.
    pub(super) duplicates: (u64, u64),
}

impl Batch {
    pub(super) fn packets(&self) -> impl Iterator<Item = (&PacketMeta, &[u8])> {
        let mut start = 0;
        let bytes = self.ends.iter().map(move |end| {
            let bytes = self.bytes.get(start..*end);
            start = *end;
            bytes.unwrap_or_default()
        });
        self.metas.iter().zip(bytes)
    }

    /// Touches the headers of so many packets from `first` on. The processor fetches what is touched together
    /// at the same time, and another core has just written it: one after the other, each packet would wait.
    pub(super) fn fetch(&self, first: u32, packets: u32) {
        let first = first as usize;
        let ends = self.ends.iter().skip(first.saturating_sub(1));
        let line = |at: usize| self.bytes.get(at).copied().unwrap_or(0);
        let touched = ends
            .take(packets as usize)
            .fold(0, |all, start| all ^ line(*start) ^ line(*start + LINE));
        std::hint::black_box(touched);
    }

    /// The packet with that index.
    pub(super) fn packet(&self, index: u32) -> (Option<&PacketMeta>, &[u8]) {
        let at = index as usize;
        let start = at.checked_sub(1).and_then(|before| self.ends.get(before));
        let end = self.ends.get(at).copied().unwrap_or(0);
        let bytes = self.bytes.get(start.copied().unwrap_or(0)..end);
        (self.metas.get(at), bytes.unwrap_or_default())
    }

    /// Capture and number of the packet with that index.
    #[inline]
    pub(super) fn place(&self, index: u32) -> PacketPlace {
        let at = index as usize;
        PacketPlace {
            capture: self.captures.get(at).copied().unwrap_or(0),
            packet: self.metas.get(at).map_or(0, |meta| meta.number),
        }
    }

    /// Captured bytes.
    pub(super) fn size(&self) -> usize {
        self.bytes.len()
    }

    fn is_full(&self) -> bool {
        self.metas.len() >= BATCH_PACKETS || self.bytes.len() >= BATCH_BYTES
    }

    /// Empties it, and keeps its memory for other packets. There is room for all that a batch may have: what is
    /// not touched costs nothing, and to grow is to copy.
    fn clear(&mut self) {
        self.metas.clear();
        self.metas.reserve(BATCH_PACKETS);
        self.captures.clear();
        self.captures.reserve(BATCH_PACKETS);
        self.bytes.clear();
        self.bytes.reserve(BATCH_BYTES + LAST_BYTES);
        self.ends.clear();
        self.ends.reserve(BATCH_PACKETS);
        self.duplicates = (0, 0);
    }

    fn push(&mut self, capture: i32, meta: &PacketMeta, bytes: &[u8]) {
        self.captures.push(capture);
        self.metas.push(*meta);
        self.bytes.extend_from_slice(bytes);
        self.ends.push(self.bytes.len());
    }
}

/// What is known of the stream's files when all has been read.
pub(super) struct ReadFacts {
    pub(super) files: Vec<FileFacts>,
    /// Of all files of which they are wanted, also of those that were not begun.
    pub(super) hashes: Vec<Option<FileHash>>,
    pub(super) findings: Vec<Finding>,
}

/// Reads a stream into batches. Ends early when nobody takes them any more. `spent` gives those back
/// whose packets are done with: to touch memory for the first time takes longer than to fill it.
pub(super) fn read(
    stream: &Stream,
    first_capture: i32,
    head: Option<u64>,
    arrangement: Arrangement,
    send: &SyncSender<Batch>,
    spent: &Receiver<Batch>,
) -> Result<ReadFacts> {
    let mut packets = Arranged::new(StreamReader::new(stream), arrangement);
    let mut batch = Batch::default();
    batch.clear();
    let mut too_many = false;
    let mut left = head.unwrap_or(u64::MAX);
    while left > 0 {
        let more = packets.next(&mut |ordinal, meta, bytes| {
            let capture = i32::try_from(ordinal)
                .ok()
                .and_then(|o| first_capture.checked_add(o));
            match capture {
                Some(capture) => batch.push(capture, meta, bytes),
                None => too_many = true,
            }
        })?;
        if !more {
            break;
        }
        if too_many {
            return Err(Error::new("more than 2,147,483,647 capture files"));
        }
        left -= 1;
        if batch.is_full() {
            let mut next = spent.try_recv().unwrap_or_default();
            next.clear();
            batch.duplicates = packets.take_duplicates();
            if send.send(std::mem::replace(&mut batch, next)).is_err() {
                break;
            }
        }
    }
    batch.duplicates = packets.take_duplicates();
    // Nobody left to take it means that the run has failed elsewhere.
    let _ = send.send(batch);
    let reader = packets.reader();
    let hashes = reader.finish_hashes()?;
    let files = (0..stream.files.len())
        .filter_map(|i| reader.facts(i).cloned())
        .collect();
    Ok(ReadFacts {
        hashes,
        files,
        findings: reader.findings(),
    })
}
