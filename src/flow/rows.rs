//! Ended flows as rows of their table, and their first packets as rows of `flow_packets`.

use std::net::IpAddr;

use netcap_proto::{FlowColumns, FlowPacketColumns, FlowPacketRow, FlowRow, Symbols};
use sha2::{Digest, Sha256};

use super::community_id::community_id;
use super::details::Details;
use super::key::{FlowKey, Side};
use super::lifecycle::{Evidence, Flow, Rules};
use super::policy::{Close, Policy};
use super::published::NOT_PUBLISHED;
use super::tcp::NO_SIDE;
use crate::packet::{Vlans, has_ports};

/// The columns that ended flows become: a table of flows, and the first packets of them if they
/// are wanted.
#[derive(Debug, Default)]
pub struct FlowRows {
    /// The flows.
    pub flows: FlowColumns,
    /// Their first packets.
    pub packets: FlowPacketColumns,
}

impl FlowRows {
    /// Appends the row of a flow that ended under `policy`, and those of its first `early` packets.
    pub fn push(&mut self, flow: &Flow, policy: Policy, early: usize, symbols: &mut Symbols) {
        flow.with_details(&Rules { policy, early }, |details| {
            self.push_with(flow, details, policy, symbols);
        });
    }

    fn push_with(&mut self, flow: &Flow, details: &Details, policy: Policy, symbols: &mut Symbols) {
        let (initiator, evidence) = flow.initiator(&policy);
        let counts_repeats = policy.close == Close::Engelen;
        push_flow(
            flow,
            details,
            (initiator, evidence),
            counts_repeats,
            &mut self.flows,
            symbols,
        );
        for (position, early) in (0..).zip(&details.early) {
            let packet = &early.packet;
            self.packets.push(&FlowPacketRow {
                flow: flow.id,
                position,
                capture: packet.place.capture,
                packet: packet.place.packet,
                forward: packet.from == initiator,
                offset_ns: packet.ts_ns.saturating_sub(flow.first_packet.ts_ns),
                iat_ns: early.gap.map(int),
                wire_bytes: packet.wire_bytes.into(),
                ip_bytes: packet.ip_bytes.into(),
                transport_bytes: packet.transport_bytes.into(),
                payload_bytes: packet.payload_bytes.into(),
                tcp_flags: packet.tcp.map(|tcp| tcp.flags.into()),
            });
        }
    }
}

fn int(n: u64) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}

fn push_flow(
    flow: &Flow,
    details: &Details,
    (initiator, evidence): (Side, Evidence),
    counts_repeats: bool,
    columns: &mut FlowColumns,
    symbols: &mut Symbols,
) {
    let (src, dst) = (initiator as usize, initiator.other() as usize);
    let key = &flow.first_packet.key;
    let (fwd, bwd) = (&details.sides[src], &details.sides[dst]);
    let sent = &flow.first_packet.sent;
    // Not of a header that is cut before them.
    let has_ports = has_ports(key.protocol) && sent.ports.is_some();
    let port = |side: usize| has_ports.then(|| i32::from(key.ports[side]));
    let vlan = vlan_text(sent.vlans);
    let uid = flow_uid(key, flow.start_ns);
    let community_id = community_id(&flow.first_packet);
    let [wire, ip, transport, payload] = [
        fwd.wire.and(&bwd.wire),
        fwd.ip.and(&bwd.ip),
        fwd.transport.and(&bwd.transport),
        fwd.payload.and(&bwd.payload),
    ];
    let tcp = |own: usize, other: usize| match &details.tcp {
        Some(sides) if details.sides[own].packets() > 0 => {
            sides[own].row(&sides[other], counts_repeats)
        }
        _ => NO_SIDE,
    };
    let state = match key.protocol {
        6 => Some(details.handshake.state(initiator)),
        17 => Some(match (fwd.packets() > 0, bwd.packets() > 0) {
            (true, true) => "SF",
            (true, false) => "S0",
            _ => "SHR",
        }),
        _ => None,
    };
    let turned = initiator != flow.first_packet.from;
    let history = state.map(|_| details.history.text(initiator, turned));
    let (syn_ack, ack) = match key.protocol {
        6 => details.handshake.times(initiator),
        _ => (None, None),
    };
    let active = details.activity.active();
    let duration = |from: i64| flow.end_ns.saturating_sub(from);
    columns.push(&FlowRow {
        flow: flow.id,
        flow_uid: &uid,
        community_id: &community_id,
        capture: flow.first_packet.place.capture,
        packet: flow.first_packet.place.packet,
        last_capture: flow.last.capture,
        last_packet: flow.last.packet,
        ts: flow.start_ns.div_euclid(1000),
        ts_ns: flow.start_ns,
        duration_ns: duration(flow.start_ns),
        src_ip: symbols.ip(key.addresses[src]),
        dst_ip: symbols.ip(key.addresses[dst]),
        src_port: port(src),
        dst_port: port(dst),
        protocol: key.protocol.into(),
        vlan: vlan.map(|text| symbols.text(&text)),
        icmp_type: details.icmp.map(|icmp| icmp.kind.into()),
        icmp_code: details.icmp.map(|icmp| icmp.code.into()),
        service: details.service.map(|name| symbols.text(name)),
        packets: fwd.packets() + bwd.packets(),
        fwd_packets: fwd.packets(),
        bwd_packets: bwd.packets(),
        wire_bytes: wire.sum(),
        fwd_wire_bytes: fwd.wire.sum(),
        bwd_wire_bytes: bwd.wire.sum(),
        ip_bytes: ip.sum(),
        fwd_ip_bytes: fwd.ip.sum(),
        bwd_ip_bytes: bwd.ip.sum(),
        payload_bytes: payload.sum(),
        fwd_payload_bytes: fwd.payload.sum(),
        bwd_payload_bytes: bwd.payload.sum(),
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
        tunnel: (!sent.tunnels.is_empty()).then(|| symbols.text(&sent.tunnels.text())),
        direction_evidence: symbols.text(evidence.name()),
        connection: flow.connection.id,
        connection_part: flow.connection.part,
        connection_duration_ns: duration(flow.connection.start_ns),
        connection_state: state.map(|name| symbols.text(name)),
        history: history.map(|text| symbols.text(&text)),
        src_mac: fwd.macs.map(|[sender, _]| symbols.mac(sender)),
        dst_mac: fwd.macs.map(|[_, receiver]| symbols.mac(receiver)),
        fwd_start_ns: fwd.start(flow.start_ns),
        bwd_start_ns: bwd.start(flow.start_ns),
        fwd_duration_ns: fwd.duration(),
        bwd_duration_ns: bwd.duration(),
        transport_bytes: transport.sum(),
        fwd_transport_bytes: fwd.transport.sum(),
        bwd_transport_bytes: bwd.transport.sum(),
        fwd_header_bytes: fwd.header_bytes,
        bwd_header_bytes: bwd.header_bytes,
        fwd_header_min_bytes: fwd.header_min(),
        bwd_header_min_bytes: bwd.header_min(),
        data_packets: fwd.data_packets + bwd.data_packets,
        fwd_data_packets: fwd.data_packets,
        bwd_data_packets: bwd.data_packets,
        disordered_packets: details.disordered_packets,
        fragment_packets: fwd.fragment_packets + bwd.fragment_packets,
        subflows: 1 + int(details.activity.subflow_gaps),
        active_periods: int(active.count),
        idle_periods: int(details.activity.idle.count),
        wire: wire.sizes(),
        fwd_wire: fwd.wire.sizes(),
        bwd_wire: bwd.wire.sizes(),
        ip: ip.sizes(),
        fwd_ip: fwd.ip.sizes(),
        bwd_ip: bwd.ip.sizes(),
        transport: transport.sizes(),
        fwd_transport: fwd.transport.sizes(),
        bwd_transport: bwd.transport.sizes(),
        payload: payload.sizes(),
        fwd_payload: fwd.payload.sizes(),
        bwd_payload: bwd.payload.sizes(),
        iat: details.gaps.gaps.times(),
        fwd_iat: fwd.gaps.gaps.times(),
        bwd_iat: bwd.gaps.gaps.times(),
        active: active.times(),
        closed_active: details.activity.closed().times(),
        idle: details.activity.idle.times(),
        fwd_bulk: fwd.bulk.row(),
        bwd_bulk: bwd.bulk.row(),
        fwd_tcp: tcp(src, dst),
        bwd_tcp: tcp(dst, src),
        fwd_ttl: fwd.ttl_row(),
        bwd_ttl: bwd.ttl_row(),
        published: match &details.published {
            Some(published) => published.row(initiator.other()),
            None => NOT_PUBLISHED,
        },
        handshake_syn_ack_ns: syn_ack,
        handshake_ack_ns: ack,
        ip_upto_128_packets: details.lengths[0],
        ip_upto_256_packets: details.lengths[1],
        ip_upto_512_packets: details.lengths[2],
        ip_upto_1024_packets: details.lengths[3],
        ip_upto_1514_packets: details.lengths[4],
        ip_over_1514_packets: details.lengths[5],
        dns_id: details.dns.map(|dns| dns.id.into()),
        dns_query_type: details.dns.and_then(|dns| dns.query_type).map(i32::from),
        dns_answer_ttl: details.dns.and_then(|dns| dns.answer_ttl).map(i64::from),
    });
}

fn vlan_text(vlans: Vlans) -> Option<String> {
    let ids: Vec<String> = vlans.ids().map(|id| id.to_string()).collect();
    (!ids.is_empty()).then(|| ids.join(","))
}

const DIGITS: &[u8; 16] = b"0123456789abcdef";

/// Hash of key and start, which does not depend on which files were read: the first 12 bytes of
/// SHA-256, in hexadecimal.
fn flow_uid(key: &FlowKey, start_ns: i64) -> String {
    let tunnels = key.tunnels.text();
    // In one piece, which is hashed faster than many.
    let mut bytes = Vec::with_capacity(64 + tunnels.len());
    for side in [Side::A, Side::B] {
        let address = match key.addresses[side as usize] {
            IpAddr::V4(address) => address.to_ipv6_mapped(),
            IpAddr::V6(address) => address,
        };
        bytes.extend_from_slice(&address.octets());
        bytes.extend_from_slice(&key.ports[side as usize].to_be_bytes());
    }
    bytes.extend_from_slice(&[
        key.protocol,
        u8::from(key.one_way),
        u8::from(key.addresses[0].is_ipv4()),
    ]);
    match u16::try_from(key.identifier) {
        Ok(short) => bytes.extend_from_slice(&short.to_be_bytes()),
        Err(_) => bytes.extend_from_slice(&key.identifier.to_be_bytes()),
    }
    bytes.extend_from_slice(&key.vlans.bits().to_be_bytes());
    bytes.extend_from_slice(tunnels.as_bytes());
    bytes.extend_from_slice(&start_ns.to_be_bytes());
    let hash = Sha256::digest(&bytes);
    let mut text = String::with_capacity(24);
    for byte in hash.iter().take(12) {
        // Not by the macros for formatting, which take longer than the hash.
        for digit in [byte >> 4, byte & 15] {
            text.push(char::from(DIGITS[usize::from(digit)]));
        }
    }
    text
}
