//! The pcap format: a file header, then a header and bytes for each packet.
//!
//! Both byte orders, micro- and nanoseconds, and Kuznetzov's modified form. Of pcap-parser the file
//! header is used. Its functions for packets are not: they take the captured length at its word,
//! so that an absurd one reads as "incomplete", and know neither the swapped lengths of old
//! versions nor the big-endian modified form; what they do is read four numbers.

use super::buffer::{Buffer, Halt};
use super::facts::{ByteOrder, FileFacts, Format, Interface};
use super::options::u32_at;
use super::time::Resolution;
use super::{PacketMeta, largest_packet};

const FILE_HEADER: usize = 24;

/// What the file header says of the packets.
pub(super) struct Pcap {
    big_endian: bool,
    /// 16 bytes, 24 in the modified form (interface, protocol and direction, which are left out).
    header: usize,
    lengths: Lengths,
    ns_in_tick: i64,
    link_type: u16,
    largest: u32,
}

/// Order of the two lengths in a packet's header. It was reversed in version 2.3, but some
/// writers of 2.3 did not: there a packet longer than it was on the wire tells (as in Wireshark).
enum Lengths {
    CapturedFirst,
    OriginalFirst,
    SmallerIsCaptured,
}

impl Pcap {
    /// Reads the file header of a `format` that [`recognise`] has found.
    pub(super) fn begin(buffer: &mut Buffer, facts: &mut FileFacts) -> Result<Self, Halt> {
        let cut = || Halt::Cut("the file ends inside of its header".into());
        if !buffer.need(FILE_HEADER)? {
            return Err(cut());
        }
        let mut head: [u8; FILE_HEADER] = *buffer.bytes().first_chunk().ok_or_else(cut)?;
        let big_endian = head[0] == 0xa1;
        if facts.format == Format::PcapModified && big_endian {
            // pcap-parser does not know this magic; the rest of the header is alike.
            head[2..4].copy_from_slice(&[0xc3, 0xd4]);
        }
        let (_, header) = pcap_parser::parse_pcap_header(&head)
            .map_err(|_| Halt::Damaged("the file header is not readable".into()))?;
        buffer.consume(FILE_HEADER);

        // Upper bits: length of the frame check sequence in units of two bytes if bit 26 is set,
        // and reserved ones. Files exist with anything in them, so they never stop us.
        let network = header.network.0.cast_unsigned();
        let link_type = (network & 0xffff) as u16;
        let fcs_length = (network & 0x0400_0000 != 0).then_some((network >> 28) as u8 * 2);
        let nanoseconds = facts.format == Format::PcapNanoseconds;
        // The header's time zone is ignored, as libpcap and Wireshark do: times are UTC.
        facts.version = Some((header.version_major, header.version_minor));
        facts.byte_order = if big_endian {
            ByteOrder::Big
        } else {
            ByteOrder::Little
        };
        facts.sections = 1;
        facts.interfaces.push(Interface {
            link_type,
            snap_length: header.snaplen,
            name: None,
            description: None,
            resolution: if nanoseconds {
                Resolution::NANOSECONDS
            } else {
                Resolution::MICROSECONDS
            },
            offset_s: 0,
            fcs_length,
        });
        Ok(Self {
            big_endian,
            header: if facts.format == Format::PcapModified {
                24
            } else {
                16
            },
            lengths: match (header.version_major, header.version_minor) {
                // 543.0 is the tcpdump of DG/UX.
                (2, 0..=2) | (543, _) => Lengths::OriginalFirst,
                (2, 3) => Lengths::SmallerIsCaptured,
                _ => Lengths::CapturedFirst,
            },
            ns_in_tick: if nanoseconds { 1 } else { 1000 },
            link_type,
            largest: largest_packet(link_type),
        })
    }

    /// The packet at the window's start, its bytes' place there, and the length of all of it.
    #[inline]
    pub(super) fn next(
        &mut self,
        buffer: &mut Buffer,
        number: i64,
    ) -> Result<Option<(PacketMeta, usize, usize)>, Halt> {
        if !buffer.need(self.header)? {
            return match buffer.bytes().len() {
                0 => Ok(None),
                n => Err(Halt::Cut(format!(
                    "{n} of {} bytes of a packet's header",
                    self.header
                ))),
            };
        }
        let bytes = buffer.bytes();
        let at = |offset| u32_at(bytes, offset, self.big_endian).unwrap_or_default();
        let (seconds, ticks, first, second) = (at(0), at(4), at(8), at(12));
        let swap = match self.lengths {
            Lengths::CapturedFirst => false,
            Lengths::OriginalFirst => true,
            Lengths::SmallerIsCaptured => first > second,
        };
        let (captured, original) = if swap {
            (second, first)
        } else {
            (first, second)
        };
        if captured > self.largest {
            return Err(Halt::Damaged(format!(
                "a packet of {captured} bytes, more than the {} that are possible",
                self.largest
            )));
        }
        let length = self.header + captured as usize;
        if !buffer.need(length)? {
            let there = buffer.bytes().len().saturating_sub(self.header);
            return Err(Halt::Cut(format!(
                "{there} of {captured} bytes of a packet"
            )));
        }
        let meta = PacketMeta {
            // Below 2^62 whatever the file says, also with more ticks than a second has.
            ts_ns: i64::from(seconds) * 1_000_000_000 + i64::from(ticks) * self.ns_in_tick,
            number,
            offset: i64::try_from(buffer.offset()).unwrap_or(i64::MAX),
            captured,
            original,
            interface: 0,
            link_type: self.link_type,
            timed: true,
        };
        Ok(Some((meta, self.header, length)))
    }
}
