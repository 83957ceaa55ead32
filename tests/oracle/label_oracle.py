#!/usr/bin/env python3
"""Labels flows a second time, by the label files themselves, and compares every label with what `netcap label` says.

    tests/oracle/label_oracle.py             the label files of labels/
    tests/oracle/label_oracle.py FILE...     these label files
    tests/oracle/label_oracle.py --self-test the evaluation itself: rules are spoiled at random, which flows must show

`--netcap BINARY` names the program; without it, it is found as flow_oracle.py finds it.

For each rule label_made.py makes flows at each of its bounds, hosts, ports and conditions and just beside them, packet
by packet. netcap decodes and labels them, in two tables of flows; here each row is evaluated rule by rule, without
haste. Only what the files of labels/ use of the format is read, anything else is an error. Label, attack, state,
category and rule must be the same. Of each rule the first differences are shown; the exit status is 0 when all agrees,
else 1. Needs PyYAML, and pyarrow to read tables.
"""

from __future__ import annotations

import argparse
import copy
import random
import re
import sys
import zoneinfo
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

import common
from flow_made import SECOND
from flow_packets import ICMP, TCP, UDP
from label_made import FLOW, LABELS, US, Atom, Outline, Part, flows_for, labelled, misfits, neighbour

PROTOCOLS = {"tcp": TCP, "udp": UDP, "icmp": ICMP}
UNITS = {"ns": 1, "us": US, "ms": 1000 * US, "s": SECOND}
FILE_KEYS = {"netcap-labels", "zone", "hosts", "conflicts", "covers", "defaults", "rules"}
RULE_KEYS = set("id label time test direction attackers victims ports protocol if attempted refine expected_flows".split())
ENTRY_KEYS = set("state category direction time if".split())
EXAMPLES = 3
SPOILED, NOTICED = 10, 0.95

# A condition: an atom, or ("and" | "or", condition, condition). A span: first and last nanosecond.
Condition = Atom | tuple
Span = tuple[int, int]


@dataclass
class Entry:
    """What a rule says of some of its flows; without a direction, time, condition of its own, as the rule."""

    state: str
    category: int | None
    direction: str | None
    span: Span | None
    condition: Condition | None


@dataclass
class Rule:
    """A rule; no hosts mean any."""

    id: str
    label: str
    span: Span
    test: str
    direction: str
    attackers: list[str]
    victims: list[str]
    ports: list[tuple[int, int | None]]
    protocols: list[int]
    condition: Condition | None
    entries: list[Entry] = field(default_factory=list)


@dataclass
class Labels:
    """A label file."""

    rules: list[Rule]
    covers: list[Span]
    last_decides: bool


# -- reading --------------------------------------------------------------------------------------------------------


def read(path: Path) -> Labels:
    import yaml

    # All scalars as they are written: of YAML 1.1, 10:20 would be a number.
    file = yaml.load(path.read_text(), Loader=yaml.BaseLoader)
    known(file, FILE_KEYS)
    if file["netcap-labels"] != "1" or file["conflicts"] not in ("first", "last"):
        raise ValueError(f"{path}: not of version 1, or neither the first nor the last rule decides")
    zone, hosts = zoneinfo.ZoneInfo(file["zone"]), file.get("hosts", {})
    if any(one.keys() != {"hosts", "time"} or one["hosts"] != "any" for one in file["covers"]):
        raise ValueError(f"{path}: covers of less than all hosts")
    covers = [span_of(one["time"], zone) for one in file["covers"]]
    defaults = file.get("defaults", {})
    rules = [rule_of({**defaults, **rule}, hosts, zone) for rule in file["rules"]]
    return Labels(rules, covers, file["conflicts"] == "last")


def known(mapping: dict, keys: set[str]) -> None:
    if mapping.keys() - keys:
        raise ValueError(f"keys that are not read here: {sorted(mapping.keys() - keys)}")


def rule_of(rule: dict, hosts: dict, zone: zoneinfo.ZoneInfo) -> Rule:
    known(rule, RULE_KEYS)
    if "ports" in rule and "protocol" in rule:
        raise ValueError(f"{rule['id']}: ports and protocol")
    test = {"flow-start": "start"}.get(rule.get("test", "overlap"), rule.get("test", "overlap"))
    if test not in ("start", "overlap"):
        raise ValueError(f"test: {test}")
    made = Rule(
        rule["id"], rule["label"], span_of(rule["time"], zone), test, rule.get("direction", "either"),
        hosts_of(rule["attackers"], hosts), hosts_of(rule["victims"], hosts), ports_of(rule.get("ports")),
        [PROTOCOLS[rule["protocol"]]] if "protocol" in rule else [], condition_of(rule.get("if")),
    )  # fmt: skip
    entries = [{"state": "attempted", **one} for one in rule.get("attempted", [])] + rule.get("refine", [])
    for entry in entries:
        known(entry, ENTRY_KEYS)
        category = int(entry["category"]) if "category" in entry else None
        span = span_of(entry["time"], zone) if "time" in entry else None
        condition = condition_of(entry.get("if"))
        made.entries.append(Entry(entry["state"], category, entry.get("direction"), span, condition))
    return made


def hosts_of(named: str | list, hosts: dict) -> list[str]:
    names = named if isinstance(named, list) else [named]
    return [] if names == ["any"] else [hosts.get(name, name) for name in names]


def ports_of(text: str | None) -> list[tuple[int, int | None]]:
    if text is None:
        return []
    port, _, protocol = text.partition("/")
    return [(int(port), PROTOCOLS[protocol] if protocol else None)]


def span_of(text: str, zone: zoneinfo.ZoneInfo) -> Span:
    """`a .. b`; a date or a time with more of it left out goes on to its end. The end may leave out the day."""
    start, end = text.split(" .. ")
    if "-" not in end:
        end = f"{start.split(' ')[0]} {end}"
    return moment(start, zone)[0], moment(end, zone)[1]


def moment(text: str, zone: zoneinfo.ZoneInfo) -> Span:
    """The first and last nanosecond of what is written: a day, minute, second, or exactly a fraction."""
    pattern = r"(\d{4}-\d\d-\d\d)(?: (\d\d:\d\d)(?::(\d\d)(?:\.(\d{1,9}))?)?)?"
    found = re.fullmatch(pattern, text)
    if not found:
        raise ValueError(f"not a time: {text}")
    day, minute, second, fraction = found.groups()
    local = datetime.fromisoformat(f"{day}T{minute or '00:00'}:{second or '00'}")
    first = seconds(local, zone) * SECOND + int((fraction or "0").ljust(9, "0"))
    if fraction:
        return first, first
    after = local + (timedelta(seconds=1) if second else timedelta(minutes=1) if minute else timedelta(days=1))
    return first, seconds(after, zone) * SECOND - 1


def seconds(local: datetime, zone: zoneinfo.ZoneInfo) -> int:
    return int(local.replace(tzinfo=zone).timestamp())


# -- conditions -----------------------------------------------------------------------------------------------------

TOKEN = re.compile(r"\s*(?:(\d+(?:\.\d+)?)(?:\s*(ns|us|ms|s)\b)?|'([^']*)'|(\w+)|(<=|>=|<>|[=<>(),]))")


def condition_of(text: str | None) -> Condition | None:
    if text is None:
        return None
    tokens, at = [], 0
    while at < len(text):
        found = TOKEN.match(text, at)
        if not found:
            raise ValueError(f"not a condition: {text[at:]}")
        number, unit, quoted, word, sign = found.groups()
        if unit:
            whole, _, part = number.partition(".")
            tokens.append(int(whole) * UNITS[unit] + int(part or 0) * UNITS[unit] // 10 ** len(part))
        else:
            tokens.append(int(number) if number else (quoted,) if quoted is not None else word or sign)
        at = found.end()
    condition = either_of(tokens)
    if tokens:
        raise ValueError(f"what does {tokens} mean in: {text}")
    return condition


def either_of(tokens: list) -> Condition:
    left = all_of(tokens)
    while tokens and tokens[0] == "or":
        tokens.pop(0)
        left = ("or", left, all_of(tokens))
    return left


def all_of(tokens: list) -> Condition:
    left = one_of(tokens)
    while tokens and tokens[0] == "and":
        tokens.pop(0)
        left = ("and", left, one_of(tokens))
    return left


def one_of(tokens: list) -> Condition:
    column = tokens.pop(0)
    if column == "(":
        inside = either_of(tokens)
        expect(tokens, ")")
        return inside
    column = {"duration": "duration_ns"}.get(column, column)
    op = tokens.pop(0)
    if op == "is":
        expect(tokens, "null")
        return Atom(column, "is null")
    if op == "not":
        op = f"not {tokens.pop(0)}"
    if op not in ("in", "not in"):
        return Atom(column, op, plain(tokens.pop(0)))
    expect(tokens, "(")
    values = [plain(tokens.pop(0))]
    while tokens[0] == ",":
        tokens.pop(0)
        values.append(plain(tokens.pop(0)))
    expect(tokens, ")")
    return Atom(column, op, values)


def plain(token: object) -> object:
    return token[0] if isinstance(token, tuple) else token


def expect(tokens: list, token: str) -> None:
    if not tokens or tokens.pop(0) != token:
        raise ValueError(f"{token} is missing before {tokens}")


def holds(condition: Condition | None, row: dict) -> bool | None:
    """True, false, or not known (None), as in SQL."""
    if condition is None:
        return True
    if isinstance(condition, Atom):
        return condition.holds(row[condition.column])
    operator, left, right = condition
    sides = [holds(left, row), holds(right, row)]
    decides = operator == "or"
    if decides in sides:
        return decides
    return None if None in sides else not decides


def atoms_of(condition: Condition | None) -> list[Atom]:
    if condition is None:
        return []
    return [condition] if isinstance(condition, Atom) else atoms_of(condition[1]) + atoms_of(condition[2])


def needed_of(condition: Condition | None) -> list[Atom]:
    """Atoms that make it hold together: of alternatives the first."""
    if condition is None or isinstance(condition, Atom):
        return atoms_of(condition)
    return needed_of(condition[1]) + (needed_of(condition[2]) if condition[0] == "and" else [])


# -- evaluating -----------------------------------------------------------------------------------------------------


def fits(rule: Rule, direction: str, span: Span, row: dict) -> bool:
    """Time, ends, ports and protocol."""
    first, last = row["ts_ns"], row["ts_ns"] + row["duration_ns"]
    if rule.test == "start":
        last = first
    if first > span[1] or last < span[0]:
        return False
    if rule.protocols and row["protocol"] not in rule.protocols:
        return False
    source, target = (row["src_ip"], row["src_port"]), (row["dst_ip"], row["dst_port"])
    ways = []
    if direction in ("forward", "either"):
        ways.append((source, target))
    if direction in ("reverse", "either"):
        ways.append((target, source))
    for (attacker, _), (victim, port) in ways:
        if rule.attackers and attacker not in rule.attackers:
            continue
        if rule.victims and victim not in rule.victims:
            continue
        if not rule.ports or any(port == one and of in (None, row["protocol"]) for one, of in rule.ports):
            return True
    return False


def claim(rule: Rule, row: dict) -> tuple[str, int | None] | None:
    """State and category that the rule gives the flow; None if it says nothing."""
    said = None
    if fits(rule, rule.direction, rule.span, row) and holds(rule.condition, row):
        said = ("malicious", None)
    for entry in rule.entries:
        true = holds(rule.condition, row) and holds(entry.condition, row)
        if true and fits(rule, entry.direction or rule.direction, entry.span or rule.span, row):
            said = None if entry.state == "none" else (entry.state, entry.category)
    return said


def label(labels: Labels, row: dict) -> tuple:
    """The values of the label columns."""
    for rule in reversed(labels.rules) if labels.last_decides else labels.rules:
        said = claim(rule, row)
        if said:
            state, category = said
            return rule.label if state == "malicious" else None, rule.label, state, category, rule.id
    first, last = row["ts_ns"], row["ts_ns"] + row["duration_ns"]
    if any(start <= first and last <= end for start, end in labels.covers):
        return "benign", None, "benign", None, None
    return None, None, "unknown", None, None


# -- comparing ------------------------------------------------------------------------------------------------------


def outlines_of(labels: Labels) -> list[Outline]:
    """For label_made.py; what is covered is a rule too, which any hosts fit."""
    outlines = []
    for rule in labels.rules:
        parts = []
        for entry in (None, *rule.entries):
            direction = entry and entry.direction or rule.direction
            condition = entry.condition if entry else rule.condition
            needed = needed_of(condition)
            other = [atom for atom in atoms_of(condition) if atom not in needed]
            parts.append(Part(direction, *(entry and entry.span or rule.span), needed, other))
        protocols, ends = rule.protocols, (rule.attackers, rule.victims)
        outlines.append(Outline(rule.id, parts[0], *ends, rule.ports, protocols, parts[1:]))
    for number, span in enumerate(labels.covers, 1):
        outlines.append(Outline(f"(covers {number})", Part("either", *span), [], [], [], []))
    return outlines


def check_file(path: Path, binary: Path) -> int:
    labels = read(path)
    flows = flows_for(outlines_of(labels))
    with common.Workspace() as work:
        rows = labelled(binary, path, flows, work / re.sub(r"\W+", "_", path.stem))
    differing: Counter = Counter()
    for what in misfits(rows, flows):
        differing["(flows)"] += 1
        if differing["(flows)"] <= EXAMPLES:
            print(f"DIFFERS {what}")
    states: Counter = Counter()
    for table, made, row in rows:
        here, there = label(labels, row), tuple(row[column] for column in LABELS)
        states[here[2]] += 1
        name = made.rule if made else "(none)"
        if here != there:
            differing[name] += 1
            if differing[name] <= EXAMPLES:
                print(f"DIFFERS {name}, {made and made.why}, {table}: here {here}, netcap {there}")
    told = ", ".join(f"{count} {state}" for state, count in sorted(states.items()))
    total = differing.total()
    print(f"{'DIFFERS' if total else 'agrees '} {path.name}: {len(labels.rules)} rules, {len(rows)} rows ({told}), "
          f"{total} differences", flush=True)  # fmt: skip
    return total


# -- the self-test --------------------------------------------------------------------------------------------------


def spoiled(rule: Rule, chance: random.Random) -> tuple[str, Rule]:
    """The rule with one thing a little different, and what."""
    rule = copy.deepcopy(rule)
    ways = ["start", "end", "direction", "hosts", "ports" if rule.ports else "protocol"]
    atoms = [atom for one in (rule, *rule.entries) for atom in atoms_of(one.condition)]
    ways += ["atom"] * (4 if atoms else 0) + ["entry"] * bool(rule.entries)
    way = chance.choice(ways)
    if way in ("start", "end"):
        holder = chance.choice([rule, *(entry for entry in rule.entries if entry.span)])
        step = chance.choice([-US, US])
        start, end = holder.span
        holder.span = (start + step, end) if way == "start" else (start, end + step)
        return f"{way} {step:+} ns", rule
    if way == "direction":
        holder = chance.choice([rule, *(entry for entry in rule.entries if entry.direction)])
        holder.direction = chance.choice([one for one in ("forward", "reverse", "either") if one != holder.direction])
    elif way == "hosts":
        hosts = chance.choice([one for one in (rule.attackers, rule.victims) if one] or [rule.attackers])
        at = chance.randrange(len(hosts) or 1)
        hosts[at : at + 1] = chance.choice([[neighbour(hosts[at], 1)], []]) if len(hosts) > 1 else ["192.0.2.1"]
    elif way == "ports":
        port, of = rule.ports[0]
        rule.ports = [chance.choice([(port + 1, of), (port - 1, of), (port, UDP if of == TCP else TCP)])]
    elif way == "protocol":
        rule.protocols = [UDP if rule.protocols == [TCP] else TCP]
    elif way == "entry":
        entry = chance.choice(rule.entries)
        entry.category, entry.state = chance.choice([(99, "attempted"), (entry.category, "benign")])
    else:
        atom = chance.choice(atoms)
        return f"{spoil_atom(atom, chance)}, now {atom}", rule
    return way, rule


def spoil_atom(atom: Atom, chance: random.Random) -> str:
    """Another operator or value. No payload is less than 0, so some operators are the same there."""
    before = str(atom)
    if atom.op == "is null":
        atom.column = "protocol"
    elif isinstance(atom.value, list):
        if chance.random() < 0.5:
            atom.op = "in" if atom.op == "not in" else "not in"
        else:
            at = chance.randrange(len(atom.value))
            atom.value[at] += chance.choice([-1, 1])
    elif isinstance(atom.value, str):
        atom.op = {"=": "<>", "<>": "="}[atom.op]
    elif chance.random() < 0.5:
        others = [one for one in ("=", "<>", "<", "<=", ">", ">=") if one != atom.op]
        if atom.value == 0:
            others = ["=", ">="] if atom.op in (">", "<>") else [">", "<"]
        atom.op = chance.choice(others)
    else:
        atom.value += atom.step() * (1 if atom.value == 0 else chance.choice([-1, 1]))
    return before


def self_test(paths: list[Path]) -> int:
    """Some times and conditions with known values; then rules are spoiled, and evaluated for the flows of the right
    ones. A few mean the same all the same: a bound inside of a later rule, `<=` for `=` where nothing is less."""
    tally = common.Tally()
    moncton = zoneinfo.ZoneInfo("America/Moncton")
    day = 1_499_137_200
    for text, first, last in [
        ("2017-07-04 .. 2017-07-04", day * SECOND, (day + 86_400) * SECOND - 1),
        ("2017-07-04 09:20 .. 10:20", (day + 33_600) * SECOND, (day + 37_260) * SECOND - 1),
        ("2017-07-04 09:20:01 .. 10:20:01", (day + 33_601) * SECOND, (day + 37_202) * SECOND - 1),
        ("2017-07-04 09:20:01.5 .. 10:20:01.000000", (day + 33_601) * SECOND + SECOND // 2, (day + 37_201) * SECOND),
        ("2018-02-14 00:00:00.0 .. 2018-02-14 00:00:00.000001", 1518580800 * SECOND, 1518580800 * SECOND + US),
    ]:
        found = span_of(text, moncton)
        tally.check(found == (first, last), f"{text} is {found}, not {(first, last)}")
    row = {"a": 5, "b": None, "duration_ns": 199_800_000, "ip": "10.0.0.1"}
    for text, expected in [
        ("a = 5 and duration >= 199.8 ms", True), ("a <> 5 or duration > 199.8 ms", False), ("b = 5", None),
        ("b not in (1, 2)", None), ("b is null or b <> 68", True), ("a in (4, 5) and (b = 1 or a > 4)", True),
        ("ip = '10.0.0.1' and a < 6", True), ("a <= 4 and b = 1", False), ("a = 5 or a = 6 and a = 7", True),
    ]:  # fmt: skip
        tally.check(holds(condition_of(text), row) is expected, f"{text} is not {expected}")
    for path in paths:
        spoil_file(path, tally)
    return tally.finish()


def spoil_file(path: Path, tally: common.Tally) -> None:
    labels = read(path)
    rows: dict[str, list[dict]] = {}
    for made in flows_for(outlines_of(labels)):
        rows.setdefault(made.rule, []).append(made.row(FLOW))
    right = {name: [label(labels, row) for row in of_rule] for name, of_rule in rows.items()}
    chance = random.Random(path.name)
    noticed = spoils = 0
    for at, rule in enumerate(labels.rules):
        for _ in range(SPOILED):
            what, wrong = spoiled(rule, chance)
            other = Labels([*labels.rules[:at], wrong, *labels.rules[at + 1 :]], labels.covers, labels.last_decides)
            spoils += 1
            if any(label(other, row) != known for row, known in zip(rows[rule.id], right[rule.id])):
                noticed += 1
            else:
                print(f"not noticed: {path.name}, {rule.id}: {what}")
    told = f"{path.name}: {noticed} of {spoils} spoiled rules were noticed"
    tally.check(noticed >= NOTICED * spoils, told, quiet=False)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("files", nargs="*", type=Path)
    parser.add_argument("--netcap", type=Path, metavar="BINARY", help="the program under test")
    parser.add_argument("--self-test", action="store_true", help="check the evaluation itself")
    arguments = parser.parse_args()
    paths = arguments.files or sorted((common.REPOSITORY / "labels").glob("*.yaml"))
    if arguments.self_test:
        return self_test(paths)
    binary = arguments.netcap or common.netcap_binary()
    if binary is None or not binary.is_file():
        print("skipped all: there is no netcap program (--netcap, NETCAP, or build it)")
        return 1 if arguments.netcap else 0
    differences = [check_file(path, binary.resolve()) for path in paths]
    print(f"{len(paths)} label files, {sum(differences)} differences")
    return 1 if any(differences) else 0


if __name__ == "__main__":
    sys.exit(main())
