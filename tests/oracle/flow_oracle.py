#!/usr/bin/env python3
"""Calculates flows a second time, slowly and plainly, and compares every column of the tables `flow`, `flow_nfstream`,
`flow_cicflowmeter_engelen` and `flow_packets`, and the column `flow` of all other tables.

    tests/oracle/flow_oracle.py             every capture listed below, and the packets made up in flow_cases.py
    tests/oracle/flow_oracle.py FILE...     these captures (paths, or names below the captures folder)
    tests/oracle/flow_oracle.py --self-test the calculation itself, on the packets made up in flow_cases.py

The rules are those of docs/flows.md and of the columns' comments. flow_packets.py reads packets, flow_rules.py says
which belong together, flow_tcp.py follows sequence numbers, flow_columns.py calculates columns.

Two things are taken from netcap instead of calculated: which packets have DNS messages, whole or not
(tshark_compare.py checks that), and flow_uid, which must be unique and must not change when a capture is cut into
three files.

Packets made after the test vectors of the Community ID specification must get its values. Two captures are cut into
three files of one stream, too: that must give the same flows.

Integers, texts and nulls must be equal, floats to 1e-9. Of a flow that has another number of packets there, only
`packets`, `last_packet` and `end_reason` are compared. For what differs, up to three examples are shown: capture,
packet, column, value here, value of netcap. The exit status is 0 when all agrees, else 1. Needs tshark (to read the
files), pyarrow and communityid.
"""

from __future__ import annotations

import argparse
import math
import re
import sys
from collections import Counter
from pathlib import Path

import common
import flow_cases
from flow_columns import columns_of, community_id, first_packets
from flow_made import VECTORS, vector_packet, write_pcap
from flow_packets import Dns, dns_messages, looks_like_dns, packet_of
from flow_rules import BATCH_PACKETS, NETCAP, POLICIES, flows_of, input_clock

CAPTURES = [
    "applications/nDPI_tplink_shp.pcap",
    "applications/nfstream_1kxun.pcap",  # keep-alives, many protocols, IPv6
    "attacks/StratosphereLinuxIPS_test12-icmp-portscan.pcap",
    "attacks/nDPI_synscan.pcap",
    "attacks/suricata-verify_kill_router6.pcap",
    "attacks/suricata-verify_toobig.pcap",
    "attacks/zeek_bruteforce.pcap",
    "attacks/zeek_vnc-scanner.pcap",
    "corrupt-and-unsupported/PCAPdroid_invalid_or_unsupported.pcap",  # headers that contradict themselves, fragments
    "corrupt-and-unsupported/nDPI_fuzz-2006-06-26-2594.pcap",  # bytes changed at random
    "corrupt-and-unsupported/ntopng_babel_update_oobr.pcap",  # wild times: disorder, active time-outs
    "file-formats/PcapPlusPlus_GrePackets.pcap",  # GRE in GRE, PPTP, IPv4 in IPv6
    "file-formats/icsnpp-profinet-io-cm_profinet_io_cm.pcap",
    "ics/Quickdraw-Snort_s7_test.pcap",  # zero windows
    "ics/arkime_synthetic.pcap",
    "infrastructure/dnscap_test_dns.pcap",
    "iot/IoT_Sentinel_Setup-A-9-STA-4c0b1ea6.pcap",  # SYNs sent again
    "iot/Lifecycle-Based-Traffic-Dataset_xiaodu_plug.pcap",  # connections in parts, RST
    "ip-layer/entrada2_sidnlabs-test-ip-1-dns-response-2-ip-fragments.pcap",
    "ip-layer/pkt2flow_udp_lite_illegal_large-coverage.pcap",
    "ip-layer/tcpdump_dccp_partial_csum_v6_longer.pcap",
    "ip-layer/zeek_ipv6-http-atomic-frag.pcap",
    "l2-encapsulation/arkime_mpls-basic.pcap",  # MPLS
    "l2-encapsulation/arkime_stun.pcap",
    "l2-encapsulation/nDPI_discord_mid_flow.pcap",  # PPPoE behind VLAN
    "l2-encapsulation/nDPI_ultrasurf.pcap",  # missing bytes, duplicate acknowledgments
    "l2-encapsulation/zeek_mixed-vlan-mpls.pcap",  # VLAN and MPLS
    "l2-encapsulation/zeek_mpls-6in6-broken.pcap",  # MPLS, and IPv6 that holds none
    "link-types/PcapPlusPlus_sll.pcap",
    "link-types/dnscap_frags.pcap",
    "link-types/icsnpp-opcua-binary_open62541_create_monitored_items.pcap",
    "link-types/nDPI_tencent_games.pcap",
    "link-types/zeek_linux_dlt_sll2.pcap",  # SLL2
    "mixed-traffic/nDPI_alexa-app.pcapng",
    "mixed-traffic/try-zeek_sumstat.pcap",
    "routing/peafowl_6in6_inner.pcap",
    "telecom/arkime_m3ua_synthetic.pcap",  # SCTP
    "telecom/peafowl_skype-irc.cap",  # SYN scans, port reuse, ICMP errors
    "transport/sharppcap_10k_packets.pcap",
    "tunnels/PcapPlusPlus_GrePackets.cap",  # PPTP
    "tunnels/dpkt_nb6-http.pcap",  # PPPoE, IPv6
    "tunnels/libpcap_AH-IPcomp-IPv4.pcap",
    "tunnels/nDPI_zoom.pcap",  # GTP-U
    "tunnels/sngrep_ipip.pcap",
    "tunnels/suricata-verify_bug-6402-01_input.pcap",  # GRE in Geneve
    "tunnels/tcpdump_gso-ipv4-vxlan-ipv6.pcap",  # VXLAN with segmentation offload
    "tunnels/tcpreplay_test2.rewrite_vlan802.1ad",
    "tunnels/zeek_gtp8_teredo.pcap",  # GTP-U
    "voip-media/nDPI_teams.pcap",  # out of order, bulk
    "web-tls-quic/brimcap_oneflow.pcap",
    "web-tls-quic/netml_srcIP_10.42.0.119_anomaly.pcap",
]

# These are cut into three files of one stream, too.
SPLIT = {"mixed-traffic/nDPI_alexa-app.pcapng", "web-tls-quic/netml_srcIP_10.42.0.119_anomaly.pcap"}

# Their messages come in fragments, which are put together in fragment_oracle.py and not here.
IN_FRAGMENTS = {
    "ip-layer/entrada2_sidnlabs-test-ip-1-dns-response-2-ip-fragments.pcap",
    "link-types/dnscap_frags.pcap",
}

FIRST_PACKETS = 20
FLOW_TABLES = [policy.table for policy in POLICIES]
TABLES = [
    "packet",
    "ethernet",
    "vlan",
    "arp",
    "ipv4",
    "ipv6",
    "icmpv4",
    "icmpv6",
    "tcp",
    "udp",
    "dns",
    "malformed",
    *FLOW_TABLES,
    "flow_packets",
]
OPTIONS = [
    "--tables",
    ",".join(f"+{table}" for table in [*FLOW_TABLES[1:], "flow_packets"]),
    "--first-packets",
    str(FIRST_PACKETS),
]


# -- calculating ----------------------------------------------------------------------------------------------------


def protocol_names() -> dict[int, str]:
    return common.enumerations()[0]["IpProtocol"]


class Calculation:
    """All tables of flows of a capture: rows by their keys."""

    def __init__(self, frames: list[common.Frame], dns: set[int] | None, malformed: set[int] = frozenset()) -> None:
        """`dns`: the packets with DNS messages, or None to guess by ports; `malformed`: those with broken or cut ones."""
        self.packets = [packet_of(frame) for frame in frames]
        messages = {
            packet.number: dns_messages(packet)
            for packet in self.packets
            if packet and (looks_like_dns(packet) if dns is None else packet.number in dns)
        }
        messages = {number: [] for number in malformed} | messages
        times = [frame.time_ns for frame in frames]
        self.tables: dict[str, dict] = {}
        for policy in POLICIES:
            self.tables[policy.table] = self._table(policy, messages, times)

    def _table(self, policy, messages: dict[int, list[Dns]], times: list[int]) -> dict:
        flows, member = flows_of(self.packets, policy, times)
        if policy is NETCAP:
            self.member = {number: flow.number() for number, flow in member.items()}
            rows = [row for flow in flows for row in first_packets(flow, FIRST_PACKETS)]
            self.tables["flow_packets"] = {(row["flow"], row["position"]): row for row in rows}
        names = protocol_names()
        return {(0, flow.number()): columns_of(flow, messages, names) for flow in flows}


# -- comparing ------------------------------------------------------------------------------------------------------


def same(here: object, there: object) -> bool:
    if isinstance(here, float) and isinstance(there, float):
        return math.isclose(here, there, rel_tol=1e-9)
    return type(here) is type(there) and here == there


def where(table: str, row: dict) -> tuple[int, int]:
    return row["capture"], row["packet"]


class Comparison:
    """What differed, over all captures."""

    def __init__(self, tally: common.Tally) -> None:
        self.tally = tally
        self.compared: Counter = Counter()
        self.differing: Counter = Counter()

    def table(self, name: str, table: str, expected: dict, rows: list[dict]) -> None:
        """Expected rows by key, against rows of netcap."""
        place = (
            (lambda row: (row["flow"], row["position"])) if table == "flow_packets" else (lambda row: where(table, row))
        )
        ours = {place(row): row for row in rows}
        self.check(name, len(ours) == len(rows), f"{table}: each key has one row")
        if table in FLOW_TABLES:
            # Where time goes backwards, two flows of one key can begin at the same time.
            if not any(row["disordered_packets"] for row in rows):
                distinct = len({row["flow_uid"] for row in rows})
                self.check(name, distinct == len(rows), f"{table}: flow_uid is unique")
        shown = "src_ip", "src_port", "dst_ip", "dst_port", "protocol", "packets", "end_reason", "position"
        for kind, left, right in (("of netcap", ours, expected), ("here", expected, ours)):
            only = sorted(left.keys() - right.keys())
            examples = [
                (key, {column: left[key][column] for column in shown if column in left[key]}) for key in only[:3]
            ]
            self.check(name, not only, f"{table}: {len(only)} of {len(left)} rows only {kind}: {examples}")
            self.compared[table, "(rows)"] += len(left)
            self.differing[table, "(rows)"] += len(only)
        if not ours or not expected:
            return
        calculated, columns = next(iter(expected.values())).keys(), rows[0].keys() - {"flow_uid"}
        missing, more = sorted(calculated - columns), sorted(columns - calculated)
        self.check(name, not missing, f"{table}: columns that netcap does not have: {missing}")
        self.check(name, not more, f"{table}: columns that are not calculated here: {more}")
        if name in IN_FRAGMENTS:
            columns -= {"dns_id", "dns_query_type", "dns_answer_ttl"}
        both = sorted(ours.keys() & expected.keys())
        # Where other packets belong to the flow, most columns differ, and that says nothing.
        other = {key for key in both if table in FLOW_TABLES and expected[key]["packets"] != ours[key]["packets"]}
        for column in [column for column in calculated if column in columns]:
            told = column in ("packets", "last_packet", "end_reason")
            bad = [
                key for key in both if (told or key not in other) and not same(expected[key][column], ours[key][column])
            ]
            self.compared[table, column] += len(both)
            self.differing[table, column] += len(bad)
            self.check(name, not bad, f"{table}.{column} differs in {len(bad)} of {len(both)} rows")
            for key in bad[:3]:
                row = expected[key]
                self.tally.say(
                    f"            {where(table, row)} {column}: here {row[column]!r}, netcap {ours[key][column]!r}"
                )

    def check(self, name: str, good: bool, what: str) -> None:
        self.tally.check(good, f"{name}: {what}")

    def summary(self) -> None:
        print("\nall captures:")
        for table in [*FLOW_TABLES, "flow_packets"]:
            of_table = [key for key in self.compared if key[0] == table]
            values, bad = (sum(counter[key] for key in of_table) for counter in (self.compared, self.differing))
            print(f"  {table}: {len(of_table) - 1} columns, {values} values compared, {bad} differ")
            for key in of_table:
                if self.differing[key]:
                    print(f"    {key[1]}: {self.differing[key]} of {self.compared[key]} DIFFER")


def compare(name: str, frames: list[common.Frame], tables: dict[str, list[dict]], comparison: Comparison) -> None:
    """All that is said of flows in the tables of one capture."""
    times = {row["packet"]: row["ts_ns"] for row in tables["packet"]}
    wrong = [frame.number for frame in frames if times.get(frame.number) != frame.time_ns]
    good = not wrong and len(times) == len(frames)
    comparison.check(name, good, f"packets and their times; differ: {wrong[:5]}")

    malformed = {row["packet"] for row in tables["malformed"] if row["protocol"] == "dns"}
    malformed |= {row["packet"] for row in tables["packet"] if "dns" in row["path"].split(":")}
    calculation = Calculation(frames, {row["packet"] for row in tables["dns"]}, malformed)
    for table, expected in calculation.tables.items():
        comparison.table(name, table, expected, tables[table])

    of_packet = {row["packet"]: row["flow"] for row in tables["packet"]}
    bad = [
        (number, calculation.member.get(number), flow)
        for number, flow in of_packet.items()
        if flow != calculation.member.get(number)
    ]
    comparison.check(
        name,
        not bad,
        f"packet.flow differs in {len(bad)} of {len(of_packet)} packets (packet, here, netcap): {bad[:3]}",
    )
    for table in TABLES:
        if table not in ("packet", "flow_packets", *FLOW_TABLES):
            bad = [
                (row["packet"], row["flow"], of_packet.get(row["packet"]))
                for row in tables[table]
                if row["flow"] != of_packet.get(row["packet"])
            ]
            comparison.check(name, not bad, f"{table}.flow is that of the packet; differs: {bad[:3]}")


def compare_split(
    name: str, frames: list[common.Frame], whole: dict[str, list[dict]], binary: Path, work: Path, tally: common.Tally
) -> None:
    """The same packets in three files of one stream: the same flows, with the same flow_uid, across the files."""
    cuts = [0, len(frames) // 3, 2 * len(frames) // 3, len(frames)]
    files = []
    for number, (start, end) in enumerate(zip(cuts, cuts[1:])):
        # Names in an order of their own: it is the first packet that decides.
        files.append(work / f"{9 - number}.pcap")
        write_pcap(
            files[-1], frames[0].link_type, [(frame.time_ns, frame.wire, frame.data) for frame in frames[start:end]]
        )
    out = work / "split"
    common.decode(binary, *reversed(files), out=out, options=OPTIONS)

    def place(number: int) -> tuple[int, int]:
        capture = max(at for at in range(3) if number > cuts[at])
        return capture, number - cuts[capture]

    def numbered(number: int) -> int:
        capture, packet = place(number)
        return capture * 10**10 + packet

    def moved(row: dict) -> dict:
        (capture, packet), (last_capture, last_packet) = place(row["packet"]), place(row["last_packet"])
        return row | {
            "flow": numbered(row["flow"]),
            "connection": numbered(row["connection"]),
            "capture": capture,
            "packet": packet,
            "last_capture": last_capture,
            "last_packet": last_packet,
        }

    for table in FLOW_TABLES:
        ours = {row["flow_uid"]: row for row in common.read_table(out, table)}
        expected = {row["flow_uid"]: moved(row) for row in whole[table]}
        tally.check(
            ours.keys() == expected.keys(),
            f"{name}: cut into three files, {len(ours.keys() ^ expected.keys())} values of {table}.flow_uid differ",
        )
        bad = [
            (uid, {k: (ours[uid][k], v) for k, v in row.items() if ours[uid][k] != v})
            for uid, row in expected.items()
            if uid in ours and ours[uid] != row
        ]
        tally.check(not bad, f"{name}: cut into three files, {len(bad)} rows of {table} differ: {bad[:3]}")
        crossing = sum(row["capture"] != row["last_capture"] for row in ours.values())
        print(f"        cut into three files: {table}: {len(ours)} flows, {crossing} cross from file to file")


def check_vectors(binary: Path, tally: common.Tally) -> None:
    """netcap's Community ID of packets made after the test vectors, each 121 s after the one before."""
    with common.Workspace() as work:
        packets = [vector_packet(*vector[:5]) for vector in VECTORS]
        write_pcap(
            work / "vectors.pcap",
            101,
            [(121_000_000_000 * number, len(data), data) for number, data in enumerate(packets)],
        )
        common.decode(binary, work / "vectors.pcap", out=work / "vectors")
        rows = {row["packet"]: row["community_id"] for row in common.read_table(work / "vectors", "flow")}
    for number, vector in enumerate(VECTORS, 1):
        tally.check(
            rows.get(number) == vector[5],
            f"Community ID of {vector[:5]}: {rows.get(number)}, the specification says {vector[5]}",
        )
    print(f"Community ID: {len(VECTORS)} test vectors")


def check_capture(name: str, path: Path, binary: Path, comparison: Comparison) -> None:
    tally, before = comparison.tally, comparison.differing.total()
    failed = tally.failed
    with common.Workspace() as work:
        out = work / ("flow-" + re.sub(r"\W+", "_", name))
        try:
            common.decode(binary, path, out=out, options=OPTIONS)
        except RuntimeError as problem:
            tally.check(False, f"{name}: {problem}")
            return
        tables = {table: common.read_table(out, table) for table in TABLES}
        frames = common.plain_frames(path) or common.frames(path)
        compare(name, frames, tables, comparison)
        if name in SPLIT:
            compare_split(name, frames, tables, binary, work, tally)
    print(
        f"{'agrees ' if tally.failed == failed else 'DIFFERS'} {name}: {len(frames)} packets, "
        f"{' + '.join(str(len(tables[table])) for table in FLOW_TABLES)} flows, "
        f"{comparison.differing.total() - before} values differ",
        flush=True,
    )


def check_cases(binary: Path, comparison: Comparison) -> None:
    """The packets made up in flow_cases.py, as captures."""
    with common.Workspace() as work:
        for number, case in enumerate(flow_cases.CASES):
            path = work / f"case-{number}.pcap"
            write_pcap(path, case.link_type, case.packets)
            check_capture(f"made up: {case.name}", path, binary, comparison)


# -- the self-test --------------------------------------------------------------------------------------------------


def self_test() -> int:
    tally = common.Tally()
    for number, (*vector, expected) in enumerate(VECTORS, 1):
        data = vector_packet(*vector)
        packet = packet_of(common.Frame(number, 0, len(data), data, 101))
        found = packet and community_id(packet)
        tally.check(found == expected, f"Community ID of {vector}: {found}, not {expected}")
    for case in flow_cases.CASES:
        case_test(case, tally)
    clock = input_clock([5] * BATCH_PACKETS + [900, 1000, 7])
    tally.check(clock == 900, f"the clock at the end of the input is the latest median of a batch: {clock}")
    comparison_test(tally)
    return tally.finish()


def case_test(case: flow_cases.Case, tally: common.Tally) -> None:
    """The values that were calculated by hand."""
    frames = [
        common.Frame(number, time, wire, data, case.link_type)
        for number, (time, wire, data) in enumerate(case.packets, 1)
    ]
    calculation = Calculation(frames, None)
    for table, expected in case.expected.items():
        rows = list(calculation.tables[table].values())
        rows = sorted(rows, key=lambda row: (row["packet"], row.get("position", 0)))
        tally.check(len(rows) == len(expected), f"{case.name}: {table} has {len(rows)} rows, not {len(expected)}")
        for number, (row, wanted) in enumerate(zip(rows, expected), 1):
            for column, value in wanted.items():
                found = row[column]
                tally.check(
                    same(found, value), f"{case.name}: {table}, row {number}: {column} is {found!r}, not {value!r}"
                )


def comparison_test(tally: common.Tally) -> None:
    """Rows of our own making agree with themselves; each column is spoiled once, and that is found."""
    case = next(case for case in flow_cases.CASES if case.name == flow_cases.RICHEST)
    frames = [
        common.Frame(number, time, wire, data, case.link_type)
        for number, (time, wire, data) in enumerate(case.packets, 1)
    ]
    for table, expected in Calculation(frames, None).tables.items():
        rows = [{**row, "flow_uid": str(key)} for key, row in expected.items()]
        if table == "flow_packets":
            rows = [{**row} for row in expected.values()]
        quiet = Comparison(Silent())
        quiet.table(case.name, table, expected, rows)
        tally.check(not quiet.differing.total() and not quiet.tally.failed, f"{table} agrees with itself")
        for column in rows[0]:
            if column in ("capture", "packet", "flow_uid") or (
                table == "flow_packets" and column in ("flow", "position")
            ):
                continue
            value = rows[0][column]
            wrong = (
                not value if isinstance(value, bool) else 1 if value is None else value + 1 if isinstance(value, int)
                else value * (1 + 1e-8) + 1e-300 if isinstance(value, float) else None
            )  # fmt: skip
            spoiled = Comparison(Silent())
            spoiled.table(case.name, table, expected, [{**rows[0], column: wrong}, *rows[1:]])
            tally.check(spoiled.differing[table, column] == 1, f"a wrong {table}.{column} is found")
        fewer = Comparison(Silent())
        fewer.table(case.name, table, expected, rows[1:])
        tally.check(fewer.differing[table, "(rows)"] == 1, f"a missing row of {table} is found")


class Silent(common.Tally):
    """Counts only."""

    def say(self, what: str) -> None:
        pass

    def check(self, good: bool, what: str, quiet: bool = True) -> bool:
        self.passed += good
        self.failed += not good
        return good


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("captures", nargs="*")
    parser.add_argument("--self-test", action="store_true", help="check the calculation itself")
    arguments = parser.parse_args()
    if arguments.self_test:
        return self_test()
    tally = common.Tally()
    comparison = Comparison(tally)
    folder, binary = common.captures_folder(), common.netcap_binary()
    if binary is None:
        tally.skip("all: there is no netcap program (NETCAP, or build it)")
        return tally.finish()
    check_vectors(binary, tally)
    if not arguments.captures:
        check_cases(binary, comparison)
        if folder is None:
            tally.skip("all captures: they are not here (NETCAP_CAPTURES)")
            return tally.finish()
    for name in arguments.captures or CAPTURES:
        path = Path(name) if Path(name).is_file() else (folder or Path()) / name
        if not path.is_file():
            tally.skip(f"{name}: not here")
            continue
        check_capture(name, path, binary, comparison)
    comparison.summary()
    return tally.finish()


if __name__ == "__main__":
    sys.exit(main())
