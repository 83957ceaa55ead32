//! Reads one capture file, packet by packet, whatever its format and compression.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use super::buffer::{Buffer, Halt};
use super::facts::{Compression, End, FileFacts, Format};
use super::hashed::{FileHash, Hashed};
use super::input::Input;
use super::pcap::Pcap;
use super::pcapng::{self, Pcapng};
use super::{PacketMeta, recognise};
use crate::error::{Error, Result};

/// What is read at once. A mebibyte is best for a long file; less saves memory where many are open.
pub(super) const READ_AT_ONCE: usize = 1 << 20;
/// Bytes in which a file that is no capture is recognised.
const HEAD: usize = 512;

/// One capture file.
///
/// ```no_run
/// # use netcap::capture::Reader;
/// # fn main() -> netcap::error::Result<()> {
/// let mut reader = Reader::open("a.pcap.gz".as_ref())?;
/// while let Some((packet, bytes)) = reader.next()? {
///     println!("{} {} {}", packet.number, packet.ts_ns, bytes.len());
/// }
/// println!("{:?}", reader.facts().end);
/// # Ok(())
/// # }
/// ```
pub struct Reader {
    name: PathBuf,
    buffer: Buffer,
    state: State,
    facts: FileFacts,
    /// What hashes the file, if that is wanted.
    hashed: Option<Hashed>,
    /// The present packet, place of its bytes in the window, and length of its record.
    meta: PacketMeta,
    data: usize,
    record: usize,
}

enum State {
    Pcap(Pcap),
    Pcapng(Pcapng),
    Ended,
}

/// Why a file could not be opened.
pub(super) enum Refusal {
    /// It is no capture; with whether packets are likely to be in it.
    NoCapture { error: Error, packets_likely: bool },
    /// It could not be read.
    Failed(Error),
}

impl From<Refusal> for Error {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::NoCapture { error, .. } | Refusal::Failed(error) => error,
        }
    }
}

impl Reader {
    /// Opens a file and recognises by content what it is: pcap or pcapng, plain or in gzip, zstd or
    /// lz4. What is neither is an error that says what it is instead.
    pub fn open(path: &Path) -> Result<Self> {
        Ok(Self::try_open(path, READ_AT_ONCE, false)?)
    }

    /// Reads what comes from elsewhere, such as standard input; `name` is for messages.
    pub fn from_read(name: &Path, input: Box<dyn Read + Send>) -> Result<Self> {
        Ok(Self::try_read(name, input, READ_AT_ONCE)?)
    }

    /// As [`Self::open`], with the size of the window in bytes, and telling errors apart. With `hash`, what is
    /// read is hashed, for [`Self::finish_hash`].
    pub(super) fn try_open(path: &Path, window: usize, hash: bool) -> Result<Self, Refusal> {
        let failed = |e| Refusal::Failed(Error::io(path, "read this file", e));
        let file = File::open(path).map_err(failed)?;
        if file.metadata().map_err(failed)?.is_dir() {
            let error = Error::new("this is a folder, where a capture file was expected");
            return Err(Refusal::Failed(error.in_file(path)));
        }
        if !hash {
            return Self::try_read(path, Box::new(file), window);
        }
        let hashed = Hashed::new(Box::new(file));
        let mut reader = Self::try_read(path, Box::new(hashed.clone()), window)?;
        reader.hashed = Some(hashed);
        Ok(reader)
    }

    /// The file's hash, if it was wanted; reads the rest of the file for it, so that there are no more packets.
    pub(super) fn finish_hash(&mut self) -> Result<Option<FileHash>> {
        let failed = |e| Error::io(&self.name, "go on reading this file", e);
        let hashed = self.hashed.take().map(Hashed::finish).transpose();
        hashed.map_err(failed)
    }

    fn try_read(name: &Path, input: Box<dyn Read + Send>, window: usize) -> Result<Self, Refusal> {
        let failed = |e| Refusal::Failed(Error::io(name, "read this file", e));
        let input = Input::new(input).map_err(failed)?;
        let compression = input.compression();
        let mut buffer = Buffer::new(input, window);
        let format = match buffer.need(4) {
            Err(Halt::Io(e)) => return Err(failed(e)),
            Err(Halt::Cut(what) | Halt::Damaged(what)) => return Err(unpacking(name, &what)),
            Ok(_) => {
                let magic = buffer.bytes().first_chunk();
                magic.and_then(|magic| Format::recognise(*magic))
            }
        };
        let Some(format) = format else {
            // Only for a better message: what is there will do if reading fails.
            let _ = buffer.need(HEAD);
            let head = buffer.bytes();
            return Err(no_capture(
                name,
                compression,
                head.get(..HEAD).unwrap_or(head),
            ));
        };
        let mut facts = FileFacts::new(format, compression);
        let begun = match format {
            Format::Pcapng => match buffer.need(12) {
                Ok(true) if pcapng::byte_order(buffer.bytes()).is_err() => {
                    let error = Error::new(
                        "this is no capture: it begins as a pcapng file does, \
                         but the byte-order mark 1a2b3c4d is not at byte 8",
                    );
                    return Err(Refusal::NoCapture {
                        error: error.in_file(name).at_offset(8),
                        packets_likely: true,
                    });
                }
                Ok(_) => Ok(State::Pcapng(Pcapng::new())),
                Err(halt) => Err(halt),
            },
            _ => Pcap::begin(&mut buffer, &mut facts).map(State::Pcap),
        };
        let mut reader = Self {
            name: name.to_path_buf(),
            buffer,
            state: State::Ended,
            facts,
            hashed: None,
            meta: PacketMeta::default(),
            data: 0,
            record: 0,
        };
        match begun {
            Ok(state) => reader.state = state,
            Err(halt) => reader.end(Err(halt)).map_err(Refusal::Failed)?,
        }
        Ok(reader)
    }

    /// The file as it was named.
    pub fn name(&self) -> &Path {
        &self.name
    }

    /// Next packet with its captured bytes; `None` at the end of the file, however it ended, and
    /// then [`Self::facts`] are complete. An error is one of the operating system's.
    #[expect(
        clippy::should_implement_trait,
        reason = "an iterator cannot lend its buffer"
    )]
    #[inline]
    pub fn next(&mut self) -> Result<Option<(&PacketMeta, &[u8])>> {
        Ok(self.advance()?.then(|| (self.meta(), self.data())))
    }

    /// [`Self::next`] in steps: goes on to the next packet, which [`Self::meta`] and [`Self::data`] then
    /// give; `false` at the end.
    ///
    /// What the file says of it stays where it is: to copy it right after it was written takes longer than
    /// to read it.
    #[inline]
    pub fn advance(&mut self) -> Result<bool> {
        self.buffer.consume(std::mem::take(&mut self.record));
        self.meta.captured = 0;
        let next = match &mut self.state {
            State::Pcap(pcap) => pcap.next(&mut self.buffer, self.facts.packets + 1),
            State::Pcapng(pcapng) => pcapng.next(&mut self.buffer, &mut self.facts),
            State::Ended => return Ok(false),
        };
        match next {
            Ok(Some((meta, data, record))) => {
                self.facts.count(&meta);
                (self.meta, self.data, self.record) = (meta, data, record);
                Ok(true)
            }
            Ok(None) => self.end(Ok(())).map(|()| false),
            Err(halt) => self.end(Err(halt)).map(|()| false),
        }
    }

    /// What the file says of the packet that [`Self::advance`] went to.
    #[inline]
    pub fn meta(&self) -> &PacketMeta {
        &self.meta
    }

    /// Captured bytes of the packet that [`Self::advance`] went to.
    #[inline]
    pub fn data(&self) -> &[u8] {
        let captured = self.meta.captured as usize;
        let bytes = self.buffer.bytes().get(self.data..self.data + captured);
        bytes.unwrap_or_default()
    }

    /// Comments of the packet that [`Self::advance`] went to; only pcapng has them.
    pub fn comments(&self) -> Vec<String> {
        let State::Pcapng(pcapng) = &self.state else {
            return Vec::new();
        };
        let captured = self.meta.captured as usize;
        let options = self.data + captured.next_multiple_of(4);
        let options = self
            .buffer
            .bytes()
            .get(options..self.record.saturating_sub(4));
        pcapng.comments(options.unwrap_or_default())
    }

    /// What is known of the file so far; all of it once there are no more packets.
    pub fn facts(&self) -> &FileFacts {
        &self.facts
    }

    /// [`Self::facts`] without the reader.
    pub fn into_facts(self) -> FileFacts {
        self.facts
    }

    #[cold]
    fn end(&mut self, how: Result<(), Halt>) -> Result<()> {
        let packet = self.facts.packets + 1;
        let offset = match &self.state {
            State::Pcapng(pcapng) => pcapng.offset,
            _ => self.buffer.offset(),
        };
        self.state = State::Ended;
        let all = self.buffer.offset() + self.buffer.bytes().len() as u64;
        let (end, bytes) = match how {
            Ok(()) => (End::Complete, all),
            Err(Halt::Cut(what)) => (
                End::Cut {
                    packet,
                    offset,
                    what,
                },
                all,
            ),
            // How much lies in the window behind the damage depends on how it was read.
            Err(Halt::Damaged(what)) => (
                End::Damaged {
                    packet,
                    offset,
                    what,
                },
                offset,
            ),
            Err(Halt::Io(e)) => {
                return Err(Error::io(&self.name, "go on reading this file", e)
                    .at_packet(packet.unsigned_abs())
                    .at_offset(offset));
            }
        };
        self.facts.bytes = bytes;
        self.facts.end = Some(end);
        Ok(())
    }
}

/// Compressed data that cannot even be begun.
fn unpacking(name: &Path, what: &str) -> Refusal {
    let mut error = Error::new(format!("nothing could be read: {what}")).in_file(name);
    if what.contains("memory") {
        error = error.help(
            "it was compressed with a window of more than 32 MiB: unpack it first with \
             `zstd -d --long=31 FILE`, or compress it without --long",
        );
    }
    Refusal::NoCapture {
        error,
        packets_likely: true,
    }
}

fn no_capture(name: &Path, compression: Option<Compression>, head: &[u8]) -> Refusal {
    const EXPECTED: &str = "expected pcap or pcapng, plain or compressed with gzip, zstd or lz4";
    let inside = compression.map_or_else(String::new, |c| format!(" inside of {c}"));
    if head.is_empty() {
        let error = Error::new(format!(
            "this is no capture: it is empty{inside}; {EXPECTED}"
        ));
        return Refusal::NoCapture {
            error: error.in_file(name),
            packets_likely: true,
        };
    }
    let found = recognise::recognise(head);
    let error = Error::new(format!(
        "this is no capture: found {}{inside}; {EXPECTED}",
        found.what
    ));
    let mut error = error.in_file(name);
    if let Some(help) = found.help {
        error = error.help(help);
    }
    Refusal::NoCapture {
        error,
        packets_likely: found.packets_likely,
    }
}
