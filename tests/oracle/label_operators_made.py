"""Captures and label files made at random for label_operators_oracle.py: traffic of a small network behind a NAT, and
rules that use the operators of the label format in all combinations whose meaning the documents decide.

Not a script of its own. The same seed and number give the same case. All times are nanoseconds. What is not made here,
because the documents leave open what it means, stands in `Writer` with the reason.
"""

from __future__ import annotations

import ipaddress
import random
import struct
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from fractions import Fraction
from pathlib import Path

from flow_made import SECOND, icmp, ipv4, tcp, udp, write_pcap
from flow_packets import ICMP, TCP, UDP

MINUTE = 60 * SECOND
START = 1_777_888_800 * SECOND  # 2026-05-04 10:00 UTC
KALI, NAT, WEB, PUBLIC, MIRROR, ROUTER, STRANGER = (
    "10.9.0.7", "192.0.2.1", "10.0.1.5", "192.0.2.10", "192.0.2.11", "10.0.0.254", "203.0.113.77"
)  # fmt: skip
OFFICE = [f"10.0.2.{number}" for number in range(1, 5)]
INSIDE = [KALI, WEB, *OFFICE]
EVERYONE = [KALI, NAT, WEB, PUBLIC, MIRROR, STRANGER, *OFFICE]
PORTS = [22, 53, 80, 443, 5353, 8080, 8443]
MAPPED = [53, 5353, 8080, 8443]
NAMES = ["dmz-1.pcap", "lan-1.pcap", "late/dmz-2.pcap"]
PATTERNS = ["dmz*.pcap", "dmz-1.pcap", "lan-?.pcap", "late/*.pcap", "*-1.pcap", "late/dmz-2.pcap", "no-such*.pcap"]
DRIFTS = [Fraction(5, 4), Fraction(4, 5), Fraction(2), Fraction(1001, 1000)]

Tree = dict


def mac_of(ip: str) -> str:
    """Of hosts inside their own, of all others that of the router."""
    return f"02:00:00:00:00:{INSIDE.index(ip) + 0x10:02x}" if ip in INSIDE else "02:00:00:00:00:fe"


@dataclass
class Frame:
    """A packet that was made, with the ends of its Ethernet header."""

    time: int
    source: str
    target: str
    source_mac: str
    target_mac: str
    body: bytes
    kind: int = 0x0800

    def data(self) -> bytes:
        macs = (bytes.fromhex(mac.replace(":", "")) for mac in (self.target_mac, self.source_mac))
        return b"".join(macs) + struct.pack("!H", self.kind) + self.body


@dataclass
class Case:
    """Captures by name, and what is to be known of them to write rules."""

    number: int
    chance: random.Random
    captures: dict[str, list[Frame]] = field(default_factory=dict)

    def write(self, folder: Path) -> None:
        for name, frames in self.captures.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            made = [(frame.time, frame.data()) for frame in frames]
            write_pcap(path, 1, [(time, len(data), data) for time, data in made])

    def times(self) -> list[int]:
        return [frame.time for frames in self.captures.values() for frame in frames]


# -- traffic --------------------------------------------------------------------------------------------------------


class Traffic:
    """Packets of some flows, ICMP errors and ARP; flows may go on from one capture into the next."""

    def __init__(self, case: Case) -> None:
        self.case, self.chance = case, case.chance
        self.frames: list[Frame] = []
        # Of errors of one kind between two hosts netcap makes one flow. Each kind is used once, so that such a flow
        # does not begin in another capture than its packets.
        self.errors: set[tuple] = set()
        self.macs = {ip: mac_of(ip) for ip in [*EVERYONE, ROUTER]}
        if self.chance.random() < 0.3:
            first, second = self.chance.sample(INSIDE, 2)
            self.macs[first] = self.macs[second]

    def moment(self) -> int:
        jitter = self.chance.choice([0, 0, 0, 1000, 123_456_000, 500_000_000])
        return START + self.chance.randrange(600) * SECOND + jitter

    def add(self, time: int, source: str, target: str, body: bytes, kind: int = 0x0800) -> None:
        self.frames.append(Frame(time, source, target, self.macs[source], self.macs[target], body, kind))

    def ends(self) -> tuple[str, str]:
        pairs = [(KALI, WEB), (NAT, WEB), (KALI, PUBLIC), (NAT, MIRROR), (NAT, PUBLIC), (OFFICE[0], PUBLIC)]
        source, target = self.chance.choice(pairs) if self.chance.random() < 0.5 else self.chance.sample(EVERYONE, 2)
        return (target, source) if self.chance.random() < 0.2 else (source, target)

    def flow(self, protocol: int, length: int, gap: int) -> None:
        """`length` packets, at most `gap` seconds from one to the next."""
        source, target = self.ends()
        ports = self.chance.randrange(20_000, 60_000), self.chance.choice(PORTS if target != PUBLIC else MAPPED)
        time, identifier = self.moment(), self.chance.randrange(65_536)
        sequence = [0, 0]
        one_way = self.chance.random() < 0.15
        for number in range(length):
            back = number > 0 and self.chance.random() < 0.5 or one_way
            size = self.chance.choice([0, 0, 10, 100]) if number else 0
            between, way = ((target, source), ports[::-1]) if back else ((source, target), ports)
            if protocol == TCP:
                flags = ("SA" if back else "S") if number == 0 else "PA" if size else "A"
                body = tcp(way, flags, seq=sequence[back], ack=sequence[not back], payload=size)
                sequence[back] += size + (number == 0)
            elif protocol == UDP:
                body = udp(way, size)
            else:
                body = icmp(0 if back else 8, 0, identifier, size)
            packet = ipv4(*between, protocol, body)
            self.add(time, *between, packet)
            if protocol == UDP and self.chance.random() < 0.25:
                self.error(time + self.chance.choice([1000, SECOND]), *between, packet)
            time += self.chance.choice([0, 1000, SECOND // 2, SECOND, self.chance.randrange(1, gap) * SECOND])

    def error(self, time: int, source: str, target: str, packet: bytes) -> None:
        kind, code, sender = self.chance.choice([(3, 3, target), (3, 1, ROUTER), (11, 0, ROUTER), (3, 13, target)])
        if (kind, code, sender, source) in self.errors:
            return
        self.errors.add((kind, code, sender, source))
        self.add(time, sender, source, ipv4(sender, source, ICMP, icmp(kind, code) + packet[:28]))

    def arp(self) -> None:
        source, target = self.chance.sample(EVERYONE, 2)
        time = self.moment()
        for operation, sender, asked in ((1, source, target), (2, target, source))[: self.chance.randint(1, 2)]:
            body = struct.pack("!HHBBH", 1, 0x0800, 6, 4, operation)
            for ip, mac in ((sender, self.macs[sender]), (asked, "" if operation == 1 else self.macs[asked])):
                body += bytes.fromhex(mac.replace(":", "") or "00" * 6) + ipaddress.IPv4Address(ip).packed
            self.add(time, sender, asked, body, 0x0806)
            time += 1000

    def all(self) -> None:
        for _ in range(self.chance.randint(8, 12)):
            self.flow(self.chance.choice([TCP, TCP, UDP, UDP, ICMP]), self.chance.randint(1, 6), 90)
        if self.chance.random() < 0.4:
            self.flow(TCP, self.chance.randint(100, 130), 110)
        for _ in range(self.chance.randint(0, 4)):
            self.arp()
        self.frames.sort(key=lambda frame: frame.time)
        names = NAMES[: self.chance.randint(1, 3)]
        cuts = sorted(self.chance.sample(range(1, len(self.frames)), len(names) - 1))
        for name, begin, end in zip(names, [0, *cuts], [*cuts, len(self.frames)]):
            self.case.captures[name] = self.frames[begin:end]


def made(seed: int, number: int) -> Case:
    case = Case(number, random.Random(f"{seed} {number}"))
    Traffic(case).all()
    return case


# -- label files ----------------------------------------------------------------------------------------------------


def written(time: int, digits: int = 9) -> str:
    """As `2026-05-04 10:00:00.5`, in the zone in which the number is counted."""
    local = datetime(1970, 1, 1, tzinfo=timezone.utc) + timedelta(seconds=time // SECOND)
    fraction = f"{time % SECOND:09}"[:digits]
    return f"{local:%Y-%m-%d %H:%M:%S}" + (f".{fraction}" if digits else "")


def decimal(time: int) -> str:
    """In seconds, as exactly as it is."""
    return f"{'-' if time < 0 else '+'}{abs(time) // SECOND}.{abs(time) % SECOND:09}"


@dataclass
class Watch:
    """A clock: times of the captures, and what it showed then. Between two it went evenly, beyond them likewise."""

    points: list[tuple[int, int]]
    unsure: int

    def drifts(self) -> bool:
        return len(self.points) > 1

    def shown(self, time: int) -> int:
        if not self.drifts():
            return self.points[0][1] + time - self.points[0][0]
        later = next((at for at in range(1, len(self.points)) if time <= self.points[at][0]), len(self.points) - 1)
        (begin, here), (end, there) = self.points[later - 1 : later + 1]
        return here + int(Fraction(there - here, end - begin) * (time - begin))


class Writer:
    """Writes the label file of a case. Not made, since the documents do not say what it means:

    * half-open bounds of an end without fraction (is it the moment that is written, or the end of that minute?);
    * slack, unsure and grey with a clock that drifts (are they long by that clock, or by that of the captures?);
    * unsure with `contained`, with several ranges (do all bounds move together?), with a length of grey, and in covers;
    * `contained` and `majority` over ranges that touch; `majority` of a flow that lasts no time;
    * grey of rules for packets; an entry's own time in a rule with grey;
    * rules for packets by number with hosts; errors of rules with conditions, entries, MAC addresses, `icmp` or `in`;
    * an entry's own `icmp`; `is` of a host that is another one; two names of a host at the same end.
    """

    def __init__(self, case: Case, flows: list[Tree]) -> None:
        self.case, self.chance, self.flows = case, case.chance, flows
        self.moments = case.times()
        self.about = flows[0]
        self.zone, self.shift = self.chance.choice([("UTC", 0), ("+02:00", 2), ("Europe/Berlin", 2)])
        self.clocks: dict[str, Watch] = {}

    def some(self, share: float) -> bool:
        return self.chance.random() < share

    def local(self, time: int) -> int:
        return time + self.shift * 3600 * SECOND

    # Clocks

    def clock(self, name: str) -> Tree:
        """One that is wrong, or one that also drifts: evenly, or by and by otherwise."""
        drifts = self.some(0.5)
        at = START + self.chance.randrange(0, 300) * SECOND
        wrong = self.chance.choice([37 * SECOND, -37 * SECOND, 1_500_000_000, 3600 * SECOND, 0])
        moments = [at + 100 * SECOND * number for number in range(self.chance.randint(2, 3) if drifts else 1)]
        texts = []
        if self.some(0.4):
            near = sorted({self.packet_near(moment) for moment in moments}, key=lambda found: found[2])
            moments = [time for _, _, time in near]
            texts = [f"packet {number} of {capture} is " for capture, number, _ in near]
            if any(later - sooner < SECOND for sooner, later in zip(moments, moments[1:])):
                texts, moments = texts[:1], moments[:1]
        points = [(moments[0], moments[0] + wrong)]
        for time in moments[1:]:
            points.append((time, points[-1][1] + int(self.chance.choice(DRIFTS) * (time - points[-1][0]))))
        tree: Tree = {}
        if texts:
            told = [text + written(self.local(shown)) for text, (_, shown) in zip(texts, points)]
            tree["anchor"] = told if len(told) > 1 else told[0]
        elif drifts:
            offsets = [f"{decimal(shown - time)}s at {written(self.local(shown))}" for time, shown in points]
            tree["offset"] = offsets
        else:
            tree["offset"] = f"{decimal(wrong)}s"
        unsure = self.chance.choice([0, 1, 5 * SECOND, 20 * SECOND]) if len(points) == 1 else 0
        if unsure:
            tree["unsure"] = f"{unsure} ns" if unsure == 1 else f"{unsure // SECOND}s"
        self.clocks[name] = Watch(points, unsure)
        return tree

    def packet_near(self, time: int) -> tuple[str, int, int]:
        found = [(abs(frame.time - time), name, number, frame.time)
                 for name, frames in self.case.captures.items() for number, frame in enumerate(frames, 1)]  # fmt: skip
        return min(found)[1:]

    def shown(self, time: int, clock: str | None) -> int:
        """What the clock showed at that time of the captures, in local time."""
        return self.local(self.clocks[clock].shown(time) if clock else time)

    def range(self, clock: str | None, exact: bool, dated: bool, half_open: bool = False) -> str:
        first, last = self.chance.sample(self.moments, 2)
        if self.some(0.6):
            last = self.about["ts_ns"] + self.chance.choice([0, self.about["duration_ns"]])
        if half_open:
            first = last - self.chance.randrange(1, 300) * SECOND
        first, last = sorted((first, last))
        if self.some(0.2):
            last = min(last, first + self.chance.choice([0, SECOND, 10 * SECOND]))
        # A nanosecond of a clock that drifts is less or more than one of the captures.
        steps = [0] * 6 + [1000, -1000, SECOND, -SECOND] + ([] if clock and self.clocks[clock].drifts() else [1, -1])
        steps = [0] if half_open else steps
        first, last = (self.shown(one, clock) + self.chance.choice(steps) for one in (first, last))
        last = max(first + exact, last)
        text = [written(first), written(last)]
        if not exact and self.some(0.3):
            text = [written(first, 0), written(last, 0)]
            if self.some(0.5):
                text = [one[:-3] for one in text]
        cut = 11 if dated and text[0][:10] == "2026-05-04" else 0
        same = text[0][:10] == text[1][:10]
        return f"{text[0][cut:]} .. {text[1][11 if same else 0 :]}"

    # Hosts

    def hosts(self) -> Tree:
        hosts: Tree = {"kali": KALI, "web": {"ip": WEB}, "office": "10.0.2.0/24", "all-inside": ["office", "web"]}
        if self.some(0.7):
            hosts["nat"] = {"ip": NAT, "is": "kali"}
            if self.some(0.6):
                hosts["nat"]["in"] = self.patterns()
        mapped = [f"{PUBLIC}:8443 -> 443", f"{PUBLIC}:8080/tcp -> 80", f"{PUBLIC}:5353/udp -> 53", f"{PUBLIC}:53 -> 22"]
        if self.some(0.8):
            also = self.chance.choice([[PUBLIC], []] + [self.chance.sample(mapped, self.chance.randint(2, 4))] * 4)
            hosts["web"]["is_also"] = also + ([MIRROR] if self.some(0.5) or not also else [])
        if self.some(0.3):
            hosts["web"]["in"] = self.patterns()
        if self.some(0.3):
            hosts["front"] = {"ip": self.chance.choice([OFFICE[3], STRANGER]), "is": "web"}
        hosts["card"] = {"mac": mac_of(self.chance.choice([*INSIDE, NAT]))}
        if self.some(0.3):
            hosts["card"]["ip"] = self.chance.choice(EVERYONE)
        if self.some(0.3):
            hosts["kali"] = {"ip": KALI, "mac": mac_of(self.chance.choice(INSIDE))}
        return hosts

    def patterns(self) -> str | list[str]:
        return self.chance.choice(PATTERNS) if self.some(0.7) else self.chance.sample(PATTERNS, 2)

    def who(self, with_macs: bool = True) -> str | list[str]:
        simple = ["kali", "web", "office", "all-inside", KALI, WEB, STRANGER, "10.0.2.1-10.0.2.3", "10.0.0.0/8"]
        simple += ["10.0.0.0/8 except web", "any except kali", "all-inside except web", "any except office",
                   "192.0.2.0/24 except kali", "192.0.2.0/24 except web"]  # fmt: skip
        simple += ["kali", "web"] * 3 + ["any"]
        if with_macs:
            simple += ["card", "card", mac_of(WEB), mac_of(NAT), "any except card", "10.0.0.0/8 except card"]
        return self.chance.choice(simple) if self.some(0.75) else self.chance.sample(simple, 2)

    def named(self, ip: str) -> str:
        names = {KALI: "kali", NAT: "kali", WEB: "web", PUBLIC: "web", MIRROR: "web", **dict.fromkeys(OFFICE, "office")}
        return names.get(ip, "any")

    # Rules

    def condition(self, sides: bool) -> str:
        port = self.chance.choice(self.flows)["src_port"] or 0
        atoms = ["fwd_packets >= 2", "bwd_payload_bytes = 0", f"src_port <> {port}", "protocol = 17", "duration >= 1 s",
                 "fwd_payload_bytes > 10 or bwd_packets = 0", "dst_port in (53, 80, 443)"]  # fmt: skip
        if sides:
            atoms += ["attacker_packets >= 2", "victim_payload_bytes = 0"] * 2
        return self.chance.choice(atoms)

    def ports(self) -> str | list[str]:
        one = ["22/tcp", "53/udp", "80", "443", "443/tcp", "8080-8443", "53", "8443/tcp", "5353"]
        return self.chance.choice(one) if self.some(0.6) else self.chance.sample(one, 2)

    def entries(self, rule: Tree, clock: str | None, sides: bool, own_times: bool) -> None:
        for _ in range(self.chance.randint(1, 2)):
            entry: Tree = {"if": self.condition(sides)} if self.some(0.5) else {}
            if self.some(0.5):
                entry["category"] = self.chance.randint(0, 6)
            if self.some(0.5):
                entry["direction"] = self.chance.choice(["forward", "reverse", "reverse", "either"])
            if self.some(0.2) and not {"protocol", "icmp"} & rule.keys():
                entry["ports"] = self.ports()
            if own_times and self.some(0.4):
                entry["time"] = self.range(clock, True, False)
            if "refine" in rule or "attempted" not in rule and self.some(0.5):
                states = ["none", "attempted", "attempted", "excluded", "ambiguous", "malicious"]
                rule.setdefault("refine", []).append({"state": self.chance.choice(states), **entry})
            else:
                rule.setdefault("attempted", []).append(entry)

    def rule(self, number: int, defaults: Tree) -> Tree:
        public = [flow for flow in self.flows if PUBLIC in (flow["src_ip"], flow["dst_ip"])]
        rare = public + [flow for flow in self.flows if flow["connection_part"] > 1]
        self.about = self.chance.choice(self.flows + rare * 2)
        rule: Tree = {"id": f"r{number}", "label": self.chance.choice(["Alpha", "Beta", "Beta", "Gamma", "benign"])}
        if self.some(0.3):
            rule["priority"] = self.chance.choice([-1, 1, 2])
        if rule["label"] != "benign" and self.some(0.2):
            rule["state"] = self.chance.choice(["attempted", "ambiguous", "excluded"])
        named = self.chance.random()
        if named < 0.08 and "attackers" not in defaults:
            return rule | self.by_number()
        clock = rule["clock"] = self.chance.choice(list(self.clocks)) if self.some(0.4) and self.clocks else None
        clock = clock or defaults.get("clock")
        if rule["clock"] is None:
            del rule["clock"]
        drifts, unsure = bool(clock) and self.clocks[clock].drifts(), bool(clock) and self.clocks[clock].unsure > 0
        if named < 0.16:
            column = self.chance.choice(["flow_uid", "community_id"])
            found = self.chance.sample(self.flows, min(len(self.flows), self.chance.randint(1, 3)))
            rule[column] = [flow[column] for flow in found] if self.some(0.7) else found[0][column]
        else:
            self.sides(rule, defaults)
        tests = ["overlap", "overlap", "start", "end", "packet", "packet"] + ([] if unsure else ["contained"])
        test = self.chance.choice(tests)
        if test != "overlap" or self.some(0.2):
            rule["test"] = test
        by_hosts = bool({"attackers", "victims"} & (rule.keys() | defaults.keys()))
        if not by_hosts and self.some(0.5) and test != "packet":
            return rule
        self.time(rule, test, clock, drifts, unsure, "date" in defaults)
        if self.some(0.2):
            rule["in"] = self.patterns()
        if by_hosts and self.some(0.25) and self.quotable(rule, defaults):
            rule["icmp_errors"] = "yes"
            return rule
        self.further(rule, clock, by_hosts and self.opposed(rule, defaults), test)
        return rule

    def sides(self, rule: Tree, defaults: Tree) -> None:
        with_macs = self.some(0.5)
        ends = [self.named(self.about[end]) for end in ("src_ip", "dst_ip")]
        ends.sort(key=lambda _: self.chance.random() < 0.3)
        if "attackers" not in defaults:
            rule["attackers"] = ends[0] if self.some(0.5) else self.who(with_macs)
        if self.some(0.7):
            rule["victims"] = ends[1] if self.some(0.6) else self.who(with_macs)
        if self.about["dst_ip"] == PUBLIC and self.some(0.6):
            rule["victims"] = "web"
        if self.some(0.3):
            rule["direction"] = self.chance.choice(["forward", "reverse"])

    def time(self, rule: Tree, test: str, clock: str | None, drifts: bool, unsure: bool, dated: bool) -> None:
        half_open = self.some(0.2)
        if half_open:
            rule["bounds"] = "half-open"
        ranges = 1 if unsure or test == "contained" or self.some(0.7) else 2
        rule["time"] = [self.range(clock, half_open or drifts, dated, half_open) for _ in range(ranges)]
        if ranges == 1:
            rule["time"] = rule["time"][0]
        if self.some(0.08):
            rule["time"] = "always"
        elif not drifts and self.some(0.3):
            rule["slack"] = self.chance.choice(["1s", "30s", ["2s", "0s"], ["0s", "500ms"], ["1us", "1min"]])
        if test != "packet" and self.some(0.25):
            rule["grey"] = "always" if drifts or unsure or self.some(0.4) else self.chance.choice(["1s", "10s", "2min"])

    def quotable(self, rule: Tree, defaults: Tree) -> bool:
        named = str([rule.get("attackers"), rule.get("victims"), defaults.get("attackers")])
        macs = "02:00" in named or "card" in named
        return not macs and "in" not in rule and not {"flow_uid", "community_id"} & rule.keys()

    def opposed(self, rule: Tree, defaults: Tree) -> bool:
        """No flow has both of its ends on both sides: it is clear who is the attacker."""
        sides = [rule.get("attackers", defaults.get("attackers")), rule.get("victims")]
        opposed = [["kali", "web"], ["web", "kali"], ["kali", "office"], [STRANGER, "all-inside"], ["office", "web"]]
        return sides in opposed

    def further(self, rule: Tree, clock: str | None, sides: bool, test: str) -> None:
        by_hosts = "attackers" in rule or "victims" in rule
        chosen = self.chance.random()
        own = {8443: "443", 8080: "80/tcp", 5353: "53", 53: "22"}.get(self.about["dst_port"])
        if rule.get("victims") == "web" and own and chosen < 0.7:
            rule["ports"] = own
        elif by_hosts and chosen < 0.3:
            rule["ports"] = self.ports()
        elif by_hosts and chosen < 0.4:
            rule["protocol"] = self.chance.choice(["tcp", "udp", "icmp", 6])
        elif chosen < 0.5:
            rule["icmp"] = self.chance.choice(["8", "3/3", "3", ["8", "11"], ["3/1", "11/0"]])
        if self.some(0.15):
            rule["if"] = self.condition(sides)
        if self.some(0.45) and rule["label"] != "benign" and "state" not in rule:
            self.entries(rule, clock, sides, own_times="grey" not in rule and test != "packet")

    def by_number(self) -> Tree:
        name = self.chance.choice(list(self.case.captures))
        count = len(self.case.captures[name])
        first = self.chance.randint(1, count)
        numbers = [f"{first}-{min(first + self.chance.randint(0, 5), count)}", str(self.chance.randint(1, count))]
        found: Tree = {"packets": numbers if self.some(0.6) else numbers[0]}
        return found | ({"in": name} if len(self.case.captures) > 1 or self.some(0.5) else {})

    # The file

    def covers(self) -> str | list[Tree]:
        if self.some(0.15):
            return "all"
        entries = []
        for _ in range(self.chance.randint(1, 2)):
            entry: Tree = {}
            if self.some(0.7):
                entry["hosts"] = self.who()
            if self.some(0.3):
                entry["in"] = self.patterns()
            certain = [name for name, watch in self.clocks.items() if not watch.unsure]
            clock = self.chance.choice(certain) if certain and self.some(0.3) else None
            if self.some(0.7):
                if clock:
                    entry["clock"] = clock
                entry["time"] = self.range(clock, True, False)
            entries.append(entry or {"hosts": "any"})
        if self.some(0.3) and "time" in entries[0]:
            entries.append(self.going_on(entries[0]))
        return entries

    def going_on(self, entry: Tree) -> Tree:
        """The same, from where that ends."""
        end = entry["time"].split(" .. ")[1]
        step = self.chance.choice([0, 1, 2])
        seconds, fraction = end.rsplit(".", 1)
        if int(fraction) + step >= SECOND:
            return entry
        day = "" if "-" in seconds else "2026-05-04 "
        return entry | {"time": f"{day}{seconds}.{int(fraction) + step:09} .. 23:59:59.999999999"}

    def file(self) -> Tree:
        tree: Tree = {"netcap-labels": 1, "zone": self.zone}
        if self.some(0.5):
            tree["unit"] = self.chance.choice(["connection", "connection", "flow"])
        if self.some(0.6):
            tree["conflicts"] = self.chance.choice(["first", "last"])
        if self.some(0.6):
            tree["clocks"] = {name: self.clock(name) for name in ("watch", "sensor")}
        tree["hosts"] = self.hosts()
        if self.some(0.7):
            tree["covers"] = self.covers()
        defaults: Tree = {}
        if self.some(0.3):
            defaults["attackers"] = self.who()
        if self.some(0.3):
            defaults["date"] = "2026-05-04"
        if self.clocks and self.some(0.2):
            defaults["clock"] = self.chance.choice(list(self.clocks))
        if defaults:
            tree["defaults"] = defaults
        tree["rules"] = [self.rule(number, defaults) for number in range(1, self.chance.randint(2, 5))]
        return tree
