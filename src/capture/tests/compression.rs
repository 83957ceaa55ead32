//! gzip, zstd and lz4; and files that are no captures.

use std::io::{Cursor, Read, Write};
use std::path::Path;

use super::build::{Pcap, small_pcap};
use super::{place, read, try_read};
use crate::capture::{Compression, End, Reader};

pub(super) fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

pub(super) fn zstd(bytes: &[u8]) -> Vec<u8> {
    zstd::encode_all(bytes, 3).unwrap()
}

fn lz4_as(bytes: &[u8], mode: lz4_flex::frame::BlockMode, checksums: bool) -> Vec<u8> {
    let info = lz4_flex::frame::FrameInfo::new()
        .block_mode(mode)
        .block_size(lz4_flex::frame::BlockSize::Max64KB)
        .content_checksum(checksums)
        .block_checksums(checksums);
    let mut encoder = lz4_flex::frame::FrameEncoder::with_frame_info(info, Vec::new());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

pub(super) fn lz4(bytes: &[u8]) -> Vec<u8> {
    lz4_as(bytes, lz4_flex::frame::BlockMode::Linked, true)
}

fn lz4_independent(bytes: &[u8]) -> Vec<u8> {
    lz4_as(bytes, lz4_flex::frame::BlockMode::Independent, false)
}

type Encoder = fn(&[u8]) -> Vec<u8>;
const ENCODERS: [(Encoder, Compression); 4] = [
    (gzip, Compression::Gzip),
    (zstd, Compression::Zstd),
    (lz4, Compression::Lz4),
    (lz4_independent, Compression::Lz4),
];

/// Some 400 KB that can be compressed, but not to nothing.
fn large_pcap() -> Vec<u8> {
    let mut file = Pcap::new(false, 0xa1b2_c3d4);
    let mut noise = super::build::Noise(1);
    for i in 0..1_000 {
        let data: Vec<u8> = (0..400).map(|_| noise.below(20) as u8).collect();
        file = file.packet((i, i), &data);
    }
    file.bytes()
}

#[test]
fn compressed_in_one_piece_and_in_several() {
    let file = large_pcap();
    let (plain, _) = read(&file);
    for (encode, compression) in ENCODERS {
        for cut in [0, 10, 100_000, file.len()] {
            let (a, b) = file.split_at(cut);
            let packed = [encode(a), encode(b)].concat();
            let (packets, facts) = read(&packed);
            assert_eq!(packets, plain, "{compression} {cut}");
            assert_eq!(
                (facts.compression, &facts.end),
                (Some(compression), &Some(End::Complete))
            );
            assert_eq!(facts.bytes, file.len() as u64);
        }
    }
}

#[test]
fn compressed_and_cut() {
    let file = large_pcap();
    let (plain, _) = read(&file);
    for (encode, compression) in ENCODERS {
        let packed = encode(&file);
        let mut most = 0;
        for n in (1..60)
            .map(|i| packed.len() * i / 60)
            .chain(packed.len() - 12..packed.len())
        {
            let Ok((packets, facts)) = try_read(&packed[..n]) else {
                assert!(n < packed.len() / 2, "{compression}: nothing of {n} bytes");
                continue;
            };
            assert_eq!(packets, plain[..packets.len()]);
            assert_eq!(place(facts.end.as_ref()).0, "cut", "{compression} {n}");
            assert_eq!(
                place(facts.end.as_ref()).3,
                format!("the {compression} data break off")
            );
            most = packets.len();
        }
        // zstd has no end mark: its last block, of up to 128 KiB, is what is missing.
        let lost = if compression == Compression::Zstd {
            400
        } else {
            0
        };
        assert!(
            most >= 1_000 - lost,
            "{compression}: {most} packets, if only the end is missing"
        );
    }
}

#[test]
fn compressed_and_damaged() {
    let file = large_pcap();
    let (plain, _) = read(&file);
    // zstd without checksums cannot see every change; what it sees is damage.
    for (encode, compression) in [ENCODERS[0], ENCODERS[2]] {
        let mut packed = encode(&file);
        let middle = packed.len() / 2;
        packed[middle..middle + 16].fill(0xff);
        let (packets, facts) = read(&packed);
        assert_eq!(place(facts.end.as_ref()).0, "damaged", "{compression}");
        assert!(
            packets.len() > 200 && packets.len() < 700,
            "{compression} {}",
            packets.len()
        );
        assert_eq!(packets[..200], plain[..200]);
    }
    for (encode, compression) in ENCODERS {
        let packed = [encode(&file), b"garbage behind the end".to_vec()].concat();
        let (packets, facts) = read(&packed);
        assert_eq!(
            (packets.len(), place(facts.end.as_ref()).0),
            (1_000, "damaged"),
            "{compression}"
        );
    }
}

#[test]
fn zstd_and_lz4_frames_to_be_skipped() {
    let skip = b"\x53\x2a\x4d\x18\x03\0\0\0abc".to_vec();
    let file = small_pcap();
    let packed = [skip.clone(), zstd(&file)].concat();
    assert_eq!(read(&packed).0.len(), 3);
    let packed = [lz4(&file[..50]), skip, lz4(&file[50..])].concat();
    assert_eq!(read(&packed).0.len(), 3);
}

#[test]
fn no_capture() {
    let cases: Vec<(Vec<u8>, &str)> = vec![
        (
            vec![],
            "test: this is no capture: it is empty; expected pcap or pcapng",
        ),
        (
            b"\xfd7zXZ\0abc".to_vec(),
            "test: this is no capture: found xz-compressed data; expected",
        ),
        (
            gzip(b""),
            "test: this is no capture: it is empty inside of gzip; expected",
        ),
        (
            gzip(b"a,b,c\n"),
            "test: this is no capture: found text (CSV) inside of gzip; expected",
        ),
        (
            gzip(&zstd(&small_pcap())),
            "found zstd-compressed data inside of gzip",
        ),
        (
            gzip(&small_pcap())[..12].to_vec(),
            "nothing could be read: the gzip data break off",
        ),
        (
            b"\x0a\x0d\x0d\x0a\x1c\0\0\0MMMM\0\0\0\0".to_vec(),
            "the byte-order mark 1a2b3c4d is not at",
        ),
        (vec![0x0a, 0x0d], "found text; expected"),
    ];
    for (bytes, expected) in cases {
        let message = try_read(&bytes).unwrap_err().to_string();
        assert!(message.contains(expected), "{message}");
    }
    let folder = tempfile::tempdir().unwrap();
    let message = Reader::open(folder.path()).err().unwrap().to_string();
    assert!(message.contains("this is a folder"), "{message}");
    let message = Reader::open(&folder.path().join("nothing"))
        .err()
        .unwrap()
        .to_string();
    assert!(
        message.contains("cannot read this file: No such file"),
        "{message}"
    );
}

#[test]
fn a_window_beyond_the_limit_is_named() {
    // A frame header with a window of 2^27 bytes, and one raw block.
    let mut bytes = b"\x28\xb5\x2f\xfd\x00\x88".to_vec();
    bytes.extend([0x21, 0, 0, 1, 2, 3, 4]);
    let message = try_read(&bytes).unwrap_err().to_string();
    assert!(message.contains("zstd -d --long=31"), "{message}");
}

/// Gives a file byte by byte, with interruptions, and then fails.
struct Failing(Cursor<Vec<u8>>, u64);

impl Read for Failing {
    fn read(&mut self, room: &mut [u8]) -> std::io::Result<usize> {
        self.1 += 1;
        if self.1.is_multiple_of(3) {
            return Err(std::io::ErrorKind::Interrupted.into());
        }
        match self.0.read(&mut room[..1])? {
            0 => Err(std::io::Error::new(
                std::io::ErrorKind::UnexpectedEof,
                "the disk is gone",
            )),
            n => Ok(n),
        }
    }
}

#[test]
fn errors_of_the_system_are_kept() {
    for file in [
        small_pcap(),
        gzip(&small_pcap()),
        zstd(&small_pcap()),
        lz4(&small_pcap()),
    ] {
        let mut file = file;
        file.truncate(file.len() - 2);
        let input = Failing(Cursor::new(file), 0);
        let mut reader = match Reader::from_read(Path::new("x"), Box::new(input)) {
            Ok(reader) => reader,
            Err(error) => {
                // Some decoders want all of a small file before they give anything.
                assert!(error.to_string().contains("the disk is gone"), "{error}");
                continue;
            }
        };
        let error = loop {
            match reader.next() {
                Ok(Some(_)) => {}
                Ok(None) => panic!("an error was lost: {:?}", reader.facts().end),
                Err(error) => break error,
            }
        };
        assert!(error.to_string().starts_with("x: packet "), "{error}");
        assert!(error.to_string().contains("the disk is gone"), "{error}");
    }
}
