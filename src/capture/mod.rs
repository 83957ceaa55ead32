//! Where packets come from: pcap and pcapng files, plain or compressed, and several files in a row.
//!
//! [`Reader`] reads one file packet by packet and knows at its end everything about the file
//! ([`FileFacts`]); [`order`] makes streams of several files and [`StreamReader`] reads one stream.
//! Bytes of packets are handed on as they are: what is in them is no concern of this room. A file
//! that is cut or damaged gives every packet before that place; nothing after it is guessed.

mod arrange;
mod buffer;
mod expand;
mod facts;
mod gzip;
mod hashed;
mod input;
mod inspect;
mod interface;
mod lz4;
mod options;
mod pcap;
mod pcapng;
mod reader;
mod recognise;
mod stream;
mod stream_reader;
mod time;
mod write;

#[cfg(test)]
mod tests;

pub use arrange::{Arranged, Arrangement, DUPLICATE_WINDOW_NS};
pub use expand::expand;
pub use facts::{ByteOrder, Compression, End, FileFacts, Format, Interface};
pub use hashed::{FileHash, hash_file};
pub use input::{format_of, read_whole};
pub use inspect::{Inspection, inspect};
pub use reader::Reader;
pub use stream::{Overlap, Stream, StreamFile, order};
pub use stream_reader::StreamReader;
pub use time::{Resolution, Utc};
pub use write::PcapngWriter;

/// What a capture file says of one packet, apart from its bytes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct PacketMeta {
    /// Time of capture in nanoseconds since 1970-01-01 UTC; a time outside of what 64 bits hold
    /// (1677 to 2262) is the nearest that they hold. 0 if the file does not say, see `timed`.
    pub ts_ns: i64,
    /// Packet number in its file, from 1, as Wireshark counts.
    pub number: i64,
    /// Byte offset of the packet's record or block in the uncompressed file.
    pub offset: i64,
    /// Bytes in the file.
    pub captured: u32,
    /// Bytes on the wire, as the file says; may be less than `captured` in a strange file.
    pub original: u32,
    /// Index into [`FileFacts::interfaces`]; runs on over the sections of a pcapng file.
    pub interface: u32,
    /// `LINKTYPE_` value.
    pub link_type: u16,
    /// Whether the file gives a time; simple packet blocks of pcapng have none.
    pub timed: bool,
}

/// The largest packet in bytes that is believed of a file with this link type. More is damage, not a packet.
///
/// The limits are Wireshark's and libpcap's (256 KiB, more for link types whose messages are not
/// network packets), but never more than 16 MiB where those go to 128: one record is held in
/// memory, and a damaged length must not cost more than that.
pub(crate) fn largest_packet(link_type: u16) -> u32 {
    const DBUS: u16 = 231;
    const USB_PCAP: u16 = 249;
    const EBHSCR: u16 = 279;
    match link_type {
        DBUS | USB_PCAP => 16 << 20,
        EBHSCR => 8 << 20,
        _ => 256 << 10,
    }
}

/// The greatest of [`largest_packet`].
pub(crate) const LARGEST_PACKET: u32 = 16 << 20;
