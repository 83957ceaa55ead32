#!/usr/bin/env python3
"""Compares the tables of `netcap decode` with what tshark says of the same capture, row by row and column by column.

    tests/oracle/tshark_compare.py                    every capture of captures.txt
    tests/oracle/tshark_compare.py FILE...            these captures (paths, or names below the captures folder)
    tests/oracle/tshark_compare.py --self-test        the comparison itself, without netcap

tshark runs once for each capture and writes PDML, in which each layer of a packet is an element of its own, and a
packet quoted in an ICMP error is an element inside of the ICMP element, so that no layer is taken for another. It is
told to show what is on the wire: no reassembly, no relative sequence numbers, no name resolution, IP checksums
checked. The table COLUMNS below says for each column what it is compared with. Rows are matched by packet and by
order within the packet. Layers behind one that netcap does not follow (GRE, MPLS, PPPoE, VXLAN ...) are not expected;
they are recognised by the layer itself and only counted.

Differences that are explained are listed in known_differences.toml, with the reason, and counted apart. The exit
status is 0 when nothing differs but those, else 1.

Needs tshark 4 and pyarrow. NETCAP names the program, NETCAP_CAPTURES the folder of captures, NETCAP_KEEP a folder in
which the decoded tables are kept.
"""

from __future__ import annotations

import argparse
import codecs
import copy
import fnmatch
import ipaddress
import math
import re
import subprocess
import sys
import tomllib
import xml.etree.ElementTree as ET
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from pathlib import Path

import common
from dns_text import Data, Name, labels_of, read_data, read_name

ANY = type("Any", (), {"__repr__": lambda self: "(not known)"})()
"""Stands for a value that tshark does not tell."""

PREFERENCES = [
    "ip.defragment:FALSE",
    "ipv6.defragment:FALSE",
    "tcp.desegment_tcp_streams:FALSE",
    "tcp.relative_sequence_numbers:FALSE",
    "tcp.analyze_sequence_numbers:FALSE",
    "dns.desegment_dns_messages:FALSE",
    "ip.check_checksum:TRUE",
]
SHOWN = "frame eth vlan ieee8021ad sll null raw arp ip ipv6 icmp icmpv6 tcp udp dns mdns llmnr"

# Layers of tshark that netcap follows, with the name of the table. Others end what is expected of a packet.
TABLES = {
    "eth": "ethernet", "vlan": "vlan", "ieee8021ad": "vlan", "arp": "arp", "ip": "ipv4", "ipv6": "ipv6",
    "icmp": "icmpv4", "icmpv6": "icmpv6", "tcp": "tcp", "udp": "udp", "dns": "dns", "mdns": "dns", "llmnr": "dns",
}  # fmt: skip
LINKS = {"sll", "null", "raw"}
# Encapsulations as netcap names them in paths; they have no tables. Empty for what it takes for a part of the one before.
TUNNELS = {
    "mpls": "mpls", "gre": "gre", "vxlan": "vxlan", "geneve": "geneve", "pppoes": "pppoe", "gtp": "gtpu", "ppp": "",
    "pwethheuristic": "", "pwethcw": "",
}  # fmt: skip
NOISE = {"geninfo", "frame", "pkt_comment", "fake-field-wrapper"}

# Encapsulations as Wireshark numbers them, and the link types of capture files that they stand for.
ENCAPSULATIONS = {1: {1}, 7: {12, 14, 101}, 129: {228}, 130: {229}, 15: {0, 108}, 25: {113}, 210: {276}}
READ_LINK_TYPES = {0, 1, 12, 14, 101, 108, 113, 228, 229, 276}

TCP_OPTION_NAMES = {0: "end", 1: "nop", 2: "mss", 3: "window_scale", 4: "sack_permitted", 5: "sack", 8: "timestamps"}
EXTENSION_HEADERS = {
    "ipv6.hopopts": 0,
    "ipv6.routing": 43,
    "ipv6.fraghdr": 44,
    "ah": 51,
    "ipv6.dstopts": 60,
    "mipv6": 135,
    "hip": 139,
    "shim6": 140,
}
ERROR_SEVERITY = 0x800000

# A header is there as a whole when it has one of these fields.
LAST_FIELDS = {
    "eth": ("eth.type", "eth.len"),
    "vlan": ("vlan.etype", "vlan.len"),
    "ieee8021ad": ("ieee8021ah.etype",),
    "arp": ("arp.dst.proto_ipv4", "arp.dst.proto", "arp.dst.hw", "arp.proto.size"),
    "ip": ("ip.dst",),
    "ipv6": ("ipv6.dst",),
    "icmp": ("icmp.checksum",),
    "icmpv6": ("icmpv6.checksum",),
    "tcp": ("tcp.urgent_pointer",),
    "udp": ("udp.checksum",),
}


# -- tshark ---------------------------------------------------------------------------------------------------------


class Layer:
    """One layer of one packet: its fields by name, and the layers inside of it."""

    def __init__(self, element: ET.Element) -> None:
        self.name = element.get("name", "")
        self.at = int(element.get("pos") or 0)
        self.size = int(element.get("size") or 0)
        self.element = element
        self.inner: list[Layer] = []
        self.fields: dict[str, list[ET.Element]] = defaultdict(list)
        self._collect(element)

    def _collect(self, element: ET.Element) -> None:
        for child in element:
            if child.tag == "proto":
                self.inner.append(Layer(child))
            else:
                self.fields[child.get("name", "")].append(child)
                self._collect(child)

    def nested(self):
        """The layers inside of this one, at any depth, in order."""
        for layer in self.inner:
            yield layer
            yield from layer.nested()

    def has(self, name: str) -> bool:
        return name in self.fields

    def text(self, name: str) -> str | None:
        found = self.fields.get(name)
        return found[0].get("show") if found else None

    def number(self, name: str) -> int | None:
        text = self.text(name)
        return int(text, 0) if text not in (None, "") else None

    def wire(self, name: str) -> int | None:
        """The number that the field's bytes make, whatever tshark made of it."""
        found = self.fields.get(name)
        value = found and (found[0].get("unmaskedvalue") or found[0].get("value"))
        return int(value, 16) if value else None

    def error(self) -> bool:
        return any(int(e.get("show") or 0) >= ERROR_SEVERITY for e in self.fields.get("_ws.expert.severity", []))


def run_tshark(capture: Path, more: list[str] = []):  # noqa: B006
    """Yields (packet element) of the PDML that tshark writes."""
    command = ["tshark", "-n", "-r", str(capture), "-T", "pdml", "-J", SHOWN]
    for preference in PREFERENCES:
        command += ["-o", preference]
    process = subprocess.Popen(command + more, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    parser = ET.XMLPullParser(["start", "end"])
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    forbidden = bytes(c for c in range(32) if c not in (9, 10, 13))
    root = None
    while chunk := process.stdout.read(1 << 20):
        parser.feed(decoder.decode(chunk.translate(None, forbidden)))
        for event, element in parser.read_events():
            if root is None:
                root = element
            if event == "end" and element.tag == "packet":
                # Wireshark numbers pcapng blocks that are no packets, too; they have no encapsulation.
                if element.find("proto[@name='frame']/field[@name='frame.encap_type']") is not None:
                    yield element
                root.clear()
    process.wait()


# -- what tshark knows of each column -------------------------------------------------------------------------------


def text(name):
    return lambda layer, packet: layer.text(name)


def number(name):
    return lambda layer, packet: layer.number(name)


def address(name):
    """An IPv6 address as RFC 5952 writes it; tshark writes ::1.2.3.4 also of addresses that are not mapped ones."""

    def value(layer, packet):
        shown = layer.text(name)
        if shown is None or ":" not in shown:
            return shown
        parsed = ipaddress.IPv6Address(shown)
        return f"::ffff:{parsed.ipv4_mapped}" if parsed.ipv4_mapped else str(parsed)

    return value


def wire(name):
    return lambda layer, packet: layer.wire(name)


def flag(name):
    return lambda layer, packet: None if layer.text(name) is None else layer.text(name) in ("1", "True", "true")


def status(name):
    """Wireshark's checksum status: 0 bad, 1 good, 2 unverified, 3 not present."""
    return lambda layer, packet: {0: False, 1: True}.get(layer.number(name))


def bit(name, shift, width=1):
    def value(layer, packet):
        whole = layer.wire(name)
        part = whole >> shift & ((1 << width) - 1)
        return bool(part) if width == 1 else part

    return value


def first_of(*readers):
    def value(layer, packet):
        return next((found for reader in readers if (found := reader(layer, packet)) is not None), None)

    return value


def only_for(name, values, reader):
    return lambda layer, packet: reader(layer, packet) if layer.number(name) in values else None


def quoted(*readers):
    """A field of the packet that an ICMP error quotes: the first IP header inside, and what follows it."""

    def value(layer, packet):
        for inner in layer.nested():
            for name, reader in readers:
                if inner.name == name and (found := reader(inner, packet)) is not None:
                    return found
        return None

    return value


def hardware_address(name):
    """An address of 6 bytes, whatever kind of hardware tshark takes it for."""

    def value(layer, packet):
        shown = layer.text(name + "_mac") or layer.text(name)
        return shown if shown and re.fullmatch(r"(\w\w:){5}\w\w", shown) else None

    return value


def ether_type(layer, packet):
    return first_of(number("eth.type"), number("vlan.etype"), number("ieee8021ah.etype"), number("sll.etype"))(
        layer, packet
    )


def tpid(layer, packet):
    before = packet.layers[packet.layers.index(layer) - 1]
    return ether_type(before, packet) if before is not layer else ANY


def ipv4_options(layer, packet):
    found = options_of(packet.data[layer.at + 20 : layer.at + layer.number("ip.hdr_len")])
    return ANY if any(value is None for _, value in found) else [{"type": kind, "data": value} for kind, value in found]


def ipv4_payload(layer, packet):
    """By the total length, but no more than the packet had on the wire; 0 stands for all of that."""
    there = packet.wire - layer.at
    return min(layer.wire("ip.len") or there, there) - layer.number("ip.hdr_len")


def extension_headers(layer, packet):
    found = [inner for inner in layer.inner if inner.name in EXTENSION_HEADERS]
    return [{"type": EXTENSION_HEADERS[inner.name], "length": inner.size} for inner in found]


def ipv6_options(layer, packet):
    found = []
    for inner in layer.inner:
        if inner.name in ("ipv6.hopopts", "ipv6.dstopts"):
            data = packet.data[inner.at + 2 : inner.at + inner.size]
            options = options_of(data, pad=(0,))
            if any(value is None for _, value in options):
                return ANY
            found += [{"type": kind, "data": value} for kind, value in options if kind != 1]
    return found


def ipv6_protocol(layer, packet):
    names = ["ipv6.nxt"]
    element = layer.element
    last = [child for child in element if child.tag == "proto" and child.get("name") in EXTENSION_HEADERS]
    if last:
        names = [last[-1].get("name") + ".nxt", "ah.next_header", "mipv6.proto", "mip6.proto", "hip.proto", "shim6.nxt"]
        layer = Layer(last[-1])
    value = first_of(*(number(name) for name in names))(layer, packet)
    if value in EXTENSION_HEADERS.values():
        return None  # one more extension header, which is cut
    return ANY if value is None else value


def in_header(header, reader):
    def value(layer, packet):
        found = [inner for inner in layer.inner if inner.name == header]
        if len(found) > 1:
            return ANY
        return reader(found[0], packet) if found else None

    return value


def ipv6_header(layer, packet):
    return 40 + sum(inner.size for inner in layer.inner if inner.name in EXTENSION_HEADERS)


def ipv6_payload(layer, packet):
    """By the payload length, but no more than the packet had on the wire."""
    return min(layer.number("ipv6.plen") + 40, packet.wire - layer.at) - ipv6_header(layer, packet)


def ip_payload(layer, packet):
    """Of the IP header that carries this layer."""
    below = packet.below(layer)
    return ipv4_payload(below, packet) if below.name == "ip" else ipv6_payload(below, packet)


def icmp_payload(header):
    """From the length of the IP payload that carries the message."""

    def value(layer, packet):
        return ip_payload(layer, packet) - header

    return value


def ndp_options(layer, packet):
    if not 133 <= layer.number("icmpv6.type") <= 137:
        return []
    found = []
    for element in layer.fields.get("icmpv6.opt", []):
        at, size = int(element.get("pos")), int(element.get("size"))
        kind = packet.data[at]
        if packet.data[at + 1] * 8 != size:
            return ANY
        found.append({"type": kind, "data": packet.data[at + 2 : at + size]})
    return found


def ndp_address(kind):
    def value(layer, packet):
        options = ndp_options(layer, packet)
        if options is ANY:
            return ANY
        found = [option["data"] for option in options if option["type"] == kind]
        if not found or len(found[0]) != 6:
            return None if not found else ANY
        return ":".join(f"{byte:02x}" for byte in found[0])

    return value


def tcp_options(layer, packet):
    """The options as (kind, value) from the bytes that tshark delimits; None when they are not well-formed."""
    value = layer.fields.get("tcp.options")
    data = bytes.fromhex(value[0].get("value") or "") if value else b""
    found = options_of(data, keep_end=True)
    sizes = {2: 2, 3: 1, 4: 0, 8: 8}
    if found and any(value is None or len(value) != sizes.get(kind, len(value)) for kind, value in found):
        return None
    return found


def options_of(data: bytes, pad=(1,), keep_end: bool = False):
    """Walks type-length-value options; type 0 ends them, unless it is padding."""
    found, at = [], 0
    while at < len(data):
        kind = data[at]
        if kind in pad:
            if pad == (1,):
                found.append((kind, b""))
            at += 1
            continue
        if kind == 0:
            if keep_end:
                found.append((0, b""))
            break
        length = data[at + 1] if at + 1 < len(data) else 0
        if pad == (0,):
            length += 2
        if length < 2 or at + length > len(data):
            return found + [(kind, None)]
        found.append((kind, data[at + 2 : at + length]))
        at += length
    return found


def tcp_option(kind, convert):
    def value(layer, packet):
        options = tcp_options(layer, packet)
        if options is None:
            return ANY
        found = [data for which, data in options if which == kind]
        if len(found) > 1:
            return ANY
        return convert(found[0] if found else None)

    return value


def whole(data):
    return None if data is None else int.from_bytes(data, "big")


def tcp_option_names(layer, packet):
    options = tcp_options(layer, packet)
    if options is None:
        return ANY
    return [TCP_OPTION_NAMES.get(kind, ANY) for kind, _ in options] or None


def sack_blocks(layer, packet):
    options = tcp_options(layer, packet)
    if options is None:
        return ANY
    data = b"".join(value for kind, value in options if kind == 5)
    if len(data) % 8:
        return ANY
    return [{"left": whole(data[at : at + 4]), "right": whole(data[at + 4 : at + 8])} for at in range(0, len(data), 8)]


def other_options(layer, packet):
    options = tcp_options(layer, packet)
    if options is None:
        return ANY
    return [{"kind": kind, "data": value} for kind, value in options if kind not in TCP_OPTION_NAMES]


def entropy(header, length):
    def value(layer, packet):
        start = layer.at + header(layer, packet)
        data = packet.data[start : start + length(layer, packet)]
        if not data:
            return None
        counts = Counter(data)
        return -sum(n / len(data) * math.log2(n / len(data)) for n in counts.values())

    return value


def endpoint(name):
    def value(layer, packet):
        below = packet.below(layer)
        return address(f"{below.name}.{name}")(below, packet)

    return value


def fragment(layer, packet):
    """The packet that carries this layer is the first fragment of a datagram."""
    below = packet.below(layer)
    return below.text("ip.flags.mf") == "1" or any(flag("ipv6.fraghdr.more")(inner, packet) for inner in below.inner)


def udp_payload(layer, packet):
    """By the UDP length, but no more than the IP datagram has; a fragment does not tell how much that is."""
    length, there = layer.number("udp.length"), ip_payload(layer, packet)
    return (length if length and fragment(layer, packet) else min(length or there, there)) - 8


def udp_payload_here(layer, packet):
    """Those bytes of the payload that are in this packet."""
    return min(udp_payload(layer, packet), ip_payload(layer, packet) - 8)


def carrier(reader_udp, reader_tcp):
    """A field of the transport layer that carries a DNS message."""

    def value(layer, packet):
        below = packet.below(layer, {"udp", "tcp"})
        return (reader_udp if below.name == "udp" else reader_tcp)(below, packet)

    return value


def under(reader):
    return lambda layer, packet: reader(packet.below(layer, {"udp", "tcp"}), packet)


COLUMNS = {
    "ethernet": {
        "src_mac": text("eth.src"),
        "dst_mac": text("eth.dst"),
        "ether_type": number("eth.type"),
        "length": number("eth.len"),
        "payload_bytes": lambda layer, packet: max(packet.wire, packet.captured) - layer.at - 14,
    },
    "vlan": {
        "tpid": tpid,
        "priority": first_of(number("vlan.priority"), number("ieee8021ad.priority")),
        "drop_eligible": first_of(flag("vlan.dei"), flag("ieee8021ad.dei")),
        "vlan_id": first_of(number("vlan.id"), number("ieee8021ad.id")),
        "ether_type": ether_type,
        "length": number("vlan.len"),
    },
    "arp": {
        "hardware_type": number("arp.hw.type"),
        "protocol_type": number("arp.proto.type"),
        "hardware_size": number("arp.hw.size"),
        "protocol_size": number("arp.proto.size"),
        "operation": number("arp.opcode"),
        "src_mac": hardware_address("arp.src.hw"),
        "src_ip": text("arp.src.proto_ipv4"),
        "dst_mac": hardware_address("arp.dst.hw"),
        "dst_ip": text("arp.dst.proto_ipv4"),
        # tshark's arp.isgratuitous asks for more than equal addresses, so the addresses are compared here.
        "gratuitous": lambda layer, packet: (
            layer.has("arp.src.proto_ipv4") and layer.text("arp.src.proto_ipv4") == layer.text("arp.dst.proto_ipv4")
        ),
    },
    "ipv4": {
        "src_ip": text("ip.src"),
        "dst_ip": text("ip.dst"),
        "header_bytes": number("ip.hdr_len"),
        "dscp": number("ip.dsfield.dscp"),
        "ecn": number("ip.dsfield.ecn"),
        "total_bytes": wire("ip.len"),
        "identification": number("ip.id"),
        "reserved_flag": flag("ip.flags.rb"),
        "dont_fragment": flag("ip.flags.df"),
        "more_fragments": flag("ip.flags.mf"),
        "fragment_offset": lambda layer, packet: layer.number("ip.frag_offset") * 8,
        "ttl": number("ip.ttl"),
        "protocol": number("ip.proto"),
        "checksum": number("ip.checksum"),
        "checksum_ok": status("ip.checksum.status"),
        "options": ipv4_options,
        "payload_bytes": ipv4_payload,
    },
    "ipv6": {
        "src_ip": address("ipv6.src"),
        "dst_ip": address("ipv6.dst"),
        "dscp": number("ipv6.tclass.dscp"),
        "ecn": number("ipv6.tclass.ecn"),
        "flow_label": number("ipv6.flow"),
        "payload_length": number("ipv6.plen"),
        "next_header": number("ipv6.nxt"),
        "hop_limit": number("ipv6.hlim"),
        "protocol": ipv6_protocol,
        "header_bytes": ipv6_header,
        "extension_headers": extension_headers,
        "options": ipv6_options,
        "fragment_offset": in_header("ipv6.fraghdr", lambda layer, packet: layer.number("ipv6.fraghdr.offset") * 8),
        "more_fragments": in_header("ipv6.fraghdr", flag("ipv6.fraghdr.more")),
        "fragment_id": in_header("ipv6.fraghdr", number("ipv6.fraghdr.ident")),
        "routing_type": in_header("ipv6.routing", number("ipv6.routing.type")),
        "segments_left": in_header("ipv6.routing", number("ipv6.routing.segleft")),
        "payload_bytes": ipv6_payload,
    },
    "icmpv4": {
        "src_ip": endpoint("src"),
        "dst_ip": endpoint("dst"),
        "type": number("icmp.type"),
        "code": number("icmp.code"),
        "checksum": number("icmp.checksum"),
        "checksum_ok": status("icmp.checksum.status"),
        "identifier": number("icmp.ident"),
        "sequence": number("icmp.seq"),
        "gateway_ip": text("icmp.redir_gw"),
        "next_hop_mtu": number("icmp.mtu"),
        "pointer": number("icmp.pointer"),
        "payload_bytes": icmp_payload(8),
        "quoted_src_ip": quoted(("ip", text("ip.src"))),
        "quoted_dst_ip": quoted(("ip", text("ip.dst"))),
        "quoted_protocol": quoted(("ip", number("ip.proto"))),
        "quoted_src_port": quoted(
            ("tcp", number("tcp.srcport")),
            ("udp", number("udp.srcport")),
            ("sctp", number("sctp.srcport")),
            ("dccp", number("dccp.srcport")),
        ),
        "quoted_dst_port": quoted(
            ("tcp", number("tcp.dstport")),
            ("udp", number("udp.dstport")),
            ("sctp", number("sctp.dstport")),
            ("dccp", number("dccp.dstport")),
        ),
    },
    "icmpv6": {
        "src_ip": endpoint("src"),
        "dst_ip": endpoint("dst"),
        "type": number("icmpv6.type"),
        "code": number("icmpv6.code"),
        "checksum": number("icmpv6.checksum"),
        "checksum_ok": status("icmpv6.checksum.status"),
        "identifier": number("icmpv6.echo.identifier"),
        "sequence": number("icmpv6.echo.sequence_number"),
        "mtu": number("icmpv6.mtu"),
        "pointer": number("icmpv6.pointer"),
        "target_ip": first_of(
            address("icmpv6.nd.ns.target_address"),
            address("icmpv6.nd.na.target_address"),
            address("icmpv6.nd.rd.target_address"),
        ),
        "destination_ip": address("icmpv6.rd.na.destination_address"),
        "router_flag": flag("icmpv6.nd.na.flag.r"),
        "solicited_flag": flag("icmpv6.nd.na.flag.s"),
        "override_flag": flag("icmpv6.nd.na.flag.o"),
        "router_hop_limit": number("icmpv6.nd.ra.cur_hop_limit"),
        "managed_flag": flag("icmpv6.nd.ra.flag.m"),
        "other_flag": flag("icmpv6.nd.ra.flag.o"),
        "router_lifetime": number("icmpv6.nd.ra.router_lifetime"),
        "reachable_time": number("icmpv6.nd.ra.reachable_time"),
        "retransmission_timer": number("icmpv6.nd.ra.retrans_timer"),
        "multicast_ip": address("icmpv6.mld.multicast_address"),
        "source_mac": ndp_address(1),
        "target_mac": ndp_address(2),
        "options": ndp_options,
        "payload_bytes": icmp_payload(4),
        "quoted_src_ip": quoted(("ipv6", address("ipv6.src"))),
        "quoted_dst_ip": quoted(("ipv6", address("ipv6.dst"))),
        "quoted_protocol": quoted(("ipv6", ipv6_protocol)),
        "quoted_src_port": quoted(
            ("tcp", number("tcp.srcport")),
            ("udp", number("udp.srcport")),
            ("sctp", number("sctp.srcport")),
            ("dccp", number("dccp.srcport")),
        ),
        "quoted_dst_port": quoted(
            ("tcp", number("tcp.dstport")),
            ("udp", number("udp.dstport")),
            ("sctp", number("sctp.dstport")),
            ("dccp", number("dccp.dstport")),
        ),
    },
    "tcp": {
        "src_ip": endpoint("src"),
        "dst_ip": endpoint("dst"),
        "src_port": number("tcp.srcport"),
        "dst_port": number("tcp.dstport"),
        "seq": number("tcp.seq_raw"),
        "ack": number("tcp.ack_raw"),
        "header_bytes": number("tcp.hdr_len"),
        "flags": number("tcp.flags"),
        "fin_flag": flag("tcp.flags.fin"),
        "syn_flag": flag("tcp.flags.syn"),
        "rst_flag": flag("tcp.flags.reset"),
        "psh_flag": flag("tcp.flags.push"),
        "ack_flag": flag("tcp.flags.ack"),
        "urg_flag": flag("tcp.flags.urg"),
        "ece_flag": flag("tcp.flags.ece"),
        "cwr_flag": flag("tcp.flags.cwr"),
        "ae_flag": flag("tcp.flags.ae"),
        "window": number("tcp.window_size_value"),
        "checksum": number("tcp.checksum"),
        "urgent_pointer": number("tcp.urgent_pointer"),
        "payload_bytes": number("tcp.len"),
        "payload_entropy": entropy(number("tcp.hdr_len"), number("tcp.len")),
        "options": tcp_option_names,
        "mss": tcp_option(2, whole),
        "window_scale": tcp_option(3, whole),
        "sack_permitted": tcp_option(4, lambda data: data is not None),
        "sack_blocks": sack_blocks,
        "timestamp_value": tcp_option(8, lambda data: whole(data and data[:4])),
        "timestamp_echo": tcp_option(8, lambda data: whole(data and data[4:])),
        "other_options": other_options,
    },
    "udp": {
        "src_ip": endpoint("src"),
        "dst_ip": endpoint("dst"),
        "src_port": number("udp.srcport"),
        "dst_port": number("udp.dstport"),
        "length": number("udp.length"),
        "checksum": number("udp.checksum"),
        "payload_bytes": udp_payload,
        "payload_entropy": entropy(lambda layer, packet: 8, udp_payload_here),
    },
    "dns": {
        "src_ip": under(endpoint("src")),
        "dst_ip": under(endpoint("dst")),
        "src_port": carrier(number("udp.srcport"), number("tcp.srcport")),
        "dst_port": carrier(number("udp.dstport"), number("tcp.dstport")),
        "protocol": carrier(lambda *_: 17, lambda *_: 6),
        "message_bytes": lambda layer, packet: layer.number("dns.length") or under(udp_payload)(layer, packet),
        "transaction_id": number("dns.id"),
        "response": bit("dns.flags", 15),
        "opcode": bit("dns.flags", 11, 4),
        "authoritative": bit("dns.flags", 10),
        "truncated": bit("dns.flags", 9),
        "recursion_desired": bit("dns.flags", 8),
        "recursion_available": bit("dns.flags", 7),
        "reserved_flag": bit("dns.flags", 6),
        "authentic_data": bit("dns.flags", 5),
        "checking_disabled": bit("dns.flags", 4),
        "rcode": lambda layer, packet: (
            bit("dns.flags", 0, 4)(layer, packet) | (layer.number("dns.resp.ext_rcode") or 0) << 4
        ),
        "question_count": first_of(number("dns.count.queries"), number("dns.count.zones")),
        "answer_count": first_of(number("dns.count.answers"), number("dns.count.prerequisites")),
        "authority_count": first_of(number("dns.count.auth_rr"), number("dns.count.updates")),
        "additional_count": number("dns.count.add_rr"),
        "query_name": lambda layer, packet: next((record["name"] for record in dns_section(layer, packet, 0)), None),
        "query_type": lambda layer, packet: next((record["type"] for record in dns_section(layer, packet, 0)), None),
        "query_class": lambda layer, packet: next((record["class"] for record in dns_section(layer, packet, 0)), None),
        "questions": lambda layer, packet: dns_section(layer, packet, 0),
        "answers": lambda layer, packet: dns_section(layer, packet, 1),
        "authorities": lambda layer, packet: dns_section(layer, packet, 2),
        "additionals": lambda layer, packet: dns_section(layer, packet, 3),
        "edns_version": number("dns.resp.edns0_version"),
        "edns_udp_bytes": number("dns.rr.udp_payload_size"),
        "edns_dnssec_ok": flag("dns.resp.z.do"),
    },
}

# -- DNS messages -----------------------------------------------------------------------

SECTIONS = [
    {"Queries", "Zone"},
    {"Answers", "Prerequisites"},
    {"Authoritative nameservers", "Updates"},
    {"Additional records"},
]


def dns_section(layer: Layer, packet: Packet, which: int) -> list[dict]:
    message = packet.data[layer.at + (2 if layer.has("dns.length") else 0) :]
    start = layer.at + (2 if layer.has("dns.length") else 0)
    records = []
    for section in layer.element:
        if section.get("name") != "" or section.get("show") not in SECTIONS[which]:
            continue
        for element in section:
            fields = {}
            for one in element.iter("field"):
                fields.setdefault(one.get("name"), one)
            prefix = "dns.qry." if "dns.qry.name" in fields else "dns.resp."
            if prefix + "name" not in fields:
                continue
            kind = int(fields[prefix + "type"].get("show"))
            if kind == 41 and which == 3:
                continue
            name, _ = read_name(message, int(fields[prefix + "name"].get("pos")) - start)
            shown = fields[prefix + "name"].get("show")
            if re.fullmatch(r"[\w-]+(\.[\w-]+)*", shown, re.A) and shown != ".".join(
                label.decode("latin-1") for label in name
            ):
                raise RuntimeError(f"packet {packet.number}: this script reads {name} where tshark reads {shown}")
            record = {"name": name, "type": kind, "class": wire_class(fields, prefix)}
            if which:
                size = fields["dns.resp.len"]
                length = int(size.get("show"))
                record["ttl"] = int(fields["dns.resp.ttl"].get("value"), 16) if "dns.resp.ttl" in fields else ANY
                record["data_bytes"] = length
                record["data"] = read_data(message, int(size.get("pos")) + 2 - start, length, kind)
            records.append(record)
    return records


def wire_class(fields: dict, prefix: str) -> int | object:
    """The class with all of its bits: tshark masks the upper one of multicast DNS."""
    element = fields.get(prefix + "class")
    if element is None:
        return ANY
    return int(element.get("unmaskedvalue") or element.get("value"), 16)


def dns_complete(layer: Layer, packet: Packet) -> bool:
    """All that the header announces is there."""
    if layer.has("dns.length") and layer.number("dns.length") + 2 > len(packet.data) - layer.at:
        return False
    try:
        for which, column in enumerate(("question_count", "answer_count", "authority_count", "additional_count")):
            found = dns_section(layer, packet, which)
            pseudo = len(layer.fields.get("dns.rr.udp_payload_size", [])) if which == 3 else 0
            if len(found) + pseudo != COLUMNS["dns"][column](layer, packet):
                return False
    except (IndexError, ValueError, KeyError, TypeError):
        return False
    return True


# -- a packet as tshark sees it -------------------------------------------------------------------------------------


@dataclass
class Row:
    """What is expected in one row; `optional` says why it may be missing."""

    values: dict
    optional: str = ""
    follows: str = ""  # of a packet: the first layer that netcap does not follow


class Packet:
    """The layers of a packet that netcap follows."""

    def __init__(self, element: ET.Element, number: int, frame: common.Frame) -> None:
        self.all = [Layer(child) for child in element if child.tag == "proto"]
        head = next(layer for layer in self.all if layer.name == "frame")
        self.head = head
        self.number = number
        self.wire = head.number("frame.len")
        self.captured = head.number("frame.cap_len")
        self.data = frame.data
        self.link_types = ENCAPSULATIONS.get(head.number("frame.encap_type"))
        self.broken = any(layer.name in ("_ws.malformed", "_ws.unreassembled", "_ws.short") for layer in self.all)
        self.error = self.broken or any(layer.error() for layer in self.all)
        self.layers: list[Layer] = []
        self.behind = ""
        for at, layer in enumerate(self.all):
            if layer.name in NOISE or self.layers and TUNNELS.get(layer.name) == "":
                continue
            if layer.name.startswith("_ws."):
                break
            known = layer.name in TABLES or layer.name in LINKS or layer.name in TUNNELS
            if not known or (self.layers and not self._follows(layer, self.all[at + 1 :])):
                self.behind = layer.name
                break
            # A stack of MPLS labels is one layer.
            if not (layer.name == "mpls" and self.layers and self.layers[-1].name == "mpls"):
                self.layers.append(layer)
        if self.link_types is None:
            self.layers = []

    def _follows(self, layer: Layer, behind: list[Layer]) -> bool:
        """Only DNS and tunnels with a packet in them may follow TCP and UDP, and nothing follows ARP and ICMP."""
        before = self.layers[-1].name
        if before == "udp" and layer.name in ("vxlan", "geneve", "gtp"):
            return any(one.name in ("eth", "ip", "ipv6") for one in behind[:1])
        if before in ("tcp", "udp") or TABLES.get(before) == "dns":
            return TABLES.get(layer.name) == "dns"
        if layer.name == "eth":
            return before in TUNNELS
        return before not in ("arp", "icmp", "icmpv6")

    def below(self, layer: Layer, names=frozenset({"ip", "ipv6"})) -> Layer:
        """The nearest layer before this one with one of these names."""
        before = self.layers[: next(i for i, one in enumerate(self.layers) if one is layer)]
        return next(one for one in reversed(before) if one.name in names)

    def incomplete(self, layer: Layer) -> str:
        """Why a row of this layer may be missing: it is cut, or contradicts itself."""
        left = self.captured - layer.at
        if TABLES[layer.name] == "dns":
            if fragment(self.below(layer, {"udp", "tcp"}), self):
                return "the message is cut into fragments"
            return "" if dns_complete(layer, self) else "the message is cut"
        if not any(layer.has(name) for name in LAST_FIELDS[layer.name]):
            return "the header is cut"
        if layer.name == "ip" and (left < layer.number("ip.hdr_len") or layer.number("ip.hdr_len") < 20):
            return "the header is cut"
        if layer.name == "tcp" and (left < layer.number("tcp.hdr_len") or layer.number("tcp.hdr_len") < 20):
            return "the header is cut"
        if layer.name == "tcp" and (layer.number("tcp.len") is None):
            return "the header is cut"
        if layer.name == "arp" and left < 8 + 2 * (layer.number("arp.hw.size") + layer.number("arp.proto.size")):
            return "the message is cut"
        if layer.name == "ipv6" and (left < ipv6_header(layer, self) or self.broken and layer is self.layers[-1]):
            return "the header is cut"
        if layer.name in ("icmp", "icmpv6") and (self.broken or left < 8):
            return "the message is cut"
        return ""

    def rows(self):
        """Yields (table, row) for each layer."""
        for layer in self.layers:
            table = TABLES.get(layer.name)
            if table is None:
                continue
            reason = self.incomplete(layer)
            values = {}
            for column, reader in COLUMNS[table].items():
                try:
                    values[column] = reader(layer, self)
                except (IndexError, KeyError, TypeError, ValueError, StopIteration, AttributeError) as problem:
                    if not reason:
                        raise RuntimeError(f"packet {self.number}, {table}.{column}: {problem!r}") from problem
                    values[column] = ANY
            if reason:
                values = {column: ANY if value is None else value for column, value in values.items()}
            if table == "ipv6" and reason:
                values |= dict.fromkeys(
                    ("header_bytes", "extension_headers", "options", "protocol", "payload_bytes"), ANY
                )
            if table == "dns" and reason:
                values |= dict.fromkeys(("questions", "answers", "authorities", "additionals"), ANY)
            self._identity(values)
            if table == "dns":
                values["ts_ns"] = values["packet.ts_ns"]
            del values["packet.ts_ns"]
            yield table, Row(values, reason)

    def _identity(self, values: dict) -> None:
        seconds, fraction = (
            self.head.text("frame.time_epoch").split(".") if self.head.has("frame.time_epoch") else ("0", "0")
        )
        sign = -1 if seconds.startswith("-") else 1
        time = int(seconds) * 1_000_000_000 + sign * int(fraction)
        values.update({"capture": 0, "packet": self.number, "ts": time // 1000, "packet.ts_ns": time})

    def _payload(self) -> int | None:
        """What follows the transport header. ICMP headers are taken to have 8 bytes, those of IPv6, too."""
        for layer in reversed(self.layers):
            if layer.name == "tcp":
                return layer.number("tcp.len")
            if layer.name == "udp":
                # Of a datagram in fragments, what is in this packet.
                return min(udp_payload(layer, self), max(ip_payload(layer, self) - 8, 0))
            if layer.name in ("icmp", "icmpv6"):
                return max(ip_payload(layer, self) - 8, 0)
            if layer.name in ("ip", "ipv6"):
                break
        following = (
            self.all[self.all.index(self.layers[-1]) + 1]
            if self.layers and self.layers[-1] is not self.all[-1]
            else None
        )
        if (
            following is None
            or self.layers[-1].name not in ("ip", "ipv6")
            or following.name not in ("sctp", "dccp", "udplite")
        ):
            return None
        payload = (ipv4_payload if self.layers[-1].name == "ip" else ipv6_payload)(self.layers[-1], self)
        return payload - {"sctp": 12, "udplite": 8, "dccp": self.data[following.at + 4] * 4}[following.name]

    def packet_row(self) -> Row:
        values: dict = {}
        self._identity(values)
        values["ts_ns"] = values.pop("packet.ts_ns")
        values.update({
            "layer": 0,
            "index": 0,
            "wire_bytes": self.wire,
            "captured_bytes": self.captured,
            "interface": self.head.number("frame.interface_id") or 0,
            "link_type": self.link_types or ANY,
        })  # fmt: skip
        reasons = [self.incomplete(layer) for layer in self.layers if layer.name in TABLES]
        names = TABLES | TUNNELS
        path = [names[layer.name] for layer in self.layers if layer.name in names]
        values["path"] = (
            ANY
            if any(reasons) or self.broken and not path
            else [name for at, name in enumerate(path) if name != "dns" or path[at - 1] != "dns"]
        )
        values["payload_bytes"] = ANY if any(reasons) else self._payload()
        return Row(values, follows=self.behind)


# -- comparing ------------------------------------------------------------------------------------------------------


def same(ours, theirs) -> bool:
    """Whether a value of ours is what is expected; ANY is equal to all."""
    if theirs is ANY:
        return True
    if isinstance(theirs, set):
        return ours in theirs
    if isinstance(theirs, Data):
        return isinstance(ours, str) and theirs.same(ours)
    if isinstance(theirs, Name):
        return isinstance(ours, str) and labels_of(ours) == tuple(theirs)
    if isinstance(theirs, float):
        return isinstance(ours, float) and abs(ours - theirs) < 1e-9
    if isinstance(theirs, dict):
        return (
            isinstance(ours, dict)
            and ours.keys() == theirs.keys()
            and all(same(ours[key], theirs[key]) for key in theirs)
        )
    if isinstance(theirs, list):
        return isinstance(ours, list) and len(ours) == len(theirs) and all(map(same, ours, theirs))
    if isinstance(theirs, bool) or isinstance(ours, bool):
        return ours is theirs
    return ours == theirs


@dataclass
class Column:
    compared: int = 0
    equal: int = 0
    explained: int = 0
    unknown: int = 0
    differing: int = 0
    examples: list = field(default_factory=list)


class Known:
    """The explained differences."""

    def __init__(self, file: Path) -> None:
        self.entries = tomllib.loads(file.read_text()).get("difference", []) if file.is_file() else []
        self.used: Counter = Counter()

    def explains(self, capture: str, table: str, column: str, packet: int, ours, theirs) -> bool:
        for index, entry in enumerate(self.entries):
            if (
                fnmatch.fnmatch(capture, entry.get("capture", "*"))
                and fnmatch.fnmatch(table, entry["table"])
                and fnmatch.fnmatch(column, entry["column"])
                and ("packets" not in entry or packet in entry["packets"])
                and ("ours" not in entry or re.fullmatch(entry["ours"], str(ours), re.S))
                and ("theirs" not in entry or re.fullmatch(entry["theirs"], str(theirs), re.S))
            ):
                self.used[index] += 1
                return True
        return False


class Comparison:
    """One capture's rows, ours against theirs."""

    def __init__(self, capture: str, known: Known) -> None:
        self.capture, self.known = capture, known
        self.columns: dict[tuple[str, str], Column] = defaultdict(Column)
        self.counts: Counter = Counter()
        self.names, self.name_columns = common.enumerations()
        self.layers: dict[int, set] = defaultdict(set)

    def note(self, table: str, column: str, packet: int, ours, theirs, good: bool) -> None:
        tally = self.columns[table, column]
        tally.compared += 1
        if good:
            tally.equal += 1
        elif self.known.explains(self.capture, table, column, packet, ours, theirs):
            tally.explained += 1
        else:
            tally.differing += 1
            if len(tally.examples) < 5:
                tally.examples.append((packet, ours, theirs))

    def row(self, table: str, ours: dict, theirs: Row) -> None:
        for column, expected in theirs.values.items():
            if expected is ANY:
                self.columns[table, column].unknown += 1
                continue
            value = ours.get(column, "(no such column)")
            if column == "path":
                value = [name for name in value.split(":") if name and (name in COLUMNS or name in TUNNELS.values())]
            if (table, column) == ("tcp", "options") and value is not None:
                value = value.split(",")
            self.note(table, column, ours["packet"], value, expected, same(value, expected))

    def own(self, table: str, rows: list[dict], paths: dict[int, str]) -> None:
        """What holds inside of our tables: the order and uniqueness of the key, the depth, the names of numbers."""
        last = None
        for row in rows:
            key = tuple(row[name] for name in ("capture", "packet", "layer", "index"))
            self.note(table, "(key in order)", row["packet"], key, f"more than {last}", last is None or key > last)
            last = key
            if table in COLUMNS:
                path = paths.get(row["packet"], "").split(":")
                there = path[row["layer"]] if row["layer"] < len(path) else None
                self.note(table, "layer", row["packet"], f"{row['layer']} ({there})", table, there == table)
                self.layers[row["packet"]].add((row["layer"], table))
            for column, (value, enumeration) in self.name_columns.get(table, {}).items():
                expected = self.names[enumeration].get(row[value])
                self.note(
                    table, column, row["packet"], row[column], f"{expected!r} for {row[value]}", row[column] == expected
                )

    def compare(self, ours: dict[str, list[dict]], theirs: dict[str, list[Row]], errors: set[int]) -> None:
        malformed = defaultdict(set)
        for row in ours.get("malformed", []):
            malformed[row["packet"]].add(row["protocol"])
        paths = {row["packet"]: row["path"] for row in ours["packet"]}
        for table in ["packet", *COLUMNS, "malformed"]:
            self.own(table, ours.get(table, []), paths)
        for table in ["packet", *COLUMNS]:
            mine: dict = defaultdict(list)
            for row in ours.get(table, []):
                mine[row["packet"]].append(row)
            other: dict = defaultdict(list)
            for row in theirs.get(table, []):
                other[row.values["packet"]].append(row)
            for packet in sorted(mine.keys() | other.keys()):
                self._packet(
                    table, packet, mine.get(packet, []), other.get(packet, []), malformed[packet], packet in errors
                )
        for row in ours["packet"]:
            bad = bool(malformed[row["packet"]])
            read = row["link_type"] in READ_LINK_TYPES
            expected = {2} if bad else {3} if not read else {0, 1} if row["captured_bytes"] < row["wire_bytes"] else {0}
            self.note("packet", "class", row["packet"], row["class"], expected, row["class"] in expected)
            if row["class"] == 0:
                rows = {(at, name) for at, name in enumerate(row["path"].split(":")) if name in COLUMNS}
                self.note(
                    "packet",
                    "(rows of path)",
                    row["packet"],
                    row["path"],
                    f"{sorted(self.layers[row['packet']])}",
                    rows == self.layers[row["packet"]],
                )
        for row in ours.get("capture", []):
            self._capture(row, theirs["packet"])

    def _capture(self, ours: dict, packets: list[Row]) -> None:
        """The capture's own row, against sums over the packets."""
        times = [row.values["ts_ns"] for row in packets]
        stamped = [time for time in times if time]  # simple packet blocks of pcapng have no time
        expected = {
            "packets": len(packets),
            "captured_bytes": sum(row.values["captured_bytes"] for row in packets),
            "wire_bytes": sum(row.values["wire_bytes"] for row in packets),
            "first_ts": times[0] // 1000 if times else None,
            "last_ts": times[-1] // 1000 if times else None,
            "disordered_packets": sum(after < before for before, after in zip(stamped, stamped[1:])),
        }
        for column, value in expected.items():
            self.note("capture", column, 0, ours[column], value, ours[column] == value)

    def _packet(self, table: str, packet: int, mine: list, other: list, malformed: set, error: bool) -> None:
        if len(mine) < len(other):
            # Rows that may be missing are taken out from the end, until the numbers agree.
            for row in reversed(other[:]):
                if row.optional and len(other) > len(mine):
                    other.remove(row)
                    self.counts[f"{table}: {row.optional}"] += 1
        if len(mine) < len(other) and table in malformed:
            refused = "(rows called malformed)"
            for _ in other[len(mine) :]:
                self.note(table, refused, packet, "malformed", "an error" if error else "no error", error)
            other = other[: len(mine)]
        for ours, theirs in zip(mine, other):
            self.row(table, ours, theirs)
        for extra in mine[len(other) :]:
            self.note(table, "(rows only here)", packet, brief(extra), None, False)
        for missing in other[len(mine) :]:
            self.note(table, "(rows only there)", packet, None, brief(missing.values), False)


def brief(values: dict) -> str:
    keep = [
        name
        for name in ("src_ip", "dst_ip", "src_port", "dst_port", "src_mac", "type", "protocol", "vlan_id")
        if values.get(name) is not None
    ]
    return ", ".join(f"{name} {values[name]}" for name in keep)


# -- running --------------------------------------------------------------------------------------------------------


def expectations(capture: Path, frames: list[common.Frame], more: list[str] = []):  # noqa: B006
    """What tshark says: rows by table, packets with errors, and the counts of layers that netcap does not follow."""
    rows: dict[str, list[Row]] = defaultdict(list)
    errors: set[int] = set()
    behind: Counter = Counter()
    for element in run_tshark(capture, more):
        at = len(rows["packet"])
        packet = Packet(element, at + 1, frames[at])
        rows["packet"].append(packet.packet_row())
        for table, row in packet.rows():
            rows[table].append(row)
        if packet.error:
            errors.add(packet.number)
        if packet.behind and any(
            layer.name in TABLES
            for layer in packet.all[packet.all.index(packet.layers[-1]) + 1 if packet.layers else 0 :]
        ):
            behind[packet.behind] += 1
    return rows, errors, behind


def add_other_dns(capture: Path, frames: list[common.Frame], ours: dict, theirs: dict) -> Counter:
    """DNS where tshark does not look for it, but knows nothing else: asks it again, told that these ports carry DNS."""
    mine, there = (
        Counter(key(row) for row in rows)
        for key, rows in ((lambda r: r["packet"], ours.get("dns", [])), (lambda r: r.values["packet"], theirs["dns"]))
    )
    extra = {packet for packet in mine - there if theirs["packet"][packet - 1].follows in ("", "data")}
    if not extra:
        return Counter()
    options = []
    for row in ours["dns"]:
        if row["packet"] in extra:
            kind = "udp" if row["protocol"] == 17 else "tcp"
            for port in (row["src_port"], row["dst_port"]):
                options += ["-d", f"{kind}.port=={port},dns"] if f"{kind}.port=={port},dns" not in options else []
    again, _, _ = expectations(capture, frames, options)
    found = [row for row in again["dns"] if row.values["packet"] in extra and not row.optional]
    theirs["dns"] = sorted(
        [row for row in theirs["dns"] if row.values["packet"] not in extra] + found,
        key=lambda row: row.values["packet"],
    )
    for row in found:
        at = row.values["packet"] - 1
        theirs["packet"][at].values["path"] = again["packet"][at].values["path"]
    return Counter(f"port {min(row.values['src_port'], row.values['dst_port'])}" for row in found)


def report(comparison: Comparison, behind: Counter, tally: common.Tally, verbose: bool) -> None:
    total = Column()
    for (table, column), result in sorted(comparison.columns.items()):
        for name in ("compared", "equal", "explained", "differing", "unknown"):
            setattr(total, name, getattr(total, name) + getattr(result, name))
        if result.compared:
            tally.passed += not result.differing
            tally.failed += bool(result.differing)
        if result.differing or verbose:
            print(
                f"    {table}.{column}: {result.compared} compared, {result.equal} equal, {result.explained} explained, {result.differing} differ"
            )
            for packet, ours, theirs in result.examples:
                print(f"        packet {packet}: here {ours!r}, there {theirs!r}")
    notes = [f"{count} × {what}" for what, count in comparison.counts.most_common()]
    notes += [
        f"{count} packets with layers behind {name}, which is not followed" for name, count in behind.most_common()
    ]
    print(
        f"  {total.compared} values: {total.equal} equal, {total.explained} explained, {total.differing} differ; {total.unknown} unknown to tshark"
    )
    if notes:
        print("  " + "; ".join(notes))


def check(
    capture: Path, name: str, binary: Path, known: Known, tally: common.Tally, verbose: bool, totals: dict
) -> None:
    with common.Workspace() as folder:
        out = folder / re.sub(r"\W+", "_", name)
        common.decode(binary, capture, out=out)
        ours = {table: common.read_table(out, table) for table in ["capture", "packet", "malformed", *COLUMNS]}
    frames = common.frames(capture)
    theirs, errors, behind = expectations(capture, frames)
    elsewhere = add_other_dns(capture, frames, ours, theirs)
    comparison = Comparison(name, known)
    comparison.compare(ours, theirs, errors)
    for where, count in elsewhere.items():
        comparison.counts[f"dns confirmed when told to look at {where}"] += count
    report(comparison, behind, tally, verbose)
    for key, result in comparison.columns.items():
        for part in ("compared", "equal", "explained", "differing", "unknown"):
            setattr(totals[key], part, getattr(totals[key], part) + getattr(result, part))


def listed() -> list[tuple[str, str]]:
    lines = (common.HERE / "captures.txt").read_text().splitlines()
    return [tuple((line.split("  ", 1) + [""])[:2]) for line in lines if line and not line.startswith("#")]


def as_written(value):
    """A value as netcap would write it, for the self-test."""
    if isinstance(value, (Name, Data)):
        return value.written()
    if isinstance(value, dict):
        return {key: as_written(one) for key, one in value.items()}
    if isinstance(value, set):
        return min(value)
    return [as_written(one) for one in value] if isinstance(value, list) else value


def self_test(captures: list[Path]) -> int:
    """Makes rows out of tshark's own answers, finds no difference, then spoils each column once and finds each."""
    tally = common.Tally()
    names, name_columns = common.enumerations()
    for capture in captures:
        frames = common.frames(capture)
        theirs, errors, _ = expectations(capture, frames)
        paths = {row.values["packet"]: row.values["path"] for row in theirs["packet"]}
        ours: dict[str, list[dict]] = {"malformed": []}
        for table, rows in theirs.items():
            ours[table] = []
            seen: Counter = Counter()
            for row in rows:
                values = {name: as_written(value) for name, value in row.values.items() if value is not ANY}
                packet = values["packet"]
                path = [] if paths[packet] is ANY else paths[packet]
                places = [at for at, one in enumerate(path) if one == table]
                values["index"] = seen[packet] if table == "dns" else 0
                values["layer"] = places[0 if table == "dns" else seen[packet]] if places else 0
                seen[packet] += 1
                if table == "packet":
                    values |= {
                        "path": ":".join(path),
                        "layer": 0,
                        "class": 0 if values["link_type"] in READ_LINK_TYPES else 3,
                    }
                if table == "tcp" and values.get("options"):
                    values["options"] = ",".join(str(one) for one in values["options"])
                for column, (value, enumeration) in name_columns.get(table, {}).items():
                    if value in values:
                        values[column] = names[enumeration].get(values[value])
                ours[table].append(values)
        if any(path is ANY for path in paths.values()):
            raise SystemExit(f"{capture}: the self-test needs a capture without cut packets")
        clean = Comparison(str(capture), Known(Path("/nonexistent")))
        clean.compare(ours, theirs, errors)
        differing = [key for key, result in clean.columns.items() if result.differing]
        tally.check(not differing, f"{capture.name}: rows made of tshark's answers agree with them {differing}")
        for table in COLUMNS:
            for column in COLUMNS[table]:
                at = next((i for i, row in enumerate(ours.get(table, [])) if row.get(column) not in (None, [])), None)
                if at is None:
                    continue
                spoiled = copy.deepcopy(ours)
                value = spoiled[table][at][column]
                spoiled[table][at][column] = (
                    not value
                    if isinstance(value, bool)
                    else value + 1
                    if isinstance(value, (int, float))
                    else value[:-1]
                    if value
                    else "x"
                )
                again = Comparison(str(capture), Known(Path("/nonexistent")))
                again.compare(spoiled, theirs, errors)
                tally.check(
                    again.columns[table, column].differing == 1, f"{capture.name}: a wrong {table}.{column} is found"
                )
        fewer = copy.deepcopy(ours)
        fewer["packet"].pop()
        again = Comparison(str(capture), Known(Path("/nonexistent")))
        again.compare(fewer, theirs, errors)
        tally.check(
            again.columns["packet", "(rows only there)"].differing == 1, f"{capture.name}: a missing row is found"
        )
    return tally.finish()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("captures", nargs="*")
    parser.add_argument("--self-test", action="store_true", help="check the comparison itself")
    parser.add_argument("--verbose", action="store_true", help="print each column, also when it agrees")
    arguments = parser.parse_args()
    tally = common.Tally()
    folder, binary = common.captures_folder(), common.netcap_binary()
    if not arguments.captures and folder is None:
        tally.skip("all: the captures are not here (NETCAP_CAPTURES)")
        return tally.finish()
    chosen = [(name, "") for name in arguments.captures] or listed()
    paths = [(name, why, Path(name) if Path(name).is_file() else (folder or Path()) / name) for name, why in chosen]
    if arguments.self_test:
        small = [
            "attacks/suricata-verify_toobig.pcap",
            "infrastructure/dnscap_test_dns.pcap",
            "tunnels/tcpreplay_test2.rewrite_vlan802.1ad",
            "ip-layer/zeek_ipv6-http-atomic-frag.pcap",
        ]
        return self_test([path for _, _, path in paths] if arguments.captures else [folder / name for name in small])
    if binary is None:
        tally.skip("all: there is no netcap program (NETCAP, or build it)")
        return tally.finish()
    known = Known(common.HERE / "known_differences.toml")
    totals: dict = defaultdict(Column)
    for name, why, path in paths:
        if not path.is_file():
            tally.skip(f"{name}: not here")
            continue
        print(f"{name}{'  (' + why.strip() + ')' if why else ''}", flush=True)
        try:
            check(path, name, binary, known, tally, arguments.verbose, totals)
        except RuntimeError as problem:
            tally.check(False, f"{name}: {problem}")
        sys.stdout.flush()
    print("\nall captures:")
    for (table, column), result in sorted(totals.items()):
        more = (f", {result.explained} explained" if result.explained else "") + (
            f", {result.differing} DIFFER" if result.differing else ""
        )
        print(f"  {table}.{column}: {result.compared} compared, {result.equal} equal{more}")
    for index, entry in enumerate(known.entries):
        if not known.used[index] and not arguments.captures:
            print(
                f"  known difference that did not occur: {entry['table']}.{entry['column']} in {entry.get('capture', '*')}: {entry['reason']}"
            )
    return tally.finish()


if __name__ == "__main__":
    sys.exit(main())
