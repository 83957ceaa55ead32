//! A file that knows size and hash of what was written into it, and is on disk when it ends.
//!
//! What is written is the business of the formats; where it goes is that of the caller, who writes
//! into a [`Stage`](super::Stage).

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::stage::hex;
use crate::error::{Error, Result};

/// A file that was written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileFacts {
    /// Path below the output folder, with slashes.
    pub path: String,
    /// Its size.
    pub bytes: u64,
    /// SHA-256 of its bytes; empty if it was not wanted.
    pub sha256: String,
}

/// A file that hashes what is written, if that is wanted.
pub(super) struct HashingFile {
    path: PathBuf,
    file: BufWriter<File>,
    hash: Option<Sha256>,
    bytes: u64,
}

impl HashingFile {
    /// Makes the file; one that is there is replaced.
    pub(super) fn create(path: &Path, hashed: bool) -> Result<Self> {
        let file = File::create(path).map_err(|e| Error::io(path, "write", e))?;
        Ok(Self {
            path: path.to_path_buf(),
            file: BufWriter::with_capacity(256 << 10, file),
            hash: hashed.then(Sha256::new),
            bytes: 0,
        })
    }

    /// Puts all of it on disk. `name` is what [`FileFacts::path`] shall be.
    pub(super) fn finish(&mut self, name: String) -> Result<FileFacts> {
        let failed = |e| Error::io(&self.path, "write", e);
        self.file.flush().map_err(failed)?;
        // On disk before its name counts: a crash must not leave a manifest over empty files.
        self.file.get_ref().sync_all().map_err(failed)?;
        let hash = self.hash.take().map(|hash| hex(&hash.finalize()));
        Ok(FileFacts {
            path: name,
            bytes: self.bytes,
            sha256: hash.unwrap_or_default(),
        })
    }
}

impl Write for HashingFile {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let n = self.file.write(bytes)?;
        if let Some(hash) = &mut self.hash {
            hash.update(bytes.get(..n).unwrap_or_default());
        }
        self.bytes += n as u64;
        Ok(n)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.file.flush()
    }
}
