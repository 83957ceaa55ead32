//! Comments of the packets of a capture, as ground truth may be in them.

use std::path::Path;

use crate::capture::{Format, Reader, format_of};
use crate::error::{Error, Result};
use crate::label::Commented;

/// The comments of each packet of a file in pcapng; nothing of what is no capture.
pub fn packet_comments(path: &Path) -> Result<Option<Vec<Commented>>> {
    match format_of(path)? {
        None => return Ok(None),
        Some(Format::Pcapng) => {}
        Some(_) => {
            let error = Error::new("this is a capture in pcap, whose packets have no comments");
            return Err(error.in_file(path).help("name the ground truth about it"));
        }
    }
    let mut reader = Reader::open(path)?;
    let mut all = Vec::new();
    while reader.advance()? {
        all.push((reader.meta().number.unsigned_abs(), reader.comments()));
    }
    Ok(Some(all))
}
