//! gzip: members one after another, and what else may lie behind them.
//!
//! Like `gzip -d`, zeros behind the last member (tapes and block devices leave them) are passed over. Anything else there
//! is told, after all that could be decoded.

use std::io::{self, BufRead, BufReader, Read};

use flate2::bufread::GzDecoder;

/// How each member begins.
const MAGIC: u8 = 0x1f;

/// Decodes all members.
pub(super) struct Gzip<R: Read> {
    /// `None` behind the last member.
    member: Option<GzDecoder<BufReader<R>>>,
}

impl<R: Read> Gzip<R> {
    pub(super) fn new(input: R) -> Self {
        Self {
            member: Some(GzDecoder::new(BufReader::new(input))),
        }
    }
}

impl<R: Read> Read for Gzip<R> {
    fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
        while let Some(member) = &mut self.member {
            let n = member.read(room)?;
            if n > 0 || room.is_empty() {
                return Ok(n);
            }
            let Some(ended) = self.member.take() else {
                break;
            };
            let mut rest = ended.into_inner();
            if next(&mut rest)? {
                self.member = Some(GzDecoder::new(rest));
            }
        }
        Ok(0)
    }
}

/// Passes over zeros; tells whether another member begins.
fn next(rest: &mut impl BufRead) -> io::Result<bool> {
    loop {
        let bytes = rest.fill_buf()?;
        let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
        match bytes.get(zeros) {
            None if bytes.is_empty() => return Ok(false),
            None => rest.consume(zeros),
            Some(&MAGIC) if zeros == 0 => return Ok(true),
            Some(_) => {
                let error = "something that is no gzip follows; all before it was read";
                return Err(io::Error::new(io::ErrorKind::InvalidData, error));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::{ErrorKind, Read, Write};

    use flate2::Compression;
    use flate2::write::GzEncoder;

    use super::Gzip;

    fn member(text: &str) -> Vec<u8> {
        let mut out = GzEncoder::new(Vec::new(), Compression::fast());
        out.write_all(text.as_bytes()).unwrap();
        out.finish().unwrap()
    }

    fn read(bytes: &[u8]) -> (String, Option<ErrorKind>) {
        let mut text = String::new();
        let error = Gzip::new(bytes).read_to_string(&mut text).err();
        (text, error.map(|e| e.kind()))
    }

    #[test]
    fn what_follows_is_a_member_zeros_or_told() {
        let (a, b) = (member("a"), member("b"));
        assert_eq!(read(&[&a[..], &b].concat()), ("ab".to_owned(), None));
        // Without anything in it.
        assert_eq!(
            read(&[&a[..], &member(""), &b].concat()),
            ("ab".to_owned(), None)
        );
        let zeros = vec![0; 100_000];
        assert_eq!(read(&[&a[..], &zeros].concat()), ("a".to_owned(), None));
        for junk in [&b"x"[..], b"junk that is longer than a header", b"\0\0x"] {
            let (_, error) = read(&[&a[..], junk].concat());
            assert_eq!(error, Some(ErrorKind::InvalidData), "{junk:?}");
        }
        let cut = &[&a[..], &b[..b.len() - 3]].concat();
        assert_eq!(read(cut).1, Some(ErrorKind::UnexpectedEof));
    }
}
