//! Domain names: labels, compression (RFC 1035, 4.1.4) and presentation form.

use std::fmt::Write as _;

use crate::packet::bytes::{u8_at, u16_at};

/// The texts of a message, in one buffer.
#[derive(Default)]
pub(super) struct Names {
    buffer: String,
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
    pub(super) fn clear(&mut self) {
        self.buffer.clear();
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

    /// Reads the name at `at` in the message; gives it and where it ends.
    pub(super) fn read(&mut self, message: &[u8], at: usize) -> Result<(Range, usize), BadName> {
        let start = self.buffer.len();
        match append(message, at, &mut self.buffer) {
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

/// Appends the name at `at`, without the final dot; the root is `.`. Gives where it ends.
pub(super) fn append(message: &[u8], at: usize, out: &mut String) -> Result<usize, BadName> {
    /// Names have at most 255 bytes (RFC 1035, 2.3.4), so at most 127 labels.
    const MOST_BYTES: usize = 255;
    let cut = BadName {
        reason: "a name ends too early",
        cut: true,
    };
    let begin = out.len();
    let (mut at, mut after, mut length, mut limit) = (at, None, 0, message.len());
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
                length += label.len() + 1;
                if length > MOST_BYTES {
                    return Err(BadName {
                        reason: "a name is longer than 255 bytes",
                        cut: false,
                    });
                }
                if out.len() > begin {
                    out.push('.');
                }
                escape(label, b'.', out);
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
                    return Err(BadName {
                        reason: "a name points forward",
                        cut: false,
                    });
                }
                (at, limit) = (to, to);
            }
            _ => {
                return Err(BadName {
                    reason: "a label has an unknown type",
                    cut: false,
                });
            }
        }
    }
    if out.len() == begin {
        out.push('.');
    }
    Ok(after.unwrap_or(at))
}

/// Appends bytes in presentation form (RFC 1035, 5.1): what is not printable ASCII as `\DDD`, a
/// backslash before itself and before `special`.
pub(super) fn escape(bytes: &[u8], special: u8, out: &mut String) {
    let is_printable = |byte: u8| (b' '..=b'~').contains(&byte);
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
            // Writing to a String cannot fail.
            let _ = write!(out, "\\{byte:03}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::escape;

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
        }
    }
}
