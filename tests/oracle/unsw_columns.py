"""The columns of the feature set `unsw-nb15` that need only the packets of the flow.

Not a script of its own. The counts over the last 100 flows are in history_columns.py. Times are in nanoseconds until
they are written; what is undefined is None where the set says so.
"""

from __future__ import annotations

from functools import cache

import common
from feature_columns import (
    MS,
    Packets,
    deviation,
    duration_of,
    each_second,
    end_of,
    ends,
    mean,
    over,
    retransmitted,
    sides_of,
    start_of,
)
from flow_columns import handshake, messages
from flow_packets import FIN, ICMP, RST, TCP, Dns
from flow_rules import SECOND, Flow

UNSW = "unsw-nb15"
UNSW_IDS = ["srcip", "sport", "dstip", "stime", "ltime"]
TEXTS = ["srcip", "dstip", "proto", "state", "service"]
DOUBLES = ["dur", "sload", "dload", "sjit", "djit", "sintpkt", "dintpkt", "tcprtt", "synack", "ackdat"]
INTEGERS = """
    sport stime ltime dsport sbytes dbytes sttl dttl sloss dloss spkts dpkts swin dwin stcpb dtcpb smeansz dmeansz
    is_sm_ips_ports
""".split()
# Always null.
WITHOUT = """
    trans_depth res_bdy_len ct_flw_http_mthd is_ftp_login ct_ftp_cmd ct_state_ttl ct_srv_src ct_srv_dst
""".split()
MAY_BE_NULL = ["proto", "sttl", "dttl", *WITHOUT, *DOUBLES[1:]]
ECHO_REQUEST, UNREACHABLE_PORT = 8, (3, 3)


def unsw_row(flow: Flow, dns: dict[int, list[Dns]]) -> dict:
    """The columns up to ct_srv_dst. `dns` has the DNS messages of each packet that has some."""
    source, source_port, target, target_port = ends(flow)
    every, forward, backward = sides_of(flow)
    duration = duration_of(flow)
    sides = {"s": forward, "d": backward}
    row = {
        "srcip": source,
        "sport": source_port or 0,
        "dstip": target,
        "stime": start_of(flow) // SECOND,
        "ltime": end_of(flow) // SECOND,
        "dsport": target_port or 0,
        "proto": protocol_name(flow.protocol),
        "state": state(flow, every, backward),
        "dur": duration / SECOND,
    }
    row |= {f"{name}bytes": wire_bytes(side) for name, side in sides.items()}
    row |= {f"{name}ttl": side.packets[0].ttl if side.packets else None for name, side in sides.items()}
    row |= {"sloss": len(retransmitted(flow, True) or []), "dloss": len(retransmitted(flow, False) or [])}
    row["service"] = messages(flow, dns)["service"] or "-"
    row |= {f"{name}load": each_second(8 * wire_bytes(side), duration) for name, side in sides.items()}
    row |= {f"{name}pkts": len(side.packets) for name, side in sides.items()}
    row |= {f"{name}win": first_of_tcp(side, "window") for name, side in sides.items()}
    row |= {f"{name}tcpb": first_of_tcp(side, "seq") for name, side in sides.items()}
    row |= {f"{name}meansz": rounded_mean(side) for name, side in sides.items()}
    row |= dict.fromkeys(WITHOUT[:5])
    row |= {f"{name}jit": deviation(side.gaps(), MS) for name, side in sides.items()}
    row |= {f"{name}intpkt": over(mean(side.gaps()), MS) for name, side in sides.items()}
    row |= handshake_of(flow)
    row["is_sm_ips_ports"] = int((source, source_port) == (target, target_port))
    return row | dict.fromkeys(WITHOUT[5:])


@cache
def protocol_name(protocol: int) -> str | None:
    name = common.enumerations()[0]["IpProtocol"].get(protocol)
    return name and name.lower()


def state(flow: Flow, every: Packets, backward: Packets) -> str:
    """In the words of Argus."""
    answered = bool(backward.packets)
    if flow.protocol == TCP:
        flags = every.all_flags()
        return "RST" if flags & RST else "FIN" if flags & FIN else "CON" if answered else "REQ"
    kinds = flow.packets[0].known().icmp
    if flow.protocol == ICMP and kinds and kinds[0] == ECHO_REQUEST:
        return "ECO"
    if flow.protocol == ICMP and kinds == UNREACHABLE_PORT:
        return "URP"
    return "CON" if answered else "INT"


def wire_bytes(side: Packets) -> int:
    return sum(packet.wire_bytes for packet in side.packets)


def first_of_tcp(side: Packets, what: str) -> int:
    """Of the side's first segment; 0 where it sent none."""
    return next((getattr(packet.tcp, what) for packet in side.packets if packet.tcp), 0)


def rounded_mean(side: Packets) -> int:
    """A half is rounded up."""
    count = len(side.packets)
    return (2 * wire_bytes(side) + count) // (2 * count) if count else 0


def handshake_of(flow: Flow) -> dict:
    found = handshake(flow) if flow.protocol == TCP else {}
    asked, answered = found.get("handshake_syn_ack_ns"), found.get("handshake_ack_ns")
    whole = None if asked is None or answered is None else asked + answered
    return {"tcprtt": over(whole, SECOND), "synack": over(asked, SECOND), "ackdat": over(answered, SECOND)}


def unsw_kind(name: str) -> str | None:
    """What a column holds; None if it is another set's."""
    if name in TEXTS:
        return "text"
    if name in DOUBLES:
        return "double"
    return "integer" if name in INTEGERS or name in WITHOUT else None


def unsw_may_be_null(name: str) -> bool:
    return name in MAY_BE_NULL
