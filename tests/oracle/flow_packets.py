"""Reads packets as far as flows need them: the innermost IP packet, its transport header, the tunnels around it.

Not a script of its own. Bytes are read here and nowhere else, independently of netcap. What is not there or contradicts
itself is not read: `packet_of` then goes by the layer below. A packet without an IP header that holds has no flow, and
is None.

Lengths are those of the headers, whatever the snap length; what is longer than that which holds it is cut to that. The
number `end` is where a layer ends by the lengths of the layers around it, and may lie behind the bytes that there are.
"""

from __future__ import annotations

import ipaddress
import struct
from dataclasses import dataclass, field

import common
import dns_text

FIN, SYN, RST, PSH, ACK, URG, ECE, CWR = (1 << shift for shift in range(8))
FLAGS = {"fin": FIN, "syn": SYN, "rst": RST, "psh": PSH, "ack": ACK, "urg": URG, "ece": ECE, "cwr": CWR}
ICMP, IGMP, TCP, UDP, DCCP, GRE, ESP, AH, ICMPV6, SCTP, UDPLITE = 1, 2, 6, 17, 33, 47, 50, 51, 58, 132, 136
WITH_HEADER = {ICMP, TCP, UDP, DCCP, ICMPV6, SCTP, UDPLITE}
WITH_PORTS = (TCP, UDP, DCCP, SCTP, UDPLITE)

IPV4, IPV6, TRANSPARENT_ETHERNET = 0x0800, 0x86DD, 0x6558
VLAN_TAGS, MPLS, PPPOE_SESSION, PPP_IN_GRE = (0x8100, 0x88A8, 0x9100), (0x8847, 0x8848), 0x8864, 0x880B
EXTENSION_HEADERS = (0, 43, 44, 51, 60, 135, 139, 140)
IP_IN_IP = {(4, 4): "ipip", (4, 41): "6in4", (6, 4): "4in6", (6, 41): "6in6"}
# ICMP messages that have an identifier: echo, timestamp, information, address mask; echo and home agent discovery.
IDENTIFIED = {ICMP: (0, 8, 13, 14, 15, 16, 17, 18), ICMPV6: (128, 129, 144, 145)}


@dataclass
class Tcp:
    """A TCP header."""

    flags: int
    seq: int = 0
    ack: int = 0
    window: int = 0
    mss: int | None = None
    scale: int | None = None
    # Options were cut, and the window scale may have been among them.
    cut: bool = False


@dataclass
class Packet:
    """What flows need to know of a packet."""

    number: int
    time: int
    wire_bytes: int
    source: str
    target: str
    protocol: int
    ip_bytes: int
    transport_bytes: int = 0
    payload_bytes: int = 0
    ttl: int = 64
    vlan: tuple[int, ...] = ()
    tunnel: tuple[str, ...] = ()
    # Outermost Ethernet header: sender and receiver.
    macs: tuple[str, str] | None = None
    ports: tuple[int, int] | None = None
    icmp: tuple[int, int] | None = None
    identifier: int = 0
    tcp: Tcp | None = None
    # Length of the transport header; None where none was read.
    header_bytes: int | None = None
    # A fragment, also the first one; and one that is not the first.
    fragment: bool = False
    later: bool = False
    # The datagrams, outermost first, of which the packet holds the first fragment; a later fragment's own is the last.
    datagrams: list[tuple] = field(default_factory=list)
    # The transport payload as far as it was captured.
    payload: bytes = b""
    # A first fragment that ends within the transport header.
    headless: bool = False
    # Of a later fragment, once that is known: the first fragment of the datagram.
    first_fragment: Packet | None = None

    def known(self) -> Packet:
        """The packet whose addresses, ports, protocol ... count for this one."""
        return self.first_fragment or self


@dataclass(frozen=True)
class Around:
    """What lies around a layer."""

    number: int
    time: int
    wire_bytes: int
    macs: tuple[str, str] | None = None
    vlan: tuple[int, ...] = ()
    tunnel: tuple[str, ...] = ()
    datagrams: tuple = ()
    fragment: bool = False

    def but(self, **changes: object) -> Around:
        return Around(**{**self.__dict__, **changes})


class Missing(Exception):
    """The bytes end before the field."""


class Bytes:
    """A frame, with reading that notices its end."""

    def __init__(self, data: bytes) -> None:
        self.data = data

    def take(self, at: int, count: int) -> bytes:
        if at < 0 or at + count > len(self.data):
            raise Missing
        return self.data[at : at + count]

    def u8(self, at: int) -> int:
        return self.take(at, 1)[0]

    def u16(self, at: int) -> int:
        return int.from_bytes(self.take(at, 2), "big")

    def u32(self, at: int) -> int:
        return int.from_bytes(self.take(at, 4), "big")


def packet_of(frame: common.Frame) -> Packet | None:
    """The innermost IP packet of a frame; None without one."""
    data = Bytes(frame.data)
    end = max(frame.wire, len(frame.data))
    around = Around(frame.number, frame.time_ns, frame.wire)
    try:
        if frame.link_type == 1:
            return ethernet(data, 0, end, around)
        if frame.link_type == 113:
            return by_ether_type(data, data.u16(14), 16, end, around)
        if frame.link_type == 276:
            return by_ether_type(data, data.u16(0), 20, end, around)
        if frame.link_type in (0, 108):
            family = data.u32(0)
            # The byte order is that of the machine that captured: the reading that gives the small number.
            family = min(family, int.from_bytes(data.take(0, 4), "little"))
            kind = {2: IPV4, 10: IPV6, 24: IPV6, 28: IPV6, 30: IPV6}.get(family, 0)
            return by_ether_type(data, kind, 4, end, around)
        if frame.link_type in (12, 14, 101, 228, 229):
            return by_first_nibble(data, 0, end, around)
    except Missing:
        pass
    return None


# -- below IP -------------------------------------------------------------------------------------------------------


def inside(read, data: Bytes, *arguments) -> Packet | None:
    """What a layer holds that may be anything: None also where the bytes end too early."""
    try:
        return read(data, *arguments)
    except Missing:
        return None


def ethernet(data: Bytes, at: int, end: int, around: Around) -> Packet | None:
    if around.macs is None:
        around = around.but(macs=(data.take(at + 6, 6).hex(":"), data.take(at, 6).hex(":")))
    return by_ether_type(data, data.u16(at + 12), at + 14, end, around)


def by_first_nibble(data: Bytes, at: int, end: int, around: Around) -> Packet | None:
    return by_ether_type(data, {4: IPV4, 6: IPV6}.get(data.u8(at) >> 4, 0), at, end, around)


def by_ether_type(data: Bytes, kind: int, at: int, end: int, around: Around) -> Packet | None:
    if kind in VLAN_TAGS:
        # Tags with identifier 0 are there for their priority.
        tag = data.u16(at) & 0xFFF
        around = around.but(vlan=(*around.vlan, tag) if tag else around.vlan)
        return by_ether_type(data, data.u16(at + 2), at + 4, end, around)
    if kind == IPV4:
        return ipv4(data, at, end, around)
    if kind == IPV6:
        return ipv6(data, at, end, around)
    if kind in MPLS:
        return mpls(data, at, end, around)
    if kind == PPPOE_SESSION:
        return pppoe(data, at, end, around)
    return None


def mpls(data: Bytes, at: int, end: int, around: Around) -> Packet | None:
    around = around.but(tunnel=(*around.tunnel, "mpls"))
    while not data.u32(at) & 0x100:
        at += 4
    at += 4
    if data.u8(at) >> 4 == 0:
        # The control word of a pseudowire.
        return ethernet(data, at + 4, end, around)
    return by_first_nibble(data, at, end, around)


def pppoe(data: Bytes, at: int, end: int, around: Around) -> Packet | None:
    if data.u16(at) != 0x1100:
        return None
    session, length = data.u16(at + 2), data.u16(at + 4)
    around = around.but(tunnel=(*around.tunnel, f"pppoe({session})"))
    return ppp(data, at + 6, min(end, at + 6 + length), around)


def ppp(data: Bytes, at: int, end: int, around: Around) -> Packet | None:
    if data.u8(at) == 0xFF and data.u8(at + 1) == 0x03:
        at += 2
    # The protocol may be compressed to its lower byte, which then is odd.
    protocol, at = (data.u8(at), at + 1) if data.u8(at) & 1 else (data.u16(at), at + 2)
    return by_ether_type(data, {0x0021: IPV4, 0x0057: IPV6}.get(protocol, 0), at, end, around)


# -- IP -------------------------------------------------------------------------------------------------------------


def ipv4(data: Bytes, at: int, end: int, around: Around) -> Packet | None:
    header = data.take(at, 20)
    length, total = (header[0] & 15) * 4, int.from_bytes(header[2:4], "big")
    # A length of 0 is what segmentation offload leaves: all that there is.
    total = min(total or end - at, end - at)
    if header[0] >> 4 != 4 or length < 20 or total < length:
        return None
    identification, fragment = struct.unpack_from("!HH", header, 4)
    packet = Packet(
        around.number,
        around.time,
        around.wire_bytes,
        str(ipaddress.IPv4Address(header[12:16])),
        str(ipaddress.IPv4Address(header[16:20])),
        header[9],
        ip_bytes=total,
        ttl=header[8],
    )
    offset, more = fragment & 0x1FFF, bool(fragment & 0x2000)
    return ip_payload(data, 4, at + length, at + total, around, packet, offset, more, identification, header[9])


def ipv6(data: Bytes, at: int, end: int, around: Around) -> Packet | None:
    header = data.take(at, 40)
    if header[0] >> 4 != 6:
        return None
    length, protocol = struct.unpack_from("!HB", header, 4)
    if length == 0 and protocol == 0:
        length = jumbo_length(data, at + 40)
    end = min(end, at + 40 + length)
    packet = Packet(
        around.number,
        around.time,
        around.wire_bytes,
        str(ipaddress.IPv6Address(header[8:24])),
        str(ipaddress.IPv6Address(header[24:40])),
        protocol,
        ip_bytes=end - at,
        ttl=header[7],
    )
    at += 40
    offset, more, identification, fragmented = 0, False, 0, 0
    while protocol in EXTENSION_HEADERS and not offset and at + 8 <= len(data.data):
        # Where they are cut off or longer than the packet, the first that is not whole stays the protocol.
        following = data.u8(at)
        size = 8 if protocol == 44 else (data.u8(at + 1) + (2 if protocol == AH else 1)) * (4 if protocol == AH else 8)
        if at + size > end:
            break
        if protocol == 44:
            offset, more = data.u16(at + 2) >> 3, bool(data.u16(at + 2) & 1)
            identification, fragmented = data.u32(at + 4), following
        protocol, at = following, at + size
    packet.protocol = protocol
    return ip_payload(data, 6, at, end, around, packet, offset, more, identification, fragmented)


def jumbo_length(data: Bytes, at: int) -> int:
    """The payload length of a jumbogram, from its hop-by-hop options; 0 without one."""
    end = at + (data.u8(at + 1) + 1) * 8
    at += 2
    while at + 1 < end:
        kind = data.u8(at)
        if kind == 0xC2:
            return data.u32(at + 2)
        at += 1 if kind == 0 else 2 + data.u8(at + 1)
    return 0


def ip_payload(
    data: Bytes,
    version: int,
    at: int,
    end: int,
    around: Around,
    packet: Packet,
    offset: int,
    more: bool,
    identification: int,
    protocol: int,
) -> Packet:
    """Completes an IP packet, or gives the innermost one inside of it."""
    packet.macs, packet.vlan, packet.tunnel = around.macs, around.vlan, around.tunnel
    packet.fragment, packet.later = around.fragment or more or offset > 0, offset > 0
    packet.transport_bytes = packet.payload_bytes = end - at
    datagrams = around.datagrams
    if more or offset:
        datagrams = (*datagrams, (packet.source, packet.target, protocol, identification, packet.vlan))
    packet.datagrams = list(datagrams)
    if packet.later:
        return packet
    within = around.but(datagrams=datagrams, fragment=packet.fragment)
    transport(data, at, end, packet)
    if packet.fragment and packet.protocol in WITH_HEADER and not packet.header_bytes and end <= len(data.data):
        # It ends within the transport header: what follows may still be header.
        packet.headless, packet.payload_bytes = True, 0
    return tunnelled(data, version, at, end, within, packet) or packet


def tunnelled(data: Bytes, version: int, at: int, end: int, around: Around, packet: Packet) -> Packet | None:
    name = IP_IN_IP.get((version, packet.protocol))
    if name:
        return inside(ipv4 if packet.protocol == 4 else ipv6, data, at, end, through(around, name))
    if packet.protocol == GRE:
        return inside(gre, data, at, end, through(around, "gre"))
    if packet.protocol == UDP and packet.header_bytes:
        at, end = at + 8, at + 8 + packet.payload_bytes
        # Either port, as Wireshark has it.
        if {4789, 8472} & set(packet.ports):
            return inside(vxlan, data, at, end, around)
        if 6081 in packet.ports:
            return inside(geneve, data, at, end, around)
        if 2152 in packet.ports:
            return inside(gtpu, data, at, end, through(around, "gtpu"))
    return None


def through(around: Around, name: str) -> Around:
    return around.but(tunnel=(*around.tunnel, name))


def gre(data: Bytes, at: int, end: int, around: Around) -> Packet | None:
    flags, kind = data.u16(at), data.u16(at + 2)
    at += 4
    if flags & 7 == 1:
        at += 4 + 4 * bool(flags & 0x1000) + 4 * bool(flags & 0x0080)
        return ppp(data, at, end, around) if kind == PPP_IN_GRE else None
    if flags & 7:
        return None
    at += 4 * bool(flags & 0xC000) + 4 * bool(flags & 0x2000) + 4 * bool(flags & 0x1000)
    if flags & 0x4000:
        while data.u16(at) or data.u8(at + 3):
            at += 4 + data.u8(at + 3)
        at += 4
    if kind == TRANSPARENT_ETHERNET:
        return ethernet(data, at, end, around)
    return by_ether_type(data, kind, at, end, around)


def vxlan(data: Bytes, at: int, end: int, around: Around) -> Packet | None:
    if data.u8(at) != 0x08:
        return None
    return ethernet(data, at + 8, end, through(around, f"vxlan({data.u32(at + 4) >> 8})"))


def geneve(data: Bytes, at: int, end: int, around: Around) -> Packet | None:
    first, kind, network = data.u8(at), data.u16(at + 2), data.u32(at + 4) >> 8
    if first >> 6:
        return None
    at += 8 + (first & 0x3F) * 4
    around = through(around, f"geneve({network})")
    if kind == TRANSPARENT_ETHERNET:
        return ethernet(data, at, end, around)
    return by_ether_type(data, kind, at, end, around)


def gtpu(data: Bytes, at: int, end: int, around: Around) -> Packet | None:
    flags = data.u8(at)
    if flags >> 4 != 3 or data.u8(at + 1) != 255:  # version 1, GTP and not GTP'
        return None
    at += 8
    if flags & 7:
        following = data.u8(at + 3) if flags & 4 else 0
        at += 4
        while following:
            size = data.u8(at) * 4
            if size == 0:
                return None
            following, at = data.u8(at + size - 1), at + size
    return by_first_nibble(data, at, end, around)


# -- transport ------------------------------------------------------------------------------------------------------


def transport(data: Bytes, at: int, end: int, packet: Packet) -> None:
    """Reads the transport header; where it is cut or contradicts itself, all is payload."""
    length, here = end - at, data.data[at:end]
    if packet.protocol in WITH_PORTS and len(here) >= 4:
        packet.ports = struct.unpack_from("!HH", here)
    header = payload = None
    if packet.protocol == TCP and len(here) >= 20:
        size = (here[12] >> 4) * 4
        if 20 <= size <= length:
            header, payload = size, length - size
            packet.tcp = tcp(here[:size])
    elif packet.protocol == UDP and len(here) >= 8:
        # No length is what a jumbogram has.
        size = struct.unpack_from("!H", here, 4)[0] or length
        header, payload = 8, max(min(size, length) - 8, 0)
    elif packet.protocol == DCCP and len(here) >= 12:
        size = here[4] * 4
        if 12 <= size <= length:
            header, payload = size, length - size
    elif packet.protocol in (SCTP, UDPLITE):
        size = {SCTP: 12, UDPLITE: 8}[packet.protocol]
        if len(here) >= size:
            header, payload = size, length - size
    elif packet.protocol == ESP and len(here) >= 4:
        # The security parameters index tells associations apart.
        packet.identifier = struct.unpack_from("!I", here)[0]
    elif packet.protocol in (ICMP, ICMPV6) and len(here) >= 2:
        header, payload = min(8, length), max(length - 8, 0)
        packet.icmp = here[0], here[1]
        if here[0] in IDENTIFIED[packet.protocol] and len(here) >= 6:
            packet.identifier = struct.unpack_from("!H", here, 4)[0]
    if header is not None:
        packet.header_bytes, packet.payload_bytes = header, payload
        packet.payload = here[header : header + payload]


def tcp(header: bytes) -> Tcp:
    _, _, seq, ack, bits, window = struct.unpack_from("!HHIIHH", header)
    read = Tcp(bits & 0xFFF, seq, ack, window)
    at = 20
    while at < len(header) and header[at] != 0:
        if header[at] == 1:
            at += 1
            continue
        if at + 1 >= len(header) or header[at + 1] < 2 or at + header[at + 1] > len(header):
            break
        kind, value = header[at], header[at + 2 : at + header[at + 1]]
        if kind == 2 and len(value) == 2 and read.mss is None:
            read.mss = int.from_bytes(value, "big")
        if kind == 3 and len(value) == 1 and read.scale is None:
            read.scale = value[0]
        at += header[at + 1]
    read.cut = len(header) < (bits >> 12) * 4 and read.scale is None
    return read


# -- DNS ------------------------------------------------------------------------------------------------------------


@dataclass
class Dns:
    """What flows tell of a DNS message."""

    identifier: int
    question_type: int | None = None
    answer_ttl: int | None = None


def dns_messages(packet: Packet) -> list[Dns]:
    """The DNS messages in a packet of which it is known that it has some."""
    if packet.tcp is None:
        return [dns_message(packet.payload)] if len(packet.payload) >= 12 else []
    messages, at = [], 0
    while at + 2 <= len(packet.payload):
        size = int.from_bytes(packet.payload[at : at + 2], "big")
        if size < 12 or at + 2 + size > len(packet.payload):
            break
        messages.append(dns_message(packet.payload[at + 2 : at + 2 + size]))
        at += 2 + size
    return messages


def dns_message(data: bytes) -> Dns:
    identifier, flags, questions, answers = struct.unpack_from("!HHHH", data)
    message, at = Dns(identifier), 12
    try:
        for number in range(questions):
            _, at = dns_text.read_name(data, at)
            if number == 0:
                message.question_type = struct.unpack_from("!H", data, at)[0]
            at += 4
        if answers and flags & 0x8000:
            _, at = dns_text.read_name(data, at)
            message.answer_ttl = struct.unpack_from("!I", data, at + 4)[0]
    except (IndexError, ValueError, struct.error):
        pass
    return message


def looks_like_dns(packet: Packet) -> bool:
    """A guess by ports, for when there is nobody to ask."""
    return bool({53, 5353, 5355} & set(packet.ports or ())) and bool(dns_messages(packet))
