"""Reads packets for fragment_oracle.py and puts their fragments together, by docs/flows.md, "Fragments".

Not a script of its own. A `Reader` takes frames one after another and says for each which rows it has, and which packet
of which flow it is. Bytes are read here independently of netcap; transport headers by flow_packets.py.
"""

from __future__ import annotations

import ipaddress
import struct
from collections import Counter
from dataclasses import dataclass, field, replace

import common
import dns_text
from flow_packets import (
    AH,
    EXTENSION_HEADERS,
    GRE,
    IP_IN_IP,
    IPV4,
    IPV6,
    MPLS,
    TCP,
    TRANSPARENT_ETHERNET,
    UDP,
    VLAN_TAGS,
    WITH_PORTS,
    Bytes,
    Packet,
    transport,
)
from flow_rules import FRAGMENT_NS

COUNTS = ["fragments", "datagrams", "incomplete_datagrams"]
RAGGED = "length of a fragment before the last is no multiple of 8"
BEYOND = "fragment ends beyond 65,535 bytes"
CONTRADICTS = "fragment contradicts another of its datagram"
MOST_BYTES, MOST_WAITING, MOST_BYTES_WAITING = 65535, 65536, 64 * 2**20
DNS_PORTS = {53, 5353, 5355}


@dataclass
class View:
    """What there is of a layer, and how long it is by the headers around it."""

    data: bytes
    length: int
    # It lies in the first fragment of a datagram: only headers are read.
    first: bool = False

    def behind(self, header: int) -> View:
        return View(self.data[header:], max(self.length - header, 0), self.first)

    def only(self, length: int) -> View:
        length = min(length, self.length)
        return View(self.data[:length], length, self.first)

    def u16(self, at: int) -> int:
        return struct.unpack_from("!H", self.data, at)[0]

    def u32(self, at: int) -> int:
        return struct.unpack_from("!I", self.data, at)[0]


@dataclass
class Found:
    """What a packet has."""

    # Table, layer, and what the row says.
    rows: list[tuple[str, int, tuple]] = field(default_factory=list)
    # The packets around tunnels, by the layer of their IP header.
    outer: dict[int, Packet] = field(default_factory=dict)
    # The innermost IP packet, and the layer of its header.
    packet: Packet | None = None
    layer: int = -1
    # Of the first fragment of a datagram: it ends within a header.
    short: bool = False
    # Of the same: when the last fragment of the datagram came.
    time: int = 0


@dataclass
class Datagram:
    """A datagram that is put together."""

    time: int
    data: bytearray = field(default_factory=bytearray)
    have: bytearray = field(default_factory=bytearray)
    end: int | None = None
    given_up: bool = False
    # What the IPv6 fragment header of the first fragment says to follow.
    protocol: int = 0

    def whole(self) -> bool:
        return not self.given_up and self.end is not None and all(self.have)

    def add(self, at: int, data: bytes, more: bool) -> bool:
        """False if the fragment contradicts what is there."""
        end = at + len(data)
        if self.end is not None and (end > self.end or (not more and end != self.end)):
            return False
        if not more and len(self.have) > end:
            return False
        missing = bytes(max(0, end - len(self.have)))
        self.data += missing
        self.have += missing
        if any(self.have[at:end]):
            for place in range(at, end):
                if self.have[place] and self.data[place] != data[place - at]:
                    return False
        self.data[at:end] = data
        self.have[at:end] = b"\1" * len(data)
        if not more:
            self.end = end
        return True


class Cut(Exception):
    """A header is not whole."""


class Reader:
    """Reads packets one after another."""

    def __init__(self) -> None:
        # By addresses, identification, VLAN stack, tunnel path (and protocol of IPv4).
        self.datagrams: dict[tuple, Datagram] = {}
        self.firsts: dict[tuple, Found] = {}
        self.counts = Counter({name: 0 for name in COUNTS})
        self.bytes_waiting = 0

    def read(self, frame: common.Frame) -> Found:
        self.found, self.frame = Found(), frame
        view = View(frame.data, max(frame.wire, len(frame.data)))
        link = {1: "ethernet", 113: "sll", 0: "null", 108: "null", 228: IPV4, 229: IPV6}.get(frame.link_type, "ip")
        self.inside(link, view, 1 if frame.link_type in (12, 14, 101, 228, 229) else 0, (), ())
        return self.found

    def finish(self) -> None:
        """At the end of the input, what waits was not put together."""
        for datagram in self.datagrams.values():
            self.give_up(datagram)

    def give_up(self, datagram: Datagram) -> None:
        if not datagram.given_up:
            self.counts["incomplete_datagrams"] += 1
            self.bytes_waiting -= len(datagram.data)
            datagram.given_up = True

    # -- below IP, and between IP and IP

    def inside(self, kind: object, view: View, layer: int, vlan: tuple, tunnel: tuple) -> bool:
        """Goes on with what a layer holds; whether there is an IP header."""
        try:
            return self.layer(kind, view, layer, vlan, tunnel)
        except (struct.error, IndexError, Cut):
            self.found.short |= view.first and len(view.data) > 0
            return False

    def layer(self, kind: object, view: View, layer: int, vlan: tuple, tunnel: tuple) -> bool:
        if kind == "ethernet":
            return self.inside(view.u16(12), view.behind(14), layer + 1, vlan, tunnel)
        if kind == "sll":
            return self.inside(view.u16(14), view.behind(16), layer + 1, vlan, tunnel)
        if kind == "null":
            family = min(struct.unpack_from(order + "I", view.data)[0] for order in "<>")
            kind = {2: IPV4, 24: IPV6, 28: IPV6, 30: IPV6}.get(family)
            return self.inside(kind, view.behind(4), layer + 1, vlan, tunnel)
        if kind == "ppp":
            size = 2 if view.data[:2] == b"\xff\x03" else 0
            size, protocol = (size + 1, view.data[size]) if view.data[size] & 1 else (size + 2, view.u16(size))
            return self.inside({0x21: IPV4, 0x57: IPV6}.get(protocol), view.behind(size), layer + 1, vlan, tunnel)
        if kind == "gre":
            return self.gre(view, layer, vlan, tunnel)
        if kind in VLAN_TAGS:
            return self.inside(view.u16(2), view.behind(4), layer + 1, (*vlan, view.u16(0) & 0xFFF), tunnel)
        if kind in MPLS:
            size = 4
            while not view.u32(size - 4) & 0x100:
                size += 4
            return self.inside("ip", view.behind(size), layer + 1, vlan, (*tunnel, "mpls"))
        if kind == "ip":
            kind = {4: IPV4, 6: IPV6}.get(view.data[0] >> 4)
        if kind == IPV4:
            return self.ipv4(view, layer, vlan, tunnel)
        if kind == IPV6:
            return self.ipv6(view, layer, vlan, tunnel)
        return False

    def tunnelled(self, packet: Packet, version: int, view: View, layer: int) -> bool:
        """Goes on with the payload of an IP packet, if that is a tunnel; whether there is another IP header."""
        vlan, tunnel = packet.vlan, packet.tunnel
        name = IP_IN_IP.get((version, packet.protocol))
        if name:
            return self.inside(IPV4 if packet.protocol == 4 else IPV6, view, layer, vlan, (*tunnel, name))
        if packet.protocol == GRE:
            return self.inside("gre", view, layer, vlan, (*tunnel, "gre"))
        # What UDP carries is read when the datagram is complete.
        if packet.protocol != UDP or packet.header_bytes is None or view.first:
            return False
        view, layer = view.behind(8).only(packet.payload_bytes), layer + 2
        if len(view.data) < 8:
            return False
        bits, kind, network = view.data[0], view.u16(2), view.u32(4) >> 8
        if {4789, 8472} & set(packet.ports) and bits == 8:
            return self.inside("ethernet", view.behind(8), layer, vlan, (*tunnel, f"vxlan({network})"))
        if 6081 in packet.ports and bits >> 6 == 0:
            kind = "ethernet" if kind == TRANSPARENT_ETHERNET else kind
            return self.inside(kind, view.behind(8 + (bits & 63) * 4), layer, vlan, (*tunnel, f"geneve({network})"))
        if 2152 in packet.ports and bits >> 4 == 3 and view.data[1] == 255:
            size = 12 if bits & 7 else 8
            following = view.data[11] if bits & 4 else 0
            while following and view.data[size]:
                size += view.data[size] * 4
                following = view.data[size - 1]
            return self.inside("ip", view.behind(size), layer, vlan, (*tunnel, "gtpu"))
        return False

    def gre(self, view: View, layer: int, vlan: tuple, tunnel: tuple) -> bool:
        flags, kind = view.u16(0), view.u16(2)
        if flags & 7 == 1:  # of PPTP
            size = 8 + 4 * bool(flags & 0x1000) + 4 * bool(flags & 0x80)
            return self.inside("ppp", view.behind(size), layer + 1, vlan, tunnel)
        size = 4 + 4 * bool(flags & 0xC000) + 4 * bool(flags & 0x2000) + 4 * bool(flags & 0x1000)
        kind = "ethernet" if kind == TRANSPARENT_ETHERNET else kind
        return self.inside(kind, view.behind(size), layer + 1, vlan, tunnel)

    # -- IP

    def ipv4(self, view: View, layer: int, vlan: tuple, tunnel: tuple) -> bool:
        size, total = (view.data[0] & 15) * 4, view.u16(2) or view.length
        if view.data[0] >> 4 != 4 or size < 20 or total < size:
            return False
        if len(view.data) < size:
            raise Cut
        identification, fragment, protocol = view.u16(4), view.u16(6), view.data[9]
        packet = self.packet_of(view.data[12:16], view.data[16:20], protocol, vlan, tunnel)
        offset, more = (fragment & 0x1FFF) * 8, bool(fragment & 0x2000)
        key = (packet.source, packet.target, protocol, identification, vlan, tunnel)
        payload = view.only(total).behind(size)
        if offset or more:
            self.fragment(4, packet, payload, layer, key, offset, more, size)
        else:
            self.contents(4, packet, payload, layer)
        return True

    def ipv6(self, view: View, layer: int, vlan: tuple, tunnel: tuple) -> bool:
        if view.data[0] >> 4 != 6:
            return False
        if len(view.data) < 40:
            raise Cut
        length, protocol = view.u16(4), view.data[6]
        packet = self.packet_of(view.data[8:24], view.data[24:40], protocol, vlan, tunnel)
        if length == 0 and protocol == 0:
            length = view.length - 40  # a jumbogram
        payload = extension_headers(packet, view.only(40 + length).behind(40))
        if packet.protocol == 44 and len(payload.data) >= 8:
            header = 40 + length - payload.length
            place, identification = payload.u16(2), payload.u32(4)
            packet.protocol, payload = payload.data[0], payload.behind(8)
            # One that is not cut at all is no fragment.
            if place & 0xFFF9:
                key = (packet.source, packet.target, identification, vlan, tunnel)
                self.fragment(6, packet, payload, layer, key, place & 0xFFF8, bool(place & 1), header)
                return True
        self.contents(6, packet, payload, layer)
        return True

    def packet_of(self, source: bytes, target: bytes, protocol: int, vlan: tuple, tunnel: tuple) -> Packet:
        ends = str(ipaddress.ip_address(source)), str(ipaddress.ip_address(target))
        frame = self.frame
        return Packet(frame.number, frame.time_ns, frame.wire, *ends, protocol, 0, vlan=vlan, tunnel=tunnel)

    def contents(self, version: int, packet: Packet, view: View, layer: int) -> None:
        """What follows the IP header of a packet that is no fragment, of a first fragment, or of a whole datagram."""
        found = self.found
        found.packet, found.layer = packet, layer
        if version == 6:
            view = extension_headers(packet, view)
        packet.payload_bytes = view.length
        transport(Bytes(view.data), 0, view.length, packet)
        if view.first and ends_within_header(packet, view):
            found.short = True
        if packet.protocol == UDP and packet.header_bytes:
            found.rows.append(("udp", layer + 1, (*packet.ports, view.u16(4))))
        if packet.tcp:
            found.rows.append(("tcp", layer + 1, (*packet.ports, packet.tcp.seq, packet.tcp.flags)))
        if self.tunnelled(packet, version, view, layer + 1):
            found.outer[layer] = packet
        elif not view.first:
            found.rows += [("dns", layer + 2, message) for message in messages(packet)]

    # -- fragments

    def fragment(self, version: int, packet: Packet, view: View, layer: int, key: tuple, offset: int, more: bool,
                 header: int) -> None:  # fmt: skip
        """`header` is how long the IP header of the whole datagram is."""
        packet.fragment, packet.later, packet.payload_bytes = True, offset > 0, view.length
        following = packet.protocol
        if packet.later:
            self.later_fragment(version, packet, layer, key)
        else:
            self.first_fragment(version, packet, view, layer, key)
        if view.first:
            # It is in fragments itself, and not all of it is there yet.
            return
        self.counts["fragments"] += 1
        datagram = self.datagram(version, key)
        if offset == 0:
            datagram.protocol = following
        # The fixed header of IPv6 is no part of the length that the header states.
        wrong = self.add(datagram, view, offset, more, header - 40 if version == 6 else header)
        if wrong:
            self.found.rows.append(("malformed", layer, (wrong,)))
        if datagram.whole():
            del self.datagrams[key]
            self.bytes_waiting -= len(datagram.data)
            self.counts["datagrams"] += 1
            self.complete(version, packet, datagram, layer, key)
        self.make_room()

    def first_fragment(self, version: int, packet: Packet, view: View, layer: int, key: tuple) -> None:
        """Its headers, as far as they are whole."""
        mine, self.found = self.found, Found(time=self.frame.time_ns)
        self.contents(version, packet, View(view.data, view.length, True), layer)
        first, self.found = self.found, mine
        if first.short and first.packet:
            first.packet.payload_bytes = 0
        before, datagram = self.firsts.get(key), self.datagrams.get(key)
        waits = datagram and not datagram.given_up and self.frame.time_ns - datagram.time <= FRAGMENT_NS[version]
        if waits and before and first.short and not before.short:
            # Another first fragment of this datagram had the headers.
            before.time = self.frame.time_ns
        else:
            self.firsts[key] = first
        mine.packet, mine.layer, mine.short = first.packet, first.layer, mine.short or first.short
        mine.rows += first.rows
        mine.outer |= first.outer

    def later_fragment(self, version: int, packet: Packet, layer: int, key: tuple) -> None:
        """A packet of the flow of the first one, also of flows around tunnels."""
        mine = self.found
        mine.packet, mine.layer = None, layer
        first = self.firsts.get(key)
        if first is None or self.frame.time_ns - first.time > FRAGMENT_NS[version]:
            self.firsts.pop(key, None)
            return
        first.time = self.frame.time_ns
        if first.short:
            packet.payload_bytes = 0
        if first.packet:
            packet.first_fragment = first.packet.known()
            mine.packet = packet
        for at, outer in first.outer.items():
            mine.outer[at] = replace(packet, later=True, first_fragment=outer.known())

    def datagram(self, version: int, key: tuple) -> Datagram:
        """The one that waits or was given up; else another one."""
        now, datagram = self.frame.time_ns, self.datagrams.get(key)
        if datagram and now - datagram.time > FRAGMENT_NS[version]:
            self.give_up(self.datagrams.pop(key))
            datagram = None
        if datagram is None:
            datagram = self.datagrams[key] = Datagram(now)
        datagram.time = now
        return datagram

    def make_room(self) -> None:
        """Those that are given up for want of room are forgotten."""
        if len(self.datagrams) <= MOST_WAITING and self.bytes_waiting <= MOST_BYTES_WAITING:
            return
        waiting = [key for key, one in self.datagrams.items() if not one.given_up]
        if len(waiting) > MOST_WAITING or self.bytes_waiting > MOST_BYTES_WAITING:
            for key in waiting[: len(waiting) // 2]:
                self.give_up(self.datagrams.pop(key))

    def add(self, datagram: Datagram, view: View, offset: int, more: bool, header: int) -> str | None:
        """Why the fragment is a row of `malformed`."""
        wrong, cut = None, len(view.data) < view.length
        if more and view.length % 8:
            wrong = RAGGED
        elif header + offset + view.length > MOST_BYTES:
            wrong = BEYOND
        elif not datagram.given_up and not cut:
            before = len(datagram.data)
            if not datagram.add(offset, view.data, more):
                wrong = CONTRADICTS
            self.bytes_waiting += len(datagram.data) - before
        if wrong or cut:
            self.give_up(datagram)
        return wrong

    def complete(self, version: int, packet: Packet, datagram: Datagram, layer: int, key: tuple) -> None:
        """Reads the datagram; what the first fragment had is known already."""
        first, mine = self.firsts.get(key, Found()), self.found
        whole = replace(packet, protocol=datagram.protocol, first_fragment=None, later=False, ports=None)
        self.found = Found()
        self.contents(version, whole, View(bytes(datagram.data), len(datagram.data)), layer)
        read, self.found = self.found, mine
        known = {(table, at) for table, at, _ in first.rows}
        mine.rows += [row for row in read.rows if row[:2] not in known]
        mine.outer = read.outer | mine.outer
        if first.packet is None or first.short or read.layer > first.layer:
            # Who it is between is known only now, or how much payload there is.
            mine.packet, mine.layer = read.packet, read.layer


def extension_headers(packet: Packet, view: View) -> View:
    """What is behind them: behind all, or from a fragment header on, or from the first that is not whole."""
    while packet.protocol in EXTENSION_HEADERS and packet.protocol != 44 and len(view.data) >= 8:
        size = (view.data[1] + 2) * 4 if packet.protocol == AH else (view.data[1] + 1) * 8
        if size > view.length:
            break
        packet.protocol, view = view.data[0], view.behind(size)
    return view


def ends_within_header(packet: Packet, view: View) -> bool:
    """Of a first fragment: the transport header, or the extension headers, go on in the next."""
    if packet.protocol in EXTENSION_HEADERS:
        return True
    if packet.protocol not in WITH_PORTS or packet.header_bytes is not None or len(view.data) < view.length:
        return False
    return packet.protocol != TCP or view.length < 20 or (view.data[12] >> 4) * 4 > view.length


def messages(packet: Packet) -> list[tuple]:
    """Identifier and name of the question of each DNS message in the payload."""
    payload = packet.payload
    if not DNS_PORTS & set(packet.ports or ()) or len(payload) != packet.payload_bytes:
        return []
    found: list[tuple] = []
    while packet.tcp and len(payload) >= 2 and 2 + struct.unpack("!H", payload[:2])[0] <= len(payload):
        size = 2 + struct.unpack("!H", payload[:2])[0]
        found.append(payload[2:size])
        payload = payload[size:]
    found = [payload] if packet.protocol == UDP else found
    return [read for read in map(message, found) if read]


def message(data: bytes) -> tuple | None:
    """None unless all records are there."""
    try:
        identifier, _, questions, *records = struct.unpack_from("!HHHHHH", data)
        name, at = None, 12
        for number in range(questions + sum(records)):
            read, at = dns_text.read_name(data, at)
            name = tuple(read) if number == 0 and questions else name
            at += 4 if number < questions else 10 + struct.unpack_from("!H", data, at + 8)[0]
    except (struct.error, IndexError, ValueError):
        return None
    return (identifier, name) if at <= len(data) else None
