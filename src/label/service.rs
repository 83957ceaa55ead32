//! Ports, protocols and ICMP messages of a rule: `22/tcp`, `80`, `6000-6100/udp`, `tcp`, `47`; `8`, `3/1`.
//!
//! Which of a flow's two ports is tested is decided where rules are matched: it is always that of
//! the victim.

use std::fmt;

use crate::label::problems::{Fault, did_you_mean};
use crate::label::protocols::{LIKELY, PROTOCOLS};
use crate::packet::has_ports;

/// A range of ports, perhaps of one protocol only.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Ports {
    first: u16,
    last: u16,
    pub(super) protocol: Option<u8>,
}

impl Ports {
    /// Whether a port of this protocol is in the range. Without a port (ICMP) nothing is.
    pub(super) fn contains(self, port: Option<u16>, protocol: u8) -> bool {
        port.is_some_and(|port| self.first <= port && port <= self.last)
            && self.protocol.is_none_or(|wanted| wanted == protocol)
    }
}

impl fmt::Display for Ports {
    /// As a rule has it: `22/tcp`, `6000-6100`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.first)?;
        if self.last != self.first {
            write!(f, "-{}", self.last)?;
        }
        match self.protocol {
            Some(protocol) => write!(f, "/{}", protocol_name(protocol)),
            None => Ok(()),
        }
    }
}

/// Reads ports separated by commas, semicolons or spaces. `any` is `None`: no condition.
///
/// # Errors
/// What is no port, range or protocol; the first of them.
pub(super) fn parse_ports(text: &str) -> Result<Option<Vec<Ports>>, Fault> {
    let mut list = Vec::new();
    for (offset, word) in words(text) {
        if word.eq_ignore_ascii_case("any") {
            return Ok(None);
        }
        list.push(parse_port(&word).map_err(|fault| fault.shifted(offset))?);
    }
    if list.is_empty() {
        Err(Fault::new(0, "a port is missing"))
    } else {
        Ok(Some(list))
    }
}

fn parse_port(word: &str) -> Result<Ports, Fault> {
    let (range, protocol) = match word.split_once('/') {
        Some((name, range)) if protocol(name).is_ok_and(has_ports) && !is_number(name) => {
            let fault = Fault::new(0, format!("`{word}` is the wrong way round"));
            return Err(fault.help(format!("write {range}/{name}")));
        }
        Some((range, name)) => {
            let at = range.chars().count() + 1;
            let number = protocol(name).map_err(|fault| fault.shifted(at))?;
            if !has_ports(number) {
                let fault = Fault::new(at, format!("`{name}` has no ports"));
                return Err(fault
                    .help("name it in `protocol:`; for ICMP there is `icmp: 8/0`, type and code"));
            }
            (range, Some(number))
        }
        None => (word, None),
    };
    let (first, last) = range.split_once('-').unwrap_or((range, range));
    let number = |text: &str| {
        let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
        text.parse::<u16>().ok().filter(|_| digits).ok_or_else(|| {
            Fault::new(0, format!("`{text}` is no port"))
                .help("write 22/tcp, 80, 6000-6100/udp or a list of them; ports are 0 to 65535")
        })
    };
    let (first, last) = (number(first)?, number(last)?);
    if last < first {
        return Err(Fault::new(
            0,
            format!("the range `{range}` ends before it starts"),
        ));
    }
    Ok(Ports {
        first,
        last,
        protocol,
    })
}

fn is_number(text: &str) -> bool {
    text.bytes().all(|b| b.is_ascii_digit())
}

/// Reads protocols separated by commas, semicolons or spaces. `any` is `None`: no condition.
///
/// # Errors
/// Unknown names (with the nearest), numbers beyond 255.
pub(super) fn parse_protocols(text: &str) -> Result<Option<Vec<u8>>, Fault> {
    let mut list = Vec::new();
    for (offset, word) in words(text) {
        if word.eq_ignore_ascii_case("any") {
            return Ok(None);
        }
        list.push(protocol(&word).map_err(|fault| fault.shifted(offset))?);
    }
    if list.is_empty() {
        Err(Fault::new(0, "a protocol is missing"))
    } else {
        Ok(Some(list))
    }
}

/// ICMP messages of a type, perhaps of one code only.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Icmp {
    kind: u8,
    code: Option<u8>,
}

impl Icmp {
    /// Whether a message is one of them; flows that are none of ICMP have no message.
    pub(super) fn contains(self, message: Option<(u8, u8)>) -> bool {
        message.is_some_and(|(kind, code)| {
            kind == self.kind && self.code.is_none_or(|wanted| wanted == code)
        })
    }
}

/// Reads types of ICMP messages, each perhaps with a code. `any` is `None`: no condition.
///
/// # Errors
/// What is no number of 0 to 255.
pub(super) fn parse_icmp(text: &str) -> Result<Option<Vec<Icmp>>, Fault> {
    let mut list = Vec::new();
    for (offset, word) in words(text) {
        if word.eq_ignore_ascii_case("any") {
            return Ok(None);
        }
        let (kind, code) = match word.split_once('/') {
            Some((kind, code)) => (kind, Some(code)),
            None => (word.as_str(), None),
        };
        let number = |digits: &str| {
            digits.parse::<u8>().map_err(|_| {
                Fault::new(offset, format!("`{word}` is no type of ICMP messages"))
                    .help("write 8 for a type, 3/1 for a type and a code, or a list of them")
            })
        };
        list.push(Icmp {
            kind: number(kind)?,
            code: code.map(number).transpose()?,
        });
    }
    if list.is_empty() {
        Err(Fault::new(0, "a type of ICMP messages is missing"))
    } else {
        Ok(Some(list))
    }
}

/// The number of a protocol.
pub(super) fn protocol(name: &str) -> Result<u8, Fault> {
    let known = PROTOCOLS
        .iter()
        .find(|(known, _)| known.eq_ignore_ascii_case(name));
    let number = || {
        name.bytes()
            .all(|b| b.is_ascii_digit())
            .then(|| name.parse().ok())
            .flatten()
    };
    known
        .map(|(_, number)| *number)
        .or_else(number)
        .ok_or_else(|| {
            let fault = Fault::new(0, format!("`{name}` is no protocol"));
            match did_you_mean(name, LIKELY) {
                Some(help) => fault.help(help),
                None => fault,
            }
        })
}

/// The name of a protocol, or its number.
pub(super) fn protocol_name(number: u8) -> String {
    let known = PROTOCOLS.iter().find(|(_, known)| *known == number);
    known.map_or_else(|| number.to_string(), |(name, _)| (*name).to_owned())
}

fn words(text: &str) -> Vec<(usize, String)> {
    let mut words = Vec::new();
    let mut word = String::new();
    let mut start = 0;
    for (offset, c) in text.chars().chain([' ']).enumerate() {
        if !(c.is_whitespace() || c == ',' || c == ';') {
            if word.is_empty() {
                start = offset;
            }
            word.push(c);
        } else if !word.is_empty() {
            words.push((start, std::mem::take(&mut word)));
        }
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports_contain_what_they_say() {
        let matches = |text: &str, port, protocol| {
            parse_ports(text)
                .unwrap()
                .unwrap()
                .iter()
                .any(|p| p.contains(port, protocol))
        };
        assert!(matches("22/tcp", Some(22), 6));
        assert!(!matches("22/tcp", Some(22), 17));
        assert!(matches("80", Some(80), 132));
        assert!(matches("80, 6000-6100/udp", Some(6100), 17));
        assert!(!matches("80, 6000-6100/udp", Some(6101), 17));
        assert!(!matches("0-65535", None, 1));
        assert_eq!(parse_ports("any"), Ok(None));
        assert_eq!(parse_protocols("tcp; 47"), Ok(Some(vec![6, 47])));
        assert_eq!(
            (protocol_name(58), protocol_name(200)),
            ("icmpv6".into(), "200".into())
        );
    }

    #[test]
    fn icmp_messages_have_a_type_and_perhaps_a_code() {
        let matches = |text: &str, message| {
            let list = parse_icmp(text).unwrap().unwrap();
            list.iter().any(|icmp| icmp.contains(message))
        };
        assert!(matches("8, 3/1", Some((8, 5))) && matches("8, 3/1", Some((3, 1))));
        assert!(!matches("8, 3/1", Some((3, 2))) && !matches("8", None));
        assert_eq!(parse_icmp("any"), Ok(None));
        assert_eq!(
            parse_icmp("8, 300").unwrap_err().message,
            "`300` is no type of ICMP messages"
        );
    }

    #[test]
    fn ports_and_protocols_that_are_none_are_refused() {
        for (text, offset, message) in [
            ("ssh", 0, "`ssh` is no port"),
            ("22, 70000", 4, "`70000` is no port"),
            ("22/tpc", 3, "`tpc` is no protocol"),
            ("80, tcp/22", 4, "`tcp/22` is the wrong way round"),
            ("90-80", 0, "the range `90-80` ends before it starts"),
            ("1_000", 0, "`1_000` is no port"),
            ("-5", 0, "`` is no port"),
            (" ", 0, "a port is missing"),
        ] {
            let fault = parse_ports(text).unwrap_err();
            assert_eq!((fault.offset, fault.message.as_str()), (offset, message));
        }
        assert_eq!(
            parse_ports("22/tpc").unwrap_err().help.unwrap(),
            "did you mean `tcp`?"
        );
        assert_eq!(
            parse_protocols("256").unwrap_err().message,
            "`256` is no protocol"
        );
    }
}
