//! How hosts are written: `10.0.0.5`, `10.0.2.0/24`, `10.0.0.5-10.0.0.9`, `02:42:ac:11:00:02`, names, `any`,
//! and `… except …`.
//!
//! What a name stands for is in [`crate::label::names`].

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use crate::label::host_set::{HostSet, Mac};
use crate::label::problems::Fault;
use crate::label::service;
use crate::label::side::Mapped;

/// One part of a list of hosts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Term {
    pub(super) what: What,
    /// As written.
    pub(super) text: String,
    /// Characters from the beginning of the text.
    pub(super) offset: usize,
}

/// What a part of a list of hosts stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum What {
    Any,
    Set(HostSet),
    Name,
}

/// A list of hosts as written in one text: what is in it, and what is not.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Expression {
    pub(super) include: Vec<Term>,
    pub(super) except: Vec<Term>,
}

/// Reads a list of hosts: parts separated by commas, semicolons or spaces, then perhaps `except`
/// and what does not belong to it.
///
/// # Errors
/// Addresses, networks and ranges that are none; the first of them.
pub(super) fn parse(text: &str) -> Result<Expression, Fault> {
    let mut words = words(text);
    join_ranges(&mut words);
    let mut expression = Expression::default();
    let mut excluding = None;
    for (offset, word) in words {
        if word.eq_ignore_ascii_case("except") {
            if excluding.is_some() {
                return Err(Fault::new(offset, "`except` stands here twice")
                    .help("write all that does not belong to it behind one `except`"));
            }
            excluding = Some(offset);
            continue;
        }
        let what = parse_term(&word).map_err(|fault| fault.shifted(offset))?;
        let term = Term {
            what,
            text: word,
            offset,
        };
        if excluding.is_some() {
            &mut expression.except
        } else {
            &mut expression.include
        }
        .push(term);
    }
    match excluding {
        Some(at) if expression.except.is_empty() => {
            Err(Fault::new(at, "nothing stands behind `except`"))
        }
        Some(at) if expression.include.is_empty() => {
            Err(Fault::new(at, "nothing stands before `except`")
                .help("for all other hosts write `any except …`"))
        }
        None if expression.include.is_empty() => Err(Fault::new(0, "a host is missing")),
        _ => Ok(expression),
    }
}

fn words(text: &str) -> Vec<(usize, String)> {
    let mut words: Vec<(usize, String)> = Vec::new();
    let mut inside = false;
    for (offset, c) in text.chars().enumerate() {
        let separator = c.is_whitespace() || c == ',' || c == ';';
        match words.last_mut() {
            Some((_, word)) if inside && !separator => word.push(c),
            _ if !separator => words.push((offset, c.to_string())),
            _ => {}
        }
        inside = !separator;
    }
    words
}

/// `10.0.0.5 - 10.0.0.9` is one range, as it is without spaces.
fn join_ranges(words: &mut Vec<(usize, String)>) {
    let mut joined: Vec<(usize, String)> = Vec::with_capacity(words.len());
    for (offset, word) in words.drain(..) {
        match joined.last_mut() {
            Some((_, last))
                if (word == "-" || last.ends_with('-'))
                    && parse_address(last.trim_end_matches('-')).is_some() =>
            {
                last.push_str(&word);
            }
            _ => joined.push((offset, word)),
        }
    }
    *words = joined;
}

fn parse_term(word: &str) -> Result<What, Fault> {
    if word.eq_ignore_ascii_case("any") {
        return Ok(What::Any);
    }
    if let Some(rest) = word.strip_prefix('!') {
        return Err(Fault::new(0, "`!` is not how hosts are excluded")
            .help(format!("write `… except {rest}`")));
    }
    if let Some(mac) = parse_mac(word) {
        return Ok(What::Set(HostSet::mac(mac)));
    }
    if let Some((network, bits)) = word.split_once('/') {
        return parse_network(word, network, bits).map(What::Set);
    }
    if let Some(one) = parse_address(word) {
        return Ok(HostSet::range(one, one).map_or(What::Any, What::Set));
    }
    if let Some((first, last)) = word.split_once('-')
        && let Some(first) = parse_address(first)
    {
        let Some(last) = parse_address(last) else {
            return Err(
                Fault::new(0, format!("the end of the range `{word}` is no IP address"))
                    .help("write both ends in full: 10.0.0.5-10.0.0.20"),
            );
        };
        return HostSet::range(first, last).map(What::Set).ok_or_else(|| {
            Fault::new(
                0,
                format!("the range `{word}` ends before it starts, or mixes IPv4 and IPv6"),
            )
        });
    }
    if is_name(word) {
        return Ok(What::Name);
    }
    Err(Fault::new(
        0,
        format!("`{word}` is no IP address, network, range or name of a host"),
    )
    .help("write 10.0.0.5, 10.0.0.0/24, 10.0.0.5-10.0.0.20, or a name defined under `hosts:`"))
}

/// Reads another address of a host: `192.0.2.10`, or with the port that stands for one of the host's,
/// `192.0.2.10:8443 -> 443`; `/tcp` behind the first port limits it to a protocol.
///
/// # Errors
/// What is neither.
pub(super) fn parse_alias(text: &str) -> Result<(HostSet, Option<Mapped>), Fault> {
    let wrong = |offset: usize, word: &str, what: &str| {
        Fault::new(offset, format!("`{}` is no {what}", word.trim()))
            .help("write 192.0.2.10, or 192.0.2.10:8443 -> 443 where a port stands for another")
    };
    let (seen, own) = match text.split_once("->") {
        Some((seen, own)) => (seen.trim(), Some(own.trim())),
        None => (text.trim(), None),
    };
    if let Ok(What::Set(set)) = parse_term(seen)
        && own.is_none()
    {
        return Ok((set, None));
    }
    // The protocol stands behind the port; a network has no port.
    let (address, protocol) = match seen.rsplit_once('/') {
        Some((address, name)) => (address, Some(service::protocol(name)?)),
        None => (seen, None),
    };
    let socket: SocketAddr = address
        .parse()
        .map_err(|_| wrong(0, seen, "address with a port"))?;
    let ip = socket.ip().to_canonical();
    let own = match own {
        Some(own) => own
            .parse()
            .map_err(|_| wrong(text.find("->").unwrap_or(0) + 2, own, "port"))?,
        None => socket.port(),
    };
    let mapped = Mapped {
        seen: socket.port(),
        protocol,
        own,
    };
    Ok((HostSet::range(ip, ip).unwrap_or_default(), Some(mapped)))
}

/// Whether a word can be the name of a host: a letter or `_` first, then also digits, `.` and
/// `-`. What looks like an address cannot.
pub(super) fn is_name(word: &str) -> bool {
    let reserved = ["any", "except"]
        .iter()
        .any(|r| word.eq_ignore_ascii_case(r));
    let rest = |c: char| c.is_alphanumeric() || matches!(c, '_' | '.' | '-');
    !reserved
        && word.starts_with(|c: char| c.is_alphabetic() || c == '_')
        && word.chars().all(rest)
        && parse_address(word).is_none()
}

/// A MAC address, with colons or hyphens.
pub(super) fn parse_mac(word: &str) -> Option<Mac> {
    [':', '-'].iter().find_map(|separator| {
        let parts: Vec<&str> = word.split(*separator).collect();
        let digits = |p: &&str| p.len() == 2 && p.bytes().all(|b| b.is_ascii_hexdigit());
        (parts.len() == 6 && parts.iter().all(digits))
            .then(|| Mac::from_str_radix(&parts.concat(), 16).ok())?
    })
}

/// An address; the zone of a link-local one (`%eth0`) says nothing in a capture and is dropped.
fn parse_address(word: &str) -> Option<IpAddr> {
    let bare = match word.split_once('%') {
        Some((bare, _)) if bare.contains(':') => bare,
        _ => word,
    };
    bare.parse::<IpAddr>()
        .ok()
        .map(|address| address.to_canonical())
}

fn parse_network(word: &str, network: &str, bits: &str) -> Result<HostSet, Fault> {
    let wrong = |message: String| Fault::new(0, message).help("write a network as 10.0.2.0/24");
    let Ok(written) = network.parse::<IpAddr>() else {
        return Err(wrong(format!("`{network}` is no IP address")));
    };
    let Ok(mut bits) = bits.parse::<u32>() else {
        return Err(wrong(format!("`{bits}` is no length of a prefix")));
    };
    let address = written.to_canonical();
    if address.is_ipv4() && written.is_ipv6() {
        // A mapped network: the first 96 bits are those of the mapping.
        bits = bits.checked_sub(96).ok_or_else(|| {
            wrong(format!(
                "`{word}` reaches beyond the IPv4 addresses that it maps"
            ))
        })?;
    }
    let (key, width) = match address {
        IpAddr::V4(a) => (u128::from(u32::from(a)), 32),
        IpAddr::V6(a) => (u128::from(a), 128),
    };
    if bits > width {
        return Err(wrong(format!(
            "the prefix of `{word}` is longer than {width} bits"
        )));
    }
    let mask = 1_u128
        .checked_shl(width - bits)
        .map_or(u128::MAX, |size| size - 1);
    let (first, last) = (key & !mask, key | mask);
    let number = |key| match u32::try_from(key) {
        Ok(key) if width == 32 => IpAddr::V4(Ipv4Addr::from(key)),
        _ => IpAddr::V6(Ipv6Addr::from(key)),
    };
    if first != key {
        let base = number(first);
        return Err(
            Fault::new(0, format!("`{word}` has bits set behind its prefix")).help(format!(
                "the network is {base}/{bits}; the host alone is {address}"
            )),
        );
    }
    Ok(HostSet::range(number(first), number(last)).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(text: &str) -> HostSet {
        let mut all = HostSet::default();
        for term in parse(text).unwrap().include {
            match term.what {
                What::Set(set) => all.add(&set),
                What::Any => all.add(&HostSet::any()),
                What::Name => panic!("a name: {}", term.text),
            }
        }
        all
    }

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn hosts_contain_what_they_say() {
        for (hosts, inside, outside) in [
            ("10.0.0.5", "10.0.0.5", "10.0.0.6"),
            ("10.0.2.0/24", "10.0.2.255", "10.0.3.0"),
            ("10.0.0.5-10.0.0.9", "10.0.0.9", "10.0.0.10"),
            ("10.0.0.5 - 10.0.0.9", "10.0.0.7", "10.0.0.4"),
            ("::ffff:10.0.0.5", "10.0.0.5", "10.0.0.6"),
            ("10.0.0.5", "::ffff:10.0.0.5", "::10.0.0.5"),
            ("::ffff:10.0.2.0/120", "10.0.2.7", "10.0.3.7"),
            ("fe80::1%eth0", "fe80::1", "fe80::2"),
            ("2001:db8::/32", "2001:db8:ffff::1", "2001:db9::"),
            ("::/0", "::1", "10.0.0.1"),
            ("0.0.0.0/0", "255.255.255.255", "::1"),
            ("10.0.0.1, 10.0.0.3;10.0.0.5", "10.0.0.3", "10.0.0.4"),
        ] {
            assert!(set(hosts).contains(ip(inside)), "{hosts} has {inside}");
            assert!(
                !set(hosts).contains(ip(outside)),
                "{hosts} has not {outside}"
            );
        }
    }

    #[test]
    fn hosts_have_mac_addresses() {
        let known = set("02:42:AC:11:00:02, 02-42-ac-11-00-03, 10.0.0.1");
        assert!(known.contains_mac(0x0242_ac11_0002) && known.contains_mac(0x0242_ac11_0003));
        assert!(!known.contains_mac(0x0242_ac11_0004) && known.contains(ip("10.0.0.1")));
        assert_eq!(known.addresses(16), None);
        assert!(known.meets(&set("02:42:ac:11:00:03")) && !known.meets(&set("10.0.0.2")));
    }

    #[test]
    fn hosts_that_are_none_are_refused() {
        for (text, offset, message) in [
            (
                "10.0.2.5/24",
                0,
                "`10.0.2.5/24` has bits set behind its prefix",
            ),
            (
                "10.0.2.0/33",
                0,
                "the prefix of `10.0.2.0/33` is longer than 32 bits",
            ),
            (
                "web, 10.0.0.999",
                5,
                "`10.0.0.999` is no IP address, network, range or name of a host",
            ),
            ("web, !kali", 5, "`!` is not how hosts are excluded"),
            (
                "10.0.0.9-10.0.0.5",
                0,
                "the range `10.0.0.9-10.0.0.5` ends before it starts, or mixes IPv4 and IPv6",
            ),
            (
                "10.0.0.9-20",
                0,
                "the end of the range `10.0.0.9-20` is no IP address",
            ),
            ("office except", 7, "nothing stands behind `except`"),
            ("except web", 0, "nothing stands before `except`"),
            ("", 0, "a host is missing"),
        ] {
            let fault = parse(text).unwrap_err();
            assert_eq!((fault.offset, fault.message.as_str()), (offset, message));
        }
    }

    #[test]
    fn sets_add_and_remove() {
        let mut office = set("10.0.2.0/24");
        office.remove(&set("10.0.2.7, 10.0.2.0, 10.0.2.255"));
        assert!(!office.contains(ip("10.0.2.7")) && office.contains(ip("10.0.2.8")));
        assert!(!office.contains(ip("10.0.2.0")) && !office.contains(ip("10.0.2.255")));
        office.add(&set("10.0.2.7"));
        assert_eq!(office, set("10.0.2.1-10.0.2.254"));
        let mut none = HostSet::any();
        none.remove(&HostSet::any());
        assert!(none.is_empty());
        assert_eq!(set("10.0.0.1-10.0.0.4").addresses(4).unwrap().len(), 4);
        assert_eq!(set("10.0.0.1-10.0.0.4").addresses(3), None);
    }
}
