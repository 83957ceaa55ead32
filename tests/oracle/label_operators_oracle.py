#!/usr/bin/env python3
"""Labels flows and packets a second time, for the operators of the label format that the files of labels/ do not use.

    label_operators_oracle.py                          cases made at random, always the same
    label_operators_oracle.py --count 50 --seed 7      fewer, others
    label_operators_oracle.py --case 17 --show         one of them, with its label file
    label_operators_oracle.py --self-test              what an operator means is left out, which labels must show

`--netcap BINARY` names the program; without it, it is found as flow_oracle.py finds it.

label_operators_made.py makes captures and label files: other names of hosts (`is`, `is_also` with ports, `in`, MAC
addresses, `except`), clocks (offset, drift, anchors, `unsure`), times (`slack`, `grey`, `bounds`, `unit`), what rules
are about (`packets`, `test: packet`, `icmp`, `icmp_errors`, `flow_uid`, `community_id`, `state`), refinements, covers,
priorities. netcap decodes and labels them; label_operators_meaning.py asks every rule about every row of the tables,
without haste and with nothing known but the documents. What must be the same: label, attack, state, category, rule and
malicious_packets of each flow; the labels of each packet, ARP message and ICMP message; the claims on each flow, and
their alias.

Of each kind of difference the first examples are shown: the case, the flow or packet, what is expected and what netcap
says, the rules. The exit status is 0 when all agrees, else 1. Needs PyYAML and pyarrow.
"""

from __future__ import annotations

import argparse
import random
import subprocess
import sys
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import common
from label_operators_made import Case, Tree, Writer, made
from label_operators_meaning import SPOILS, Claim, End, Item, Meaning, Said, listed

LABELS = ["label", "attack", "label_state", "label_category", "label_rule"]
EXAMPLES = 3
NAMES = {"flow_uid", "community_id"}
TABLES = "capture,flow,packet,arp,icmpv4,icmpv6"


# -- what netcap says -------------------------------------------------------------------------------------------------


@dataclass
class Tables:
    """What was made of a case: its label file, and rows with labels."""

    case: Case
    tree: Tree
    text: str
    rows: dict[str, list[Tree]] = field(default_factory=dict)
    refused: str = ""


def netcap(binary: Path, *arguments: object) -> str:
    run = subprocess.run([binary, *map(str, arguments), "-q"], capture_output=True, text=True, check=False)
    return "" if run.returncode in (0, 1) else run.stderr.strip()


def run_case(binary: Path, seed: int, number: int, work: Path) -> Tables:
    import pyarrow.parquet as pq
    import yaml

    folder, out = work / f"{number}" / "captures", work / f"{number}" / "out"
    case = made(seed, number)
    case.write(folder)
    common.decode(binary, folder, out=out, options=["--tables", TABLES, "-q"])
    tree = Writer(case, common.read_table(out, "flow")).file()
    tables = Tables(case, tree, yaml.safe_dump(tree, sort_keys=False, default_flow_style=None, width=200))
    labels = work / f"{number}" / "labels.yaml"
    labels.write_text(tables.text)
    tables.refused = netcap(binary, "label", "--labels", labels, "--set", "s", "--input", out, "--materialize",
                            "packet,arp,icmpv4")  # fmt: skip
    labeled = dict.fromkeys(("flow", "packet", "arp", "icmpv4"), "labeled/s")
    folders = {"capture": "tables", "claims": "labels/s", **labeled}
    for table, place in folders.items():
        files = sorted((out / place / table).glob("**/*.parquet"))
        tables.rows[table] = [row for file in files for row in pq.ParquetFile(file).read().to_pylist()]
    return tables


# -- comparing --------------------------------------------------------------------------------------------------------


@dataclass
class Difference:
    kind: str
    what: str
    here: object
    there: object
    rules: list[Tree]


class Comparison:
    """Everything that netcap says of a case against what the label file means."""

    def __init__(self, tables: Tables, spoiled: str = "") -> None:
        self.rows, self.case = tables.rows, tables.case
        self.names = {row["capture"]: row["name"] for row in self.rows["capture"]}
        times = {(name, number): frame.time for name, frames in self.case.captures.items()
                 for number, frame in enumerate(frames, 1)}  # fmt: skip
        self.meaning = Meaning(tables.tree, times, spoiled)
        self.flows = {row["flow"]: row for row in self.rows["flow"]}
        self.packets = {(row["capture"], row["packet"]): row for row in self.rows["packet"]}
        self.of_flow: dict[int, list[Tree]] = {flow: [] for flow in self.flows}
        for row in self.rows["packet"]:
            if row["flow"] is not None:
                self.of_flow[row["flow"]].append(row)
        self.known: dict[int, list[Claim]] = {}
        self.arp = {(row["capture"], row["packet"]): row for row in self.rows["arp"]}
        self.errors = {(row["capture"], row["packet"]): row for row in self.rows["icmpv4"] if row["quoted_src_ip"]}
        self.compared = self.undecided = 0
        self.differences: list[Difference] = []

    # Items

    def flow_item(self, row: Tree) -> Item:
        parts = [row]
        if self.meaning.tree.get("unit") == "connection" and self.meaning.has("unit"):
            parts = [one for one in self.flows.values() if one["connection"] == row["connection"]]
        first = min(one["ts_ns"] for one in parts)
        last = max(one["ts_ns"] + one["duration_ns"] for one in parts)
        ends = [End(row[f"{side}_ip"], row[f"{side}_port"], row[f"{side}_mac"]) for side in ("src", "dst")]
        return Item(self.names[row["capture"]], first, last, *ends, row["protocol"], row)

    def arp_item(self, row: Tree, time: int) -> Item:
        ends = [End(row[f"{side}_ip"], None, row[f"{side}_mac"]) for side in ("src", "dst")]
        return Item(self.names[row["capture"]], time, time, *ends, None)

    def quoted_item(self, row: Tree, time: int) -> Item:
        ends = [End(row[f"quoted_{side}_ip"], row[f"quoted_{side}_port"], None) for side in ("src", "dst")]
        return Item(self.names[row["capture"]], time, time, *ends, row["quoted_protocol"])

    # Claims

    def named(self, rule: Tree, row: Tree) -> bool:
        """A rule that names flows is about those only."""
        return all(row[column] in listed(rule[column]) for column in ("flow_uid", "community_id")
                   if column in rule and self.meaning.has(column))  # fmt: skip

    def of_flow_rules(self, row: Tree) -> list[Claim]:
        """Claims on a flow of rules that are not about packets."""
        if row["flow"] in self.known:
            return self.known[row["flow"]]
        item, found = self.flow_item(row), []
        for order, rule in enumerate(self.meaning.rules):
            about = not self.meaning.of_packets(rule) and self.named(rule, row)
            said = self.meaning.claims(rule, [item]) if about and self.inside(rule, item) else None
            found += [Claim(rule, order, said)] if said else []
        self.known[row["flow"]] = found
        return found

    def greys(self, item: Item, row: Tree | None = None) -> list[Claim]:
        """Of rules that would claim it if their times were longer."""
        found = []
        for order, rule in enumerate(self.meaning.rules):
            about = self.inside(rule, item) and (self.named(rule, row) if row else not NAMES & rule.keys())
            said = self.meaning.grey(rule, item) if about else None
            found += [Claim(rule, order, said)] if said else []
        return found

    def inside(self, rule: Tree, item: Item) -> bool:
        return self.meaning.inside(rule.get("in"), item.capture, "rules")

    def by_packets(self, rule: Tree, packets: list[Tree]) -> Said | None:
        """What a rule for packets, or for errors, says of these packets, or of what consists of them."""
        items, quoted = [], self.meaning.errors(rule)
        for row in packets:
            key, flow = (row["capture"], row["packet"]), self.flows.get(row["flow"])
            if "packets" in rule and self.meaning.has("packets"):
                numbers = [str(one).partition("-") for one in listed(rule["packets"])]
                there = self.meaning.inside(rule.get("in"), self.names[row["capture"]], "rules")
                if there and any(int(first) <= row["packet"] <= int(last or first) for first, _, last in numbers):
                    return Said(rule.get("state", "malicious"), None)
            elif self.meaning.of_packets(rule) and flow is not None and self.named(rule, flow):
                # `in:` is about the capture of the packet, wherever its flow began.
                there = self.meaning.inside(rule.get("in"), self.names[row["capture"]], "rules")
                items += [self.flow_item(flow).at(row["ts_ns"])] if there else []
        if items:
            said = self.meaning.claims(rule, items)
            if said:
                return said
        found = []
        for row in packets if quoted else []:
            key = row["capture"], row["packet"]
            if key in self.errors:
                found.append(self.quoted_item(self.errors[key], row["ts_ns"]))
        return self.meaning.claims(rule, found, True) if found else None

    def packet_claims(self, packets: list[Tree]) -> list[Claim]:
        said = [(rule, order, self.by_packets(rule, packets)) for order, rule in enumerate(self.meaning.rules)
                if self.meaning.for_packets(rule)]  # fmt: skip
        return [Claim(*one) for one in said if one[2]]

    def of_arp(self, row: Tree, item: Item) -> list[Claim]:
        """Packets without a flow are claimed by addresses and time, and by number."""
        found = []
        for order, rule in enumerate(self.meaning.rules):
            if "packets" in rule and self.meaning.has("packets"):
                said = self.by_packets(rule, [row])
            elif NAMES & rule.keys() or not self.inside(rule, item):
                said = None
            else:
                said = self.meaning.claims(rule, [item])
            found += [Claim(rule, order, said)] if said else []
        return found

    # Comparing

    def differ(self, kind: str, what: str, here: object, there: object, about: set[str] | None = None) -> None:
        """`about`: the rules to show, if others than those that the labels name. No labels: it is not decided."""
        if here is None and isinstance(there, tuple):
            self.undecided += 1
            return
        self.compared += 1
        if here != there:
            labels = isinstance(here, tuple)
            kind = f"{kind}: {here[2]}, netcap {there[2]}" if labels and here[2] != there[2] else kind
            ids = about if about is not None else {here[4], there[4]}
            rules = [rule for rule in self.meaning.rules if rule["id"] in ids]
            self.differences.append(Difference(kind, what, here, there, rules))

    def all(self) -> Comparison:
        own: dict[tuple[int, int], tuple] = {}
        for row in self.rows["packet"]:
            own[row["capture"], row["packet"]] = self.packet(row)
        for flow, row in self.flows.items():
            ordinary, packets = self.of_flow_rules(row), self.packet_claims(self.of_flow[flow])
            of_rule = {claim.order: claim for claim in ordinary}
            for claim in packets:
                known = of_rule.get(claim.order)
                if known is None or known.said.state == "ambiguous":
                    of_rule[claim.order] = claim
            claims = list(of_rule.values())
            item = self.flow_item(row)
            greys = [claim for claim in self.greys(item, row) if claim.order not in of_rule]
            here = self.meaning.rest(claims, greys, item)
            count = None
            if self.meaning.speaks_of_packets:
                count = sum(own[one["capture"], one["packet"]][1] for one in self.of_flow[flow])
            self.differ("flow", told(row), here, values(row))
            rules = {rule["id"] for rule in self.meaning.rules if self.meaning.for_packets(rule)}
            self.differ("malicious_packets", told(row), count, row["malicious_packets"], rules)
            self.claimed(row, claims + greys)
        self.layers(own)
        return self

    def packet(self, row: Tree) -> tuple[tuple | None, bool]:
        """Its labels, and whether a rule for packets claims it as an attack."""
        key = row["capture"], row["packet"]
        kind = "packet"
        if row["flow"] is None:
            kind, item = "arp packet", self.arp_item(self.arp[key], row["ts_ns"])
            claims, ordinary = self.of_arp(row, item), []
            # Whether a claim by number comes before one by address and time, the documents leave open.
            sides = [[one for one in claims if self.meaning.of_packets(one.rule) == which] for which in (True, False)]
            if all(sides) and len({self.meaning.best(side).labels() for side in sides}) > 1:
                self.undecided += 1
                return None, False
        else:
            flow = self.flows[row["flow"]]
            item, ordinary = self.flow_item(flow), self.of_flow_rules(flow)
            claims = self.packet_claims([row])
        if not self.meaning.has("own labels of packets"):
            claims, ordinary = [], [*ordinary, *claims]
        best = self.meaning.best(claims)
        greys = [] if best else self.greys(item, row["flow"] and self.flows[row["flow"]])
        here = best.labels() if best else self.meaning.rest(ordinary, greys, item)
        what = f"packet {key}, {row['ts_ns']}, of {told(self.flows[row['flow']]) if row['flow'] else item}"
        self.differ(kind, what, here, values(row))
        return here, any(claim.attacks() for claim in claims)

    def layers(self, own: dict[tuple[int, int], tuple]) -> None:
        """Rows of protocols have the labels of their packets."""
        for table in ("arp", "icmpv4"):
            for row in self.rows[table]:
                key = row["capture"], row["packet"]
                self.differ(f"table {table}", f"packet {key}", own[key][0], values(row))

    def claimed(self, row: Tree, claims: list[Claim]) -> None:
        there = {one["rule"]: one for one in self.rows["claims"] if one["flow"] == row["flow"]}
        here = {claim.rule["id"]: claim for claim in claims}
        self.differ("claims", told(row), set(here), set(there), set(here) ^ set(there))
        for name in here.keys() & there.keys():
            said, alias = here[name].said, there[name]["alias"]
            # What an error quotes is not looked up again for its name.
            known = said.aliases | ({None} if self.meaning.errors(here[name].rule) else set())
            self.differ("alias", told(row), alias if alias in known else set(known), alias, {name})


def values(row: Tree) -> tuple:
    return tuple(row[column] for column in LABELS)


def told(row: Tree) -> str:
    ends = " > ".join(f"{row[f'{side}_ip']}:{row[f'{side}_port']} ({row[f'{side}_mac']})" for side in ("src", "dst"))
    return (f"flow {row['flow']}: {ends}, protocol {row['protocol']}, icmp {row['icmp_type']}/{row['icmp_code']}, "
            f"{row['ts_ns']} + {row['duration_ns']} ns, connection {row['connection']}")  # fmt: skip


# -- running ----------------------------------------------------------------------------------------------------------


def run_all(binary: Path, seed: int, numbers: list[int], work: Path) -> list[Tables]:
    with ThreadPoolExecutor(2) as pool:
        return list(pool.map(lambda number: run_case(binary, seed, number, work), numbers))


def check(cases: list[Tables], show: bool) -> int:
    import yaml

    classes: dict[str, list[str]] = {}
    states: Counter = Counter()
    passed = undecided = 0
    for tables in cases:
        number = tables.case.number
        if show:
            print(tables.text)
        if tables.refused:
            classes.setdefault("refused", []).append(f"  case {number}: {tables.refused[:1000]}")
            continue
        comparison = Comparison(tables).all()
        passed += comparison.compared - len(comparison.differences)
        undecided += comparison.undecided
        states.update(row["label_state"] for row in tables.rows["flow"])
        for one in comparison.differences:
            rules = yaml.safe_dump(one.rules, sort_keys=False, default_flow_style=True, width=10_000).strip()
            text = f"  case {number}: {one.what}\n    rules  {rules}\n    here   {one.here}\n    netcap {one.there}"
            classes.setdefault(one.kind, []).append(text)
    for kind, found in sorted(classes.items()):
        print(f"DIFFERS {kind}: {len(found)}", *found[:EXAMPLES], sep="\n")
    print(f"{len(cases)} cases, flows: {', '.join(f'{count} {state}' for state, count in sorted(states.items()))}; "
          f"{undecided} rows that the documents do not decide")  # fmt: skip
    failed = sum(map(len, classes.values()))
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


def self_test(cases: list[Tables], seed: int) -> int:
    """Each spoiling has to show as differences that are not there without it, in cases taken at random."""
    tally, chance = common.Tally(), random.Random(seed)
    right: dict[int, set] = {}
    for spoil in SPOILS:
        more = tried = 0
        for tried, tables in enumerate(chance.sample(cases, len(cases)), 1):
            number = tables.case.number
            if number not in right:
                right[number] = told_of(tables, "")
            more = len(told_of(tables, spoil) - right[number])
            if more:
                break
        tally.check(more > 0, f"without {spoil}: {more} more differences, after {tried} cases", quiet=False)
    return tally.finish()


def told_of(tables: Tables, spoiled: str) -> set[tuple[str, str, str]]:
    found = Comparison(tables, spoiled).all().differences
    return {(one.kind.split(":")[0], one.what, str(one.there)) for one in found}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--netcap", type=Path, metavar="BINARY", help="the program under test")
    parser.add_argument("--count", type=int, default=200, help="how many cases")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--case", type=int, help="only this one")
    parser.add_argument("--show", action="store_true", help="print label files")
    parser.add_argument("--self-test", action="store_true", help="check the evaluation itself")
    arguments = parser.parse_args()
    binary = arguments.netcap or common.netcap_binary()
    if binary is None or not binary.is_file():
        print("skipped all: there is no netcap program (--netcap, NETCAP, or build it)")
        return 1 if arguments.netcap else 0
    numbers = [arguments.case] if arguments.case is not None else list(range(arguments.count))
    with common.Workspace() as work:
        cases = run_all(binary.resolve(), arguments.seed, numbers, work)
        return self_test(cases, arguments.seed) if arguments.self_test else check(cases, arguments.show)


if __name__ == "__main__":
    sys.exit(main())
