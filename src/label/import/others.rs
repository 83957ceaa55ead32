//! Formats of ground truth that are no tables, and how they are told from one another.

use super::convert::Label;
use super::{go_netcap, mawilab, pcapml};
use crate::error::Result;

/// A line, and the label that it says; else why it is left out.
pub(super) type Said = (usize, Result<Label, String>);

/// A format that is no table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Other {
    GoNetcap,
    MawilabXml,
    PcapMl,
}

/// Their names.
pub(super) const NAMES: [(&str, Other); 3] = [
    ("go-netcap", Other::GoNetcap),
    ("mawilab-xml", Other::MawilabXml),
    ("pcapml", Other::PcapMl),
];

impl Other {
    /// The format of that name.
    pub(super) fn named(name: &str) -> Option<Self> {
        let known = NAMES.iter().find(|(known, _)| *known == name);
        known.map(|(_, other)| *other)
    }

    /// The format that a text is of.
    pub(super) fn of(text: &str) -> Option<Self> {
        let first = text
            .lines()
            .map(str::trim)
            .find(|line| !line.is_empty() && !line.starts_with('#'))?;
        let begins = |keys: &[&str]| keys.iter().any(|key| first.starts_with(key));
        let has = |key: &str| text.lines().any(|line| line.starts_with(key));
        if begins(&["<"]) && text.contains("<anomaly") {
            Some(Self::MawilabXml)
        } else if begins(&["BPF:", "TS_START:", "TS_END:"]) {
            Some(Self::PcapMl)
        } else if has("attacks:") && has("dateFormat:") {
            Some(Self::GoNetcap)
        } else {
            None
        }
    }

    pub(super) fn name(self) -> &'static str {
        let known = NAMES.iter().find(|(_, other)| *other == self);
        known.map_or("", |(name, _)| name)
    }

    /// What a file says.
    pub(super) fn read(self, text: &str) -> Result<Vec<Said>> {
        match self {
            Self::GoNetcap => go_netcap::read(text),
            Self::MawilabXml => mawilab::read(text),
            Self::PcapMl => Ok(pcapml::read(text)),
        }
    }
}
