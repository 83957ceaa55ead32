//! Comments of the packets of a capture, as ground truth may be in them.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use crate::capture::Reader;
use crate::error::{Error, Result};
use crate::label::Commented;

/// How pcapng begins, whatever its byte order.
const PCAPNG: [u8; 4] = [0x0a, 0x0d, 0x0d, 0x0a];

/// How pcap begins: in microseconds or nanoseconds, in either byte order.
const PCAP: [[u8; 4]; 4] = [
    [0xa1, 0xb2, 0xc3, 0xd4],
    [0xd4, 0xc3, 0xb2, 0xa1],
    [0xa1, 0xb2, 0x3c, 0x4d],
    [0x4d, 0x3c, 0xb2, 0xa1],
];

/// The comments of each packet of a file in pcapng; nothing of other files.
pub fn packet_comments(path: &Path) -> Result<Option<Vec<Commented>>> {
    let mut file = File::open(path).map_err(|e| Error::io(path, "read", e))?;
    let mut magic = [0; 4];
    if file.read_exact(&mut magic).is_err() || magic != PCAPNG {
        return match PCAP.contains(&magic) {
            true => Err(
                Error::new("this is a capture in pcap, whose packets have no comments")
                    .in_file(path)
                    .help("name the ground truth about it"),
            ),
            false => Ok(None),
        };
    }
    let mut reader = Reader::open(path)?;
    let mut all = Vec::new();
    while reader.advance()? {
        all.push((reader.meta().number.unsigned_abs(), reader.comments()));
    }
    Ok(Some(all))
}
