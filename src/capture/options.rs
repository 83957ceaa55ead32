//! Options of pcapng blocks, read where they lie.
//!
//! pcap-parser makes a vector of them for every packet that has some, and reads `if_tsoffset` as
//! little endian in big-endian sections, so they are read here.

/// Option code of a comment, in any block.
const COMMENT: u16 = 1;
const END: u16 = 0;

/// Two bytes of a section.
#[inline]
pub(super) fn u16_at(bytes: &[u8], offset: usize, big_endian: bool) -> Option<u16> {
    let bytes = *bytes.get(offset..)?.first_chunk()?;
    Some(if big_endian {
        u16::from_be_bytes(bytes)
    } else {
        u16::from_le_bytes(bytes)
    })
}

/// Four bytes of a section.
#[inline]
pub(super) fn u32_at(bytes: &[u8], offset: usize, big_endian: bool) -> Option<u32> {
    let bytes = *bytes.get(offset..)?.first_chunk()?;
    Some(if big_endian {
        u32::from_be_bytes(bytes)
    } else {
        u32::from_le_bytes(bytes)
    })
}

/// Code and value of each option, up to the end mark, the end of the block or an option that
/// does not fit in it.
pub(super) struct Options<'a> {
    rest: &'a [u8],
    big_endian: bool,
}

impl<'a> Options<'a> {
    /// `bytes` begin at an option or are empty.
    pub(super) fn new(bytes: &'a [u8], big_endian: bool) -> Self {
        Self {
            rest: bytes,
            big_endian,
        }
    }

    /// The comments among them; what is no UTF-8 is replaced.
    pub(super) fn comment_texts(self) -> Vec<String> {
        let comments = self.filter(|(code, _)| *code == COMMENT);
        comments
            .map(|(_, text)| String::from_utf8_lossy(text).into_owned())
            .collect()
    }

    /// How many of them are comments.
    pub(super) fn comments(self) -> u64 {
        self.filter(|(code, _)| *code == COMMENT).count() as u64
    }
}

impl<'a> Iterator for Options<'a> {
    type Item = (u16, &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        let code = u16_at(self.rest, 0, self.big_endian)?;
        let length = usize::from(u16_at(self.rest, 2, self.big_endian)?);
        if code == END {
            return None;
        }
        let value = self.rest.get(4..4 + length)?;
        self.rest = self
            .rest
            .get(4 + length.next_multiple_of(4)..)
            .unwrap_or_default();
        Some((code, value))
    }
}
