//! What is known of a capture file once it has been read: its format, counts, times, its end.
//!
//! Counted while packets go by, never from a second look. Findings for the user are made of it here.

use std::fmt;

use super::PacketMeta;
use super::time::Resolution;
use crate::error::Finding;

/// Everything about one capture file but its packets. Complete when `end` is set.
#[derive(Debug, Clone)]
pub struct FileFacts {
    /// Format of the capture itself.
    pub format: Format,
    /// Version in the file's header, major and minor; of the first section for pcapng. `None` if
    /// the file is cut before it.
    pub version: Option<(u16, u16)>,
    /// Byte order of the capture's numbers.
    pub byte_order: ByteOrder,
    /// Compression around it.
    pub compression: Option<Compression>,
    /// Interfaces in the order of the file; a pcap has one.
    pub interfaces: Vec<Interface>,
    /// Sections of a pcapng; 1 for pcap.
    pub sections: u64,
    /// Packets read.
    pub packets: i64,
    /// Sum of captured lengths in bytes.
    pub captured_bytes: u64,
    /// Sum of lengths on the wire in bytes.
    pub wire_bytes: u64,
    /// Packets of which less was captured than was on the wire.
    pub snapped: u64,
    /// Size of the uncompressed file in bytes, as far as it was read.
    pub bytes: u64,
    /// Time of the first packet that has one, nanoseconds since 1970 UTC.
    pub first_ns: Option<i64>,
    /// Time of the last packet that has one.
    pub last_ns: Option<i64>,
    /// Earliest time.
    pub min_ns: Option<i64>,
    /// Latest time.
    pub max_ns: Option<i64>,
    /// Packets earlier than the packet before them.
    pub disordered: u64,
    /// How far, at most, a packet lies before the latest packet read until then, in nanoseconds.
    pub greatest_disorder_ns: u64,
    /// Packets with a time that 64 bits of nanoseconds do not hold, or the nearest that they hold.
    pub beyond: u64,
    /// Packets without a time.
    pub untimed: u64,
    /// Comments in pcapng blocks.
    pub comments: u64,
    /// Name resolution blocks.
    pub name_resolutions: u64,
    /// Decryption secrets blocks.
    pub decryption_secrets: u64,
    /// Interface statistics blocks.
    pub interface_statistics: u64,
    /// Blocks of other types (custom, journal, unknown ones), which are skipped.
    pub other_blocks: u64,
    /// Blocks whose two lengths differ though the next block begins where the first length says.
    pub odd_lengths: u64,
    /// How the file ended; `None` while it is being read.
    pub end: Option<End>,
}

impl FileFacts {
    pub(super) fn new(format: Format, compression: Option<Compression>) -> Self {
        Self {
            format,
            version: None,
            byte_order: ByteOrder::Little,
            compression,
            interfaces: Vec::new(),
            sections: 0,
            packets: 0,
            captured_bytes: 0,
            wire_bytes: 0,
            snapped: 0,
            bytes: 0,
            first_ns: None,
            last_ns: None,
            min_ns: None,
            max_ns: None,
            disordered: 0,
            beyond: 0,
            greatest_disorder_ns: 0,
            untimed: 0,
            comments: 0,
            name_resolutions: 0,
            decryption_secrets: 0,
            interface_statistics: 0,
            other_blocks: 0,
            odd_lengths: 0,
            end: None,
        }
    }

    /// Snap length in bytes: the largest of the interfaces, 0 if one has no limit.
    pub fn snap_length(&self) -> u32 {
        let lengths = self.interfaces.iter().map(|i| i.snap_length);
        if lengths.clone().any(|length| length == 0) {
            0
        } else {
            lengths.max().unwrap_or(0)
        }
    }

    #[inline]
    pub(super) fn count(&mut self, packet: &PacketMeta) {
        self.packets += 1;
        self.captured_bytes = self.captured_bytes.saturating_add(packet.captured.into());
        self.wire_bytes = self.wire_bytes.saturating_add(packet.original.into());
        self.snapped += u64::from(packet.captured < packet.original);
        if !packet.timed {
            self.untimed += 1;
            return;
        }
        let ts = packet.ts_ns;
        self.beyond += u64::from(matches!(ts, i64::MIN | i64::MAX));
        if let (Some(last), Some(min), Some(max)) = (self.last_ns, self.min_ns, self.max_ns) {
            self.disordered += u64::from(ts < last);
            if ts >= max {
                self.max_ns = Some(ts);
            } else {
                self.greatest_disorder_ns = self.greatest_disorder_ns.max(max.abs_diff(ts));
                self.min_ns = Some(min.min(ts));
            }
        } else {
            self.first_ns = Some(ts);
            self.min_ns = Some(ts);
            self.max_ns = Some(ts);
        }
        self.last_ns = Some(ts);
    }

    /// What a user should know of the file, which `subject` names. Of a file that was read to
    /// its end; before it, nothing is said of the end.
    pub fn findings(&self, subject: &str) -> Vec<Finding> {
        let mut findings = Vec::new();
        match &self.end {
            Some(End::Cut {
                packet,
                offset,
                what,
            }) => findings.push(Finding::warning(
                "capture-cut",
                format!(
                    "cut at packet {packet} (byte offset {offset}): {what}. \
                     {} before it could be read.",
                    packets(self.packets)
                ),
            )),
            Some(End::Damaged {
                packet,
                offset,
                what,
            }) => findings.push(Finding::warning(
                "capture-damaged",
                format!(
                    "damaged at packet {packet} (byte offset {offset}): {what}. \
                     {} before it could be read; nothing after it was.",
                    packets(self.packets)
                ),
            )),
            Some(End::Complete) if self.packets == 0 => {
                findings.push(Finding::information(
                    "capture-empty",
                    "the capture holds no packets",
                ));
            }
            _ => {}
        }
        if self.odd_lengths > 0 {
            findings.push(Finding::warning(
                "capture-irregular",
                format!(
                    "{} pcapng blocks end with another length than they begin with; \
                     they were read by the first one",
                    self.odd_lengths
                ),
            ));
        }
        if self.disordered > 0 {
            findings.push(Finding::information(
                "capture-disordered",
                format!(
                    "{} earlier than the one before, by at most {} s",
                    packets(i64::try_from(self.disordered).unwrap_or(i64::MAX)),
                    Seconds(self.greatest_disorder_ns)
                ),
            ));
        }
        if self.beyond > 0 {
            findings.push(Finding::warning(
                "capture-time",
                format!(
                    "{} with a time before 1677 or after 2262, which 64 bits of nanoseconds do not hold; \
                     it is given as the nearest that they hold",
                    packets(i64::try_from(self.beyond).unwrap_or(i64::MAX)),
                ),
            ));
        }
        if self.untimed > 0 {
            findings.push(Finding::information(
                "capture-untimed",
                format!(
                    "{} without a time (simple packet blocks); their time is given as 1970-01-01",
                    packets(i64::try_from(self.untimed).unwrap_or(i64::MAX)),
                ),
            ));
        }
        findings
            .into_iter()
            .map(|finding| finding.about(subject))
            .collect()
    }
}

fn packets(n: i64) -> String {
    if n == 1 {
        "1 packet".to_string()
    } else {
        format!("{n} packets")
    }
}

/// Nanoseconds written as seconds, without rounding.
pub(super) struct Seconds(pub(super) u64);

impl fmt::Display for Seconds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = format!("{}.{:09}", self.0 / 1_000_000_000, self.0 % 1_000_000_000);
        f.write_str(text.trim_end_matches('0').trim_end_matches('.'))
    }
}

/// Where packets of a file were captured.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Interface {
    /// `LINKTYPE_` value.
    pub link_type: u16,
    /// Most bytes of a packet that were captured; 0: no limit.
    pub snap_length: u32,
    /// Name such as `eth0`, at most 255 bytes of it.
    pub name: Option<String>,
    /// Description, at most 255 bytes of it.
    pub description: Option<String>,
    /// Unit of its time stamps.
    pub resolution: Resolution,
    /// Seconds that its time stamps leave out (`if_tsoffset`); already added to packets' times.
    pub offset_s: i64,
    /// Length in bytes of the frame check sequence at the end of each packet, if the file says.
    pub fcs_length: Option<u8>,
}

/// Format of a capture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// pcap with microseconds.
    Pcap,
    /// pcap with nanoseconds.
    PcapNanoseconds,
    /// Alexey Kuznetzov's pcap with a longer packet header, microseconds.
    PcapModified,
    /// pcapng.
    Pcapng,
}

impl Format {
    /// That of an uncompressed file with these first four bytes, if it is a capture.
    pub fn recognise(magic: [u8; 4]) -> Option<Self> {
        match magic {
            [0x0a, 0x0d, 0x0d, 0x0a] => Some(Self::Pcapng),
            [0xa1, 0xb2, 0xc3, 0xd4] | [0xd4, 0xc3, 0xb2, 0xa1] => Some(Self::Pcap),
            [0xa1, 0xb2, 0x3c, 0x4d] | [0x4d, 0x3c, 0xb2, 0xa1] => Some(Self::PcapNanoseconds),
            [0xa1, 0xb2, 0xcd, 0x34] | [0x34, 0xcd, 0xb2, 0xa1] => Some(Self::PcapModified),
            _ => None,
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Pcap => "pcap",
            Self::PcapNanoseconds => "pcap, nanoseconds",
            Self::PcapModified => "pcap, modified",
            Self::Pcapng => "pcapng",
        })
    }
}

/// Byte order of the numbers in a capture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ByteOrder {
    /// Least significant byte first.
    Little,
    /// Most significant byte first.
    Big,
    /// pcapng sections of both kinds.
    Mixed,
}

impl fmt::Display for ByteOrder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Little => "little",
            Self::Big => "big",
            Self::Mixed => "mixed",
        })
    }
}

/// Compression around a capture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Compression {
    /// gzip, of one or more members.
    Gzip,
    /// Zstandard, of one or more frames.
    Zstd,
    /// LZ4 frame format, of one or more frames.
    Lz4,
}

impl fmt::Display for Compression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Gzip => "gzip",
            Self::Zstd => "zstd",
            Self::Lz4 => "lz4",
        })
    }
}

/// How a file ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum End {
    /// Behind a whole packet or block.
    Complete,
    /// In the middle of something.
    Cut {
        /// Number that the packet there has or would have.
        packet: i64,
        /// Byte offset, in the uncompressed file, of the record or block that is cut.
        offset: u64,
        /// What is cut, for a person.
        what: String,
    },
    /// At something that cannot be: what follows was not read.
    Damaged {
        /// Number that the packet there has or would have.
        packet: i64,
        /// Byte offset, in the uncompressed file, of the damaged record or block.
        offset: u64,
        /// What is wrong, for a person.
        what: String,
    },
}
