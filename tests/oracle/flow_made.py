"""Packets and captures made for the checks of flows: headers from their fields, checksums left at zero.

Not a script of its own.
"""

from __future__ import annotations

import ipaddress
import struct
from pathlib import Path

from flow_packets import ICMP, ICMPV6, SCTP, TCP, UDP

SECOND = 1_000_000_000
MAC_A, MAC_B = bytes.fromhex("02000000000a"), bytes.fromhex("02000000000b")
FLAG_LETTERS = "FSRPAUEC"


def ethernet(kind: int, body: bytes, vlans: tuple = (), back: bool = False, tag: int = 0x8100) -> bytes:
    """From A to B, or back."""
    ends = MAC_A + MAC_B if back else MAC_B + MAC_A
    for vlan in vlans:
        ends += struct.pack("!HH", tag, vlan)
    return ends + struct.pack("!H", kind) + body


def ipv4(source: str, target: str, protocol: int, body: bytes, **more: int | None) -> bytes:
    """`total`: the length to write; `fragment`: flags and offset; `ttl`; `identification`."""
    total = more.get("total")
    total = 20 + len(body) if total is None else total
    header = struct.pack("!BBHHHBBH", 0x45, 0, total, more.get("identification", 0), more.get("fragment", 0),
                         more.get("ttl", 64), protocol, 0)  # fmt: skip
    return header + ipaddress.IPv4Address(source).packed + ipaddress.IPv4Address(target).packed + body


def ipv6(source: str, target: str, protocol: int, body: bytes, **more: int | None) -> bytes:
    """`length`: the payload length to write; `ttl`."""
    length = more.get("length")
    header = struct.pack("!IHBB", 6 << 28, len(body) if length is None else length, protocol, more.get("ttl", 64))
    return header + ipaddress.IPv6Address(source).packed + ipaddress.IPv6Address(target).packed + body


def ipv6_fragment(following: int, offset: int, more: bool, identification: int, body: bytes) -> bytes:
    return struct.pack("!BBHI", following, 0, offset << 3 | more, identification) + body


def tcp(ports: tuple[int, int], flags: str, seq: int = 0, ack: int = 0, payload: bytes | int = b"", **more) -> bytes:
    """`window`, `options`; flags by their first letters, C for CWR."""
    payload = bytes(payload) if isinstance(payload, int) else payload
    options = more.get("options", b"")
    bits = sum(1 << FLAG_LETTERS.index(letter) for letter in flags)
    size = 5 + len(options) // 4
    return struct.pack(
        "!HHIIHHHH", *ports, seq % 2**32, ack % 2**32, size << 12 | bits, more.get("window", 1000), 0, 0
    ) + (options + payload)


def udp(ports: tuple[int, int], payload: bytes | int = b"", length: int | None = None) -> bytes:
    payload = bytes(payload) if isinstance(payload, int) else payload
    return struct.pack("!HHHH", *ports, 8 + len(payload) if length is None else length, 0) + payload


def icmp(kind: int, code: int = 0, identifier: int = 0, payload: int = 0) -> bytes:
    return struct.pack("!BBHHH", kind, code, 0, identifier, 0) + bytes(payload)


def dns(identifier: int, question: int | None, ttl: int | None = None) -> bytes:
    """A query for example.com, or the response with one answer of that time to live."""
    name = b"\x07example\x03com\x00"
    counts = int(question is not None), int(ttl is not None), 0, 0
    message = struct.pack("!HHHHHH", identifier, 0x0100 if ttl is None else 0x8180, *counts)
    message += b"" if question is None else name + struct.pack("!HH", question, 1)
    return message if ttl is None else message + name + struct.pack("!HHIH", 1, 1, ttl, 4) + bytes([192, 0, 2, 1])


# -- Community ID ---------------------------------------------------------------------------------------------------

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


# -- captures ---------------------------------------------------------------------------------------------------------


def write_pcap(path: Path, link_type: int, packets: list[tuple[int, int, bytes]]) -> None:
    """A capture file with times in nanoseconds, of (time, length on the wire, bytes)."""
    with path.open("wb") as file:
        file.write(struct.pack("<IHHiIII", 0xA1B23C4D, 2, 4, 0, 0, 0, link_type))
        for time, wire, data in packets:
            file.write(struct.pack("<IIII", *divmod(time, 1_000_000_000), len(data), wire) + data)
