"""The columns of feature sets, calculated from the packets of a flow: cicflowmeter in its dialects `fixed`, `engelen`
and `2017`, and netflow-v3.

Not a script of its own. Which packets a flow has, and which way they went, is taken from the calculation of flows;
no column of a table of flows is used. What is undefined is None until the end; `engelen` then has 0 and -1 there,
`2017` has 0, but for two columns.

Numbers are exact until the last step. Times are in nanoseconds until they are written.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction
from functools import reduce
from operator import or_

from flow_columns import IDLE_NS, SUBFLOW_NS, bulk, directions, gaps, messages, number_of
from flow_packets import FLAGS, ICMP, TCP, UDP, WITH_PORTS, Dns, Packet
from flow_rules import CIC2017, ENGELEN, NETCAP, SECOND, Flow, Policy, initiator
from flow_tcp import follow, repeated

US, MS = 1_000, 1_000_000
FIXED, FORK, PUBLISHED = "cicflowmeter:fixed", "cicflowmeter:engelen", "cicflowmeter:2017"
NETFLOW = "netflow-v3"
WAYS = {"fwd": True, "bwd": False}
# Columns with --with-ids, which come before the features.
CICFLOWMETER_IDS = ["src_ip", "src_port", "dst_ip", "timestamp"]
NETFLOW_IDS = [
    "ipv4_src_addr", "l4_src_port", "ipv4_dst_addr", "flow_start_milliseconds", "flow_end_milliseconds",
]  # fmt: skip
# What the fork has where something is undefined; 0 elsewhere.
MINUS_ONE = {"flow_bytes_per_s", "flow_packets_per_s", "icmp_code", "icmp_type"}
# Where CICFlowMeter as published has NaN or infinity if something is undefined, and so null; 0 elsewhere.
NOT_A_NUMBER = {"flow_bytes_per_s", "flow_packets_per_s"}
# What it does not have.
UNPUBLISHED = """
    fwd_rst_flags bwd_rst_flags bwd_act_data_pkts bwd_seg_size_min icmp_code icmp_type fwd_tcp_retrans_count
    bwd_tcp_retrans_count total_tcp_retrans_count total_connection_flow_time
""".split()
# Upper bounds of IP lengths, the lower one exclusive.
SIZE_CLASSES = {"up_to_128": (0, 128), "128_to_256": (128, 256), "256_to_512": (256, 512),
                "512_to_1024": (512, 1024), "1024_to_1514": (1024, 1514)}  # fmt: skip


# -- numbers --------------------------------------------------------------------------------------------------------


def mean(values: list[int]) -> Fraction | None:
    return Fraction(sum(values), len(values)) if values else None


def variance(values: list[int]) -> Fraction | None:
    """Of a sample: divided by one less than the number of values."""
    count, total = len(values), sum(values)
    if count < 2:
        return None
    # Each distance from the mean times the count: whole numbers, which are exact and fast.
    return Fraction(sum((count * value - total) ** 2 for value in values), count**2 * (count - 1))


def deviation(values: list[int], unit: int = 1) -> float | None:
    found = variance(values)
    return None if found is None else math.sqrt(found / unit**2)


def over(value: int | Fraction | None, divisor: int) -> float | None:
    """The quotient; None if there is none."""
    return None if value is None or divisor == 0 else float(Fraction(value) / divisor)


def each_second(amount: int, duration: int) -> float | None:
    return over(amount * SECOND, duration)


def four(values: list[int], unit: int) -> dict:
    """Mean, standard deviation, greatest and least of some times, in the order that the set has them."""
    return {
        "mean": over(mean(values), unit),
        "std": deviation(values, unit),
        "max": over(max(values, default=None), unit),
        "min": over(min(values, default=None), unit),
    }


def named(prefix: str, columns: dict, order: str) -> dict:
    return {f"{prefix}_{name}": columns[name] for name in order.split()}


# -- one side of a flow, or both -----------------------------------------------------------------------------------


@dataclass
class Packets:
    """The packets that went one way, or all, in the order of the capture."""

    packets: list[Packet]
    # Whether lengths and headers count; where not, they are 0.
    counted: bool = True

    def lengths(self) -> list[int]:
        return [packet.payload_bytes if self.counted else 0 for packet in self.packets]

    def payload(self) -> int:
        return sum(self.lengths())

    def headers(self) -> list[int]:
        """Lengths of the transport headers that could be read."""
        return [packet.header_bytes for packet in self.packets if self.counted and packet.header_bytes is not None]

    def ip_bytes(self) -> int:
        return sum(packet.ip_bytes for packet in self.packets)

    def times(self) -> list[int]:
        return [packet.time for packet in self.packets]

    def gaps(self) -> list[int]:
        """Inter-arrival times; a packet that is earlier than the latest before it has none."""
        return [gap for gap in gaps(self.times()) if gap is not None]

    def span(self) -> int | None:
        """From the earliest to the latest packet."""
        return max(self.times()) - min(self.times()) if self.packets else None

    def with_flag(self, name: str) -> int:
        return sum(bool(packet.tcp and packet.tcp.flags & FLAGS[name]) for packet in self.packets)

    def windows(self) -> list[int]:
        """As sent, not scaled."""
        return [packet.tcp.window for packet in self.packets if packet.tcp]

    def all_flags(self) -> int:
        return reduce(or_, (packet.tcp.flags & 0xFF for packet in self.packets if packet.tcp), 0)


def sides_of(flow: Flow, counted: bool = True) -> tuple[Packets, Packets, Packets]:
    """All packets, those of the initiator, those of the responder."""
    ways = list(zip(flow.packets, directions(flow)))
    forward = [packet for packet, to in ways if to]
    backward = [packet for packet, to in ways if not to]
    return Packets(flow.packets, counted), Packets(forward, counted), Packets(backward, counted)


def duration_of(flow: Flow) -> int:
    times = [packet.time for packet in flow.packets]
    return max(times) - min(times)


def start_of(flow: Flow) -> int:
    return min(packet.time for packet in flow.packets)


def end_of(flow: Flow) -> int:
    return max(packet.time for packet in flow.packets)


def ends(flow: Flow) -> tuple[str, int | None, str, int | None]:
    """Address and port of initiator and responder; no port of protocols without ports."""
    by_sender, _ = initiator(flow)
    source, target = (flow.sender, flow.receiver) if by_sender else (flow.receiver, flow.sender)
    if flow.protocol not in WITH_PORTS:
        return source[0], None, target[0], None
    return *source, *target


def bursts(times: list[int]) -> tuple[list[int], list[int]]:
    """How long each burst lasted, and how long it was idle between them."""
    lasted, idle = [], []
    start = latest = times[0]
    for time in times[1:]:
        if time - latest > IDLE_NS:
            lasted.append(latest - start)
            idle.append(time - latest)
            start = time
        latest = max(latest, time)
    return [*lasted, latest - start], idle


def retransmitted(flow: Flow, way: bool) -> list[Packet] | None:
    """The side's packets that brought only sequence numbers seen before; None if it is not TCP."""
    if flow.protocol != TCP:
        return None
    kinds, _ = follow(flow)
    return [
        packet
        for packet, to, kind in zip(flow.packets, directions(flow), kinds)
        if to == way and "retransmitted" in kind
    ]


# -- cicflowmeter ---------------------------------------------------------------------------------------------------


def cicflowmeter_fixed(flow: Flow) -> dict:
    row = cicflowmeter(flow, *sides_of(flow), subflows=1 + wide_gaps(flow))
    _, forward, backward = sides_of(flow)
    for name, side in (("fwd", forward), ("bwd", backward)):
        row[f"{name}_hdr_len_min"] = row[f"{name}_seg_size_min"] = min(side.headers(), default=None)
        row[f"{name}_init_win_bytes"] = next(iter(side.windows()), None)
        again = retransmitted(flow, WAYS[name])
        row[f"{name}_tcp_retrans_count"] = None if again is None else len(again)
    if flow.protocol == TCP:
        row["total_tcp_retrans_count"] = row["fwd_tcp_retrans_count"] + row["bwd_tcp_retrans_count"]
    lasted, _ = bursts([packet.time for packet in flow.packets])
    row |= active(lasted)
    row["icmp_type"], row["icmp_code"] = flow.packets[0].known().icmp or (None, None)
    first = min(start_of(part) for part in flow.parts())
    row["total_connection_flow_time"] = over(end_of(flow) - first, US)
    return row


def cicflowmeter_engelen(flow: Flow) -> dict:
    counted = flow.protocol in (TCP, UDP)
    every, forward, backward = sides_of(flow, counted)
    row = cicflowmeter(flow, every, forward, backward, subflows=wide_gaps(flow))
    first_is_forward = directions(flow)[0]
    first_window = flow.packets[0].tcp.window if flow.packets[0].tcp else 0
    row["fwd_init_win_bytes"] = first_window if first_is_forward else 0
    row["bwd_init_win_bytes"] = next((window for window in backward.windows() if window != 0), 0)
    row["fwd_seg_size_min"] = min(forward.headers(), default=0) if first_is_forward else 0
    row["bwd_seg_size_min"] = 0 if first_is_forward else min(backward.headers(), default=0)
    lasted, _ = bursts(every.times())
    # The last burst is never added.
    row |= active(lasted[:-1])
    if flow.protocol == ICMP:
        row["icmp_type"], row["icmp_code"] = flow.packets[0].known().icmp or (None, None)
    again = list(zip(repeated(flow), directions(flow)))
    row["fwd_tcp_retrans_count"] = sum(repeats and to for repeats, to in again)
    row["bwd_tcp_retrans_count"] = sum(repeats and not to for repeats, to in again)
    row["total_tcp_retrans_count"] = sum(repeats for repeats, _ in again)
    first = min(start_of(part) for part in flow.parts())
    row["total_connection_flow_time"] = over(end_of(flow) - first if counted else 0, US)
    return {name: undefined(name) if value is None else value for name, value in row.items()}


def cicflowmeter_2017(flow: Flow) -> dict:
    """CICFlowMeter as it was published, with its defects."""
    counted = flow.protocol in (TCP, UDP)
    every, forward, backward = sides_of(flow, counted)
    subflows = wide_gaps(flow)
    row = cicflowmeter(flow, every, forward, backward, subflows)
    first = Packets(flow.packets[:1], counted)
    # Flags of a direction are those of the flow's first packet, which is always a forward one.
    for flag in ("psh", "urg"):
        row[f"fwd_{flag}_flags"], row[f"bwd_{flag}_flags"] = first.with_flag(flag), 0
    # The first packet's length is noted twice.
    noted = first.lengths() + every.lengths()
    row["packet_length_mean"] = over(mean(noted), 1)
    row["packet_length_std"] = deviation(noted)
    row["packet_length_variance"] = over(variance(noted), 1)
    row["average_packet_size"] = over(sum(noted), len(every.packets))
    row["down_up_ratio"] = whole(len(backward.packets), len(forward.packets))
    row |= dict.fromkeys(["fwd_bytes_per_bulk_avg", "fwd_packets_per_bulk_avg", "fwd_bulk_rate_avg"], 0.0)
    row |= bulks_of_both(flow, counted)
    for name, side in (("fwd", forward), ("bwd", backward)):
        row[f"subflow_{name}_packets"] = whole(len(side.packets), subflows)
        row[f"subflow_{name}_bytes"] = whole(side.payload(), subflows)
    row["fwd_init_win_bytes"] = next(iter(first.windows()), 0)
    row["bwd_init_win_bytes"] = next(iter(backward.windows()[::-1]), 0)
    row["fwd_act_data_pkts"] = sum(length > 0 for length in forward.lengths()[1:])
    row["fwd_seg_size_min"] = min(forward.headers(), default=0)
    lasted, _ = bursts(every.times())
    # The last burst is never added.
    row |= active(lasted[:-1])
    published: dict = {}
    for name, value in row.items():
        if name not in UNPUBLISHED:
            zero = None if name in NOT_A_NUMBER else 0 if kind_of(name) == "integer" else 0.0
            published[name] = zero if value is None else value
        if name == "bwd_segment_size_avg":
            published["fwd_header_length_1"] = row["fwd_header_length"]
    return published


def whole(value: int, divisor: int) -> float:
    """The quotient without its fraction; 0 if there is none."""
    return float(value // divisor) if divisor else 0.0


def bulks_of_both(flow: Flow, counted: bool) -> dict:
    """Bulk transfers as if one side had sent all packets: the sides are not told apart, and all is backward."""
    found = bulk(flow, [False] * len(flow.packets), False, "")
    count = found["count"] if counted else 0
    return {
        "bwd_bytes_per_bulk_avg": whole(found["bytes"], count),
        "bwd_packets_per_bulk_avg": whole(found["packets"], count),
        "bwd_bulk_rate_avg": rate(found["bytes"], found["duration_ns"]) if count else 0.0,
    }


def rate(octets: int, duration: int) -> float:
    """As the tool does it: divided in floating point by seconds, then cut, so that 121 in 2.2 s are 54."""
    return float(math.floor(octets / (duration / SECOND))) if duration else 0.0


def undefined(name: str) -> float | int:
    """What the fork has where there is no value."""
    value = -1 if name in MINUS_ONE else 0
    return value if kind_of(name) == "integer" else float(value)


def wide_gaps(flow: Flow) -> int:
    """Gaps that begin another sub-flow."""
    return sum(gap > SUBFLOW_NS for gap in Packets(flow.packets).gaps())


def active(lasted: list[int]) -> dict:
    """Bursts of one packet, or of packets at one time, do not count."""
    return named("active", four([length for length in lasted if length > 0], US), "mean std max min")


def lengths(side: Packets) -> dict:
    values = side.lengths()
    return {
        "max": max(values, default=None),
        "min": min(values, default=None),
        "mean": over(mean(values), 1),
        "std": deviation(values),
        "variance": over(variance(values), 1),
    }


def bulks(flow: Flow, counted: bool, way: bool) -> dict:
    """Averages over the bulk transfers of one side."""
    found = bulk(flow, directions(flow), way, "")
    count = found["count"] if counted else 0
    return {
        "bytes_per_bulk_avg": over(found["bytes"], count),
        "packets_per_bulk_avg": over(found["packets"], count),
        "bulk_rate_avg": each_second(found["bytes"], found["duration_ns"]) if count else None,
    }


def cicflowmeter(flow: Flow, every: Packets, forward: Packets, backward: Packets, subflows: int) -> dict:
    """What the dialects have in common, in the order of the columns; None where they differ, or it is undefined."""
    source, source_port, target, target_port = ends(flow)
    duration = duration_of(flow)
    packets, sent, answered = len(every.packets), len(forward.packets), len(backward.packets)
    row = {
        "src_ip": source,
        "src_port": source_port,
        "dst_ip": target,
        "timestamp": start_of(flow) // US,
        "dst_port": target_port,
        "protocol": flow.protocol,
        "flow_duration": over(duration, US),
        "total_fwd_packet": sent,
        "total_bwd_packets": answered,
        "total_length_of_fwd_packet": forward.payload(),
        "total_length_of_bwd_packet": backward.payload(),
    }
    row |= named("fwd_packet_length", lengths(forward), "max min mean std")
    row |= named("bwd_packet_length", lengths(backward), "max min mean std")
    row["flow_bytes_per_s"] = each_second(every.payload(), duration)
    row["flow_packets_per_s"] = each_second(packets, duration)
    row |= named("flow_iat", four(every.gaps(), US), "mean std max min")
    for name, side in (("fwd", forward), ("bwd", backward)):
        row[f"{name}_iat_total"] = over(side.span(), US)
        row |= named(f"{name}_iat", four(side.gaps(), US), "mean std max min")
    for flag in ("psh", "urg", "rst"):
        row[f"fwd_{flag}_flags"] = forward.with_flag(flag)
        row[f"bwd_{flag}_flags"] = backward.with_flag(flag)
    row["fwd_header_length"] = sum(forward.headers())
    row["bwd_header_length"] = sum(backward.headers())
    row["fwd_packets_per_s"] = each_second(sent, duration)
    row["bwd_packets_per_s"] = each_second(answered, duration)
    row |= named("packet_length", lengths(every), "min max mean std variance")
    for flag in ("fin", "syn", "rst", "psh", "ack", "urg", "cwr", "ece"):
        row[f"{flag}_flag_count"] = every.with_flag(flag)
    row["down_up_ratio"] = over(answered, sent)
    row["average_packet_size"] = over(every.payload(), packets)
    row["fwd_segment_size_avg"] = over(forward.payload(), sent)
    row["bwd_segment_size_avg"] = over(backward.payload(), answered)
    for name, way in WAYS.items():
        order = "bytes_per_bulk_avg packets_per_bulk_avg bulk_rate_avg"
        row |= named(name, bulks(flow, every.counted, way), order)
    row["subflow_fwd_packets"] = over(sent, subflows)
    row["subflow_fwd_bytes"] = over(forward.payload(), subflows)
    row["subflow_bwd_packets"] = over(answered, subflows)
    row["subflow_bwd_bytes"] = over(backward.payload(), subflows)
    row["fwd_init_win_bytes"] = row["bwd_init_win_bytes"] = None
    row["fwd_act_data_pkts"] = sum(length > 0 for length in forward.lengths())
    row["bwd_act_data_pkts"] = sum(length > 0 for length in backward.lengths())
    row["fwd_seg_size_min"] = row["bwd_seg_size_min"] = None
    row |= dict.fromkeys(["active_mean", "active_std", "active_max", "active_min"])
    _, idle = bursts(every.times())
    row |= named("idle", four(idle, US), "mean std max min")
    return row | dict.fromkeys(
        ["icmp_code", "icmp_type", "fwd_tcp_retrans_count", "bwd_tcp_retrans_count", "total_tcp_retrans_count",
         "total_connection_flow_time"]
    )  # fmt: skip


# -- netflow-v3 -----------------------------------------------------------------------------------------------------


def netflow(flow: Flow, dns: dict[int, list[Dns]]) -> dict:
    """`dns` has the DNS messages of each packet that has some."""
    source, source_port, target, target_port = ends(flow)
    every, forward, backward = sides_of(flow)
    duration = duration_of(flow)
    sizes = [packet.ip_bytes for packet in flow.packets]
    kinds = flow.packets[0].known().icmp
    row = {
        "ipv4_src_addr": source,
        "l4_src_port": source_port or 0,
        "ipv4_dst_addr": target,
        "flow_start_milliseconds": start_of(flow) // MS,
        "flow_end_milliseconds": end_of(flow) // MS,
        "l4_dst_port": target_port or 0,
        "protocol": flow.protocol,
        "l7_proto": None,
        "in_bytes": forward.ip_bytes(),
        "out_bytes": backward.ip_bytes(),
        "in_pkts": len(forward.packets),
        "out_pkts": len(backward.packets),
        "tcp_flags": every.all_flags(),
        "flow_duration_milliseconds": over(duration, MS),
        "client_tcp_flags": forward.all_flags(),
        "server_tcp_flags": backward.all_flags(),
        "duration_in": over(forward.span(), MS),
        "duration_out": over(backward.span(), MS),
        "min_ttl": min(packet.ttl for packet in flow.packets),
        "max_ttl": max(packet.ttl for packet in flow.packets),
        "longest_flow_pkt": max(sizes),
        "shortest_flow_pkt": min(sizes),
        "min_ip_pkt_len": min(sizes),
        "max_ip_pkt_len": max(sizes),
        "src_to_dst_second_bytes": each_second(forward.ip_bytes(), duration),
        "dst_to_src_second_bytes": each_second(backward.ip_bytes(), duration),
    }
    for name, way in (("in", True), ("out", False)):
        again = retransmitted(flow, way)
        row[f"retransmitted_{name}_bytes"] = None if again is None else Packets(again).payload()
        row[f"retransmitted_{name}_pkts"] = None if again is None else len(again)
    row["src_to_dst_avg_throughput"] = each_second(8 * forward.ip_bytes(), duration)
    row["dst_to_src_avg_throughput"] = each_second(8 * backward.ip_bytes(), duration)
    for name, (above, most) in SIZE_CLASSES.items():
        row[f"num_pkts_{name}_bytes"] = sum(above < size <= most for size in sizes)
    row["tcp_win_max_in"] = max(forward.windows(), default=None)
    row["tcp_win_max_out"] = max(backward.windows(), default=None)
    row["icmp_type"] = kinds and kinds[0] * 256 + kinds[1]
    row["icmp_ipv4_type"] = kinds and kinds[0]
    said = messages(flow, dns)
    row["dns_query_id"], row["dns_query_type"] = said["dns_id"], said["dns_query_type"]
    row["dns_ttl_answer"] = said["dns_answer_ttl"]
    row["ftp_command_ret_code"] = None
    for name, side in (("src_to_dst", forward), ("dst_to_src", backward)):
        found = four(side.gaps(), MS)
        row |= {f"{name}_iat_{as_}": found[what] for as_, what in
                (("min", "min"), ("max", "max"), ("avg", "mean"), ("stddev", "std"))}  # fmt: skip
    return row


# -- the sets -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class FeatureSet:
    """A set of features: its name, the policy whose flows it is of, its columns that are no features."""

    name: str
    policy: Policy
    ids: tuple[str, ...]

    def columns(self, flow: Flow, dns: dict[int, list[Dns]]) -> dict:
        """The flow's row, but for flow_uid."""
        if self.name == NETFLOW:
            row = netflow(flow, dns)
        else:
            dialects = {FIXED: cicflowmeter_fixed, FORK: cicflowmeter_engelen, PUBLISHED: cicflowmeter_2017}
            row = dialects[self.name](flow)
        return {"flow": number_of(flow.packets[0]), **row}

    def rows(self, flows: list[Flow], dns: dict[int, list[Dns]]) -> list[dict]:
        return [self.columns(flow, dns) for flow in flows]

    def may_be_null(self, column: str) -> bool:
        return column in NOT_A_NUMBER if self.name == PUBLISHED else self.name != FORK


SETS = [
    FeatureSet(FIXED, NETCAP, tuple(CICFLOWMETER_IDS)),
    FeatureSet(FORK, ENGELEN, tuple(CICFLOWMETER_IDS)),
    FeatureSet(PUBLISHED, CIC2017, tuple(CICFLOWMETER_IDS)),
    FeatureSet(NETFLOW, NETCAP, tuple(NETFLOW_IDS)),
]

INTEGERS = """
    flow src_port dst_port protocol total_fwd_packet total_bwd_packets total_length_of_fwd_packet
    total_length_of_bwd_packet fwd_packet_length_max fwd_packet_length_min bwd_packet_length_max bwd_packet_length_min
    fwd_psh_flags bwd_psh_flags fwd_urg_flags bwd_urg_flags fwd_rst_flags bwd_rst_flags fwd_header_length
    bwd_header_length packet_length_min packet_length_max fin_flag_count syn_flag_count rst_flag_count psh_flag_count
    ack_flag_count urg_flag_count cwr_flag_count ece_flag_count fwd_init_win_bytes bwd_init_win_bytes
    fwd_act_data_pkts bwd_act_data_pkts fwd_seg_size_min bwd_seg_size_min icmp_code icmp_type fwd_tcp_retrans_count
    bwd_tcp_retrans_count total_tcp_retrans_count fwd_hdr_len_min bwd_hdr_len_min fwd_header_length_1
    l4_src_port l4_dst_port flow_start_milliseconds flow_end_milliseconds in_bytes out_bytes in_pkts out_pkts tcp_flags
    client_tcp_flags server_tcp_flags min_ttl max_ttl longest_flow_pkt shortest_flow_pkt min_ip_pkt_len max_ip_pkt_len
    retransmitted_in_bytes retransmitted_in_pkts retransmitted_out_bytes retransmitted_out_pkts
    num_pkts_up_to_128_bytes num_pkts_128_to_256_bytes num_pkts_256_to_512_bytes num_pkts_512_to_1024_bytes
    num_pkts_1024_to_1514_bytes tcp_win_max_in tcp_win_max_out icmp_ipv4_type dns_query_id dns_query_type dns_ttl_answer
""".split()


def kind_of(name: str) -> str:
    """What a column holds: text, time, integer, double; or nothing, always null."""
    if name in ("src_ip", "dst_ip", "ipv4_src_addr", "ipv4_dst_addr", "flow_uid"):
        return "text"
    if name in ("l7_proto", "ftp_command_ret_code"):
        return "nothing"
    return "time" if name == "timestamp" else "integer" if name in INTEGERS else "double"
