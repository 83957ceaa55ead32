//! Writes packets of captures into a pcapng file, with a comment to each (draft-ietf-opsawg-pcapng,
//! sections 4.1 to 4.3). Only what is needed for packets that were read by this crate.

use std::collections::BTreeMap;
use std::io::{self, Write};

use super::PacketMeta;
use super::facts::Interface;

/// A pcapng file being written: little endian, times in nanoseconds.
pub struct PcapngWriter<W> {
    to: W,
    /// Interfaces written so far, by file and number there.
    interfaces: BTreeMap<(i32, u32), u32>,
}

const SECTION: u32 = 0x0a0d_0d0a;
const INTERFACE: u32 = 1;
const PACKET: u32 = 6;
const COMMENT: u16 = 1;
const NAME: u16 = 2;
const RESOLUTION: u16 = 9;

impl<W: Write> PcapngWriter<W> {
    /// Begins the file.
    pub fn new(to: W) -> io::Result<Self> {
        let mut writer = Self {
            to,
            interfaces: BTreeMap::new(),
        };
        let mut body = 0x1a2b_3c4d_u32.to_le_bytes().to_vec();
        body.extend([1, 0, 0, 0]);
        body.extend(u64::MAX.to_le_bytes());
        writer.block(SECTION, &body)?;
        Ok(writer)
    }

    /// Adds a packet of the file with that number, where it was captured at `interface`.
    pub fn packet(
        &mut self,
        file: i32,
        interface: &Interface,
        meta: &PacketMeta,
        bytes: &[u8],
        comment: &str,
    ) -> io::Result<()> {
        let number = match self.interfaces.get(&(file, meta.interface)) {
            Some(number) => *number,
            None => {
                let number = u32::try_from(self.interfaces.len()).unwrap_or(u32::MAX);
                self.interfaces.insert((file, meta.interface), number);
                self.interface(interface, meta.link_type)?;
                number
            }
        };
        // Times before 1970 cannot be written.
        let ticks = u64::try_from(meta.ts_ns).unwrap_or(0);
        let mut body = number.to_le_bytes().to_vec();
        body.extend(((ticks >> 32) as u32).to_le_bytes());
        body.extend((ticks as u32).to_le_bytes());
        body.extend(length(bytes).to_le_bytes());
        body.extend(meta.original.to_le_bytes());
        padded(&mut body, bytes);
        option(&mut body, COMMENT, comment.as_bytes());
        body.extend([0; 4]);
        self.block(PACKET, &body)
    }

    fn interface(&mut self, interface: &Interface, link_type: u16) -> io::Result<()> {
        let mut body = u32::from(link_type).to_le_bytes().to_vec();
        body.extend(interface.snap_length.to_le_bytes());
        if let Some(name) = &interface.name {
            option(&mut body, NAME, name.as_bytes());
        }
        option(&mut body, RESOLUTION, &[9]);
        body.extend([0; 4]);
        self.block(INTERFACE, &body)
    }

    fn block(&mut self, kind: u32, body: &[u8]) -> io::Result<()> {
        let all = length(body).saturating_add(12).to_le_bytes();
        self.to.write_all(&kind.to_le_bytes())?;
        self.to.write_all(&all)?;
        self.to.write_all(body)?;
        self.to.write_all(&all)
    }
}

fn length(bytes: &[u8]) -> u32 {
    u32::try_from(bytes.len()).unwrap_or(u32::MAX)
}

/// Appends bytes, and zeros up to a multiple of four.
fn padded(body: &mut Vec<u8>, bytes: &[u8]) {
    body.extend(bytes);
    body.resize(body.len().next_multiple_of(4), 0);
}

fn option(body: &mut Vec<u8>, code: u16, value: &[u8]) {
    let value = value.get(..usize::from(u16::MAX)).unwrap_or(value);
    body.extend(code.to_le_bytes());
    body.extend(u16::try_from(value.len()).unwrap_or(u16::MAX).to_le_bytes());
    padded(body, value);
}
