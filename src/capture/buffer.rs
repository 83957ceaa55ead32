//! A window over a file's uncompressed bytes: so many of them at once as a record needs.
//!
//! Filled by plain reads of up to a mebibyte, which for packets of ordinary size is twice as fast
//! as mapping the file. It knows the byte offset and keeps the error of a failed read, which
//! pcap-parser's readers lose.

use std::io;

use super::input::Input;

/// Why reading stopped before its proper end.
#[derive(Debug)]
pub(super) enum Halt {
    /// The file ends inside of something.
    Cut(String),
    /// Something that cannot be.
    Damaged(String),
    /// The operating system failed.
    Io(io::Error),
}

/// The window.
pub(super) struct Buffer {
    input: Input,
    data: Vec<u8>,
    start: usize,
    end: usize,
    /// Offset in the uncompressed file of `start`.
    offset: u64,
}

impl Buffer {
    /// `capacity` in bytes is what is read at once; the window grows for a record that needs more.
    pub(super) fn new(input: Input, capacity: usize) -> Self {
        Self {
            input,
            data: vec![0; capacity.max(64)],
            start: 0,
            end: 0,
            offset: 0,
        }
    }

    /// Byte offset of the window's first byte in the uncompressed file.
    #[inline]
    pub(super) fn offset(&self) -> u64 {
        self.offset
    }

    /// Bytes in the window.
    #[inline]
    pub(super) fn bytes(&self) -> &[u8] {
        self.data.get(self.start..self.end).unwrap_or_default()
    }

    /// Makes the window at least `n` bytes long; false if the file ends before. `n` is the
    /// caller's to limit: the memory for it is taken.
    #[inline]
    pub(super) fn need(&mut self, n: usize) -> Result<bool, Halt> {
        if self.end - self.start >= n {
            Ok(true)
        } else {
            self.fill(n)
        }
    }

    /// Moves the window's start `n` bytes on, at most to its end.
    #[inline]
    pub(super) fn consume(&mut self, n: usize) {
        let n = n.min(self.end - self.start);
        self.start += n;
        self.offset += n as u64;
    }

    /// Leaves out `n` bytes, however many, without holding them; false if the file ends before.
    pub(super) fn skip(&mut self, mut n: u64) -> Result<bool, Halt> {
        loop {
            let step = usize::try_from(n)
                .unwrap_or(usize::MAX)
                .min(self.end - self.start);
            self.consume(step);
            n -= step as u64;
            if n == 0 {
                return Ok(true);
            }
            if !self.need(1)? {
                return Ok(false);
            }
        }
    }

    #[cold]
    fn fill(&mut self, n: usize) -> Result<bool, Halt> {
        if n > self.data.len() {
            let mut larger = vec![0; n.next_multiple_of(1 << 20)];
            let bytes = self.bytes();
            if let Some(room) = larger.get_mut(..bytes.len()) {
                room.copy_from_slice(bytes);
            }
            self.end -= self.start;
            self.start = 0;
            self.data = larger;
        } else {
            self.data.copy_within(self.start..self.end, 0);
            self.end -= self.start;
            self.start = 0;
        }
        while self.end < n {
            let room = self.data.get_mut(self.end..).unwrap_or_default();
            let read = self.input.read(room)?;
            if read == 0 {
                return Ok(false);
            }
            self.end += read;
        }
        Ok(true)
    }
}
