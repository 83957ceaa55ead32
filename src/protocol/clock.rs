//! Clocks in the traffic: `Date` of HTTP responses (RFC 9110, 6.6.1) and the transmit timestamp of NTP
//! servers (RFC 5905, 7.3).
//!
//! It decodes no protocol and claims no payload; it notes what a message says of the time, and leaves it to others.

use jiff::Timestamp;
use jiff::fmt::{rfc2822, strtime};
use jiff::tz::TimeZone;
use netcap_proto::{ClockColumns, ClockRow, TableColumns};

use crate::packet::bytes::{u8_at, u32_at};
use crate::packet::{Context, Entry, Info, Input, Outcome, Protocol, Rows, Selector, Transport};

pub(super) const ENTRY: Entry = Entry {
    info: Info {
        name: "clock",
        table: Some("clock"),
        accepts: &[
            Selector::Payload(Transport::Tcp),
            Selector::Payload(Transport::Udp),
        ],
        ports: &[123],
    },
    make: |wanted| {
        Box::new(Clock {
            rows: Rows::new(wanted),
        })
    },
};

struct Clock {
    rows: Rows<ClockColumns>,
}

/// A time that a message states.
struct Stated {
    protocol: &'static str,
    ns: i64,
    resolution_ns: i64,
}

const SECOND_NS: i64 = 1_000_000_000;
/// Headers are looked for that far.
const MOST_HEADERS: usize = 4096;

impl Protocol for Clock {
    fn decode(&mut self, input: &Input<'_>, cx: &mut Context<'_>) -> Outcome {
        let Some(rows) = self.rows.wanted() else {
            return Outcome::NotMine;
        };
        let stated = if input.selector == Selector::Payload(Transport::Tcp) {
            http(input.bytes)
        } else {
            ntp(input.bytes).filter(|_| input.on_port)
        };
        if let (Some(stated), Some(endpoints)) = (stated, cx.message_endpoints()) {
            let middle = stated.ns.saturating_add(stated.resolution_ns / 2);
            rows.push(&ClockRow {
                id: cx.at(),
                endpoints,
                protocol: cx.symbols.text(stated.protocol),
                stated_ns: stated.ns,
                resolution_ns: stated.resolution_ns,
                difference_ns: middle.saturating_sub(cx.ts_ns),
            });
        }
        Outcome::NotMine
    }

    fn rows(&mut self) -> Option<&mut dyn TableColumns> {
        self.rows.table()
    }
}

/// The header `Date` of a response that begins here.
fn http(bytes: &[u8]) -> Option<Stated> {
    if !bytes.starts_with(b"HTTP/1.") {
        return None;
    }
    let head = bytes.get(..MOST_HEADERS).unwrap_or(bytes);
    let lines = head.split(|byte| *byte == b'\n').skip(1);
    let mut lines = lines
        .map(|line| line.trim_ascii())
        .take_while(|line| !line.is_empty());
    let date = lines.find_map(|line| {
        let (name, value) = line.split_at_checked(5)?;
        name.eq_ignore_ascii_case(b"date:").then_some(value)
    })?;
    let text = std::str::from_utf8(date.trim_ascii()).ok()?;
    let parsed = rfc2822::DateTimeParser::new().parse_timestamp(text).ok();
    let time = parsed.or_else(|| obsolete(text))?;
    Some(Stated {
        protocol: "http",
        ns: time.as_second().checked_mul(SECOND_NS)?,
        resolution_ns: SECOND_NS,
    })
}

/// A date in the forms that are no longer written, and that are to be read all the same (RFC 9110, 5.6.7): those of
/// RFC 850 and of C's asctime.
fn obsolete(text: &str) -> Option<Timestamp> {
    let forms = ["%A, %d-%b-%y %H:%M:%S GMT", "%a %b %e %H:%M:%S %Y"];
    let mut times = forms.iter().filter_map(|form| {
        let time = strtime::parse(form, text).ok()?.to_datetime().ok()?;
        TimeZone::UTC.to_timestamp(time).ok()
    });
    times.next()
}

/// The transmit timestamp of an answer, or of a broadcast, of a server that knows the time.
fn ntp(bytes: &[u8]) -> Option<Stated> {
    /// From 1900 to 1970.
    const EPOCH: i64 = 2_208_988_800;
    let (head, stratum) = (u8_at(bytes, 0)?, u8_at(bytes, 1)?);
    let (leap, version, mode) = (head >> 6, head >> 3 & 7, head & 7);
    let knows = leap != 3 && (1..16).contains(&stratum);
    if !knows || !(1..=4).contains(&version) || !matches!(mode, 4 | 5) {
        return None;
    }
    let (seconds, fraction) = (i64::from(u32_at(bytes, 40)?), i64::from(u32_at(bytes, 44)?));
    if (seconds, fraction) == (0, 0) {
        // Unknown, or of no time yet (RFC 5905, section 6).
        return None;
    }
    // Numbers of the second era, from 2036 on, begin anew (RFC 5905, section 6).
    let era = if seconds < EPOCH { 1_i64 << 32 } else { 0 };
    Some(Stated {
        protocol: "ntp",
        ns: (seconds + era - EPOCH) * SECOND_NS + ((fraction * SECOND_NS) >> 32),
        resolution_ns: 1,
    })
}

#[cfg(test)]
mod tests {
    use super::{http, ntp};

    #[test]
    fn times_are_read() {
        let response =
            b"HTTP/1.1 200 OK\r\nServer: x\r\ndate: Thu, 06 Jul 2017 13:12:03 GMT\r\n\r\nDate: no";
        assert_eq!(
            http(response).map(|s| s.ns),
            Some(1_499_346_723_000_000_000)
        );
        assert!(http(b"HTTP/1.1 200 OK\r\n\r\nDate: Thu, 06 Jul 2017 13:12:03 GMT\r\n").is_none());
        assert!(http(b"HTTP/1.1 200 OK\r\nDate: yesterday\r\n").is_none());
        for date in [
            "Sun, 06 Nov 1994 08:49:37 GMT",
            "Sunday, 06-Nov-94 08:49:37 GMT",
            "Sun Nov  6 08:49:37 1994",
        ] {
            let response = format!("HTTP/1.0 200 OK\r\nDate: {date}\r\n\r\n");
            let stated = http(response.as_bytes()).map(|s| s.ns);
            assert_eq!(stated, Some(784_111_777_000_000_000), "{date}");
        }
        let mut answer = [0; 48];
        (answer[0], answer[1]) = (0x24, 2);
        answer[40..44].copy_from_slice(&(2_208_988_800_u32 + 10).to_be_bytes());
        answer[44] = 0x80;
        assert_eq!(ntp(&answer).map(|s| s.ns), Some(10_500_000_000));
        let mut unknown = answer;
        unknown[40..48].fill(0);
        assert!(ntp(&unknown).is_none(), "all zero is no time");
        answer[0] = 0x23;
        assert!(
            ntp(&answer).is_none(),
            "a client's clock is what it asks for"
        );
    }
}
