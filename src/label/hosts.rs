//! Sets of addresses, and how they are written: `10.0.0.5`, `10.0.2.0/24`, `10.0.0.5-10.0.0.9`,
//! names, `any`, and `… except …`.
//!
//! What a name stands for is in [`crate::label::names`].

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::label::problems::Fault;

/// A set of IP addresses. An IPv4-mapped IPv6 address is the IPv4 address that it maps.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct HostSet {
    v4: Ranges,
    v6: Ranges,
}

/// Sorted, disjoint, closed ranges of addresses as numbers.
type Ranges = Vec<(u128, u128)>;

impl HostSet {
    /// Every address.
    pub(super) fn any() -> Self {
        Self {
            v4: vec![(0, u128::from(u32::MAX))],
            v6: vec![(0, u128::MAX)],
        }
    }

    /// The addresses from `first` to `last`, which are of one family and in order.
    fn range(first: IpAddr, last: IpAddr) -> Option<Self> {
        match (first, last) {
            (IpAddr::V4(a), IpAddr::V4(b)) if a <= b => Some(Self {
                v4: vec![(u32::from(a).into(), u32::from(b).into())],
                v6: vec![],
            }),
            (IpAddr::V6(a), IpAddr::V6(b)) if a <= b => Some(Self {
                v4: vec![],
                v6: vec![(a.into(), b.into())],
            }),
            _ => None,
        }
    }

    /// Whether the address is in the set.
    pub(super) fn contains(&self, address: IpAddr) -> bool {
        let (ranges, key) = match address.to_canonical() {
            IpAddr::V4(a) => (&self.v4, u128::from(u32::from(a))),
            IpAddr::V6(a) => (&self.v6, u128::from(a)),
        };
        let after = ranges.partition_point(|(first, _)| *first <= key);
        after
            .checked_sub(1)
            .and_then(|n| ranges.get(n))
            .is_some_and(|(_, last)| key <= *last)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.v4.is_empty() && self.v6.is_empty()
    }

    /// The addresses one by one, if there are at most `limit`.
    pub(super) fn addresses(&self, limit: usize) -> Option<Vec<IpAddr>> {
        let mut list = Vec::new();
        for (is_v4, ranges) in [(true, &self.v4), (false, &self.v6)] {
            for (first, last) in ranges {
                if (last - first) >= limit.saturating_sub(list.len()) as u128 {
                    return None;
                }
                for key in *first..=*last {
                    list.push(address(is_v4, key));
                }
            }
        }
        Some(list)
    }

    /// Whether an address of the set shares its /24 (IPv4) or /64 (IPv6) with this one.
    pub(super) fn has_neighbour(&self, of: IpAddr) -> bool {
        let (ranges, low, high) = match of.to_canonical() {
            IpAddr::V4(a) => {
                let key = u128::from(u32::from(a));
                (&self.v4, key & !0xff, key | 0xff)
            }
            IpAddr::V6(a) => {
                let key = u128::from(a);
                (
                    &self.v6,
                    key & !u128::from(u64::MAX),
                    key | u128::from(u64::MAX),
                )
            }
        };
        let n = ranges.partition_point(|(_, last)| *last < low);
        ranges.get(n).is_some_and(|(first, _)| *first <= high)
    }

    /// Adds the addresses of another set.
    pub(super) fn add(&mut self, other: &HostSet) {
        for (mine, theirs) in [(&mut self.v4, &other.v4), (&mut self.v6, &other.v6)] {
            mine.extend(theirs);
            mine.sort_unstable();
            let mut merged: Ranges = Vec::with_capacity(mine.len());
            for (first, last) in mine.drain(..) {
                match merged.last_mut() {
                    Some((_, end)) if first <= end.saturating_add(1) => *end = last.max(*end),
                    _ => merged.push((first, last)),
                }
            }
            *mine = merged;
        }
    }

    /// Takes the addresses of another set away.
    pub(super) fn remove(&mut self, other: &HostSet) {
        for (mine, theirs) in [(&mut self.v4, &other.v4), (&mut self.v6, &other.v6)] {
            for (from, to) in theirs {
                let mut kept = Vec::with_capacity(mine.len() + 1);
                for (first, last) in mine.drain(..) {
                    if last < *from || first > *to {
                        kept.push((first, last));
                        continue;
                    }
                    if first < *from {
                        kept.push((first, from - 1));
                    }
                    if last > *to {
                        kept.push((to + 1, last));
                    }
                }
                *mine = kept;
            }
        }
    }
}

fn address(is_v4: bool, key: u128) -> IpAddr {
    match u32::try_from(key) {
        Ok(key) if is_v4 => IpAddr::V4(Ipv4Addr::from(key)),
        _ => IpAddr::V6(Ipv6Addr::from(key)),
    }
}

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
    if is_mac(word) {
        return Err(Fault::new(
            0,
            format!("`{word}` is a MAC address, which this version of netcap does not know here"),
        )
        .help("write the IP address"));
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

fn is_mac(word: &str) -> bool {
    [':', '-'].iter().any(|separator| {
        let parts: Vec<&str> = word.split(*separator).collect();
        parts.len() == 6
            && parts
                .iter()
                .all(|p| p.len() == 2 && p.bytes().all(|b| b.is_ascii_hexdigit()))
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
    if first != key {
        let base = self::address(width == 32, first);
        return Err(
            Fault::new(0, format!("`{word}` has bits set behind its prefix")).help(format!(
                "the network is {base}/{bits}; the host alone is {address}"
            )),
        );
    }
    let ranges = vec![(first, last)];
    Ok(if width == 32 {
        HostSet {
            v4: ranges,
            v6: vec![],
        }
    } else {
        HostSet {
            v4: vec![],
            v6: ranges,
        }
    })
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
            (
                "aa:bb:cc:dd:ee:ff",
                0,
                "`aa:bb:cc:dd:ee:ff` is a MAC address, which this version of netcap does not know here",
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
        assert_eq!(office.v4.len(), 1);
        let mut none = HostSet::any();
        none.remove(&HostSet::any());
        assert!(none.is_empty());
        assert_eq!(set("10.0.0.1-10.0.0.4").addresses(4).unwrap().len(), 4);
        assert_eq!(set("10.0.0.1-10.0.0.4").addresses(3), None);
    }
}
