"""Which packets belong together, for each policy of docs/flows.md, and who is the initiator.

Not a script of its own. `flows_of` takes the packets in the order of the capture.
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass, field

from flow_packets import (
    ACK,
    FIN,
    ICMP,
    ICMPV6,
    IGMP,
    RST,
    SCTP,
    SYN,
    TCP,
    UDP,
    WITH_PORTS,
    Packet,
)

SECOND = 1_000_000_000
BATCH_PACKETS = 16_384
FRAGMENT_NS = {4: 30 * SECOND, 6: 60 * SECOND}

# Types of ICMP messages that answer each other, as the Community ID specification pairs them.
PAIRS = {
    ICMP: {8: 0, 13: 14, 15: 16, 10: 9, 17: 18},
    ICMPV6: {128: 129, 133: 134, 135: 136, 130: 131, 139: 140, 144: 145},
}
COUNTERPARTS = {
    protocol: pairs | {reply: request for request, reply in pairs.items()} for protocol, pairs in PAIRS.items()
}

# One side of a flow: address, and port or what stands in its place.
End = tuple[str, int | None]


@dataclass(frozen=True)
class Policy:
    """A column of the last table of docs/flows.md; `name` tells the rest apart."""

    name: str
    table: str
    clock_ns: int
    idle: int | None
    active: int
    # The time-out applies when the time is just reached, not only when it is over.
    idle_at: bool
    active_at: bool
    # A flow of fewer packets is not written.
    least_packets: int = 1


NETCAP = Policy("netcap", "flow", 1, 120 * SECOND, 1_800 * SECOND, False, True)
NFSTREAM = Policy("nfstream", "flow_nfstream", 1_000_000, 120_000, 1_800_000, True, True)
ENGELEN = Policy("cicflowmeter-engelen", "flow_cicflowmeter_engelen", 1_000, None, 120_000_000, False, False)
CIC2017 = Policy("cicflowmeter-2017", "flow_cicflowmeter_2017", 1_000, None, 120_000_000, False, False, 2)
# Those whose tables flow_oracle.py compares. Of CIC2017, only features are: a packet may count as sent by the other
# side there, of which the columns of flows know nothing.
POLICIES = [NETCAP, NFSTREAM, ENGELEN]


@dataclass
class Flow:
    """A flow: its packets, and what ended it."""

    policy: Policy
    # Sender and receiver of the first packet, and the protocol, as the key has them. Of CIC2017, a part of a connection
    # has those of the part before.
    sender: End
    receiver: End
    protocol: int
    packets: list[Packet] = field(default_factory=list)
    # Whether each packet came from the sender of the first, or counts as if.
    same_way: list[bool] = field(default_factory=list)
    # The part of the connection before this one.
    before: Flow | None = None
    reason: str = "end_of_input"
    earliest: int = 0
    latest: int = 0
    reset: bool = False
    fins: set[bool] = field(default_factory=set)
    closing_reset: bool = False
    closing_fins: set[bool] = field(default_factory=set)
    acknowledged_fins: bool = False
    # (sent by the sender of the first packet, sequence number) of each SYN without ACK.
    syns: set[tuple[End, int]] = field(default_factory=set)

    def add(self, packet: Packet) -> None:
        sender, _ = ends_of(packet, self.policy)
        same_way = self.goes_same_way(packet)
        self.earliest = min(self.earliest, packet.time) if self.packets else packet.time
        self.latest = max(self.latest, packet.time) if self.packets else packet.time
        self.packets.append(packet)
        self.same_way.append(same_way)
        if packet.tcp:
            flags = packet.tcp.flags
            if len(self.closing_fins) == 2 and flags & ACK and not flags & (FIN | RST):
                self.acknowledged_fins = True
            # For what closes a flow, CICFlowMeter does not look at its first packet, nor does the corrected one.
            counts = self.policy not in (ENGELEN, CIC2017) or len(self.packets) > 1
            if flags & FIN:
                self.fins.add(same_way)
                self.closing_fins |= {same_way} if counts else set()
            if flags & RST:
                self.reset = True
                self.closing_reset |= counts
            if flags & (SYN | ACK) == SYN:
                self.syns.add((sender, packet.tcp.seq))

    def goes_same_way(self, packet: Packet) -> bool:
        """The packet came from the sender of the first one, or counts as if it did."""
        sender, _ = ends_of(packet, self.policy)
        if self.policy is CIC2017:
            # The address alone decides. The first packet of a part is forward, whoever sent it.
            return not self.packets or sender[0] == self.sender[0]
        return sender == self.sender

    def closed(self) -> bool:
        """A packet with SYN begins another flow."""
        if self.policy is NFSTREAM:
            return False
        if self.policy is ENGELEN:
            return self.closing_reset or self.acknowledged_fins
        return self.closing_reset or len(self.closing_fins) == 2

    def end_reason(self) -> str:
        """RST and FIN from both sides are the reason under each policy, also where they close nothing."""
        return "rst" if self.reset else "fin" if len(self.fins) == 2 else self.reason

    def parts(self) -> list[Flow]:
        """The parts of the connection up to this one."""
        return [*self.before.parts(), self] if self.before else [self]

    def number(self) -> int:
        return self.packets[0].number


# -- the key --------------------------------------------------------------------------------------------------------


def ends_of(packet: Packet, policy: Policy) -> tuple[End, End]:
    """Sender and receiver."""
    packet = packet.known()
    source, target = packet.ports or (None, None)
    if policy is not NETCAP and packet.protocol not in (TCP, UDP):
        source = target = 0
    elif policy is NETCAP and packet.icmp:
        kind, code = packet.icmp
        source, target = kind, COUNTERPARTS[packet.protocol].get(kind, code)
    return (packet.source, source), (packet.target, target)


def protocol_of(packet: Packet, policy: Policy) -> int:
    protocol = packet.known().protocol
    told = {ENGELEN: (TCP, UDP, ICMP, IGMP, SCTP), CIC2017: (TCP, UDP)}.get(policy, (protocol,))
    return protocol if protocol in told else 0


def key_of(packet: Packet, policy: Policy) -> tuple:
    """What all packets of a flow share, whichever way they go."""
    sender, receiver = ends_of(packet, policy)
    ends = tuple(sorted((sender, receiver), key=str))
    packet = packet.known()
    protocol = protocol_of(packet, policy)
    if policy in (ENGELEN, CIC2017):
        return (ends, protocol)
    if policy is NFSTREAM:
        return (ends, protocol, packet.vlan[:1])
    if packet.icmp and packet.icmp[0] not in COUNTERPARTS[packet.protocol]:
        # Goes one way: the ends keep their order.
        return ("one way", sender, receiver, protocol, packet.vlan, packet.tunnel)
    return (ends, protocol, packet.vlan, packet.tunnel, packet.identifier)


# -- fragments ------------------------------------------------------------------------------------------------------


@dataclass
class Datagram:
    """A datagram of which the first fragment was seen."""

    first: Packet
    time: int


def find_first_fragment(packet: Packet, datagrams: dict[tuple, Datagram]) -> bool:
    """Notes what the packet tells of datagrams; False for a fragment that nothing is known of."""
    found = True
    firsts = packet.datagrams
    packet.first_fragment = None
    if packet.later:
        *firsts, own = packet.datagrams
        datagram = datagrams.get(own)
        if datagram and packet.time - datagram.time > FRAGMENT_NS[6 if ":" in own[0] else 4]:
            del datagrams[own]
            datagram = None
        if datagram:
            datagram.time = packet.time
            packet.first_fragment = datagram.first
            if datagram.first.headless:
                packet.payload_bytes = 0
        found = datagram is not None
    for first in firsts:
        datagrams.pop(first, None)
        if found:
            datagrams[first] = Datagram(packet.known(), packet.time)
    return found


# -- when a flow ends -----------------------------------------------------------------------------------------------


def over(later: int, earlier: int, limit: int | None, at: bool, policy: Policy) -> bool:
    """The time from earlier to later is over the limit, or at it."""
    if limit is None:
        return False
    elapsed = later // policy.clock_ns - earlier // policy.clock_ns
    return elapsed > limit or (at and elapsed == limit)


def ended_by(flow: Flow, packet: Packet) -> str | None:
    """Why this packet with the flow's key does not belong to it; None if it does."""
    policy = flow.policy
    if over(packet.time, flow.latest, policy.idle, policy.idle_at, policy):
        return "idle"
    if begins_anew(flow, packet):
        return "syn"
    if over(packet.time, flow.earliest, policy.active, policy.active_at, policy):
        return "active"
    if policy is ENGELEN and flow.protocol == ICMP:
        first, here = flow.packets[0].known().icmp, packet.known().icmp
        if first and here and first[0] != here[0] and first[1] != here[1]:
            return "syn"
    return None


def begins_anew(flow: Flow, packet: Packet) -> bool:
    """The packet is a SYN that begins another connection."""
    policy = flow.policy
    if policy in (NFSTREAM, CIC2017) or packet.tcp is None or not packet.tcp.flags & SYN:
        return False
    if policy is ENGELEN:
        return flow.closed()
    if packet.tcp.flags & ACK:
        return False
    sender, _ = ends_of(packet, policy)
    both_ways = len(set(flow.same_way)) == 2
    seen = any((sender, packet.tcp.seq) in part.syns for part in flow.parts())
    return flow.closed() or (both_ways and not seen)


def dropped(flow: Flow, packet: Packet) -> bool:
    """The packet has the flow's key and belongs to no flow: the forward side's FIN after its first one."""
    repeats = packet.tcp is not None and bool(packet.tcp.flags & FIN) and True in flow.closing_fins
    return flow.policy is CIC2017 and repeats and flow.goes_same_way(packet)


def ended_with(flow: Flow) -> str | None:
    """Why the flow's latest packet is its last one; None if it is not, as far as the packet tells."""
    tcp = flow.packets[-1].tcp
    if flow.policy is not CIC2017 or tcp is None or len(flow.packets) == 1:
        return None
    if tcp.flags & FIN:
        return None if flow.same_way[-1] else "fin"
    return "rst" if tcp.flags & RST else None


def goes_on(flow: Flow, time: int) -> bool:
    """After the active time-out: a packet at that time begins the next part of the same connection."""
    if flow.policy is NFSTREAM:
        return False
    if flow.policy is ENGELEN:
        silent = over(time, flow.latest, 120_000_000, False, flow.policy)
        return flow.protocol == TCP or (flow.protocol == UDP and not silent)
    return True


def input_clock(times: list[int]) -> int:
    """What time it is at the end of the input: the latest median of a batch."""
    batches = [times[at : at + BATCH_PACKETS] for at in range(0, len(times), BATCH_PACKETS)]
    return max((sorted(batch)[len(batch) // 2] for batch in batches), default=0)


def flows_of(packets: list[Packet | None], policy: Policy, times: list[int]) -> tuple[list[Flow], dict[int, Flow]]:
    """The flows, and the flow of each packet by its number. `times` are those of all packets, also without flow.

    Flows of too few packets are left out; a later part of the same connection still goes the way they went.
    """
    done: list[Flow] = []
    going: dict[tuple, Flow] = {}
    member: dict[int, Flow] = {}
    datagrams: dict[tuple, Datagram] = {}
    for packet in packets:
        if packet is None:
            continue
        if policy is NETCAP:
            if not find_first_fragment(packet, datagrams):
                continue
        elif packet.later or (policy is CIC2017 and ":" in packet.source):
            continue
        key = key_of(packet, policy)
        flow = going.get(key)
        before = None
        reason = ended_by(flow, packet) if flow else None
        if flow and reason:
            flow.reason = reason
            done.append(flow)
            before = flow if reason == "active" and goes_on(flow, packet.time) else None
        if flow is None or reason:
            ends = ends_of(packet, policy)
            if before and policy is CIC2017:
                ends = before.sender, before.receiver
            flow = going[key] = Flow(policy, *ends, protocol_of(packet, policy), before=before)
        elif dropped(flow, packet):
            continue
        flow.add(packet)
        member[packet.number] = flow
        last = ended_with(flow)
        if last:
            flow.reason = last
            done.append(going.pop(key))
    clock = input_clock(times)
    for flow in going.values():
        if over(clock, flow.latest, policy.idle, policy.idle_at, policy):
            flow.reason = "idle"
        elif policy.idle is None and over(clock, flow.earliest, policy.active, policy.active_at, policy):
            flow.reason = "end_of_input" if goes_on(flow, clock) else "active"
    done += going.values()
    member = {number: flow for number, flow in member.items() if len(flow.packets) >= policy.least_packets}
    return [flow for flow in done if len(flow.packets) >= policy.least_packets], member


# -- who is the initiator -------------------------------------------------------------------------------------------


def sends_nothing(address: str) -> bool:
    return ipaddress.ip_address(address).is_multicast or address == "255.255.255.255"


def system_port(end: End) -> bool:
    return end[1] is not None and 1 <= end[1] <= 1023


def initiator(flow: Flow) -> tuple[bool, str]:
    """Whether the initiator is the sender of the flow's first packet, and how that was found."""
    if flow.policy is CIC2017:
        return True, "first_packet"
    if flow.before:
        as_before, evidence = initiator(flow.before)
        end = flow.before.sender if as_before else flow.before.receiver
        return end == flow.sender, evidence
    tcp = [
        (same_way, packet.tcp.flags & (SYN | ACK))
        for same_way, packet in zip(flow.same_way, flow.packets)
        if packet.tcp
    ]
    if flow.policy is NFSTREAM:
        return True, "first_packet"
    if flow.policy is ENGELEN:
        first = flow.packets[0].tcp
        answer = first is not None and first.flags & (SYN | ACK) == SYN | ACK
        return (False, "syn_ack") if answer else (True, "first_packet")
    for same_way, flags in tcp:
        if flags == SYN:
            return same_way, "syn"
    for same_way, flags in tcp:
        if flags == SYN | ACK:
            return not same_way, "syn_ack"
    if flow.protocol in WITH_PORTS and system_port(flow.sender) != system_port(flow.receiver):
        by_sender = system_port(flow.receiver)
        if not sends_nothing((flow.sender if by_sender else flow.receiver)[0]):
            return by_sender, "port"
    return True, "first_packet"
