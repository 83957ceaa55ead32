"""Captures with fragments, made packet by packet for fragment_oracle.py.

Not a script of its own. `captures` gives each as its name, link type and packets; a packet is time, length on the wire
and bytes. Headers are those of flow_made.py; IP datagrams are cut here.
"""

from __future__ import annotations

import ipaddress
import random
import struct
from collections.abc import Callable
from itertools import pairwise

from flow_made import SECOND, ethernet, icmp, ipv4, ipv6, ipv6_fragment, tcp, udp
from flow_packets import GRE, ICMP, TCP, UDP

MILLISECOND = SECOND // 1000
A4, B4, C4, D4 = "192.0.2.1", "198.51.100.2", "192.0.2.3", "198.51.100.4"
A6, B6, C6, D6 = "2001:db8::1", "2001:db8:1::2", "2001:db8::3", "2001:db8:1::4"
IPIP, SIX_IN, DESTINATION_OPTIONS = 4, 41, 60
MORE = 0x2000

# A part of a datagram: where it begins, where it ends, whether the header says that more follow.
Part = tuple[int, int, bool]
Capture = tuple[str, int, list[tuple[int, int, bytes]]]


class Making:
    """A capture in the making. A packet comes a millisecond after the one before it, or `wait` seconds."""

    def __init__(self) -> None:
        self.time, self.packets = 1_700_000_000 * SECOND, []

    def add(self, *packets: bytes, wait: float = 0.001, vlans: tuple = (), snap: int | None = None, pad: int = 0,
            ) -> Making:  # fmt: skip
        """IP packets behind an Ethernet header; `snap` cuts what is captured of them, `pad` is their least length."""
        for packet in packets:
            self.time += round(wait * SECOND)
            frame = ethernet(kind_of(packet), packet, vlans).ljust(pad, b"\xff")
            self.packets.append((self.time, len(frame), frame[:snap]))
        return self

    def pause(self) -> Making:
        """So long that nothing goes on: neither datagrams nor flows."""
        self.time += 200 * SECOND
        return self


# -- datagrams ------------------------------------------------------------------------------------------------------


def query(name: str, identifier: int = 1) -> bytes:
    return struct.pack("!HHHHHH", identifier, 0x0100, 1, 0, 0, 0) + written(name) + struct.pack("!HH", 1, 1)


def response(name: str, answers: int, identifier: int = 1) -> bytes:
    """16 bytes an answer, all different."""
    message = struct.pack("!HHHHHH", identifier, 0x8180, 1, answers, 0, 0) + written(name) + struct.pack("!HH", 1, 1)
    for number in range(answers):
        message += struct.pack("!HHHIHI", 0xC00C, 1, 1, 300, 4, 0x0A000000 + number)
    return message


def written(name: str) -> bytes:
    return b"".join(bytes([len(label)]) + label.encode() for label in name.split(".")) + b"\0"


def ask(name: str, identifier: int = 1) -> bytes:
    return udp((40000, 53), query(name, identifier))


def answer(name: str, answers: int = 20, identifier: int = 1) -> bytes:
    return udp((53, 40000), response(name, answers, identifier))


def cuts(length: int, *at: int) -> list[Part]:
    """A datagram of that length cut at these places."""
    ends = [0, *at, length]
    return [(start, end, end < length) for start, end in pairwise(ends)]


def every(length: int, size: int) -> list[Part]:
    return cuts(length, *range(size, length, size))


def in4(body: bytes, parts: list[Part], protocol: int = UDP, ends: tuple[str, str] = (A4, B4), identification: int = 1,
        ) -> list[bytes]:  # fmt: skip
    return [
        ipv4(*ends, protocol, body[start:end], identification=identification, fragment=start // 8 | MORE * more)
        for start, end, more in parts
    ]


def in6(body: bytes, parts: list[Part], protocol: int = UDP, ends: tuple[str, str] = (A6, B6), identification: int = 1,
        ) -> list[bytes]:  # fmt: skip
    return [
        ipv6(*ends, 44, ipv6_fragment(protocol, start // 8, more, identification, body[start:end]))
        for start, end, more in parts
    ]


def shuffled(packets: list[bytes], seed: int = 1) -> list[bytes]:
    random.Random(seed).shuffle(packets)
    return packets


def orders(packets: list[bytes]) -> dict[str, list[list[bytes]]]:
    """In order, reversed, without the end; and the later ones once more after the datagram is whole."""
    return {
        "": [packets, packets[::-1], packets[:-1]],
        ", later ones again": [packets + packets[1:], packets[::-1] + packets[1:]],
    }


def gre(kind: int, body: bytes) -> bytes:
    return struct.pack("!HH", 0, kind) + body


def gre_of(packet: bytes) -> bytes:
    return gre(kind_of(packet), packet)


def vxlan(network: int, packet: bytes) -> bytes:
    return udp((50000, 4789), struct.pack("!BxxxI", 8, network << 8) + ethernet(kind_of(packet), packet))


def kind_of(packet: bytes) -> int:
    return {4: 0x0800, 6: 0x86DD}[packet[0] >> 4]


# -- captures by hand -----------------------------------------------------------------------------------------------


def in_any_order(cut: Callable, names: str) -> Making:
    making = Making()
    for number, order in enumerate(("in order", "reversed", "shuffled")):
        for body in (ask(f"{names}-query{number}.example"), answer(f"{names}-answer{number}.example", 60)):
            packets = cut(body, every(len(body), 24 if len(body) < 100 else 128), identification=making.time % 60000)
            packets = packets[::-1] if order == "reversed" else shuffled(packets) if order == "shuffled" else packets
            making.add(*packets)
    return making


def overlaps() -> dict[str, Making]:
    body = answer("overlap.example")
    length, bad = len(body), body[:64] + bytes(64) + body[128:]
    agreeing = [(0, 128, True), (64, 192, True), (184, 256, True), (248, length, False)]
    found = {}
    for name, cut in (("4", in4), ("6", in6)):
        first, last = cuts(length, 128)
        # What contradicts: a middle, the first again, an end before or behind the end, bytes behind the end.
        wrong_middle = cut(bad, [(64, 192, True)])[0]
        wrong_first = cut(bad, [first])[0]
        short_end, late_end = cut(body, [(128, 200, False)])[0], cut(body + bytes(8), [(128, length + 8, False)])[0]
        behind = cut(body + bytes(16), [(length - length % 8, length - length % 8 + 16, True)])[0]
        found |= {
            f"agreeing overlap {name}": Making().add(*cut(body, agreeing)),
            f"agreeing overlap, reversed {name}": Making().add(*cut(body, agreeing)[::-1]),
            f"duplicates {name}": Making().add(*[packet for packet in cut(body, every(length, 96)) for _ in range(2)]),
            f"duplicates behind {name}": Making().add(*cut(body, every(length, 96)) * 2),
            f"contradicting middle {name}": Making().add(*cut(body, [first]), wrong_middle, *cut(body, [last])),
            f"contradicting middle behind {name}": Making().add(*cut(body, [last]), wrong_middle, *cut(body, [first])),
            f"contradicting first {name}": Making().add(*cut(body, [first]), wrong_first, *cut(body, [last])),
            f"contradicting end before {name}": Making().add(*cut(body, [last]), short_end, *cut(body, [first])),
            f"contradicting end behind {name}": Making().add(*cut(body, [last]), late_end, *cut(body, [first])),
            f"bytes behind the end {name}": Making().add(*cut(body, [last]), behind, *cut(body, [first])),
            f"end within what is there {name}": Making().add(
                *cut(body, [(128, 256, True)]), *cut(body, [(64, 192, False), (0, 64, True)])
            ),
        }
    return found


def times() -> dict[str, Making]:
    found = {}
    for name, cut, limit in (("4", in4, 30), ("6", in6, 60)):
        body, again = answer("times.example", 30), answer("again.example")
        first, *between, last = cut(body, every(len(body), 128))
        for title, wait in (("at", limit), ("over", limit + 0.001)):
            slow = Making().add(first)
            for packet in (*between, last):
                slow.add(packet, wait=wait)
            found[f"{title} the time-out {name}"] = slow
            found[f"{title} the time-out, first fragment last {name}"] = (
                Making().add(last, *between).add(first, wait=wait)
            )
        # Time-out, and then the datagram whole with the same identification.
        found[f"sent again after the time-out {name}"] = (
            Making().add(first, *between).add(first, wait=limit + 1).add(*between, last)
        )
        found[f"another with the identification {name}"] = (
            Making().add(first, *between, last).add(*cut(again, every(len(again), 128)))
        )
        found[f"backwards in time {name}"] = Making().add(first).add(*between, last, wait=-0.5)
        # After a contradiction: again at once, and again after the time-out of the last fragment.
        wrong, rest = cut(bytes(len(body)), [(0, 128, True)])[0], [*between, last]
        found[f"sent again after a contradiction {name}"] = Making().add(first, wrong, first, *rest, first, *rest)
        found[f"given up, and a fragment now and then {name}"] = (
            Making().add(first, wrong).add(last, wait=limit - 1).add(first, wait=limit - 1).add(*rest)
        )
        found[f"given up, and sent again after the time-out {name}"] = (
            Making().add(first, wrong).add(last, wait=limit - 1).add(first, wait=limit + 1).add(*rest)
        )
        found[f"an end alone after the datagram {name}"] = Making().add(first, *rest).add(last, wait=limit)
        found[f"an end alone long after the datagram {name}"] = Making().add(first, *rest).add(last, wait=limit + 1)
    return found


def headers() -> dict[str, Making]:
    """First fragments that end within a header."""
    found = {}
    options = bytes.fromhex("020405b40402080a00000001000000000103030701010101")[:24]
    for name, cut in (("4", in4), ("6", in6)):
        for size in (8, 16, 24):
            for title, segment in (
                ("plain", tcp((40000, 80), "S", 1000)),
                ("options", tcp((40000, 80), "S", 1000, options=options)),
                ("payload", tcp((40000, 80), "PA", 1000, 1, b"x" * 100)),
                ("options and payload", tcp((40000, 80), "PAF", 1000, 1, b"x" * 100, options=options)),
                ("dns", tcp((40000, 53), "PA", 1000, 1, struct.pack("!H", 33) + query("tcp.example.org"))),
            ):
                if size >= len(segment):
                    continue
                later = ipv4(A4, B4, TCP, tcp((40000, 80), "A", 1100, 1))
                for order, rounds in orders(cut(segment, every(len(segment), size), TCP)).items():
                    making = found[f"TCP of {size} bytes, {title}{order} {name}"] = Making()
                    for some in rounds:
                        making.add(*some, later).pause()
        body = ask("tiny.example")
        found[f"UDP of 8 bytes {name}"] = Making().add(*cut(body, every(len(body), 8)))
        found[f"UDP of 8 bytes, padded {name}"] = Making().add(*cut(body, every(len(body), 8)), pad=90)
        echo = icmp(8, 0, 77, 100)
        found[f"ICMP of 8 bytes {name}"] = Making().add(*cut(echo, every(len(echo), 8), ICMP if name == "4" else 58))
        bare = bytes(range(100))
        found[f"a protocol without ports {name}"] = Making().add(*cut(bare, every(100, 24), 89))
        # The UDP header says that it is shorter than the datagram, and longer.
        for title, length in (("shorter", 64), ("longer", 4000)):
            body = udp((53, 40000), response("length.example", 10), length)
            found[f"UDP length {title} {name}"] = Making().add(*cut(body, every(len(body), 96)))
    # Two first fragments of one datagram, of which one ends within the header.
    segment = tcp((40000, 80), "PA", 1, 1, bytes(60))
    for title, cut in (("4", in4), ("6", in6)):
        tiny, first, rest = (0, 8, True), (0, 24, True), (24, len(segment), False)
        for number, parts in enumerate(([tiny, first, rest], [first, tiny, rest], [rest, tiny, first])):
            found[f"two first fragments {number} {title}"] = Making().add(*cut(segment, parts, TCP))
    # 24 bytes of destination options: the fragment header's datagram begins with them.
    inside = ask("options.example")
    body = bytes([UDP, 2, 1, 4, 0, 0, 0, 0]) + bytes([1, 14]) + bytes(14) + inside
    for size in (8, 16, 24, 32):
        for order, rounds in orders(in6(body, every(len(body), size), DESTINATION_OPTIONS)).items():
            making = found[f"destination options cut at {size}{order}"] = Making()
            for some in rounds:
                making.add(*some).pause()
    parts = cuts(len(inside), 24)
    first, *rest = in6(inside, parts)
    before = ipv6(A6, B6, DESTINATION_OPTIONS, bytes([44, 0, 1, 4, 0, 0, 0, 0]) + first[40:])
    found["options before the fragment header"] = Making().add(before, *rest)
    # Only what the header of the first fragment says to follow counts.
    found["other next header 6"] = Making().add(in6(inside, parts)[0], in6(inside, parts, 59)[1])
    found["other next header, reversed 6"] = Making().add(in6(inside, parts, 59)[1], in6(inside, parts)[0])
    # A fragment that an error message quotes is none.
    quoting = ipv4(B4, A4, ICMP, icmp(11) + in4(inside, parts)[0])
    found["quoted fragment"] = Making().add(quoting, *in4(inside, parts)[1:])
    found["atomic fragment"] = Making().add(*in6(inside, [(0, len(inside), False)]) * 2)
    return found


def limits() -> dict[str, Making]:
    found = {}
    for name, cut, room in (("4", in4, 65535 - 20), ("6", in6, 65535)):
        body = answer("ragged.example")
        ragged = [(0, 128, True), (128, 251, True), (248, len(body), False)]
        found[f"ragged {name}"] = Making().add(*cut(body, ragged))
        found[f"ragged, after the end {name}"] = Making().add(*cut(body, [ragged[2], ragged[0], ragged[1]]))
        found[f"ragged first {name}"] = Making().add(*cut(body, [(0, 100, True), (96, len(body), False)]))
        found[f"empty {name}"] = Making().add(*cut(body, [(0, 128, True), (128, 128, True), (128, len(body), False)]))
        found[f"empty end {name}"] = Making().add(*cut(body[:128], [(0, 128, True), (128, 128, False)]))
        for more in (-8, -7, -1, 0, 1):
            size = room + more
            body = udp((40000, 40001), bytes(size - 8), size % 65536)
            parts = every(size, 16000)
            found[f"{size} bytes {name}"] = Making().add(*cut(body, parts))
            found[f"{size} bytes, reversed {name}"] = Making().add(*cut(body, parts)[::-1])
        # Far beyond what there can be, beside a datagram that is whole without it.
        body = answer("far.example")
        far = cut(bytes(65528) + bytes(100), [(65528, 65628, False)])
        first, last = cut(body, cuts(len(body), 128))
        found[f"far beyond {name}"] = Making().add(first, *far, last)
        body = answer("snap.example", 30)
        for at in range(4):
            making = Making()
            for number, packet in enumerate(cut(body, every(len(body), 160))):
                making.add(packet, snap=100 if number == at else None)
            found[f"fragment {at} cut {name}"] = making.add(*cut(body, every(len(body), 160), identification=2))
    return found


def alike() -> Making:
    """Datagrams with the same identification that differ in addresses, protocol, VLAN or tunnel, interleaved."""
    ends = [(A4, B4), (B4, A4), (A4, D4), (C4, B4)]
    ends6 = [(A6, B6), (B6, A6), (A6, D6), (C6, B6)]
    rows: list[list[tuple[bytes, tuple]]] = []
    for number, (pair, pair6) in enumerate(zip(ends, ends6)):
        for vlans in ((), (7,), (7, 8)):
            for cut, some in ((in4, pair), (in6, pair6)):
                body = answer(f"alike{number}-{len(vlans)}.example", 10 + number)
                rows.append([(packet, vlans) for packet in cut(body, every(len(body), 64), ends=some)])
    segment = tcp((40000, 53), "PA", 1, 1, bytes(200))
    rows.append([(packet, ()) for packet in in4(segment, every(len(segment), 64), TCP)])
    # In tunnels, between the same ends.
    wrap = [
        (IPIP, lambda packet: packet),
        (GRE, gre_of),
        (UDP, lambda packet: vxlan(42, packet)),
        (UDP, lambda packet: vxlan(43, packet)),
        (IPIP, lambda packet: ipv4(A4, B4, GRE, gre_of(packet))),
        (GRE, lambda packet: gre_of(ipv4(A4, B4, IPIP, packet))),
    ]
    for number, (protocol, around) in enumerate(wrap):
        body = answer(f"alike-in-tunnel{number}.example", 12 + number)
        rows.append([(ipv4(A4, B4, protocol, around(packet)), ()) for packet in in4(body, every(len(body), 64))])
    making = Making()
    while any(rows):
        for row in rows:
            if row:
                packet, vlans = row.pop(0)
                making.add(packet, vlans=vlans)
    return making


# -- tunnels --------------------------------------------------------------------------------------------------------


def tunnels() -> dict[str, Making]:
    found = {}
    message = answer("tunnel.example")
    inner4, inner6 = ipv4(C4, D4, UDP, message), ipv6(C6, D6, UDP, message)
    segment = ipv4(C4, D4, TCP, tcp((40000, 80), "PA", 5, 5, bytes(200)))
    kinds = {
        "IP in IP": (IPIP, inner4),
        "6in4": (SIX_IN, inner6),
        "GRE": (GRE, gre_of(inner4)),
        "GRE with Ethernet": (GRE, gre(0x6558, ethernet(0x0800, inner4))),
        "GRE with TCP": (GRE, gre_of(segment)),
        "VXLAN": (UDP, vxlan(42, inner4)),
        "VXLAN with ARP": (UDP, udp((50000, 4789), struct.pack("!BxxxI", 8, 42 << 8) + ethernet(0x0806, bytes(200)))),
        "Geneve": (UDP, udp((50000, 6081), struct.pack("!BBHI", 0, 0, 0x0800, 42 << 8) + inner4)),
        "GTP-U": (UDP, udp((2152, 2152), struct.pack("!BBHI", 0x30, 255, len(inner4), 9) + inner4)),
        "GRE in IP in IP": (IPIP, ipv4(A4, D4, GRE, gre_of(inner4))),
        "IP in IP in VXLAN": (UDP, vxlan(42, ipv4(A4, D4, IPIP, inner4))),
    }
    for kind, (protocol, body) in kinds.items():
        for name, cut in (("4", in4), ("6", in6)):
            # The first cut is within the inner IP header, within the inner transport header, or behind both.
            for first in (16, 24, 32, 40, 48, 96):
                packets = cut(body, cuts(len(body), first, first + 104), protocol)
                # The same inner flow without fragments, after them.
                whole = ipv4(A4, B4, protocol, body) if name == "4" else ipv6(A6, B6, protocol, body)
                for order, rounds in orders(packets).items():
                    making = found[f"{kind}, cut at {first}{order} {name}"] = Making()
                    for some in rounds:
                        making.add(*some, whole).pause()
    # Fragments in a tunnel, whole outer packets; and fragments in fragments.
    wrap = {"IP in IP": (IPIP, lambda packet: packet), "GRE": (GRE, gre_of),
            "VXLAN": (UDP, lambda packet: vxlan(42, packet))}  # fmt: skip
    for kind, (protocol, around) in wrap.items():
        for order in ("in order", "reversed", "shuffled"):
            for cut, ends in ((in4, (C4, D4)), (in6, (C6, D6))):
                title = f"{kind}, {order} {'4' if cut is in4 else '6'}"
                number = SIX_IN if cut is in6 and kind == "IP in IP" else protocol
                inner = cut(message, every(len(message), 128), ends=ends)
                inner = inner[::-1] if order == "reversed" else shuffled(inner) if order == "shuffled" else inner
                outer = [ipv4(A4, B4, number, around(packet)) for packet in inner]
                found[f"fragments in {title}"] = Making().add(*outer)
                for version, outer_cut in (("4", in4), ("6", in6)):
                    nested = []
                    for at, packet in enumerate(inner):
                        body = around(packet)
                        nested += outer_cut(body, every(len(body), 64), number, identification=100 + at)
                    found[f"fragments in fragments of {title} in {version}"] = Making().add(*nested)
                    found[f"fragments in fragments of {title} in {version}, mixed"] = Making().add(*shuffled(nested))
    return found


# -- many packets ---------------------------------------------------------------------------------------------------


def long_way(seed: int = 5) -> Making:
    """Datagrams whose fragments are further apart than a batch of netcap has packets."""
    making, pick = Making(), random.Random(seed)
    fragments: list[bytes] = []
    for number in range(12):
        body = answer(f"far{number}.example", 30)
        cut = (in4, in6)[number % 2]
        fragments += cut(body, every(len(body), 128), identification=number)
    segment = tcp((40000, 53), "PA", 7, 7, struct.pack("!H", 33) + query("tcp.example.org"))
    fragments += in4(segment, every(len(segment), 8), TCP, identification=99)
    wrapped = ipv4(A4, B4, UDP, answer("within.example", 30))
    fragments += in4(wrapped, every(len(wrapped), 128), IPIP, identification=100)
    pick.shuffle(fragments)
    small = udp((1000, 2000), b"x")
    for number, fragment in enumerate(fragments):
        making.add(fragment)
        # 20,000 packets between the 40th and the 41st, and some between all others.
        for _ in range(20000 if number == 40 else 250):
            making.add(ipv4(C4, D4, UDP, small), wait=0.00001)
    return making


def crowd(waiting: int) -> Making:
    """That many datagrams wait, and then all are completed, the newest first."""
    making = Making()
    body = ask("crowd.example")
    first, last = cuts(len(body), 24)
    ends = [str(ipaddress.IPv4Address(0x0A000000 + number)) for number in range(waiting)]
    for end in ends:
        making.add(*in4(body, [first], ends=(end, B4)), wait=0.00001)
    for end in ends[::-1]:
        making.add(*in4(body, [last], ends=(end, B4)), wait=0.00001)
    return making


def heavy(waiting: int = 1200) -> Making:
    """More than 64 MiB wait."""
    making = Making()
    body = udp((40000, 40001), bytes(60100))
    first, last = cuts(len(body), 60000)
    ends = [str(ipaddress.IPv4Address(0x0A000000 + number)) for number in range(waiting)]
    for end in ends:
        making.add(*in4(body, [first], ends=(end, B4)))
    for end in ends[::-1]:
        making.add(*in4(body, [last], ends=(end, B4)))
    return making


def at_random(seed: int, datagrams: int = 200) -> Making:
    """Datagrams of all kinds, in pieces that are shuffled, lost, doubled, overlapping, changed or cut."""
    pick = random.Random(seed)
    pieces: list[tuple[float, bytes, tuple, int | None]] = []
    for number in range(datagrams):
        cut, ends = pick.choice([(in4, (A4, B4)), (in4, (C4, D4)), (in6, (A6, B6)), (in6, (C6, D6))])
        ends = ends[::-1] if pick.random() < 0.3 else ends
        protocol, body = a_datagram(pick, number)
        parts = every(len(body), 8 * pick.randint(1, 20))
        if pick.random() < 0.3:
            # Some overlap the ones after them, and agree.
            parts = [(start, min(end + 8 * pick.randint(0, 3), len(body)), more) for start, end, more in parts]
            parts = [(start, end, end < len(body)) for start, end, _ in parts]
        packets = [(packet, None) for packet in cut(body, parts, protocol, ends, pick.randint(1, 3 * datagrams))]
        if pick.random() < 0.3:
            pick.shuffle(packets)
        if pick.random() < 0.2:
            packets.insert(pick.randrange(len(packets) + 1), pick.choice(packets))
        if pick.random() < 0.2:
            packets.pop(pick.randrange(len(packets)))
        if packets and pick.random() < 0.1:
            # One bit is wrong, mostly of the payload.
            at = pick.randrange(len(packets))
            changed = bytearray(packets[at][0])
            header = 20 if changed[0] >> 4 == 4 else 48
            changed[min(pick.randrange(header, header + 200), len(changed) - 1)] ^= 1
            packets.insert(pick.randrange(len(packets) + 1), (bytes(changed), None))
        if packets and pick.random() < 0.05:
            at = pick.randrange(len(packets))
            packets[at] = packets[at][0], 60
        vlans = pick.choice([(), (), (), (5,), (5, 6)])
        time, slow = pick.uniform(0, 300), pick.choice([0.001, 0.001, 0.1, 10, 29, 31, 61])
        for packet, snap in packets:
            pieces.append((time, packet, vlans, snap))
            time += pick.uniform(0, slow)
    making, begin = Making(), 0.0
    for time, packet, vlans, snap in sorted(pieces, key=lambda piece: piece[0]):
        making.add(packet, wait=time - begin, vlans=vlans, snap=snap)
        begin = time
    return making


def a_datagram(pick: random.Random, number: int) -> tuple[int, bytes]:
    """Protocol and what the IP header is followed by."""
    ports = 40000 + pick.randint(0, 20), pick.choice([53, 80, 443])
    name = f"random{number}.example"
    message = udp((ports[0], 53), query(name, number)) if pick.random() < 0.3 else udp(
        (53, ports[0]), response(name, pick.randint(1, 40), number))  # fmt: skip
    payload = struct.pack("!H", len(query(name))) + query(name) if ports[1] == 53 else bytes(pick.randint(0, 300))
    segment = tcp(ports, pick.choice(["S", "SA", "A", "PA", "FA", "R"]), pick.randint(0, 5000), 1, payload)
    kind = pick.choice(["udp", "udp", "udp", "tcp", "tcp", "icmp", "other", "ipip", "gre", "vxlan", "nested"])
    inner = pick.choice([ipv4("10.0.0.1", "10.0.0.2", UDP, message), ipv4("10.0.0.1", "10.0.0.2", TCP, segment)])
    if kind == "nested":
        body = udp(ports, bytes(200)) if pick.random() < 0.5 else message
        cut, ends = pick.choice([(in4, ("10.0.0.1", "10.0.0.2")), (in4, (A4, B4))])
        inner = pick.choice(cut(body, every(len(body), 80), UDP, ends, pick.randint(1, 9)))
        kind = pick.choice(["ipip", "gre", "vxlan"])
    return {
        "udp": (UDP, message),
        "tcp": (TCP, segment),
        "icmp": (ICMP, icmp(8, 0, number, 200)),
        "other": (89, bytes(range(200))),
        "ipip": (IPIP, inner),
        "gre": (GRE, gre_of(inner)),
        "vxlan": (UDP, vxlan(pick.choice([1, 2]), inner)),
    }[kind]


def captures() -> list[Capture]:
    makings = {"any order 4": in_any_order(in4, "a"), "any order 6": in_any_order(in6, "b")}
    makings |= overlaps() | times() | headers() | limits() | {"alike": alike()} | tunnels()
    makings |= {"long way": long_way(), "crowd of 65,536": crowd(65536), "crowd of 65,537": crowd(65537)}
    makings["heavy"] = heavy()
    makings |= {f"random {seed}": at_random(seed) for seed in range(1, 6)}
    return [(name, 1, making.packets) for name, making in makings.items()]
