//! Folders and files that appear whole or not at all.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use crate::error::{Error, Result};

/// A folder being written beside its final place.
///
/// It is renamed when it is committed, and removed when it is dropped without that. What a killed
/// run has left is removed by the next one, since the name is always the same.
#[derive(Debug)]
pub struct Stage {
    partial: PathBuf,
    target: PathBuf,
    committed: bool,
}

impl Stage {
    /// Begins the folder `target`.
    pub fn begin(target: &Path) -> Result<Self> {
        let name = target.file_name().unwrap_or_default().to_string_lossy();
        let partial = target.with_file_name(format!(".{name}.partial"));
        remove(&partial)?;
        fs::create_dir_all(&partial).map_err(|e| Error::io(&partial, "make the folder", e))?;
        Ok(Self {
            partial,
            target: target.to_path_buf(),
            committed: false,
        })
    }

    /// Where to write.
    pub fn path(&self) -> &Path {
        &self.partial
    }

    /// Puts the folder in its place; one that was there is replaced.
    pub fn commit(mut self) -> Result<()> {
        remove(&self.target)?;
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
        }
    }
}

/// Removes a folder with all that is in it, if it is there.
fn remove(folder: &Path) -> Result<()> {
    match fs::remove_dir_all(folder) {
        Err(e) if e.kind() != std::io::ErrorKind::NotFound => {
            Err(Error::io(folder, "remove the folder", e))
        }
        _ => Ok(()),
    }
}

/// Writes a file under another name and renames it.
pub fn write_atomically(path: &Path, bytes: &[u8]) -> Result<()> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let partial = path.with_file_name(format!(".{name}.partial"));
    let write = || -> std::io::Result<()> {
        let mut file = fs::File::create(&partial)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&partial, path)
    };
    write().map_err(|e| {
        let _ = fs::remove_file(&partial);
        Error::io(path, "write", e)
    })
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
