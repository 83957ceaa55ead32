//! Variants of pcap.

use super::build::{Pcap, small_pcap};
use super::{place, read};
use crate::capture::{ByteOrder, End, Format, Resolution};

#[test]
fn pcap_variants() {
    let variants = [
        (0xa1b2_c3d4, Format::Pcap, 1_000, Resolution::MICROSECONDS),
        (
            0xa1b2_3c4d,
            Format::PcapNanoseconds,
            1,
            Resolution::NANOSECONDS,
        ),
        (
            0xa1b2_cd34,
            Format::PcapModified,
            1_000,
            Resolution::MICROSECONDS,
        ),
    ];
    for (magic, format, tick, resolution) in variants {
        for big in [false, true] {
            let mut file = Pcap::new(big, magic);
            file.zone = 3600;
            let file = file
                .packet((7, 5), b"abc")
                .raw((7, 4), (2, 60), b"de")
                .packet((9, 0), b"");
            let (packets, facts) = read(&file.bytes());
            assert_eq!(facts.format, format);
            assert_eq!(
                facts.byte_order,
                if big {
                    ByteOrder::Big
                } else {
                    ByteOrder::Little
                }
            );
            assert_eq!(facts.interfaces[0].resolution, resolution);
            assert_eq!(facts.end, Some(End::Complete));
            let data: Vec<&[u8]> = packets.iter().map(|(_, data)| data.as_slice()).collect();
            assert_eq!(data, [b"abc".as_slice(), b"de", b""]);
            let times: Vec<i64> = packets.iter().map(|(meta, _)| meta.ts_ns).collect();
            assert_eq!(
                times,
                [
                    7_000_000_000 + 5 * tick,
                    7_000_000_000 + 4 * tick,
                    9_000_000_000
                ]
            );
            let header = if format == Format::PcapModified {
                24
            } else {
                16
            };
            let (second, _) = packets[1];
            assert_eq!((second.number, second.offset), (2, 24 + header + 3));
            assert_eq!(
                (second.captured, second.original, second.link_type),
                (2, 60, 1)
            );
            assert!(second.timed);
            assert_eq!(
                (facts.captured_bytes, facts.wire_bytes, facts.snapped),
                (5, 63, 1)
            );
            assert_eq!(facts.disordered, 1);
            assert_eq!(facts.greatest_disorder_ns, tick.unsigned_abs());
            assert_eq!(
                (facts.first_ns, facts.min_ns),
                (Some(times[0]), Some(times[1]))
            );
            assert_eq!(
                (facts.last_ns, facts.max_ns),
                (Some(times[2]), Some(times[2]))
            );
            assert_eq!(facts.bytes, file.bytes().len() as u64);
        }
    }
}

#[test]
fn pcap_lengths_of_old_versions() {
    // Version, lengths as written, captured length.
    let cases = [
        ((2, 4), (3, 9), 3),
        ((2, 2), (9, 3), 3),
        ((2, 3), (3, 9), 3),
        ((2, 3), (9, 3), 3),
        ((543, 0), (9, 3), 3),
        ((1, 4), (3, 9), 3),
    ];
    for (version, lengths, captured) in cases {
        let mut file = Pcap::new(false, 0xa1b2_c3d4);
        file.version = version;
        let (packets, facts) = read(&file.raw((1, 1), lengths, b"xyz").bytes());
        assert_eq!(packets.len(), 1, "{version:?} {lengths:?}");
        assert_eq!(
            (packets[0].0.captured, packets[0].0.original),
            (captured, 9)
        );
        assert_eq!(facts.version, Some(version));
    }
}

#[test]
fn pcap_upper_bits_of_link_type() {
    for (network, link_type, fcs) in [(0x3000_0084, 132, None), (0x2400_0001, 1, Some(4))] {
        let mut file = Pcap::new(false, 0xa1b2_c3d4);
        file.network = network;
        let (packets, facts) = read(&file.packet((1, 1), b"x").bytes());
        assert_eq!(
            (packets[0].0.link_type, facts.interfaces[0].fcs_length),
            (link_type, fcs)
        );
    }
}

#[test]
fn pcap_absurd_length() {
    let mut bytes = small_pcap();
    let at = bytes.len() as u64;
    bytes.extend([0; 8]);
    bytes.extend(0xffff_fff0_u32.to_le_bytes());
    bytes.extend([0; 500]);
    let (packets, facts) = read(&bytes);
    assert_eq!(packets.len(), 3);
    let (how, packet, offset, what) = place(facts.end.as_ref());
    assert_eq!((how, packet, offset), ("damaged", 4, at));
    assert_eq!(
        what,
        "a packet of 4294967280 bytes, more than the 262144 that are possible"
    );
    let findings = facts.findings("x.pcap");
    assert_eq!(findings[0].code, "capture-damaged");
    assert_eq!(findings[0].subject.as_deref(), Some("x.pcap"));
    assert!(
        findings[0].message.contains("packet 4 (byte offset 187)"),
        "{}",
        findings[0].message
    );
}

#[test]
fn pcap_largest_packets() {
    for (network, length) in [(1, 262_144), (231, 16 << 20)] {
        let mut file = Pcap::new(false, 0xa1b2_c3d4);
        file.network = network;
        let mut file = file
            .packet((1, 1), &vec![5; length])
            .packet((2, 2), b"after");
        let (packets, facts) = read(&file.bytes());
        assert_eq!(
            (packets[0].1.len(), packets[1].1.as_slice()),
            (length, b"after".as_slice())
        );
        assert_eq!(facts.end, Some(End::Complete));
        file = file.packet((1, 1), &vec![5; length + 1]);
        let (packets, facts) = read(&file.bytes());
        assert_eq!((packets.len(), place(facts.end.as_ref()).0), (2, "damaged"));
    }
}

#[test]
fn pcap_empty_and_disordered_findings() {
    let (_, facts) = read(&Pcap::new(false, 0xa1b2_c3d4).bytes());
    assert_eq!(facts.findings("a")[0].code, "capture-empty");
    let file = Pcap::new(false, 0xa1b2_c3d4)
        .packet((5, 0), b"")
        .packet((3, 500_000), b"");
    let (_, facts) = read(&file.bytes());
    assert_eq!(facts.findings("a")[0].code, "capture-disordered");
    assert_eq!(
        facts.findings("a")[0].message,
        "1 packet earlier than the one before, by at most 1.5 s"
    );
}
