//! Any bytes as a capture file, read to the end: pcap, pcapng, and both in gzip, zstd or lz4.
//!
//! What the reader says of the file must be what its packets add up to, and must not depend on how
//! the bytes arrive.

#![no_main]

use std::io::{Cursor, Read, Write};
use std::path::Path;

use libfuzzer_sys::fuzz_target;
use netcap::capture::{Compression, End, FileFacts, PacketMeta, Reader};

/// Larger inputs are not compressed and not given in pieces, which would take most of the time.
const SMALL: usize = 4 << 10;

fuzz_target!(|data: &[u8]| {
    let Some(plain) = read(Box::new(Cursor::new(data.to_vec()))) else {
        return;
    };
    if data.len() > SMALL || plain.facts.compression.is_some() {
        return;
    }
    // One of them each time, by something that changes easily.
    let (compression, file) = match data.len() % 4 {
        0 => (Some(Compression::Gzip), gzip(data)),
        1 => (
            Some(Compression::Zstd),
            zstd::encode_all(data, 1).expect("memory has no errors"),
        ),
        2 => (Some(Compression::Lz4), lz4(data)),
        _ => {
            let again = read(Box::new(Pieces {
                data: data.to_vec(),
                at: 0,
            }));
            assert_same(&plain, &again.expect("it was a capture in one piece"));
            return;
        }
    };
    let packed = read(Box::new(Cursor::new(file))).expect("it was a capture without compression");
    assert_eq!(packed.facts.compression, compression);
    assert_same(&plain, &packed);
});

struct File {
    packets: Vec<(PacketMeta, Vec<u8>)>,
    facts: FileFacts,
}

/// Everything in a file; `None` if it is no capture.
fn read(input: Box<dyn Read + Send>) -> Option<File> {
    let mut reader = Reader::from_read(Path::new("input"), input).ok()?;
    let mut packets = Vec::new();
    let mut sums = Sums::default();
    // An error is one of the operating system, and memory has none.
    while let Some((meta, bytes)) = reader.next().expect("memory has no errors") {
        let meta = *meta;
        sums.add(&meta, bytes);
        packets.push((meta, bytes.to_vec()));
        let interface = &reader.facts().interfaces[meta.interface as usize];
        assert_eq!(interface.link_type, meta.link_type);
    }
    assert!(
        reader.next().expect("memory has no errors").is_none(),
        "the end is final"
    );
    let facts = reader.into_facts();
    sums.check(&facts);
    for finding in facts.findings("input") {
        assert!(!finding.message.is_empty() && !finding.code.is_empty());
    }
    Some(File { packets, facts })
}

/// What the packets add up to.
#[derive(Default)]
struct Sums {
    packets: i64,
    captured: u64,
    wire: u64,
    snapped: u64,
    untimed: u64,
    disordered: u64,
    first: Option<i64>,
    last: Option<i64>,
    least: Option<i64>,
    greatest: Option<i64>,
    /// Byte offset of the last packet.
    offset: i64,
}

impl Sums {
    fn add(&mut self, meta: &PacketMeta, bytes: &[u8]) {
        self.packets += 1;
        assert_eq!(meta.number, self.packets, "packets count from 1");
        assert_eq!(meta.captured as usize, bytes.len());
        assert!(
            meta.offset > self.offset,
            "packets lie behind one another, and behind a header"
        );
        self.offset = meta.offset;
        self.captured += u64::from(meta.captured);
        self.wire += u64::from(meta.original);
        self.snapped += u64::from(meta.captured < meta.original);
        if !meta.timed {
            assert_eq!(meta.ts_ns, 0);
            self.untimed += 1;
            return;
        }
        let ts = meta.ts_ns;
        self.disordered += u64::from(self.last.is_some_and(|last| ts < last));
        self.first = self.first.or(Some(ts));
        self.last = Some(ts);
        self.least = Some(self.least.map_or(ts, |t| t.min(ts)));
        self.greatest = Some(self.greatest.map_or(ts, |t| t.max(ts)));
    }

    fn check(&self, facts: &FileFacts) {
        assert_eq!(facts.packets, self.packets);
        assert_eq!(facts.captured_bytes, self.captured);
        assert_eq!(facts.wire_bytes, self.wire);
        assert_eq!(facts.snapped, self.snapped);
        assert_eq!(facts.untimed, self.untimed);
        assert_eq!(facts.disordered, self.disordered);
        assert_eq!(facts.first_ns, self.first);
        assert_eq!(facts.last_ns, self.last);
        assert_eq!(facts.min_ns, self.least);
        assert_eq!(facts.max_ns, self.greatest);
        let bytes = i64::try_from(facts.bytes).expect("a file of less than 2^63 bytes");
        assert!(
            self.packets == 0 || self.offset < bytes,
            "packets lie in the file"
        );
        match facts.end.as_ref().expect("it was read to the end") {
            End::Complete => {}
            End::Cut {
                packet,
                offset,
                what,
            }
            | End::Damaged {
                packet,
                offset,
                what,
            } => {
                assert_eq!(*packet, self.packets + 1);
                assert!(*offset <= facts.bytes && !what.is_empty());
                assert!(self.packets == 0 || i64::try_from(*offset).is_ok_and(|o| o > self.offset));
            }
        }
    }
}

fn assert_same(one: &File, other: &File) {
    assert_eq!(one.packets, other.packets);
    let text = |facts: &FileFacts| {
        format!(
            "{:?}",
            FileFacts {
                compression: None,
                ..facts.clone()
            }
        )
    };
    assert_eq!(text(&one.facts), text(&other.facts));
}

/// Gives one to seven bytes at a time.
struct Pieces {
    data: Vec<u8>,
    at: usize,
}

impl Read for Pieces {
    fn read(&mut self, room: &mut [u8]) -> std::io::Result<usize> {
        let mut rest = &self.data[self.at..];
        let most = room.len().min(1 + self.at % 7);
        let n = rest.read(&mut room[..most])?;
        self.at += n;
        Ok(n)
    }
}

fn gzip(data: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder
        .write_all(data)
        .and_then(|()| encoder.finish())
        .expect("memory has no errors")
}

fn lz4(data: &[u8]) -> Vec<u8> {
    let mut encoder = lz4_flex::frame::FrameEncoder::new(Vec::new());
    encoder.write_all(data).expect("memory has no errors");
    encoder.finish().expect("memory has no errors")
}
