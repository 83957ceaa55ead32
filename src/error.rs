//! The one error type: what is wrong, where, what was expected, and what to do about it.
//!
//! An [`Error`] means "cannot go on" (exit status 2). Broken packets are no errors, they are rows
//! (`malformed`); things that a user should know of but that stop nothing are [`Finding`]s.

use std::fmt;
use std::path::{Path, PathBuf};

/// Result of everything that can stop a run.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why a run cannot go on. Built up from the place outwards:
///
/// ```
/// # use netcap::error::Error;
/// let e = Error::new("this is no capture: it begins with \"PK\"")
///     .in_file("evil.zip")
///     .help("unpack it first");
/// assert_eq!(e.to_string(), "evil.zip: this is no capture: it begins with \"PK\"\n  help: unpack it first");
/// ```
#[derive(Debug)]
pub struct Error(Box<Inner>);

#[derive(Debug, Default)]
struct Inner {
    message: String,
    place: Place,
    help: Option<String>,
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

/// A place in an input. Every part is optional; lines, columns and packets count from 1, byte
/// offsets from 0.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Place {
    /// The file as the user named it.
    pub file: Option<PathBuf>,
    /// Line and column of a text file.
    pub line_column: Option<(usize, usize)>,
    /// Packet number of a capture, as Wireshark counts.
    pub packet: Option<u64>,
    /// Byte offset in the uncompressed file.
    pub offset: Option<u64>,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut separator = "";
        if let Some(file) = &self.file {
            write!(f, "{}", file.display())?;
            if let Some((line, column)) = self.line_column {
                write!(f, ":{line}:{column}")?;
            }
            separator = ": ";
        } else if let Some((line, column)) = self.line_column {
            write!(f, "line {line}, column {column}")?;
            separator = ": ";
        }
        match (self.packet, self.offset) {
            (Some(packet), Some(offset)) => {
                write!(f, "{separator}packet {packet} (byte offset {offset})")
            }
            (Some(packet), None) => write!(f, "{separator}packet {packet}"),
            (None, Some(offset)) => write!(f, "{separator}byte offset {offset}"),
            (None, None) => Ok(()),
        }
    }
}

impl Error {
    /// An error with its message: what is wrong and, where it is not obvious, what was expected.
    pub fn new(message: impl Into<String>) -> Self {
        Self(Box::new(Inner {
            message: message.into(),
            ..Inner::default()
        }))
    }

    /// An error of the operating system or a library, with what was being tried.
    pub fn because(
        message: impl Into<String>,
        source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
    ) -> Self {
        let mut error = Self::new(message);
        error.0.source = Some(source.into());
        error
    }

    /// Reading or writing `path` failed.
    pub fn io(path: impl AsRef<Path>, what: &str, source: std::io::Error) -> Self {
        Self::because(format!("cannot {what}"), source).in_file(path)
    }

    /// Adds the file, unless a place nearer to the fault has named one.
    #[must_use]
    pub fn in_file(mut self, path: impl AsRef<Path>) -> Self {
        self.0
            .place
            .file
            .get_or_insert_with(|| path.as_ref().to_path_buf());
        self
    }

    /// Adds line and column, both from 1.
    #[must_use]
    pub fn at_line(mut self, line: usize, column: usize) -> Self {
        self.0.place.line_column.get_or_insert((line, column));
        self
    }

    /// Adds the packet number (from 1).
    #[must_use]
    pub fn at_packet(mut self, packet: u64) -> Self {
        self.0.place.packet.get_or_insert(packet);
        self
    }

    /// Adds the byte offset in the uncompressed file.
    #[must_use]
    pub fn at_offset(mut self, offset: u64) -> Self {
        self.0.place.offset.get_or_insert(offset);
        self
    }

    /// Adds what the user can do.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.0.help.get_or_insert_with(|| help.into());
        self
    }

    /// What is wrong and what to do, without where: for a place that the user does not know.
    pub fn without_place(&self) -> String {
        let mut text = self.0.message.clone();
        if let Some(help) = &self.0.help {
            text.push_str(&format!(" ({help})"));
        }
        text
    }

    /// Where the fault is.
    pub fn place(&self) -> &Place {
        &self.0.place
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let place = self.0.place.to_string();
        if !place.is_empty() {
            write!(f, "{place}: ")?;
        }
        f.write_str(&self.0.message)?;
        if let Some(source) = &self.0.source {
            write!(f, ": {source}")?;
        }
        if let Some(help) = &self.0.help {
            write!(f, "\n  help: {help}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0
            .source
            .as_deref()
            .map(|e| e as &(dyn std::error::Error + 'static))
    }
}

impl From<arrow::error::ArrowError> for Error {
    fn from(source: arrow::error::ArrowError) -> Self {
        Self::because("a table could not be built", source)
    }
}

impl From<parquet::errors::ParquetError> for Error {
    fn from(source: parquet::errors::ParquetError) -> Self {
        Self::because("Parquet", source)
    }
}

/// How much a [`Finding`] matters.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize,
)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Worth knowing; never changes the exit status.
    Information,
    /// Something to look at; the exit status becomes 1 unless the pipeline accepts it.
    Warning,
}

/// Something that a user should know of, but that stops nothing. Findings go to the terminal and
/// to the manifest.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Finding {
    /// Stable name, such as `capture-cut`; what a pipeline names to accept it.
    pub code: String,
    /// How much it matters.
    pub severity: Severity,
    /// What it is about: a file (relative path), a rule.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// One sentence or two for a person.
    pub message: String,
    /// How many rows it affects, where they can be counted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rows: Option<u64>,
}

impl Finding {
    /// A finding that makes the exit status 1.
    pub fn warning(code: &str, message: impl Into<String>) -> Self {
        Self {
            code: code.into(),
            severity: Severity::Warning,
            subject: None,
            message: message.into(),
            rows: None,
        }
    }

    /// A finding that changes nothing.
    pub fn information(code: &str, message: impl Into<String>) -> Self {
        Self {
            code: code.into(),
            severity: Severity::Information,
            subject: None,
            message: message.into(),
            rows: None,
        }
    }

    /// Adds how many rows it affects.
    #[must_use]
    pub fn affecting(mut self, rows: u64) -> Self {
        self.rows = Some(rows);
        self
    }

    /// Adds the file or rule that it is about.
    #[must_use]
    pub fn about(mut self, subject: impl Into<String>) -> Self {
        self.subject = Some(subject.into());
        self
    }
}
