//! The LZ4 frame format around `lz4_flex`'s blocks.
//!
//! Not `lz4_flex`'s own frame decoder: it says "end" alike for the end of a frame, a file that
//! breaks off between two blocks and an empty block, so a cut would pass in silence.
//! The format: <https://github.com/lz4/lz4/blob/dev/doc/lz4_Frame_format.md>.

use std::io::{self, Read};

use xxhash_rust::xxh32::{Xxh32, xxh32};

const MAGIC: u32 = 0x184d_2204;
const SKIPPABLE: std::ops::RangeInclusive<u32> = 0x184d_2a50..=0x184d_2a5f;
/// How far back a block may refer to earlier ones.
const WINDOW: usize = 64 << 10;

/// Decoder of one or more frames. An input that ends inside of a frame gives `UnexpectedEof`.
pub(super) struct Lz4<R> {
    input: R,
    frame: Option<Frame>,
    packed: Vec<u8>,
    /// Up to [`WINDOW`] bytes of earlier blocks, then the block that is being handed out.
    unpacked: Vec<u8>,
    /// Next byte to hand out.
    position: usize,
    /// End of the block.
    end: usize,
}

struct Frame {
    independent: bool,
    block_checksums: bool,
    largest_block: usize,
    /// Hash of the content, if the frame ends with one.
    hash: Option<Xxh32>,
}

impl<R: Read> Lz4<R> {
    pub(super) fn new(input: R) -> Self {
        Self {
            input,
            frame: None,
            packed: Vec::new(),
            unpacked: Vec::new(),
            position: 0,
            end: 0,
        }
    }

    fn u32(&mut self) -> io::Result<u32> {
        let mut bytes = [0; 4];
        self.input.read_exact(&mut bytes)?;
        Ok(u32::from_le_bytes(bytes))
    }

    /// Next frame's header; false at the end of the input, which is only here a proper one.
    fn begin(&mut self) -> io::Result<bool> {
        let mut magic = Vec::with_capacity(4);
        self.input.by_ref().take(4).read_to_end(&mut magic)?;
        let magic = match (magic.len(), magic.first_chunk()) {
            (0, _) => return Ok(false),
            (_, Some(magic)) => u32::from_le_bytes(*magic),
            _ => return Err(io::ErrorKind::UnexpectedEof.into()),
        };
        if SKIPPABLE.contains(&magic) {
            let length = u64::from(self.u32()?);
            let skipped = io::copy(&mut self.input.by_ref().take(length), &mut io::sink())?;
            return if skipped == length {
                Ok(true)
            } else {
                Err(io::ErrorKind::UnexpectedEof.into())
            };
        }
        if magic != MAGIC {
            return Err(invalid("bytes after a frame that are no frame"));
        }
        let mut descriptor = [0; 2];
        self.input.read_exact(&mut descriptor)?;
        let [flags, block] = descriptor;
        if flags >> 6 != 1 {
            return Err(invalid("unknown version of the frame format"));
        }
        if flags & 1 != 0 {
            return Err(invalid("a frame that needs a dictionary"));
        }
        let mut hash = Xxh32::new(0);
        hash.update(&descriptor);
        if flags & 8 != 0 {
            // The content's length, which is not needed.
            let mut length = [0; 8];
            self.input.read_exact(&mut length)?;
            hash.update(&length);
        }
        let mut checksum = [0; 1];
        self.input.read_exact(&mut checksum)?;
        let [_, _, expected, _] = hash.digest().to_be_bytes();
        if checksum != [expected] {
            return Err(invalid("checksum of the frame header"));
        }
        let largest_block = match (block >> 4) & 7 {
            4 => 64 << 10,
            5 => 256 << 10,
            6 => 1 << 20,
            7 => 4 << 20,
            _ => return Err(invalid("unknown block size")),
        };
        self.frame = Some(Frame {
            independent: flags & 0x20 != 0,
            block_checksums: flags & 0x10 != 0,
            largest_block,
            hash: (flags & 4 != 0).then(|| Xxh32::new(0)),
        });
        self.position = 0;
        self.end = 0;
        Ok(true)
    }

    /// Next block of `frame`, or its end.
    fn block(&mut self, mut frame: Frame) -> io::Result<()> {
        let word = self.u32()?;
        if word == 0 {
            if let Some(hash) = frame.hash
                && self.u32()? != hash.digest()
            {
                return Err(invalid("checksum of the content"));
            }
            return Ok(());
        }
        let length = (word & 0x7fff_ffff) as usize;
        if length > frame.largest_block {
            return Err(invalid("a block longer than the frame allows"));
        }
        self.packed.resize(length, 0);
        self.input.read_exact(&mut self.packed)?;
        if frame.block_checksums && self.u32()? != xxh32(&self.packed, 0) {
            return Err(invalid("checksum of a block"));
        }

        let history = if frame.independent {
            0
        } else {
            self.end.min(WINDOW)
        };
        self.unpacked.copy_within(self.end - history..self.end, 0);
        if self.unpacked.len() < history + frame.largest_block {
            self.unpacked.resize(history + frame.largest_block, 0);
        }
        let (earlier, room) = self.unpacked.split_at_mut(history);
        let room = room.get_mut(..frame.largest_block).unwrap_or_default();
        let n = if word >> 31 == 1 {
            room.iter_mut()
                .zip(&self.packed)
                .for_each(|(to, from)| *to = *from);
            length
        } else {
            lz4_flex::block::decompress_into_with_dict(&self.packed, room, earlier)
                .map_err(|e| io::Error::new(io::ErrorKind::InvalidData, e))?
        };
        if let Some(hash) = &mut frame.hash {
            hash.update(room.get(..n).unwrap_or_default());
        }
        self.position = history;
        self.end = history + n;
        self.frame = Some(frame);
        Ok(())
    }
}

impl<R: Read> Read for Lz4<R> {
    fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
        while self.position == self.end {
            if let Some(frame) = self.frame.take() {
                self.block(frame)?;
            } else if !self.begin()? {
                return Ok(0);
            }
        }
        let mut rest = self
            .unpacked
            .get(self.position..self.end)
            .unwrap_or_default();
        let n = rest.read(room)?;
        self.position += n;
        Ok(n)
    }
}

fn invalid(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}
