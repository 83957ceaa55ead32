//! Ended flows as rows of the table `flow`.

use std::fmt::Write as _;
use std::net::IpAddr;

use netcap_proto::{FlowColumns, FlowRow, Symbols};
use sha2::{Digest, Sha256};

use super::community_id::community_id;
use super::key::{FlowKey, Side};
use super::shard::Flow;

/// Appends the row of an ended flow.
pub fn push_row(flow: &Flow, columns: &mut FlowColumns, symbols: &mut Symbols) {
    let initiator = flow.initiator();
    let (src, dst) = (initiator as usize, initiator.other() as usize);
    let key = &flow.key;
    let (fwd, bwd) = (&flow.sums[src], &flow.sums[dst]);
    // Protocols whose ports are read; all others keep 0 in the key.
    let has_ports = matches!(key.protocol, 6 | 17 | 33 | 132 | 136);
    let port = |side: usize| has_ports.then(|| i32::from(key.ports[side]));
    let vlan = vlan_text(key);
    let uid = flow_uid(key, flow.start_ns);
    let community_id = community_id(key);
    columns.push(&FlowRow {
        flow: flow.id,
        flow_uid: &uid,
        community_id: &community_id,
        capture: flow.first.capture,
        packet: flow.first.packet,
        last_capture: flow.last.capture,
        last_packet: flow.last.packet,
        ts: flow.start_ns.div_euclid(1000),
        ts_ns: flow.start_ns,
        duration_ns: flow.end_ns.saturating_sub(flow.start_ns),
        src_ip: symbols.ip(key.addresses[src]),
        dst_ip: symbols.ip(key.addresses[dst]),
        src_port: port(src),
        dst_port: port(dst),
        protocol: key.protocol.into(),
        vlan: vlan.map(|text| symbols.text(&text)),
        icmp_type: flow.icmp.map(|icmp| icmp.kind.into()),
        icmp_code: flow.icmp.map(|icmp| icmp.code.into()),
        service: flow.service.map(|name| symbols.text(name)),
        packets: fwd.packets + bwd.packets,
        fwd_packets: fwd.packets,
        bwd_packets: bwd.packets,
        wire_bytes: fwd.wire_bytes + bwd.wire_bytes,
        fwd_wire_bytes: fwd.wire_bytes,
        bwd_wire_bytes: bwd.wire_bytes,
        ip_bytes: fwd.ip_bytes + bwd.ip_bytes,
        fwd_ip_bytes: fwd.ip_bytes,
        bwd_ip_bytes: bwd.ip_bytes,
        payload_bytes: fwd.payload_bytes + bwd.payload_bytes,
        fwd_payload_bytes: fwd.payload_bytes,
        bwd_payload_bytes: bwd.payload_bytes,
        fwd_fin_packets: fwd.flags[0],
        bwd_fin_packets: bwd.flags[0],
        fwd_syn_packets: fwd.flags[1],
        bwd_syn_packets: bwd.flags[1],
        fwd_rst_packets: fwd.flags[2],
        bwd_rst_packets: bwd.flags[2],
        fwd_psh_packets: fwd.flags[3],
        bwd_psh_packets: bwd.flags[3],
        fwd_ack_packets: fwd.flags[4],
        bwd_ack_packets: bwd.flags[4],
        fwd_urg_packets: fwd.flags[5],
        bwd_urg_packets: bwd.flags[5],
        fwd_ece_packets: fwd.flags[6],
        bwd_ece_packets: bwd.flags[6],
        fwd_cwr_packets: fwd.flags[7],
        bwd_cwr_packets: bwd.flags[7],
        end_reason: symbols.text(flow.end.name()),
    });
}

fn vlan_text(key: &FlowKey) -> Option<String> {
    let ids: Vec<String> = key.vlans.ids().map(|id| id.to_string()).collect();
    (!ids.is_empty()).then(|| ids.join(","))
}

/// Hash of key and start, which does not depend on which files were read: the first 12 bytes of
/// SHA-256, in hexadecimal.
fn flow_uid(key: &FlowKey, start_ns: i64) -> String {
    let mut hash = Sha256::new();
    for side in [Side::A, Side::B] {
        match key.addresses[side as usize] {
            IpAddr::V4(address) => hash.update(address.to_ipv6_mapped().octets()),
            IpAddr::V6(address) => hash.update(address.octets()),
        }
        hash.update(key.ports[side as usize].to_be_bytes());
    }
    hash.update([
        key.protocol,
        u8::from(key.one_way),
        u8::from(key.addresses[0].is_ipv4()),
    ]);
    hash.update(key.identifier.to_be_bytes());
    hash.update(key.vlans.bits().to_be_bytes());
    hash.update(start_ns.to_be_bytes());
    let mut text = String::with_capacity(24);
    for byte in hash.finalize().iter().take(12) {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
    }
    text
}
