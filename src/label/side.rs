//! A side of a rule: which ends of flows are its hosts, by address, and where a host goes by another
//! address (behind a NAT), by capture and port, too.
//!
//! How hosts are written is in [`crate::label::hosts`], what their names stand for in [`crate::label::names`].

use crate::label::captures::Captures;
use crate::label::host_set::HostSet;
use crate::label::verdict::End;

/// Hosts as they are seen in flows.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Hosts {
    /// Whoever has one of these addresses is one of them.
    set: HostSet,
    /// Addresses that stand for them under conditions.
    seen: Vec<Seen>,
    /// All addresses, whatever the conditions.
    all: HostSet,
    /// The parts by which a reader knows them, `kali (10.9.0.7)`, each with its addresses.
    pub(super) parts: Vec<(String, HostSet)>,
}

/// Addresses under conditions.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Seen {
    /// What a reader knows it by; nothing if it is no other name for a host.
    pub(super) alias: Option<String>,
    pub(super) set: HostSet,
    /// Only in these captures.
    pub(super) captures: Option<Captures>,
    pub(super) port: Option<Mapped>,
    /// Not where one of these is seen.
    pub(super) except: Vec<Seen>,
}

/// A port of an address that stands for a port of the host.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Mapped {
    pub(super) seen: u16,
    /// `None`: whatever the protocol.
    pub(super) protocol: Option<u8>,
    pub(super) own: u16,
}

/// An end of a flow that is one of the hosts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Found<'a> {
    /// Its port, as the host itself has it.
    pub(super) port: Option<u16>,
    /// The name under which it was seen, if that is another one.
    pub(super) alias: Option<&'a str>,
}

/// Where an end was seen.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place {
    pub(super) capture: Option<usize>,
    pub(super) protocol: u8,
}

impl Hosts {
    /// Every host.
    pub(super) fn any() -> Self {
        Self::of(HostSet::any(), None)
    }

    /// Hosts by their addresses, perhaps with a name for readers.
    pub(super) fn of(set: HostSet, text: Option<&str>) -> Self {
        Self {
            parts: text
                .map(|text| (text.to_owned(), set.clone()))
                .into_iter()
                .collect(),
            all: set.clone(),
            set,
            seen: Vec::new(),
        }
    }

    /// Hosts that are seen under conditions.
    pub(super) fn seen(seen: Seen, text: &str) -> Self {
        Self {
            parts: vec![(text.to_owned(), seen.set.clone())],
            all: seen.set.clone(),
            set: HostSet::default(),
            seen: vec![seen],
        }
    }

    /// All addresses, whatever the conditions.
    pub(super) fn addresses(&self) -> &HostSet {
        &self.all
    }

    /// Whether MAC addresses matter.
    pub(super) fn ask_for_macs(&self) -> bool {
        let mut except = self.seen.iter().flat_map(|seen| &seen.except);
        self.all.has_macs() || except.any(|seen| seen.set.has_macs())
    }

    pub(super) fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// Adds other hosts.
    pub(super) fn add(&mut self, other: Hosts) {
        self.set.add(&other.set);
        self.all.add(&other.all);
        for seen in other.seen {
            if !self.seen.contains(&seen) {
                self.seen.push(seen);
            }
        }
        for part in other.parts {
            if !self.parts.contains(&part) {
                self.parts.push(part);
            }
        }
    }

    /// Takes other hosts away, under whatever conditions they are seen.
    pub(super) fn remove(&mut self, other: &Hosts) {
        // An end has an IP address and a MAC address: whoever is taken away by the one may be in by the other.
        if self.all.has_macs() || other.all.has_macs() {
            let mut except = other.seen.clone();
            except.push(Seen::always(other.set.clone()));
            self.seen.push(Seen::always(std::mem::take(&mut self.set)));
            for seen in &mut self.seen {
                seen.except.extend(except.iter().cloned());
            }
            return;
        }
        self.set.remove(&other.set);
        for seen in &mut self.seen {
            seen.set.remove(&other.set);
        }
        self.seen
            .retain(|seen| !seen.set.is_empty() && !other.seen.contains(seen));
        for seen in &mut self.seen {
            seen.except.extend(meeting(&other.seen, &seen.set));
        }
        let except: Vec<Seen> = meeting(&other.seen, &self.set).collect();
        if !except.is_empty() {
            self.seen.push(Seen {
                except,
                ..Seen::always(std::mem::take(&mut self.set))
            });
        }
        self.all = self.set.clone();
        for seen in &self.seen {
            self.all.add(&seen.set);
        }
    }

    /// Whether an end is one of the hosts, and how.
    #[inline]
    pub(super) fn find(&self, end: &End, place: Place) -> Option<Found<'_>> {
        if end.is_in(&self.set) {
            return Some(Found {
                port: end.port,
                alias: None,
            });
        }
        self.seen.iter().find_map(|seen| seen.find(end, place))
    }

    /// Limits all of them to captures: looks which of an output those are.
    pub(super) fn find_captures(&mut self, names: &[String]) {
        self.seen
            .iter_mut()
            .for_each(|seen| seen.find_captures(names));
    }
}

/// Those that have an address in common with a set.
fn meeting<'a>(seen: &'a [Seen], set: &'a HostSet) -> impl Iterator<Item = Seen> + 'a {
    seen.iter().filter(|seen| seen.set.meets(set)).cloned()
}

impl Seen {
    /// Without conditions.
    pub(super) fn always(set: HostSet) -> Self {
        Self {
            alias: None,
            set,
            captures: None,
            port: None,
            except: Vec::new(),
        }
    }

    fn find(&self, end: &End, place: Place) -> Option<Found<'_>> {
        let here = |captures: &Captures| captures.contains(place.capture);
        if !end.is_in(&self.set)
            || !self.captures.as_ref().is_none_or(here)
            || self
                .except
                .iter()
                .any(|other| other.find(end, place).is_some())
        {
            return None;
        }
        let port = match self.port {
            Some(mapped) => {
                let fits = end.port == Some(mapped.seen)
                    && mapped.protocol.is_none_or(|p| p == place.protocol);
                Some(fits.then_some(mapped.own)?)
            }
            None => end.port,
        };
        Some(Found {
            port,
            alias: self.alias.as_deref(),
        })
    }

    fn find_captures(&mut self, names: &[String]) {
        if let Some(captures) = &mut self.captures {
            captures.find(names);
        }
        self.except
            .iter_mut()
            .for_each(|seen| seen.find_captures(names));
    }
}
