"""What a label file means, by the documents alone: what each rule says of a flow or a packet, and what that comes to.

Not a script of its own; label_operators_oracle.py compares it with what netcap says. Nothing is prepared or indexed:
every rule is asked about every item. A clock that is unsure is moved to every position where anything could be decided
otherwise. For the self-test, one part of the meaning can be left out (`spoiled`, of `SPOILS`).
"""

from __future__ import annotations

import fnmatch
import ipaddress
import re
import zoneinfo
from collections.abc import Iterator
from dataclasses import dataclass, replace
from fractions import Fraction

from flow_packets import ICMP, TCP, UDP
from label_made import Atom
from label_operators_made import SECOND, Tree
from label_oracle import Condition, condition_of, holds, moment

PROTOCOLS = {"tcp": TCP, "udp": UDP, "icmp": ICMP}
UNITS = {"ns": 1, "us": 1000, "ms": 1_000_000, "s": SECOND, "min": 60 * SECOND}
FOREVER = Fraction(10**30)
# What the self-test leaves out of the meaning of label files, one at a time.
SPOILS = [
    "in of rules", "in of hosts", "in of covers", "is", "is_also", "mapped ports", "their protocol", "names in except",
    "except", "MAC addresses", "slack", "slack after", "grey", "grey always", "half-open", "clocks", "drift",
    "drift beyond", "anchors", "unsure", "unit", "state", "packets", "test: packet", "icmp", "code of icmp",
    "icmp_errors", "flow_uid", "community_id", "priority", "conflicts", "refinements", "direction of entries", "covers",
    "covers add up", "hosts of covers", "direction", "defaults", "own labels of packets",
]  # fmt: skip


@dataclass(frozen=True)
class End:
    ip: str | None
    port: int | None
    mac: str | None


@dataclass(frozen=True)
class Item:
    """A flow, or a packet; `row` is that of the flow table, `icmp` type and code."""

    capture: str
    first: int
    last: int
    source: End
    target: End
    protocol: int | None
    row: Tree | None = None

    def at(self, time: int) -> Item:
        return replace(self, first=time, last=time)


@dataclass(frozen=True)
class View:
    """How an end is one that was named: under which other name (None: as itself), and with which port."""

    alias: str | None
    port: int | None


@dataclass(frozen=True)
class Said:
    """What a rule says of an item; `aliases`: other names under which its ends may have been seen."""

    state: str
    category: int | None
    aliases: frozenset[str | None] = frozenset([None])


@dataclass
class Claim:
    rule: Tree
    order: int
    said: Said

    def attacks(self) -> bool:
        return self.rule["label"] != "benign" and self.said.state in ("malicious", "attempted")

    def labels(self) -> tuple:
        state, name = self.said.state, self.rule["label"]
        if name == "benign":
            state, name = ("benign", None) if state == "malicious" else (state, None)
        certain = {"malicious": name, "benign": "benign"}
        return certain.get(state), name, state, self.said.category, self.rule["id"]


def listed(value: object) -> list:
    return value if isinstance(value, list) else [value]


def length(text: str) -> int:
    number, unit = re.fullmatch(r"([+-]?[\d.]+) ?(ns|us|ms|s|min)", text).groups()
    return int(Fraction(number) * UNITS[unit])


# -- the meaning of a label file --------------------------------------------------------------------------------------


class Meaning:
    """A label file, and what it means; without what is `spoiled`."""

    def __init__(self, tree: Tree, packets: dict[tuple[str, int], int], spoiled: str = "") -> None:
        self.tree, self.packets, self.spoiled = tree, packets, spoiled
        self.hosts = tree.get("hosts", {})
        zone = tree.get("zone", "UTC")
        self.zone = zoneinfo.ZoneInfo("Etc/GMT-2" if zone == "+02:00" else zone)
        kept = [key for key in tree.get("defaults", {}) if key == "date" or self.has("defaults")]
        defaults = {key: tree["defaults"][key] for key in kept}
        self.rules = [{**defaults, **rule} for rule in tree["rules"]]
        self.speaks_of_packets = any(self.for_packets(rule) for rule in self.rules)
        self.known: dict[tuple, list[tuple[Fraction, Fraction]]] = {}

    def has(self, what: str) -> bool:
        return self.spoiled != what

    def of_packets(self, rule: Tree) -> bool:
        return "packets" in rule and self.has("packets") or rule.get("test") == "packet" and self.has("test: packet")

    def for_packets(self, rule: Tree) -> bool:
        return self.of_packets(rule) or self.errors(rule)

    def errors(self, rule: Tree) -> bool:
        return rule.get("icmp_errors") == "yes" and self.has("icmp_errors")

    # Captures

    def inside(self, patterns: object, capture: str, whose: str) -> bool:
        """A pattern with a slash is one of the name with its folders, others of the name alone."""
        if patterns is None or not self.has(f"in of {whose}"):
            return True
        name = capture.rsplit("/", 1)[-1]
        return any(fnmatch.fnmatchcase(capture if "/" in one else name, one) for one in listed(patterns))

    # Hosts

    def views(self, named: object, end: End, item: Item) -> set[View]:
        """All ways in which the end is one of the hosts that are named."""
        if isinstance(named, list):
            return {view for one in named for view in self.views(one, end, item)}
        if isinstance(named, dict):
            return self.views_of_entry(named, end, item)
        if " except " in named:
            those, without = named.split(" except ")
            if self.has("except") and self.excepted(without, end, item):
                return set()
            return self.views(those, end, item)
        if named in self.hosts:
            found = self.views(self.hosts[named], end, item)
            for name, entry in self.hosts.items():
                if isinstance(entry, dict) and entry.get("is") == named and self.has("is"):
                    found |= {View(name, view.port) for view in self.views_of_entry(entry, end, item)}
            return found
        return {View(None, end.port)} if named == "any" or self.addressed(named, end) else set()

    def excepted(self, named: str, end: End, item: Item) -> bool:
        if self.has("names in except"):
            return bool(self.views(named, end, item))
        entry = self.hosts.get(named, named)
        return bool(self.views(entry.get("ip", []) if isinstance(entry, dict) else entry, end, item))

    def views_of_entry(self, entry: Tree, end: End, item: Item) -> set[View]:
        if not self.inside(entry.get("in"), item.capture, "hosts"):
            return set()
        found = self.views(listed(entry.get("ip", [])) + listed(entry.get("mac", [])), end, item)
        for also in listed(entry.get("is_also", [])) if self.has("is_also") else []:
            found |= self.also(also, end, item)
        return found

    def also(self, text: str, end: End, item: Item) -> set[View]:
        address, _, own = text.partition(" -> ")
        if not own:
            return {View(text, end.port)} if self.addressed(text, end) else set()
        address, port, protocol = re.fullmatch(r"([\d.]+):(\d+)(?:/(\w+))?", address).groups()
        if end.ip != address or end.port != int(port):
            return set()
        if protocol and PROTOCOLS[protocol] != item.protocol and self.has("their protocol"):
            return set()
        return {View(text, int(own) if self.has("mapped ports") else end.port)}

    def addressed(self, text: str, end: End) -> bool:
        if re.fullmatch(r"(?:[0-9a-f]{2}:){5}[0-9a-f]{2}", text):
            return end.mac == text and self.has("MAC addresses")
        if end.ip is None:
            return False
        address = ipaddress.ip_address(end.ip)
        if "-" in text:
            first, last = (ipaddress.ip_address(one) for one in text.split("-"))
            return first <= address <= last
        return address in ipaddress.ip_network(text)

    # Times

    def points(self, clock: Tree) -> list[tuple[int, int]]:
        """What the clock showed, and how much it then was ahead of the captures."""
        if "anchor" in clock:
            if not self.has("anchors"):
                return [(0, 0)]
            found = []
            for text in listed(clock["anchor"]):
                number, capture, shown = re.fullmatch(r"packet (\d+) of (\S+) is (.*)", text).groups()
                time = moment(shown, self.zone)[0]
                found.append((time, time - self.packets[capture, int(number)]))
        elif isinstance(clock["offset"], list):
            pairs = [text.split(" at ") for text in clock["offset"]]
            found = [(moment(shown, self.zone)[0], length(offset)) for offset, shown in pairs]
        else:
            found = [(0, length(clock["offset"]))]
        return sorted(found)[: None if self.has("drift") else 1]

    def captured(self, time: int, clock: str | None) -> Fraction:
        """The time of the captures at which the clock showed this."""
        if clock is None or not self.has("clocks"):
            return Fraction(time)
        points = self.points(self.tree["clocks"][clock])
        if len(points) == 1:
            return Fraction(time - points[0][1])
        later = next((at for at in range(1, len(points)) if time <= points[at][0]), len(points) - 1)
        (begin, here), (end, there) = points[later - 1 : later + 1]
        if not self.has("drift beyond"):
            time, more = min(max(time, points[0][0]), points[-1][0]), time
            return self.captured(time, clock) + more - time if more != time else time - there
        return time - here - Fraction(there - here, end - begin) * (time - begin)

    def intervals(self, times: object, rule: Tree, longer: int = 0) -> list[tuple[Fraction, Fraction]]:
        """First and last moment of each range."""
        key = str(times), rule.get("id"), rule.get("clock"), longer
        if key not in self.known:
            self.known[key] = self.ranges(times, rule, longer)
        return self.known[key]

    def ranges(self, times: object, rule: Tree, longer: int) -> list[tuple[Fraction, Fraction]]:
        if times is None or times == "always":
            return [(-FOREVER, FOREVER)]
        before = after = 0
        if "slack" in rule and self.has("slack"):
            before, after = (length(one) for one in (listed(rule["slack"]) * 2)[:2])
            after = after if self.has("slack after") or not isinstance(rule["slack"], list) else before
        found = []
        for text in listed(times):
            start, end = text.split(" .. ")
            start = start if "-" in start else f"{rule['date']} {start}"
            end = end if "-" in end else f"{start.split(' ')[0]} {end}"
            first, last = moment(start, self.zone)[0], moment(end, self.zone)[1]
            first, last = (self.captured(one, rule.get("clock")) for one in (first, last))
            if rule.get("bounds") == "half-open" and self.has("half-open"):
                last -= Fraction(1, 10**6)
            found.append((first - before - longer, last + after + longer))
        return found

    def in_time(self, test: str, spans: list[tuple[Fraction, Fraction]], item: Item, moved: Fraction) -> bool:
        first, last = item.first - moved, item.last - moved
        if test == "start":
            last = first
        elif test == "end":
            first = last
        if test == "contained":
            return any(start <= first and last <= end for start, end in spans)
        return any(first <= end and last >= start for start, end in spans)

    # One rule, one item

    def ways(self, rule: Tree, item: Item, direction: str, ports: object) -> Iterator[tuple[str, frozenset]]:
        """Each way round in which hosts and ports fit, with the names under which they may have been seen."""
        for way in ("forward", "reverse"):
            if direction not in (way, "either") and self.has("direction"):
                continue
            attacker, victim = (item.source, item.target) if way == "forward" else (item.target, item.source)
            attackers = self.views(rule.get("attackers", "any"), attacker, item)
            victims = self.views(rule.get("victims", "any"), victim, item)
            victims = {view for view in victims if ports is None or port_in(view.port, ports, item.protocol)}
            if attackers and victims:
                names = {one.alias or other.alias for one in attackers for other in victims}
                names |= {one.alias for one in victims if one.alias}
                yield way, frozenset(names)

    def fits(self, rule: Tree, entry: Tree, item: Item, spans: list, moved: Fraction, quoted: bool) -> frozenset | None:
        """Whether the rule, or the entry of it, is about the item; with the other names. An entry's own time, ports,
        protocol and direction stand in place of the rule's; both have their condition."""
        if not self.in_time(rule.get("test", "overlap"), spans, item, moved):
            return None
        direction = entry.get("direction") if self.has("direction of entries") else None
        if quoted:
            # A packet of the attack may go either way.
            direction = "either"
        protocol = entry.get("protocol", rule.get("protocol"))
        if protocol is not None and item.protocol not in [PROTOCOLS.get(one, one) for one in listed(protocol)]:
            return None
        if "icmp" in rule and self.has("icmp") and not self.icmp_fits(rule["icmp"], item):
            return None
        conditions = [] if quoted else [condition_of(one["if"]) for one in (rule, entry) if "if" in one]
        names: set[str | None] = set()
        for way, of_way in self.ways(rule, item, direction or rule.get("direction", "either"),
                                     entry.get("ports", rule.get("ports"))):  # fmt: skip
            if all(item.row is not None and holds(turned(one, way), item.row) for one in conditions):
                names |= of_way
        return frozenset(names) or None

    def icmp_fits(self, types: object, item: Item) -> bool:
        row = item.row
        if row is None or item.protocol != ICMP:
            return False
        kind, code = str(row["icmp_type"]), str(row["icmp_code"])
        return any(one == kind or one.split("/") == [kind, code] or not self.has("code of icmp")
                   and one.split("/")[0] == kind for one in map(str, listed(types)))  # fmt: skip

    def says(self, rule: Tree, item: Item, moved: Fraction, longer: int | None, quoted: bool) -> Said | None:
        """What the rule says if its times lie `moved` later, and are `longer`; None: for ever."""
        times = rule.get("time") if longer is not None else "always"
        said, names = None, self.fits(rule, {}, item, self.intervals(times, rule, longer or 0), moved, quoted)
        if names:
            said = Said(rule.get("state", "malicious") if self.has("state") else "malicious", None, names)
        entries = [{"state": "attempted", **entry} for entry in rule.get("attempted", [])] + rule.get("refine", [])
        for entry in entries if self.has("refinements") else []:
            spans = self.intervals(entry["time"] if "time" in entry else times, rule, longer or 0)
            names = self.fits(rule, entry, item, spans, moved, quoted)
            if names:
                said = None if entry["state"] == "none" else Said(entry["state"], entry.get("category"), names)
        return said

    def positions(self, rule: Tree, items: list[Item]) -> list[Fraction]:
        """How much later the times may be, as far as it could change anything: where a bound meets an item, just
        before and after, and the furthest ones."""
        clock = self.tree.get("clocks", {}).get(rule.get("clock"), {})
        unsure = length(clock["unsure"]) if "unsure" in clock and self.has("unsure") else 0
        if not unsure or not self.has("clocks"):
            return [Fraction(0)]
        found = {Fraction(0), Fraction(unsure), Fraction(-unsure)}
        times = [time for one in (rule, *rule.get("attempted", []), *rule.get("refine", [])) if "time" in one
                 for span in self.intervals(one["time"], rule) for time in span]  # fmt: skip
        for time in times:
            for item in items:
                for here in (item.first - time, item.last - time):
                    found |= {here, here - Fraction(1, 2), here + Fraction(1, 2)}
        return sorted(one for one in found if abs(one) <= unsure)

    def claims(self, rule: Tree, items: list[Item], quoted: bool = False) -> Said | None:
        """What the rule says of what consists of these items: it is claimed if one of them is."""
        outcomes: set[Said | None] = set()
        for moved in self.positions(rule, items):
            of_items = {self.says(rule, item, moved, 0, quoted) for item in items} - {None}
            outcomes.add(next(iter(of_items)) if len(of_items) == 1 else several(of_items))
        return sure(outcomes)

    def grey(self, rule: Tree, item: Item) -> Said | None:
        if "grey" not in rule or not self.has("grey"):
            return None
        longer = None if rule["grey"] == "always" and self.has("grey always") else length(
            rule["grey"] if rule["grey"] != "always" else "0 s")  # fmt: skip
        said = self.says(rule, item, Fraction(0), longer, False)
        return said and Said("excluded", None, said.aliases)

    # Covers

    def covered(self, item: Item) -> bool | None:
        """Not known if entries leave no gap only together, some for one end and some for the other."""
        covers = self.tree.get("covers", [])
        if covers == "all" or not covers or not self.has("covers"):
            return covers == "all"
        of_ends = [self.vouched(item, end, covers) for end in (item.source, item.target)]
        if any(self.no_gap(spans, item) for spans in of_ends):
            return True
        return None if self.no_gap(of_ends[0] + of_ends[1], item) else False

    def vouched(self, item: Item, end: End, covers: list[Tree]) -> list[tuple[Fraction, Fraction]]:
        spans = []
        for entry in covers:
            known = not self.has("hosts of covers") or self.views(entry.get("hosts", "any"), end, item)
            if known and self.inside(entry.get("in"), item.capture, "covers"):
                spans += self.intervals(entry.get("time"), entry)
        return spans

    def no_gap(self, spans: list[tuple[Fraction, Fraction]], item: Item) -> bool:
        """Times are whole nanoseconds: a range that begins one after another's end leaves no gap."""
        if not self.has("covers add up"):
            return any(first <= item.first and last >= item.last for first, last in spans)
        reached: Fraction | int = item.first - 1
        for first, last in sorted(spans):
            reached = max(reached, last) if first <= reached + 1 else reached
        return reached >= item.last

    # Everything

    def best(self, claims: list[Claim]) -> Claim | None:
        last = self.tree.get("conflicts", "first") == "last" and self.has("conflicts")

        def rank(claim: Claim) -> tuple[int, int]:
            priority = claim.rule.get("priority", 0) if self.has("priority") else 0
            return priority, claim.order if last else -claim.order

        return max(claims, key=rank, default=None)

    def rest(self, claims: list[Claim], greys: list[Claim], item: Item) -> tuple | None:
        """What those claims come to, else the grey ones, else what covers say."""
        decided = self.best(claims) or self.best(greys)
        if decided:
            return decided.labels()
        covered = self.covered(item)
        if covered is None:
            return None
        return ("benign", None, "benign", None, None) if covered else (None, None, "unknown", None, None)


def sure(outcomes: set[Said | None]) -> Said | None:
    if outcomes == {None}:
        return None
    kinds = {one and (one.state, one.category) for one in outcomes}
    names = frozenset(name for one in outcomes if one for name in one.aliases)
    state, category = next(iter(kinds)) if len(kinds) == 1 else ("ambiguous", None)
    return Said(state, category, names)


def several(said: set[Said]) -> Said | None:
    return sure(set(said)) if said else None


def port_in(port: int | None, ports: object, protocol: int | None) -> bool:
    for text in listed(ports):
        numbers, _, name = str(text).partition("/")
        first, _, last = numbers.partition("-")
        if port is not None and int(first) <= port <= int(last or first) and (not name or PROTOCOLS[name] == protocol):
            return True
    return False


def turned(condition: Condition, way: str) -> Condition:
    """Attacker and victim by the side that they are."""
    if isinstance(condition, Atom):
        attacker, victim = ("fwd_", "bwd_") if way == "forward" else ("bwd_", "fwd_")
        sides = {"attacker_": attacker, "victim_": victim}
        column = condition.column
        for name, prefix in sides.items():
            column = column.replace(name, prefix)
        return replace(condition, column=column)
    return condition[0], turned(condition[1], way), turned(condition[2], way)
