//! The hosts that rules name, as a reader knows them: to tell which of them never appear.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::net::IpAddr;

use foldhash::fast::FixedState;

use crate::label::host_set::HostSet;
use crate::label::model::Rule;
use crate::label::verdict::End;

/// Sets with more addresses are tested one by one.
const FEW: usize = 16;

/// All hosts that rules name.
#[derive(Debug, Clone, Default)]
pub(super) struct Mentions {
    list: Vec<(String, HostSet)>,
    exact: HashMap<IpAddr, Vec<usize>, FixedState>,
    other: Vec<usize>,
}

impl Mentions {
    pub(super) fn new(rules: &[Rule]) -> Self {
        let mut mentions = Self::default();
        let mut known: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
        for rule in rules {
            for (text, set) in rule.attackers.parts.iter().chain(&rule.victims.parts) {
                let numbers = known.entry(text).or_default();
                let same = |n: &usize| mentions.list.get(*n).is_some_and(|(_, other)| other == set);
                if numbers.iter().any(same) {
                    continue;
                }
                let number = mentions.list.len();
                numbers.push(number);
                match set.addresses(FEW) {
                    Some(addresses) => {
                        for address in addresses {
                            mentions.exact.entry(address).or_default().push(number);
                        }
                    }
                    None => mentions.other.push(number),
                }
                mentions.list.push((text.clone(), set.clone()));
            }
        }
        mentions
    }

    /// Adds the numbers of those that one of two hosts belongs to.
    pub(super) fn mark(&self, hosts: [&End; 2], seen: &mut BTreeSet<usize>) {
        for host in hosts {
            if let Some(numbers) = self.exact.get(&host.ip.to_canonical()) {
                seen.extend(numbers);
            }
        }
        for number in &self.other {
            if let Some((_, set)) = self.list.get(*number)
                && !seen.contains(number)
                && hosts.iter().any(|host| host.is_in(set))
            {
                seen.insert(*number);
            }
        }
    }

    /// The addresses of one of them.
    pub(super) fn get(&self, number: usize) -> Option<&HostSet> {
        self.list.get(number).map(|(_, set)| set)
    }

    /// Another address of the same named host, which is among the seen.
    pub(super) fn seen_beside<'a>(
        &'a self,
        number: usize,
        seen: &BTreeSet<usize>,
    ) -> Option<&'a str> {
        let (name, _) = self.list.get(number)?.0.split_once(" (")?;
        seen.iter()
            .filter_map(|other| self.list.get(*other)?.0.split_once(" ("))
            .find(|(other, _)| *other == name)
            .map(|(_, address)| address.trim_end_matches(')'))
    }

    /// Those that are not among the seen, with their numbers.
    pub(super) fn unseen<'a>(
        &'a self,
        seen: &'a BTreeSet<usize>,
    ) -> impl Iterator<Item = (usize, &'a str)> {
        let all = self.list.iter().enumerate();
        all.filter(|(n, _)| !seen.contains(n))
            .map(|(n, (text, _))| (n, text.as_str()))
    }
}
