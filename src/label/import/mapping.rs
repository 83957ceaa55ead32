//! What the columns of a file of others mean: YAML, in `labels/formats/` or written by users.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Deserialize;

use super::rows;
use crate::error::{Error, Result};
use crate::text::nearest;
use crate::yaml;

/// A mapping.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Mapping {
    /// Version of the form.
    pub(super) netcap_mapping: u32,
    /// Its name.
    pub(super) name: String,
    /// What it is of.
    #[serde(rename = "title")]
    _title: String,
    /// Where the form is described.
    #[serde(rename = "source", default)]
    _source: Option<String>,
    /// What a user should know.
    #[serde(default)]
    pub(super) note: Option<String>,
    /// How lines are taken apart.
    pub(super) rows: Shape,
    /// Columns without which a file is of another format; of files without header, what is in them.
    #[serde(default)]
    pub(super) recognise: Vec<String>,
    /// Which columns have what.
    pub(super) columns: Columns,
    /// How times are written; without, rules hold at all times.
    #[serde(default)]
    pub(super) time: Time,
    /// What labels mean; the first that fits decides, and what none fits is an attack of that name.
    #[serde(default)]
    pub(super) labels: Vec<Meaning>,
    /// Lines that are left out for what another column says: the column, and its values.
    #[serde(default)]
    pub(super) skip: BTreeMap<String, Vec<String>>,
    /// A user wrote it, and may have misspelt a column.
    #[serde(skip)]
    pub(super) is_own: bool,
    /// Whether the file knows who opened the flow: `forward`, `either` (default).
    #[serde(default)]
    pub(super) direction: Option<String>,
}

/// How lines are taken apart.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", tag = "form")]
pub(super) enum Shape {
    /// Fields with a separator, and a line with their names.
    Csv {
        /// The separator; a comma by default.
        #[serde(default)]
        separator: Option<char>,
        /// Names of the fields, of files that have no line with them.
        #[serde(default)]
        header: Vec<String>,
        /// The field that lines with one field less do not have.
        #[serde(default)]
        lacking: Option<String>,
    },
    /// Logs of Zeek: tabs, with a line `#fields`. Fields that stand apart by three blanks are apart too.
    Zeek,
    /// An object in JSON in each line; names of columns are paths with dots.
    JsonLines,
    /// Lines that a regular expression takes apart, by its named groups.
    Pattern {
        /// The expression.
        pattern: String,
    },
}

/// Which columns have what. Several names are tried in that order.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Columns {
    /// Start of the flow or window.
    #[serde(default)]
    pub(super) start: Vec<String>,
    /// End of it.
    #[serde(default)]
    pub(super) end: Vec<String>,
    /// Its length, in place of one of the two.
    #[serde(default)]
    pub(super) duration: Vec<String>,
    /// Address that attacks, or opened the flow.
    #[serde(default)]
    pub(super) src: Vec<String>,
    /// Its port.
    #[serde(default)]
    pub(super) src_port: Vec<String>,
    /// Address that is attacked.
    #[serde(default)]
    pub(super) dst: Vec<String>,
    /// Its port.
    #[serde(default)]
    pub(super) dst_port: Vec<String>,
    /// Transport protocol, by name or number.
    #[serde(default)]
    pub(super) protocol: Vec<String>,
    /// The label.
    pub(super) label: Vec<String>,
    /// The number of a packet in its capture, from 1; `line` counts the lines, without the one with names. With hosts, it is asked for.
    #[serde(default)]
    pub(super) packet: Vec<String>,
}

impl Columns {
    /// All of them by what they are, with the names that are tried.
    pub(super) fn named(&self) -> [(&'static str, &[String]); 10] {
        [
            ("start", &self.start),
            ("end", &self.end),
            ("duration", &self.duration),
            ("src", &self.src),
            ("src-port", &self.src_port),
            ("dst", &self.dst),
            ("dst-port", &self.dst_port),
            ("protocol", &self.protocol),
            ("label", &self.label),
            ("packet", &self.packet),
        ]
    }

    /// Labels are of packets and of nothing else.
    pub(super) fn are_of_packets(&self) -> bool {
        !self.packet.is_empty() && self.src.is_empty() && self.dst.is_empty()
    }
}

/// How times are written.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Time {
    /// `epoch`, or how it is written, in the words of strftime; the first that fits is taken.
    pub(super) forms: Vec<String>,
    /// Unit of epochs: s (default), ms, us, ns.
    #[serde(default)]
    pub(super) unit: Option<Unit>,
    /// Unit of the duration.
    #[serde(default)]
    pub(super) duration_unit: Option<Unit>,
    /// A zone that the format has; without one, users have to say it.
    #[serde(default)]
    pub(super) zone: Option<String>,
    /// The zone that is likely, to tell users.
    #[serde(default)]
    pub(super) likely_zone: Option<String>,
    /// To what times are exact; 1s by default. Those with seconds are exact to a second at least.
    #[serde(default)]
    pub(super) resolution: Option<String>,
    /// Hours from the first to the second, without AM and PM, that are in the afternoon.
    #[serde(default)]
    pub(super) afternoon: Option<[i8; 2]>,
}

/// A unit of time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Unit {
    /// Seconds.
    S,
    /// Milliseconds.
    Ms,
    /// Microseconds.
    Us,
    /// Nanoseconds.
    Ns,
}

impl Unit {
    /// How many nanoseconds it has.
    pub(super) fn ns(self) -> i64 {
        match self {
            Self::S => 1_000_000_000,
            Self::Ms => 1_000_000,
            Self::Us => 1000,
            Self::Ns => 1,
        }
    }
}

/// What a label means.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Meaning {
    /// The label; `*` stands for anything, case does not count.
    #[serde(rename = "match")]
    pub(super) pattern: String,
    /// What it says: attack, benign, nothing, or that the file is of another format (foreign).
    #[serde(rename = "is")]
    pub(super) kind: Kind,
    /// What it is called here; as it is there, by default.
    #[serde(default)]
    pub(super) label: Option<String>,
}

/// What a label says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Kind {
    /// An attack.
    Attack,
    /// No attack.
    Benign,
    /// Neither.
    Nothing,
    /// The format has no such label.
    Foreign,
}

/// The mappings that come with netcap.
const FORMATS: [(&str, &str); 18] = [
    (
        "cic-ddos2019",
        include_str!("../../../labels/formats/cic-ddos2019.yaml"),
    ),
    (
        "cic-ids2017",
        include_str!("../../../labels/formats/cic-ids2017.yaml"),
    ),
    (
        "cic-ids2018",
        include_str!("../../../labels/formats/cic-ids2018.yaml"),
    ),
    (
        "cns2022",
        include_str!("../../../labels/formats/cns2022.yaml"),
    ),
    (
        "unsw-nb15-gt",
        include_str!("../../../labels/formats/unsw-nb15-gt.yaml"),
    ),
    (
        "unsw-nb15",
        include_str!("../../../labels/formats/unsw-nb15.yaml"),
    ),
    (
        "ctu-13",
        include_str!("../../../labels/formats/ctu-13.yaml"),
    ),
    (
        "zeek-labeled",
        include_str!("../../../labels/formats/zeek-labeled.yaml"),
    ),
    (
        "zeek-notice",
        include_str!("../../../labels/formats/zeek-notice.yaml"),
    ),
    (
        "suricata-eve",
        include_str!("../../../labels/formats/suricata-eve.yaml"),
    ),
    (
        "fast-log",
        include_str!("../../../labels/formats/fast-log.yaml"),
    ),
    (
        "bot-iot",
        include_str!("../../../labels/formats/bot-iot.yaml"),
    ),
    (
        "kitsune",
        include_str!("../../../labels/formats/kitsune.yaml"),
    ),
    (
        "kitsune-mirai",
        include_str!("../../../labels/formats/kitsune-mirai.yaml"),
    ),
    ("lemay", include_str!("../../../labels/formats/lemay.yaml")),
    (
        "mawilab",
        include_str!("../../../labels/formats/mawilab.yaml"),
    ),
    ("cidds", include_str!("../../../labels/formats/cidds.yaml")),
    (
        "uwf-zeekdata",
        include_str!("../../../labels/formats/uwf-zeekdata.yaml"),
    ),
];

/// Names of the mappings that come with netcap.
pub(super) fn names() -> impl Iterator<Item = &'static str> {
    FORMATS.iter().map(|(name, _)| *name)
}

impl Mapping {
    /// A mapping by its name, or the path of its file.
    pub(super) fn named(name: &str) -> Result<Self> {
        if let Some((_, text)) = FORMATS.iter().find(|(known, _)| *known == name) {
            return Self::parse(text).map_err(|e| e.in_file(format!("labels/formats/{name}.yaml")));
        }
        let path = Path::new(name);
        if path.extension().is_none() && !path.exists() {
            let near = nearest(name, super::format_names());
            let near = near.map_or_else(String::new, |near| format!("did you mean {near}? "));
            return Err(
                Error::new(format!("there is no format {name}")).help(format!(
                    "{near}the formats are {}; a mapping file of your own is named with its path",
                    super::format_names().collect::<Vec<_>>().join(", ")
                )),
            );
        }
        let text = std::fs::read_to_string(path).map_err(|e| Error::io(path, "read", e))?;
        let mapping = Self::parse(&text).map_err(|e| e.in_file(path))?;
        Ok(Self {
            is_own: true,
            ..mapping
        })
    }

    fn parse(text: &str) -> Result<Self> {
        let mapping: Self = yaml::read(text)?;
        if mapping.netcap_mapping != 1 {
            return Err(Error::new(
                "this version of netcap reads `netcap-mapping: 1`",
            ));
        }
        let columns = &mapping.columns;
        let has_time = !columns.start.is_empty() || !columns.end.is_empty();
        if has_time == mapping.time.forms.is_empty() {
            return Err(Error::new(
                "a mapping has a column for `start` or `end`, and `time:` with its `forms:`, or neither",
            ));
        }
        Ok(mapping)
    }

    /// The mapping that recognises a text.
    pub(super) fn of(text: &str) -> Option<Self> {
        let known = FORMATS
            .iter()
            .filter_map(|(_, text)| Self::parse(text).ok());
        known.into_iter().find(|mapping| rows::is_of(text, mapping))
    }

    /// Users have to say the zone of its times.
    pub(super) fn needs_zone(&self) -> bool {
        let zoneless = |form: &String| form != "epoch" && !has_zone(form);
        self.time.zone.is_none() && self.time.forms.iter().any(zoneless)
    }

    /// What to say to whom has given none.
    pub(super) fn zone_help(&self) -> String {
        match &self.time.likely_zone {
            Some(zone) => format!("say it with --zone, such as {zone}, which is likely"),
            None => "say it with --zone: an IANA name such as Europe/Prague, or an offset such as +02:00".to_owned(),
        }
    }
}

/// Whether times of a form have a zone of their own.
pub(super) fn has_zone(form: &str) -> bool {
    form.contains("%z") || form.contains("%:z")
}
