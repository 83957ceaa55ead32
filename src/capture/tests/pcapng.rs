//! Blocks of pcapng.

use super::build::{Ng, option, u16, u32};
use super::{place, read};
use crate::capture::{ByteOrder, End, Resolution};

#[test]
fn pcapng_sections_of_both_orders() {
    let comment = |big| option(big, 1, b"a comment");
    let mut file = Ng::default();
    for big in [false, true, false] {
        file = file.section(big, &comment(big));
        file = file.interface(1, 96, &option(big, 2, b"eth0\0"));
        file = file.interface(101, 0, &option(big, 3, "für".as_bytes()));
        file = file.packet(1, 1_000_001, b"one", &[]);
        let options = [
            comment(big),
            option(big, 2, &[0; 4]),
            comment(big),
            vec![0; 4],
        ]
        .concat();
        file = file.packet(0, 3_000_000, b"other", &options);
    }
    let (packets, facts) = read(&file.bytes);
    assert_eq!(packets.len(), 6);
    assert_eq!(facts.end, Some(End::Complete));
    assert_eq!(
        (facts.sections, facts.byte_order, facts.comments),
        (3, ByteOrder::Mixed, 9)
    );
    assert_eq!(facts.version, Some((1, 0)));
    let interfaces: Vec<u32> = packets.iter().map(|(meta, _)| meta.interface).collect();
    assert_eq!(interfaces, [1, 0, 3, 2, 5, 4]);
    for (i, (meta, data)) in packets.iter().enumerate() {
        let (link_type, ts_ns, bytes) = if i % 2 == 0 {
            (101, 1_000_001_000, b"one".as_slice())
        } else {
            (1, 3_000_000_000, b"other".as_slice())
        };
        assert_eq!(
            (meta.link_type, meta.ts_ns, data.as_slice()),
            (link_type, ts_ns, bytes)
        );
        assert_eq!(
            facts.interfaces[meta.interface as usize].link_type,
            link_type
        );
    }
    assert_eq!(facts.interfaces[2].name.as_deref(), Some("eth0"));
    assert_eq!(facts.interfaces[1].description.as_deref(), Some("für"));
    assert_eq!(facts.snap_length(), 0);
    assert_eq!(facts.bytes, file.bytes.len() as u64);
}

#[test]
fn pcapng_times() {
    for big in [false, true] {
        let offset = |seconds: i64| {
            let bytes = if big {
                seconds.to_be_bytes()
            } else {
                seconds.to_le_bytes()
            };
            option(big, 14, &bytes)
        };
        let ticks = |resolution: u8| option(big, 9, &[resolution]);
        let file = Ng::new(big)
            .interface(1, 0, &ticks(9))
            .interface(1, 0, &[ticks(0x80 | 20), offset(-100)].concat())
            .interface(1, 0, &[ticks(3), offset(1_000)].concat())
            .interface(1, 0, &[ticks(0), offset(i64::MAX)].concat())
            .packet(0, 1_600_000_000_123_456_789, b"a", &[])
            .packet(1, 3_670_016, b"b", &[])
            .packet(2, 1_001, b"c", &[])
            .packet(3, u64::MAX, b"d", &[]);
        let (packets, facts) = read(&file.bytes);
        let times: Vec<i64> = packets.iter().map(|(meta, _)| meta.ts_ns).collect();
        assert_eq!(
            times,
            [
                1_600_000_000_123_456_789,
                -96_500_000_000,
                1_001_001_000_000,
                i64::MAX
            ]
        );
        assert_eq!(facts.interfaces[1].resolution, Resolution(0x94));
        assert_eq!(facts.interfaces[1].offset_s, -100);
    }
}

#[test]
fn pcapng_simple_and_obsolete_packets() {
    for big in [false, true] {
        let mut spb = u32(big, 100).to_vec();
        spb.extend([9; 64]);
        let mut file = Ng::new(big)
            .interface(1, 64, &[])
            .interface(113, 0, &[])
            .block(3, &spb);
        let first = [u16(big, 1), u16(big, 0xffff)].concat();
        let body = file.packet_body(first.first_chunk().unwrap(), 5, b"obsolete", &[]);
        file = file
            .block(2, &body)
            .block(3, &[u32(big, 3), *b"abc\0"].concat());
        let (packets, facts) = read(&file.bytes);
        let (simple, data) = &packets[0];
        assert_eq!(
            (simple.captured, simple.original, data.len()),
            (64, 100, 64)
        );
        assert_eq!(
            (simple.timed, simple.ts_ns, simple.interface),
            (false, 0, 0)
        );
        let (obsolete, data) = &packets[1];
        assert_eq!(
            (obsolete.interface, obsolete.link_type, obsolete.ts_ns),
            (1, 113, 5_000)
        );
        assert_eq!(data, b"obsolete");
        assert_eq!(packets[2].1, b"abc");
        assert_eq!(
            (facts.untimed, facts.first_ns, facts.disordered),
            (2, Some(5_000), 0)
        );
        assert_eq!(facts.findings("a")[0].code, "capture-untimed");
    }
}

#[test]
fn pcapng_other_blocks_are_counted() {
    for big in [false, true] {
        let comment = option(big, 1, b"c");
        let records = [
            option(big, 1, b"\x01\x02\x03\x04name\0"),
            vec![0; 4],
            comment.clone(),
        ];
        let secrets = [
            u32(big, 0x544c_534b).to_vec(),
            u32(big, 3).to_vec(),
            b"abc\0".to_vec(),
        ];
        let file = Ng::new(big)
            .interface(1, 0, &comment)
            .block(4, &records.concat())
            .block(10, &[secrets.concat(), comment.clone()].concat())
            .block(5, &[vec![0; 12], comment.clone()].concat())
            .block(0x0bad, &[1; 9])
            .block(0x8000_0001, &[])
            // Too large to be worth holding.
            .block(10, &vec![1; 3 << 20])
            .packet(0, 1, b"x", &[]);
        let (packets, facts) = read(&file.bytes);
        assert_eq!((packets.len(), facts.end), (1, Some(End::Complete)));
        assert_eq!((facts.name_resolutions, facts.decryption_secrets), (1, 2));
        assert_eq!((facts.interface_statistics, facts.other_blocks), (1, 2));
        assert_eq!(facts.comments, 4);
        assert_eq!(
            packets[0].0.offset,
            i64::try_from(file.bytes.len()).unwrap() - 36
        );
    }
}

#[test]
fn pcapng_damage() {
    let good = || {
        Ng::new(false)
            .interface(1, 0, &[])
            .packet(0, 1, b"good", &[])
    };
    let at = good().bytes.len() as u64;
    let lying = |captured: u32| {
        let mut body = good().packet_body(&[0; 4], 1, b"abcd", &[]);
        body[12..16].copy_from_slice(&captured.to_le_bytes());
        good().block(6, &body)
    };
    let mut short = good();
    short.bytes.extend([6, 0, 0, 0, 8, 0, 0, 0, 8, 0, 0, 0]);
    let mut huge = good();
    huge.bytes.extend([6, 0, 0, 0, 0, 0, 0, 0x7f, 0, 0, 0, 0]);
    let mut no_mark = good();
    no_mark.bytes.extend(b"\x0a\x0d\x0d\x0a\x1c\0\0\0abcdefgh");
    let mut wrong_end = good().packet(0, 1, b"more", &[]);
    let last = wrong_end.bytes.len() - 4;
    wrong_end.bytes[last..].copy_from_slice(&[1, 2, 3, 4]);
    wrong_end.bytes.extend([0xaa; 40]);
    let cases = [
        (
            good().packet(1, 1, b"", &[]),
            "a packet of interface 1, where the section has described 1",
        ),
        (
            lying(5),
            "a packet of 5 bytes, more than the 4 that are possible",
        ),
        (
            lying(u32::MAX),
            "a packet of 4294967295 bytes, more than the 4 that are possible",
        ),
        (
            short,
            "an enhanced packet block with a length of 8 bytes, which cannot be",
        ),
        (
            huge,
            "an enhanced packet block with a length of 2130706432 bytes, which cannot be",
        ),
        (no_mark, "a section header without a byte-order mark"),
        (
            good().block(6, &[0; 8]),
            "an enhanced packet block without a whole header",
        ),
        (
            good().block(3, &[9, 0, 0, 0, 1, 2, 3, 4]),
            "a packet of 9 bytes in a simple packet block with room for 4",
        ),
        (
            good().block(1, &[1, 0, 0, 0]),
            "an interface description that is too short",
        ),
        (
            wrong_end,
            "an enhanced packet block whose lengths in front and behind differ, and nothing sensible follows it",
        ),
    ];
    for (file, expected) in cases {
        let (packets, facts) = read(&file.bytes);
        let (how, packet, offset, what) = place(facts.end.as_ref());
        assert_eq!(
            (packets.len(), how, packet, offset, what),
            (1, "damaged", 2, at, expected)
        );
    }
}

#[test]
fn pcapng_wrong_length_behind_a_good_block() {
    let mut file = Ng::new(false)
        .interface(1, 0, &[])
        .packet(0, 1, b"good", &[]);
    let last = file.bytes.len() - 4;
    file.bytes[last..].copy_from_slice(b"0000");
    let (packets, facts) = read(&file.packet(0, 1, b"next", &[]).bytes);
    assert_eq!(
        (packets.len(), facts.odd_lengths, facts.end.as_ref()),
        (2, 1, Some(&End::Complete))
    );
    assert_eq!(facts.findings("a")[0].code, "capture-irregular");
}
