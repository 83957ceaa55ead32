//! An output folder while a run works on it: one run at a time, stages that are kept or replaced,
//! the manifest last.

use std::collections::BTreeMap;
use std::fs::{self, File, TryLockError};
use std::path::Path;
use std::sync::Arc;

use super::contents::Contents;
use super::files::{Problem, files_of_stage, first_wrong, strays};
use super::inputs::{HashCache, State};
use super::manifest::{Manifest, StageFacts};
use super::views::views;
use crate::error::{Error, Result};
use crate::output::{Stage, clear_partial, remove_folder, views_sql, write_atomically};

/// Folders of stages of which there can be several.
const STAGES: [&str; 4] = ["labels", "labeled", "features", "exports"];

/// An output folder, locked.
#[derive(Debug)]
pub struct Output {
    contents: Contents,
    /// There was no manifest, or that of another version: what lies there is of no output.
    unknown: bool,
    /// Fingerprints of stages that were there, and were damaged.
    damaged: BTreeMap<String, String>,
    /// Held as long as the run goes on; the system lets go of it when the run is killed.
    _lock: File,
}

impl Output {
    /// Opens the folder, or makes it. A folder with files that are no output is refused. Hashes of files that have not
    /// changed are looked up in `cache`, and those of files that are written are kept there.
    pub fn open(path: &Path, cache: &Arc<HashCache>) -> Result<Self> {
        let manifest = Manifest::find(path)?;
        if manifest.is_none() {
            refuse_strangers(path)?;
        }
        fs::create_dir_all(path).map_err(|e| Error::io(path, "make the folder", e))?;
        let lock_path = path.join(".lock");
        let lock = File::create(&lock_path).map_err(|e| Error::io(&lock_path, "write", e))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(Error::new("another run of netcap is writing here")
                    .in_file(path)
                    .help("wait for it, or choose another --out"));
            }
            Err(TryLockError::Error(e)) => return Err(Error::io(&lock_path, "lock", e)),
        }
        clear_partial(path)?;
        // Stages of another version cannot be kept, nor described by this one's manifest.
        let current = Manifest::new();
        let manifest = manifest.filter(|m| m.netcap == current.netcap);
        let unknown = manifest.is_none();
        let manifest = manifest.unwrap_or(current);
        Ok(Self {
            unknown,
            contents: Contents::new(path, manifest, Arc::clone(cache)),
            damaged: BTreeMap::new(),
            _lock: lock,
        })
    }

    /// What is complete, to be read.
    pub fn contents(&self) -> &Contents {
        &self.contents
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        self.contents.path()
    }

    /// What is complete.
    pub fn manifest(&self) -> &Manifest {
        self.contents.manifest()
    }

    /// To set inputs and counts; written with the next stage.
    pub fn manifest_mut(&mut self) -> &mut Manifest {
        &mut self.contents.manifest
    }

    /// Whether a stage is there as it would be made now.
    pub fn has(&self, stage: &str, fingerprint: &str) -> bool {
        self.manifest()
            .stages
            .get(stage)
            .is_some_and(|s| s.fingerprint == fingerprint)
            && self.path().join(stage).is_dir()
    }

    /// Forgets the stages, of those that are `asked` for, whose files are not as they were written: what
    /// somebody changed or lost there is made again. Gives what is wrong with each.
    pub fn forget_damaged(&mut self, asked: impl Fn(&str) -> bool) -> Result<Vec<Problem>> {
        let stages = self
            .manifest()
            .stages
            .iter()
            .filter(|(name, _)| asked(name));
        let known = |path: &Path| self.contents.cache().hash(path);
        let mut problems = Vec::new();
        let mut damaged = BTreeMap::new();
        for (name, facts) in stages {
            if let Some(problem) = first_wrong(self.path(), files_of_stage(facts), &known) {
                problems.push(problem);
                damaged.insert(name.clone(), facts.fingerprint.clone());
            }
        }
        self.forget(|stage| damaged.contains_key(stage))?;
        self.damaged.extend(damaged);
        Ok(problems)
    }

    /// Files in the folders of stages, of those that are `asked` for, that are not of the output.
    pub fn strays(&self, asked: impl Fn(&str) -> bool) -> Result<Vec<Problem>> {
        strays(self.path(), self.manifest(), asked)
    }

    /// By what a stage is known that is there, or that was there before it was damaged: what was made of it is still
    /// right, if it is made again as it was.
    pub fn fingerprint_of(&self, stage: &str) -> Option<&str> {
        let there = self.manifest().stages.get(stage).map(|s| &s.fingerprint);
        there
            .or_else(|| self.damaged.get(stage))
            .map(String::as_str)
    }

    /// Begins a stage: `tables`, `labels/x` and so on.
    pub fn begin(&self, stage: &str) -> Result<Stage> {
        Stage::begin(&self.path().join(stage))
    }

    /// Puts a finished stage in its place. The manifest does not know it at any moment at which
    /// it is not whole.
    pub fn commit(&mut self, name: &str, stage: Stage, facts: StageFacts) -> Result<()> {
        self.forget(|stage| stage == name)?;
        stage.commit()?;
        let cache = self.contents.cache();
        for file in files_of_stage(&facts) {
            cache.learn(&State::of(&self.path().join(&file.path))?, &file.sha256);
        }
        self.manifest_mut().stages.insert(name.to_owned(), facts);
        self.manifest().write(self.path())
    }

    /// Removes the stages that are not to be kept, from the manifest first; gives their names.
    pub fn retain(&mut self, keep: impl Fn(&str) -> bool) -> Result<Vec<String>> {
        let gone: Vec<String> = self
            .manifest()
            .stages
            .keys()
            .filter(|name| !keep(name))
            .cloned()
            .collect();
        self.forget(|stage| !keep(stage))?;
        for name in &gone {
            let folder = self.path().join(name);
            remove_folder(&folder)?;
            // The folder of all label sets, say: it goes with the last of them.
            if let Some(parent) = folder.parent().filter(|parent| *parent != self.path()) {
                let _ = fs::remove_dir(parent);
            }
        }
        Ok(gone)
    }

    fn forget(&mut self, gone: impl Fn(&str) -> bool) -> Result<()> {
        let before = self.manifest().stages.len();
        self.manifest_mut().stages.retain(|name, _| !gone(name));
        let path = self.path().join(Manifest::NAME);
        if self.manifest().stages.is_empty() {
            match fs::remove_file(&path) {
                Err(e) if e.kind() != std::io::ErrorKind::NotFound => {
                    return Err(Error::io(&path, "remove", e));
                }
                _ => return Ok(()),
            }
        }
        if before == self.manifest().stages.len() {
            Ok(())
        } else {
            self.manifest().write(self.path())
        }
    }

    /// Removes the folders of stages that no manifest tells of, now that there is one again.
    fn remove_unknown(&self) -> Result<()> {
        for kind in STAGES.iter().map(|kind| self.path().join(kind)) {
            let entries = match fs::read_dir(&kind) {
                Ok(entries) => entries,
                Err(_) => continue,
            };
            for entry in entries {
                let entry = entry.map_err(|e| Error::io(&kind, "list the folder", e))?;
                let path = entry.path();
                let stage = path.strip_prefix(self.path()).unwrap_or(&path);
                let known = self.manifest().stages.keys();
                if !known.into_iter().any(|known| Path::new(known) == stage) && path.is_dir() {
                    remove_folder(&path)?;
                }
            }
            // Only if it is empty.
            let _ = fs::remove_dir(&kind);
        }
        Ok(())
    }

    /// To be called when all stages are there: writes `views.sql` and the manifest.
    pub fn finish(&self) -> Result<()> {
        if self.unknown {
            self.remove_unknown()?;
        }
        self.write_views()?;
        self.manifest().write(self.path())
    }

    fn write_views(&self) -> Result<()> {
        let sql = views_sql(&views(self.manifest()));
        write_atomically(&self.path().join("views.sql"), sql.as_bytes())
    }
}

/// A run that made nothing leaves nothing: neither its lock nor, if it is empty then, the folder.
impl Drop for Output {
    fn drop(&mut self) {
        if self.manifest().stages.is_empty() && !self.path().join(Manifest::NAME).exists() {
            let _ = fs::remove_file(self.path().join(".lock"));
            let _ = fs::remove_dir(self.path());
        }
    }
}

/// An output is made in a new or empty folder, or over an earlier output.
fn refuse_strangers(path: &Path) -> Result<()> {
    /// What a run that was stopped can leave.
    const OTHERS: [&str; 3] = ["tables", "run.json", "views.sql"];
    let entries = match fs::read_dir(path) {
        Ok(entries) => entries,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        Err(e) => return Err(Error::io(path, "list the folder", e)),
    };
    for entry in entries {
        let name = entry
            .map_err(|e| Error::io(path, "list the folder", e))?
            .file_name();
        let name = name.to_string_lossy();
        if !name.starts_with('.') && !OTHERS.iter().chain(&STAGES).any(|ours| *ours == name) {
            return Err(Error::new(format!(
                "this folder has other files in it (\"{name}\"), and would be overwritten"
            ))
            .in_file(path)
            .help("name a new folder with --out"));
        }
    }
    Ok(())
}
