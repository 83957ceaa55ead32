//! Which row of one table is which of another.

use std::collections::HashMap;
use std::net::IpAddr;

use foldhash::fast::FixedState;

/// What flows are matched by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Key {
    /// Address and port of the initiator; 0 for no port.
    pub src: (IpAddr, i64),
    /// Address and port of the responder.
    pub dst: (IpAddr, i64),
    /// IP protocol number, as the table has it.
    pub protocol: i64,
    /// Nanoseconds since 1970, if the table has the start.
    pub start_ns: Option<i64>,
}

impl Key {
    /// The same for both directions.
    fn undirected(&self) -> ((IpAddr, i64), (IpAddr, i64), i64) {
        (
            self.src.min(self.dst),
            self.src.max(self.dst),
            self.protocol,
        )
    }
}

/// A row of each table that are the same flow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Pair {
    pub(super) first: usize,
    pub(super) second: usize,
    /// The initiator of one is the responder of the other.
    pub(super) reversed: bool,
}

/// All of them.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub(super) pairs: Vec<Pair>,
    pub(super) only_first: Vec<usize>,
    pub(super) only_second: Vec<usize>,
    /// Starts were compared.
    pub(super) by_time: bool,
}

/// Matches rows. Of flows with the same ends, those whose starts are nearest are the same, if they are at most `tolerance_ns`
/// apart; without starts, the nth of one is the nth of the other.
pub(super) fn find(first: &[Key], second: &[Key], tolerance_ns: i64) -> Found {
    let mut found = Found {
        by_time: first.iter().chain(second).all(|key| key.start_ns.is_some()),
        ..Found::default()
    };
    let mut by_ends: HashMap<_, Vec<usize>, FixedState> = HashMap::default();
    for (row, key) in second.iter().enumerate() {
        by_ends.entry(key.undirected()).or_default().push(row);
    }
    let mut mine: HashMap<_, Vec<usize>, FixedState> = HashMap::default();
    for (row, key) in first.iter().enumerate() {
        mine.entry(key.undirected()).or_default().push(row);
    }
    let mut taken = vec![false; second.len()];
    let start = |keys: &[Key], row: &usize| keys.get(*row).and_then(|key| key.start_ns);
    // In the order of the first table.
    let mut partner: Vec<Option<usize>> = vec![None; first.len()];
    for key in first {
        let Some(rows) = mine.remove(&key.undirected()) else {
            continue;
        };
        let Some(others) = by_ends.get(&key.undirected()) else {
            continue;
        };
        let couples = if found.by_time {
            let mine: Vec<i64> = rows.iter().filter_map(|r| start(first, r)).collect();
            let theirs: Vec<i64> = others.iter().filter_map(|r| start(second, r)).collect();
            nearest(&mine, &theirs, tolerance_ns)
        } else {
            let both = rows.len().min(others.len());
            (0..both).map(|i| (i, i)).collect()
        };
        for (i, j) in couples {
            if let (Some(a), Some(b)) = (rows.get(i), others.get(j))
                && let (Some(partner), Some(taken)) = (partner.get_mut(*a), taken.get_mut(*b))
            {
                *partner = Some(*b);
                *taken = true;
            }
        }
    }
    for (row, partner) in partner.into_iter().enumerate() {
        match partner {
            None => found.only_first.push(row),
            Some(other) => {
                let src = |keys: &[Key], row: usize| keys.get(row).map(|key| key.src);
                found.pairs.push(Pair {
                    first: row,
                    second: other,
                    reversed: src(first, row) != src(second, other),
                });
            }
        }
    }
    let left = taken.iter().enumerate().filter(|(_, taken)| !**taken);
    found.only_second = left.map(|(row, _)| row).collect();
    found
}

/// Pairs of times that are nearest to each other and at most `tolerance` apart, the nearest first; each is in one pair.
fn nearest(mine: &[i64], theirs: &[i64], tolerance: i64) -> Vec<(usize, usize)> {
    let sorted = |times: &[i64]| {
        let mut order: Vec<(i64, usize)> = times.iter().copied().zip(0..).collect();
        order.sort_unstable();
        order
    };
    let (mine, theirs) = (sorted(mine), sorted(theirs));
    let mut candidates = Vec::new();
    let mut from = 0;
    for (time, i) in &mine {
        while theirs
            .get(from)
            .is_some_and(|(other, _)| other.saturating_add(tolerance) < *time)
        {
            from += 1;
        }
        // A flow has few others near to it; one that has many is matched with the next of them.
        const NEAR: usize = 64;
        let near = theirs.iter().skip(from).take(NEAR);
        for (other, j) in near.take_while(|(other, _)| *other <= time.saturating_add(tolerance)) {
            candidates.push((other.abs_diff(*time), *i, *j));
        }
    }
    candidates.sort_unstable();
    let (mut used_mine, mut used_theirs) = (vec![false; mine.len()], vec![false; theirs.len()]);
    let mut pairs = Vec::new();
    for (_, i, j) in candidates {
        if let (Some(a), Some(b)) = (used_mine.get_mut(i), used_theirs.get_mut(j))
            && !*a
            && !*b
        {
            (*a, *b) = (true, true);
            pairs.push((i, j));
        }
    }
    pairs
}

#[cfg(test)]
mod tests {
    use super::{Key, find, nearest};

    fn key(src: u16, dst: u16, start_ns: Option<i64>) -> Key {
        let ip = |n: u8| std::net::IpAddr::from([10, 0, 0, n]);
        Key {
            src: (ip(1), src.into()),
            dst: (ip(2), dst.into()),
            protocol: 6,
            start_ns,
        }
    }

    fn back(key: Key) -> Key {
        Key {
            src: key.dst,
            dst: key.src,
            ..key
        }
    }

    #[test]
    fn nearest_starts_are_the_same_flow() {
        assert_eq!(nearest(&[0, 10], &[9, 100], 5), [(1, 0)]);
        assert_eq!(nearest(&[0, 3], &[2, 5], 4), [(1, 0)]);
        assert_eq!(nearest(&[0, 3], &[2, 5], 5), [(1, 0), (0, 1)]);
        assert_eq!(nearest(&[0, 10], &[11, 1], 5), [(0, 1), (1, 0)]);
    }

    #[test]
    fn flows_are_found_in_either_direction() {
        let ours = [
            key(1, 80, Some(0)),
            key(2, 80, Some(5)),
            key(3, 80, Some(9)),
        ];
        let theirs = [
            back(key(2, 80, Some(6))),
            key(1, 80, Some(0)),
            key(3, 80, Some(99)),
        ];
        let found = find(&ours, &theirs, 1);
        let pairs: Vec<_> = found
            .pairs
            .iter()
            .map(|p| (p.first, p.second, p.reversed))
            .collect();
        assert_eq!(pairs, [(0, 1, false), (1, 0, true)]);
        assert_eq!((found.only_first, found.only_second), (vec![2], vec![2]));
        assert!(found.by_time);
    }

    #[test]
    fn without_starts_the_nth_is_the_nth() {
        let ours = [key(1, 80, None), key(1, 80, None)];
        let found = find(&ours, &ours[..1], 0);
        assert_eq!((found.pairs.len(), found.only_first.len()), (1, 1));
        assert!(!found.by_time);
    }
}
