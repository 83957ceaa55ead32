//! Input files: their names in the dataset and their hashes.
//!
//! Hashing reads every byte, so hashes of files (also those of outputs, when a run asks whether they are
//! as they were) are kept in the user's cache folder, by path, size, time of
//! change (of its bytes, and of its entry) and inode; never in an output.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::capture;
use crate::engine::InputFile;
use crate::error::{Error, Result};
use crate::output::{hex, write_atomically};

/// An input as the manifest has it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Input {
    /// Path relative to the folder that was named, or the name of the file that was; with slashes.
    pub name: String,
    /// Size in bytes; `None` for standard input.
    pub bytes: Option<u64>,
    /// SHA-256; `None` for standard input.
    pub sha256: Option<String>,
}

impl From<&Input> for InputFile {
    fn from(input: &Input) -> Self {
        Self {
            name: input.name.clone(),
            sha256: input.sha256.clone(),
            bytes: input.bytes,
        }
    }
}

/// Names of `paths`, with the hashes that are known. `roots` are the arguments that they came from: a file below a
/// folder is named relative to it, any other by its file name.
pub fn describe(paths: &[PathBuf], roots: &[PathBuf], cache: &HashCache) -> Result<Vec<Input>> {
    let inputs = paths.iter().map(|path| {
        if path.as_os_str() == "-" {
            return Ok(Input {
                name: "-".to_owned(),
                bytes: None,
                sha256: None,
            });
        }
        let state = State::of(path)?;
        Ok(Input {
            name: name(path, roots),
            bytes: Some(state.bytes),
            sha256: cache.known(&state),
        })
    });
    inputs.collect()
}

/// Hashes the inputs whose hash is not known, each with its path. What can be read only once is left out.
pub fn hash_inputs<'i>(
    inputs: impl Iterator<Item = (&'i mut Input, &'i PathBuf)>,
    cache: &HashCache,
) -> Result<()> {
    let inputs: Vec<_> = inputs.collect();
    inputs
        .into_par_iter()
        .filter(|(input, _)| input.sha256.is_none() && input.name != "-")
        .try_for_each(|(input, path)| {
            if State::of(path)?.is_file {
                let (bytes, sha256) = cache.hash(path)?;
                (input.bytes, input.sha256) = (Some(bytes), Some(sha256));
            }
            Ok(())
        })
}

fn name(path: &Path, roots: &[PathBuf]) -> String {
    let below = roots
        .iter()
        .filter(|root| *root != path)
        .find_map(|r| path.strip_prefix(r).ok());
    let name = below
        .or_else(|| path.file_name().map(Path::new))
        .unwrap_or(path);
    let parts: Vec<_> = name.iter().map(|part| part.to_string_lossy()).collect();
    parts.join("/")
}

/// By what a file that has not changed is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct State {
    path: PathBuf,
    bytes: u64,
    /// Seconds and nanoseconds: of the bytes, which programs can set to what they like, and of the entry.
    changed: [(i64, i64); 2],
    device: u64,
    inode: u64,
    is_file: bool,
}

impl State {
    /// That of a file now.
    pub fn of(path: &Path) -> Result<Self> {
        let failed = |e| Error::io(path, "read", e);
        let metadata = fs::metadata(path).map_err(failed)?;
        Ok(Self {
            path: fs::canonicalize(path).map_err(failed)?,
            bytes: metadata.len(),
            changed: [
                (metadata.mtime(), metadata.mtime_nsec()),
                (metadata.ctime(), metadata.ctime_nsec()),
            ],
            device: metadata.dev(),
            inode: metadata.ino(),
            is_file: metadata.is_file(),
        })
    }

    /// What keys of all states of the file begin with.
    fn path_key(&self) -> String {
        format!("{}|", self.path.display())
    }

    /// The path in a key: what stands before five other parts.
    fn path_of(key: &str) -> Option<&Path> {
        key.rsplitn(6, '|').nth(5).map(Path::new)
    }

    fn key(&self) -> String {
        let [bytes, entry] = self.changed.map(|(s, ns)| format!("{s}.{ns:09}"));
        format!(
            "{}{}|{bytes}|{entry}|{}|{}",
            self.path_key(),
            self.bytes,
            self.device,
            self.inode
        )
    }
}

/// With more files known, those that are gone are forgotten: to read them all takes time at each start.
const MANY: usize = 2048;

/// Hashes of files that have not changed.
#[derive(Debug, Default)]
pub struct HashCache {
    file: Option<PathBuf>,
    known: Mutex<BTreeMap<String, String>>,
    /// Whether it knows more than its file.
    learned: AtomicBool,
}

impl HashCache {
    /// The user's cache: `$NETCAP_CACHE`, else `netcap` in `$XDG_CACHE_HOME` or `~/.cache`. With
    /// `forget`, what it knows is not used. One that cannot be read is empty.
    pub fn open(forget: bool) -> Self {
        let from = |name: &str| {
            std::env::var_os(name)
                .filter(|v| !v.is_empty())
                .map(PathBuf::from)
        };
        let folder = from("NETCAP_CACHE")
            .or_else(|| from("XDG_CACHE_HOME").map(|p| p.join("netcap")))
            .or_else(|| from("HOME").map(|p| p.join(".cache/netcap")));
        let file = folder.map(|f| f.join("sha256.json"));
        let known = match &file {
            Some(file) if !forget => fs::read(file)
                .ok()
                .and_then(|bytes| serde_json::from_slice(&bytes).ok())
                .unwrap_or_default(),
            _ => BTreeMap::new(),
        };
        Self {
            file,
            known: Mutex::new(known),
            learned: AtomicBool::new(false),
        }
    }

    /// Size and SHA-256 of a file.
    pub fn hash(&self, path: &Path) -> Result<(u64, String)> {
        let state = State::of(path)?;
        if let Some(hash) = self.known(&state) {
            return Ok((state.bytes, hash));
        }
        let (bytes, hash) = hash_file(path)?;
        self.learn(&state, &hash);
        Ok((bytes, hash))
    }

    fn known(&self, state: &State) -> Option<String> {
        let known = self.known.lock().ok()?;
        known.get(&state.key()).cloned()
    }

    /// Remembers the hash of a file, which was in that state before and after it was read.
    pub fn learn(&self, state: &State, hash: &str) {
        // Only a plain file is the same when it is read again.
        let Ok(mut known) = self.known.lock() else {
            return;
        };
        if state.is_file && State::of(&state.path).is_ok_and(|now| now == *state) {
            let before = known.range(state.path_key()..);
            let before: Vec<String> = before
                .map(|(key, _)| key.clone())
                .take_while(|key| key.starts_with(&state.path_key()))
                .collect();
            before.iter().for_each(|key| _ = known.remove(key));
            known.insert(state.key(), hash.to_owned());
            self.learned.store(true, Ordering::Relaxed);
        }
    }
}

/// Keeps what is known for the next run. It is a cache: what fails here is lost, no more.
impl Drop for HashCache {
    fn drop(&mut self) {
        let (Some(file), Ok(mut known)) = (&self.file, self.known.lock()) else {
            return;
        };
        if !self.learned.load(Ordering::Relaxed) {
            return;
        }
        if known.len() > MANY {
            known.retain(|key, _| State::path_of(key).is_some_and(Path::exists));
        }
        if let (Some(folder), Ok(text)) = (file.parent(), serde_json::to_vec(&*known)) {
            let _ = fs::create_dir_all(folder);
            let _ = write_atomically(file, &text);
        }
    }
}

/// Size and SHA-256 of a file's bytes.
pub fn hash_file(path: &Path) -> Result<(u64, String)> {
    let hash = capture::hash_file(path)?;
    Ok((hash.bytes, hex(&hash.sha256)))
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use super::{HashCache, MANY, State};

    #[test]
    fn files_that_are_gone_are_forgotten_when_there_are_many() {
        let folder = tempfile::tempdir().unwrap();
        let (file, there) = (folder.path().join("sha256.json"), folder.path().join("a|b"));
        fs::write(&there, "x").unwrap();
        let mut cache = HashCache::default();
        cache.file = Some(file.clone());
        let (_, hash) = cache.hash(&there).unwrap();
        let key = State::of(&there).unwrap().key();
        let path = fs::canonicalize(&there).unwrap();
        assert_eq!(State::path_of(&key), Some(path.as_path()));
        let gone = |i: usize| format!("/gone/{i}|1|2.000000003|4.000000005|6|7");
        assert_eq!(State::path_of(&gone(5)), Some(Path::new("/gone/5")));
        for i in 0..MANY {
            let mut known = cache.known.lock().unwrap();
            known.insert(gone(i), String::new());
        }
        drop(cache);
        let left: serde_json::Value = serde_json::from_slice(&fs::read(&file).unwrap()).unwrap();
        assert_eq!(left, serde_json::json!({ key: hash }));
    }
}
