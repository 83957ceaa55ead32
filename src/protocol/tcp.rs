//! TCP (RFC 9293) with its options. Streams are not put together here; a message that lies in one
//! segment is found by the application protocols.

use etherparse::TcpHeaderSlice;
use netcap_proto::{
    Symbol, Symbols, TableColumns, TcpColumns, TcpOptionRow, TcpRow, TcpSackBlockRow,
};

use crate::packet;
use crate::packet::bytes::{int, u8_at, u16_at, u32_at};
use crate::packet::{
    Context, Entry, Extent, Info, Input, Outcome, Protocol, Rows, Selector, Transport, WindowScale,
    entropy,
};

pub(super) const ENTRY: Entry = Entry {
    info: Info {
        name: "tcp",
        table: Some("tcp"),
        accepts: &[Selector::IpProtocol(6)],
        ports: &[],
    },
    make: |wanted| {
        Box::new(Tcp {
            rows: Rows::new(wanted),
            options: Options::default(),
        })
    },
};

struct Tcp {
    rows: Rows<TcpColumns>,
    /// Kept for its allocations.
    options: Options,
}

const FIXED: usize = 20;
const LONGEST: usize = 60;

impl Protocol for Tcp {
    fn decode(&mut self, input: &Input<'_>, cx: &mut Context<'_>) -> Outcome {
        cx.ports(input.bytes);
        let Some(offset) = u8_at(input.bytes, 12) else {
            return Outcome::NeedMore { bytes: FIXED };
        };
        let header_bytes = usize::from(offset >> 4) * 4;
        if header_bytes < FIXED {
            return Outcome::Malformed {
                reason: "data offset is less than 20 bytes",
                at: 12,
            };
        }
        if input.bytes.len() < FIXED {
            return Outcome::NeedMore { bytes: FIXED };
        }
        // A header whose options were cut is worth its fixed part: the rest is taken for padding.
        let padded;
        let captured = input.bytes.get(..header_bytes).unwrap_or(input.bytes);
        let header = if captured.len() < header_bytes {
            if cx.facts.is_partial() && input.extent == Extent::Complete {
                // The rest comes with another fragment.
                return Outcome::NeedMore {
                    bytes: header_bytes,
                };
            }
            padded = with_padding(captured);
            TcpHeaderSlice::from_slice(&padded)
        } else {
            TcpHeaderSlice::from_slice(captured)
        };
        let Ok(header) = header else {
            return Outcome::NeedMore {
                bytes: header_bytes,
            };
        };
        let (src_port, dst_port) = (header.source_port(), header.destination_port());
        let Some(endpoints) = cx.endpoints(src_port, dst_port) else {
            return Outcome::NotMine;
        };
        let payload_bytes = input.length.saturating_sub(header_bytes);
        let flags = u16_at(input.bytes, 12).unwrap_or(0) & 0x0fff;
        cx.facts.enter_transport(header_bytes, payload_bytes);

        let option_bytes = captured.get(FIXED..).unwrap_or_default();
        let (other_options, bad) = self
            .options
            .read(option_bytes, self.rows.wanted().is_some());
        cx.facts.tcp = Some(packet::Tcp {
            seq: header.sequence_number(),
            ack: header.acknowledgment_number(),
            window: header.window_size(),
            flags,
            mss: self.options.mss.and_then(|n| u16::try_from(n).ok()),
            window_scale: match self.options.window_scale.map(u8::try_from) {
                Some(Ok(shift)) => WindowScale::Shift(shift),
                _ if captured.len() < header_bytes => WindowScale::Unknown,
                _ => WindowScale::Absent,
            },
        });
        if let Some(rows) = self.rows.wanted() {
            let payload = input.bytes.get(header_bytes..).unwrap_or_default();
            let options = &self.options;
            rows.push(&TcpRow {
                id: cx.at(),
                endpoints,
                seq: header.sequence_number().into(),
                ack: header.acknowledgment_number().into(),
                header_bytes: int(header_bytes),
                flags: flags.into(),
                fin_flag: header.fin(),
                syn_flag: header.syn(),
                rst_flag: header.rst(),
                psh_flag: header.psh(),
                ack_flag: header.ack(),
                urg_flag: header.urg(),
                ece_flag: header.ece(),
                cwr_flag: header.cwr(),
                ae_flag: header.ns(),
                window: header.window_size().into(),
                checksum: header.checksum().into(),
                urgent_pointer: header.urgent_pointer().into(),
                payload_bytes: int(payload_bytes),
                payload_entropy: entropy(payload),
                options: options.kinds(cx.symbols),
                mss: options.mss,
                window_scale: options.window_scale,
                sack_permitted: options.sack_permitted,
                sack_blocks: &options.sack_blocks,
                timestamp_value: options.timestamps.map(|t| t.0),
                timestamp_echo: options.timestamps.map(|t| t.1),
                other_options: &other_options,
            });
        }
        if captured.len() < header_bytes {
            return Outcome::NeedMore {
                bytes: header_bytes,
            };
        }
        if let Some(at) = bad {
            cx.anomaly("an option has an impossible length", FIXED + at);
        }
        if cx.facts.is_partial() || payload_bytes == 0 {
            return Outcome::last(header_bytes);
        }
        Outcome::then(
            header_bytes,
            Selector::Payload(Transport::Tcp),
            payload_bytes,
        )
    }

    fn rows(&mut self) -> Option<&mut dyn TableColumns> {
        self.rows.table()
    }
}

fn with_padding(captured: &[u8]) -> [u8; LONGEST] {
    let mut padded = [0; LONGEST];
    for (to, from) in padded.iter_mut().zip(captured) {
        *to = *from;
    }
    padded
}

/// The options of a segment (IANA "TCP Parameters").
#[derive(Default)]
struct Options {
    names: String,
    mss: Option<i32>,
    window_scale: Option<i32>,
    sack_permitted: bool,
    sack_blocks: Vec<TcpSackBlockRow>,
    timestamps: Option<(i64, i64)>,
}

impl Options {
    /// Reads them, with their names if those are wanted; gives those without a column, and where one with an
    /// impossible length ended the list.
    fn read<'a>(
        &mut self,
        mut bytes: &'a [u8],
        named: bool,
    ) -> (Vec<TcpOptionRow<'a>>, Option<usize>) {
        self.names.clear();
        self.sack_blocks.clear();
        (self.mss, self.window_scale, self.timestamps) = (None, None, None);
        self.sack_permitted = false;
        let whole = bytes.len();
        let mut others = Vec::new();
        while let Some(kind) = bytes.first().copied() {
            let length = match kind {
                0 | 1 => 1,
                _ => bytes.get(1).map_or(0, |l| usize::from(*l)),
            };
            let data = if kind < 2 {
                Some(&[][..])
            } else {
                bytes.get(2..length)
            };
            let (Some(data), Some(rest)) = (data, bytes.get(length..)) else {
                return (others, Some(whole - bytes.len()));
            };
            if named {
                if !self.names.is_empty() {
                    self.names.push(',');
                }
                self.names.push_str(name(kind));
            }
            match (kind, data.len()) {
                (0, _) => break,
                (1, _) => {}
                (2, 2) => self.mss = u16_at(data, 0).map(i32::from),
                (3, 1) => self.window_scale = u8_at(data, 0).map(i32::from),
                (4, 0) => self.sack_permitted = true,
                (5, _) if data.len() % 8 == 0 => {
                    let number = |at| i64::from(u32_at(data, at).unwrap_or(0));
                    self.sack_blocks
                        .extend((0..data.len() / 8).map(|block| TcpSackBlockRow {
                            left: number(block * 8),
                            right: number(block * 8 + 4),
                        }));
                }
                (8, 8) => {
                    self.timestamps = u32_at(data, 0)
                        .zip(u32_at(data, 4))
                        .map(|(v, e)| (v.into(), e.into()));
                }
                _ => others.push(TcpOptionRow {
                    kind: kind.into(),
                    data,
                }),
            }
            bytes = rest;
        }
        (others, None)
    }

    fn kinds(&self, symbols: &mut Symbols) -> Option<Symbol> {
        (!self.names.is_empty()).then(|| symbols.text(&self.names))
    }
}

fn name(kind: u8) -> &'static str {
    match kind {
        0 => "end",
        1 => "nop",
        2 => "mss",
        3 => "window_scale",
        4 => "sack_permitted",
        5 => "sack",
        6 => "echo",
        7 => "echo_reply",
        8 => "timestamps",
        14 => "alternate_checksum",
        19 => "md5",
        27 => "quick_start",
        28 => "user_timeout",
        29 => "authentication",
        30 => "multipath",
        34 => "fast_open",
        253 | 254 => "experiment",
        _ => "other",
    }
}
