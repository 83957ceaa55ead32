//! DNS (RFC 1035), and its relatives with the same format: multicast DNS and LLMNR. Over TCP,
//! messages have a length before them (RFC 7766).
//!
//! At its own ports a message is taken for DNS if its header and first question make sense; at
//! other ports only if all of it does.

mod data;
mod name;

use netcap_proto::{DnsColumns, DnsQuestionRow, DnsRecordRow, DnsRow, TableColumns};

use self::name::Names;
use crate::packet;
use crate::packet::bytes::{int, u8_at, u16_at, u32_at};
use crate::packet::{
    Context, Entry, Extent, Info, Input, Outcome, Protocol, Rows, Selector, Transport,
};

pub(super) const ENTRY: Entry = Entry {
    info: Info {
        name: "dns",
        table: Some("dns"),
        accepts: &[
            Selector::Payload(Transport::Udp),
            Selector::Payload(Transport::Tcp),
        ],
        ports: &[53, 5353, 5355],
    },
    make: |wanted| {
        Box::new(Dns {
            rows: Rows::new(wanted),
            names: Names::default(),
        })
    },
};

struct Dns {
    rows: Rows<DnsColumns>,
    /// Kept for its allocation.
    names: Names,
}

const HEADER: usize = 12;

impl Protocol for Dns {
    fn decode(&mut self, input: &Input<'_>, cx: &mut Context<'_>) -> Outcome {
        if input.selector != Selector::Payload(Transport::Tcp) {
            return self.message(input, 17, cx);
        }
        let Some(length) = u16_at(input.bytes, 0).map(usize::from) else {
            return Outcome::NotMine;
        };
        let Some(message) = input.bytes.get(2..2 + length) else {
            // The header must make sense before more is waited for.
            let rest = input.bytes.get(2..).unwrap_or_default();
            let mine = input.on_port && Header::read(rest).is_some_and(|h| h.plausible(length));
            return if mine {
                Outcome::NeedMore { bytes: 2 + length }
            } else {
                Outcome::NotMine
            };
        };
        let whole = Input {
            bytes: message,
            length,
            extent: Extent::Complete,
            ..*input
        };
        match self.message(&whole, 6, cx) {
            Outcome::Done { bytes, next } => Outcome::Done {
                bytes: bytes + 2,
                next,
            },
            Outcome::Malformed { reason, at } => Outcome::Malformed { reason, at: at + 2 },
            other => other,
        }
    }

    fn rows(&mut self) -> Option<&mut dyn TableColumns> {
        self.rows.table()
    }
}

impl Dns {
    fn message(&mut self, input: &Input<'_>, protocol: i32, cx: &mut Context<'_>) -> Outcome {
        let bytes = input.bytes;
        let Some(header) = Header::read(bytes) else {
            return Outcome::NotMine;
        };
        if !header.plausible(input.length) {
            return Outcome::NotMine;
        }
        self.names.begin(bytes.len());
        let mut reader = Reader {
            bytes,
            at: HEADER,
            names: &mut self.names,
            texts: self.rows.wanted().is_some(),
        };
        let sections = match reader.sections(&header) {
            Ok(sections) => sections,
            Err(bad) => {
                // Somebody else's message at this port, unless it began well.
                let begun = header.questions == 0 || bad.at > HEADER;
                return match (input.on_port && begun, bad.cut) {
                    (false, _) => Outcome::NotMine,
                    (true, true) => Outcome::NeedMore {
                        bytes: input.length.max(bytes.len() + 1),
                    },
                    (true, false) => Outcome::Malformed {
                        reason: bad.reason,
                        at: bad.at,
                    },
                };
            }
        };
        let end = reader.at;
        if !input.on_port
            && (end != bytes.len()
                || !sections.convincing()
                || sections
                    .questions
                    .iter()
                    .any(|q| is_netbios(self.names.get(q.name))))
        {
            return Outcome::NotMine;
        }
        let Some(endpoints) = cx.message_endpoints() else {
            return Outcome::NotMine;
        };
        let answer = sections.records.first().and_then(|r| r.first());
        let message = packet::Dns {
            id: header.id,
            query_type: sections.questions.first().map(|q| q.kind),
            answer_ttl: answer.filter(|_| header.flag(15)).map(|r| r.ttl),
        };
        cx.facts.dns = Some(cx.facts.dns.map_or(message, |first| first.and(message)));
        if let Some(rows) = self.rows.wanted() {
            let names = &self.names;
            let questions = sections.question_rows(names);
            let [answers, authorities, additionals] = sections
                .records
                .each_ref()
                .map(|records| record_rows(records, names));
            let first = questions.first();
            let edns = sections.edns;
            rows.push(&DnsRow {
                id: cx.at(),
                endpoints,
                ts_ns: cx.ts_ns,
                protocol,
                message_bytes: int(input.length),
                transaction_id: header.id.into(),
                response: header.flag(15),
                opcode: header.opcode(),
                authoritative: header.flag(10),
                truncated: header.flag(9),
                recursion_desired: header.flag(8),
                recursion_available: header.flag(7),
                reserved_flag: header.flag(6),
                authentic_data: header.flag(5),
                checking_disabled: header.flag(4),
                rcode: i32::from(header.flags & 15) | edns.map_or(0, |e| e.rcode << 4),
                question_count: header.questions.into(),
                answer_count: header.records[0].into(),
                authority_count: header.records[1].into(),
                additional_count: header.records[2].into(),
                query_name: first.map(|q| q.name),
                query_type: first.map(|q| q.r#type),
                query_class: first.map(|q| q.class),
                questions: &questions,
                answers: &answers,
                authorities: &authorities,
                additionals: &additionals,
                edns_version: edns.map(|e| e.version),
                edns_udp_bytes: edns.map(|e| e.udp_bytes),
                edns_dnssec_ok: edns.map(|e| e.dnssec_ok),
            });
        }
        Outcome::last(end.max(1))
    }
}

/// The header (RFC 1035, 4.1.1).
struct Header {
    id: u16,
    flags: u16,
    questions: u16,
    /// Numbers of answers, authority and additional records.
    records: [u16; 3],
}

impl Header {
    fn read(bytes: &[u8]) -> Option<Self> {
        let field = |i: usize| u16_at(bytes, i * 2);
        Some(Self {
            id: field(0)?,
            flags: field(1)?,
            questions: field(2)?,
            records: [field(3)?, field(4)?, field(5)?],
        })
    }

    fn flag(&self, bit: u32) -> bool {
        self.flags >> bit & 1 == 1
    }

    fn opcode(&self) -> i32 {
        i32::from(self.flags >> 11 & 15)
    }

    /// The counts could fit into a message of that length: a question has at least 5 bytes, a
    /// record 11.
    fn plausible(&self, length: usize) -> bool {
        let records: usize = self.records.iter().map(|n| usize::from(*n)).sum();
        let questions = usize::from(self.questions);
        matches!(self.opcode(), 0..=2 | 4..=6)
            && questions + records > 0
            && HEADER + questions * 5 + records * 11 <= length
    }
}

/// A question or record as positions in [`Names`].
struct Item {
    name: name::Range,
    kind: u16,
    class: u16,
    ttl: u32,
    data_bytes: usize,
    data: name::Range,
}

/// EDNS (RFC 6891, 6.1.3).
#[derive(Clone, Copy)]
struct Edns {
    version: i32,
    udp_bytes: i32,
    dnssec_ok: bool,
    rcode: i32,
}

#[derive(Default)]
struct Sections {
    questions: Vec<Item>,
    records: [Vec<Item>; 3],
    edns: Option<Edns>,
}

impl Sections {
    /// Good enough for a port that is not DNS's: a question of the Internet (or any) class, of a
    /// type in use.
    fn convincing(&self) -> bool {
        let known = |kind: u16| {
            let names = netcap_proto::DNS
                .column("query_type_name")
                .and_then(|c| c.names.as_ref());
            names.is_some_and(|n| {
                n.values
                    .iter()
                    .any(|(number, _)| *number == i32::from(kind))
            })
        };
        !self.questions.is_empty()
            && self
                .questions
                .iter()
                .all(|q| matches!(q.class & 0x7fff, 1 | 255) && known(q.kind))
    }

    fn question_rows<'a>(&self, names: &'a Names) -> Vec<DnsQuestionRow<'a>> {
        self.questions
            .iter()
            .map(|q| DnsQuestionRow {
                name: names.get(q.name),
                r#type: q.kind.into(),
                class: q.class.into(),
            })
            .collect()
    }
}

/// NetBIOS names have 32 letters from A to P (RFC 1001, 14.1). That service has the format of DNS,
/// but its own types under the same numbers.
fn is_netbios(name: &str) -> bool {
    let label = name.split('.').next().unwrap_or_default();
    label.len() == 32 && label.bytes().all(|b| b.is_ascii_uppercase() && b <= b'P')
}

fn record_rows<'a>(records: &[Item], names: &'a Names) -> Vec<DnsRecordRow<'a>> {
    records
        .iter()
        .map(|r| DnsRecordRow {
            name: names.get(r.name),
            r#type: r.kind.into(),
            class: r.class.into(),
            ttl: r.ttl.into(),
            data_bytes: int(r.data_bytes),
            data: names.get(r.data),
        })
        .collect()
}

/// Why a message could not be read.
struct Bad {
    reason: &'static str,
    at: usize,
    /// The bytes ended.
    cut: bool,
}

struct Reader<'a, 'n> {
    bytes: &'a [u8],
    at: usize,
    names: &'n mut Names,
    /// Texts of records are wanted, and not only what of them is right.
    texts: bool,
}

impl Reader<'_, '_> {
    fn sections(&mut self, header: &Header) -> Result<Sections, Bad> {
        let mut sections = Sections::default();
        for _ in 0..header.questions {
            sections.questions.push(self.item(false)?);
        }
        for (section, count) in sections.records.iter_mut().zip(header.records) {
            for _ in 0..count {
                let item = self.item(true)?;
                if item.kind == 41 && sections.edns.is_none() {
                    sections.edns = Some(Edns {
                        version: i32::from((item.ttl >> 16) as u8),
                        udp_bytes: item.class.into(),
                        dnssec_ok: item.ttl & 0x8000 != 0,
                        rcode: i32::from((item.ttl >> 24) as u8),
                    });
                } else {
                    section.push(item);
                }
            }
        }
        Ok(sections)
    }

    fn item(&mut self, record: bool) -> Result<Item, Bad> {
        // Names of questions tell whose message it is.
        let wanted = self.texts || !record;
        let name = self.names.read(self.bytes, self.at, wanted);
        let (name, after) = name.map_err(|e| Bad {
            reason: e.reason,
            at: self.at,
            cut: e.cut,
        })?;
        let cut = |at| Bad {
            reason: "a record ends too early",
            at,
            cut: true,
        };
        let field = |at| u16_at(self.bytes, at).ok_or_else(|| cut(at));
        let (kind, class) = (field(after)?, field(after + 2)?);
        let mut item = Item {
            name,
            kind,
            class,
            ttl: 0,
            data_bytes: 0,
            data: name::Range::EMPTY,
        };
        self.at = after + 4;
        if record {
            item.ttl = u32_at(self.bytes, self.at).ok_or_else(|| cut(self.at))?;
            item.data_bytes = field(self.at + 4)?.into();
            let start = self.at + 6;
            let end = start + item.data_bytes;
            if u8_at(self.bytes, end.saturating_sub(1)).is_none() {
                return Err(cut(start));
            }
            if self.texts {
                item.data = data::present(kind, self.bytes, start, end, self.names);
            }
            self.at = end;
        }
        Ok(item)
    }
}
