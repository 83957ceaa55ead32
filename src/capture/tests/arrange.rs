//! Packets put in order of time, and duplicates left out.

use std::fs;

use super::build::Pcap;
use crate::capture::{Arranged, Arrangement, Overlap, StreamReader, expand, order};

/// Seconds, microseconds and the one byte of each packet.
type Packet = (u32, u32, u8);

/// Number and byte of each packet that comes, and how many were left out.
fn arranged(packets: &[Packet], how: Arrangement) -> (Vec<(i64, u8)>, u64) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.pcap");
    let file = packets
        .iter()
        .fold(Pcap::new(false, 0xa1b2_c3d4), |file, (s, us, byte)| {
            file.packet((*s, *us), &[*byte])
        });
    fs::write(&path, file.bytes()).unwrap();
    let (files, _) = expand(&[path]).unwrap();
    let streams = order(None, &files, Overlap::Refuse).unwrap();
    let mut packets = Arranged::new(StreamReader::new(&streams[0]), how);
    let mut seen = Vec::new();
    while packets
        .next(&mut |_, meta, bytes| seen.push((meta.number, bytes[0])))
        .unwrap()
    {}
    (seen, packets.take_duplicates().0)
}

const DISORDERED: [Packet; 6] = [
    (1, 0, b'a'),
    (1, 30, b'c'),
    (1, 20, b'b'),
    (1, 30, b'd'),
    (9, 0, b'e'),
    (2, 0, b'f'),
];

#[test]
fn without_a_window_packets_come_as_they_are() {
    let (seen, dropped) = arranged(&DISORDERED, Arrangement::default());
    assert_eq!(
        seen.iter().map(|p| p.0).collect::<Vec<_>>(),
        [1, 2, 3, 4, 5, 6]
    );
    assert_eq!(dropped, 0);
}

/// Within the window by time, of equal times as they were; beyond it they stay where they are. The
/// numbers are those of the file.
#[test]
fn packets_are_put_in_order_within_the_window() {
    let how = |ns| Arrangement {
        reorder_ns: Some(ns),
        ..Arrangement::default()
    };
    let (seen, _) = arranged(&DISORDERED, how(10_000));
    let expected = [
        (1, b'a'),
        (3, b'b'),
        (2, b'c'),
        (4, b'd'),
        (5, b'e'),
        (6, b'f'),
    ];
    assert_eq!(seen, [&expected[..4], &[expected[5], expected[4]]].concat());
    // What comes later than the window allows goes on out of order.
    let late = [(1, 0, b'a'), (5, 0, b'b'), (9, 0, b'c'), (2, 0, b'd')];
    let (seen, _) = arranged(&late, how(1_000_000_000));
    assert_eq!(seen, [(1, b'a'), (2, b'b'), (4, b'd'), (3, b'c')]);
}

#[test]
fn duplicates_are_left_out_within_the_window() {
    let packets = [
        (1, 0, b'a'),
        (1, 100, b'b'),
        (1, 400, b'a'),
        (1, 1000, b'a'),
        (1, 1001, b'b'),
    ];
    let how = Arrangement {
        drop_duplicates_ns: Some(500_000),
        ..Arrangement::default()
    };
    let (seen, dropped) = arranged(&packets, how);
    // The fourth is 0.6 ms after the third.
    assert_eq!(seen, [(1, b'a'), (2, b'b'), (4, b'a'), (5, b'b')]);
    assert_eq!(dropped, 1);
}
