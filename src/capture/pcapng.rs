//! The pcapng format: sections, interfaces, blocks with packets, and blocks that are counted.
//!
//! Each section has its own byte order and numbers its interfaces from 0. Of pcap-parser the section
//! header and the constants are used. Its other block parsers are not: they allocate for a packet
//! with options, read a packet that is longer than its block as "incomplete", and do not know the
//! obsolete packet block.

use pcap_parser::OptionCode;
use pcap_parser::pcapng::{
    BOM_MAGIC, CB_MAGIC, DCB_MAGIC, DSB_MAGIC, EPB_MAGIC, IDB_MAGIC, ISB_MAGIC, NRB_MAGIC,
    SHB_MAGIC, SJE_MAGIC, SPB_MAGIC,
};

use super::buffer::{Buffer, Halt};
use super::facts::{ByteOrder, FileFacts};
use super::options::{Options, u16_at, u32_at};
use super::time::Clock;
use super::{LARGEST_PACKET, PacketMeta, interface, largest_packet};

/// Obsolete packet block.
const PB_MAGIC: u32 = 2;

/// Types, lengths (in front and behind): what every block has, in bytes.
const FRAME: usize = 12;
/// A block with a greater length is damage; as in Wireshark, 128 MiB and a little.
const LARGEST_BLOCK: u64 = (128 << 20) + (128 << 10);
/// A block with a packet may be so large: the largest packet and options of about a mebibyte.
const LARGEST_HELD: u64 = LARGEST_PACKET as u64 + (1 << 20);
/// Larger blocks without a packet are left out piece by piece, and comments in them not counted.
const LARGEST_COUNTED: u64 = 1 << 20;
/// More interfaces than any real file has, so that a made one cannot fill the memory.
const MOST_INTERFACES: usize = 1 << 16;

/// Where in the file we are.
pub(super) struct Pcapng {
    big_endian: bool,
    /// Interfaces of this section.
    interfaces: Vec<Local>,
    /// Number that the section's first interface has in the file.
    first_interface: u32,
    /// Byte offset of the block that is being read.
    pub(super) offset: u64,
}

/// What packets need of their interface.
struct Local {
    clock: Clock,
    link_type: u16,
    snap_length: u32,
    largest: u32,
}

/// Packet, place of its bytes in the window, length of the block.
type Found = (PacketMeta, usize, usize);

impl Pcapng {
    pub(super) fn new() -> Self {
        Self {
            big_endian: false,
            interfaces: Vec::new(),
            first_interface: 0,
            offset: 0,
        }
    }

    /// Goes on to the next packet.
    pub(super) fn next(
        &mut self,
        buffer: &mut Buffer,
        facts: &mut FileFacts,
    ) -> Result<Option<Found>, Halt> {
        loop {
            self.offset = buffer.offset();
            if !buffer.need(FRAME)? {
                return match buffer.bytes().len() {
                    0 => Ok(None),
                    n => Err(Halt::Cut(format!("{n} bytes of a block"))),
                };
            }
            let kind = u32_at(buffer.bytes(), 0, self.big_endian).unwrap_or_default();
            if kind == SHB_MAGIC {
                self.big_endian = byte_order(buffer.bytes())?;
            }
            let length = u32_at(buffer.bytes(), 4, self.big_endian).unwrap_or_default();
            // Some old writers leave the padding out of the length.
            let padded = u64::from(length).next_multiple_of(4);
            if (length as usize) < FRAME || padded > LARGEST_BLOCK {
                return Err(Halt::Damaged(format!(
                    "{} with a length of {length} bytes, which cannot be",
                    name(kind)
                )));
            }
            let needed = matches!(
                kind,
                SHB_MAGIC | IDB_MAGIC | EPB_MAGIC | SPB_MAGIC | PB_MAGIC
            );
            if !needed && padded > LARGEST_COUNTED {
                self.leave_out(buffer, facts, kind, padded)?;
                continue;
            }
            if padded > LARGEST_HELD {
                return Err(Halt::Damaged(format!(
                    "{} of {length} bytes, more than the {LARGEST_HELD} that are possible",
                    name(kind)
                )));
            }
            let total = (length as usize).next_multiple_of(4);
            if !buffer.need(total)? {
                let there = buffer.bytes().len();
                return Err(Halt::Cut(format!(
                    "{there} of {length} bytes of {}",
                    name(kind)
                )));
            }
            if u32_at(buffer.bytes(), total - 4, self.big_endian) != Some(length) {
                self.check_end(buffer, total, kind)?;
                facts.odd_lengths += 1;
            }
            if let Some((meta, data)) = self.block(buffer, facts, kind, total)? {
                return Ok(Some((meta, data, total)));
            }
            buffer.consume(total);
        }
    }

    /// Does what a block is for; gives its packet if it has one.
    #[inline]
    fn block(
        &mut self,
        buffer: &Buffer,
        facts: &mut FileFacts,
        kind: u32,
        total: usize,
    ) -> Result<Option<(PacketMeta, usize)>, Halt> {
        let block = buffer.bytes().get(..total).unwrap_or_default();
        let body = block.get(8..total - 4).unwrap_or_default();
        let options =
            |from: usize| Options::new(body.get(from..).unwrap_or_default(), self.big_endian);
        match kind {
            EPB_MAGIC | PB_MAGIC => return self.packet(body, facts, kind).map(Some),
            SPB_MAGIC => return self.simple_packet(body, facts).map(Some),
            SHB_MAGIC => self.section(block, facts)?,
            IDB_MAGIC => self.interface(body, facts)?,
            ISB_MAGIC => {
                facts.interface_statistics += 1;
                facts.comments += options(12).comments();
            }
            NRB_MAGIC => {
                facts.name_resolutions += 1;
                let mut at = 0;
                // Records have the form of options; those that follow their end mark are options.
                for (_, value) in options(0) {
                    at += 4 + value.len().next_multiple_of(4);
                }
                facts.comments += options(at + 4).comments();
            }
            DSB_MAGIC => {
                facts.decryption_secrets += 1;
                let length = u32_at(body, 4, self.big_endian).unwrap_or_default() as usize;
                facts.comments += options(length.next_multiple_of(4).saturating_add(8)).comments();
            }
            _ => facts.other_blocks += 1,
        }
        Ok(None)
    }

    /// The comments among the options of a packet.
    pub(super) fn comments(&self, options: &[u8]) -> Vec<String> {
        Options::new(options, self.big_endian).comment_texts()
    }

    fn section(&mut self, block: &[u8], facts: &mut FileFacts) -> Result<(), Halt> {
        let (_, header) = pcap_parser::pcapng::parse_sectionheaderblock(block)
            .map_err(|_| Halt::Damaged("a section header that is not readable".into()))?;
        // Versions other than 1.0 exist in practice and are laid out alike; the length of the
        // section is not needed, and wrong in some files.
        facts
            .version
            .get_or_insert((header.major_version, header.minor_version));
        facts.comments += header
            .options
            .iter()
            .filter(|o| o.code == OptionCode::Comment)
            .count() as u64;
        let order = if self.big_endian {
            ByteOrder::Big
        } else {
            ByteOrder::Little
        };
        if facts.sections == 0 {
            facts.byte_order = order;
        } else if facts.byte_order != order {
            facts.byte_order = ByteOrder::Mixed;
        }
        facts.sections += 1;
        self.interfaces.clear();
        // At most MOST_INTERFACES.
        self.first_interface = u32::try_from(facts.interfaces.len()).unwrap_or(u32::MAX);
        Ok(())
    }

    fn interface(&mut self, body: &[u8], facts: &mut FileFacts) -> Result<(), Halt> {
        if facts.interfaces.len() >= MOST_INTERFACES {
            return Err(Halt::Damaged(format!(
                "more than {MOST_INTERFACES} interfaces"
            )));
        }
        let Some(interface) = interface::read(body, self.big_endian) else {
            return Err(Halt::Damaged(
                "an interface description that is too short".into(),
            ));
        };
        let options = body.get(interface::HEADER..).unwrap_or_default();
        facts.comments += Options::new(options, self.big_endian).comments();
        self.interfaces.push(Local {
            clock: Clock::new(interface.resolution, interface.offset_s),
            link_type: interface.link_type,
            snap_length: interface.snap_length,
            largest: largest_packet(interface.link_type),
        });
        facts.interfaces.push(interface);
        Ok(())
    }

    /// An enhanced packet block or the obsolete one, which differ in their first four bytes.
    #[inline]
    fn packet(
        &self,
        body: &[u8],
        facts: &mut FileFacts,
        kind: u32,
    ) -> Result<(PacketMeta, usize), Halt> {
        const HEADER: usize = 20;
        if body.len() < HEADER {
            return Err(Halt::Damaged(format!(
                "{} without a whole header",
                name(kind)
            )));
        }
        let at = |offset| u32_at(body, offset, self.big_endian).unwrap_or_default();
        let (high, low, captured, original) = (at(4), at(8), at(12), at(16));
        let number = if kind == EPB_MAGIC {
            at(0)
        } else {
            u16_at(body, 0, self.big_endian).unwrap_or_default().into()
        };
        let interface = self.local(number)?;
        let room = body.len() - HEADER;
        let length = captured as usize;
        if captured > interface.largest || length > room {
            return Err(Halt::Damaged(format!(
                "a packet of {captured} bytes, more than the {} that are possible",
                room.min(interface.largest as usize)
            )));
        }
        if let Some(options) = body.get(HEADER + length.next_multiple_of(4)..)
            && !options.is_empty()
        {
            facts.comments += Options::new(options, self.big_endian).comments();
        }
        let ts_ns = interface.clock.ns(u64::from(high) << 32 | u64::from(low));
        let meta = self.meta(facts, interface, number, Some(ts_ns), captured, original);
        Ok((meta, 8 + HEADER))
    }

    /// A simple packet block: of interface 0, without a time, cut by that interface's snap length.
    fn simple_packet(&self, body: &[u8], facts: &FileFacts) -> Result<(PacketMeta, usize), Halt> {
        const HEADER: usize = 4;
        let Some(original) = u32_at(body, 0, self.big_endian) else {
            return Err(Halt::Damaged(
                "a simple packet block without a whole header".into(),
            ));
        };
        let interface = self.local(0)?;
        let captured = match interface.snap_length {
            0 => original,
            snap_length => original.min(snap_length),
        };
        // The block does not say how much was captured, so it has to have just that length.
        let room = body.len() - HEADER;
        if captured > interface.largest || (captured as usize).next_multiple_of(4) != room {
            return Err(Halt::Damaged(format!(
                "a packet of {captured} bytes in a simple packet block with room for {room}"
            )));
        }
        Ok((
            self.meta(facts, interface, 0, None, captured, original),
            8 + HEADER,
        ))
    }

    #[inline]
    fn local(&self, number: u32) -> Result<&Local, Halt> {
        self.interfaces.get(number as usize).ok_or_else(|| {
            Halt::Damaged(format!(
                "a packet of interface {number}, where the section has described {}",
                self.interfaces.len()
            ))
        })
    }

    #[inline]
    fn meta(
        &self,
        facts: &FileFacts,
        interface: &Local,
        number: u32,
        ts_ns: Option<i64>,
        captured: u32,
        original: u32,
    ) -> PacketMeta {
        PacketMeta {
            ts_ns: ts_ns.unwrap_or_default(),
            number: facts.packets + 1,
            offset: i64::try_from(self.offset).unwrap_or(i64::MAX),
            captured,
            original,
            interface: self.first_interface + number,
            link_type: interface.link_type,
            timed: ts_ns.is_some(),
        }
    }

    /// Passes over a block without a packet that is too large to hold.
    fn leave_out(
        &self,
        buffer: &mut Buffer,
        facts: &mut FileFacts,
        kind: u32,
        padded: u64,
    ) -> Result<(), Halt> {
        let cut = || Halt::Cut(format!("part of the {padded} bytes of {}", name(kind)));
        if !buffer.skip(padded - 4)? || !buffer.need(4)? {
            return Err(cut());
        }
        let length = u32_at(buffer.bytes(), 0, self.big_endian).unwrap_or_default();
        if u64::from(length).next_multiple_of(4) != padded {
            return Err(Halt::Damaged(format!(
                "{} of {padded} bytes that ends with a length of {length}",
                name(kind)
            )));
        }
        buffer.consume(4);
        match kind {
            ISB_MAGIC => facts.interface_statistics += 1,
            NRB_MAGIC => facts.name_resolutions += 1,
            DSB_MAGIC => facts.decryption_secrets += 1,
            _ => facts.other_blocks += 1,
        }
        Ok(())
    }

    /// The length behind a block is not the one in front. If another block or the file's end
    /// follows nevertheless, the writer was at fault and the block is good; else it is damage.
    fn check_end(&self, buffer: &mut Buffer, total: usize, kind: u32) -> Result<(), Halt> {
        let follows = if buffer.need(total + 8)? {
            let next = buffer.bytes().get(total..).unwrap_or_default();
            let kind = u32_at(next, 0, self.big_endian).unwrap_or_default();
            let length = u32_at(next, 4, self.big_endian).unwrap_or_default();
            let known = matches!(
                kind,
                IDB_MAGIC..=EPB_MAGIC | DSB_MAGIC | CB_MAGIC | DCB_MAGIC
            );
            let possible = length.is_multiple_of(4)
                && (FRAME as u64..=LARGEST_BLOCK).contains(&u64::from(length));
            kind == SHB_MAGIC || (known && possible)
        } else {
            buffer.bytes().len() == total
        };
        if follows {
            return Ok(());
        }
        Err(Halt::Damaged(format!(
            "{} whose lengths in front and behind differ, and nothing sensible follows it",
            name(kind)
        )))
    }
}

/// Whether a section is big endian, from its header's first 12 bytes.
pub(super) fn byte_order(block: &[u8]) -> Result<bool, Halt> {
    match (u32_at(block, 8, false), u32_at(block, 8, true)) {
        (Some(BOM_MAGIC), _) => Ok(false),
        (_, Some(BOM_MAGIC)) => Ok(true),
        _ => Err(Halt::Damaged(
            "a section header without a byte-order mark".into(),
        )),
    }
}

fn name(kind: u32) -> String {
    let name = match kind {
        SHB_MAGIC => "a section header",
        IDB_MAGIC => "an interface description",
        PB_MAGIC => "an obsolete packet block",
        SPB_MAGIC => "a simple packet block",
        NRB_MAGIC => "a name resolution block",
        ISB_MAGIC => "an interface statistics block",
        EPB_MAGIC => "an enhanced packet block",
        SJE_MAGIC => "a journal block",
        DSB_MAGIC => "a decryption secrets block",
        CB_MAGIC | DCB_MAGIC => "a custom block",
        _ => return format!("a block of type {kind:#010x}"),
    };
    name.to_string()
}
