//! Community ID version 1 (<https://github.com/corelight/community-id-spec>).

use std::net::IpAddr;

use base64::Engine as _;
use sha1::{Digest, Sha1};

use super::key::{Ends, FlowPacket, Sent};

/// The Community ID of a packet's flow, with seed 0.
pub(super) fn community_id(packet: &FlowPacket) -> String {
    let Sent {
        protocol,
        ports: sent_ports,
        one_way,
        ..
    } = packet.sent;
    let (src, dst) = packet.ends();
    let ends = Ends {
        src: &src,
        dst: &dst,
        ports: sent_ports.unwrap_or_default(),
        one_way,
    };
    let (addresses, ports, _) = ends.in_order();
    let mut hash = Sha1::new();
    hash.update([0, 0]);
    for address in addresses {
        match address {
            IpAddr::V4(address) => hash.update(address.octets()),
            IpAddr::V6(address) => hash.update(address.octets()),
        }
    }
    hash.update([protocol, 0]);
    // ICMP, TCP, UDP, ICMPv6, SCTP.
    if sent_ports.is_some() && matches!(protocol, 1 | 6 | 17 | 58 | 132) {
        for port in ports {
            hash.update(port.to_be_bytes());
        }
    }
    let mut text = String::with_capacity(30);
    text.push_str("1:");
    base64::engine::general_purpose::STANDARD.encode_string(hash.finalize(), &mut text);
    text
}

#[cfg(test)]
mod tests {
    use super::community_id;
    use crate::flow::{FlowPacket, PacketPlace};
    use crate::packet::{Facts, Icmp, Ip};
    use netcap_proto::Symbols;

    fn id(
        protocol: u8,
        src: &str,
        dst: &str,
        ports: Option<(u16, u16)>,
        icmp: Option<(u8, u8)>,
    ) -> String {
        let mut symbols = Symbols::default();
        let (src, dst) = (src.parse().unwrap(), dst.parse().unwrap());
        let ip = Ip {
            src,
            dst,
            src_symbol: symbols.ip(src),
            dst_symbol: symbols.ip(dst),
            protocol,
            ttl: 64,
            packet_bytes: 40,
            payload_bytes: 20,
            fragment: None,
        };
        let icmp = icmp.map(|(kind, code)| Icmp {
            kind,
            code,
            identifier: None,
        });
        let mut facts = Facts::default();
        facts.enter_ip(ip);
        (facts.ports, facts.icmp) = (ports, icmp);
        let place = PacketPlace {
            capture: 0,
            packet: 1,
        };
        community_id(&FlowPacket::new(&facts, 0, place, 0, 60).unwrap())
    }

    /// The vectors of the specification's baseline files.
    #[test]
    fn community_id_matches_the_specification() {
        let tcp = "1:LQU9qZlK+B5F3KDmev6m5PMibrg=";
        assert_eq!(
            id(
                6,
                "128.232.110.120",
                "66.35.250.204",
                Some((34855, 80)),
                None
            ),
            tcp
        );
        assert_eq!(
            id(
                6,
                "66.35.250.204",
                "128.232.110.120",
                Some((80, 34855)),
                None
            ),
            tcp
        );
        assert_eq!(
            id(17, "192.168.1.52", "8.8.8.8", Some((54585, 53)), None),
            "1:d/FP5EW3wiY1vCndhwleRRKHowQ="
        );
        assert_eq!(
            id(132, "192.168.170.8", "192.168.170.56", Some((7, 80)), None),
            "1:jQgCxbku+pNGw8WPbEc/TS/uTpQ="
        );
        let ping = "1:X0snYXpgwiv9TZtqg64sgzUn6Dk=";
        assert_eq!(
            id(1, "192.168.0.89", "192.168.0.1", None, Some((8, 0))),
            ping
        );
        assert_eq!(
            id(1, "192.168.0.1", "192.168.0.89", None, Some((0, 0))),
            ping
        );
        assert_eq!(
            id(
                58,
                "fe80::200:86ff:fe05:80da",
                "fe80::260:97ff:fe07:69ea",
                None,
                Some((135, 0))
            ),
            "1:dGHyGvjMfljg6Bppwm3bg0LO8TY="
        );
    }
}
