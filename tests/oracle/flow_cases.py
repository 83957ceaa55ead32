"""Packets made up for each rule of docs/flows.md, with values of the tables that were calculated by hand.

Not a script of its own: `flow_oracle.py --self-test` compares the calculation with the values, and with a netcap
program the same packets are decoded and compared as a capture, too. A case says only what it is about.
"""

from __future__ import annotations

import math
import struct
from dataclasses import dataclass, field

from flow_made import SECOND, dns, ethernet, icmp, ipv4, ipv6, ipv6_fragment, tcp, udp

A, B, C = "10.0.0.1", "10.0.0.2", "10.0.0.3"
A6, B6 = "2001:db8::1", "2001:db8::2"
MS = SECOND // 1000
RAW, ETHERNET = 101, 1
FLOW, NFSTREAM, ENGELEN, PACKETS = "flow", "flow_nfstream", "flow_cicflowmeter_engelen", "flow_packets"
MSS_1460_SCALE_7, MSS_1400_SCALE_8 = bytes.fromhex("020405b401030307"), bytes.fromhex("0204057801030308")


@dataclass
class Case:
    """Packets as (time, length on the wire, bytes), and what is expected in some columns of the tables' rows."""

    name: str
    packets: list[tuple[int, int, bytes]]
    expected: dict[str, list[dict]] = field(default_factory=dict)
    link_type: int = RAW


CASES: list[Case] = []


def case(name: str, packets: list[tuple[float, bytes]], link_type: int = RAW, **expected: list[dict]) -> None:
    """Adds a case; packets as (seconds, bytes), tables as `flow`, `nfstream`, `engelen`, `first_packets`."""
    names = {"flow": FLOW, "nfstream": NFSTREAM, "engelen": ENGELEN, "first_packets": PACKETS}
    made = [(round(time * SECOND), len(data), data) for time, data in packets]
    CASES.append(Case(name, made, {names[table]: rows for table, rows in expected.items()}, link_type))


def talk(*packets: tuple, ports: tuple[int, int] = (40000, 8080)) -> list[tuple[float, bytes]]:
    """TCP between A and B, of (seconds, sender, flags) and perhaps a dictionary: seq, ack, payload, window, options."""
    made = []
    for time, sender, flags, *more in packets:
        ends, way = ((A, B), ports) if sender == "A" else ((B, A), ports[::-1])
        made.append((time, ipv4(*ends, 6, tcp(way, flags, **(more[0] if more else {})))))
    return made


def datagrams(*packets: tuple, ports: tuple[int, int] = (40000, 8080)) -> list[tuple[float, bytes]]:
    """UDP between A and B, of (seconds, sender, bytes of payload)."""
    made = []
    for time, sender, size in packets:
        ends, way = ((A, B), ports) if sender == "A" else ((B, A), ports[::-1])
        made.append((time, ipv4(*ends, 17, udp(way, size))))
    return made


# -- a connection with everything -----------------------------------------------------------------------------------

RICHEST = "a TCP connection"
RICHEST_PACKETS = talk(
    (0.000, "A", "S", dict(seq=1000, window=64240, options=MSS_1460_SCALE_7)),
    (0.010, "B", "SA", dict(seq=5000, ack=1001, window=65160, options=MSS_1400_SCALE_8)),
    (0.015, "A", "A", dict(seq=1001, ack=5001, window=502)),
    (0.020, "A", "PA", dict(seq=1001, ack=5001, window=502, payload=100)),
    (0.030, "B", "A", dict(seq=5001, ack=1101, window=510)),
    (0.040, "B", "PA", dict(seq=5001, ack=1101, window=510, payload=200)),
    (0.041, "A", "A", dict(seq=1101, ack=5201, window=501)),
    (1.041, "B", "FA", dict(seq=5201, ack=1101, window=510)),
    (1.042, "A", "FA", dict(seq=1101, ack=5202, window=501)),
    (1.050, "B", "A", dict(seq=5202, ack=1102, window=510)),
    ports=(40000, 80),
)
case(
    RICHEST,
    [(time, ethernet(0x0800, data, (5,), back=data[12:16] != bytes([10, 0, 0, 1]))) for time, data in RICHEST_PACKETS],
    ETHERNET,
    flow=[
        dict(
            flow=1, packet=1, last_packet=10, ts=0, ts_ns=0, duration_ns=1050 * MS, src_ip=A, dst_ip=B, src_port=40000,
            dst_port=80, protocol=6, protocol_name="tcp", vlan="5", icmp_type=None, service=None, tunnel=None,
            packets=10, fwd_packets=5, bwd_packets=5, wire_bytes=896, fwd_wire_bytes=398, bwd_wire_bytes=498,
            ip_bytes=716, fwd_ip_bytes=308, bwd_ip_bytes=408, transport_bytes=516, fwd_transport_bytes=208,
            bwd_transport_bytes=308, payload_bytes=300, fwd_payload_bytes=100, bwd_payload_bytes=200,
            data_packets=2, fwd_data_packets=1, bwd_data_packets=1, fwd_fin_packets=1, bwd_fin_packets=1,
            fwd_syn_packets=1, bwd_syn_packets=1, fwd_rst_packets=0, fwd_psh_packets=1, bwd_psh_packets=1,
            fwd_ack_packets=4, bwd_ack_packets=5, end_reason="fin", direction_evidence="syn", connection=1,
            connection_part=1, connection_duration_ns=1050 * MS, connection_state="SF", history="ShADadfF",
            src_mac="02:00:00:00:00:0a", dst_mac="02:00:00:00:00:0b", fwd_start_ns=0, bwd_start_ns=10 * MS,
            fwd_duration_ns=1042 * MS, bwd_duration_ns=1040 * MS, fwd_header_min_bytes=20, bwd_header_min_bytes=20,
            disordered_packets=0, fragment_packets=0, subflows=1, active_periods=1, idle_periods=0,
            wire_min_bytes=58, wire_max_bytes=258, wire_mean_bytes=89.6, ip_mean_bytes=71.6,
            payload_min_bytes=0, payload_max_bytes=200, payload_mean_bytes=30.0,
            payload_stddev_bytes=math.sqrt(41000 / 9), fwd_payload_mean_bytes=20.0,
            fwd_payload_stddev_bytes=math.sqrt(2000), iat_min_ns=MS, iat_max_ns=1000 * MS,
            iat_mean_ns=1050 * MS / 9, fwd_iat_min_ns=5 * MS, fwd_iat_max_ns=1001 * MS, fwd_iat_mean_ns=260.5 * MS,
            fwd_iat_stddev_ns=math.sqrt(731251 / 3) * MS, active_min_ns=1050 * MS, active_mean_ns=1050.0 * MS,
            active_stddev_ns=None, closed_active_min_ns=None, idle_min_ns=None, fwd_bulk_count=0,
            fwd_tcp_initial_seq=1000, fwd_tcp_initial_window=64240, fwd_tcp_max_window=64240,
            fwd_tcp_max_window_bytes=502 * 128, fwd_tcp_window_scale=7, fwd_tcp_mss=1460, bwd_tcp_initial_seq=5000,
            bwd_tcp_initial_window=65160, bwd_tcp_max_window_bytes=510 * 256, bwd_tcp_window_scale=8,
            bwd_tcp_mss=1400, fwd_tcp_retransmitted_packets=0, bwd_tcp_missing_bytes=0,
            fwd_tcp_duplicate_ack_packets=0, fwd_tcp_repeated_packets=None, fwd_ttl_first=64, bwd_ttl_max=64,
            handshake_syn_ack_ns=10 * MS, handshake_ack_ns=5 * MS, ip_upto_128_packets=8, ip_upto_256_packets=2,
            ip_over_1514_packets=0, dns_id=None,
        )
    ],
    engelen=[dict(fwd_tcp_repeated_packets=0, end_reason="fin", direction_evidence="first_packet")],
    nfstream=[dict(end_reason="fin", direction_evidence="first_packet", vlan="5")],
    first_packets=[
        dict(position=0, packet=1, forward=True, offset_ns=0, iat_ns=None, wire_bytes=66, ip_bytes=48,
             transport_bytes=28, payload_bytes=0, tcp_flags=2),
        dict(position=1, forward=False, offset_ns=10 * MS, iat_ns=10 * MS, tcp_flags=18),
        *[dict(position=at) for at in range(2, 9)],
        dict(position=9, packet=10, iat_ns=8 * MS),
    ],
)  # fmt: skip

# -- which packets belong together ----------------------------------------------------------------------------------

case(
    "ports, VLAN stacks and protocols tell flows apart",
    [
        (0, ethernet(0x0800, ipv4(A, B, 17, udp((1111, 2222))))),
        (1, ethernet(0x0800, ipv4(B, A, 17, udp((2222, 1111))), back=True)),
        (2, ethernet(0x0800, ipv4(A, B, 17, udp((1111, 2223))))),
        (3, ethernet(0x0800, ipv4(A, B, 17, udp((1111, 2222))), (7,))),
        (4, ethernet(0x0800, ipv4(A, B, 17, udp((1111, 2222))), (7, 8), tag=0x88A8)),
        (5, ethernet(0x0800, ipv4(A, B, 17, udp((1111, 2222))), (7, 9), tag=0x9100)),
        (6, ethernet(0x0800, ipv4(A, B, 6, tcp((1111, 2222), "A")))),
        (7, ethernet(0x0806, bytes(28))),
    ],
    ETHERNET,
    flow=[
        dict(packets=2, bwd_packets=1, vlan=None, connection_state="SF"),
        dict(packets=1, connection_state="S0"),
        dict(packets=1, vlan="7"),
        dict(packets=1, vlan="7,8"),
        dict(packets=1, vlan="7,9"),
        dict(packets=1, connection_state="OTH"),
    ],
    nfstream=[dict(packets=2), dict(packets=1), dict(packets=3, vlan="7"), dict(packets=1)],
    engelen=[dict(packets=5), dict(packets=1), dict(packets=1)],
)
case(
    "ICMP messages with and without an answer",
    [
        (0, ipv4(A, B, 1, icmp(8, 0, 77, 56))),
        (1, ipv4(B, A, 1, icmp(0, 0, 77, 56))),
        (2, ipv4(A, B, 1, icmp(8, 0, 78, 56))),
        (3, ipv4(A, B, 1, icmp(3, 1, 0, 28))),
        (4, ipv4(B, A, 1, icmp(3, 1, 0, 28))),
        (5, ipv4(A, B, 1, icmp(3, 3, 0, 28))),
    ],
    flow=[
        dict(packets=2, fwd_packets=1, bwd_packets=1, icmp_type=8, icmp_code=0, payload_bytes=112, src_port=None,
             fwd_header_min_bytes=8, connection_state=None, history=None, fwd_tcp_initial_seq=None),
        dict(packets=1, icmp_type=8),
        dict(packets=1, icmp_type=3, icmp_code=1, src_ip=A),
        dict(packets=1, icmp_type=3, icmp_code=1, src_ip=B),
        dict(packets=1, icmp_code=3),
    ],
    nfstream=[dict(packets=6, fwd_packets=4, bwd_packets=2, src_port=None)],
    engelen=[dict(packets=3, end_reason="syn", icmp_type=8), dict(packets=3, icmp_type=3, icmp_code=1)],
)  # fmt: skip
case(
    "ICMPv6: neighbours, and echo with an identifier",
    [
        (0, ipv6(A6, B6, 58, icmp(135, 0, 0, 16))),
        (1, ipv6(B6, A6, 58, icmp(136, 0, 0x6000, 16))),
        (2, ipv6(A6, B6, 58, icmp(128, 0, 1))),
        (3, ipv6(A6, B6, 58, icmp(128, 0, 2))),
        (4, ipv6(B6, A6, 58, icmp(129, 0, 1))),
        (5, ipv6(A6, B6, 58, icmp(143, 0, 0, 12))),
        (6, ipv6(A6, B6, 58, bytes([1, 4, 0, 0]))),
    ],
    flow=[
        dict(packets=2, icmp_type=135, protocol=58, ip_bytes=128, payload_bytes=32),
        dict(packets=2, bwd_packets=1),
        dict(packets=1),
        dict(packets=1, icmp_type=143),
        dict(packets=1, icmp_type=1, icmp_code=4, payload_bytes=0, transport_bytes=4),
    ],
    engelen=[dict(packets=7, protocol=0)],
)
case(
    "other protocols",
    [
        (0, ipv4(A, B, 50, bytes(40))),
        (1, ipv4(B, A, 50, bytes(60))),
        (1.5, ipv4(B, A, 50, b"\x12\x34\x56\x78" + bytes(60))),
        (2, ipv4(A, B, 51, bytes(24))),
        (3, ipv4(A, B, 132, struct.pack("!HHII", 5000, 6000, 0, 0) + bytes(16))),
        (4, ipv4(A, B, 132, struct.pack("!HHII", 5000, 6001, 0, 0) + bytes(16))),
        (5, ipv4(A, B, 33, struct.pack("!HHBBHII", 5000, 6000, 4, 0, 0, 0, 0) + bytes(10))),
        (6, ipv4(A, B, 136, struct.pack("!HHHH", 5000, 6000, 8, 0) + bytes(9))),
        (7, ipv4(A, B, 2, bytes(8))),
    ],
    flow=[
        dict(protocol=50, packets=2, src_port=None, payload_bytes=100, transport_bytes=100, fwd_header_min_bytes=None),
        dict(protocol=50, packets=1, payload_bytes=64),
        dict(protocol=51, payload_bytes=24),
        dict(protocol=132, dst_port=6000, payload_bytes=16, fwd_header_min_bytes=12),
        dict(protocol=132, dst_port=6001),
        dict(protocol=33, src_port=5000, payload_bytes=10, fwd_header_min_bytes=16, connection_state=None),
        dict(protocol=136, src_port=5000, payload_bytes=9, history=None),
        dict(protocol=2, payload_bytes=8),
    ],
    nfstream=[
        dict(protocol=50, packets=3),
        dict(protocol=51),
        dict(protocol=132, packets=2, src_port=0, dst_port=0),
        dict(protocol=33, src_port=0),
        dict(protocol=136, src_port=0),
        dict(protocol=2, src_port=None),
    ],
    engelen=[dict(protocol=0, packets=6), dict(protocol=132, packets=2), dict(protocol=2)],
)

# -- tunnels --------------------------------------------------------------------------------------------------------

INNER = ipv4("192.168.0.1", "192.168.0.2", 17, udp((1111, 2222), 10), ttl=9)
INNER6 = ipv6("2001:db8:1::1", "2001:db8:1::2", 17, udp((1111, 2222), 10), ttl=9)
BACK = ipv4("192.168.0.2", "192.168.0.1", 17, udp((2222, 1111), 10))
FRAME, FRAME6 = ethernet(0x0800, INNER), ethernet(0x86DD, INNER6)


def gre(flags: int, kind: int, more: bytes, body: bytes) -> bytes:
    return struct.pack("!HH", flags, kind) + more + body


def gtp(flags: int, more: bytes, body: bytes, kind: int = 255, tunnel: int = 1) -> bytes:
    return struct.pack("!BBHI", flags, kind, len(more + body), tunnel) + more + body


def vxlan(network: int, body: bytes, flags: int = 8) -> bytes:
    return struct.pack("!II", flags << 24, network << 8) + body


def geneve(network: int, kind: int, options: bytes, body: bytes, version: int = 0) -> bytes:
    return struct.pack("!BBHI", version << 6 | len(options) // 4, 0, kind, network << 8) + options + body


def inner(tunnel: str | None, body: bytes = INNER, **more: object) -> dict:
    ends = ("192.168.0.1", "192.168.0.2") if body is INNER else ("2001:db8:1::1", "2001:db8:1::2")
    size = len(body)
    return dict(src_ip=ends[0], dst_ip=ends[1], src_port=1111, tunnel=tunnel, ip_bytes=size, fwd_ttl_first=9,
                payload_bytes=10, packets=1) | more  # fmt: skip


def outer(protocol: int, **more: object) -> dict:
    return dict(src_ip=A, protocol=protocol, tunnel=None) | more


def around(name: str, *pairs: tuple[bytes, dict]) -> None:
    """Tunnels in raw IP, a second apart."""
    case(f"tunnels: {name}", [(at, data) for at, (data, _) in enumerate(pairs)], flow=[row for _, row in pairs])


around(
    "IP in IP",
    (ipv4(A, B, 4, INNER), inner("ipip")),
    (ipv4(A, B, 41, INNER6), inner("6in4", INNER6)),
    (ipv6(A6, B6, 4, INNER), inner("4in6")),
    (ipv6(A6, B6, 41, INNER6), inner("6in6", INNER6)),
    (ipv4(A, B, 4, ipv4(A, B, 4, INNER)), inner("ipip/ipip")),
    (ipv4(A, B, 4, b"\x60" + bytes(30)), outer(4, payload_bytes=31)),
)
around(
    "GRE",
    (ipv4(A, B, 47, gre(0, 0x0800, b"", INNER)), inner("gre")),
    (ipv4(A, B, 47, gre(0xB000, 0x86DD, bytes(12), INNER6)), inner("gre", INNER6)),
    (ipv4(A, B, 47, gre(0x2000, 0x6558, bytes(4), ethernet(0x0800, INNER, (3,)))), inner("gre", vlan="3")),
    (ipv4(A, B, 47, gre(0x3081, 0x880B, bytes(12), b"\xff\x03\x00\x21" + INNER)), inner("gre") | {"packets": 2}),
    (ipv4(A, B, 47, gre(0x2001, 0x880B, bytes(4), b"\x57" + INNER6)), inner("gre", INNER6)),
    (ipv4(A, B, 47, gre(0, 0x2001, b"", bytes(20))), outer(47, payload_bytes=24)),
)
# The fourth of them has the key of the first, and the fifth that of the second.
CASES[-1].expected[FLOW] = [
    inner("gre", packets=2, ip_bytes=76, payload_bytes=20),
    inner("gre", INNER6, packets=2, ip_bytes=116, payload_bytes=20),
    inner("gre", vlan="3"),
    outer(47, payload_bytes=24),
]
around(
    "in UDP",
    (ipv4(A, B, 17, udp((5555, 4789), vxlan(42, FRAME))), inner("vxlan(42)")),
    (ipv4(A, B, 17, udp((5555, 8472), vxlan(43, FRAME6))), inner("vxlan(43)", INNER6)),
    (ipv4(A, B, 17, udp((5555, 4789), vxlan(42, FRAME, 0))), outer(17, dst_port=4789)),
    (ipv4(A, B, 17, udp((4788, 5556), vxlan(42, FRAME))), outer(17, dst_port=5556)),
    (ipv4(A, B, 17, udp((4789, 5556), vxlan(44, FRAME))), inner("vxlan(44)")),
    (ipv4(A, B, 17, udp((6081, 5556), geneve(9, 0x6558, b"", FRAME))), inner("geneve(9)")),
    (ipv4(A, B, 17, udp((5555, 6081), geneve(7, 0x6558, bytes(8), FRAME))), inner("geneve(7)")),
    (ipv4(A, B, 17, udp((5555, 6081), geneve(8, 0x86DD, b"", INNER6))), inner("geneve(8)", INNER6)),
    (ipv4(A, B, 17, udp((5555, 6081), geneve(8, 0x0800, b"", INNER, 1))), outer(17, dst_port=6081)),
    (ipv4(A, B, 17, udp((2152, 2152), gtp(0x30, b"", INNER))), inner("gtpu")),
    (ipv4(A, B, 17, udp((2152, 2152), gtp(0x34, b"\0\0\0\x85\x01\x10\x05\x00", INNER6))), inner("gtpu", INNER6)),
    (ipv4(A, B, 17, udp((2152, 2152), gtp(0x30, b"", INNER, 1))), outer(17, src_port=2152)),
    (ipv4(A, B, 17, udp((5555, 4789), vxlan(42, ethernet(0x0800, ipv4(A, C, 4, INNER))))), inner("vxlan(42)/ipip")),
)
case(
    "tunnels: in Ethernet",
    [
        (0, ethernet(0x8847, struct.pack("!II", 16 << 12 | 64, 17 << 12 | 0x140) + INNER)),
        (1, ethernet(0x8847, struct.pack("!I", 18 << 12 | 0x140) + BACK, back=True)),
        (2, ethernet(0x8848, struct.pack("!I", 18 << 12 | 0x140) + INNER6)),
        (3, ethernet(0x8847, struct.pack("!II", 18 << 12 | 0x140, 0) + ethernet(0x0800, INNER, (6,)))),
        (4, ethernet(0x8864, struct.pack("!HHHH", 0x1100, 77, 2 + len(INNER), 0x0021) + INNER)),
        (5, ethernet(0x8864, struct.pack("!HHHH", 0x1100, 77, 2 + len(INNER6), 0x0057) + INNER6, (5,))),
        (6, ethernet(0x8864, struct.pack("!HHHH", 0x1100, 77, 12, 0xC021) + bytes(10))),
    ],
    ETHERNET,
    flow=[
        inner("mpls", packets=2, bwd_packets=1, ip_bytes=76, payload_bytes=20, wire_bytes=(22 + 38) + (18 + 38),
              src_mac="02:00:00:00:00:0a"),
        inner("mpls", INNER6),
        inner("mpls", vlan="6"),
        inner("pppoe(77)"),
        inner("pppoe(77)", INNER6, vlan="5"),
    ],
    nfstream=[dict(packets=3), dict(packets=1), dict(packets=1), dict(packets=1)],
)  # fmt: skip
case(
    "tunnels: what the two directions do not share is not in the key",
    [
        (0, ipv4(A, B, 17, udp((2152, 2152), gtp(0x30, b"", INNER, tunnel=11)))),
        (1, ipv4(C, A, 17, udp((2152, 2152), gtp(0x30, b"", BACK, tunnel=22)))),
        (2, ipv4(A, B, 47, gre(0x2000, 0x0800, b"\0\0\0\1", INNER))),
        (3, ipv4(B, A, 47, gre(0x2000, 0x0800, b"\0\0\0\2", BACK))),
        (4, INNER),
    ],
    flow=[
        inner("gtpu", packets=2, bwd_packets=1, ip_bytes=76, payload_bytes=20),
        inner("gre", packets=2, bwd_packets=1, ip_bytes=76, payload_bytes=20),
        inner(None),
    ],
    engelen=[dict(packets=5)],
)

# -- fragments ------------------------------------------------------------------------------------------------------

WHOLE = udp((1111, 2222), 40)
MORE = 0x2000


def piece(start: int, end: int, identification: int, ends: tuple[str, str] = (A, B)) -> bytes:
    offset = start // 8 | (MORE if end < len(WHOLE) else 0)
    return ipv4(*ends, 17, WHOLE[start:end], fragment=offset, identification=identification)


case(
    "fragments follow their first",
    [
        (0, piece(24, 48, 1)),
        (1, piece(0, 24, 1)),
        (2, piece(24, 48, 1)),
        (3, piece(24, 48, 2)),
        (4, piece(24, 48, 1, (B, A))),
        (32, piece(24, 48, 1)),
        (62.1, piece(24, 48, 1)),
        (62.2, piece(24, 48, 1)),
    ],
    flow=[
        dict(packet=2, packets=3, fwd_packets=3, src_port=1111, fragment_packets=3, payload_bytes=16 + 24 + 24,
             transport_bytes=72, ip_bytes=132, last_packet=6, fwd_header_min_bytes=8, history="D")
    ],
    nfstream=[dict(packet=2, packets=1, fragment_packets=1)],
    engelen=[dict(packet=2, packets=1)],
    first_packets=[dict(packet=2, payload_bytes=16), dict(packet=3, payload_bytes=24, forward=True), dict(packet=6)],
)  # fmt: skip
case(
    "fragments of IPv6, and of a tunnel",
    [
        (0, ipv6(A6, B6, 44, ipv6_fragment(17, 0, True, 9, WHOLE[:24]))),
        (60, ipv6(A6, B6, 44, ipv6_fragment(17, 3, False, 9, WHOLE[24:]))),
        (121, ipv6(A6, B6, 44, ipv6_fragment(17, 3, False, 9, WHOLE[24:]))),
        (122, ipv6(A6, B6, 44, ipv6_fragment(17, 0, False, 10, WHOLE))),
        (130, ipv4(A, B, 4, INNER[:32], fragment=MORE, identification=3)),
        (131, ipv4(A, B, 4, INNER[32:], fragment=4, identification=3)),
    ],
    flow=[
        dict(packets=3, fragment_packets=2, src_port=1111, protocol=17, transport_bytes=24 + 24 + 48, ip_bytes=240),
        dict(packets=2, src_ip="192.168.0.1", tunnel="ipip", src_port=1111, protocol=17, fwd_packets=2,
             ip_bytes=32 + 26, payload_bytes=4 + 6),
    ],
)  # fmt: skip

case(
    "fragments of another VLAN, protocol or identification have another first",
    [
        (at, ethernet(0x0800, data, vlans))
        for at, (data, vlans) in enumerate(
            [
                (piece(0, 24, 1), (7,)),
                (piece(24, 48, 1), ()),
                (piece(24, 48, 1), (8,)),
                (piece(24, 48, 2), (7,)),
                (ipv4(A, B, 6, WHOLE[24:48], fragment=3, identification=1), (7,)),
                (piece(24, 48, 1), (7,)),
            ]
        )
    ],
    ETHERNET,
    flow=[dict(packets=2, last_packet=6, vlan="7")],
)

# -- link types -----------------------------------------------------------------------------------------------------

for link_type, header, carried in (
    (113, struct.pack("!HHH", 0, 1, 6) + bytes(8) + b"\x08\0", INNER),
    (276, b"\x86\xdd" + bytes(18), INNER6),
    (0, b"\2\0\0\0", INNER),
    (0, b"\0\0\0\x1e", INNER6),
    (108, b"\0\0\0\2", INNER),
    (12, b"", INNER6),
    (228, b"", INNER),
    (229, b"", INNER6),
):
    case(
        f"link type {link_type}, {header.hex() or 'no header'}",
        [(1, header + carried)],
        link_type,
        flow=[inner(None, carried, src_mac=None, dst_mac=None, wire_bytes=len(header + carried))],
    )

# -- who is the initiator -------------------------------------------------------------------------------------------

case(
    "initiator: sender of the first SYN, though it is not the first packet",
    talk((0, "B", "A"), (1, "A", "S"), (2, "B", "SA")),
    flow=[dict(src_ip=A, direction_evidence="syn", fwd_packets=1, bwd_packets=2, history="^aSh", connection_state="S1",
               bwd_start_ns=0, fwd_start_ns=SECOND)],
    nfstream=[dict(src_ip=B, direction_evidence="first_packet", fwd_packets=2)],
    engelen=[dict(src_ip=B, direction_evidence="first_packet")],
)  # fmt: skip
case(
    "initiator: receiver of the first SYN-ACK",
    talk((0, "B", "SA"), (1, "A", "A")),
    flow=[dict(src_ip=A, direction_evidence="syn_ack", bwd_packets=1, history="^hA", connection_state="OTH")],
    nfstream=[dict(src_ip=B)],
    engelen=[dict(src_ip=A, direction_evidence="syn_ack")],
)
case(
    "initiator: the other side has a system port",
    datagrams((0, "B", 5), (1, "A", 5), ports=(40000, 1023)),
    flow=[dict(src_ip=A, src_port=40000, direction_evidence="port", bwd_packets=1, history="^dD")],
    nfstream=[dict(src_ip=B, src_port=1023, direction_evidence="first_packet")],
)
for own, other in ((40000, 1024), (500, 600), (40000, 0)):
    case(
        f"initiator: ports {own} and {other} say nothing",
        datagrams((0, "B", 5), ports=(own, other)),
        flow=[dict(src_ip=B, direction_evidence="first_packet")],
    )
case(
    "initiator: groups and all send nothing",
    [
        (0, ipv4(A, "224.0.0.9", 17, udp((520, 5000)))),
        (1, ipv4(A, "255.255.255.255", 17, udp((520, 5000)))),
        (2, ipv4(A, "10.0.0.255", 17, udp((520, 5000)))),
        (3, ipv6(A6, "ff02::9", 17, udp((521, 5000)))),
        (4, ipv4(A, "224.0.0.9", 17, udp((5000, 520)))),
    ],
    flow=[
        dict(src_ip=A, direction_evidence="first_packet", src_mac=None),
        dict(src_ip=A, direction_evidence="first_packet"),
        dict(src_ip="10.0.0.255", direction_evidence="port", fwd_packets=0, bwd_packets=1, fwd_start_ns=None,
             fwd_wire_min_bytes=None, fwd_ttl_first=None, connection_state="SHR"),
        dict(src_ip=A6, direction_evidence="first_packet"),
        dict(src_ip=A, direction_evidence="port"),
    ],
)  # fmt: skip

# -- when a flow ends -----------------------------------------------------------------------------------------------

case(
    "idle: over 120 s, in milliseconds at 120 s",
    talk(
        (0.0009, "A", "A"), (119.9998, "A", "A"), (239.9998, "A", "A"), (359.999800001, "A", "A"), (480.0001, "A", "A")
    ),
    flow=[dict(packets=3, end_reason="idle"), dict(packets=1, end_reason="idle"), dict(packets=1)],
    nfstream=[
        dict(packets=2, end_reason="idle"),
        dict(packets=1, end_reason="idle"),
        dict(packets=1, end_reason="idle"),
        dict(packets=1, end_reason="end_of_input"),
    ],
    engelen=[
        dict(packets=2, end_reason="active", connection_part=1),
        dict(packets=2, end_reason="active", connection_part=2),
        dict(packets=1, end_reason="end_of_input", connection_part=3, connection=1),
    ],
)
case(
    "idle: nfstream compares whole milliseconds",
    datagrams((0.0009, "A", 1), (120.0001, "A", 1)),
    flow=[dict(packets=2)],
    nfstream=[dict(packets=1, end_reason="idle"), dict(packets=1)],
)
case(
    "active: a connection in parts",
    talk(
        (0, "A", "S", dict(seq=100, options=MSS_1460_SCALE_7)),
        (1, "B", "SA", dict(seq=500, ack=101, options=MSS_1400_SCALE_8)),
        *[(100 * n, "A", "A", dict(seq=101 + 10 * n, ack=501, payload=10)) for n in range(1, 18)],
        (1799.999, "A", "A", dict(seq=291, ack=501, payload=10)),
        (1800, "B", "A", dict(seq=501, ack=301, window=3)),
        (1801, "A", "A", dict(seq=291, ack=501, payload=10)),
        (1802, "A", "A", dict(seq=281, ack=501, payload=10)),
        (1803, "A", "S", dict(seq=100)),
        (1804, "A", "S", dict(seq=99999)),
    ),
    flow=[
        dict(packets=20, end_reason="active", connection=1, connection_part=1, history="ShGD", fwd_tcp_missing_bytes=20,
             connection_state="S1", duration_ns=1799_999 * MS),
        dict(packet=21, packets=4, src_ip=A, direction_evidence="syn", connection=1, connection_part=2,
             connection_duration_ns=1803 * SECOND, duration_ns=3 * SECOND, fwd_tcp_retransmitted_packets=2,
             fwd_tcp_retransmitted_bytes=10, fwd_tcp_out_of_order_packets=1, fwd_tcp_missing_bytes=10,
             fwd_tcp_initial_seq=291, fwd_tcp_mss=1460, bwd_tcp_window_scale=8, bwd_tcp_max_window_bytes=3 * 256,
             bwd_tcp_mss=1400, end_reason="syn", history="^aTDS", connection_state="S1",
             handshake_syn_ack_ns=SECOND),
        dict(packet=25, packets=1, connection=25, connection_part=1, fwd_tcp_mss=None, end_reason="end_of_input"),
    ],
    nfstream=[dict(packets=20, end_reason="active"), dict(packets=5, connection=21, connection_part=1, src_ip=B)],
)  # fmt: skip
case(
    "closed flows take late acknowledgments, and a SYN begins another",
    talk(
        (0, "A", "S", dict(seq=1)),
        (1, "B", "SA", dict(seq=1)),
        (2, "A", "FA"),
        (3, "B", "FA"),
        (4, "A", "A"),
        (5, "B", "SA", dict(seq=1)),
        (6, "A", "S", dict(seq=1)),
        (7, "B", "R"),
        (8, "A", "A"),
        (9, "A", "S", dict(seq=1)),
    ),
    flow=[
        dict(packets=6, end_reason="fin"),
        dict(packets=3, end_reason="rst", connection=7),
        dict(packets=1, end_reason="end_of_input"),
    ],
    nfstream=[dict(packets=10, end_reason="rst")],
    engelen=[
        dict(packets=5, end_reason="fin"),
        dict(packets=4, src_ip=A, direction_evidence="syn_ack", end_reason="rst"),
        dict(packets=1),
    ],
)
case(
    "a SYN in an open flow",
    talk(
        (0, "A", "S", dict(seq=1)),
        (1, "A", "S", dict(seq=2)),
        (2, "B", "SA", dict(seq=1, ack=3)),
        (3, "A", "S", dict(seq=2)),
        (4, "A", "S", dict(seq=3)),
        (5, "A", "FA", dict(seq=4)),
        (6, "B", "FA", dict(seq=9)),
        (7, "A", "S", dict(seq=3)),
    ),
    flow=[dict(packets=4, end_reason="syn"), dict(packets=3, end_reason="fin"), dict(packets=1)],
    engelen=[dict(packets=8)],
)
case(
    "idle at the end of the input, by the median time",
    datagrams((0, "A", 1), (10, "A", 1), ports=(1, 2)) + datagrams((150, "A", 1), (400, "A", 1), (500, "A", 1)),
    flow=[dict(end_reason="idle", packets=2), dict(end_reason="idle", packets=1), dict(packets=2)],
    engelen=[
        dict(end_reason="active", packets=2),
        dict(end_reason="active", packets=1),
        dict(end_reason="end_of_input", packets=2),
    ],
)
case(
    "engelen: at the end of the input, what could go on has not ended",
    talk((0, "A", "A"), (1, "A", "A"))
    + datagrams((2, "A", 1), (100, "A", 1), ports=(3, 4))
    + datagrams((3, "A", 1), ports=(5, 6))
    + [(at, ipv4(A, B, 17, udp((7, at)))) for at in range(200, 220)],
    engelen=[dict(end_reason="end_of_input"), dict(end_reason="end_of_input"), dict(end_reason="active")]
    + [dict(end_reason="end_of_input", packets=1)] * 20,
)
case(
    "engelen: the first packet does not close a flow",
    talk(
        (0, "A", "R"),
        (1, "A", "S", dict(seq=1)),
        (2, "A", "R"),
        (3, "A", "S", dict(seq=1)),
    ),
    engelen=[dict(packets=3, end_reason="rst"), dict(packets=1)],
)
case(
    "engelen: nor is a FIN in it one of the two",
    talk((0, "A", "FA"), (1, "B", "FA"), (2, "A", "A"), (3, "A", "S", dict(seq=1))),
    engelen=[dict(packets=4, end_reason="fin")],
)

# -- time -----------------------------------------------------------------------------------------------------------

case(
    "packets captured after later ones",
    datagrams((10, "A", 1), (12, "B", 1), (9, "A", 1), (11, "B", 1), (13, "A", 1)),
    flow=[
        dict(ts_ns=9 * SECOND, ts=9_000_000, duration_ns=4 * SECOND, disordered_packets=2, iat_min_ns=SECOND,
             iat_max_ns=2 * SECOND, iat_mean_ns=1.5 * SECOND, fwd_iat_min_ns=3 * SECOND, fwd_iat_max_ns=3 * SECOND,
             fwd_iat_stddev_ns=None, bwd_iat_min_ns=None, fwd_start_ns=0, bwd_start_ns=2 * SECOND,
             fwd_duration_ns=4 * SECOND, bwd_duration_ns=SECOND, active_max_ns=3 * SECOND, subflows=2)
    ],
    first_packets=[
        dict(offset_ns=0, iat_ns=None),
        dict(offset_ns=2 * SECOND, iat_ns=2 * SECOND),
        dict(offset_ns=-SECOND, iat_ns=None),
        dict(offset_ns=SECOND, iat_ns=None),
        dict(offset_ns=3 * SECOND, iat_ns=SECOND, packet=5, forward=True, tcp_flags=None),
    ],
)  # fmt: skip
case(
    "bursts and gaps",
    datagrams((0, "A", 1), (1, "A", 1), (7, "A", 1), (12, "A", 1), (18, "A", 1), (24, "A", 1), (25.5, "A", 1)),
    flow=[
        dict(subflows=6, active_periods=3, idle_periods=3, active_min_ns=SECOND, active_max_ns=5 * SECOND,
             active_mean_ns=2.5 * SECOND, closed_active_max_ns=5 * SECOND, closed_active_mean_ns=3.0 * SECOND,
             idle_min_ns=6 * SECOND, idle_max_ns=6 * SECOND, idle_stddev_ns=0.0,
             closed_active_stddev_ns=math.sqrt(8) * SECOND)
    ],
)  # fmt: skip
case(
    "bulk",
    datagrams(
        *[(n, "A", 10) for n in range(4)],
        (3.5, "A", 0),
        (4.1, "A", 10),
        *[(10 + n / 10, "B", 20) for n in range(5)],
        (10.3, "A", 10),
        (10.5, "B", 20),
        (10.6, "B", 20),
        (10.6, "A", 10),
    ),
    flow=[
        dict(fwd_bulk_count=1, fwd_bulk_packets=4, fwd_bulk_bytes=40, fwd_bulk_duration_ns=3 * SECOND,
             bwd_bulk_count=1, bwd_bulk_packets=5, bwd_bulk_bytes=100, bwd_bulk_duration_ns=400 * MS)
    ],
)  # fmt: skip
case(
    "bulk goes on if the other side's payload is not later than its first packet",
    datagrams((1, "A", 10), (1, "B", 10), (0.5, "B", 1), (1.2, "A", 10), (1.3, "A", 10), (1.4, "A", 10)),
    flow=[dict(fwd_bulk_count=1, fwd_bulk_packets=4, fwd_bulk_duration_ns=400 * MS, bwd_bulk_count=0)],
)

# -- TCP by sequence numbers ----------------------------------------------------------------------------------------


def sent(*segments: tuple, flags: str = "A") -> list[tuple[float, bytes]]:
    """Segments of A: (sequence number, bytes of payload) and perhaps flags."""
    return talk(
        *[
            (at / 10, "A", (*more, flags)[0], dict(seq=seq, payload=size))
            for at, (seq, size, *more) in enumerate(segments)
        ]
    )


case(
    "sequence numbers: holes, filled and not",
    sent((100, 0, "S"), (101, 10), (121, 10), (111, 5), (111, 5), (125, 10), (101, 10)),
    flow=[
        dict(fwd_tcp_retransmitted_packets=2, fwd_tcp_retransmitted_bytes=15, fwd_tcp_out_of_order_packets=1,
             fwd_tcp_missing_bytes=5, history="SDGT", fwd_tcp_initial_seq=100, fwd_tcp_window_scale=None,
             fwd_tcp_max_window_bytes=None)
    ],
    engelen=[dict(fwd_tcp_repeated_packets=2)],
)  # fmt: skip
case(
    "sequence numbers: keep-alives",
    sent((101, 10), (110, 0), (110, 1), (110, 1, "FA"), (112, 0)),
    flow=[dict(fwd_tcp_keep_alive_packets=2, fwd_tcp_retransmitted_packets=0, history="DAF", fwd_tcp_missing_bytes=0)],
)
case(
    "sequence numbers: two bytes are no keep-alive",
    sent((101, 10), (110, 2), (112, 1)),
    flow=[dict(fwd_tcp_keep_alive_packets=0, fwd_tcp_retransmitted_packets=0, fwd_tcp_missing_bytes=0, history="D")],
)
case(
    "sequence numbers: beyond 2^32",
    sent((2**32 - 5, 10), (5, 10), (2**32 - 5, 10), (20, 5), (15, 5)),
    flow=[
        dict(fwd_tcp_retransmitted_packets=1, fwd_tcp_out_of_order_packets=1, fwd_tcp_missing_bytes=0, history="DTG")
    ],
)
case(
    "sequence numbers: a jump begins anew, RST and bare acknowledgments change nothing",
    sent((100, 10), (120, 10), (2**31, 10), (2**31 + 10, 10), (110, 0), (500, 0), (77, 0, "R"), (2**31 + 20, 1)),
    flow=[dict(fwd_tcp_missing_bytes=10, fwd_tcp_retransmitted_packets=0, history="DGAR")],
)
case(
    "sequence numbers: the oldest of 17 holes cannot be filled",
    sent(*[(2 * n, 1) for n in range(18)], (1, 1), (3, 1)),
    flow=[dict(fwd_tcp_missing_bytes=16, fwd_tcp_retransmitted_packets=1, fwd_tcp_out_of_order_packets=1,
               history="DGGT")],
)  # fmt: skip
case(
    "SYN and FIN occupy a number",
    sent((10, 0, "S"), (10, 0, "S"), (11, 5), (16, 0, "FA"), (16, 0, "FA"), (18, 1)),
    flow=[dict(fwd_tcp_retransmitted_packets=2, fwd_tcp_retransmitted_bytes=0, fwd_tcp_missing_bytes=1,
               history="SDFG")],
)  # fmt: skip
case(
    "duplicate acknowledgments",
    talk(
        (0.0, "B", "A", dict(seq=5001, payload=100)),
        (0.1, "A", "A", dict(seq=1, ack=5001, window=7)),
        (0.2, "A", "A", dict(seq=1, ack=5001, window=7)),
        (0.3, "A", "A", dict(seq=1, ack=5001, window=7)),
        (0.4, "A", "A", dict(seq=1, ack=5001, window=8)),
        (0.5, "A", "PA", dict(seq=1, ack=5001, window=8, payload=5)),
        (0.6, "A", "A", dict(seq=6, ack=5001, window=8)),
        (0.7, "A", "A", dict(seq=5, ack=5001, window=8)),
        (0.8, "A", "A", dict(seq=6, ack=5101, window=8)),
        (0.9, "A", "A", dict(seq=6, ack=5101, window=8)),
    ),
    flow=[
        dict(src_ip=B, bwd_tcp_duplicate_ack_packets=3, bwd_tcp_keep_alive_packets=1, fwd_tcp_duplicate_ack_packets=0)
    ],
)
case(
    "windows",
    talk(
        (0, "A", "S", dict(seq=1, window=0, options=b"\x03\x03\x0f\x01")),
        (1, "B", "SA", dict(seq=1, window=5)),
        *[(2 + n, "A", "A", dict(seq=2, window=0)) for n in range(10)],
        (12, "A", "A", dict(seq=2, window=300)),
        (13, "A", "RA", dict(seq=2, window=0)),
    ),
    flow=[
        dict(fwd_tcp_initial_window=0, fwd_tcp_first_nonzero_window=300, fwd_tcp_max_window=300,
             fwd_tcp_max_window_bytes=300, fwd_tcp_window_scale=0, fwd_tcp_zero_window_packets=10, fwd_tcp_mss=None,
             bwd_tcp_max_window_bytes=None, bwd_tcp_window_scale=0, bwd_tcp_max_window=5, history="ShWAWR")
    ],
)  # fmt: skip
case(
    "a window scale over 14 is 14",
    talk((0, "A", "S", dict(options=b"\x03\x03\x0f\x01")), (1, "B", "SA", dict(options=b"\x03\x03\x01\x01"))),
    flow=[dict(fwd_tcp_window_scale=14, bwd_tcp_window_scale=1, fwd_tcp_max_window_bytes=None)],
)

# -- state and history ----------------------------------------------------------------------------------------------

for written, state in (
    ("A:S B:SA A:FA B:FA", "SF"),
    ("A:S B:SA A:R", "RSTO"),
    ("A:S B:SA B:R", "RSTR"),
    ("A:S B:SA B:R A:R", "RSTR"),
    ("A:S B:SA A:FA B:FA B:R", "SF"),
    ("A:S B:SA A:FA A:R B:FA", "RSTO"),
    ("A:S B:SA A:FA", "S2"),
    ("A:S B:SA A:FA B:R", "RSTR"),
    ("A:S B:SA B:FA", "S3"),
    ("A:S B:SA A:A", "S1"),
    ("A:S B:RA", "REJ"),
    ("A:S B:RA A:R", "REJ"),
    ("A:S A:R", "RSTOS0"),
    ("A:S A:FA", "SH"),
    ("A:S A:FA B:FA B:R", "SH"),
    ("A:S B:FA", "S0"),
    ("A:S B:S", "S0"),
    ("A:S", "S0"),
    ("B:SA B:R", "RSTRH"),
    ("B:SA A:R", "RSTO"),
    ("B:SA B:FA", "SHR"),
    ("B:SA A:FA", "OTH"),
    ("B:SA", "OTH"),
    ("A:A B:A A:R", "OTH"),
    ("A:A A:FA B:FA", "OTH"),
):
    steps = [step.split(":") for step in written.split()]
    case(
        f"state: {written}",
        talk(*[(at, sender, flags, dict(seq=7)) for at, (sender, flags) in enumerate(steps)]),
        flow=[dict(src_ip=A, connection_state=state)],
    )
case("state of UDP", datagrams((0, "A", 1), (1, "A", 1)), flow=[dict(connection_state="S0", history="D")])
case(
    "history: SYN with FIN, with RST, no flags, urgent",
    talk((0, "A", "SF"), (1, "B", "SR"), (2, "A", ""), (3, "A", "UECA"), (4, "B", "PA", dict(payload=1))),
    flow=[dict(history="QFqrAd", fwd_urg_packets=1, fwd_ece_packets=1, fwd_cwr_packets=1, direction_evidence="syn")],
)
case("history of UDP without payload", datagrams((0, "A", 0), (1, "B", 0)), flow=[dict(history="", data_packets=0)])
case(
    "the handshake begins with the first SYN, and its answers come after it",
    talk(
        (0, "B", "SA", dict(seq=7)),
        (1, "A", "S", dict(seq=1)),
        (2, "A", "S", dict(seq=1)),
        (3, "A", "A", dict(seq=2)),
        (4, "B", "SA", dict(seq=7)),
        (5, "B", "SA", dict(seq=7)),
        (6, "A", "A", dict(seq=2)),
    ),
    # One SYN ends the SYN-ACK before it only if both sides have sent packets.
    flow=[dict(handshake_syn_ack_ns=3 * SECOND, handshake_ack_ns=2 * SECOND, packets=7, connection_state="S1")],
)

# -- lengths --------------------------------------------------------------------------------------------------------

case(
    "lengths that are none, too great, too small",
    [
        (0, ethernet(0x0800, ipv4(A, B, 6, tcp((1, 2), "A", payload=100), total=0))),
        (1, ethernet(0x0800, ipv4(A, B, 6, tcp((1, 3), "A", payload=100), total=1500))),
        (2, ethernet(0x0800, ipv4(A, B, 6, tcp((1, 4), "A", payload=1)) + bytes(5))),
        (3, ethernet(0x0800, ipv4(A, B, 17, udp((1, 5), 20, length=18)))),
        (4, ethernet(0x0800, ipv4(A, B, 17, udp((1, 6), 20, length=999)))),
        (5, ethernet(0x0800, ipv4(A, B, 17, udp((1, 7), 20, length=7)))),
        (6, ethernet(0x0800, ipv4(A, B, 17, udp((1, 8), 20, length=0)))),
        (7, ethernet(0x0800, ipv4(A, B, 6, tcp((1, 9), "S")[:12] + b"\x40\x02" + bytes(20)))),
        (8, ethernet(0x0800, ipv4(A, B, 6, struct.pack("!HHI", 1, 10, 0)))),
        (11, ethernet(0x86DD, ipv6(A6, B6, 17, udp((1, 12), 20), length=99))),
        (12, ethernet(0x86DD, ipv6(A6, B6, 60, b"\x11\0\1\4" + bytes(4) + udp((1, 13), 20)))),
        (13, ethernet(0x86DD, ipv6(A6, B6, 51, b"\x11\4" + bytes(22) + udp((1, 14), 20)))),
        (14, ethernet(0x86DD, ipv6(A6, B6, 59, bytes(9)))),
    ],
    ETHERNET,
    flow=[
        dict(ip_bytes=140, transport_bytes=120, payload_bytes=100),
        dict(ip_bytes=140, payload_bytes=100),
        dict(ip_bytes=41, payload_bytes=1, wire_bytes=60),
        dict(ip_bytes=48, transport_bytes=28, payload_bytes=10),
        dict(ip_bytes=48, payload_bytes=20),
        dict(payload_bytes=0, fwd_header_min_bytes=8, dst_port=7, transport_bytes=28),
        dict(payload_bytes=20),
        dict(
            payload_bytes=34,
            fwd_tcp_initial_seq=None,
            fwd_tcp_max_window=None,
            fwd_tcp_missing_bytes=0,
            fwd_syn_packets=0,
            dst_port=9,
            connection_state="OTH",
        ),
        dict(payload_bytes=8, dst_port=10),
        dict(ip_bytes=68, payload_bytes=20, dst_port=12),
        dict(ip_bytes=76, transport_bytes=28, payload_bytes=20, protocol=17),
        dict(ip_bytes=92, transport_bytes=28, payload_bytes=20, protocol=17),
        dict(ip_bytes=49, payload_bytes=9, protocol=59),
    ],
)
case(
    "ports that are not there",
    [(0, ipv4(A, B, 17, b"\0\1")), (1, ipv4(A, B, 6, b""))],
    flow=[
        dict(payload_bytes=2, src_port=None, dst_port=None, direction_evidence="first_packet"),
        dict(payload_bytes=0, src_port=None, dst_port=None),
    ],
)
case(
    "IPv4 headers that contradict themselves",
    [
        (0, ipv4(A, B, 17, udp((1, 2)), total=19)),
        (1, b"\x44" + ipv4(A, B, 17, udp((1, 3)))[1:]),
        (2, b"\x47" + ipv4(A, B, 17, b"")[1:]),
        (3, b"\x46" + ipv4(A, B, 17, bytes(4) + udp((1, 4)))[1:]),
    ],
    flow=[dict(packet=4, dst_port=4, ip_bytes=32, transport_bytes=8)],
)
OPTIONS = b"\x11\1\1\x0c" + bytes(12)
case(
    "IPv6 extension headers that contradict the length",
    [(0, ipv6(A6, B6, 60, OPTIONS[:8])), (1, ipv6(A6, B6, 60, OPTIONS + udp((1, 2)), length=12))],
    flow=[dict(packets=2, protocol=60, payload_bytes=8 + 12, ip_bytes=48 + 52)],
)
CASES.append(
    Case(
        "IPv6 extension headers that the snap length cuts",
        [(0, 64, ipv6(A6, B6, 60, OPTIONS + udp((1, 2)))[:44]), (1, 64, ipv6(A6, B6, 60, OPTIONS + udp((1, 2)))[:60])],
        {FLOW: [dict(protocol=60, ip_bytes=64, payload_bytes=24), dict(protocol=17, src_port=1, payload_bytes=8)]},
    )
)
JUMBO = b"\x11\0\xc2\4" + struct.pack("!I", 8 + 8 + 66000) + udp((1, 2), 66000, length=0)
case(
    "a jumbogram, and classes of sizes",
    [
        (0, ipv6(A6, B6, 0, JUMBO, length=0)),
        *[(1 + at, ipv4(A, B, 17, udp((1, 2), size - 28), ttl=ttl)) for at, (size, ttl) in enumerate(
            [(128, 64), (129, 63), (256, 65), (257, 64), (512, 64), (513, 64), (1024, 64), (1025, 64), (1514, 64),
             (1515, 60)])],
    ],
    flow=[
        dict(ip_bytes=66056, payload_bytes=66000, ip_over_1514_packets=1),
        dict(ip_upto_128_packets=1, ip_upto_256_packets=2, ip_upto_512_packets=2, ip_upto_1024_packets=2,
             ip_upto_1514_packets=2, ip_over_1514_packets=1, fwd_ttl_first=64, fwd_ttl_min=60, fwd_ttl_max=65,
             bwd_ttl_min=None),
    ],
)  # fmt: skip
CUT = ipv4(A, B, 6, tcp((1, 2), "S", seq=5, payload=50, options=MSS_1460_SCALE_7))
CASES.append(
    Case(
        "the snap length does not change lengths",
        [(0, 98, CUT[:44]), (SECOND, 98, CUT[:39]), (2 * SECOND, 98, CUT[:19])],
        {
            FLOW: [
                dict(packets=2, ip_bytes=196, wire_bytes=196, payload_bytes=50 + 78, fwd_tcp_mss=1460, fwd_syn_packets=1,
                     fwd_tcp_initial_seq=5)
            ]
        },
    )
)  # fmt: skip
case(
    "DNS",
    [
        (0, ipv4(A, B, 17, udp((5000, 53), dns(99, None)))),
        (1, ipv4(A, B, 17, udp((5000, 53), dns(100, 28)))),
        (2, ipv4(B, A, 17, udp((53, 5000), dns(100, 28, 300)))),
        (3, ipv4(A, B, 17, udp((5001, 53), dns(101, 1)))),
        (4, ipv4(A, B, 6, tcp((5002, 53), "PA", payload=struct.pack("!H", 29) + dns(102, 15)))),
        (5, ipv4(A, B, 17, udp((5003, 5004), b"nothing of the kind"))),
        (6, ipv4(A, B, 17, udp((5005, 53), dns(103, 12, 9).replace(b"\x81\x80", b"\1\0")))),
    ],
    flow=[
        dict(service="dns", dns_id=99, dns_query_type=28, dns_answer_ttl=300, packets=3),
        dict(service="dns", dns_id=101, dns_query_type=1, dns_answer_ttl=None),
        dict(service="dns", dns_id=102, dns_query_type=15),
        dict(service=None, dns_id=None),
        dict(service="dns", dns_id=103, dns_query_type=12, dns_answer_ttl=None),
    ],
)

# -- the other policies ---------------------------------------------------------------------------------------------

case(
    "nfstream begins anew after the active time-out, at 1,800 s",
    datagrams(*[(100 * n, "A", 1) for n in range(18)], (1799.999, "A", 1), (1800, "B", 1)),
    nfstream=[
        dict(packets=19, end_reason="active"),
        dict(packets=1, src_ip=B, connection=20, connection_part=1, connection_duration_ns=0),
    ],
    flow=[dict(packets=19, end_reason="active"), dict(packets=1, src_ip=A, connection=1, connection_part=2)],
)
case(
    "engelen: 120 s, over, in microseconds; UDP that was silent begins anew",
    datagrams((0.0000009, "A", 1), (120.0000001, "A", 1), (120.0000010, "B", 1), (200, "B", 1),
              (240.000002, "B", 1), (361, "A", 1)),
    engelen=[
        dict(packets=2, end_reason="active", connection_part=1),
        dict(packets=2, end_reason="active", connection_part=2, connection=1, src_ip=A, fwd_packets=0),
        dict(packets=1, end_reason="active", connection_part=3, connection=1),
        dict(packets=1, end_reason="end_of_input", connection_part=1, connection=6),
    ],
)  # fmt: skip
case(
    "engelen: ICMP begins anew after the active time-out",
    [(0, ipv4(A, B, 1, icmp(8))), (121, ipv4(B, A, 1, icmp(0)))],
    engelen=[dict(end_reason="active"), dict(connection=2, connection_part=1, src_ip=B)],
)
case(
    "the handshake goes by time, though the answer was captured before the question",
    talk(
        (0.2, "B", "SA", dict(seq=7)),
        (0.1, "A", "S", dict(seq=1)),
        (0.3, "A", "A", dict(seq=2)),
        (0.05, "B", "SA", dict(seq=7)),
        (0.4, "B", "SA", dict(seq=7)),
    ),
    flow=[dict(handshake_syn_ack_ns=SECOND // 10, handshake_ack_ns=SECOND // 10, src_ip=A)],
)
case(
    "a SYN begins another connection, also at the active time-out",
    talk(
        (0, "A", "S", dict(seq=1)),
        (1, "B", "RA", dict(seq=1)),
        *((100.0 * n, "B", "A", dict(seq=2)) for n in range(1, 18)),
        (1801, "A", "S", dict(seq=1)),
    ),
    flow=[dict(packets=19, end_reason="rst", connection_part=1), dict(packets=1, connection_part=1)],
)
case(
    "engelen: FIN of both sides closes with the acknowledgment after them",
    talk(
        (0, "A", "S", dict(seq=1)),
        (1, "A", "FA", dict(seq=2)),
        (2, "B", "FA", dict(seq=2)),
        (3, "A", "S", dict(seq=9)),
        (4, "A", "FA", dict(seq=2)),
        (4.5, "A", "S", dict(seq=9)),
        (5, "A", "A", dict(seq=3)),
        (6, "A", "S", dict(seq=9)),
    ),
    engelen=[dict(packets=7, end_reason="fin"), dict(packets=1)],
)
case(
    "engelen: packets that repeat an earlier one of their side, also of the part before",
    talk(
        (0, "A", "A", dict(seq=5, ack=6, window=7, payload=8)),
        (1, "B", "A", dict(seq=5, ack=6, window=7, payload=8)),
        (2, "A", "A", dict(seq=5, ack=6, window=7, payload=8)),
        (3, "A", "A", dict(seq=5, ack=6, window=8, payload=8)),
        (121, "A", "A", dict(seq=5, ack=6, window=8, payload=8)),
    ),
    engelen=[
        dict(packets=4, fwd_tcp_repeated_packets=1, bwd_tcp_repeated_packets=0),
        dict(packets=1, fwd_tcp_repeated_packets=1, bwd_tcp_repeated_packets=None),
    ],
)
