//! CSV files of other tools, with the columns of a feature set under one of its original spellings.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader};
use std::net::IpAddr;
use std::path::{Path, PathBuf};

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use netcap_proto::Type;

use super::{Key, Side, Values};
use crate::error::{Error, Result};
use crate::feature::set::{Feature, FeatureSet};

/// The zone of times that are written without one.
pub type Zone = TimeZone;

/// What a file's columns are.
struct Header<'a> {
    /// The features that it has, with their places.
    features: Vec<(&'a Feature, usize)>,
    label: Option<usize>,
    src: (usize, Option<usize>),
    dst: (usize, Option<usize>),
    protocol: Option<usize>,
    start: Option<(&'a Feature, usize)>,
}

/// Reads files with the columns of a set. Times without a zone are in `zone`.
pub fn read_csv(set: &FeatureSet, files: &[PathBuf], zone: &Zone) -> Result<Side> {
    let mut side = Side {
        name: files
            .iter()
            .map(|file| file.display().to_string())
            .collect::<Vec<_>>()
            .join(", "),
        ..Side::default()
    };
    let mut columns: BTreeMap<&str, Values> = BTreeMap::new();
    for path in files {
        let wrong = |e: csv::Error| Error::because("cannot read this file as CSV", e).in_file(path);
        let mut reader = csv::ReaderBuilder::new()
            .flexible(true)
            .from_path(path)
            .map_err(wrong)?;
        let names = reader.byte_headers().map_err(wrong)?.clone();
        let two_marks = breaks_lines_with_two(path)?;
        let names: Vec<String> = names.iter().map(cell).collect();
        let header = Header::find(set, &names).map_err(|e| e.in_file(path).at_line(1, 1))?;
        let rows = side.keys.len();
        for (feature, _) in &header.features {
            columns
                .entry(&feature.name)
                .or_insert_with(|| empty(feature, rows));
        }
        let mut record = csv::ByteRecord::new();
        while reader.read_byte_record(&mut record).map_err(wrong)? {
            // To the reader, the second half of the line break before it belongs to a record.
            let line = record.position().map_or(0, csv::Position::line) + u64::from(two_marks);
            let Some(key) = header.key(&record, zone) else {
                side.unreadable += 1;
                side.unreadable_first.get_or_insert_with(|| {
                    let cells: Vec<String> = header.key_cells(&record);
                    format!("{}:{line}: {}", file_name(path), cells.join(", "))
                });
                continue;
            };
            side.keys.push(key);
            side.rows.push(format!("{}:{line}", file_name(path)));
            let label = header.label.and_then(|at| record.get(at)).map(cell);
            let labels = side.labels.get_or_insert_default();
            labels.push(label.filter(|label| !label.is_empty()));
            for (feature, at) in &header.features {
                if let Some(values) = columns.get_mut(feature.name.as_str()) {
                    push(values, record.get(*at).map(cell).unwrap_or_default());
                }
            }
        }
        // A file that lacks a column of the files before.
        for values in columns.values_mut() {
            match values {
                Values::Numbers(values) => values.resize(side.keys.len(), None),
                Values::Texts(values) => values.resize(side.keys.len(), None),
            }
        }
    }
    let all = set.ids.iter().chain(&set.features);
    side.columns = all
        .filter_map(|f| Some((f.name.clone(), columns.remove(f.name.as_str())?)))
        .collect();
    Ok(side)
}

/// Whether lines of a file end with two characters, as on Windows.
fn breaks_lines_with_two(path: &Path) -> Result<bool> {
    let file = std::fs::File::open(path).map_err(|e| Error::io(path, "read", e))?;
    let mut first = Vec::new();
    let mut reader = BufReader::new(file);
    let read = reader.read_until(b'\n', &mut first);
    read.map_err(|e| Error::io(path, "read", e))?;
    Ok(first.ends_with(b"\r\n"))
}

fn file_name(path: &Path) -> String {
    path.file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned()
}

/// A cell as text: files of 2017 have bytes that are no UTF-8, and blanks around names.
fn cell(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes)
        .trim()
        .trim_start_matches('\u{feff}')
        .to_owned()
}

fn is_number(feature: &Feature) -> bool {
    matches!(feature.ty, Type::Int64 | Type::Double)
}

fn empty(feature: &Feature, rows: usize) -> Values {
    match is_number(feature) {
        true => Values::Numbers(vec![None; rows]),
        false => Values::Texts(vec![None; rows]),
    }
}

fn push(values: &mut Values, text: String) {
    match values {
        // NaN and Infinity are no values.
        Values::Numbers(values) => values.push(text.parse().ok().filter(|n: &f64| n.is_finite())),
        Values::Texts(values) => values.push((!text.is_empty()).then_some(text)),
    }
}

impl<'a> Header<'a> {
    fn find(set: &'a FeatureSet, names: &[String]) -> Result<Self> {
        let place = |wanted: &str| {
            names
                .iter()
                .position(|name| name.eq_ignore_ascii_case(wanted))
        };
        let all = || set.ids.iter().chain(&set.features);
        let spelt = |naming: Option<&String>| -> Vec<(&'a Feature, usize)> {
            let name = |f: &'a Feature| match naming {
                Some(naming) => f.names.get(naming),
                None => Some(&f.name),
            };
            all().filter_map(|f| Some((f, place(name(f)?)?))).collect()
        };
        let namings = set.namings.keys().map(Some).chain([None]);
        let best = namings
            .map(|naming| (naming, spelt(naming)))
            .max_by_key(|(_, features)| features.len());
        let (naming, features) = best.unwrap_or_default();
        let of = |column: &str| {
            let mut features = features.iter();
            features.find(|(f, _)| f.columns.len() == 1 && f.columns.contains(column))
        };
        let at = |column: &str| of(column).map(|(_, place)| *place);
        let (Some(src), Some(dst)) = (at("src_ip"), at("dst_ip")) else {
            let known: Vec<&str> = set.namings.keys().map(String::as_str).collect();
            return Err(Error::new(format!(
                "the header has no addresses under a spelling that the set {} knows ({})",
                set.name,
                known.join(", ")
            ))
            .help("`netcap features SET` lists its columns; compare with the set that the file was made with"));
        };
        let label = naming
            .and_then(|n| set.namings.get(n)?.1.as_deref())
            .unwrap_or("label");
        Ok(Self {
            label: place(label),
            src: (src, at("src_port")),
            dst: (dst, at("dst_port")),
            protocol: at("protocol"),
            start: of("ts").or_else(|| of("ts_ns")).copied(),
            // Times are compared by matching.
            features: features
                .iter()
                .filter(|(f, _)| f.ty != Type::Timestamp)
                .copied()
                .collect(),
        })
    }

    /// The cells that a key is made of, for messages.
    fn key_cells(&self, record: &csv::ByteRecord) -> Vec<String> {
        let start = self.start.map(|(_, at)| at);
        let places = [
            Some(self.src.0),
            self.src.1,
            Some(self.dst.0),
            self.dst.1,
            self.protocol,
            start,
        ];
        let cells = places.into_iter().flatten().filter_map(|at| record.get(at));
        cells.map(cell).collect()
    }

    /// The key of a row; none if it cannot be read, as a header in the middle of a file cannot.
    fn key(&self, record: &csv::ByteRecord, zone: &Zone) -> Option<Key> {
        let text = |at: usize| record.get(at).map(cell);
        let ip = |at: usize| text(at)?.parse::<IpAddr>().ok();
        let number = |at: Option<usize>| match at {
            None => Some(0),
            Some(at) => match text(at)?.as_str() {
                "" => Some(0),
                text => text.parse::<f64>().ok().map(|n| n as i64),
            },
        };
        let start_ns = match self.start {
            None => None,
            Some((feature, at)) => Some(start(feature, &text(at)?, zone)?),
        };
        Some(Key {
            src: (ip(self.src.0)?, number(self.src.1)?),
            dst: (ip(self.dst.0)?, number(self.dst.1)?),
            protocol: number(self.protocol)?,
            start_ns,
        })
    }
}

/// A start as the tools write it: milliseconds since 1970, or a date and time.
fn start(feature: &Feature, text: &str, zone: &Zone) -> Option<i64> {
    if is_number(feature) {
        let ms: f64 = text.parse().ok()?;
        return Some((ms * 1e6) as i64);
    }
    let nanoseconds = |time: jiff::Timestamp| i64::try_from(time.as_nanosecond()).ok();
    if let Ok(time) = text.parse::<jiff::Timestamp>() {
        return nanoseconds(time);
    }
    let civil: DateTime = FORMATS
        .iter()
        .find_map(|format| DateTime::strptime(format, text).ok())
        .or_else(|| text.parse().ok())?;
    nanoseconds(zone.to_timestamp(civil).ok()?)
}

/// Dates as CICFlowMeter writes them: day first.
const FORMATS: [&str; 5] = [
    "%Y-%m-%d %H:%M:%S%.f",
    "%d/%m/%Y %I:%M:%S %p",
    "%d/%m/%Y %H:%M:%S",
    "%d/%m/%Y %I:%M %p",
    "%d/%m/%Y %H:%M",
];

#[cfg(test)]
mod tests {
    use std::path::Path;

    use jiff::tz::TimeZone;

    use super::{read_csv, start};
    use crate::feature::FeatureSet;
    use crate::feature::compare::Values;

    #[test]
    fn times_are_read_as_tools_write_them() {
        let set = FeatureSet::find("cicflowmeter", Path::new("")).unwrap();
        let timestamp = set.ids.iter().find(|f| f.name == "timestamp").unwrap();
        let zone = TimeZone::get("America/Halifax").unwrap();
        let read = |text: &str| start(timestamp, text, &zone).map(|ns| ns / 1_000_000_000);
        // 2017-07-06 12:00:00 UTC is 9 o'clock in Halifax.
        let noon = 1_499_342_400;
        for text in [
            "6/7/2017 9:00",
            "06/07/2017 09:00:00",
            "06/07/2017 09:00:00 AM",
            "2017-07-06 09:00:00.000000",
            "2017-07-06T12:00:00Z",
        ] {
            assert_eq!(read(text), Some(noon), "{text}");
        }
        assert_eq!(read("06/07/2017 09:00:00 PM"), Some(noon + 43_200));
        assert_eq!(read("Timestamp"), None);
    }

    #[test]
    fn files_are_read_by_the_spelling_that_fits() {
        let set = FeatureSet::find("cicflowmeter", Path::new("")).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.csv");
        let text = b"\xef\xbb\xbfFlow ID, Source IP, Source Port, Destination IP, Destination Port, Protocol, Timestamp, Flow Duration, Flow Bytes/s, Label\n\
            x,10.0.0.1,1000,10.0.0.2,80,6,6/7/2017 9:00,5,Infinity,Web Attack \x96 XSS\n\
            Flow ID, Source IP, Source Port, Destination IP, Destination Port, Protocol, Timestamp, Flow Duration, Flow Bytes/s, Label\n\
            x,10.0.0.1,1001,10.0.0.2,80,6,6/7/2017 9:01,7,3.5,BENIGN\n";
        std::fs::write(&path, text).unwrap();
        let side = read_csv(&set, std::slice::from_ref(&path), &TimeZone::UTC).unwrap();
        assert_eq!((side.keys.len(), side.unreadable), (2, 1));
        assert_eq!(side.rows[1], "a.csv:4");
        assert_eq!(side.labels.unwrap()[1].as_deref(), Some("BENIGN"));
        let column = |name: &str| {
            side.columns
                .iter()
                .find(|(n, _)| n == name)
                .unwrap()
                .1
                .clone()
        };
        assert_eq!(
            column("flow_duration"),
            Values::Numbers(vec![Some(5.0), Some(7.0)])
        );
        assert_eq!(
            column("flow_bytes_per_s"),
            Values::Numbers(vec![None, Some(3.5)])
        );
        std::fs::write(&path, "a,b\n1,2\n").unwrap();
        let error = read_csv(&set, &[path], &TimeZone::UTC)
            .unwrap_err()
            .to_string();
        assert!(error.contains("no addresses under a spelling"), "{error}");
    }
}
