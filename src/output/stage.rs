//! Folders and files that appear whole or not at all.

use std::collections::BTreeSet;
use std::fs;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::error::{Error, Result};

/// What is being written, under the names that it has until it is whole.
static UNDER_WAY: Mutex<BTreeSet<PathBuf>> = Mutex::new(BTreeSet::new());

fn under_way() -> MutexGuard<'static, BTreeSet<PathBuf>> {
    UNDER_WAY.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The name of a folder or file until it is whole.
fn partial_of(target: &Path) -> PathBuf {
    let name = target.file_name().unwrap_or_default().to_string_lossy();
    target.with_file_name(format!(".{name}.partial"))
}

/// It is called as what is not whole.
pub(crate) fn is_partial(name: &str) -> bool {
    name.starts_with('.') && name.ends_with(".partial")
}

/// Removes what is being written. For a run that is told to stop, right before it ends: what it goes on to write
/// meanwhile is removed by the next run.
pub(crate) fn abandon() {
    for path in under_way().iter() {
        // Best effort.
        let _ = fs::remove_dir_all(path);
        let _ = fs::remove_file(path);
    }
}

/// Removes what runs that were killed have left in a folder, and in its folders. No other run writes there.
pub fn clear_partial(folder: &Path) -> Result<()> {
    let failed = |e| Error::io(folder, "list the folder", e);
    for entry in fs::read_dir(folder).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let is_folder = entry.file_type().map_err(failed)?.is_dir();
        let path = entry.path();
        match (is_partial(&entry.file_name().to_string_lossy()), is_folder) {
            (true, true) => remove_folder(&path)?,
            (true, false) => {
                fs::remove_file(&path).map_err(|e| Error::io(&path, "remove", e))?;
            }
            (false, true) => clear_partial(&path)?,
            (false, false) => {}
        }
    }
    Ok(())
}

/// A folder being written beside its final place.
///
/// It is renamed when it is committed, and removed when it is dropped without that. What a killed
/// run has left is removed by the next one, since the name is always the same.
#[derive(Debug)]
pub struct Stage {
    partial: PathBuf,
    target: PathBuf,
    /// The folder around it was made for it.
    made_parent: bool,
    committed: bool,
}

impl Stage {
    /// Begins the folder `target`.
    pub fn begin(target: &Path) -> Result<Self> {
        let partial = partial_of(target);
        remove_folder(&partial)?;
        let made_parent = target.parent().is_some_and(|parent| !parent.exists());
        under_way().insert(partial.clone());
        fs::create_dir_all(&partial).map_err(|e| Error::io(&partial, "make the folder", e))?;
        Ok(Self {
            partial,
            target: target.to_path_buf(),
            made_parent,
            committed: false,
        })
    }

    /// Where to write.
    pub fn path(&self) -> &Path {
        &self.partial
    }

    /// Puts the folder in its place; one that was there is replaced.
    pub fn commit(mut self) -> Result<()> {
        remove_folder(&self.target)?;
        fs::rename(&self.partial, &self.target)
            .map_err(|e| Error::io(&self.target, "put the folder in its place", e))?;
        self.committed = true;
        Ok(())
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        if !self.committed {
            // Best effort: the next run removes it too.
            let _ = fs::remove_dir_all(&self.partial);
            if let Some(parent) = self.target.parent().filter(|_| self.made_parent) {
                // Only if it is empty.
                let _ = fs::remove_dir(parent);
            }
        }
        under_way().remove(&self.partial);
    }
}

/// Removes a folder with all that is in it, if it is there.
pub(crate) fn remove_folder(folder: &Path) -> Result<()> {
    match fs::remove_dir_all(folder) {
        Err(e) if e.kind() != std::io::ErrorKind::NotFound => {
            Err(Error::io(folder, "remove the folder", e))
        }
        _ => Ok(()),
    }
}

/// Writes a file under another name and renames it.
pub fn write_atomically(path: &Path, bytes: &[u8]) -> Result<()> {
    write_whole(path, |file| {
        file.write_all(bytes)
            .map_err(|e| Error::io(path, "write", e))
    })
}

/// Lets `write` fill a file under another name, and renames it when it is whole and on disk.
pub fn write_whole<T>(
    path: &Path,
    write: impl FnOnce(&mut BufWriter<fs::File>) -> Result<T>,
) -> Result<T> {
    let partial = partial_of(path);
    let failed = |e| Error::io(path, "write", e);
    let all = || {
        under_way().insert(partial.clone());
        let mut file = BufWriter::new(fs::File::create(&partial).map_err(failed)?);
        let made = write(&mut file)?;
        file.flush().map_err(failed)?;
        file.get_ref().sync_all().map_err(failed)?;
        fs::rename(&partial, path).map_err(failed)?;
        Ok(made)
    };
    let made = all().inspect_err(|_| {
        // Best effort.
        let _ = fs::remove_file(&partial);
    });
    under_way().remove(&partial);
    made
}

/// Bytes in hexadecimal.
pub fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::Stage;

    #[test]
    fn what_killed_runs_left_is_removed() {
        let folder = tempfile::tempdir().unwrap();
        let labels = folder.path().join("labels");
        std::fs::create_dir_all(labels.join(".lab.partial/flow")).unwrap();
        std::fs::create_dir_all(labels.join("lab")).unwrap();
        for file in [".manifest.json.partial", "labels/lab/a.partial", ".lock"] {
            std::fs::write(folder.path().join(file), "").unwrap();
        }
        super::clear_partial(folder.path()).unwrap();
        assert!(!labels.join(".lab.partial").exists());
        assert!(!folder.path().join(".manifest.json.partial").exists());
        assert!(labels.join("lab/a.partial").exists() && folder.path().join(".lock").exists());
    }

    #[test]
    fn what_is_not_committed_leaves_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("labeled").join("set");
        drop(Stage::begin(&target).unwrap());
        assert!(!folder.path().join("labeled").exists());
        Stage::begin(&target).unwrap().commit().unwrap();
        drop(Stage::begin(&target.with_file_name("other")).unwrap());
        assert!(target.exists());
    }
}
