#!/usr/bin/env python3
"""Calculates feature sets a second time, from the packets of each flow, and compares every column of what
`netcap features` writes: cicflowmeter in the dialects `fixed`, `engelen` and `2017`, netflow-v3, unsw-nb15 and host.

    tests/oracle/feature_oracle.py             the captures of flow_oracle.py, and the packets made up in flow_cases.py
                                               and feature_cases.py
    tests/oracle/feature_oracle.py FILE...     these captures (paths, or names below the captures folder)
    tests/oracle/feature_oracle.py --self-test the calculation itself, on the packets made up in feature_cases.py

`--netcap BINARY` names the program; without it, it is found as flow_oracle.py finds it.

Which packets a flow has follows from docs/flows.md as in flow_oracle.py, which checks that but for the flows of
`2017`; feature_columns.py, unsw_columns.py and history_columns.py calculate the columns. Two things are taken from
netcap instead of calculated: which packets have DNS messages, and flow_uid, which must be that of the table of flows.

There must be the same flows and the same columns in the same order, of the right types. Integers, texts and nulls must
be equal, doubles to 1e-9. Of each column the first differences are shown: capture, flow, value here, value of netcap.
The last line counts flows, values and differences. The exit status is 0 when all agrees, else 1. Needs tshark (to read
the files), pyarrow and communityid.
"""

from __future__ import annotations

import argparse
import math
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

import common
import feature_cases
import flow_cases
from feature_columns import SETS as SETS_OF_ONE_FLOW
from feature_columns import FeatureSet
from flow_made import write_pcap
from flow_oracle import CAPTURES, IN_FRAGMENTS
from flow_packets import Dns, dns_messages, looks_like_dns, packet_of
from flow_rules import CIC2017, ENGELEN, flows_of
from history_columns import HISTORY_SETS, kind_of

OPTIONS = ["--tables", f"+{ENGELEN.table},+{CIC2017.table}", "-q"]
EXAMPLES = 3
SETS = [*SETS_OF_ONE_FLOW, *HISTORY_SETS]

# A row of a set by its flow.
Rows = dict[int, dict]


# -- calculating ----------------------------------------------------------------------------------------------------


def calculate(frames: list[common.Frame], dns: set[int] | None, malformed: set[int] = frozenset()) -> dict[str, Rows]:
    """The rows of each set. `dns`: the packets with DNS messages, or None to guess by ports; `malformed`: those with
    broken or cut ones."""
    packets = [packet_of(frame) for frame in frames]
    messages: dict[int, list[Dns]] = {number: [] for number in malformed}
    for packet in packets:
        if packet and (looks_like_dns(packet) if dns is None else packet.number in dns):
            messages[packet.number] = dns_messages(packet)
    times = [frame.time_ns for frame in frames]
    found: dict[str, Rows] = {}
    for policy in {feature_set.policy for feature_set in SETS}:
        flows, _ = flows_of(packets, policy, times)
        for feature_set in SETS:
            if feature_set.policy is policy:
                rows = feature_set.rows(flows, messages)
                found[feature_set.name] = {row["flow"]: row for row in rows}
    return found


def order_of(feature_set: FeatureSet, row: dict) -> list[str]:
    """The columns that netcap writes with --with-ids, in their order."""
    features = [name for name in row if name not in ("flow", "flow_uid", *feature_set.ids)]
    return ["flow", "flow_uid", *feature_set.ids, *features]


# -- what netcap wrote ----------------------------------------------------------------------------------------------


def run_features(binary: Path, feature_set: FeatureSet, decoded: Path, out: Path) -> None:
    """Exit status 1 (done, with warnings) is fine, another one is an error."""
    command = [binary, "features", feature_set.name, "--with-ids", "--input", decoded, "--out", out, "-q"]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    if run.returncode not in (0, 1):
        what = f"netcap features {feature_set.name} ended with status {run.returncode}"
        raise RuntimeError(f"{what}: {run.stderr.strip()[-500:]}")


def read_features(out: Path) -> tuple[list[tuple[str, str]], list[dict]]:
    """Columns with their kinds, as `kind_of` names them, and rows; timestamps as whole microseconds."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    columns: list[tuple[str, str]] = []
    rows: list[dict] = []
    for file in sorted(out.glob("part-*.parquet")):
        data = pq.ParquetFile(file).read()
        columns = [(field.name, kind_of_type(field.type)) for field in data.schema]
        for position, field in enumerate(data.schema):
            if pa.types.is_timestamp(field.type):
                data = data.set_column(position, field.name, data.column(position).cast(pa.int64()))
        rows.extend(data.to_pylist())
    return columns, rows


def kind_of_type(type_: object) -> str:
    import pyarrow as pa

    if type_ == pa.timestamp("us", "UTC"):
        return "time"
    kinds = {"integer": pa.types.is_integer, "double": pa.types.is_float64, "text": pa.types.is_string}
    return next((kind for kind, test in kinds.items() if test(type_)), str(type_))


# -- comparing ------------------------------------------------------------------------------------------------------


def same(here: object, there: object) -> bool:
    """A whole number that netcap has as a double is one difference of the columns, not one of each value."""
    if isinstance(here, float) and isinstance(there, float):
        return math.isclose(here, there, rel_tol=1e-9)
    numbers = {type(here), type(there)} == {int, float}
    return (numbers or type(here) is type(there)) and here == there


class Comparison:
    """What differed, over all captures."""

    def __init__(self, show: bool = True) -> None:
        self.show = show
        self.flows = self.values = 0
        # By set and column, and what does not belong to a column as (rows) and (columns).
        self.differing: Counter = Counter()

    def differs(self, set_name: str, column: str, what: str) -> None:
        self.differing[set_name, column] += 1
        shown = self.differing[set_name, column]
        if self.show and shown <= EXAMPLES:
            print(f"DIFFERS {set_name}.{column}: {what}", flush=True)

    def columns(self, name: str, feature_set: FeatureSet, expected: list[str], found: list[tuple[str, str]]) -> None:
        """Names, order and types."""
        names = [column for column, _ in found]
        if names != expected:
            missing, more = [one for one in expected if one not in names], [one for one in names if one not in expected]
            what = f"only here {missing}, only of netcap {more}" if missing or more else f"another order: {names}"
            self.differs(feature_set.name, "(columns)", f"{name}: {what}")
        for column, kind in found:
            if column in expected and kind_of(column) not in (kind, "nothing"):
                what = f"{name}: {column} is {kind_of(column)} here, {kind} of netcap"
                self.differs(feature_set.name, "(columns)", what)

    def rows(self, name: str, feature_set: FeatureSet, expected: Rows, rows: list[dict]) -> None:
        """The same flows with the same values; a column that is missing was told of before."""
        found = {row["flow"]: row for row in rows}
        self.flows += len(expected)
        if len(found) != len(rows):
            self.differs(feature_set.name, "(rows)", f"{name}: {len(rows) - len(found)} rows of a flow that has one")
        for flow in sorted(expected.keys() ^ found.keys()):
            only = "here" if flow in expected else "of netcap"
            self.differs(feature_set.name, "(rows)", f"{name}: flow {flow} only {only}")
        for flow in sorted(expected.keys() & found.keys()):
            for column, here in expected[flow].items():
                if column not in found[flow]:
                    continue
                self.values += 1
                there = found[flow][column]
                if not same(here, there):
                    self.differs(feature_set.name, column, f"{name}, flow {flow}: here {here!r}, netcap {there!r}")

    def summary(self) -> None:
        print()
        for (set_name, column), count in sorted(self.differing.items(), key=lambda one: one[0][0]):
            print(f"{set_name}.{column}: {count} differences")
        print(f"{self.flows} flows, {self.values} values, {self.differing.total()} differences")


# -- captures -------------------------------------------------------------------------------------------------------


def check_capture(name: str, path: Path, binary: Path, comparison: Comparison) -> None:
    before = comparison.differing.total()
    frames = common.plain_frames(path) or common.frames(path)
    with common.Workspace() as work:
        place = re.sub(r"\W+", "_", name)
        decoded, features = work / f"decoded-{place}", work / f"features-{place}"
        try:
            common.decode(binary, path, out=decoded, options=OPTIONS)
        except RuntimeError as problem:
            comparison.differs("decode", "(failed)", f"{name}: {problem}")
            return
        calculated = calculate(frames, *dns_packets(decoded))
        features.mkdir(parents=True, exist_ok=True)
        for feature_set in SETS:
            out = features / re.sub(r"\W", "-", feature_set.name)
            try:
                run_features(binary, feature_set, decoded, out)
            except RuntimeError as problem:
                comparison.differs(feature_set.name, "(failed)", f"{name}: {problem}")
                continue
            uids = {row["flow"]: row["flow_uid"] for row in common.read_table(decoded, feature_set.policy.table)}
            compare(name, feature_set, calculated[feature_set.name], uids, read_features(out), comparison)
    differences = comparison.differing.total() - before
    flows = " + ".join(str(len(rows)) for rows in calculated.values())
    print(f"{'DIFFERS' if differences else 'agrees '} {name}: {flows} flows, {differences} differences", flush=True)


def dns_packets(decoded: Path) -> tuple[set[int], set[int]]:
    """By netcap: the packets with a DNS message, and those in which it was recognised, whole or not."""
    malformed = {row["packet"] for row in common.read_table(decoded, "malformed") if row["protocol"] == "dns"}
    recognised = {row["packet"] for row in common.read_table(decoded, "packet") if "dns" in row["path"].split(":")}
    return {row["packet"] for row in common.read_table(decoded, "dns")}, malformed | recognised


def compare(
    name: str, feature_set: FeatureSet, expected: Rows, uids: dict, found: tuple, comparison: Comparison
) -> None:
    """One set of one capture; `uids` has the flow_uid of the table of flows."""
    columns, rows = found
    expected = {flow: row | {"flow_uid": uids.get(flow)} for flow, row in expected.items()}
    if expected and columns:
        comparison.columns(name, feature_set, order_of(feature_set, next(iter(expected.values()))), columns)
    comparison.rows(name, feature_set, expected, rows)


def check_cases(binary: Path, comparison: Comparison) -> None:
    """The made-up packets, as captures."""
    with common.Workspace() as work:
        for number, case in enumerate([*flow_cases.CASES, *feature_cases.CASES]):
            path = work / f"case-{number}.pcap"
            write_pcap(path, case.link_type, case.packets)
            check_capture(f"made up: {case.name}", path, binary, comparison)


# -- the self-test --------------------------------------------------------------------------------------------------


def frames_of(case: flow_cases.Case) -> list[common.Frame]:
    return [
        common.Frame(number, time, wire, data, case.link_type)
        for number, (time, wire, data) in enumerate(case.packets, 1)
    ]


def self_test() -> int:
    tally = common.Tally()
    for case in feature_cases.CASES:
        case_test(case, tally)
    for case in flow_cases.CASES:
        kinds_test(case.name, calculate(frames_of(case), None), tally)
    comparison_test(tally)
    return tally.finish()


def case_test(case: flow_cases.Case, tally: common.Tally) -> None:
    """The values that were calculated by hand."""
    calculated = calculate(frames_of(case), None)
    for set_name, expected in case.expected.items():
        rows = [row for _, row in sorted(calculated[set_name].items())]
        tally.check(len(rows) == len(expected), f"{case.name}: {set_name} has {len(rows)} rows, not {len(expected)}")
        for number, (row, wanted) in enumerate(zip(rows, expected), 1):
            for column, value in wanted.items():
                what = f"{case.name}: {set_name}, row {number}: {column} is {row[column]!r}, not {value!r}"
                tally.check(same(row[column], value), what)
    kinds_test(case.name, calculated, tally)


def kinds_test(name: str, calculated: dict[str, Rows], tally: common.Tally) -> None:
    """Each value is of the kind of its column; nulls are where the set may have them."""
    kinds = {"text": str, "time": int, "integer": int, "double": float}
    for feature_set in SETS:
        for row in calculated[feature_set.name].values():
            for column, value in row.items():
                of_kind = type(value) is kinds.get(kind_of(column))
                good = feature_set.may_be_null(column) if value is None else of_kind
                tally.check(good, f"{name}: {feature_set.name}: {column} is {value!r}")


def comparison_test(tally: common.Tally) -> None:
    """Rows of our own making agree with themselves; each column is spoiled once, and that is found."""
    calculated = calculate(frames_of(feature_cases.CASES[0]), None)
    for feature_set in SETS:
        spoil(feature_set, calculated[feature_set.name], tally)


def spoil(feature_set: FeatureSet, expected: Rows, tally: common.Tally) -> None:
    uids = {flow: str(flow) for flow in expected}
    rows = [row | {"flow_uid": uids[flow]} for flow, row in expected.items()]
    columns = [(column, kind_of(column)) for column in order_of(feature_set, rows[0])]

    def finds(columns: list, rows: list[dict], *what: str) -> None:
        comparison = Comparison(show=False)
        compare("self-test", feature_set, expected, uids, (columns, rows), comparison)
        found = [column for _, column in comparison.differing]
        tally.check(found == list(what), f"{feature_set.name}: what differs is {what}, found {found}")

    finds(columns, rows)
    for at, (column, kind) in enumerate(columns):
        if column != "flow":
            finds(columns, [{**rows[0], column: spoiled(rows[0][column], kind)}, *rows[1:]], column)
        other = [*columns[:at], (column, "other"), *columns[at + 1 :]]
        finds(other, rows, *([] if kind == "nothing" else ["(columns)"]))
    finds(columns, rows[1:], "(rows)")
    finds(columns, [*rows, rows[0]], "(rows)")
    finds(columns[::-1], rows, "(columns)")


def spoiled(value: object, kind: str) -> object:
    """Another value of the kind; a double that is hardly another, and a null where one is to be."""
    if kind == "text":
        return f"{value}."
    if kind == "double":
        return 0.0 if value is None else value * (1 + 1e-8) if value else None
    return 0 if value is None else value + 1


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("captures", nargs="*")
    parser.add_argument("--netcap", type=Path, metavar="BINARY", help="the program under test")
    parser.add_argument("--self-test", action="store_true", help="check the calculation itself")
    arguments = parser.parse_args()
    if arguments.self_test:
        return self_test()
    folder, binary = common.captures_folder(), arguments.netcap or common.netcap_binary()
    if binary is None or not binary.is_file():
        print("skipped all: there is no netcap program (--netcap, NETCAP, or build it)")
        return 1 if arguments.netcap else 0
    binary = binary.resolve()
    comparison = Comparison()
    if not arguments.captures:
        check_cases(binary, comparison)
    # Messages in fragments are put together in fragment_oracle.py and not here.
    for name in arguments.captures or [name for name in CAPTURES if name not in IN_FRAGMENTS]:
        path = Path(name) if Path(name).is_file() else (folder or Path()) / name
        if not path.is_file():
            print(f"skipped {name}: not here")
            continue
        check_capture(name, path, binary, comparison)
    comparison.summary()
    return 1 if comparison.differing else 0


if __name__ == "__main__":
    sys.exit(main())
