//! A file's bytes, uncompressed: gzip, zstd and lz4 are recognised by content and undone.
//!
//! Tells apart what went wrong: the operating system, a stream that breaks off, or one that is
//! damaged. Compressed data inside of compressed data are not undone.

use std::fmt;
use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::Path;

use super::buffer::Halt;
use super::facts::{Compression, Format};
use super::gzip::Gzip;
use super::lz4::Lz4;
use crate::error::{Error, Result};

/// zstd's windows up to 2^25 = 32 MiB, so that no file takes more than 64 MiB of memory. All
/// levels up to 20 keep to it; only `--ultra -21`, `-22` and `--long` go beyond.
const ZSTD_WINDOW_LOG: u32 = 25;

/// A piece of gzip's output is lost when damage lies in it, so pieces are short.
const GZIP_PIECE: usize = 16 << 10;

/// Larger files are not read whole: their few compressed bytes may say anything.
const WHOLE: usize = 8 << 30;

/// A whole file, uncompressed, for what is no capture.
pub fn read_whole(path: &Path) -> Result<Vec<u8>> {
    let mut input = open(path)?;
    let (mut bytes, mut room) = (Vec::new(), vec![0; 1 << 16]);
    loop {
        match input.read(&mut room).map_err(|halt| told(path, halt))? {
            0 => return Ok(bytes),
            n => bytes.extend_from_slice(room.get(..n).unwrap_or_default()),
        }
        if bytes.len() > WHOLE {
            return Err(Error::new(format!("this file has more than {WHOLE} bytes")).in_file(path));
        }
    }
}

/// The format of a file, uncompressed, if it is a capture.
pub fn format_of(path: &Path) -> Result<Option<Format>> {
    let mut input = open(path)?;
    let (mut magic, mut length) = ([0; 4], 0);
    while let Some(room) = magic.get_mut(length..).filter(|room| !room.is_empty()) {
        match input.read(room).map_err(|halt| told(path, halt))? {
            0 => return Ok(None),
            n => length += n,
        }
    }
    Ok(Format::recognise(magic))
}

fn open(path: &Path) -> Result<Input> {
    let failed = |e| Error::io(path, "read", e);
    let file = File::open(path).map_err(failed)?;
    Input::new(Box::new(file)).map_err(failed)
}

fn told(path: &Path, halt: Halt) -> Error {
    match halt {
        Halt::Io(error) => Error::io(path, "read", error),
        Halt::Cut(why) | Halt::Damaged(why) => Error::new(why).in_file(path),
    }
}

/// Uncompressed bytes.
pub(super) struct Input {
    bytes: Box<dyn Read + Send>,
    compression: Option<Compression>,
    piece: usize,
}

impl Input {
    /// Looks at the first bytes and chooses the decoder.
    pub(super) fn new(input: Box<dyn Read + Send>) -> io::Result<Self> {
        let mut raw = Raw {
            head: [0; 4],
            length: 0,
            taken: 0,
            input,
        };
        raw.look()?;
        let (compression, bytes, piece): (_, Box<dyn Read + Send>, _) = match raw.head {
            [0x1f, 0x8b, 0x08, _] => (
                Some(Compression::Gzip),
                Box::new(Gzip::new(raw)),
                GZIP_PIECE,
            ),
            // The second line is a frame to be skipped, which pzstd begins its files with.
            [0x28, 0xb5, 0x2f, 0xfd] | [0x50..=0x5f, 0x2a, 0x4d, 0x18] => {
                let mut decoder = zstd::stream::read::Decoder::new(raw)?;
                decoder.window_log_max(ZSTD_WINDOW_LOG)?;
                (Some(Compression::Zstd), Box::new(decoder), usize::MAX)
            }
            [0x04, 0x22, 0x4d, 0x18] => (
                Some(Compression::Lz4),
                Box::new(Lz4::new(BufReader::new(raw))),
                usize::MAX,
            ),
            _ => (None, Box::new(raw), usize::MAX),
        };
        Ok(Self {
            bytes,
            compression,
            piece,
        })
    }

    pub(super) fn compression(&self) -> Option<Compression> {
        self.compression
    }

    /// Reads some bytes; 0 only at the proper end.
    pub(super) fn read(&mut self, room: &mut [u8]) -> Result<usize, Halt> {
        let length = room.len().min(self.piece);
        let room = room.get_mut(..length).unwrap_or_default();
        loop {
            match self.bytes.read(room) {
                Ok(n) => return Ok(n),
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) => return Err(self.why(e)),
            }
        }
    }

    fn why(&self, error: io::Error) -> Halt {
        let error = match error.downcast::<Device>() {
            Ok(device) => return Halt::Io(device.0),
            Err(error) => error,
        };
        match self.compression {
            None => Halt::Io(error),
            Some(compression) if error.kind() == io::ErrorKind::UnexpectedEof => {
                Halt::Cut(format!("the {compression} data break off"))
            }
            Some(compression) => {
                Halt::Damaged(format!("the {compression} data are damaged ({error})"))
            }
        }
    }
}

/// The file as it lies on disk, with its first bytes seen beforehand.
struct Raw {
    head: [u8; 4],
    length: usize,
    taken: usize,
    input: Box<dyn Read + Send>,
}

impl Raw {
    fn look(&mut self) -> io::Result<()> {
        while let Some(room) = self
            .head
            .get_mut(self.length..)
            .filter(|room| !room.is_empty())
        {
            match self.input.read(room) {
                Ok(0) => break,
                Ok(n) => self.length += n,
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) => return Err(e),
            }
        }
        Ok(())
    }
}

impl Read for Raw {
    fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
        if self.taken < self.length {
            let mut head = self.head.get(self.taken..self.length).unwrap_or_default();
            let n = head.read(room)?;
            self.taken += n;
            return Ok(n);
        }
        self.input
            .read(room)
            .map_err(|e| io::Error::new(e.kind(), Device(e)))
    }
}

/// Marks an error as the operating system's on its way through a decoder.
#[derive(Debug)]
struct Device(io::Error);

impl fmt::Display for Device {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl std::error::Error for Device {}
