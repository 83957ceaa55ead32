#!/usr/bin/env python3
"""Puts fragments together a second time, slowly and plainly, and compares what netcap makes of them.

    tests/oracle/fragment_oracle.py              the captures made in fragment_made.py, and those listed below
    tests/oracle/fragment_oracle.py NAME...      those whose names contain one of these; or files

The rules are those of docs/flows.md, "Fragments". For each packet: its rows in `udp`, `tcp` and `dns`, those in
`malformed` that are about fragments, and its flow. For each flow of `flow` and `flow_outer`: who it is between, packets
and bytes on the wire of each side; of `flow` payload and flags, too. And the counts of fragments and datagrams in the
manifest. Some captures are cut into three files as well, which must give the same.

fragment_reader.py reads packets and puts them together, flow_rules.py says when flows end. DNS messages are compared
where a port is that of DNS. The exit status is 0 when all agrees, else 1. Needs pyarrow; and tshark, to read files that
are no plain pcap.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections import Counter
from pathlib import Path

import common
import dns_text
import fragment_made
from flow_made import write_pcap
from flow_packets import FIN, SYN, WITH_PORTS, Packet
from flow_rules import NETCAP, Flow, ended_by, ends_of, goes_on, initiator, key_of, protocol_of
from fragment_reader import COUNTS, DNS_PORTS, Reader

CAPTURES = [
    "corrupt-and-unsupported/PCAPdroid_invalid_or_unsupported.pcap",
    "corrupt-and-unsupported/nDPI_fuzz-2006-06-26-2594.pcap",
    "corrupt-and-unsupported/ntopng_babel_update_oobr.pcap",
    "corrupt-and-unsupported/ntopng_rsvp-rsvp_obj_print-oobr.pcap",
    "corrupt-and-unsupported/tcpdump_babel_update_oobr.pcap",
    "ip-layer/entrada2_sidnlabs-test-ip-1-dns-response-2-ip-fragments.pcap",
    "ip-layer/nDPI_ip_fragmented_garbage.pcap",
    "ip-layer/nfstream_ip_fragmented_garbage.pcap",
    "ip-layer/peafowl_http_ip_fragmented.pcap",
    "ip-layer/peafowl_http_ip_fragmented_out_of_order.pcap",
    "ip-layer/zeek_ipv6-http-atomic-frag.pcap",
    "l2-encapsulation/zeek_mpls-6in6-broken.pcap",
    "link-types/dnscap_frags.pcap",
    "routing/peafowl_6in6_inner.pcap",
    "tunnels/PcapPlusPlus_GrePackets.cap",  # no fragments, but tunnels: flow_outer
    "tunnels/nDPI_zoom.pcap",
    "tunnels/sngrep_ipip.pcap",
    "tunnels/tcpdump_gso-ipv4-vxlan-ipv6.pcap",
    "tunnels/zeek-spicy-ipsec_ipsec_client.pcap",
    "web-tls-quic/suricata-verify_drop-protocol-change_input.pcap",
]

# These are cut into three files of one stream, too.
SPLIT = {"any order 4", "any order 6", "alike", "random 1", "random 2"}

TABLES = ["packet", "udp", "tcp", "dns", "malformed", "flow", "flow_outer"]
OPTIONS = ["--tables", "+flow_outer"]
# Columns of each side that are compared; who a flow is between is its key.
SIZES = {
    "flow": ["packets", "wire_bytes", "payload_bytes", "syn_packets", "fin_packets"],
    "flow_outer": ["packets", "wire_bytes"],
}
ENDS = ["flow", "src_ip", "src_port", "dst_ip", "dst_port", "protocol", "tunnel", "vlan"]


# -- flows ----------------------------------------------------------------------------------------------------------


def flows_of(packets: list[Packet]) -> tuple[list[Flow], dict[int, Flow]]:
    """The flows, and that of each packet by its number."""
    going: dict[tuple, Flow] = {}
    flows, member = [], {}
    for packet in packets:
        key = key_of(packet, NETCAP)
        flow, before = going.get(key), None
        reason = ended_by(flow, packet) if flow else None
        if reason == "active" and goes_on(flow, packet.time):
            before = flow
        if flow is None or reason:
            flow = going[key] = Flow(NETCAP, *ends_of(packet, NETCAP), protocol_of(packet, NETCAP), before=before)
            flows.append(flow)
        flow.add(packet)
        member[packet.number] = flow
    return flows, member


def row_of(flow: Flow) -> tuple[tuple, dict]:
    """Which flow it is, and its columns."""
    by_sender, _ = initiator(flow)
    source, target = (flow.sender, flow.receiver) if by_sender else (flow.receiver, flow.sender)
    known = flow.packets[0].known()
    tunnel, vlan = "/".join(known.tunnel) or None, ",".join(map(str, known.vlan)) or None
    ports = (source[1], target[1]) if flow.protocol in WITH_PORTS else (None, None)
    row = {}
    for side, way in (("fwd_", True), ("bwd_", False)):
        packets = [packet for packet, same in zip(flow.packets, flow.same_way) if (same == by_sender) == way]
        row[f"{side}packets"] = len(packets)
        row[f"{side}wire_bytes"] = sum(packet.wire_bytes for packet in packets)
        row[f"{side}payload_bytes"] = sum(packet.payload_bytes for packet in packets)
        for name, flag in (("syn", SYN), ("fin", FIN)):
            row[f"{side}{name}_packets"] = sum(bool(packet.tcp and packet.tcp.flags & flag) for packet in packets)
    return (flow.number(), source[0], ports[0], target[0], ports[1], flow.protocol, tunnel, vlan), row


# -- comparing ------------------------------------------------------------------------------------------------------


# Rules that docs/flows.md has for what is rare, and that are not calculated here: by part of the name, in the tables
# of flows.
OF_FLOWS = {"flow of the packet", "flow", "flow_outer"}
RARE = {
    "later ones again": "fragments that come again after their datagram was complete",
    "cut at 96": "a datagram within two tunnels",
    "in IP in IP, cut": "a datagram within two tunnels",
    ", mixed": "first fragments of two datagrams in one packet",
    "crowd of 65,537": "more datagrams than are remembered",
    "random": "fragments that come again after their datagram was complete",
    "two first fragments": "two first fragments of one datagram",
}


class Comparison:
    def __init__(self) -> None:
        self.tally, self.values, self.differ = common.Tally(), Counter(), Counter()

    def equal(self, name: str, what: str, expected: dict, found: dict) -> None:
        """Two dictionaries; up to five keys are shown that only one has, or where the values are different."""
        keys = expected.keys() | found.keys()
        missing = object()
        bad = [key for key in keys if expected.get(key, missing) != found.get(key, missing)]
        if bad and what in OF_FLOWS and any(part in name for part in RARE):
            self.tally.skip(f"{name}: {what}: {len(bad)} of {len(keys)} differ by a rule for what is rare")
            return
        self.values[what] += len(keys)
        self.differ[what] += len(bad)
        self.tally.check(not bad, f"{name}: {what}: {len(bad)} of {len(keys)} differ")
        for key in sorted(bad, key=str)[:5]:
            self.tally.say(f"            {key}: here {expected.get(key, '-')}, netcap {found.get(key, '-')}")

    def summary(self) -> int:
        for what, count in self.values.items():
            print(f"  {what}: {count} values compared, {self.differ[what]} differ")
        print(f"  {self.values.total()} values in all")
        return self.tally.finish()


def counted(rows: list[tuple]) -> dict:
    return dict(Counter(rows))


def decoded(binary: Path, *captures: Path) -> tuple[dict[str, list[dict]], dict[str, int]]:
    """Tables, and the counts that are compared."""
    with common.Workspace() as work:
        out = work / ("fragments-" + re.sub(r"\W+", "_", captures[0].stem) + f"-{len(captures)}")
        common.decode(binary, *captures, out=out, options=OPTIONS)
        counts = json.loads((out / "manifest.json").read_text())["counts"]
        return {table: common.read_table(out, table) for table in TABLES}, {name: counts[name] for name in COUNTS}


def check(name: str, path: Path, binary: Path, comparison: Comparison) -> None:
    failed = comparison.tally.failed
    tables, counts = decoded(binary, path)
    frames = common.plain_frames(path) or common.frames(path)
    reader = Reader()
    found = {frame.number: reader.read(frame) for frame in frames}
    reader.finish()
    comparison.equal(name, "counts", dict(reader.counts), counts)
    ours = {
        "udp": [(r["packet"], r["layer"], r["src_port"], r["dst_port"], r["length"]) for r in tables["udp"]],
        "tcp": [(r["packet"], r["layer"], r["src_port"], r["dst_port"], r["seq"], r["flags"]) for r in tables["tcp"]],
        "dns": [
            (r["packet"], r["layer"], r["transaction_id"], labels(r["query_name"]))
            for r in tables["dns"]
            if DNS_PORTS & {r["src_port"], r["dst_port"]}
        ],
        "malformed": [(r["packet"], r["layer"], r["reason"]) for r in tables["malformed"] if "fragment" in r["reason"]],
    }
    for table, rows in ours.items():
        expected = [(n, at, *row) for n, one in found.items() for kind, at, row in one.rows if kind == table]
        comparison.equal(name, table, counted(expected), counted(rows))
    flows, member = flows_of([one.packet for one in found.values() if one.packet])
    expected = {number: member[number].number() if one.packet else None for number, one in found.items()}
    comparison.equal(name, "flow of the packet", expected, {row["packet"]: row["flow"] for row in tables["packet"]})
    outer, _ = flows_of([one.outer[at] for one in found.values() for at in sorted(one.outer)])
    for table, some in (("flow", flows), ("flow_outer", outer)):
        columns = [side + size for size in SIZES[table] for side in ("fwd_", "bwd_")]
        here = {key: [row[column] for column in columns] for key, row in map(row_of, some)}
        there = {tuple(row[end] for end in ENDS): [row[column] for column in columns] for row in tables[table]}
        comparison.equal(name, table, here, there)
    print(f"{'agrees ' if comparison.tally.failed == failed else 'DIFFERS'} {name}: {len(frames)} packets", flush=True)


def check_split(name: str, link_type: int, packets: list, binary: Path, comparison: Comparison, work: Path) -> None:
    """The same in three files: datagrams go on from one into the next."""
    first, second = len(packets) // 3, 2 * len(packets) // 3
    parts = [packets[:first], packets[first:second], packets[second:]]
    files = [work / "whole.pcap", *(work / f"part{number}.pcap" for number in range(3))]
    for file, some in zip(files, [packets, *parts]):
        write_pcap(file, link_type, some)
    (whole, whole_counts), (tables, counts) = decoded(binary, files[0]), decoded(binary, *files[1:])
    comparison.equal(f"{name}, in three files", "counts", whole_counts, counts)
    before = [0, first, second]
    for table in ("udp", "tcp", "dns", "malformed"):
        here = counted([(row["packet"], row["layer"]) for row in whole[table]])
        there = counted([(before[row["capture"]] + row["packet"], row["layer"]) for row in tables[table]])
        comparison.equal(f"{name}, in three files", table, here, there)


def labels(name: str | None) -> tuple | None:
    return None if name is None else tuple(dns_text.labels_of(name))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("captures", nargs="*")
    wanted = parser.parse_args().captures
    comparison = Comparison()
    folder, binary = common.captures_folder(), common.netcap_binary()
    if binary is None:
        comparison.tally.skip("all: there is no netcap program (NETCAP, or build it)")
        return comparison.tally.finish()
    files = [name for name in wanted if Path(name).is_file()]
    for name in files:
        check(name, Path(name), binary, comparison)
    names = [name for name in wanted if name not in files]

    def chosen(name: str) -> bool:
        return any(part in name for part in names) or not wanted

    with common.Workspace() as work:
        for name, link_type, packets in fragment_made.captures():
            if chosen(name):
                path = work / (re.sub(r"\W+", "_", name) + ".pcap")
                write_pcap(path, link_type, packets)
                check(name, path, binary, comparison)
                if name in SPLIT:
                    check_split(name, link_type, packets, binary, comparison, work)
    for name in filter(chosen, CAPTURES):
        if folder is None or not (folder / name).is_file():
            comparison.tally.skip(f"{name}: not here (NETCAP_CAPTURES)")
        else:
            check(name, folder / name, binary, comparison)
    return comparison.summary()


if __name__ == "__main__":
    sys.exit(main())
