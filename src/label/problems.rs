//! What is wrong with a ground-truth file: collected while it is read, so that a user sees all of
//! it at once, in the order of the file.
//!
//! Not for faults of captures or tables; those are [`crate::error::Error`]s on their own.

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;

use crate::error::Error;

/// All errors of one or several ground-truth files, in the order of the files. Never empty.
#[derive(Debug)]
pub struct Errors(Vec<Error>);

impl Errors {
    /// A single error.
    pub(super) fn one(error: Error) -> Self {
        Self(vec![error])
    }

    /// The errors, each with file, line and column where they apply.
    pub fn iter(&self) -> std::slice::Iter<'_, Error> {
        self.0.iter()
    }

    /// Appends the errors of another file.
    pub fn append(&mut self, mut other: Errors) {
        self.0.append(&mut other.0);
    }
}

impl IntoIterator for Errors {
    type Item = Error;
    type IntoIter = std::vec::IntoIter<Error>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl<'a> IntoIterator for &'a Errors {
    type Item = &'a Error;
    type IntoIter = std::slice::Iter<'a, Error>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl fmt::Display for Errors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (n, error) in self.0.iter().enumerate() {
            if n > 0 {
                writeln!(f)?;
            }
            write!(f, "{error}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Errors {}

/// One error stays itself; several become one message that lists them, a line or two each.
impl From<Errors> for Error {
    fn from(errors: Errors) -> Self {
        let count = errors.0.len();
        let mut errors = errors.0;
        match errors.pop() {
            Some(only) if errors.is_empty() => only,
            Some(last) => {
                errors.push(last);
                Error::new(format!(
                    "{count} errors in the ground truth\n{}",
                    Errors(errors)
                ))
            }
            None => Error::new("the ground truth could not be read"),
        }
    }
}

/// A place in the text of a file: line and column in characters, from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub(super) struct At {
    pub(super) line: u32,
    pub(super) column: u32,
}

impl At {
    pub(super) fn new(line: usize, column: usize) -> Self {
        let cut = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        Self {
            line: cut(line),
            column: cut(column),
        }
    }

    /// The place so many characters further right in the same line.
    pub(super) fn right(self, characters: usize) -> Self {
        let by = u32::try_from(characters).unwrap_or(u32::MAX);
        Self {
            line: self.line,
            column: self.column.saturating_add(by),
        }
    }
}

/// What is wrong with a piece of text (a time, a host, a condition), before it is known where
/// that text stands in the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Fault {
    /// Characters from the beginning of the text.
    pub(super) offset: usize,
    pub(super) message: String,
    pub(super) help: Option<String>,
    /// The same message elsewhere would say nothing new (a file without zone has it in each time).
    pub(super) once: bool,
}

impl Fault {
    pub(super) fn new(offset: usize, message: impl Into<String>) -> Self {
        Self {
            offset,
            message: message.into(),
            help: None,
            once: false,
        }
    }

    pub(super) fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// Shifts the fault by the place of its text inside a longer text.
    pub(super) fn shifted(mut self, by: usize) -> Self {
        self.offset = self.offset.saturating_add(by);
        self
    }
}

/// The problems found so far, by place; the same message at the same place counts once, since a
/// default is read again for every rule.
#[derive(Debug, Default)]
pub(super) struct Problems(BTreeMap<(At, String), Option<String>>);

impl Problems {
    pub(super) fn add(&mut self, at: At, message: impl Into<String>) {
        self.0.insert((at, message.into()), None);
    }

    pub(super) fn add_help(&mut self, at: At, message: impl Into<String>, help: impl Into<String>) {
        self.0.insert((at, message.into()), Some(help.into()));
    }

    pub(super) fn add_fault(&mut self, at: At, fault: Fault) {
        if fault.once && self.0.keys().any(|(_, message)| *message == fault.message) {
            return;
        }
        self.0.insert((at, fault.message), fault.help);
    }

    /// Adds what was found elsewhere, with each text in other words.
    pub(super) fn add_reworded(&mut self, others: Self, words: impl Fn(&str) -> String) {
        for ((at, message), help) in others.0 {
            self.0
                .insert((at, words(&message)), help.as_deref().map(&words));
        }
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// The value if nothing was found, else all that was found.
    pub(super) fn into_result<T>(self, file: &Path, value: T) -> Result<T, Errors> {
        if self.0.is_empty() {
            return Ok(value);
        }
        let errors = self.0.into_iter().map(|((at, message), help)| {
            let mut error = Error::new(message).in_file(file);
            if at.line > 0 {
                error = error.at_line(at.line as usize, at.column as usize);
            }
            match help {
                Some(help) => error.help(help),
                None => error,
            }
        });
        Err(Errors(errors.collect()))
    }
}

/// The candidate that a misspelt word most likely means, if one is near enough. Case, `-` and `_`
/// do not count as differences.
pub(super) fn suggest<'a>(
    word: &str,
    candidates: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    let plain = |s: &str| s.to_lowercase().replace('-', "_");
    let word = plain(word);
    let limit = (word.chars().count() / 3).max(1);
    candidates
        .into_iter()
        .map(|candidate| {
            (
                strsim::damerau_levenshtein(&word, &plain(candidate)),
                candidate,
            )
        })
        .filter(|(distance, _)| *distance <= limit)
        .min()
        .map(|(_, candidate)| candidate)
}

/// The help for a misspelt word: the nearest candidate, else all of them if they are few.
pub(super) fn did_you_mean<'a>(
    word: &str,
    candidates: impl IntoIterator<Item = &'a str> + Clone,
) -> Option<String> {
    if let Some(near) = suggest(word, candidates.clone()) {
        return Some(format!("did you mean `{near}`?"));
    }
    let all: Vec<&str> = candidates.into_iter().collect();
    (!all.is_empty() && all.len() <= 24).then(|| format!("expected one of {}", all.join(", ")))
}
