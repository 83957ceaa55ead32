//! Packets of a stream put in order of time, and without duplicates, as far as that is asked for.
//!
//! Reordering holds packets back for a time that the user sets, and no more of them than a bound
//! of memory allows; what comes later than that stays out of order. Numbers of packets are those of
//! their files in any case.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_64;

use super::PacketMeta;
use super::stream_reader::StreamReader;
use crate::error::Result;

/// A packet with the same bytes as one at most this long before it counts as its duplicate, unless
/// another time was asked for: what a mirror port that sees both directions of a link gives.
pub const DUPLICATE_WINDOW_NS: i64 = 500_000;
/// Packets looked back at for duplicates, whatever their times.
const LOOK_BACK: usize = 64;
/// Memory of packets held back at most; of more the earliest go on.
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
    twice: Twice,
}

/// Finds duplicates, counts them, and leaves them out if that is wanted.
struct Twice {
    recent: Duplicates,
    /// They are left out.
    drop: bool,
    /// How many there were.
    found: u64,
}

impl Twice {
    /// Whether a packet is to be kept.
    #[inline]
    fn keeps(&mut self, meta: &PacketMeta, bytes: &[u8]) -> bool {
        let duplicate = self.recent.is_one(meta, bytes);
        self.found += u64::from(duplicate);
        !(duplicate && self.drop)
    }
}

impl Arranged {
    /// The packets of `reader`.
    pub fn new(reader: StreamReader, how: Arrangement) -> Self {
        Self {
            reader,
            reorder: how.reorder_ns.map(Reorder::new),
            twice: Twice {
                recent: Duplicates::new(how.drop_duplicates_ns.unwrap_or(DUPLICATE_WINDOW_NS)),
                drop: how.drop_duplicates_ns.is_some(),
                found: 0,
            },
        }
    }

    /// Gives the next packet to `take`, as [`StreamReader::next`] has it; `false` at the end.
    pub fn next(&mut self, take: &mut impl FnMut(usize, &PacketMeta, &[u8])) -> Result<bool> {
        loop {
            let Some(reorder) = &mut self.reorder else {
                let Some((ordinal, meta, bytes)) = self.reader.next()? else {
                    return Ok(false);
                };
                if self.twice.keeps(meta, bytes) {
                    take(ordinal, meta, bytes);
                    return Ok(true);
                }
                continue;
            };
            let Some(held) = reorder.next(&mut self.reader)? else {
                return Ok(false);
            };
            if self.twice.keeps(&held.meta, &held.bytes) {
                take(held.ordinal, &held.meta, &held.bytes);
                return Ok(true);
            }
        }
    }

    /// Duplicates since the last call: left out, and kept.
    pub fn take_duplicates(&mut self) -> (u64, u64) {
        let found = std::mem::take(&mut self.twice.found);
        if self.twice.drop {
            (found, 0)
        } else {
            (0, found)
        }
    }

    /// What reads the files.
    pub fn reader(&mut self) -> &mut StreamReader {
        &mut self.reader
    }
}

/// Packets in order of time, as far as they are not further apart than a window.
#[derive(Debug)]
struct Reorder {
    window_ns: i64,
    /// By time, then by the order in which they were read, with their places in `held`.
    order: BinaryHeap<Reverse<(i64, u64, usize)>>,
    held: Vec<Option<Held>>,
    /// Places in `held` without a packet.
    free: Vec<usize>,
    /// Packets read.
    read: u64,
    bytes: usize,
    latest: i64,
    ended: bool,
}

/// What a packet that is held back costs beside its bytes.
const HELD_COST: usize = 192;

impl Reorder {
    fn new(window_ns: i64) -> Self {
        Self {
            window_ns,
            order: BinaryHeap::new(),
            held: Vec::new(),
            free: Vec::new(),
            read: 0,
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
                    self.bytes += bytes.len() + HELD_COST;
                    let held = Some(Held {
                        ordinal,
                        meta: *meta,
                        bytes: bytes.to_vec(),
                    });
                    // A packet of the far future may wait to the end: places are used again in any order.
                    let place = self.free.pop().unwrap_or(self.held.len());
                    match self.held.get_mut(place) {
                        Some(slot) => *slot = held,
                        None => self.held.push(held),
                    }
                    self.order.push(Reverse((ts, self.read, place)));
                    self.read += 1;
                }
                None => self.ended = true,
            }
        }
        let Some(Reverse((_, _, place))) = self.order.pop() else {
            return Ok(None);
        };
        let held = self.held.get_mut(place).and_then(Option::take);
        self.free.push(place);
        if let Some(held) = &held {
            self.bytes -= held.bytes.len() + HELD_COST;
        }
        Ok(held)
    }

    /// The earliest packet need not wait any longer.
    fn is_due(&self) -> bool {
        self.order.peek().is_some_and(|Reverse((ts, _, _))| {
            self.latest.saturating_sub(*ts) > self.window_ns || self.bytes > HELD_BYTES
        })
    }
}

/// Finds packets with the same bytes as one shortly before: what a mirror port that sees both
/// directions of a link gives.
#[derive(Debug)]
pub(super) struct Duplicates {
    window_ns: i64,
    /// Hashes and times of the packets before, the latest in the place before `next`. Parts of the
    /// hashes lie side by side, so that all are compared in a few instructions.
    tags: [u32; LOOK_BACK],
    hashes: [u64; LOOK_BACK],
    times: [Option<i64>; LOOK_BACK],
    next: usize,
}

impl Duplicates {
    pub(super) fn new(window_ns: i64) -> Self {
        Self {
            window_ns,
            tags: [0; LOOK_BACK],
            hashes: [0; LOOK_BACK],
            times: [None; LOOK_BACK],
            next: 0,
        }
    }

    /// Whether the packet is a duplicate. Those without a time are none.
    pub(super) fn is_one(&mut self, meta: &PacketMeta, bytes: &[u8]) -> bool {
        if !meta.timed {
            return false;
        }
        let hash = xxh3_64(bytes);
        let tag = (hash >> 32) as u32;
        let like = self.tags.iter().fold(false, |any, t| any | (*t == tag));
        let found = like && self.is_near(hash, meta.ts_ns);
        self.tags[self.next] = tag;
        self.hashes[self.next] = hash;
        self.times[self.next] = Some(meta.ts_ns);
        self.next = (self.next + 1) % LOOK_BACK;
        found
    }

    fn is_near(&self, hash: u64, ts_ns: i64) -> bool {
        let near = |ts: &i64| ts_ns.abs_diff(*ts) <= self.window_ns.unsigned_abs();
        let known = self.hashes.iter().zip(&self.times);
        known
            .into_iter()
            .any(|(h, ts)| *h == hash && ts.as_ref().is_some_and(near))
    }
}
