//! Packets of a stream put in order of time, and without duplicates, as far as that is asked for.
//!
//! Reordering holds packets back for a time that the user sets, and no more of them than a bound
//! of memory allows; what comes later than that stays out of order. Numbers of packets are those of
//! their files in any case.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};

use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_64;

use super::PacketMeta;
use super::stream_reader::StreamReader;
use crate::error::Result;

/// Packets looked back at for duplicates, whatever their times.
const LOOK_BACK: usize = 64;
/// Bytes of packets held back at most; of more the earliest go on.
const HELD_BYTES: usize = 256 << 20;

/// What is to be done with the packets of a stream before they are decoded.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Arrangement {
    /// Packets are put in order of time if they are not further apart than this (nanoseconds).
    pub reorder_ns: Option<i64>,
    /// A packet with the same bytes as one at most this long before it is left out (nanoseconds).
    pub drop_duplicates_ns: Option<i64>,
}

/// A packet that was held back.
#[derive(Debug)]
struct Held {
    ordinal: usize,
    meta: PacketMeta,
    bytes: Vec<u8>,
}

/// The packets of a stream, arranged.
pub struct Arranged {
    reader: StreamReader,
    reorder: Option<Reorder>,
    duplicates: Option<Duplicates>,
    /// Packets that were left out.
    dropped: u64,
}

impl Arranged {
    /// The packets of `reader`.
    pub fn new(reader: StreamReader, how: Arrangement) -> Self {
        Self {
            reader,
            reorder: how.reorder_ns.map(Reorder::new),
            duplicates: how.drop_duplicates_ns.map(Duplicates::new),
            dropped: 0,
        }
    }

    /// Gives the next packet to `take`, as [`StreamReader::next`] has it; `false` at the end.
    pub fn next(&mut self, take: &mut impl FnMut(usize, PacketMeta, &[u8])) -> Result<bool> {
        loop {
            let Some(reorder) = &mut self.reorder else {
                let Some((ordinal, meta, bytes)) = self.reader.next()? else {
                    return Ok(false);
                };
                if keeps(&mut self.duplicates, &meta, bytes) {
                    take(ordinal, meta, bytes);
                    return Ok(true);
                }
                self.dropped += 1;
                continue;
            };
            let Some(held) = reorder.next(&mut self.reader)? else {
                return Ok(false);
            };
            if keeps(&mut self.duplicates, &held.meta, &held.bytes) {
                take(held.ordinal, held.meta, &held.bytes);
                return Ok(true);
            }
            self.dropped += 1;
        }
    }

    /// Duplicates left out since the last call.
    pub fn take_dropped(&mut self) -> u64 {
        std::mem::take(&mut self.dropped)
    }

    /// What reads the files.
    pub fn reader(&self) -> &StreamReader {
        &self.reader
    }
}

fn keeps(duplicates: &mut Option<Duplicates>, meta: &PacketMeta, bytes: &[u8]) -> bool {
    duplicates.as_mut().is_none_or(|d| !d.is_one(meta, bytes))
}

/// Packets in order of time, as far as they are not further apart than a window.
#[derive(Debug)]
struct Reorder {
    window_ns: i64,
    /// By time, then by the order in which they were read.
    order: BinaryHeap<Reverse<(i64, u64)>>,
    /// The packets of `order`, from the one read as number `first` on.
    held: VecDeque<Option<Held>>,
    first: u64,
    bytes: usize,
    latest: i64,
    ended: bool,
}

impl Reorder {
    fn new(window_ns: i64) -> Self {
        Self {
            window_ns,
            order: BinaryHeap::new(),
            held: VecDeque::new(),
            first: 0,
            bytes: 0,
            latest: i64::MIN,
            ended: false,
        }
    }

    fn next(&mut self, reader: &mut StreamReader) -> Result<Option<Held>> {
        while !self.ended && !self.is_due() {
            match reader.next()? {
                Some((ordinal, meta, bytes)) => {
                    // A packet without a time goes with the one before it.
                    let ts = if meta.timed { meta.ts_ns } else { self.latest };
                    self.latest = self.latest.max(ts);
                    let number = self.first + self.held.len() as u64;
                    self.order.push(Reverse((ts, number)));
                    self.bytes += bytes.len();
                    self.held.push_back(Some(Held {
                        ordinal,
                        meta,
                        bytes: bytes.to_vec(),
                    }));
                }
                None => self.ended = true,
            }
        }
        let Some(Reverse((_, number))) = self.order.pop() else {
            return Ok(None);
        };
        let at = usize::try_from(number - self.first).unwrap_or(usize::MAX);
        let held = self.held.get_mut(at).and_then(Option::take);
        while let Some(None) = self.held.front() {
            self.held.pop_front();
            self.first += 1;
        }
        if let Some(held) = &held {
            self.bytes -= held.bytes.len();
        }
        Ok(held)
    }

    /// The earliest packet need not wait any longer.
    fn is_due(&self) -> bool {
        self.order.peek().is_some_and(|Reverse((ts, _))| {
            self.latest.saturating_sub(*ts) > self.window_ns || self.bytes > HELD_BYTES
        })
    }
}

/// Finds packets with the same bytes as one shortly before: what a mirror port that sees both
/// directions of a link gives.
#[derive(Debug)]
pub(super) struct Duplicates {
    window_ns: i64,
    recent: VecDeque<(i64, u64)>,
}

impl Duplicates {
    pub(super) fn new(window_ns: i64) -> Self {
        Self {
            window_ns,
            recent: VecDeque::with_capacity(LOOK_BACK),
        }
    }

    /// Whether the packet is a duplicate. Those without a time are none.
    pub(super) fn is_one(&mut self, meta: &PacketMeta, bytes: &[u8]) -> bool {
        if !meta.timed {
            return false;
        }
        let hash = xxh3_64(bytes);
        let near = |ts: i64| meta.ts_ns.abs_diff(ts) <= self.window_ns.unsigned_abs();
        let found = self.recent.iter().any(|(ts, h)| *h == hash && near(*ts));
        if self.recent.len() == LOOK_BACK {
            self.recent.pop_front();
        }
        self.recent.push_back((meta.ts_ns, hash));
        found
    }
}
