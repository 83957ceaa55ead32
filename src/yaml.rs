//! YAML files that people write, with errors that name the line and suggest the key that was meant.
//!
//! Label files have a reader of their own (`label::yaml`), which reports all that is wrong at once.

use serde::de::DeserializeOwned;

use crate::error::{Error, Result};

/// What is told of a line that is indented by a tab, and what to do.
pub(crate) const TAB: &str = "this line begins with a tab, and YAML takes blanks only";
pub(crate) const NO_TAB: &str = "put as many blanks there as in the lines around";

/// Reads a document. The error has line and column; the caller knows the file.
pub(crate) fn read<T: DeserializeOwned>(text: &str) -> Result<T> {
    serde_yaml::from_str(text).map_err(|e| explained(&e))
}

/// An error of the YAML reader, with its place and a suggestion for a misspelt key.
fn explained(error: &serde_yaml::Error) -> Error {
    let text = error.without_snippet().to_string();
    let mut message = text.as_str();
    let mut place = None;
    if let Some(location) = error.location() {
        let number = |n| usize::try_from(n).unwrap_or(usize::MAX);
        place = Some((number(location.line()), number(location.column())));
        // The reader says the place in its own words too.
        let own = format!("line {} column {}: ", location.line(), location.column());
        message = message.strip_prefix(&own).unwrap_or(message);
        let behind = format!(" at line {}, column {}", location.line(), location.column());
        message = message.strip_suffix(&behind).unwrap_or(message);
    }
    // What the reader says to programmers, in words for who wrote the file.
    let (mut said, mut help) = (message.to_owned(), None);
    if let Some(rest) = message.strip_prefix("duplicate mapping key: ") {
        let key = rest.split(',').next().unwrap_or(rest);
        said = format!("the key `{key}` is there twice");
        help = Some("leave one of them");
    } else if message.starts_with("tabs disallowed") {
        TAB.clone_into(&mut said);
        help = Some(NO_TAB);
    } else if message.starts_with("missing field") {
        help = Some("if it is there, are the lines indented alike?");
    }
    let mut out = Error::new(said);
    if let Some(help) = help {
        out = out.help(help);
    }
    if let Some((line, column)) = place {
        out = out.at_line(line, column);
    }
    let wrong = message.split('`').nth(1);
    if let (Some(wrong), Some((_, known))) = (wrong, message.split_once("expected one of "))
        && let Some(near) = known
            .split(", ")
            .map(|word| word.trim_matches('`'))
            .max_by(|a, b| {
                strsim::jaro_winkler(a, wrong).total_cmp(&strsim::jaro_winkler(b, wrong))
            })
    {
        out = out.help(format!("did you mean `{near}`?"));
    }
    out
}
