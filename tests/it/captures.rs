//! All captures of the public test suites: no panic, the right number of packets, counts that add
//! up.

use std::path::Path;

use netcap::capture::{Overlap, order};
use netcap::engine::{InputFile, Options, Progress, Selection, Source, decode};
use netcap::flow::Policy;

use crate::support::captures;

struct Silent;

impl Progress for Silent {
    fn advance(&self, _: u64, _: u64) {}
}

fn options(threads: usize) -> Options {
    Options {
        tables: Selection::all(),
        policy: Policy::default(),
        arrangement: netcap::capture::Arrangement::default(),
        first_packets: 20,
        time: None,
        head: None,
        hashed: true,
        threads,
    }
}

#[test]
fn all_captures_are_decoded() {
    let Some(folder) = captures() else { return };
    let mut manifest = csv::Reader::from_path(folder.join("MANIFEST.csv")).unwrap();
    let (mut files, mut refused) = (0, 0);
    for record in manifest.deserialize::<std::collections::HashMap<String, String>>() {
        let record = record.unwrap();
        let (file, packets) = (&record["file"], &record["packets"]);
        let path = folder.join(file);
        let out = tempfile::tempdir().unwrap();
        let stream = order(None, std::slice::from_ref(&path), Overlap::Refuse)
            .unwrap()
            .remove(0);
        let input = InputFile {
            name: file.clone(),
            sha256: None,
            bytes: None,
        };
        let source = Source {
            stream,
            files: vec![input],
        };
        let unsupported = [".xz", ".erf", ".snoop"].iter().any(|e| file.contains(e))
            || record["format"] == "snoop";
        match decode(&[source], out.path(), &options(2), &Silent) {
            Ok(made) => {
                let counts = made.counts;
                assert_eq!(counts.read.to_string(), *packets, "{file}");
                let sum = counts.decoded + counts.truncated + counts.malformed + counts.skipped;
                assert_eq!(counts.read, sum + counts.filtered, "{file}");
                assert_eq!(made.tables["packet"].rows, counts.read, "{file}");
                assert_eq!(made.tables["capture"].rows, 1, "{file}");
                files += 1;
            }
            Err(error) => {
                assert!(unsupported, "{file}: {error}");
                refused += 1;
            }
        }
    }
    println!("{files} captures decoded, {refused} of unsupported formats refused");
    assert!(files > 500);
}

/// Streams: a capture split into files gives the same flows as the whole.
#[test]
fn split_capture_has_the_same_flows() {
    let whole = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/lab/quickstart.pcapng");
    let parts = tempfile::tempdir().unwrap();
    let mut reader = netcap::capture::Reader::open(&whole).unwrap();
    let mut files: Vec<Vec<u8>> = Vec::new();
    let mut n = 0;
    while let Some((meta, bytes)) = reader.next().unwrap() {
        if n % 1000 == 0 {
            // A little-endian pcap of nanoseconds.
            let mut header = 0xa1b2_3c4d_u32.to_le_bytes().to_vec();
            header.extend([2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 4, 0, 1, 0, 0, 0]);
            files.push(header);
        }
        n += 1;
        let file = files.last_mut().unwrap();
        let seconds = u32::try_from(meta.ts_ns / 1_000_000_000).unwrap();
        let rest = u32::try_from(meta.ts_ns % 1_000_000_000).unwrap();
        for number in [seconds, rest, meta.captured, meta.original] {
            file.extend(number.to_le_bytes());
        }
        file.extend(bytes);
    }
    for (i, bytes) in files.iter().enumerate() {
        std::fs::write(parts.path().join(format!("part{i}.pcap")), bytes).unwrap();
    }
    let uids = |paths: &[std::path::PathBuf]| {
        let stream = order(None, paths, Overlap::Refuse).unwrap().remove(0);
        let files = stream.files.iter().map(|f| InputFile {
            name: f.path.display().to_string(),
            sha256: None,
            bytes: None,
        });
        let source = Source {
            files: files.collect(),
            stream,
        };
        let out = tempfile::tempdir().unwrap();
        decode(&[source], out.path(), &options(2), &Silent).unwrap();
        let layout = netcap::output::Layout::plain(&netcap_proto::FLOW);
        let mut rows = Vec::new();
        for batch in netcap::output::read_table(&out.path().join("flow"), &layout).unwrap() {
            let batch = batch.unwrap();
            let text = |name: &str, row| {
                let column = batch.column_by_name(name).unwrap();
                arrow::util::display::array_value_to_string(column, row).unwrap()
            };
            for row in 0..batch.num_rows() {
                let names = [
                    "flow_uid",
                    "packets",
                    "wire_bytes",
                    "duration_ns",
                    "end_reason",
                ];
                rows.push(names.map(|name| text(name, row)));
            }
        }
        rows.sort();
        rows
    };
    let (mut split, _) = netcap::capture::expand(&[parts.path().to_path_buf()]).unwrap();
    split.reverse(); // their own order decides, not that of the arguments
    assert_eq!(uids(&split), uids(&[whole]));
}
