//! `manifest.json`: everything from which anyone gets the same bytes again, and the proof.
//!
//! It has no absolute path, no time of day, no number of threads. It is written last: what has no
//! manifest is no output.

use std::collections::BTreeMap;
use std::path::Path;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::inputs::Input;
use crate::engine::Counts;
use crate::error::{Error, Finding, Result};
use crate::output::{FileFacts, TableFacts, hex, write_atomically};

/// Version of the manifest's own form.
pub const FORMAT: i32 = 1;

/// What an output is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// Version of netcap that wrote it.
    pub netcap: String,
    /// [`FORMAT`].
    pub format: i32,
    /// The captures, in the order of their ordinals.
    pub inputs: Vec<Input>,
    /// What became of the packets.
    pub counts: Counts,
    /// Warnings that the pipeline accepts, each with its reason.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub accepted: Vec<Accept>,
    /// The stages that are complete, by the folder that they fill.
    pub stages: BTreeMap<String, StageFacts>,
}

/// A warning that is known and does not change the exit status.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Accept {
    /// Its code, as netcap prints it in brackets.
    pub code: String,
    /// Only where it is about this: a rule, a host, a file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rule: Option<String>,
    /// Why it is accepted; kept in the manifest.
    pub because: String,
}

/// A stage: a folder of the output, what it was made of and what is in it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct StageFacts {
    /// Hash of all that decides the stage's bytes: inputs, options, version. The stage is made
    /// again when it changes.
    pub fingerprint: String,
    /// The options, as they took effect.
    pub options: serde_json::Value,
    /// Other files that it was made of, such as label files.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub inputs: Vec<Input>,
    /// The tables in it.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub tables: BTreeMap<String, TableFacts>,
    /// The other files in it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub files: Vec<FileFacts>,
    /// What a user should know.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub findings: Vec<Finding>,
}

impl Accept {
    /// Whether it accepts a finding.
    pub fn covers(&self, finding: &Finding) -> bool {
        // Findings of labels name their set before what they are about.
        let about = |rule: &String| {
            let subject = finding.subject.as_deref().unwrap_or_default();
            let bare = subject.rsplit(": ").next().unwrap_or_default();
            // Of two rules that contradict each other, either.
            subject == rule || bare == rule || bare.split(" / ").any(|one| one == rule)
        };
        self.code == finding.code && self.rule.as_ref().is_none_or(about)
    }
}

impl Manifest {
    /// Name of the file in an output folder.
    pub const NAME: &'static str = "manifest.json";

    /// An empty manifest of this version.
    pub fn new() -> Self {
        Self {
            netcap: env!("CARGO_PKG_VERSION").to_owned(),
            format: FORMAT,
            ..Self::default()
        }
    }

    /// Reads the manifest of an output folder.
    pub fn read(output: &Path) -> Result<Self> {
        Self::find(output)?.ok_or_else(|| {
            Error::new("this folder has no manifest.json: it is no output of netcap, or its run did not end")
                .in_file(output)
                .help("name the folder that --out named, or run the command again")
        })
    }

    /// As [`Manifest::read`], but without a manifest there is none.
    pub fn find(output: &Path) -> Result<Option<Self>> {
        let help = "put it back as it was, or delete it and run the command again, which makes the output anew";
        Self::parse(&output.join(Self::NAME), help)
    }

    /// Reads a manifest from a file of any name; `None` if there is none.
    pub fn load(path: &Path) -> Result<Option<Self>> {
        Self::parse(path, "name the manifest.json of an output, or its folder")
    }

    /// `help` is for a file that is none.
    fn parse(path: &Path, help: &str) -> Result<Option<Self>> {
        let bytes = match std::fs::read(path) {
            Ok(bytes) => bytes,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(e) => return Err(Error::io(path, "read", e)),
        };
        let manifest: Self = serde_json::from_slice(&bytes).map_err(|e| {
            Error::new(format!("this is no manifest: {e}"))
                .in_file(path)
                .at_line(e.line(), e.column())
                .help(help)
        })?;
        if manifest.format != FORMAT {
            return Err(Error::new(format!(
                "this manifest has form {}, and this netcap reads form {FORMAT}",
                manifest.format
            ))
            .in_file(path)
            .help(format!("use netcap {}", manifest.netcap)));
        }
        Ok(Some(manifest))
    }

    /// Writes it into an output folder.
    pub fn write(&self, output: &Path) -> Result<()> {
        let mut text = serde_json::to_string_pretty(self)
            .map_err(|e| Error::because("the manifest could not be written", e))?;
        text.push('\n');
        write_atomically(&output.join(Self::NAME), text.as_bytes())
    }

    /// Findings of all stages, those about captures first: they explain others.
    pub fn findings(&self) -> impl Iterator<Item = &Finding> {
        let of = |tables: bool| {
            let stages = self
                .stages
                .iter()
                .filter(move |(name, _)| (*name == "tables") == tables);
            stages.flat_map(|(_, stage)| &stage.findings)
        };
        of(true).chain(of(false))
    }
}

/// Hash of all that decides a stage's bytes, with the version of netcap.
pub fn fingerprint(parts: &impl Serialize) -> Result<String> {
    let text = serde_json::to_vec(&(env!("CARGO_PKG_VERSION"), FORMAT, parts))
        .map_err(|e| Error::because("options could not be written", e))?;
    Ok(hex(&Sha256::digest(&text)))
}

#[cfg(test)]
mod tests {
    use super::Accept;
    use crate::error::Finding;

    #[test]
    fn what_is_accepted_is_named_by_code_and_subject() {
        let accept = |rule: Option<&str>| Accept {
            code: "conflict".to_owned(),
            rule: rule.map(str::to_owned),
            because: String::new(),
        };
        let finding = Finding::warning("conflict", "").about("set: a / b");
        for rule in [
            None,
            Some("a"),
            Some("b"),
            Some("a / b"),
            Some("set: a / b"),
        ] {
            assert!(accept(rule).covers(&finding), "{rule:?}");
        }
        for rule in ["set", "c", "/"] {
            assert!(!accept(Some(rule)).covers(&finding), "{rule}");
        }
        let other = Finding::warning("rule-empty", "").about("a");
        assert!(!accept(None).covers(&other));
    }
}
