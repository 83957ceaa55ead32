//! Text that repeats, kept once a batch: addresses, names of protocols, reasons.
//!
//! A packet's addresses appear in several tables. They are looked up once, rows carry a
//! [`Symbol`], and each distinct value is formatted once a batch.

use std::fmt::Write as _;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::Arc;

use arrow::array::{ArrayRef, StringArray, StringBuilder};
use foldhash::fast::FixedState;
use hashbrown::HashMap;

/// A text of the batch's [`Symbols`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Symbol(pub(crate) i32);

/// The texts of a batch. Numbers are given in the order of first use, so they depend on nothing
/// but the input; hashes are seeded with a constant for the same reason.
#[derive(Debug)]
pub struct Symbols {
    values: StringBuilder,
    len: i32,
    ipv4: HashMap<u32, Symbol, FixedState>,
    ipv6: HashMap<u128, Symbol, FixedState>,
    mac: HashMap<[u8; 6], Symbol, FixedState>,
    text: HashMap<Box<str>, Symbol, FixedState>,
    scratch: String,
    /// Nobody will read them.
    unread: bool,
}

impl Default for Symbols {
    fn default() -> Self {
        let seed = FixedState::with_seed(0x6e65_7463_6170);
        Self {
            values: StringBuilder::new(),
            len: 0,
            ipv4: HashMap::with_hasher(seed.clone()),
            ipv6: HashMap::with_hasher(seed.clone()),
            mac: HashMap::with_hasher(seed.clone()),
            text: HashMap::with_hasher(seed),
            scratch: String::new(),
            unread: false,
        }
    }
}

impl Symbols {
    /// For rows that nobody reads: all texts are the same, and none is looked up.
    pub fn unread() -> Self {
        Self {
            unread: true,
            ..Self::default()
        }
    }

    /// An IP address.
    #[inline]
    pub fn ip(&mut self, address: IpAddr) -> Symbol {
        match address {
            IpAddr::V4(address) => self.ipv4(address),
            IpAddr::V6(address) => self.ipv6(address),
        }
    }

    /// An IPv4 address.
    #[inline]
    pub fn ipv4(&mut self, address: Ipv4Addr) -> Symbol {
        if self.unread {
            return Symbol(0);
        }
        let key = u32::from(address);
        if let Some(symbol) = self.ipv4.get(&key) {
            return *symbol;
        }
        let symbol = self.add(format_args!("{address}"));
        self.ipv4.insert(key, symbol);
        symbol
    }

    /// An IPv6 address.
    #[inline]
    pub fn ipv6(&mut self, address: Ipv6Addr) -> Symbol {
        if self.unread {
            return Symbol(0);
        }
        let key = u128::from(address);
        if let Some(symbol) = self.ipv6.get(&key) {
            return *symbol;
        }
        let symbol = self.add(format_args!("{address}"));
        self.ipv6.insert(key, symbol);
        symbol
    }

    /// An Ethernet address.
    #[inline]
    pub fn mac(&mut self, address: [u8; 6]) -> Symbol {
        if self.unread {
            return Symbol(0);
        }
        if let Some(symbol) = self.mac.get(&address) {
            return *symbol;
        }
        let [a, b, c, d, e, f] = address;
        let symbol = self.add(format_args!(
            "{a:02x}:{b:02x}:{c:02x}:{d:02x}:{e:02x}:{f:02x}"
        ));
        self.mac.insert(address, symbol);
        symbol
    }

    /// A text.
    #[inline]
    pub fn text(&mut self, text: &str) -> Symbol {
        if self.unread {
            return Symbol(0);
        }
        if let Some(symbol) = self.text.get(text) {
            return *symbol;
        }
        let symbol = self.add(format_args!("{text}"));
        self.text.insert(text.into(), symbol);
        symbol
    }

    fn add(&mut self, text: std::fmt::Arguments<'_>) -> Symbol {
        self.scratch.clear();
        // Writing to a String cannot fail.
        let _ = self.scratch.write_fmt(text);
        self.values.append_value(&self.scratch);
        let symbol = Symbol(self.len);
        self.len += 1;
        symbol
    }

    /// The texts by number. Symbols given before lose their meaning.
    pub fn finish(&mut self) -> ArrayRef {
        self.ipv4.clear();
        self.ipv6.clear();
        self.mac.clear();
        self.text.clear();
        self.len = 0;
        let values: StringArray = self.values.finish();
        Arc::new(values)
    }
}
