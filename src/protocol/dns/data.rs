//! Record data in presentation form.

use std::fmt::Write as _;
use std::net::{Ipv4Addr, Ipv6Addr};

use super::name::{Names, Range, append, escape};
use crate::packet::bytes::{array_at, u16_at, u32_at};

/// The data of a record of type `kind`, which lies at `start..end` of the message. What does not
/// fit its type is written as of an unknown one, and so is what comes when there is too much text already.
pub(super) fn present(
    kind: u16,
    message: &[u8],
    start: usize,
    end: usize,
    names: &mut Names,
) -> Range {
    // Names in the data may point back to all of the message, but not lie beyond the data.
    let message = message.get(..end).unwrap_or(message);
    let is_full = names.is_full();
    names.text(|out| {
        let begin = out.len();
        if is_full || known(kind, message, start, out) != Some(end) {
            out.truncate(begin);
            generic(message.get(start..).unwrap_or_default(), out);
        }
    })
}

/// Writes the data of a type with a presentation form; gives where it ends, if it fits.
fn known(kind: u16, message: &[u8], at: usize, out: &mut String) -> Option<usize> {
    match kind {
        1 => {
            let address = Ipv4Addr::from(array_at::<4>(message, at)?);
            write!(out, "{address}").ok()?;
            Some(at + 4)
        }
        28 => {
            let address = Ipv6Addr::from(array_at::<16>(message, at)?);
            write!(out, "{address}").ok()?;
            Some(at + 16)
        }
        // NS, CNAME, PTR, DNAME.
        2 | 5 | 12 | 39 => append(message, at, Some(out)).ok().map(|name| name.end),
        // SOA.
        6 => {
            let at = append(message, at, Some(out)).ok()?.end;
            out.push(' ');
            let at = append(message, at, Some(out)).ok()?.end;
            for number in 0..5 {
                write!(out, " {}", u32_at(message, at + number * 4)?).ok()?;
            }
            Some(at + 20)
        }
        // MX, AFSDB.
        15 | 18 => {
            write!(out, "{} ", u16_at(message, at)?).ok()?;
            append(message, at + 2, Some(out)).ok().map(|name| name.end)
        }
        // TXT, SPF.
        16 | 99 => strings(message, at, out),
        // HINFO.
        13 => strings(message, at, out),
        // SRV (RFC 2782).
        33 => {
            for number in 0..3 {
                write!(out, "{} ", u16_at(message, at + number * 2)?).ok()?;
            }
            append(message, at + 6, Some(out)).ok().map(|name| name.end)
        }
        _ => None,
    }
}

/// Quoted character strings up to the end.
fn strings(message: &[u8], mut at: usize, out: &mut String) -> Option<usize> {
    let mut separator = "";
    while at < message.len() {
        let length = usize::from(*message.get(at)?);
        let text = message.get(at + 1..at + 1 + length)?;
        out.push_str(separator);
        out.push('"');
        escape(text, b'"', out);
        out.push('"');
        separator = " ";
        at += 1 + length;
    }
    Some(at)
}

/// Data of an unknown type (RFC 3597, section 5).
fn generic(data: &[u8], out: &mut String) {
    // Writing to a String cannot fail.
    let _ = write!(out, "\\# {}", data.len());
    if !data.is_empty() {
        out.push(' ');
    }
    for byte in data {
        let _ = write!(out, "{byte:02x}");
    }
}
