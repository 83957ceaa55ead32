//! All shared captures: the packets that MANIFEST.csv counts, at the times that it gives.
//!
//! They lie outside of the repository: where `NETCAP_CAPTURES` says, or beside it.

use std::path::{Path, PathBuf};

use crate::capture::{FileFacts, Reader};

/// Formats that netcap names and refuses.
const UNSUPPORTED: &[&str] = &["pcap in xz", "erf", "snoop"];

fn folder() -> Option<PathBuf> {
    let folder = std::env::var_os("NETCAP_CAPTURES").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/captures"),
        PathBuf::from,
    );
    folder.join("MANIFEST.csv").is_file().then_some(folder)
}

/// The fields of a line; quotes stand around fields with commas.
fn fields(line: &str) -> Vec<String> {
    let mut fields = vec![String::new()];
    let mut quoted = false;
    for c in line.chars() {
        match c {
            '"' => quoted = !quoted,
            ',' if !quoted => fields.push(String::new()),
            c => fields.last_mut().unwrap().push(c),
        }
    }
    fields
}

fn read(path: &Path) -> Result<FileFacts, String> {
    let mut reader = Reader::open(path).map_err(|e| e.to_string())?;
    while reader.advance().map_err(|e| e.to_string())? {
        let meta = reader.meta();
        assert_eq!(meta.captured as usize, reader.data().len());
        assert_eq!(
            reader.facts().interfaces[meta.interface as usize].link_type,
            meta.link_type
        );
    }
    Ok(reader.into_facts())
}

/// What differs, for a person.
fn differences(facts: &FileFacts, packets: &str, times: [&str; 2], overflow: bool) -> Vec<String> {
    let mut differences = Vec::new();
    if facts.packets.to_string() != packets {
        differences.push(format!(
            "{} packets, not {packets} ({:?})",
            facts.packets, facts.end
        ));
    }
    // The manifest's first and last are the earliest and the latest, with more or fewer digits.
    for (mine, theirs) in [facts.min_ns, facts.max_ns].into_iter().zip(times) {
        let Ok(seconds) = theirs.parse::<f64>() else {
            continue;
        };
        let digits = theirs
            .split_once('.')
            .map_or(0, |(_, fraction)| fraction.len());
        // Seven digits are more than a second of microseconds in one packet, as it is printed by a
        // program that keeps nanoseconds in 32 bits, which overflow.
        if digits == 7 || overflow {
            continue;
        }
        let unit = 0.1_f64.powi(i32::try_from(digits).unwrap().min(6));
        let mine = mine.unwrap_or_default() as f64 / 1e9;
        // One capture has times in the year 2345, beyond what 64 bits hold.
        if (mine - seconds.min(i64::MAX as f64 / 1e9)).abs() > 2.0 * unit {
            differences.push(format!("a time of {mine:.6}, not {theirs}"));
        }
    }
    differences
}

#[test]
fn corpus_packets_and_times() {
    let Some(folder) = folder() else {
        println!("skipped: no shared captures are here");
        return;
    };
    let manifest = std::fs::read_to_string(folder.join("MANIFEST.csv")).unwrap();
    let mut lines = manifest.lines();
    let header = fields(lines.next().unwrap());
    let column = |name: &str| header.iter().position(|h| h == name).unwrap();
    let (file, format, packets) = (column("file"), column("format"), column("packets"));
    let (first, last, flags) = (column("first_ts"), column("last_ts"), column("flags"));
    let (mut files, mut total, mut refused, mut wrong) = (0, 0, 0, Vec::new());
    for row in lines.map(fields) {
        files += 1;
        let facts = read(&folder.join(&row[file]));
        if UNSUPPORTED.contains(&row[format].as_str()) {
            refused += 1;
            match facts {
                Ok(_) => wrong.push(format!("{}: not refused", row[file])),
                Err(e) => assert!(e.contains("this is no capture: found"), "{e}"),
            }
            continue;
        }
        match facts {
            Err(e) => wrong.push(e),
            Ok(facts) => {
                total += facts.packets;
                let times = [row[first].as_str(), &row[last]];
                let overflow = row[flags].contains("subsecond-overflow");
                let differences = differences(&facts, &row[packets], times, overflow);
                let of = |what| format!("{}: {what}", row[file]);
                wrong.extend(differences.into_iter().map(of));
            }
        }
    }
    println!("{files} files, {total} packets, {refused} refused");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
