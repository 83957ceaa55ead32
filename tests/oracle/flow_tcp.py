"""What one side of a TCP connection did by its sequence numbers, and the connection's state and history.

Not a script of its own. A connection is read from its first packet on, with all its parts; what the parts before did
is known in a later part, but not counted there.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from flow_packets import ACK, FIN, RST, SYN, TCP, UDP, Packet
from flow_rules import ENGELEN, Flow, initiator

MOST_HOLES = 16
NEW_BEGINNING = 1 << 30


def signed(difference: int) -> int:
    """A difference of sequence numbers, modulo 2^32, as a signed number."""
    return (difference + (1 << 31)) % (1 << 32) - (1 << 31)


@dataclass
class Side:
    """One side's sequence numbers."""

    # The number after the greatest seen; it goes on counting beyond 2^32.
    next: int | None = None
    # Ranges [start, end) below it that were never seen, oldest first, and what of them can no longer be filled.
    holes: list[tuple[int, int]] = field(default_factory=list)
    lost: int = 0
    # Acknowledgment number and window of its latest packet with ACK.
    acknowledged: tuple[int, int] | None = None

    def segment(self, packet: Packet) -> set[str]:
        """Takes a segment, and tells what it is: keep_alive, gap, out_of_order, retransmitted."""
        tcp = packet.tcp
        if tcp.flags & RST:
            return set()
        length = packet.payload_bytes + bool(tcp.flags & SYN) + bool(tcp.flags & FIN)
        distance = None if self.next is None else signed(tcp.seq - self.next)
        if packet.payload_bytes <= 1 and not tcp.flags & (SYN | FIN) and distance == -1:
            return {"keep_alive"}
        if length == 0:
            return set()
        if distance is None:
            self.next = tcp.seq + length
            return set()
        if abs(distance) >= NEW_BEGINNING:
            self.lost += sum(end - start for start, end in self.holes)
            self.holes = []
            self.next = tcp.seq + length
            return set()
        start = self.next + distance
        end = start + length
        if distance >= 0:
            if distance > 0:
                self.holes.append((self.next, start))
                self.limit()
            self.next = end
            return {"gap"} if distance > 0 else set()
        filled = sum(max(0, min(end, high) - max(start, low)) for low, high in self.holes)
        beyond = max(0, end - self.next)
        self.holes = [
            (low, high)
            for hole in self.holes
            for low, high in ((hole[0], min(hole[1], start)), (max(hole[0], end), hole[1]))
            if low < high
        ]
        self.limit()
        self.next = max(self.next, end)
        what = set()
        if filled:
            what.add("out_of_order")
        if not filled and not beyond:
            what.add("retransmitted")
        return what

    def limit(self) -> None:
        while len(self.holes) > MOST_HOLES:
            start, end = self.holes.pop(0)
            self.lost += end - start

    def missing(self) -> int:
        return self.lost + sum(end - start for start, end in self.holes)


def follow(flow: Flow) -> tuple[list[set[str]], list[int]]:
    """What each packet of the flow is by its sequence number; and the missing bytes of each side at the end, that of
    the sender of the first packet first."""
    sides: dict = {}
    kinds: list[set[str]] = []
    for part in flow.parts():
        kinds = []
        for packet, same_way in zip(part.packets, part.same_way):
            here, there = (part.sender, part.receiver) if same_way else (part.receiver, part.sender)
            side = sides.setdefault(here, Side())
            if packet.tcp is None:
                # A later fragment goes on where the numbers are.
                if packet.later and side.next is not None:
                    side.next += packet.payload_bytes
                kinds.append(set())
                continue
            tcp = packet.tcp
            kind = side.segment(packet)
            if tcp.flags & ACK:
                other = sides.get(there, Side()).next
                bare = packet.payload_bytes == 0 and not tcp.flags & (SYN | FIN | RST)
                unacknowledged = other is not None and signed(other - tcp.ack) > 0
                if bare and "keep_alive" not in kind and unacknowledged and side.acknowledged == (tcp.ack, tcp.window):
                    kind.add("duplicate_ack")
                side.acknowledged = tcp.ack, tcp.window
            kinds.append(kind)
    return kinds, [sides.get(end, Side()).missing() for end in (flow.sender, flow.receiver)]


def repeated(flow: Flow) -> list[bool]:
    """Whether each packet of the flow repeats an earlier one of its side of the connection."""
    seen: set = set()
    again: list[bool] = []
    for part in flow.parts():
        again = []
        for packet, same_way in zip(part.packets, part.same_way):
            tcp = packet.tcp
            what = tcp and (
                part.sender if same_way else part.receiver,
                tcp.seq,
                tcp.ack,
                packet.payload_bytes,
                tcp.window,
            )
            again.append(bool(tcp) and what in seen)
            seen.add(what)
    return again


def side_columns(flow: Flow, forward: list[bool], way: bool, kinds: list[set[str]], missing: int) -> dict:
    """The group TcpSide of the packets that go this way."""
    names = [
        "initial_seq", "initial_window", "first_nonzero_window", "max_window", "max_window_bytes", "window_scale", "mss",
        "zero_window_packets", "retransmitted_packets", "retransmitted_bytes", "out_of_order_packets",
        "duplicate_ack_packets", "keep_alive_packets", "missing_bytes", "repeated_packets",
    ]  # fmt: skip
    sent = [
        (packet, kind, again)
        for packet, to, kind, again in zip(flow.packets, forward, kinds, repeated(flow))
        if to == way
    ]
    if flow.protocol != TCP or not sent:
        return dict.fromkeys(names)
    # A side may have sent packets, but none with a header that can be read: later fragments, broken ones.
    sent = [one for one in sent if one[0].tcp]
    headers = [packet.tcp for packet, _, _ in sent]
    # The SYNs of the connection, each side's first, with those of the parts before.
    side = flow.sender if initiator(flow)[0] == way else flow.receiver
    syns = {True: [], False: []}
    for part in flow.parts():
        for packet, same_way in zip(part.packets, part.same_way):
            if packet.tcp and packet.tcp.flags & SYN:
                syns[(part.sender if same_way else part.receiver) == side].append(packet.tcp)
    scale = windows = None
    if syns[True] and syns[False]:
        first = [syns[True][0], syns[False][0]]
        if all(tcp.scale is not None for tcp in first):
            scale = min(first[0].scale, 14)
        elif any(tcp.scale is None and not tcp.cut for tcp in first):
            scale = 0
    if scale is not None:
        windows = [tcp.window << scale for tcp in headers if not tcp.flags & SYN]

    def count(what: str) -> int:
        return sum(what in kind for _, kind, _ in sent)

    return {
        "initial_seq": headers[0].seq if headers else None,
        "initial_window": headers[0].window if headers else None,
        "first_nonzero_window": next((tcp.window for tcp in headers if tcp.window), None),
        "max_window": max((tcp.window for tcp in headers), default=None),
        "max_window_bytes": max(windows) if windows else None,
        "window_scale": scale,
        "mss": next((tcp.mss for tcp in syns[True] if tcp.mss is not None), None),
        "zero_window_packets": sum(zero_window(packet) for packet, _, _ in sent),
        "retransmitted_packets": count("retransmitted"),
        "retransmitted_bytes": sum(packet.payload_bytes for packet, kind, _ in sent if "retransmitted" in kind),
        "out_of_order_packets": count("out_of_order"),
        "duplicate_ack_packets": count("duplicate_ack"),
        "keep_alive_packets": count("keep_alive"),
        "missing_bytes": missing,
        "repeated_packets": sum(again for _, _, again in sent) if flow.policy is ENGELEN else None,
    }


def zero_window(packet: Packet) -> bool:
    return bool(packet.tcp) and packet.tcp.window == 0 and not packet.tcp.flags & (SYN | FIN | RST)


# -- state and history ----------------------------------------------------------------------------------------------


def of_connection(flow: Flow) -> list[tuple[Packet, bool]]:
    """The packets of the connection up to the flow's last, and whether each came from the initiator."""
    by_sender, _ = initiator(flow)
    end = flow.sender if by_sender else flow.receiver
    return [
        (packet, (part.sender if same_way else part.receiver) == end)
        for part in flow.parts()
        for packet, same_way in zip(part.packets, part.same_way)
    ]


def connection_state(flow: Flow, forward: list[bool]) -> str | None:
    if flow.protocol == UDP:
        return {(True, True): "SF", (True, False): "S0", (False, True): "SHR"}[True in forward, False in forward]
    if flow.protocol != TCP:
        return None
    asked = answered = False
    fins: set[bool] = set()
    reset: bool | None = None
    reset_seen = False
    for packet, to in of_connection(flow):
        if packet.tcp is None:
            continue
        flags = packet.tcp.flags
        asked |= to and flags & (SYN | ACK) == SYN
        answered |= not to and flags & (SYN | ACK) == SYN | ACK
        if flags & RST and not reset_seen:
            reset_seen = True
            reset = None if len(fins) == 2 else to
        if flags & FIN:
            fins.add(to)
    if asked and answered:
        if reset is not None:
            return "RSTO" if reset else "RSTR"
        if len(fins) == 2:
            return "SF"
        return "S1" if not fins else "S2" if True in fins else "S3"
    if asked:
        if reset is not None:
            return "RSTOS0" if reset else "REJ"
        return "SH" if True in fins else "S0"
    if answered:
        if reset is not None:
            return "RSTO" if reset else "RSTRH"
        return "SHR" if False in fins else "OTH"
    return "OTH"


def history(flow: Flow, forward: list[bool], kinds: list[set[str]]) -> str | None:
    if flow.protocol not in (TCP, UDP):
        return None
    written = "" if forward[0] else "^"
    counts: dict[str, int] = {}
    for packet, to, kind in zip(flow.packets, forward, kinds):
        for letter in letters(packet, kind):
            letter = letter if to else letter.lower()
            counts[letter] = counts.get(letter, 0) + 1
            again = letter.upper() in "GTW" and str(counts[letter]).strip("0") == "1"
            if counts[letter] == 1 or again:
                written += letter
    return written


def letters(packet: Packet, kind: set[str]) -> str:
    data = "D" if packet.payload_bytes else ""
    if packet.tcp is None:
        return data
    flags = packet.tcp.flags
    has = ""
    if flags & SYN:
        has += "Q" if flags & (FIN | RST) else "H" if flags & ACK else "S"
    has += "F" if flags & FIN else ""
    has += "R" if flags & RST else ""
    has += "G" if "gap" in kind else ""
    has += "T" if "retransmitted" in kind and packet.payload_bytes else ""
    has += data
    has += "W" if zero_window(packet) else ""
    has += "A" if flags & ACK and not data and not flags & (SYN | FIN | RST) else ""
    return has
