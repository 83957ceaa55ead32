//! Several files: folders, order, overlaps, merging.

use std::fs;
use std::path::{Path, PathBuf};

use super::build::{Ng, Pcap};
use crate::capture::{FileHash, Overlap, Stream, StreamFile, StreamReader, expand, order};
use crate::error::Severity;

fn write(folder: &Path, name: &str, bytes: &[u8]) -> PathBuf {
    let path = folder.join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(&path, bytes).unwrap();
    path
}

/// A capture with packets at these seconds; their one byte is `mark`.
fn at(seconds: &[u32], mark: u8) -> Vec<u8> {
    let file = Pcap::new(false, 0xa1b2_c3d4);
    seconds
        .iter()
        .fold(file, |file, s| file.packet((*s, 0), &[mark]))
        .bytes()
}

/// (file, number, byte, seconds) of each packet.
fn all(stream: &Stream) -> Vec<(usize, i64, u8, i64)> {
    let mut reader = StreamReader::new(stream);
    let mut packets = Vec::new();
    while let Some((file, meta, data)) = reader.next().unwrap() {
        packets.push((file, meta.number, data[0], meta.ts_ns / 1_000_000_000));
    }
    assert!(reader.next().unwrap().is_none());
    for i in 0..stream.files.len() {
        assert!(reader.facts(i).unwrap().end.is_some());
    }
    packets
}

fn names(stream: &Stream) -> Vec<String> {
    let name = |path: &Path| path.file_name().unwrap().to_string_lossy().into_owned();
    stream.files.iter().map(|file| name(&file.path)).collect()
}

#[test]
fn expand_a_folder() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    let b = write(root, "b.pcap", &at(&[1], 1));
    let a = write(root, "sub/a.bin", &at(&[2], 2));
    write(root, ".hidden.pcap", &at(&[3], 3));
    write(root, ".git/c.pcap", &at(&[3], 3));
    write(root, "README.md", b"about the captures");
    write(root, "old.xz", b"\xfd7zXZ\0");
    write(root, "empty.pcap", b"");
    let (files, findings) = expand(&[root.to_path_buf(), b.clone()]).unwrap();
    assert_eq!(files, [b, a]);
    let found: Vec<_> = findings
        .iter()
        .map(|f| {
            let subject = Path::new(f.subject.as_deref().unwrap());
            (
                subject.file_name().unwrap().to_str().unwrap(),
                f.code.as_str(),
                f.severity,
            )
        })
        .collect();
    assert_eq!(
        found,
        [
            ("README.md", "input-skipped", Severity::Information),
            ("empty.pcap", "input-skipped", Severity::Warning),
            ("old.xz", "input-skipped", Severity::Warning),
            ("b.pcap", "input-repeated", Severity::Information),
        ]
    );
    assert!(
        findings[2]
            .message
            .starts_with("this is no capture: found xz"),
        "{findings:?}"
    );
    assert!(findings[2].message.contains("xz -dk"), "{findings:?}");
}

#[test]
fn expand_errors() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), "a.txt", b"text");
    let message = expand(&[folder.path().to_path_buf()])
        .unwrap_err()
        .to_string();
    assert!(
        message.contains("no capture is in this folder"),
        "{message}"
    );
    assert!(expand(&[folder.path().join("nothing")]).is_err());
    assert_eq!(expand(&["-".into()]).unwrap().0, [PathBuf::from("-")]);
}

#[test]
fn order_by_first_packet() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    let files = [
        write(root, "a.pcap", &at(&[30, 40], 1)),
        write(root, "c.pcap", &at(&[10, 20], 2)),
        write(root, "b.pcap", &at(&[20, 30], 3)),
        write(root, "e.pcap", &at(&[], 4)),
        write(root, "d.pcap", &at(&[40], 5)),
    ];
    for overlap in [Overlap::Refuse, Overlap::Merge, Overlap::Separate] {
        let streams = order(Some("x"), &files, overlap).unwrap();
        assert_eq!(streams.len(), 1);
        assert_eq!(streams[0].name.as_deref(), Some("x"));
        assert!(!streams[0].merge);
        assert_eq!(
            names(&streams[0]),
            ["e.pcap", "c.pcap", "b.pcap", "a.pcap", "d.pcap"]
        );
        let packets = all(&streams[0]);
        assert_eq!(packets[0], (1, 1, 2, 10));
        assert_eq!(
            packets.iter().map(|p| p.3).collect::<Vec<_>>(),
            [10, 20, 20, 30, 30, 40, 40]
        );
    }
}

#[test]
fn overlapping_files() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    // b's packet at 12 comes after its packet at 15: merged, it stays there.
    let files = [
        write(root, "b.pcap", &at(&[11, 15, 12, 20], b'b')),
        write(root, "a.pcap", &at(&[10, 15, 15, 16], b'a')),
        write(root, "c.pcap", &at(&[30], b'c')),
    ];
    let message = order(None, &files, Overlap::Refuse)
        .unwrap_err()
        .to_string();
    assert!(
        message.contains("1970-01-01T00:00:10Z to 1970-01-01T00:00:16Z"),
        "{message}"
    );
    assert!(message.contains("5 s in common"), "{message}");
    assert!(
        message.contains("`merge`") && message.contains("`separate`"),
        "{message}"
    );
    assert!(!message.contains("c.pcap"), "{message}");

    let streams = order(None, &files, Overlap::Merge).unwrap();
    assert!(streams[0].merge && streams.len() == 1);
    let marks: Vec<(u8, i64)> = all(&streams[0]).iter().map(|p| (p.2, p.3)).collect();
    let expected = [
        (b'a', 10),
        (b'b', 11),
        (b'a', 15),
        (b'a', 15),
        (b'b', 15),
        (b'b', 12),
        (b'a', 16),
        (b'b', 20),
        (b'c', 30),
    ];
    assert_eq!(marks, expected);

    let streams = order(None, &files, Overlap::Separate).unwrap();
    let called: Vec<_> = streams.iter().map(|s| s.name.clone().unwrap()).collect();
    assert_eq!(called, ["a.pcap", "b.pcap", "c.pcap"]);
    assert_eq!(all(&streams[1]).len(), 4);
}

#[test]
fn merged_packets_without_time() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    let file = Ng::new(false)
        .interface(1, 0, &[])
        .packet(0, 5_000_000, b"x", &[]);
    let file = file
        .block(3, &[1, 0, 0, 0, b'y', 0, 0, 0])
        .packet(0, 9_000_000, b"z", &[]);
    let files = [
        write(root, "n.pcapng", &file.bytes),
        write(root, "p.pcap", &at(&[6, 7], b'p')),
    ];
    let streams = order(None, &files, Overlap::Merge).unwrap();
    let packets = all(&streams[0]);
    let expected = [
        (0, 1, b'x', 5),
        (0, 2, b'y', 0),
        (1, 1, b'p', 6),
        (1, 2, b'p', 7),
        (0, 3, b'z', 9),
    ];
    assert_eq!(packets, expected);
}

#[test]
fn findings_of_a_stream() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    let mut cut = at(&[50, 60], 1);
    cut.pop();
    let files = [
        write(root, "a.pcap", &cut),
        write(root, "b.pcap", &at(&[1], 1)),
    ];
    let streams = order(None, &files, Overlap::Refuse).unwrap();
    let mut reader = StreamReader::new(&streams[0]);
    while reader.next().unwrap().is_some() {}
    let findings = reader.findings();
    assert_eq!(findings.len(), 1);
    assert_eq!(findings[0].code, "capture-cut");
    assert!(findings[0].subject.as_deref().unwrap().ends_with("a.pcap"));
    assert_eq!(reader.paths().count(), 2);
}

#[test]
fn standard_input_is_alone() {
    let folder = tempfile::tempdir().unwrap();
    let a = write(folder.path(), "a.pcap", &at(&[1], 1));
    assert!(order(None, &["-".into()], Overlap::Refuse).is_ok());
    let message = order(None, &["-".into(), a], Overlap::Refuse)
        .unwrap_err()
        .to_string();
    assert!(message.contains("give it alone"), "{message}");
}

/// Of what is packed, cut, behind the damage, not asked for and not begun, too.
#[test]
fn files_are_hashed_while_they_are_read() {
    use sha2::{Digest, Sha256};
    let folder = tempfile::tempdir().unwrap();
    let many: Vec<u32> = (0..5_000).collect();
    let cut = at(&many, 3);
    let mut damaged = at(&[9_000, 9_001], 4);
    damaged[24 + 8..24 + 12].fill(0xff);
    damaged.resize(3 << 20, 7);
    let contents = [
        at(&many, 1),
        super::compression::gzip(&at(&many, 2)),
        super::compression::zstd(&at(&many, 2)),
        super::compression::lz4(&at(&many, 2)),
        cut[..cut.len() - 7].to_vec(),
        damaged,
        at(&[10_000], 5),
    ];
    let file = |(i, bytes): (usize, &Vec<u8>)| StreamFile {
        path: write(folder.path(), &format!("{i}.pcap"), bytes),
        facts: None,
        // One is known already.
        hash: i != 3,
    };
    let mut stream = Stream {
        name: None,
        files: contents.iter().enumerate().map(file).collect(),
        merge: false,
    };
    for (merge, packets) in [
        (false, 0),
        (false, 1),
        (false, 7_000),
        (false, usize::MAX),
        (true, 100),
        (true, usize::MAX),
    ] {
        stream.merge = merge;
        let mut reader = StreamReader::new(&stream);
        let mut read = 0;
        while read < packets && reader.next().unwrap().is_some() {
            read += 1;
        }
        let hashes = reader.finish_hashes().unwrap();
        assert_eq!(hashes.len(), contents.len());
        for (i, (hash, bytes)) in hashes.iter().zip(&contents).enumerate() {
            let expected = (i != 3).then(|| FileHash {
                bytes: bytes.len() as u64,
                sha256: Sha256::digest(bytes).into(),
            });
            assert_eq!(*hash, expected, "file {i}, {packets} packets");
        }
    }
}
