//! Finds the few rules that may apply to a flow among many.
//!
//! Each rule is filed under the single addresses of its smaller side (attackers or victims), in a
//! tree of its windows; rules whose sides are both networks go to one common tree, and rules that
//! name flows by id are filed under their ids. With n rules
//! filed under a host and k windows that meet the flow a look-up costs O(log n + k), whatever the
//! number of rules of other hosts. What is found still has to be tested.

use std::collections::HashMap;
use std::net::IpAddr;

use foldhash::fast::FixedState;

use crate::label::host_set::HostSet;
use crate::label::verdict::FlowFacts;

/// A side with more addresses is not filed one by one.
const FEW: usize = 16;

/// Something with hosts and a window, by its number.
#[derive(Debug, Clone)]
pub(super) struct Item<'a> {
    pub(super) number: usize,
    pub(super) sides: [&'a HostSet; 2],
    /// What flows are known by, if it is about certain flows.
    pub(super) ids: Option<&'a [Vec<String>; 2]>,
    /// First and last nanosecond in which it may apply.
    pub(super) window: (i64, i64),
}

/// The index.
#[derive(Debug, Clone, Default)]
pub(super) struct Index {
    by_host: HashMap<IpAddr, Windows, FixedState>,
    by_id: HashMap<String, Windows, FixedState>,
    other: Windows,
}

impl Index {
    pub(super) fn new<'a>(items: impl IntoIterator<Item = Item<'a>>) -> Self {
        let mut index = Self::default();
        for item in items {
            let window = Window {
                start: item.window.0,
                end: item.window.1,
                latest: i64::MIN,
                number: item.number,
            };
            if let Some(ids) = item.ids {
                for id in ids.iter().flatten() {
                    index.by_id.entry(id.clone()).or_default().0.push(window);
                }
                continue;
            }
            let few = item
                .sides
                .iter()
                .filter_map(|side| side.addresses(FEW))
                .min_by_key(Vec::len);
            match few {
                Some(addresses) => {
                    for address in addresses {
                        index.by_host.entry(address).or_default().0.push(window);
                    }
                }
                None => index.other.0.push(window),
            }
        }
        index.by_host.values_mut().for_each(Windows::build);
        index.by_id.values_mut().for_each(Windows::build);
        index.other.build();
        index
    }

    /// The numbers that may apply to a flow if it lasted from `start` to `end`, in ascending order.
    pub(super) fn candidates(&self, facts: &FlowFacts<'_>, start: i64, end: i64) -> Vec<usize> {
        let mut found = Vec::new();
        self.other.find(start, end, &mut found);
        for host in [facts.src.ip, facts.dst.ip] {
            if let Some(windows) = self.by_host.get(&host.to_canonical()) {
                windows.find(start, end, &mut found);
            }
        }
        for id in facts.ids.into_iter().flatten() {
            if let Some(windows) = self.by_id.get(id) {
                windows.find(start, end, &mut found);
            }
        }
        found.sort_unstable();
        found.dedup();
        found
    }
}

/// Windows as a balanced tree that lies in a sorted list: the root is the middle element.
#[derive(Debug, Clone, Default)]
struct Windows(Vec<Window>);

#[derive(Debug, Clone, Copy)]
struct Window {
    start: i64,
    end: i64,
    /// The latest end in the subtree.
    latest: i64,
    number: usize,
}

impl Windows {
    fn build(&mut self) {
        fn latest(windows: &mut [Window]) -> i64 {
            let (left, rest) = windows.split_at_mut(windows.len() / 2);
            let Some((middle, right)) = rest.split_first_mut() else {
                return i64::MIN;
            };
            middle.latest = middle.end.max(latest(left)).max(latest(right));
            middle.latest
        }
        self.0
            .sort_unstable_by_key(|window| (window.start, window.number));
        latest(&mut self.0);
    }

    fn find(&self, start: i64, end: i64, found: &mut Vec<usize>) {
        fn visit(windows: &[Window], start: i64, end: i64, found: &mut Vec<usize>) {
            let (left, rest) = windows.split_at(windows.len() / 2);
            let Some((middle, right)) = rest.split_first() else {
                return;
            };
            if middle.latest < start {
                return;
            }
            visit(left, start, end, found);
            if middle.start <= end {
                if middle.end >= start {
                    found.push(middle.number);
                }
                visit(right, start, end, found);
            }
        }
        visit(&self.0, start, end, found);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_that_meet_are_found() {
        let mut windows = Windows::default();
        let mut seed = 7_u64;
        let mut next = |below: u64| {
            seed = seed
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            i64::try_from((seed >> 33) % below).unwrap()
        };
        for number in 0..200 {
            let start = next(1000);
            windows.0.push(Window {
                start,
                end: start + next(100),
                latest: 0,
                number,
            });
        }
        windows.build();
        for _ in 0..500 {
            let (start, length) = (next(1100) - 50, next(50));
            let mut found = Vec::new();
            windows.find(start, start + length, &mut found);
            found.sort_unstable();
            let mut wanted: Vec<usize> = windows
                .0
                .iter()
                .filter(|w| w.start <= start + length && w.end >= start)
                .map(|w| w.number)
                .collect();
            wanted.sort_unstable();
            assert_eq!(found, wanted);
        }
    }
}
