//! The SHA-256 of a file, made of the bytes that are read anyway: a long capture is not read a second time.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use sha2::{Digest, Sha256};

use crate::error::{Error, Result};

/// What is read at once of what nobody asks for.
const REST: usize = 1 << 20;

/// Size and SHA-256 of a file as it lies on disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FileHash {
    /// Its size in bytes.
    pub bytes: u64,
    /// Its SHA-256.
    pub sha256: [u8; 32],
}

/// Size and SHA-256 of a file that is read for nothing else.
pub fn hash_file(path: &Path) -> Result<FileHash> {
    let failed = |e| Error::io(path, "read", e);
    let file = File::open(path).map_err(failed)?;
    Hashed::new(Box::new(file)).finish().map_err(failed)
}

/// A file that is hashed while it is read. A clone reads the same file on: one goes below what unpacks the bytes,
/// the other stays with who wants the hash.
#[derive(Clone)]
pub(super) struct Hashed(Arc<Mutex<Inner>>);

struct Inner {
    input: Box<dyn Read + Send>,
    hash: Sha256,
    bytes: u64,
}

impl Hashed {
    pub(super) fn new(input: Box<dyn Read + Send>) -> Self {
        Self(Arc::new(Mutex::new(Inner {
            input,
            hash: Sha256::new(),
            bytes: 0,
        })))
    }

    /// Reads what is left; gives the hash of all.
    pub(super) fn finish(self) -> io::Result<FileHash> {
        let mut inner = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut buffer = vec![0; REST];
        loop {
            match inner.read(&mut buffer) {
                Ok(0) => break,
                Ok(_) => {}
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) => return Err(e),
            }
        }
        Ok(FileHash {
            bytes: inner.bytes,
            sha256: inner.hash.clone().finalize().into(),
        })
    }
}

impl Read for Hashed {
    fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
        let mut inner = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        inner.read(room)
    }
}

impl Inner {
    fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
        let n = self.input.read(room)?;
        self.hash.update(room.get(..n).unwrap_or_default());
        self.bytes += n as u64;
        Ok(n)
    }
}
