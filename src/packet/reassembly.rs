//! The fragments of a stream, in order, and what each does to its datagram: also those that a
//! datagram carries, when it is put together.

use netcap_proto::Symbols;

use super::datagrams::{Datagrams, Verdict};
use super::fragment::FragmentSeen;
use super::interface::Entry;
use super::walk::{Found, Walker};

/// Puts the datagrams of a stream together.
pub struct Reassembly {
    datagrams: Datagrams,
    /// Looks for fragments in datagrams; fills no tables.
    walker: Walker,
    symbols: Symbols,
    complete: u64,
}

impl Reassembly {
    /// For packets that the protocols of that registry decode.
    pub fn new(registry: &[Entry]) -> Self {
        Self {
            datagrams: Datagrams::default(),
            walker: Walker::new(registry, &|_| false),
            symbols: Symbols::default(),
            complete: 0,
        }
    }

    /// Adds the fragments that were seen in a packet of those bytes; gives what is known of their
    /// datagrams now, outermost first.
    pub fn add(
        &mut self,
        mut seen: FragmentSeen,
        ts_ns: i64,
        bytes: &[u8],
        found: &mut Vec<Found>,
    ) {
        let ip = bytes.get(seen.start..).unwrap_or_default();
        let mut verdict = self.datagrams.add(&seen, ts_ns, ip);
        while let Some(known) = verdict.take() {
            let mut inner = None;
            if let Verdict::Complete(whole) = &known {
                self.complete += 1;
                inner = self.walker.fragment_in(&mut self.symbols, &seen, whole);
                // Its texts are nobody's.
                self.symbols.finish();
                self.walker.end_batch();
                if let Some(inner) = &inner {
                    let ip = whole.bytes.get(inner.start - seen.start..);
                    verdict = self.datagrams.add(inner, ts_ns, ip.unwrap_or_default());
                }
            }
            found.push(Found {
                index: seen.index,
                verdict: known,
            });
            seen = inner.unwrap_or(seen);
        }
    }

    /// The stream has ended: datagrams that were put together, and those that never were complete.
    pub fn finish(&mut self) -> (u64, u64) {
        (self.complete, self.datagrams.finish())
    }
}
