//! Ground truth of others, as label files: a mapping says what the columns of their files mean, and each line
//! becomes a line of a label file in CSV, whose id names the line that it comes from.
//!
//! `mapping` is the file that says so, `rows` takes lines apart, `columns` looks whether they have what it names, `convert` makes labels of them, `lines` a label file. What
//! is no table has a reader of its own (`others`).

mod columns;
mod convert;
mod go_netcap;
mod lines;
mod mapping;
mod mawilab;
mod others;
mod pcapml;
mod rows;

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use jiff::tz::TimeZone;
use serde::Serialize;

use crate::capture::read_whole;
use crate::error::{Error, Result};
use crate::label::model::LeftOut;
use crate::label::{csv_form, flow_columns, parse};
use crate::text::count;

use convert::Label;
use lines::Lines;
use mapping::Mapping;
use others::Other;

/// What a person decides beside the mapping.
#[derive(Debug, Clone, Default)]
pub struct ImportOptions {
    /// Zone of times that have none.
    pub zone: Option<TimeZone>,
    /// Lines that say that a flow is no attack become rules too.
    pub with_benign: bool,
    /// The capture that the lines are about.
    pub capture: Option<String>,
    /// Lines name packets by number, in place of hosts and times.
    pub by_packet: bool,
}

/// What became of the lines.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Imported {
    /// Names of the formats.
    pub format: String,
    /// Lines with values.
    pub lines: u64,
    /// Rules made of them.
    pub rules: u64,
    /// Lines that say nothing that a rule could: why, how many, and the first.
    pub left_out: BTreeMap<String, (u64, String)>,
    /// Rules by label.
    pub labels: BTreeMap<String, u64>,
    /// What was decided in reading.
    pub notes: Vec<String>,
    /// The files so far.
    #[serde(skip)]
    files: Vec<PathBuf>,
}

impl Imported {
    /// Lines that should have become rules, and did not.
    pub fn unreadable(&self) -> u64 {
        let bad = self.left_out.iter().filter(|(why, _)| !is_meant(why));
        bad.map(|(_, (lines, _))| lines).sum()
    }

    /// The name of a file, and how names of its rules begin; of the second file of one name, with its number.
    fn stem(&mut self, file: &Path) -> (String, String) {
        let name = |file: &Path| {
            file.file_name()
                .unwrap_or_default()
                .to_string_lossy()
                .into_owned()
        };
        if !self.files.iter().any(|known| known == file) {
            self.files.push(file.to_owned());
        }
        let own = name(file);
        let alike = self.files.iter().filter(|other| name(other) == own);
        let name = match alike.into_iter().position(|other| other == file) {
            None | Some(0) => own,
            Some(nth) => format!("{}-{own}", nth + 1),
        };
        let slug = slug(&name);
        (name, slug)
    }

    /// Names a format, once.
    fn add_format(&mut self, name: &str) {
        if !self.format.split(", ").any(|known| known == name) {
            let comma = if self.format.is_empty() { "" } else { ", " };
            self.format += &format!("{comma}{name}");
        }
    }

    /// Counts what a line of a file says; gives its label, if it has one.
    fn take(&mut self, name: &str, (line, label): others::Said) -> Option<(usize, Label)> {
        let why = match label {
            Ok(label) => {
                self.lines += 1;
                *self.labels.entry(label.label.clone()).or_default() += 1;
                return Some((line, label));
            }
            Err(why) => why,
        };
        self.lines += u64::from(why != EMPTY);
        let entry = self.left_out.entry(why);
        entry.or_insert_with(|| (0, format!("{name}:{line}"))).0 += 1;
        None
    }
}

const UNUSED: &str = "the mapping has no use for them";
const EMPTY: &str = "they have no values";

/// Reasons by which a mapping leaves lines out.
const MEANT: [&str; 4] = [
    "they say nothing of an attack",
    "they say that it is no attack (--with-benign keeps them)",
    EMPTY,
    UNUSED,
];

fn is_meant(why: &str) -> bool {
    MEANT.contains(&why)
}

/// Names of the formats that are known.
pub fn format_names() -> impl Iterator<Item = &'static str> {
    let others = others::NAMES.iter().map(|(name, _)| *name);
    mapping::names().chain(others)
}

/// A file of others as a label file.
pub(super) struct Foreign {
    /// The label file.
    pub(super) text: String,
    /// Lines that should be rules.
    pub(super) left_out: Vec<LeftOut>,
    /// What was decided in reading it.
    pub(super) notes: Vec<String>,
}

/// A file in a format of others that is known by its content, as a label file; nothing if it is in none.
///
/// # Errors
/// A format whose times need a zone.
pub(super) fn as_label_file(file: &Path, bytes: &[u8]) -> Result<Option<Foreign>> {
    let mut done = Imported::default();
    let text = rows::text(bytes, &mut done.notes);
    // Of most files it is plain that they are of nobody else, without trying all formats.
    if is_label_yaml(&text) {
        return Ok(None);
    }
    let Some(format) = Format::of(&text) else {
        return Ok(None);
    };
    if let Format::Table(mapping) = &format
        && mapping.needs_zone()
    {
        let name = &mapping.name;
        return Err(Error::new(format!(
            "this is a file of {name}, whose times have no zone"
        ))
        .in_file(file)
        .help("make a label file of it with `netcap label import --zone ZONE`"));
    }
    let mut lines = Lines::of(None);
    let options = ImportOptions::default();
    add_text(file, &text, format, &options, &mut lines, &mut done)?;
    Ok(Some(Foreign {
        text: lines.finish()?,
        notes: done.notes,
        left_out: done
            .left_out
            .into_iter()
            .filter_map(|(why, (lines, first))| {
                (!is_meant(&why)).then_some(LeftOut { why, lines, first })
            })
            .collect(),
    }))
}

pub(super) fn is_label_yaml(text: &str) -> bool {
    text.lines().any(|line| line.starts_with("netcap-labels:"))
}

/// The format of a file, by its content.
fn recognise(file: &Path, text: &str) -> Result<Format> {
    let yaml = is_label_yaml(text);
    if let Some(format) = Format::of(text).filter(|_| !yaml) {
        return Ok(format);
    }
    // Some of the other formats have a header that could be a table's, so tables come after them.
    let is_label_file = || csv_form::is_csv(text) && parse(text, file, &flow_columns()).is_ok();
    let error = if yaml || is_label_file() {
        Error::new("this is a label file already")
            .help("use it as it is: `netcap label --labels FILE --input DIR`")
    } else {
        Error::new("no known format has such lines").help(format!(
            "say it with --format: {}, or the path of a mapping file",
            format_names().collect::<Vec<_>>().join(", ")
        ))
    };
    Err(error.in_file(file))
}

/// The line that a rule was made of, by its name.
pub(super) fn line_of(id: &str) -> Option<u32> {
    let (_, line) = id.rsplit_once('_')?;
    line.split('.').next()?.parse().ok()
}

/// Comments of a packet, with its number.
pub type Commented = (u64, Vec<String>);

/// Reads files and makes a label file in CSV of them; gives its text too. `comments` has those of captures, whose
/// packets may be labeled in them; nothing of other files.
pub fn import(
    files: &[PathBuf],
    format: Option<&str>,
    options: &ImportOptions,
    comments: impl Fn(&Path) -> Result<Option<Vec<Commented>>>,
) -> Result<(String, Imported)> {
    let mut done = Imported::default();
    let mut lines = Lines::of(options.capture.clone());
    for file in files {
        if let Some(comments) = comments(file)? {
            done.add_format("pcapml");
            let said = comments
                .iter()
                .map(|(packet, comments)| pcapml::of_packet(*packet, comments));
            // Other packets may have no comments.
            let (labels, commented) = collect_packets(file, said, &mut done);
            if commented == 0 {
                return Err(Error::new("no packet of this capture has a label in its comments")
                    .in_file(file)
                    .help("captures with labels are those of pcapML; the captures themselves go to `netcap decode`"));
            }
            push_packets(file, labels, None, &mut lines, &mut done);
            continue;
        }
        let bytes = read_whole(file)?;
        let text = rows::text(&bytes, &mut done.notes);
        let format = match format {
            Some(format) => Format::named(format)?,
            None => recognise(file, &text)?,
        };
        add_text(file, &text, format, options, &mut lines, &mut done)?;
    }
    done.notes.dedup();
    Ok((lines.finish()?, done))
}

/// How a file is read.
enum Format {
    Table(Box<Mapping>),
    Other(Other),
}

impl Format {
    fn of(text: &str) -> Option<Self> {
        let other = Other::of(text).map(Self::Other);
        other.or_else(|| Mapping::of(text).map(|mapping| Self::Table(Box::new(mapping))))
    }

    fn named(name: &str) -> Result<Self> {
        match Other::named(name) {
            Some(other) => Ok(Self::Other(other)),
            None => Mapping::named(name).map(|mapping| Self::Table(Box::new(mapping))),
        }
    }
}

fn add_text(
    file: &Path,
    text: &str,
    format: Format,
    options: &ImportOptions,
    lines: &mut Lines,
    done: &mut Imported,
) -> Result<()> {
    let mapping = match format {
        Format::Other(other) => {
            done.add_format(other.name());
            let said = other.read(text).map_err(|e| e.in_file(file))?;
            add(file, said.into_iter(), lines, done);
            return Ok(());
        }
        Format::Table(mapping) => mapping,
    };
    done.add_format(&mapping.name);
    if mapping.needs_zone() && options.zone.is_none() {
        return Err(Error::new(format!(
            "times of {} have no zone, and it matters: an hour moves labels to other flows",
            mapping.name
        ))
        .in_file(file)
        .help(mapping.zone_help()));
    }
    if options.by_packet && mapping.columns.packet.is_empty() {
        return Err(
            Error::new(format!("{} does not number packets", mapping.name))
                .in_file(file)
                .help("leave out --by-packet"),
        );
    }
    done.notes.extend(mapping.note.iter().cloned());
    let rows = || rows::Rows::new(text, &mapping).map_err(|e| e.in_file(file));
    let of_packets = mapping.columns.are_of_packets();
    columns::check(&mapping, rows()?).map_err(|e| e.in_file(file))?;
    let number = |row: &rows::Row| convert::number(row, &mapping.columns).ok().flatten();
    // Of numbers from 0, the first is among the first.
    let (name, _) = done.stem(file);
    let packets_from_zero = of_packets && rows()?.take(100).any(|row| number(&row) == Some(0));
    if packets_from_zero {
        done.notes.push(format!(
            "{name} numbers packets from 0: one was added to each number, since netcap counts from 1, as Wireshark does"
        ));
    }
    let shift = u64::from(packets_from_zero);
    let mut numbers: Option<(u64, u64)> = None;
    let said = rows()?.map(|row| {
        if let Some(number) = number(&row).filter(|_| of_packets) {
            let number = number.saturating_add(shift);
            let (first, last) = numbers.unwrap_or((number, number));
            numbers = Some((first.min(number), last.max(number)));
        }
        let label = if row.is_broken {
            Err("they are not of the format, or were cut off".to_owned())
        } else if row.is_empty() {
            Err(EMPTY.to_owned())
        } else {
            convert::convert(&row, &mapping, options, shift)
        };
        (row.line, label)
    });
    if !of_packets {
        add(file, said, lines, done);
        return Ok(());
    }
    let (labels, of_file) = collect_packets(file, said, done);
    // A line for each packet: then the capture has as many.
    let capture_packets = match numbers {
        Some((1, last)) if last == of_file => Some(last),
        Some((first, last)) => {
            done.notes.push(format!(
                "{name} has {of_file} lines about packets {first} to {last}, so not one for each packet of a capture: whether a capture is the one that was labeled is not checked (`capture_packets` in a label file tells how many packets it has)"
            ));
            None
        }
        None => None,
    };
    push_packets(file, labels, capture_packets, lines, done);
    Ok(())
}

/// What names of rules may have.
fn slug(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.');
    text.chars()
        .map(|c| if plain(c) { c } else { '-' })
        .collect()
}

/// A rule for each line.
fn add(
    file: &Path,
    said: impl Iterator<Item = others::Said>,
    lines: &mut Lines,
    done: &mut Imported,
) {
    let (name, stem) = done.stem(file);
    let mut ids: BTreeMap<usize, u64> = BTreeMap::new();
    for said in said {
        let Some((line, label)) = done.take(&name, said) else {
            continue;
        };
        done.rules += 1;
        // Several patterns may stand in one line.
        let nth = ids.entry(line).or_default();
        *nth += 1;
        let more = if *nth > 1 {
            format!(".{nth}")
        } else {
            String::new()
        };
        lines.push(format!("{stem}_{line}{more}"), label);
    }
}

/// The packets of each label, and the lines of the file.
fn collect_packets(
    file: &Path,
    said: impl Iterator<Item = others::Said>,
    done: &mut Imported,
) -> (BTreeMap<String, Label>, u64) {
    let (name, _) = done.stem(file);
    let before = done.lines;
    let mut labels: BTreeMap<String, Label> = BTreeMap::new();
    for said in said {
        let Some((_, label)) = done.take(&name, said) else {
            continue;
        };
        let Some(known) = labels.get_mut(&label.label) else {
            labels.insert(label.label.clone(), label);
            continue;
        };
        for (first, last) in label.packets {
            match known.packets.last_mut() {
                Some((_, end)) if *end + 1 == first => *end = last,
                _ => known.packets.push((first, last)),
            }
        }
    }
    (labels, done.lines - before)
}

/// A rule for each label, of all packets that have it.
fn push_packets(
    file: &Path,
    labels: BTreeMap<String, Label>,
    capture_packets: Option<u64>,
    lines: &mut Lines,
    done: &mut Imported,
) {
    let (name, stem) = done.stem(file);
    done.rules += labels.len() as u64;
    if let Some(packets) = capture_packets {
        done.notes.push(format!(
            "{packets} packets are labeled in {name}: their capture has to have as many"
        ));
    }
    for (text, label) in labels {
        let label = Label {
            capture_packets,
            ..label
        };
        lines.push(format!("{stem}_{}", slug(&text)), label);
    }
}

impl fmt::Display for Imported {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{}: {}, {}",
            self.format,
            count(self.lines, "line"),
            count(self.rules, "rule")
        )?;
        for (label, rules) in &self.labels {
            writeln!(f, "  {rules:>9}  {label}")?;
        }
        for (why, (lines, first)) in &self.left_out {
            writeln!(
                f,
                "left out: {}, since {why}; the first is {first}",
                count(*lines, "line")
            )?;
        }
        for note in &self.notes {
            writeln!(f, "note: {note}")?;
        }
        Ok(())
    }
}
