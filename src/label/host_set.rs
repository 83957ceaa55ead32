//! Sets of hosts by their addresses: IP addresses and MAC addresses. Data only; how they are written is in
//! [`crate::label::hosts`].

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// A MAC address as a number.
pub(super) type Mac = u64;

/// A set of hosts. An IPv4-mapped IPv6 address is the IPv4 address that it maps.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct HostSet {
    v4: Ranges,
    v6: Ranges,
    macs: Ranges,
}

/// Sorted, disjoint, closed ranges of addresses as numbers.
type Ranges = Vec<(u128, u128)>;

impl HostSet {
    /// Every address.
    pub(super) fn any() -> Self {
        Self {
            v4: vec![(0, u128::from(u32::MAX))],
            v6: vec![(0, u128::MAX)],
            macs: Vec::new(),
        }
    }

    /// The host with a MAC address.
    pub(super) fn mac(mac: Mac) -> Self {
        Self {
            macs: vec![(mac.into(), mac.into())],
            ..Self::default()
        }
    }

    /// The addresses from `first` to `last`, which are of one family and in order.
    pub(super) fn range(first: IpAddr, last: IpAddr) -> Option<Self> {
        match (first, last) {
            (IpAddr::V4(a), IpAddr::V4(b)) if a <= b => Some(Self {
                v4: vec![(u32::from(a).into(), u32::from(b).into())],
                ..Self::default()
            }),
            (IpAddr::V6(a), IpAddr::V6(b)) if a <= b => Some(Self {
                v6: vec![(a.into(), b.into())],
                ..Self::default()
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
        is_in(ranges, key)
    }

    /// Whether a MAC address is in the set.
    pub(super) fn contains_mac(&self, mac: Mac) -> bool {
        is_in(&self.macs, mac.into())
    }

    /// Whether hosts are in it by their MAC addresses.
    pub(super) fn has_macs(&self) -> bool {
        !self.macs.is_empty()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.families().iter().all(|ranges| ranges.is_empty())
    }

    /// Whether the two have an address in common.
    pub(super) fn meets(&self, other: &HostSet) -> bool {
        let mut rest = self.clone();
        rest.remove(other);
        rest != *self
    }

    fn families(&self) -> [&Ranges; 3] {
        [&self.v4, &self.v6, &self.macs]
    }

    fn families_mut(&mut self) -> [&mut Ranges; 3] {
        [&mut self.v4, &mut self.v6, &mut self.macs]
    }

    /// The IP addresses one by one, if there are at most `limit` and nothing else is in the set.
    pub(super) fn addresses(&self, limit: usize) -> Option<Vec<IpAddr>> {
        if self.has_macs() {
            return None;
        }
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
        for (mine, theirs) in self.families_mut().into_iter().zip(other.families()) {
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
        for (mine, theirs) in self.families_mut().into_iter().zip(other.families()) {
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

fn is_in(ranges: &Ranges, key: u128) -> bool {
    let after = ranges.partition_point(|(first, _)| *first <= key);
    after
        .checked_sub(1)
        .and_then(|n| ranges.get(n))
        .is_some_and(|(_, last)| key <= *last)
}

fn address(is_v4: bool, key: u128) -> IpAddr {
    match u32::try_from(key) {
        Ok(key) if is_v4 => IpAddr::V4(Ipv4Addr::from(key)),
        _ => IpAddr::V6(Ipv6Addr::from(key)),
    }
}
