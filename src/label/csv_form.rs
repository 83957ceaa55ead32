//! Ground truth as a table: one line a window, columns by name.
//!
//! Columns and cells are described in `docs/label-file.md`, "As a table".

use std::collections::BTreeMap;
use std::path::Path;

use crate::error::Error;
use crate::label::columns::Columns;
use crate::label::document::unique;
use crate::label::fields::Fields;
use crate::label::interval::Frame;
use crate::label::keys;
use crate::label::model::{Conflicts, GroundTruth};
use crate::label::names::Names;
use crate::label::problems::{At, Problems, suggest};
use crate::label::rule::{self, Context};
use crate::label::yaml::{Node, Text};

/// Names of columns (in lower case, without separators) and the keys that they are.
const ALIASES: &[(&str, &str)] = &[
    ("id", "id"),
    ("rule", "id"),
    ("ruleid", "id"),
    ("name", "id"),
    ("label", "label"),
    ("attack", "label"),
    ("attacktype", "label"),
    ("class", "label"),
    ("attackname", "label"),
    ("attackcategory", "label"),
    ("time", "time"),
    ("start", "start"),
    ("starttime", "start"),
    ("begin", "start"),
    ("from", "start"),
    ("attackstart", "start"),
    ("startdate", "start"),
    ("first", "start"),
    ("end", "end"),
    ("endtime", "end"),
    ("stop", "end"),
    ("stoptime", "end"),
    ("to", "end"),
    ("finish", "end"),
    ("attackend", "end"),
    ("attackfinish", "end"),
    ("enddate", "end"),
    ("last", "end"),
    ("attackers", "attackers"),
    ("attacker", "attackers"),
    ("source", "attackers"),
    ("src", "attackers"),
    ("sources", "attackers"),
    ("sourceip", "attackers"),
    ("srcip", "attackers"),
    ("attackerip", "attackers"),
    ("victims", "victims"),
    ("victim", "victims"),
    ("target", "victims"),
    ("targets", "victims"),
    ("destination", "victims"),
    ("dst", "victims"),
    ("destinationip", "victims"),
    ("dstip", "victims"),
    ("victimip", "victims"),
    ("targetip", "victims"),
    ("ports", "ports"),
    ("port", "ports"),
    ("dstport", "ports"),
    ("dport", "ports"),
    ("destinationport", "ports"),
    ("targetport", "ports"),
    ("victimport", "ports"),
    ("protocol", "protocol"),
    ("protocols", "protocol"),
    ("proto", "protocol"),
    ("direction", "direction"),
    ("zone", "zone"),
    ("timezone", "zone"),
    ("tz", "zone"),
    ("date", "date"),
    ("day", "date"),
    ("fold", "fold"),
    ("test", "test"),
    ("icmp", "icmp"),
    ("in", "in"),
    ("capture", "in"),
    ("packets", "packets"),
    ("packet", "packets"),
    ("capturepackets", "capture_packets"),
    ("flowuid", "flow_uid"),
    ("communityid", "community_id"),
    ("state", "state"),
    ("if", "if"),
    ("condition", "if"),
    ("priority", "priority"),
    ("mitre", "mitre"),
    ("technique", "mitre"),
    ("mitretechnique", "mitre"),
];

/// What a column is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Column {
    Key(&'static str),
    Start,
    End,
    /// Kept by its author, not read.
    Extra,
}

fn plain(name: &str) -> String {
    name.chars()
        .filter(|c| c.is_alphanumeric())
        .flat_map(char::to_lowercase)
        .collect()
}

fn column(name: &str) -> Option<Column> {
    let name = name.trim();
    if name.to_lowercase().starts_with("extra") {
        return Some(Column::Extra);
    }
    let plain = plain(name);
    let (_, key) = ALIASES.iter().find(|(alias, _)| *alias == plain)?;
    Some(match *key {
        "start" => Column::Start,
        "end" => Column::End,
        key => Column::Key(key),
    })
}

/// Whether a text is a table: its first line names at least two columns that a table has, and one
/// of them is a label or a time.
pub(super) fn is_csv(source: &str) -> bool {
    let line = source
        .lines()
        .find(|line| !line.trim().is_empty() && !line.starts_with('#'));
    let Some(line) = line else { return false };
    let known: Vec<Column> = line
        .split(char::from(delimiter(line)))
        .filter_map(|name| column(name.trim().trim_matches('"')))
        .collect();
    let telling = |c: &Column| matches!(c, Column::Start | Column::Key("label" | "time"));
    known.len() >= 2 && known.iter().any(telling)
}

fn delimiter(header: &str) -> u8 {
    // No name of a column has any of them.
    match [',', '\t', ';'].map(|mark| header.contains(mark)) {
        [false, true, _] => b'\t',
        [false, false, true] => b';',
        _ => b',',
    }
}

/// Reads a table; what is wrong goes to `problems`.
///
/// # Errors
/// A text that cannot be split into fields at all.
pub(super) fn read(
    source: &str,
    file: &Path,
    name: &str,
    columns: &Columns,
    problems: &mut Problems,
) -> Result<GroundTruth, Error> {
    let header = source
        .lines()
        .find(|l| !l.trim().is_empty() && !l.starts_with('#'))
        .unwrap_or_default();
    let mut reader = csv::ReaderBuilder::new()
        .delimiter(delimiter(header))
        .comment(Some(b'#'))
        .has_headers(false)
        .flexible(true)
        .from_reader(source.as_bytes());
    let context = Context {
        columns,
        names: Names::default(),
        clocks: BTreeMap::new(),
        frame: Frame::default(),
    };
    let mut layout: Option<Vec<Option<Column>>> = None;
    let mut rules = Vec::new();
    let mut of_lines = Problems::default();
    let mut ids = BTreeMap::new();
    for record in reader.records() {
        let record = record
            .map_err(|error| Error::because("this table cannot be read", error).in_file(file))?;
        let position = record.position();
        let byte = position.map_or(0, |p| usize::try_from(p.byte()).unwrap_or(usize::MAX));
        let number = position.map_or(1, |p| usize::try_from(p.line()).unwrap_or(usize::MAX));
        let cells = cells(
            source.get(byte..).unwrap_or_default(),
            number,
            &record,
            delimiter(header),
        );
        let Some(layout) = &layout else {
            layout = Some(read_header(&cells, problems));
            continue;
        };
        if cells.len() != layout.len() {
            let at = cells.first().map(|(_, at)| *at).unwrap_or_default();
            let is_long = cells.iter().any(|(text, _)| text.contains('\n'));
            problems.add_help(
                at,
                format!("this line has {} fields, and the header {}", cells.len(), layout.len()),
                match is_long {
                    true => "one of them goes on in the next line: a double quote may be missing at its end",
                    false => "put fields that contain the separator in double quotes; several values in one field stand apart by spaces",
                },
            );
            continue;
        }
        rules.extend(line(layout, &cells, &context, &mut ids, &mut of_lines));
    }
    problems.add_reworded(of_lines, as_columns);
    Ok(GroundTruth {
        file: name.to_owned(),
        conflicts: Conflicts::First,
        conflicts_stated: false,
        rules,
        covers: Vec::new(),
        unit: None,
        left_out: Vec::new(),
        read_as: Vec::new(),
        extra: None,
    })
}

/// What is said of rules is said of label files, which have keys; a table has columns.
const WORDS: [(&str, &str); 6] = [
    (
        "say `zone: Europe/Berlin` (or +02:00) at the top of the file",
        "add a column `zone` with Europe/Berlin (or +02:00)",
    ),
    (
        "define it under `hosts:`",
        "tables have addresses; label files in YAML can give them names",
    ),
    (
        ", or a name defined under `hosts:`",
        "; several stand apart by spaces",
    ),
    (
        "give `date:` in the rule or in `defaults:`",
        "add a column `date`",
    ),
    (
        "a rule needs `attackers:` or `victims:`",
        "this line has no attackers and no victims",
    ),
    (
        "for all hosts write `attackers: any`",
        "for all hosts write `any` as attackers",
    ),
];

fn as_columns(text: &str) -> String {
    let text = WORDS.iter().fold(text.to_owned(), |text, (key, column)| {
        text.replace(key, column)
    });
    text.replace(":`", "`")
}

fn read_header(cells: &[(String, At)], problems: &mut Problems) -> Vec<Option<Column>> {
    let mut layout: Vec<Option<Column>> = Vec::new();
    for (name, at) in cells {
        let found = column(name);
        if found.is_none() {
            let (what, near) = match name.trim() {
                "" => (
                    format!("column {} of this table has no name", layout.len() + 1),
                    None,
                ),
                name => (
                    format!("`{name}` is no column of a label table"),
                    suggest(&plain(name), ALIASES.iter().map(|(alias, _)| *alias)),
                ),
            };
            let help = near
                .map(|near| format!("did you mean `{near}`? "))
                .unwrap_or_default();
            problems.add_help(
                *at,
                what,
                help + "A column that is only to be kept is called `extra:…`",
            );
        } else if found != Some(Column::Extra) && layout.contains(&found) {
            problems.add(
                *at,
                format!("`{name}` is the second column with this meaning"),
            );
        }
        layout.push(found);
    }
    // With an unknown column the missing one may only be misspelt.
    if !layout.contains(&None) {
        let has = |wanted: Column| layout.contains(&Some(wanted));
        let at = cells.first().map(|(_, at)| *at).unwrap_or_default();
        if !has(Column::Key("label")) {
            problems.add(at, "this table has no column `label`");
        }
        let names_rows = ["packets", "flow_uid", "community_id"]
            .into_iter()
            .any(|key| has(Column::Key(key)));
        let has_time = has(Column::Key("time")) || (has(Column::Start) && has(Column::End));
        if !has_time && !names_rows {
            problems.add(at, "this table has no columns `start` and `end`");
        }
    }
    layout
}

fn line(
    layout: &[Option<Column>],
    cells: &[(String, At)],
    context: &Context<'_>,
    ids: &mut BTreeMap<String, At>,
    problems: &mut Problems,
) -> Option<crate::label::model::Rule> {
    let at = cells.first().map(|(_, at)| *at).unwrap_or_default();
    let own_id = Node::text(format!("row-{}", at.line), at);
    let mut nodes: BTreeMap<&'static str, Node> = BTreeMap::new();
    let (mut start, mut end) = (None, None);
    for (column, (value, at)) in layout.iter().zip(cells) {
        if value.trim().is_empty() {
            continue;
        }
        let shift = value.chars().count() - value.trim_start().chars().count();
        match column {
            Some(Column::Key(key)) => {
                nodes.insert(key, Node::text(value.trim(), at.right(shift)));
            }
            Some(Column::Start) => start = Some((value.trim(), at.right(shift))),
            Some(Column::End) => end = Some((value.trim(), at.right(shift))),
            Some(Column::Extra) | None => {}
        }
    }
    nodes.entry("id").or_insert(own_id);
    let mut fields = Fields::empty(at, &keys::RULE);
    for (key, node) in &nodes {
        fields.set(key, node);
    }
    if let Some(Node {
        kind: crate::label::yaml::Kind::Text(Text { value, .. }),
        at,
    }) = nodes.get("id")
    {
        unique(value, *at, ids, problems);
    }
    let (always, any) = (Node::text("always", at), Node::text("any", at));
    // They may be in the column that is not known, which was told of the header.
    let has_hosts = nodes.contains_key("attackers") || nodes.contains_key("victims");
    if !has_hosts && layout.contains(&None) {
        fields.set("victims", &any);
    }
    for key in ["label", "time"] {
        let has_ends = key == "time" && start.is_some() && end.is_some();
        if !nodes.contains_key(key) && !has_ends && layout_has(layout, key) {
            let what = match (key, &start, &end) {
                ("time", Some(_), None) => "end",
                ("time", None, Some(_)) => "start",
                ("time", ..) => "start and no end",
                _ => key,
            };
            problems.add(at, format!("this line has no {what}"));
            // Told once.
            if key == "time" {
                fields.set(key, &always);
            }
        }
    }
    rule::read(
        &fields,
        start.zip(end).map(<[_; 2]>::from),
        context,
        problems,
    )
}

/// Whether the table has the columns at all; if not, that was said of the header.
fn layout_has(layout: &[Option<Column>], key: &str) -> bool {
    layout.iter().flatten().any(|column| match column {
        Column::Key(name) => *name == key,
        Column::Start => key == "time",
        Column::End | Column::Extra => false,
    })
}

/// The fields of a record with their places. The reader tells in which line a record begins; the
/// fields are found by walking over it as it is written.
fn cells(
    mut rest: &str,
    mut line: usize,
    record: &csv::StringRecord,
    delimiter: u8,
) -> Vec<(String, At)> {
    // Blank lines and comments before a record belong to it for the reader.
    while let Some((first, more)) = rest.split_once('\n') {
        if !(first.trim().is_empty() || first.starts_with('#')) {
            break;
        }
        line += 1;
        rest = more;
    }
    let mut chars = rest.chars();
    let mut column = 1;
    let mut cells = Vec::with_capacity(record.len());
    for field in record {
        let mut at = At::new(line, column);
        let mut quoted = false;
        let mut first = true;
        for c in chars.by_ref() {
            if first && c == '"' {
                at = at.right(1);
                quoted = true;
                first = false;
                column += 1;
                continue;
            }
            first = false;
            if c == '"' && quoted {
                quoted = false;
            } else if c == '"' {
                // A doubled quote opens the text again.
                quoted = true;
            }
            if c == '\n' {
                line += 1;
                column = 1;
                if !quoted {
                    break;
                }
                continue;
            }
            column += 1;
            if !quoted && c == char::from(delimiter) {
                break;
            }
        }
        cells.push((field.to_owned(), at));
    }
    cells
}
