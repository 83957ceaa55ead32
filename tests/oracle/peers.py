#!/usr/bin/env python3
"""Compares flows with those of other programs: NFStream with the table `flow_nfstream`, tshark's conversations with
the table `flow`.

    tests/oracle/peers.py             the captures listed below
    tests/oracle/peers.py FILE...     these captures (paths, or names below the captures folder)

NFStream (of PyPI, without nDPI, sizes by IP length) must have the same flows, with packets, bytes, sizes, flags and
times per direction. Where it is known to be wrong, REASONS says why, and how many values differ. tshark must have the
same packets and bytes for each pair of endpoints of TCP and UDP.

The exit status is 0 when all agrees, else 1. Needs tshark and pyarrow; without nfstream that part is skipped.
"""

from __future__ import annotations

import subprocess
import sys
from collections import Counter, defaultdict
from pathlib import Path

import common

CAPTURES = [
    "applications/nfstream_1kxun.pcap",
    "applications/nfstream_anydesk.pcap",
    "attacks/nDPI_synscan.pcap",
    "attacks/zeek_bruteforce.pcap",
    "l2-encapsulation/nDPI_ajp.pcap",
    "mixed-traffic/nDPI_alexa-app.pcapng",
    "transport/sharppcap_10k_packets.pcap",
    "tunnels/sngrep_ipip.pcap",
    "voip-media/nDPI_teams.pcap",
    "web-tls-quic/netml_srcIP_10.42.0.119_anomaly.pcap",
]

# Captures in which NFStream is wrong: how many flows differ, and why.
REASONS = {
    "l2-encapsulation/nDPI_ajp.pcap": (3, "it takes time for monotonic, and two of the frames for IP"),
}

# Tunnels, where the conversations of tshark are those of each layer; and FabricPath, which netcap does not read.
NO_TSHARK = {"tunnels/sngrep_ipip.pcap", "l2-encapsulation/nDPI_ajp.pcap"}

FLAGS = "syn cwr ece urg ack psh rst fin".split()
DIRECTIONS = (("fwd_", "src2dst_"), ("bwd_", "dst2src_"))


def nfstream_row(flow) -> dict:
    row = {
        "first_ms": flow.bidirectional_first_seen_ms,
        "packets": flow.bidirectional_packets,
        "bytes": flow.bidirectional_bytes,
        "min": flow.bidirectional_min_ps,
        "max": flow.bidirectional_max_ps,
        "mean": round(flow.bidirectional_mean_ps, 6),
        "stddev": round(flow.bidirectional_stddev_ps, 6),
    }
    for _, side in DIRECTIONS:
        for name in ("packets", "bytes", *(f"{flag}_packets" for flag in FLAGS)):
            row[side + name] = getattr(flow, side + name)
    return row


def netcap_row(flow: dict) -> dict:
    row = {
        "first_ms": flow["ts_ns"] // 1_000_000,
        "packets": flow["packets"],
        "bytes": flow["ip_bytes"],
        "min": flow["ip_min_bytes"],
        "max": flow["ip_max_bytes"],
        "mean": round(flow["ip_mean_bytes"], 6),
        # NFStream has 0 where there is none.
        "stddev": round(flow["ip_stddev_bytes"] or 0.0, 6),
    }
    for own, side in DIRECTIONS:
        row[side + "packets"] = flow[own + "packets"]
        row[side + "bytes"] = flow[own + "ip_bytes"]
        for flag in FLAGS:
            row[f"{side}{flag}_packets"] = flow[f"{own}{flag}_packets"]
    return row


def by_key(rows) -> dict:
    found = defaultdict(list)
    for key, row in rows:
        found[key].append(row)
    return {key: sorted(rows, key=lambda row: row["first_ms"]) for key, rows in found.items()}


def compare_nfstream(path: Path, rows: list[dict]) -> list[str]:
    from nfstream import NFStreamer

    stream = NFStreamer(
        source=str(path), statistical_analysis=True, n_dissections=0, accounting_mode=1, n_meters=1, decode_tunnels=False
    )
    theirs = by_key(
        ((f.src_ip, f.dst_ip, f.src_port, f.dst_port, f.protocol, f.vlan_id), nfstream_row(f)) for f in stream
    )
    ours = by_key(
        (
            (
                row["src_ip"], row["dst_ip"], row["src_port"] or 0, row["dst_port"] or 0, row["protocol"],
                int((row["vlan"] or "0").split(",")[0]),
            ),
            netcap_row(row),
        )
        for row in rows
    )  # fmt: skip
    return [
        f"{key}: NFStream {theirs.get(key)}, netcap {ours.get(key)}"
        for key in sorted(ours.keys() | theirs.keys())
        if ours.get(key) != theirs.get(key)
    ]


def compare_tshark(path: Path, rows: list[dict]) -> list[str]:
    fields = ["ip.src", "ip.dst", "ipv6.src", "ipv6.dst", "ip.proto", "tcp.srcport", "tcp.dstport", "udp.srcport",
              "udp.dstport", "frame.len"]  # fmt: skip
    command = ["tshark", "-n", "-r", str(path), "-T", "fields", "-E", "occurrence=l", "-Y", "(tcp or udp) and not icmp and not icmpv6"]
    for field in fields:
        command += ["-e", field]
    text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    theirs: dict = defaultdict(Counter)
    for line in text.splitlines():
        src4, dst4, src6, dst6, _, tcp_src, tcp_dst, udp_src, udp_dst, length = line.split("\t")
        ends = ((src4 or src6, int(tcp_src or udp_src)), (dst4 or dst6, int(tcp_dst or udp_dst)))
        key = (6 if tcp_src else 17, *sorted(ends))
        theirs[key].update(packets=1, bytes=int(length))
    ours: dict = defaultdict(Counter)
    for row in rows:
        if row["protocol"] in (6, 17) and row["src_port"] is not None:
            ends = ((row["src_ip"], row["src_port"]), (row["dst_ip"], row["dst_port"]))
            ours[row["protocol"], *sorted(ends)].update(packets=row["packets"], bytes=row["wire_bytes"])
    return [
        f"{key}: tshark {dict(theirs[key])}, netcap {dict(ours[key])}"
        for key in sorted(ours.keys() | theirs.keys())
        if ours[key] != theirs[key]
    ]


def main() -> int:
    checks = common.Tally()
    program, folder = common.netcap_binary(), common.captures_folder()
    if program is None:
        print("there is no netcap: build it, or name it in NETCAP", file=sys.stderr)
        return 2
    try:
        import nfstream  # noqa: F401
    except ImportError:
        nfstream = None
        checks.skip("nfstream is not installed")
    if folder is None and not sys.argv[1:]:
        checks.skip("the captures are not here (NETCAP_CAPTURES)")
        return checks.finish()
    for name in sys.argv[1:] or CAPTURES:
        path = Path(name) if Path(name).is_file() else folder / name
        tables = {}
        with common.Workspace() as work:
            common.decode(program, path, out=work / "out", options=["--tables", "flow,flow_nfstream"])
            for table in ("flow", "flow_nfstream"):
                tables[table] = common.read_table(work / "out", table)
        compared = []
        if nfstream:
            compared.append(("NFStream", compare_nfstream(path, tables["flow_nfstream"]), REASONS.get(name, (0, ""))))
        if name not in NO_TSHARK:
            compared.append(("tshark", compare_tshark(path, tables["flow"]), (0, "")))
        for peer, wrong, (known, reason) in compared:
            checks.check(len(wrong) == known, f"{name}: {len(wrong)} flows are not as {peer} has them; {known} were expected")
            for line in wrong[: 0 if len(wrong) == known else 3]:
                print("        ", line)
            note = f"; {known} differ: {reason}" if known else ""
            print(f"compared {name} with {peer}: {len(tables['flow'])} flows{note}")
    return checks.finish()


if __name__ == "__main__":
    sys.exit(main())
