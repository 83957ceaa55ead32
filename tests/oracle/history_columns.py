"""The columns of the feature set `host`, and the counts over the last 100 flows of `unsw-nb15`: what went on before the
end of a flow, calculated from all flows of a capture.

Not a script of its own. Nothing is kept while flows go by: for each flow, those that ended before it are looked at
again. Times are in nanoseconds.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Callable, Hashable
from dataclasses import dataclass

import feature_columns
from feature_columns import US, FeatureSet, over
from flow_columns import directions, number_of
from flow_packets import TCP, Dns
from flow_rules import NETCAP, SECOND, Flow
from flow_tcp import connection_state
from unsw_columns import UNSW, UNSW_IDS, unsw_kind, unsw_may_be_null, unsw_row

HOST = "host"
HOST_IDS = ["src_ip", "src_port", "dst_ip", "dst_port", "protocol", "ts"]
WINDOWS = {"2s": 2 * SECOND, "60s": 60 * SECOND, "600s": 600 * SECOND}
LAST = 100
# The states of a TCP connection that was not established.
FAILED = {"S0", "REJ", "RSTOS0", "RSTRH", "SH", "SHR"}


@dataclass(frozen=True)
class Past:
    """What a flow tells of itself to later ones."""

    number: int
    start: int
    end: int
    source: str
    source_port: int | None
    target: str
    target_port: int | None
    protocol: int
    packets: int
    octets: int
    failed: bool


Key = Callable[[Past], Hashable]

# What flows have in common; two without a port have that in common.
HAVE_IN_COMMON: dict[str, Key] = {
    "src": lambda flow: flow.source,
    "dst": lambda flow: flow.target,
    "pair": lambda flow: (flow.source, flow.target),
    "service": lambda flow: (flow.target, flow.target_port, flow.protocol),
}
AMONG_LAST: dict[str, Key] = {
    "ct_dst_ltm": lambda flow: flow.target,
    "ct_src_ltm": lambda flow: flow.source,
    "ct_src_dport_ltm": lambda flow: (flow.source, flow.target_port),
    "ct_dst_sport_ltm": lambda flow: (flow.target, flow.source_port),
    "ct_dst_src_ltm": lambda flow: (flow.target, flow.source),
}


def past_of(flow: Flow) -> Past:
    source, source_port, target, target_port = feature_columns.ends(flow)
    return Past(
        number=number_of(flow.packets[0]),
        start=feature_columns.start_of(flow),
        end=feature_columns.end_of(flow),
        source=source,
        source_port=source_port,
        target=target,
        target_port=target_port,
        protocol=flow.protocol,
        packets=len(flow.packets),
        octets=sum(packet.wire_bytes for packet in flow.packets),
        failed=flow.protocol == TCP and connection_state(flow, directions(flow)) in FAILED,
    )


def by_end(flows: list[Past]) -> list[Past]:
    """In the order in which they ended; of those that ended at one time the smaller number is first."""
    return sorted(flows, key=lambda flow: (flow.end, flow.number))


# -- windows of time ------------------------------------------------------------------------------------------------


class History:
    """All flows, by what they have in common, in the order of their ends."""

    def __init__(self, flows: list[Past]) -> None:
        self.groups: dict[tuple[str, Hashable], list[Past]] = defaultdict(list)
        for flow in by_end(flows):
            for who, key in HAVE_IN_COMMON.items():
                self.groups[who, key(flow)].append(flow)
        self.group_ends = {name: [flow.end for flow in group] for name, group in self.groups.items()}

    def before(self, flow: Past, who: str, window: int) -> list[Past]:
        """The flows that have this in common, and ended at most so long before this one and before it."""
        name = who, HAVE_IN_COMMON[who](flow)
        found = self.group_ends[name]
        return self.groups[name][bisect_left(found, flow.end - window) : bisect_left(found, flow.end)]


def ports(flows: list[Past]) -> int:
    """Different ports of responders; no port is none."""
    return len({flow.target_port for flow in flows} - {None})


def failed_share(flows: list[Past]) -> float | None:
    return over(sum(flow.failed for flow in flows), len(flows))


def window_columns(flow: Past, history: History, time: str) -> dict:
    """The columns of one window of time."""
    found = {who: history.before(flow, who, WINDOWS[time]) for who in HAVE_IN_COMMON}
    opened_to = {one.target for one in found["src"]}
    peers = {
        "src": len(opened_to),
        "dst": len({one.source for one in found["dst"]}),
        "service": len({one.source for one in found["service"]}),
    }
    row: dict = {}
    for who in ("src", "dst"):
        row[f"{who}_{time}_flows"] = len(found[who])
        row[f"{who}_{time}_peers"] = peers[who]
        row[f"{who}_{time}_ports"] = ports(found[who])
        row[f"{who}_{time}_packets"] = sum(one.packets for one in found[who])
        row[f"{who}_{time}_bytes"] = sum(one.octets for one in found[who])
    row[f"pair_{time}_flows"] = len(found["pair"])
    row[f"pair_{time}_ports"] = ports(found["pair"])
    row[f"service_{time}_flows"] = len(found["service"])
    row[f"service_{time}_peers"] = peers["service"]
    for who, flows in found.items():
        row[f"{who}_{time}_failed_share"] = failed_share(flows)
    row[f"src_{time}_flows_per_peer"] = over(len(found["src"]), len(opened_to))
    row[f"same_service_{time}_share"] = over(len(found["service"]), len(found["dst"]))
    return row


def host_rows(flows: list[Flow]) -> list[dict]:
    every = [past_of(flow) for flow in flows]
    history = History(every)
    rows = []
    for flow in every:
        row = {
            "flow": flow.number,
            "src_ip": flow.source,
            "src_port": flow.source_port,
            "dst_ip": flow.target,
            "dst_port": flow.target_port,
            "protocol": flow.protocol,
            "ts": flow.start // US,
        }
        for time in WINDOWS:
            row |= window_columns(flow, history, time)
        rows.append(row)
    return rows


# -- the last 100 ---------------------------------------------------------------------------------------------------


def last_counts(flows: list[Past]) -> dict[int, dict]:
    """Of each flow by its number: how many of the 100 that ended last, it among them, have something in common."""
    ordered = by_end(flows)
    found = {}
    for at, flow in enumerate(ordered):
        last = ordered[max(0, at + 1 - LAST) : at + 1]
        found[flow.number] = {name: sum(key(one) == key(flow) for one in last) for name, key in AMONG_LAST.items()}
    return found


def unsw_rows(flows: list[Flow], dns: dict[int, list[Dns]]) -> list[dict]:
    counts = last_counts([past_of(flow) for flow in flows])
    return [{"flow": number, **unsw_row(flow, dns), **counts[number]}
            for flow in flows for number in [number_of(flow.packets[0])]]  # fmt: skip


# -- the sets -------------------------------------------------------------------------------------------------------


class HistorySet(FeatureSet):
    """A set of which a row needs all flows."""

    def rows(self, flows: list[Flow], dns: dict[int, list[Dns]]) -> list[dict]:
        return host_rows(flows) if self.name == HOST else unsw_rows(flows, dns)

    def may_be_null(self, column: str) -> bool:
        if self.name == UNSW:
            return unsw_may_be_null(column)
        return column in ("src_port", "dst_port") or column.endswith(("_share", "_flows_per_peer"))


HISTORY_SETS = [HistorySet(HOST, NETCAP, tuple(HOST_IDS)), HistorySet(UNSW, NETCAP, tuple(UNSW_IDS))]


def kind_of(name: str) -> str:
    """What a column of any set holds."""
    if name == "ts":
        return "time"
    parts = name.split("_")
    counted = len(parts) == 3 and parts[1] in WINDOWS and parts[2] != "share"
    if name in AMONG_LAST or counted:
        return "integer"
    return unsw_kind(name) or feature_columns.kind_of(name)
