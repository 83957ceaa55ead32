"""The columns of a flow, calculated from the list of its packets; and the rows of its first packets.

Not a script of its own. Means and standard deviations are exact until the last step.
"""

from __future__ import annotations

import base64
import hashlib
import ipaddress
import math
from fractions import Fraction

import communityid
from flow_packets import ACK, DCCP, FLAGS, ICMP, ICMPV6, SCTP, SYN, TCP, UDP, UDPLITE, WITH_PORTS, Dns, Packet
from flow_rules import SECOND, Flow, initiator
from flow_tcp import connection_state, follow, history, of_connection, side_columns

OF_PUBLISHED = ["cic_first_payload_bytes", "cic_first_tcp_flags", "cic_last_bwd_window", "cic_bulk_count",
                "cic_bulk_packets", "cic_bulk_bytes", "cic_bulk_duration_ns"]  # fmt: skip
SIDES = {"": None, "fwd_": True, "bwd_": False}
SUBFLOW_NS, IDLE_NS, BULK_NS, BULK_PACKETS = SECOND, 5 * SECOND, SECOND, 4
SIZE_CLASSES = {"upto_128": (0, 128), "upto_256": (129, 256), "upto_512": (257, 512), "upto_1024": (513, 1024),
                "upto_1514": (1025, 1514), "over_1514": (1515, math.inf)}  # fmt: skip


def directions(flow: Flow) -> list[bool]:
    """Whether each packet of the flow came from the initiator."""
    by_sender, _ = initiator(flow)
    if flow.sender == flow.receiver:
        return [True] * len(flow.packets)
    return [same_way == by_sender for same_way in flow.same_way]


def number_of(packet: Packet) -> int:
    """A flow's number; there is one capture, the 0th."""
    return packet.number


def columns_of(flow: Flow, dns: dict[int, list[Dns]], protocol_names: dict[int, str]) -> dict:
    """The flow's row, but for flow_uid. `dns` has the DNS messages of each packet that has some."""
    forward = directions(flow)
    row = identity(flow, protocol_names)
    row |= counts(flow, forward)
    row |= distributions(flow, forward)
    row |= arrivals(flow, forward)
    row |= connection(flow, forward)
    row |= messages(flow, dns)
    # Those of CICFlowMeter as published, whose flows feature_oracle.py calculates.
    row |= dict.fromkeys(OF_PUBLISHED)
    return row


# -- which flow it is -----------------------------------------------------------------------------------------------


def identity(flow: Flow, protocol_names: dict[int, str]) -> dict:
    first, last = flow.packets[0], flow.packets[-1]
    known = first.known()
    by_sender, evidence = initiator(flow)
    source, target = (flow.sender, flow.receiver) if by_sender else (flow.receiver, flow.sender)
    has_ports = flow.protocol in WITH_PORTS
    parts = flow.parts()
    sent = [packet for packet, to in zip(flow.packets, directions(flow)) if to]
    src_mac, dst_mac = (sent and sent[0].macs) or (None, None)
    return {
        "flow": number_of(first),
        "community_id": community_id(known),
        "capture": 0,
        "packet": first.number,
        "last_capture": 0,
        "last_packet": last.number,
        "ts": flow.earliest // 1000,
        "ts_ns": flow.earliest,
        "duration_ns": flow.latest - flow.earliest,
        "src_ip": source[0],
        "dst_ip": target[0],
        "src_port": source[1] if has_ports else None,
        "dst_port": target[1] if has_ports else None,
        "protocol": flow.protocol,
        "protocol_name": protocol_names.get(flow.protocol),
        "vlan": ",".join(map(str, known.vlan)) or None,
        "icmp_type": known.icmp and known.icmp[0],
        "icmp_code": known.icmp and known.icmp[1],
        "end_reason": flow.end_reason(),
        "tunnel": "/".join(known.tunnel) or None,
        "direction_evidence": evidence,
        "connection": number_of(parts[0].packets[0]),
        "connection_part": len(parts),
        "connection_duration_ns": flow.latest - min(part.earliest for part in parts),
        "src_mac": src_mac,
        "dst_mac": dst_mac,
    }


def community_id(packet: Packet) -> str:
    """By the package; it refuses protocols with ports where these are not known, which are hashed as if without."""
    ports = packet.icmp or packet.ports
    if packet.protocol in (DCCP, UDPLITE):
        ports = None
    if ports is None and packet.protocol in (ICMP, ICMPV6, TCP, UDP, SCTP):
        ends = sorted(ipaddress.ip_address(address).packed for address in (packet.source, packet.target))
        hashed = hashlib.sha1(bytes(2) + b"".join(ends) + bytes([packet.protocol, 0])).digest()
        return "1:" + base64.b64encode(hashed).decode()
    return communityid.CommunityID().calc(
        communityid.FlowTuple(packet.protocol, packet.source, packet.target, *(ports or ()))
    )


# -- numbers of packets and bytes -----------------------------------------------------------------------------------


def going(values: list, forward: list[bool], way: bool | None) -> list:
    return [value for value, to in zip(values, forward) if way is None or to == way]


def counts(flow: Flow, forward: list[bool]) -> dict:
    row: dict = {}
    for side, way in SIDES.items():
        packets: list[Packet] = going(flow.packets, forward, way)
        row[f"{side}packets"] = len(packets)
        for size in ("wire", "ip", "transport", "payload"):
            row[f"{side}{size}_bytes"] = sum(getattr(packet, f"{size}_bytes") for packet in packets)
        row[f"{side}data_packets"] = sum(packet.payload_bytes > 0 for packet in packets)
        if way is None:
            continue
        for name, bit in FLAGS.items():
            row[f"{side}{name}_packets"] = sum(bool(packet.tcp and packet.tcp.flags & bit) for packet in packets)
        headers = [packet.header_bytes for packet in packets if packet.header_bytes is not None]
        row[f"{side}header_bytes"] = sum(headers)
        row[f"{side}header_min_bytes"] = min(headers, default=None)
        ttl = [packet.ttl for packet in packets]
        row[f"{side}ttl_first"] = ttl[0] if ttl else None
        row[f"{side}ttl_min"] = min(ttl, default=None)
        row[f"{side}ttl_max"] = max(ttl, default=None)
    row["fragment_packets"] = sum(packet.fragment for packet in flow.packets)
    for name, (least, most) in SIZE_CLASSES.items():
        row[f"ip_{name}_packets"] = sum(least <= packet.ip_bytes <= most for packet in flow.packets)
    return row


# -- distributions --------------------------------------------------------------------------------------------------


def distribution(values: list[int], prefix: str, suffix: str) -> dict:
    """Least, greatest, mean and sample standard deviation."""
    count, total = len(values), sum(values)
    mean = stddev = None
    if count:
        mean = float(Fraction(total, count))
    if count > 1:
        squares = sum(value * value for value in values)
        stddev = math.sqrt(Fraction(count * squares - total * total, count * (count - 1)))
    return {
        f"{prefix}_min_{suffix}": min(values, default=None),
        f"{prefix}_max_{suffix}": max(values, default=None),
        f"{prefix}_mean_{suffix}": mean,
        f"{prefix}_stddev_{suffix}": stddev,
    }


def distributions(flow: Flow, forward: list[bool]) -> dict:
    row: dict = {}
    for side, way in SIDES.items():
        for size in ("wire", "ip", "transport", "payload"):
            values = [getattr(packet, f"{size}_bytes") for packet in going(flow.packets, forward, way)]
            row |= distribution(values, f"{side}{size}", "bytes")
    return row


# -- times ----------------------------------------------------------------------------------------------------------


def gaps(times: list[int]) -> list[int | None]:
    """For each packet its time less the latest before it; None for the first, and for one that is earlier than that."""
    found: list[int | None] = []
    latest: int | None = None
    for time in times:
        found.append(time - latest if latest is not None and time >= latest else None)
        latest = time if latest is None else max(latest, time)
    return found


def arrivals(flow: Flow, forward: list[bool]) -> dict:
    row: dict = {}
    for side, way in SIDES.items():
        times = [packet.time for packet in going(flow.packets, forward, way)]
        row |= distribution([gap for gap in gaps(times) if gap is not None], f"{side}iat", "ns")
        if way is not None:
            row[f"{side}start_ns"] = min(times) - flow.earliest if times else None
            row[f"{side}duration_ns"] = max(times) - min(times) if times else None
            row |= bulk(flow, forward, way, f"{side}bulk_")
    times = [packet.time for packet in flow.packets]
    between = gaps(times)
    row["disordered_packets"] = sum(gap is None for gap in between[1:])
    row["subflows"] = 1 + sum(gap is not None and gap > SUBFLOW_NS for gap in between)
    idle = [gap for gap in between if gap is not None and gap > IDLE_NS]
    bursts: list[list[int]] = [[]]
    for time, gap in zip(times, between):
        if gap is not None and gap > IDLE_NS:
            bursts.append([])
        bursts[-1].append(time)
    # A burst lasts from its first packet as read to its latest.
    lengths = [max(burst) - burst[0] for burst in bursts]
    active, closed = ([length for length in some if length > 0] for some in (lengths, lengths[:-1]))
    row |= {"active_periods": len(active), "idle_periods": len(idle)}
    row |= distribution(active, "active", "ns")
    row |= distribution(closed, "closed_active", "ns")
    row |= distribution(idle, "idle", "ns")
    return row


def bulk(flow: Flow, forward: list[bool], way: bool, prefix: str) -> dict:
    """Bulk transfers of one side: runs of four or more of its packets with payload."""
    runs: list[list[Packet]] = []
    other: int | None = None
    for packet, to in zip(flow.packets, forward):
        if not packet.payload_bytes:
            continue
        if to != way:
            other = packet.time if other is None else max(other, packet.time)
            continue
        goes_on = bool(runs) and packet.time - runs[-1][-1].time <= BULK_NS
        if not goes_on or (other is not None and other > runs[-1][0].time):
            runs.append([])
        runs[-1].append(packet)
    transfers = [run for run in runs if len(run) >= BULK_PACKETS]
    return {
        f"{prefix}count": len(transfers),
        f"{prefix}packets": sum(len(run) for run in transfers),
        f"{prefix}bytes": sum(packet.payload_bytes for run in transfers for packet in run),
        f"{prefix}duration_ns": sum(max(packet.time for packet in run) - run[0].time for run in transfers),
    }


# -- connection -----------------------------------------------------------------------------------------------------


def connection(flow: Flow, forward: list[bool]) -> dict:
    kinds, missing = follow(flow)
    by_sender, _ = initiator(flow)
    row = {
        "connection_state": connection_state(flow, forward),
        "history": history(flow, forward, kinds),
    }
    for side, way in (("fwd_tcp_", True), ("bwd_tcp_", False)):
        own = missing[0 if way == by_sender else 1]
        columns = side_columns(flow, forward, way, kinds, own)
        row |= {side + name: value for name, value in columns.items()}
    return row | handshake(flow)


def handshake(flow: Flow) -> dict:
    """From the first SYN to the first SYN-ACK after it, and from there to the first acknowledgment after that; after
    is meant in time. The later parts of a connection tell of its handshake, too."""
    steps: list[int] = []
    for way, flags in ((True, SYN), (False, SYN | ACK), (True, ACK)):
        times = [
            packet.time
            for packet, to in of_connection(flow)
            if packet.tcp and to == way and packet.tcp.flags & (SYN | ACK) == flags
        ]
        times = [time for time in times if not steps or time >= steps[-1]]
        if not times:
            break
        steps.append(times[0])
    return {
        "handshake_syn_ack_ns": steps[1] - steps[0] if len(steps) > 1 else None,
        "handshake_ack_ns": steps[2] - steps[1] if len(steps) > 2 else None,
    }


# -- DNS ------------------------------------------------------------------------------------------------------------


def messages(flow: Flow, dns: dict[int, list[Dns]]) -> dict:
    """A packet with an empty list has a DNS message that cannot be read to its end."""
    recognised = any(packet.number in dns for packet in flow.packets)
    found = [message for packet in flow.packets for message in dns.get(packet.number, [])]
    return {
        "service": "dns" if recognised else None,
        "dns_id": next((message.identifier for message in found), None),
        "dns_query_type": next((one.question_type for one in found if one.question_type is not None), None),
        "dns_answer_ttl": next((one.answer_ttl for one in found if one.answer_ttl is not None), None),
    }


# -- the table flow_packets -----------------------------------------------------------------------------------------


def first_packets(flow: Flow, most: int) -> list[dict]:
    times = [packet.time for packet in flow.packets]
    rows = zip(flow.packets, directions(flow), gaps(times))
    return [
        {
            "flow": number_of(flow.packets[0]),
            "position": position,
            "capture": 0,
            "packet": packet.number,
            "forward": to,
            "offset_ns": packet.time - times[0],
            "iat_ns": gap,
            "wire_bytes": packet.wire_bytes,
            "ip_bytes": packet.ip_bytes,
            "transport_bytes": packet.transport_bytes,
            "payload_bytes": packet.payload_bytes,
            "tcp_flags": packet.tcp and packet.tcp.flags,
        }
        for position, (packet, to, gap) in zip(range(most), rows)
    ]
