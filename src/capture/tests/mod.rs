//! Tests of the capture room: files are made here byte by byte, and the shared captures are read.

#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::indexing_slicing,
    reason = "a test that goes wrong may say so with a panic"
)]

mod arrange;
mod build;
mod compression;
mod corpus;
mod damage;
mod pcap;
mod pcapng;
mod speed;
mod streams;

use std::io::Cursor;
use std::path::Path;

use super::{End, FileFacts, PacketMeta, Reader};
use crate::error::Result;

/// Everything that a reader gives.
type Read = (Vec<(PacketMeta, Vec<u8>)>, FileFacts);

fn try_read(bytes: &[u8]) -> Result<Read> {
    let input = Box::new(Cursor::new(bytes.to_vec()));
    let mut reader = Reader::from_read(Path::new("test"), input)?;
    let mut packets = Vec::new();
    while let Some((meta, data)) = reader.next()? {
        packets.push((*meta, data.to_vec()));
    }
    assert!(reader.next()?.is_none(), "the end is final");
    assert!(reader.facts().end.is_some());
    assert_eq!(
        reader.facts().packets,
        i64::try_from(packets.len()).unwrap()
    );
    Ok((packets, reader.into_facts()))
}

fn read(bytes: &[u8]) -> Read {
    try_read(bytes).unwrap()
}

/// Packet, offset and text of an end that is not complete.
fn place(end: Option<&End>) -> (&'static str, i64, u64, &str) {
    match end.unwrap() {
        End::Complete => ("complete", 0, 0, ""),
        End::Cut {
            packet,
            offset,
            what,
        } => ("cut", *packet, *offset, what),
        End::Damaged {
            packet,
            offset,
            what,
        } => ("damaged", *packet, *offset, what),
    }
}
