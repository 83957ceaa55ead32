#!/usr/bin/env python3
"""Calculates flows a second time, slowly and plainly, and compares them with the table `flow` and with the column
`flow` of all other tables.

    tests/oracle/flow_oracle.py             every capture listed below
    tests/oracle/flow_oracle.py FILE...     these captures (paths, or names below the captures folder)
    tests/oracle/flow_oracle.py --self-test the calculation itself, on packets made up here

The definition, as the table's own documentation gives it: a flow is bidirectional, by addresses, ports, protocol and
VLAN stack; the innermost IP header counts. ICMP messages that come in pairs (echo, timestamp ...) are one
bidirectional flow, other ICMP messages one flow for each sender, receiver, type and code, both as Community ID maps
them. The initiator is the sender of the SYN, else of the first packet. A gap of more than 120 s ends a flow, and so
does a packet 1,800 s or more after the start. TCP is closed by FIN in both directions or by RST; what still comes is
counted to it, but a SYN without ACK begins a new flow. Later fragments have no flow.

Packets made after the test vectors of the Community ID specification must get its values. Two captures are cut into
three files of one stream, too: that must give the same flows.

The exit status is 0 when all agrees, else 1. Needs tshark (to read the files), pyarrow and communityid.
"""

from __future__ import annotations

import argparse
import ipaddress
import struct
import sys
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import common
import communityid

IDLE_NS = 120 * 1_000_000_000
ACTIVE_NS = 1_800 * 1_000_000_000

CAPTURES = [
    "applications/nDPI_rmcp.pcap",
    "applications/nDPI_tplink_shp.pcap",
    "attacks/StratosphereLinuxIPS_test12-icmp-portscan.pcap",
    "attacks/nDPI_synscan.pcap",
    "attacks/suricata-verify_kill_router6.pcap",
    "attacks/suricata-verify_toobig.pcap",
    "attacks/zeek_bruteforce.pcap",
    "attacks/zeek_vnc-scanner.pcap",
    "file-formats/icsnpp-profinet-io-cm_profinet_io_cm.pcap",
    "file-formats/zeek_echo-connections.pcap.gz",
    "ics/arkime_synthetic.pcap",
    "ics/network-traffic-dataset_right.pcap",
    "infrastructure/dnscap_test_dns.pcap",
    "infrastructure/try-zeek_ssh.pcap",
    "ip-layer/entrada2_sidnlabs-test-ip-1-dns-response-2-ip-fragments.pcap",
    "ip-layer/nDPI_ip_fragmented_garbage.pcap",
    "ip-layer/pkt2flow_udp_lite_illegal_large-coverage.pcap",
    "ip-layer/peafowl_http_ip_fragmented.pcap",
    "ip-layer/tcpdump_dccp_partial_csum_v6_longer.pcap",
    "ip-layer/zeek_ipv6-http-atomic-frag.pcap",
    "l2-encapsulation/arkime_stun.pcap",
    "l2-encapsulation/nDPI_ajp.pcap",
    "link-types/PcapPlusPlus_sll.pcap",
    "link-types/dnscap_frags.pcap",
    "link-types/icsnpp-opcua-binary_open62541_create_monitored_items.pcap",
    "link-types/nDPI_tencent_games.pcap",
    "mixed-traffic/nDPI_alexa-app.pcapng",
    "mixed-traffic/try-zeek_sumstat.pcap",
    "routing/peafowl_6in6_inner.pcap",
    "transport/sharppcap_10k_packets.pcap",
    "tunnels/libpcap_AH-IPcomp-IPv4.pcap",
    "tunnels/sngrep_ipip.pcap",
    "tunnels/tcpreplay_test2.rewrite_vlan802.1ad",
    "web-tls-quic/brimcap_oneflow.pcap",
    "web-tls-quic/netml_srcIP_10.42.0.119_anomaly.pcap",
]

# These are cut into three files of one stream, too.
SPLIT = {"mixed-traffic/nDPI_alexa-app.pcapng", "web-tls-quic/netml_srcIP_10.42.0.119_anomaly.pcap"}

FIN, SYN, RST, PSH, ACK, URG, ECE, CWR = (1 << shift for shift in range(8))
FLAGS = {"fin": FIN, "syn": SYN, "rst": RST, "psh": PSH, "ack": ACK, "urg": URG, "ece": ECE, "cwr": CWR}
ICMP, TCP, UDP, DCCP, ICMPV6, SCTP, UDPLITE = 1, 6, 17, 33, 58, 132, 136

# Types of ICMP messages that answer each other, as the Community ID specification pairs them.
PAIRS = {
    ICMP: {8: 0, 13: 14, 15: 16, 10: 9, 17: 18},
    ICMPV6: {128: 129, 133: 134, 135: 136, 130: 131, 139: 140, 144: 145},
}
COUNTERPARTS = {
    protocol: pairs | {reply: request for request, reply in pairs.items()} for protocol, pairs in PAIRS.items()
}


# -- one packet -----------------------------------------------------------------------------------------------------


@dataclass
class Parsed:
    """What a flow needs to know of a packet."""

    source: str
    target: str
    protocol: int
    ip_bytes: int
    payload: int
    source_port: int | None = None
    target_port: int | None = None
    icmp: tuple[int, int] | None = None
    identifier: int = 0
    flags: int = 0
    vlan: tuple[int, ...] = ()


def parse(frame: common.Frame) -> Parsed | None:
    """The packet's innermost IP header and transport header; None when it has no flow."""
    data, link = frame.data, frame.link_type
    try:
        vlan: list[int] = []
        if link == 1:
            kind, at = struct.unpack_from("!H", data, 12)[0], 14
        elif link == 113:
            kind, at = struct.unpack_from("!H", data, 14)[0], 16
        elif link == 276:
            kind, at = struct.unpack_from("!H", data, 0)[0], 20
        elif link in (0, 108):
            family = struct.unpack_from("!I", data, 0)[0]
            family = min(family, struct.unpack_from("<I", data, 0)[0])
            kind, at = {2: 0x0800, 10: 0x86DD, 24: 0x86DD, 28: 0x86DD, 30: 0x86DD}.get(family, 0), 4
        elif link in (12, 14, 101, 228, 229):
            kind, at = {4: 0x0800, 6: 0x86DD}.get(data[0] >> 4, 0), 0
        else:
            return None
        while kind in (0x8100, 0x88A8, 0x9100):
            tag, kind = struct.unpack_from("!HH", data, at)
            vlan.append(tag & 0xFFF)
            at += 4
        parsed = {0x0800: ipv4, 0x86DD: ipv6}.get(kind, lambda *_: None)(data, at, frame.wire)
    except (struct.error, IndexError):
        return None
    if parsed:
        parsed.vlan = tuple(vlan)
    return parsed


def ipv4(data: bytes, at: int, wire: int) -> Parsed | None:
    if len(data) < at + 20 or data[at] >> 4 != 4:
        return None
    header = (data[at] & 15) * 4
    total, _, fragment = struct.unpack_from("!HHH", data, at + 2)
    total = total or wire - at
    if header < 20 or total < header or fragment & 0x1FFF:
        return None
    source, target = (str(ipaddress.IPv4Address(data[at + i : at + i + 4])) for i in (12, 16))
    return transport(
        data, at + header, wire, data[at + 9], total - header, Parsed(source, target, data[at + 9], total, 0)
    )


def ipv6(data: bytes, at: int, wire: int) -> Parsed | None:
    if len(data) < at + 40 or data[at] >> 4 != 6:
        return None
    length, protocol = struct.unpack_from("!HB", data, at + 4)
    source, target = (str(ipaddress.IPv6Address(data[at + i : at + i + 16])) for i in (8, 24))
    start, end = at, at + 40 + length
    at += 40
    while protocol in (0, 43, 44, 51, 60, 135, 139, 140):
        size = 8 if protocol == 44 else (data[at + 1] + 2) * 4 if protocol == 51 else (data[at + 1] + 1) * 8
        if protocol == 44 and struct.unpack_from("!H", data, at + 2)[0] >> 3:
            return None
        protocol = data[at]
        at += size
    return transport(data, at, wire, protocol, end - at, Parsed(source, target, protocol, end - start, 0))


def transport(data: bytes, at: int, wire: int, protocol: int, length: int, parsed: Parsed) -> Parsed | None:
    if protocol == 4:
        return ipv4(data, at, wire)
    if protocol == 41:
        return ipv6(data, at, wire)
    parsed.payload = length
    here = data[at : at + length]
    if protocol in (TCP, UDP, DCCP, SCTP, UDPLITE) and len(here) >= 4:
        parsed.source_port, parsed.target_port = struct.unpack_from("!HH", here)
    if protocol == TCP:
        # A header that is cut by a fragment or contradicts itself tells nothing but its ports.
        header = (here[12] >> 4) * 4 if len(here) >= 20 else 0
        if 20 <= header <= length:
            parsed.flags = here[13]
            parsed.payload = length - header
    elif protocol == UDP and len(here) >= 8:
        parsed.payload = (struct.unpack_from("!H", here, 4)[0] or length) - 8
    elif protocol == DCCP and len(here) >= 5:
        parsed.payload = length - here[4] * 4
    elif protocol in (SCTP, UDPLITE):
        parsed.payload = length - {SCTP: 12, UDPLITE: 8}[protocol]
    elif protocol in (ICMP, ICMPV6):
        parsed.icmp = here[0], here[1]
        # Echo, timestamp, information and address mask messages have an identifier.
        if len(here) >= 6 and here[0] in ((0, 8, 13, 14, 15, 16, 17, 18) if protocol == ICMP else (128, 129)):
            parsed.identifier = struct.unpack_from("!H", here, 4)[0]
        parsed.payload = max(length - 8, 0)
    return parsed


def key_of(parsed: Parsed):
    """The flow's key: the two ends in a fixed order, or in the order of sending for ICMP messages without answer."""
    if parsed.icmp:
        kind, code = parsed.icmp
        answer = COUNTERPARTS[parsed.protocol].get(kind)
        if answer is None:
            return ("one way", parsed.source, parsed.target, kind, code, parsed.protocol, parsed.vlan)
        ends = (parsed.source, kind), (parsed.target, answer)
        return (*sorted(ends, key=str), parsed.identifier, parsed.protocol, parsed.vlan)
    else:
        ends = (parsed.source, parsed.source_port), (parsed.target, parsed.target_port)
    return (*sorted(ends, key=str), parsed.protocol, parsed.vlan)


# -- one flow -------------------------------------------------------------------------------------------------------


@dataclass
class Flow:
    first: int
    start: int
    source: tuple
    target: tuple
    parsed: Parsed
    earliest: int = 0
    latest: int = 0
    last: int = 0
    counts: Counter = field(default_factory=Counter)
    fins: set = field(default_factory=set)
    reset: bool = False
    reason: str = "end_of_input"

    def closed(self) -> bool:
        return self.reset or len(self.fins) == 2

    def add(self, number: int, time: int, wire: int, parsed: Parsed) -> None:
        forward = (parsed.source, parsed.source_port) == self.source
        if self.source == self.target:
            forward = True
        self.earliest, self.latest = min(self.earliest, time), max(self.latest, time)
        self.last = number
        side = "fwd_" if forward else "bwd_"
        for name, amount in (
            ("packets", 1),
            ("wire_bytes", wire),
            ("ip_bytes", parsed.ip_bytes),
            ("payload_bytes", parsed.payload),
        ):
            self.counts[name] += amount
            self.counts[side + name] += amount
        if parsed.protocol == TCP:
            for name, bit in FLAGS.items():
                self.counts[f"{side}{name}_packets"] += bool(parsed.flags & bit)
            if parsed.flags & FIN:
                self.fins.add(side)
            self.reset |= bool(parsed.flags & RST)

    def row(self) -> dict:
        parsed = self.parsed
        values = {
            "flow": self.first, "capture": 0, "packet": self.first, "last_capture": 0, "last_packet": self.last,
            "ts": self.earliest // 1000, "ts_ns": self.earliest, "duration_ns": self.latest - self.earliest,
            "src_ip": self.source[0], "dst_ip": self.target[0], "src_port": self.source[1], "dst_port": self.target[1],
            "protocol": parsed.protocol, "vlan": ",".join(map(str, parsed.vlan)) or None,
            "icmp_type": parsed.icmp and parsed.icmp[0], "icmp_code": parsed.icmp and parsed.icmp[1],
            "end_reason": "rst" if self.reset else "fin" if len(self.fins) == 2 else self.reason,
            "community_id": community_id(parsed),
        }  # fmt: skip
        for name in ("packets", "wire_bytes", "ip_bytes", "payload_bytes"):
            for side in ("", "fwd_", "bwd_"):
                values[side + name] = self.counts[side + name]
        for name in FLAGS:
            for side in ("fwd_", "bwd_"):
                values[f"{side}{name}_packets"] = self.counts[f"{side}{name}_packets"]
        return values


def community_id(parsed: Parsed) -> str:
    ports = parsed.icmp or (parsed.source_port, parsed.target_port) if parsed.protocol not in (DCCP, UDPLITE) else ()
    return communityid.CommunityID().calc(communityid.FlowTuple(parsed.protocol, parsed.source, parsed.target, *ports))


def flows_of(packets: list[tuple[int, int, int, Parsed | None]]) -> tuple[list[Flow], dict[int, int]]:
    """From (number, time, wire length, parsed) to the flows, and to the flow of each packet."""
    done: list[Flow] = []
    open_flows: dict = {}
    member: dict[int, int] = {}
    for number, time, wire, parsed in packets:
        if parsed is None:
            continue
        key = key_of(parsed)
        flow = open_flows.get(key)
        syn = parsed.protocol == TCP and parsed.flags & (SYN | ACK) == SYN
        if flow:
            ended = (
                "idle" if time - flow.latest > IDLE_NS
                else "active" if time - flow.start >= ACTIVE_NS
                else "new_syn" if flow.closed() and syn
                else None
            )  # fmt: skip
            if ended:
                flow.reason = ended
                done.append(flow)
                flow = None
        if flow is None:
            ends = (parsed.source, parsed.source_port), (parsed.target, parsed.target_port)
            if parsed.protocol == TCP and parsed.flags & (SYN | ACK) == SYN | ACK:
                ends = ends[::-1]
            flow = open_flows[key] = Flow(number, time, *ends, parsed, earliest=time, latest=time)
        flow.add(number, time, wire, parsed)
        member[number] = flow.first
    return done + list(open_flows.values()), member


# -- comparing ------------------------------------------------------------------------------------------------------


def compare(name: str, frames: list[common.Frame], tables: dict[str, list[dict]], tally: common.Tally) -> None:
    times = {row["packet"]: row["ts_ns"] for row in tables["packet"]}
    wrong = [frame.number for frame in frames if times.get(frame.number) != frame.time_ns]
    tally.check(not wrong and len(times) == len(frames), f"{name}: packets and their times; differ: {wrong[:5]}")

    flows, member = flows_of([(frame.number, frame.time_ns, frame.wire, parse(frame)) for frame in frames])
    expected = {flow.first: flow.row() for flow in flows}
    ours = {row["flow"]: row for row in tables["flow"]}
    tally.check(len(ours) == len(tables["flow"]), f"{name}: each flow has one row")
    tally.check(len({row["flow_uid"] for row in tables["flow"]}) == len(ours), f"{name}: flow_uid is unique")
    for kind, left, right in (("here", ours, expected), ("in the oracle", expected, ours)):
        only = sorted(left.keys() - right.keys())
        shown = [
            (
                flow,
                {
                    k: left[flow][k]
                    for k in ("src_ip", "src_port", "dst_ip", "dst_port", "protocol", "packets", "end_reason")
                },
            )
            for flow in only[:3]
        ]
        tally.check(not only, f"{name}: {len(only)} of {len(left)} flows only {kind}: {shown}")
    both = sorted(ours.keys() & expected.keys())
    end = max((frame.time_ns for frame in frames), default=0)
    for column in next(iter(expected.values()), {}):
        bad = []
        for flow in both:
            here, there = ours[flow][column], expected[flow][column]
            # Whether a flow that was silent when the capture ended is called idle is left open here.
            silent = (
                column == "end_reason"
                and there == "end_of_input"
                and here == "idle"
                and end - expected[flow]["ts_ns"] - expected[flow]["duration_ns"] > IDLE_NS
            )
            if here != there and not silent:
                bad.append((flow, here, there))
        tally.check(
            not bad, f"{name}: flow.{column} differs in {len(bad)} of {len(both)} flows (flow, here, oracle): {bad[:4]}"
        )

    dns = {row["flow"] for row in tables["dns"]}
    bad = [(row["flow"], row["service"]) for row in tables["flow"] if (row["service"] == "dns") != (row["flow"] in dns)]
    tally.check(not bad, f"{name}: service is dns where there are DNS messages; differs: {bad[:4]}")
    bad = [
        (row["packet"], row["flow"], member.get(row["packet"]))
        for row in tables["packet"]
        if row["flow"] != member.get(row["packet"])
    ]
    tally.check(
        not bad,
        f"{name}: packet.flow differs in {len(bad)} of {len(tables['packet'])} packets (packet, here, oracle): {bad[:4]}",
    )
    of_packet = {row["packet"]: row["flow"] for row in tables["packet"]}
    for table, rows in tables.items():
        if table not in ("flow", "packet"):
            bad = [
                (row["packet"], row["flow"], of_packet[row["packet"]])
                for row in rows
                if row["flow"] != of_packet[row["packet"]]
            ]
            tally.check(not bad, f"{name}: {table}.flow is that of the packet; differs: {bad[:4]}")


def compare_split(
    name: str, frames: list[common.Frame], whole: list[dict], binary: Path, work: Path, tally: common.Tally
) -> None:
    """The same packets in three files of one stream: the same flows, with the same flow_uid, across the files."""
    cuts = [0, len(frames) // 3, 2 * len(frames) // 3, len(frames)]
    files = []
    for number, (start, end) in enumerate(zip(cuts, cuts[1:])):
        # Names in an order of their own: it is the first packet that decides.
        files.append(work / f"{9 - number}.pcap")
        write_pcap(
            files[-1], frames[0].link_type, [(frame.time_ns, frame.wire, frame.data) for frame in frames[start:end]]
        )
    out = work / "split"
    common.decode(binary, *reversed(files), out=out)
    ours = {row["flow_uid"]: row for row in common.read_table(out, "flow")}

    def place(number: int) -> tuple[int, int]:
        capture = max(at for at in range(3) if number > cuts[at])
        return capture, number - cuts[capture]

    def moved(row: dict) -> dict:
        (capture, packet), (last_capture, last_packet) = place(row["packet"]), place(row["last_packet"])
        return row | {
            "flow": capture * 10**10 + packet,
            "capture": capture,
            "packet": packet,
            "last_capture": last_capture,
            "last_packet": last_packet,
        }

    expected = {row["flow_uid"]: moved(row) for row in whole}
    tally.check(
        ours.keys() == expected.keys(),
        f"{name}: cut into three files, {len(ours.keys() ^ expected.keys())} values of flow_uid differ",
    )
    bad = [
        (uid, {k: (ours[uid][k], v) for k, v in row.items() if ours[uid][k] != v})
        for uid, row in expected.items()
        if uid in ours and ours[uid] != row
    ]
    tally.check(not bad, f"{name}: cut into three files, {len(bad)} flows differ: {bad[:3]}")
    crossing = sum(row["capture"] != row["last_capture"] for row in ours.values())
    print(f"        cut into three files: {len(ours)} flows, {crossing} of them cross from file to file")


TABLES = [
    "packet",
    "flow",
    "ethernet",
    "vlan",
    "arp",
    "ipv4",
    "ipv6",
    "icmpv4",
    "icmpv6",
    "tcp",
    "udp",
    "dns",
    "malformed",
]

# Test vectors of the Community ID specification (seed 0): protocol, source, target, ports or ICMP type and code.
VECTORS = [
    (ICMPV6, "fe80::200:86ff:fe05:80da", "fe80::260:97ff:fe07:69ea", 135, 0, "1:dGHyGvjMfljg6Bppwm3bg0LO8TY="),
    (ICMPV6, "fe80::260:97ff:fe07:69ea", "fe80::200:86ff:fe05:80da", 136, 0, "1:dGHyGvjMfljg6Bppwm3bg0LO8TY="),
    (ICMPV6, "fe80::260:97ff:fe07:69ea", "fe80::200:86ff:fe05:80da", 135, 0, "1:zavyT/cezQr1fmImYCwYnMXbgck="),
    (ICMPV6, "fe80::200:86ff:fe05:80da", "fe80::260:97ff:fe07:69ea", 136, 0, "1:zavyT/cezQr1fmImYCwYnMXbgck="),
    (ICMPV6, "3ffe:501:1800:2345::2", "3ffe:507:0:1:200:86ff:fe05:80da", 3, 0, "1:2ObVBgIn28oZvibYZhZMBgh7WdQ="),
    (
        ICMPV6,
        "3ffe:501:410:0:2c0:dfff:fe47:33e",
        "3ffe:507:0:1:200:86ff:fe05:80da",
        1,
        4,
        "1:hLZd0XGWojozrvxqE0dWB1iM6R0=",
    ),
    (ICMPV6, "3ffe:507:0:1:200:86ff:fe05:80da", "3ffe:501:0:1001::2", 128, 0, "1:+TW+HtLHvV1xnGhV1lv7XoJrqQg="),
    (ICMPV6, "3ffe:501:0:1001::2", "3ffe:507:0:1:200:86ff:fe05:80da", 129, 0, "1:+TW+HtLHvV1xnGhV1lv7XoJrqQg="),
    (ICMPV6, "fe80::200:86ff:fe05:80da", "ff02::2", 133, 0, "1:hO+sN4H+MG5MY/8hIrXPqc4ZQz0="),
    (ICMPV6, "fe80::260:97ff:fe07:69ea", "ff02::1", 134, 0, "1:pkvHqCL88/tg1k4cPigmZXUtL00="),
    (ICMP, "192.168.0.89", "192.168.0.1", 8, 0, "1:X0snYXpgwiv9TZtqg64sgzUn6Dk="),
    (ICMP, "192.168.0.1", "192.168.0.89", 0, 0, "1:X0snYXpgwiv9TZtqg64sgzUn6Dk="),
    (ICMP, "10.0.0.1", "10.0.0.2", 11, 0, "1:YHxtAirCG//0OzkcVAukqKQN9xM="),
    (
        TCP,
        "2001:470:e5bf:dead:4957:2174:e82c:4887",
        "2607:f8b0:400c:c03::1a",
        63943,
        25,
        "1:/qFaeAR+gFe1KYjMzVDsMv+wgU4=",
    ),
    (
        TCP,
        "2607:f8b0:400c:c03::1a",
        "2001:470:e5bf:dead:4957:2174:e82c:4887",
        25,
        63943,
        "1:/qFaeAR+gFe1KYjMzVDsMv+wgU4=",
    ),
    (SCTP, "192.168.170.8", "192.168.170.56", 7, 7, "1:MP2EtRCAUIZvTw6MxJHLV7N7JDs="),
    (SCTP, "192.168.170.56", "192.168.170.8", 7, 7, "1:MP2EtRCAUIZvTw6MxJHLV7N7JDs="),
    (TCP, "128.232.110.120", "66.35.250.204", 34855, 80, "1:LQU9qZlK+B5F3KDmev6m5PMibrg="),
    (TCP, "66.35.250.204", "128.232.110.120", 80, 34855, "1:LQU9qZlK+B5F3KDmev6m5PMibrg="),
    (UDP, "192.168.1.52", "8.8.8.8", 54585, 53, "1:d/FP5EW3wiY1vCndhwleRRKHowQ="),
    (UDP, "8.8.8.8", "192.168.1.52", 53, 54585, "1:d/FP5EW3wiY1vCndhwleRRKHowQ="),
    (46, "10.1.12.1", "10.1.12.2", None, None, "1:KHlLkgoJW7ifUTyTSgyVfkFHzKw="),
    (46, "10.1.12.2", "10.1.12.1", None, None, "1:KHlLkgoJW7ifUTyTSgyVfkFHzKw="),
]


def vector_packet(protocol: int, source: str, target: str, one: int | None, two: int | None) -> bytes:
    """A bare IP packet with these ends; checksums are left at zero."""
    ends = ipaddress.ip_address(source).packed + ipaddress.ip_address(target).packed
    body = (
        bytes(8)
        if one is None
        else bytes([one, two]) + bytes(6)
        if protocol in (ICMP, ICMPV6)
        else struct.pack("!HH", one, two)
    )
    body += {TCP: bytes(8) + b"\x50\x10" + bytes(6), UDP: b"\x00\x08\x00\x00", SCTP: bytes(8)}.get(protocol, b"")
    if len(ends) == 8:
        return struct.pack("!BBHIBBH", 0x45, 0, 20 + len(body), 0, 64, protocol, 0) + ends + body
    return struct.pack("!IHBB", 6 << 28, len(body), protocol, 64) + ends + body


def write_pcap(path: Path, link_type: int, packets: list[tuple[int, int, bytes]]) -> None:
    """A capture file with times in nanoseconds, of (time, length on the wire, bytes)."""
    with path.open("wb") as file:
        file.write(struct.pack("<IHHiIII", 0xA1B23C4D, 2, 4, 0, 0, 0, link_type))
        for time, wire, data in packets:
            file.write(struct.pack("<IIII", *divmod(time, 1_000_000_000), len(data), wire) + data)


def check_vectors(binary: Path, tally: common.Tally) -> None:
    """netcap's Community ID of packets made after the test vectors, each 121 s after the one before."""
    with common.Workspace() as work:
        packets = [vector_packet(*vector[:5]) for vector in VECTORS]
        write_pcap(
            work / "vectors.pcap",
            101,
            [(121_000_000_000 * number, len(data), data) for number, data in enumerate(packets)],
        )
        common.decode(binary, work / "vectors.pcap", out=work / "vectors")
        rows = {row["packet"]: row["community_id"] for row in common.read_table(work / "vectors", "flow")}
    for number, vector in enumerate(VECTORS, 1):
        tally.check(
            rows.get(number) == vector[5],
            f"Community ID of {vector[:5]}: {rows.get(number)}, the specification says {vector[5]}",
        )
    print(f"Community ID: {len(VECTORS)} test vectors")


def self_test() -> int:
    tally = common.Tally()
    for number, (*vector, expected) in enumerate(VECTORS, 1):
        data = vector_packet(*vector)
        parsed = parse(common.Frame(number, 0, len(data), data, 101))
        tally.check(
            community_id(parsed) == expected, f"Community ID of {vector}: {community_id(parsed)}, not {expected}"
        )

    second = 1_000_000_000

    def made(*packets):
        """From (time in s, from A?, flags) of TCP packets to flows: (packets, end reason, initiator, forward packets)."""
        rows = []
        for number, (time, forward, flags) in enumerate(packets, 1):
            ends = ("10.0.0.1", "10.0.0.2", 1000, 80) if forward else ("10.0.0.2", "10.0.0.1", 80, 1000)
            rows.append(
                (number, int(time * second), 60, Parsed(ends[0], ends[1], TCP, 40, 0, ends[2], ends[3], flags=flags))
            )
        flows, _ = flows_of(rows)
        return [
            (row["packets"], row["end_reason"], row["src_ip"][-1], row["fwd_packets"])
            for row in (flow.row() for flow in flows)
        ]

    cases = {
        "one packet": ([(0, True, ACK)], [(1, "end_of_input", "1", 1)]),
        "SYN-ACK first": ([(0, False, SYN | ACK), (1, True, ACK)], [(2, "end_of_input", "1", 1)]),
        "120 s are not idle": ([(0, True, ACK), (120, False, ACK)], [(2, "end_of_input", "1", 1)]),
        "more than 120 s are": (
            [(0, True, ACK), (120.001, False, ACK)],
            [(1, "idle", "1", 1), (1, "end_of_input", "2", 1)],
        ),
        "1,800 s are too long": (
            [(100 * n, True, ACK) for n in range(19)],
            [(18, "active", "1", 18), (1, "end_of_input", "1", 1)],
        ),
        "FIN once": ([(0, True, SYN), (1, True, FIN | ACK), (2, True, SYN)], [(3, "end_of_input", "1", 3)]),
        "FIN twice": (
            [(0, True, SYN), (1, True, FIN | ACK), (2, False, FIN | ACK), (3, True, ACK)],
            [(4, "fin", "1", 3)],
        ),
        "RST after FIN": ([(0, True, SYN), (1, True, FIN), (2, False, FIN), (3, True, RST)], [(4, "rst", "1", 3)]),
        "SYN after close": (
            [(0, True, SYN), (1, False, RST | ACK), (2, True, SYN)],
            [(2, "rst", "1", 1), (1, "end_of_input", "1", 1)],
        ),
        "idle after close": (
            [(0, True, SYN), (1, False, RST | ACK), (200, True, ACK)],
            [(2, "rst", "1", 1), (1, "end_of_input", "1", 1)],
        ),
    }
    for name, (packets, expected) in cases.items():
        tally.check(made(*packets) == expected, f"{name}: {made(*packets)}")
    return tally.finish()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("captures", nargs="*")
    parser.add_argument("--self-test", action="store_true", help="check the calculation itself")
    arguments = parser.parse_args()
    if arguments.self_test:
        return self_test()
    tally = common.Tally()
    folder, binary = common.captures_folder(), common.netcap_binary()
    if binary is None:
        tally.skip("all: there is no netcap program (NETCAP, or build it)")
        return tally.finish()
    check_vectors(binary, tally)
    if not arguments.captures and folder is None:
        tally.skip("all captures: they are not here (NETCAP_CAPTURES)")
        return tally.finish()
    for name in arguments.captures or CAPTURES:
        path = Path(name) if Path(name).is_file() else (folder or Path()) / name
        if not path.is_file():
            tally.skip(f"{name}: not here")
            continue
        before = tally.failed
        with common.Workspace() as work:
            out = work / ("flow-" + path.name)
            try:
                common.decode(binary, path, out=out)
            except RuntimeError as problem:
                tally.check(False, f"{name}: {problem}")
                continue
            tables = {table: common.read_table(out, table) for table in TABLES}
            frames = common.frames(path)
            compare(name, frames, tables, tally)
            if name in SPLIT:
                compare_split(name, frames, tables["flow"], binary, work, tally)
        print(
            f"{'agrees ' if tally.failed == before else 'differs'} {name}: {len(tables['packet'])} packets, {len(tables['flow'])} flows",
            flush=True,
        )
    return tally.finish()


if __name__ == "__main__":
    sys.exit(main())
