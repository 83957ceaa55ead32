//! Domain names: labels, compression (RFC 1035, 4.1.4) and presentation form.

use crate::packet::bytes::{u8_at, u16_at};

/// The texts of a message, in one buffer. A few bytes that point to a long name can stand for many times as much, so
/// there is a limit: what honest messages with many records of a long name have is below it.
#[derive(Default)]
pub(super) struct Names {
    buffer: String,
    /// How long further names of records may be, as texts, be they wanted or not.
    left: usize,
    /// Bytes of texts after which data are no longer shown by their type.
    most_text: usize,
}

/// A text in [`Names`].
#[derive(Clone, Copy)]
pub(super) struct Range {
    start: usize,
    end: usize,
}

impl Range {
    pub(super) const EMPTY: Self = Self { start: 0, end: 0 };
}

/// Why a name could not be read.
pub(super) struct BadName {
    pub(super) reason: &'static str,
    /// The bytes ended.
    pub(super) cut: bool,
}

impl Names {
    /// For a message of that length.
    pub(super) fn begin(&mut self, length: usize) {
        self.buffer.clear();
        self.most_text = length * 12 + 4096;
        self.left = self.most_text;
    }

    /// There is no more room for data in the form of their types.
    pub(super) fn is_full(&self) -> bool {
        self.buffer.len() > self.most_text
    }

    pub(super) fn get(&self, range: Range) -> &str {
        self.buffer.get(range.start..range.end).unwrap_or_default()
    }

    /// Adds the text that `write` writes.
    pub(super) fn text(&mut self, write: impl FnOnce(&mut String)) -> Range {
        let start = self.buffer.len();
        write(&mut self.buffer);
        Range {
            start,
            end: self.buffer.len(),
        }
    }

    /// Reads the name at `at` in the message; gives it, if it is `wanted`, and where it ends.
    pub(super) fn read(
        &mut self,
        message: &[u8],
        at: usize,
        wanted: bool,
    ) -> Result<(Range, usize), BadName> {
        let start = self.buffer.len();
        let name = append(message, at, wanted.then_some(&mut self.buffer));
        let name = name.and_then(|name| match self.left.checked_sub(name.text_bytes) {
            Some(left) => {
                self.left = left;
                Ok(name.end)
            }
            None => Err(BadName {
                reason: "names are more than twelve times as long as their message",
                cut: false,
            }),
        });
        match name {
            Ok(after) => Ok((
                Range {
                    start,
                    end: self.buffer.len(),
                },
                after,
            )),
            Err(bad) => {
                self.buffer.truncate(start);
                Err(bad)
            }
        }
    }
}

/// A name that was read.
pub(super) struct Name {
    /// Where it ends in the message.
    pub(super) end: usize,
    /// Length of its text.
    text_bytes: usize,
}

/// Appends the name at `at`, without the final dot; the root is `.`.
pub(super) fn append(
    message: &[u8],
    at: usize,
    mut out: Option<&mut String>,
) -> Result<Name, BadName> {
    /// Names have at most 255 bytes (RFC 1035, 2.3.4), so at most 127 labels.
    const MOST_BYTES: usize = 255;
    /// A label before each would be enough for any name.
    const MOST_POINTERS: usize = 127;
    let cut = BadName {
        reason: "a name ends too early",
        cut: true,
    };
    let bad = |reason| BadName { reason, cut: false };
    let (mut at, mut after, mut length, mut limit) = (at, None, 0, message.len());
    let (mut pointers, mut text_bytes) = (0, 0);
    loop {
        let Some(first) = u8_at(message, at) else {
            return Err(cut);
        };
        match first >> 6 {
            0 if first == 0 => {
                at += 1;
                break;
            }
            0 => {
                let Some(label) = message.get(at + 1..at + 1 + usize::from(first)) else {
                    return Err(cut);
                };
                if let Some(out) = &mut out {
                    if length > 0 {
                        out.push('.');
                    }
                    escape(label, b'.', out);
                }
                text_bytes += escaped_bytes(label) + 1;
                length += label.len() + 1;
                if length > MOST_BYTES {
                    return Err(bad("a name is longer than 255 bytes"));
                }
                at += 1 + label.len();
            }
            3 => {
                let Some(pointer) = u16_at(message, at) else {
                    return Err(cut);
                };
                let to = usize::from(pointer & 0x3fff);
                after.get_or_insert(at + 2);
                // Each pointer leads further back, so that none can go round.
                if to >= at.min(limit) {
                    return Err(bad("a name points forward"));
                }
                pointers += 1;
                if pointers > MOST_POINTERS {
                    return Err(bad("a name has more than 127 pointers"));
                }
                (at, limit) = (to, to);
            }
            _ => return Err(bad("a label has an unknown type")),
        }
    }
    if let Some(out) = out.filter(|_| length == 0) {
        out.push('.');
    }
    Ok(Name {
        end: after.unwrap_or(at),
        text_bytes,
    })
}

fn is_printable(byte: u8) -> bool {
    (b' '..=b'~').contains(&byte)
}

/// How long a label is in presentation form.
fn escaped_bytes(label: &[u8]) -> usize {
    let more = label.iter().map(|byte| match byte {
        b'\\' | b'.' => 1,
        byte if is_printable(*byte) => 0,
        _ => 3,
    });
    label.len() + more.sum::<usize>()
}

/// Appends bytes in presentation form (RFC 1035, 5.1): what is not printable ASCII as `\DDD`, a
/// backslash before itself and before `special`.
pub(super) fn escape(bytes: &[u8], special: u8, out: &mut String) {
    let is_special = |byte: u8| byte == b'\\' || byte == special;
    let as_it_is = |all, byte: &u8| all & is_printable(*byte) & !is_special(*byte);
    // Most are.
    if let (true, Ok(text)) = (bytes.iter().fold(true, as_it_is), str::from_utf8(bytes)) {
        out.push_str(text);
        return;
    }
    for byte in bytes {
        if is_special(*byte) {
            out.push('\\');
            out.push(char::from(*byte));
        } else if is_printable(*byte) {
            out.push(char::from(*byte));
        } else {
            out.push('\\');
            let digits = [byte / 100, byte / 10 % 10, byte % 10];
            out.extend(digits.map(|digit| char::from(b'0' + digit)));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Names, append, escape, escaped_bytes};

    #[test]
    fn what_is_not_printable_or_has_a_meaning_is_escaped() {
        for (bytes, special, text) in [
            (b"www ~".as_slice(), b'.', "www ~"),
            (b"a.b\\c", b'.', "a\\.b\\\\c"),
            (b"a.b\"c", b'"', "a.b\\\"c"),
            (b"\0\x1f\x7f\xff9", b'.', "\\000\\031\\127\\2559"),
            (b"", b'.', ""),
        ] {
            let mut out = String::from("x");
            escape(bytes, special, &mut out);
            assert_eq!(out.strip_prefix('x'), Some(text));
            if special == b'.' {
                assert_eq!(escaped_bytes(bytes), text.len());
            }
        }
    }

    /// A name of 127 labels, and pointers to it, each to the one before.
    #[test]
    fn names_have_as_many_pointers_as_labels() {
        let mut message = [1, b'a'].repeat(127);
        message.push(0);
        let read = |message: &[u8], at| append(message, at, None).map_err(|bad| bad.reason);
        for n in 0..127_u16 {
            let to = if n == 0 { 0 } else { 255 + 2 * (n - 1) };
            message.extend_from_slice(&(0xc000 | to).to_be_bytes());
        }
        let last = message.len() - 2;
        let name = read(&message, last).ok().unwrap();
        assert_eq!((name.end, name.text_bytes), (message.len(), 254));
        message.extend_from_slice(&(0xc000 | 507_u16).to_be_bytes());
        let bad = read(&message, message.len() - 2);
        assert_eq!(bad.err(), Some("a name has more than 127 pointers"));
    }

    /// Many records of one long name are honest; many of one that is all escapes are made to fill memory.
    #[test]
    fn names_are_not_much_longer_than_their_message() {
        for (letter, honest) in [(b'a', true), (0xff, false)] {
            let label = [vec![63], vec![letter; 63]].concat();
            let message = [label.repeat(3), vec![0]].concat();
            let mut names = Names::default();
            // Each record has 16 bytes.
            names.begin(message.len() + 100 * 16);
            let read = (0..100).map(|_| names.read(&message, 0, true).is_ok());
            assert_eq!(read.collect::<Vec<_>>().iter().all(|ok| *ok), honest);
        }
    }
}
