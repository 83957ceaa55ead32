//! Cut and damaged files of every kind: never a panic, and the packets before that place come out.

use super::build::{Ng, Noise, option, small_pcap};
use super::{place, read, try_read};
use crate::capture::End;

fn small_pcapng() -> Vec<u8> {
    let file = Ng::new(false)
        .interface(1, 0, &option(false, 9, &[9]))
        .packet(0, 1, b"first", &[]);
    let file = file
        .block(5, &[0; 12])
        .section(true, &option(true, 1, b"comment"));
    file.interface(1, 0, &option(true, 2, b"eth0"))
        .packet(0, 2, b"second one", &option(true, 1, b"!"))
        .block(3, &[0, 0, 0, 3, 1, 2, 3, 0])
        .packet(0, 3, &[7; 100], &[])
        .bytes
}

#[test]
fn cut_at_every_byte() {
    for file in [small_pcap(), small_pcapng()] {
        let (all, _) = read(&file);
        let mut ends: Vec<usize> = all
            .iter()
            .skip(1)
            .map(|(meta, _)| usize::try_from(meta.offset).unwrap())
            .collect();
        ends.push(file.len());
        for n in 4..=file.len() {
            let (packets, facts) = read(&file[..n]);
            // A packet is whole if the next one could begin before the cut. Other blocks lie
            // between some packets, so there may be one more.
            let whole = ends.iter().filter(|end| **end <= n).count();
            assert!(
                packets.len() == whole || packets.len() == whole + 1,
                "cut at {n}"
            );
            assert_eq!(packets, all[..packets.len()], "cut at {n}");
            match facts.end.unwrap() {
                End::Complete => assert!(file.len() == n || whole < all.len()),
                End::Cut { packet, offset, .. } => {
                    assert_eq!(packet, i64::try_from(packets.len()).unwrap() + 1);
                    assert!(offset < n as u64);
                }
                End::Damaged { what, .. } => panic!("cut at {n}: {what}"),
            }
        }
        for n in 1..4 {
            assert!(try_read(&file[..n]).is_err());
        }
    }
}

#[test]
fn cut_inside_of_a_packet() {
    let file = small_pcap();
    let (packets, facts) = read(&file[..file.len() - 1]);
    let (how, packet, offset, what) = place(facts.end.as_ref());
    assert_eq!((packets.len(), how, packet, offset), (2, "cut", 3, 71));
    assert_eq!(what, "99 of 100 bytes of a packet");
    let finding = &facts.findings("x")[0];
    assert_eq!(finding.code, "capture-cut");
    assert_eq!(
        finding.message,
        "cut at packet 3 (byte offset 71): 99 of 100 bytes of a packet. \
         2 packets before it could be read."
    );
}

#[test]
fn random_changes_never_panic() {
    let gzip = super::compression::gzip(&small_pcap());
    let lz4 = super::compression::lz4(&small_pcapng());
    let zstd = super::compression::zstd(&small_pcapng());
    let mut noise = Noise(0x5eed);
    for file in [small_pcap(), small_pcapng(), gzip, lz4, zstd] {
        for _ in 0..20_000 {
            let mut bytes = file.clone();
            for _ in 0..=noise.below(4) {
                let at = noise.below(bytes.len());
                bytes[at] = match noise.below(4) {
                    0 => 0,
                    1 => 0xff,
                    2 => bytes[at] ^ (1 << noise.below(8)),
                    _ => noise.below(256) as u8,
                };
            }
            if noise.below(8) == 0 {
                bytes.truncate(noise.below(bytes.len()) + 1);
            }
            if let Ok((packets, facts)) = try_read(&bytes) {
                for (meta, data) in &packets {
                    assert_eq!(meta.captured as usize, data.len());
                    assert!(meta.offset < i64::try_from(facts.bytes).unwrap());
                }
            }
        }
    }
}

#[test]
fn random_bytes_behind_a_header_never_panic() {
    let mut noise = Noise(0xcafe);
    for round in 0..5_000 {
        let mut bytes = if round % 2 == 0 {
            small_pcap()
        } else {
            Ng::new(round % 4 == 1).interface(1, 0, &[]).bytes
        };
        let kept = bytes.len();
        // Small numbers make blocks that could be.
        bytes.extend(
            (0..400).map(|_| (noise.below(256) & noise.below(256) & noise.below(256)) as u8),
        );
        let (_, facts) = read(&bytes);
        assert!(facts.bytes <= bytes.len() as u64 && kept > 0);
    }
}
