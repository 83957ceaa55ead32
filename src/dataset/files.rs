//! The files of an output against its manifest: are they there, as they were written, and no others.
//!
//! What is in the tables is looked at by `verify` alone.

use std::collections::BTreeSet;
use std::fmt;
use std::fs;
use std::io;
use std::path::{Component, Path};

use rayon::prelude::*;
use serde::Serialize;

use super::inputs::hash_file;
use super::manifest::{Manifest, StageFacts};
use crate::error::{Error, Result};
use crate::output::{FileFacts, is_partial};

/// Something that is not as the manifest says.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Problem {
    /// The file, or the folder of the table; below the output folder, with slashes.
    pub path: String,
    /// What is wrong with it.
    pub what: String,
}

impl Problem {
    pub(super) fn new(path: &str, what: impl Into<String>) -> Self {
        Self {
            path: path.to_owned(),
            what: what.into(),
        }
    }

    /// The error of who would have read the file.
    pub(super) fn refuse(&self, output: &Path) -> Error {
        Error::new(format!(
            "this output is not as its manifest says: {} {}",
            self.path.escape_debug(),
            self.what
        ))
        .in_file(output)
        .help(format!(
            "`netcap verify {}` tells all that is wrong; the command that made the output makes it again",
            output.display()
        ))
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.path.escape_debug(), self.what)
    }
}

/// Gives size and SHA-256 of a file.
type Hash<'h> = dyn Fn(&Path) -> Result<(u64, String)> + Sync + 'h;

/// The files that a manifest names.
pub(super) fn files_of(manifest: &Manifest) -> Vec<&FileFacts> {
    manifest.stages.values().flat_map(files_of_stage).collect()
}

pub(super) fn files_of_stage(facts: &StageFacts) -> impl Iterator<Item = &FileFacts> {
    let of_tables = facts.tables.values().flat_map(|table| &table.files);
    facts.files.iter().chain(of_tables)
}

/// Refuses an output whose files are not those that its manifest names, byte by byte.
pub(super) fn check_files(output: &Path, manifest: &Manifest) -> Result<()> {
    let wrong = first_wrong(output, files_of(manifest), &hash_file);
    wrong.map_or(Ok(()), |problem| Err(problem.refuse(output)))
}

/// What is wrong with the first of some files that is not as it was written.
pub(super) fn first_wrong<'f>(
    output: &Path,
    files: impl IntoIterator<Item = &'f FileFacts>,
    hash: &Hash<'_>,
) -> Option<Problem> {
    let files: Vec<&FileFacts> = files.into_iter().collect();
    files
        .par_iter()
        .find_map_first(|facts| check_file(output, facts, hash))
}

/// What is wrong with a file.
pub(super) fn check_file(output: &Path, facts: &FileFacts, hash: &Hash<'_>) -> Option<Problem> {
    let problem = |what: String| Some(Problem::new(&facts.path, what));
    if !is_below(&facts.path) {
        return problem("the manifest names a path that is not below the output folder".to_owned());
    }
    let path = output.join(&facts.path);
    match fs::metadata(&path) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => return problem("is missing".to_owned()),
        Err(e) => return problem(format!("cannot be read: {e}")),
        Ok(metadata) if !metadata.is_file() => return problem("is no file".to_owned()),
        Ok(metadata) if metadata.len() != facts.bytes => {
            return problem(format!(
                "has {} bytes, the manifest says {}",
                metadata.len(),
                facts.bytes
            ));
        }
        Ok(_) => {}
    }
    match hash(&path) {
        Ok((_, hash)) if hash == facts.sha256 => None,
        Ok((_, hash)) => problem(format!(
            "has other bytes than were written: SHA-256 {hash}, the manifest says {}",
            facts.sha256
        )),
        Err(e) => problem(format!("cannot be read: {e}")),
    }
}

/// A path that leads nowhere else.
pub(super) fn is_below(path: &str) -> bool {
    let mut parts = Path::new(path).components();
    !path.is_empty() && parts.all(|part| matches!(part, Component::Normal(_)))
}

/// Files in the folders of complete stages, of those that are `asked` for, that the manifest does not name.
pub(super) fn strays(
    output: &Path,
    manifest: &Manifest,
    asked: impl Fn(&str) -> bool,
) -> Result<Vec<Problem>> {
    let mut found = extra_files(output, &files_of(manifest))?;
    let of_stage = |path: &str, stage: &str| {
        let rest = path.strip_prefix(stage);
        rest.is_some_and(|rest| rest.starts_with('/'))
    };
    found.retain(|problem| {
        let mut stages = manifest.stages.keys();
        stages.any(|stage| asked(stage) && of_stage(&problem.path, stage))
    });
    found.sort();
    Ok(found)
}

/// Files in the folder that the manifest does not name.
pub(super) fn extra_files(output: &Path, listed: &[&FileFacts]) -> Result<Vec<Problem>> {
    let listed: BTreeSet<&str> = listed.iter().map(|facts| facts.path.as_str()).collect();
    let mut problems = Vec::new();
    walk(output, "", &mut |path| {
        if !listed.contains(path) && !is_known(path) {
            problems.push(Problem::new(path, "is not in the manifest"));
        }
    })?;
    Ok(problems)
}

/// What lies in an output without being of it: the manifest itself, what is not hashed, what
/// follows from the manifest, and the lock of a run.
fn is_known(path: &str) -> bool {
    [Manifest::NAME, "run.json", "views.sql", ".lock"].contains(&path)
}

fn walk(folder: &Path, prefix: &str, visit: &mut dyn FnMut(&str)) -> Result<()> {
    let failed = |e| Error::io(folder, "list the folder", e);
    for entry in fs::read_dir(folder).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let name = entry.file_name();
        let name = name.to_string_lossy();
        // What a run writes, or a run that was stopped has left.
        if is_partial(&name) {
            continue;
        }
        let path = if prefix.is_empty() {
            name.into_owned()
        } else {
            format!("{prefix}/{name}")
        };
        // The type of a link is that of the link: links to folders are not followed.
        if entry.file_type().map_err(failed)?.is_dir() {
            walk(&entry.path(), &path, visit)?;
        } else {
            visit(&path);
        }
    }
    Ok(())
}
