//! What lies around a packet: VLAN tags and tunnels, small enough to be a part of each flow's key.

/// A stack of VLAN identifiers, outermost first: up to five exactly, of more the first five and
/// their number.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Vlans(u64);

impl Vlans {
    const BITS: u32 = 12;
    const MOST: u32 = 5;

    /// Adds an inner tag.
    pub fn push(&mut self, id: u16) {
        let depth = self.depth();
        if depth < Self::MOST {
            self.0 |= u64::from(id & 0xfff) << (depth * Self::BITS);
        }
        if depth < 15 {
            self.0 += 1 << 60;
        }
    }

    /// Number of tags, at most 15.
    pub fn depth(self) -> u32 {
        u32::try_from(self.0 >> 60).unwrap_or(0)
    }

    /// The identifiers, outermost first.
    pub fn ids(self) -> impl Iterator<Item = u16> {
        (0..self.depth().min(Self::MOST))
            .map(move |i| u16::try_from((self.0 >> (i * Self::BITS)) & 0xfff).unwrap_or(0))
    }

    /// Only the outermost tag.
    #[must_use]
    pub fn outermost(self) -> Self {
        let mut one = Self::default();
        if let Some(id) = self.ids().next() {
            one.push(id);
        }
        one
    }

    /// As one number, for keys and hashes.
    pub fn bits(self) -> u64 {
        self.0
    }
}

/// An encapsulation, with its identifier where both directions share one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Tunnel(u32);

impl Tunnel {
    /// IPv4 in IPv4 (RFC 2003).
    pub const IPIP: Self = Self::new(1, 0);
    /// IPv6 in IPv4 (RFC 4213).
    pub const IP6_IN_IP4: Self = Self::new(2, 0);
    /// IPv4 in IPv6 (RFC 2473).
    pub const IP4_IN_IP6: Self = Self::new(3, 0);
    /// IPv6 in IPv6 (RFC 2473).
    pub const IP6_IN_IP6: Self = Self::new(4, 0);
    /// GRE.
    pub const GRE: Self = Self::new(5, 0);
    /// MPLS, whatever the number of labels.
    pub const MPLS: Self = Self::new(6, 0);
    /// GTP-U.
    pub const GTPU: Self = Self::new(7, 0);

    /// Kind in the upper byte, identifier below.
    const fn new(kind: u32, id: u32) -> Self {
        Self(kind << 24 | id & 0x00ff_ffff)
    }

    /// VXLAN with its network identifier.
    pub fn vxlan(vni: u32) -> Self {
        Self::new(8, vni)
    }

    /// Geneve with its network identifier.
    pub fn geneve(vni: u32) -> Self {
        Self::new(9, vni)
    }

    /// A PPPoE session.
    pub fn pppoe(session: u16) -> Self {
        Self::new(10, session.into())
    }
}

impl std::fmt::Display for Tunnel {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let id = self.0 & 0x00ff_ffff;
        match self.0 >> 24 {
            1 => f.write_str("ipip"),
            2 => f.write_str("6in4"),
            3 => f.write_str("4in6"),
            4 => f.write_str("6in6"),
            5 => f.write_str("gre"),
            6 => f.write_str("mpls"),
            7 => f.write_str("gtpu"),
            8 => write!(f, "vxlan({id})"),
            9 => write!(f, "geneve({id})"),
            10 => write!(f, "pppoe({id})"),
            other => write!(f, "{other}({id})"),
        }
    }
}

/// A path of tunnels, outermost first: the first four, and how many there are.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Tunnels {
    path: [Tunnel; 4],
    depth: u8,
}

impl Tunnels {
    /// Adds an inner tunnel.
    pub fn push(&mut self, tunnel: Tunnel) {
        if let Some(slot) = self.path.get_mut(usize::from(self.depth)) {
            *slot = tunnel;
        }
        self.depth = self.depth.saturating_add(1);
    }

    /// There is none.
    pub fn is_empty(&self) -> bool {
        self.depth == 0
    }

    /// The tunnels, outermost first, with slashes; `...` stands for those after the fourth.
    pub fn text(&self) -> String {
        let kept = self.path.iter().take(usize::from(self.depth));
        let mut names: Vec<String> = kept.map(Tunnel::to_string).collect();
        if usize::from(self.depth) > self.path.len() {
            names.push("...".to_owned());
        }
        names.join("/")
    }
}

#[cfg(test)]
mod tests {
    use super::{Tunnel, Tunnels, Vlans};

    #[test]
    fn tunnels_keep_order_and_depth() {
        let mut tunnels = Tunnels::default();
        assert!(tunnels.is_empty());
        tunnels.push(Tunnel::vxlan(0x00ab_cdef));
        tunnels.push(Tunnel::IPIP);
        assert_eq!(tunnels.text(), "vxlan(11259375)/ipip");
        for _ in 0..300 {
            tunnels.push(Tunnel::GRE);
        }
        assert_eq!(tunnels.text(), "vxlan(11259375)/ipip/gre/gre/...");
    }

    #[test]
    fn vlans_keep_order_and_depth() {
        let mut vlans = Vlans::default();
        for id in [100, 42, 4095] {
            vlans.push(id);
        }
        assert_eq!(vlans.ids().collect::<Vec<_>>(), [100, 42, 4095]);
        for _ in 0..40 {
            vlans.push(1);
        }
        assert_eq!(vlans.depth(), 15);
        assert_eq!(vlans.ids().count(), 5);
    }
}
