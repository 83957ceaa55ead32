"""Flows made for the checks of labels: which flows tell a rule from a slightly different one, their packets, and what
netcap says of them.

Not a script of its own. A rule is described by an `Outline`; `flows_for` makes flows at each of its bounds, hosts,
ports and conditions, and just beside them. All times are nanoseconds, in whole microseconds where packets have them.
"""

from __future__ import annotations

import ipaddress
import random
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

import common
from flow_made import SECOND, ethernet, icmp, ipv4, tcp, udp, write_pcap
from flow_packets import ICMP, SCTP, TCP, UDP

US = 1000
STRANGER, OTHER_STRANGER = "203.0.113.77", "198.51.100.7"
DURATION, SEGMENT = 3000 * US, 1400
# Flows of the same ends are in different captures, unless they are further apart than every time-out.
APART = 400 * SECOND
FLOW, ENGELEN = "flow", "flow_cicflowmeter_engelen"
TABLES = (FLOW, ENGELEN)
COLUMNS = (
    "src_ip dst_ip src_port dst_port protocol ts_ns duration_ns fwd_packets bwd_packets fwd_payload_bytes "
    "bwd_payload_bytes fwd_payload_max_bytes fwd_rst_packets bwd_rst_packets"
).split()
LABELS = ["label", "attack", "label_state", "label_category", "label_rule"]


@dataclass
class Atom:
    """A comparison: `=`, `<>`, `<`, `<=`, `>`, `>=`, `in`, `not in` (of a list), `is null`. Durations are in ns."""

    column: str
    op: str
    value: object = None

    def holds(self, value: object) -> bool | None:
        """As in SQL: not known of null."""
        if self.op == "is null":
            return value is None
        if value is None:
            return None
        if self.op in ("in", "not in"):
            return (value in self.value) == (self.op == "in")
        return {
            "=": value == self.value,
            "<>": value != self.value,
            "<": value < self.value,
            "<=": value <= self.value,
            ">": value > self.value,
            ">=": value >= self.value,
        }[self.op]

    def step(self) -> int:
        return US if self.column == "duration_ns" else 1

    def candidates(self) -> list:
        """The values at which it may turn, and those beside them."""
        if self.op == "is null":
            return []
        found: list = []
        for value in self.value if isinstance(self.value, list) else [self.value]:
            if isinstance(value, str):
                found += [value, neighbour(value, 1)]
            else:
                found += [one for one in (value, value - self.step(), value + self.step()) if one >= 0]
        return found


@dataclass
class Part:
    """A rule or an entry of it as flows are made for it: `needed` has to hold altogether, `other` is also asked."""

    direction: str
    start: int
    end: int
    needed: list[Atom] = field(default_factory=list)
    other: list[Atom] = field(default_factory=list)


@dataclass
class Outline:
    """What flows are made for. No hosts, ports, protocols mean any; a port is of a protocol, or of any (None)."""

    rule: str
    whole: Part
    attackers: list[str]
    victims: list[str]
    ports: list[tuple[int, int | None]]
    protocols: list[int]
    entries: list[Part] = field(default_factory=list)


@dataclass
class Made:
    """A flow: `fwd` and `bwd` have (payload bytes, RST) of each packet. An `oneway` ICMP flow is of error messages."""

    rule: str
    why: str
    start: int
    src_ip: str
    dst_ip: str
    src_port: int
    dst_port: int
    protocol: int
    fwd: list[tuple[int, bool]]
    bwd: list[tuple[int, bool]]
    duration: int
    oneway: bool = False
    identifier: int = 0

    def order(self) -> list[tuple[bool, int]]:
        """Packets as (back, which one of that side), the sides by turns."""
        both = [(at, back) for back, side in ((False, self.fwd), (True, self.bwd)) for at in range(len(side))]
        return [(back, at) for at, back in sorted(both)]

    def packets(self) -> list[tuple[int, bytes]]:
        order = self.order()
        last = max(len(order) - 1, 1)
        made = []
        sequence = [self.identifier * 100_003, self.identifier * 90_001 + 7]
        for number, (back, at) in enumerate(order):
            time = self.start + (self.duration if number == last else self.duration * number // last // US * US)
            size, reset = (self.bwd if back else self.fwd)[at]
            ends = (self.dst_ip, self.src_ip) if back else (self.src_ip, self.dst_ip)
            body = self.transport(back, at, size, reset, sequence)
            made.append((time, ethernet(0x0800, ipv4(*ends, self.protocol, body), back=back)))
        return made

    def transport(self, back: bool, at: int, size: int, reset: bool, sequence: list[int]) -> bytes:
        ports = (self.dst_port, self.src_port) if back else (self.src_port, self.dst_port)
        if self.protocol == TCP:
            flags = "RA" if reset else ("SA" if back else "S") if at == 0 else "PA" if size else "A"
            seq = sequence[back]
            sequence[back] += size + ("S" in flags)
            return tcp(ports, flags, seq=seq, ack=0 if flags == "S" else sequence[not back], payload=size)
        if self.protocol == UDP:
            return udp(ports, size)
        if self.protocol == ICMP:
            kind = (3, 3) if self.oneway else (0 if back else 8, 0)
            return icmp(*kind, 0 if self.oneway else self.identifier % 65536, size)
        if self.protocol == SCTP:
            return ports[0].to_bytes(2, "big") + ports[1].to_bytes(2, "big") + bytes(8 + size)
        return bytes(size)

    def row(self, table: str) -> dict:
        """The columns that it is to have in a table of flows."""
        with_ports = self.protocol in ((TCP, UDP, SCTP) if table == FLOW else (TCP, UDP))
        sides = [
            (self.src_ip, self.src_port if with_ports else None, self.fwd),
            (self.dst_ip, self.dst_port if with_ports else None, self.bwd),
        ]
        system = [0 < port < 1024 for _, port, _ in sides if port is not None]
        if table == FLOW and self.protocol in (UDP, SCTP) and system == [True, False]:
            sides.reverse()
        row = {"protocol": self.protocol, "ts_ns": self.start, "duration_ns": self.duration}
        if table == ENGELEN and self.protocol not in (TCP, UDP, ICMP, SCTP):
            row["protocol"] = 0
        for end, prefix, (ip, port, packets) in zip(("src", "dst"), ("fwd", "bwd"), sides):
            row |= {f"{end}_ip": ip, f"{end}_port": port, f"{prefix}_packets": len(packets)}
            row[f"{prefix}_payload_bytes"] = sum(size for size, _ in packets)
            row[f"{prefix}_payload_max_bytes"] = max((size for size, _ in packets), default=None)
            row[f"{prefix}_rst_packets"] = sum(reset for _, reset in packets) if self.protocol == TCP else 0
        return row

    def key(self) -> object:
        """Flows with the same one may get into each other's way, under any policy."""
        if self.protocol in (TCP, UDP):
            return self.protocol, frozenset([(self.src_ip, self.src_port), (self.dst_ip, self.dst_port)])
        return self.protocol if self.protocol in (ICMP, SCTP) else 0, frozenset([self.src_ip, self.dst_ip])


def neighbour(ip: str, step: int) -> str:
    return str(ipaddress.ip_address(ip) + step)


# -- the flows of a rule --------------------------------------------------------------------------------------------


def satisfying(atoms: list[Atom]) -> dict:
    """Values of columns for which all hold. Of what only must not be, nothing: flows have ports that no rule names."""
    wish: dict = {}
    for column in dict.fromkeys(atom.column for atom in atoms):
        of_column = [atom for atom in atoms if atom.column == column]
        if all(atom.op in ("not in", "<>", "is null") for atom in of_column):
            continue
        values = [value for atom in of_column for value in atom.candidates()]
        wish[column] = next(value for value in values if all(atom.holds(value) for atom in of_column))
    return wish


def payload(total: int, largest: int, count: int | None) -> list[int]:
    """Sizes of packets: the first one empty if there are enough for that; of less packets each has more."""
    sizes = [largest] * (total // largest) + [total % largest] * (total % largest > 0)
    if count is None:
        return [0, *sizes]
    if count < len(sizes):
        share = total // count if count else 0
        return [total - share * (count - 1), *[share] * (count - 1)] if count else []
    return [0] * min(count - len(sizes), 1) + sizes + [0] * (count - len(sizes) - 1)


class Maker:
    """Makes the flows of one rule. The same rule and the same number give the same flows."""

    def __init__(self, outline: Outline, first: int) -> None:
        self.outline = outline
        self.random = random.Random(f"{outline.rule} {first}")
        self.number = first
        self.flows: list[Made] = []
        parts = [outline.whole, *outline.entries]
        self.atoms = [atom for part in parts for atom in (*part.needed, *part.other)]
        pairs = ((atom.column, value) for atom in self.atoms for value in atom.candidates())
        self.variants = list(dict.fromkeys(pairs))
        named = {value for column, value in self.variants if column.endswith("port")}
        self.named = named | {port + step for port, _ in outline.ports for step in (-1, 0, 1)}

    def free_port(self) -> int:
        while True:
            self.number += 1
            port = 20_000 + self.number % 40_000
            if port not in self.named:
                return port

    def some_time(self, part: Part) -> int:
        first, last = ticks(part)
        return first + self.random.randrange((last - first) // US + 1) * US

    def add(self, why: str, start: int, way: str, wish: dict | None = None, **more: object) -> None:
        """`attacker`, `victim`, `port` (of the victim), `protocol`, `oneway`; `wish`: values of columns."""
        wish = dict(wish or {})
        outline = self.outline
        attacker = more.get("attacker") or (outline.attackers or [STRANGER])[0]
        victim = more.get("victim") or (outline.victims or [OTHER_STRANGER])[0]
        port, of = (outline.ports or [(4444, None)])[0]
        port = more.get("port", port)
        protocol = wish.get("protocol", more.get("protocol", of or (outline.protocols or [TCP])[0]))
        free = self.free_port()
        ends = [(attacker, free), (victim, port)]
        (src_ip, src_port), (dst_ip, dst_port) = ends if way == "forward" else ends[::-1]
        fwd, bwd, duration = shape(wish, protocol, bool(more.get("oneway")))
        src_ip, dst_ip = wish.get("src_ip", src_ip), wish.get("dst_ip", dst_ip)
        if src_ip == dst_ip:
            return
        ports = wish.get("src_port", src_port), wish.get("dst_port", dst_port)
        made = Made(outline.rule, f"{why}, {way}", start, src_ip, dst_ip, *ports, protocol, fwd, bwd, duration,
                    bool(more.get("oneway")), self.number)  # fmt: skip
        self.flows.append(made)

    def all(self) -> list[Made]:
        whole = self.outline.whole
        self.times()
        self.hosts()
        self.ports()
        self.protocols()
        for number, part in enumerate([whole, *self.outline.entries]):
            self.conditions(f"entry {number}" if number else "rule", part)
        if self.atoms:
            for _ in range(20 + 20 * len(self.outline.entries)):
                self.mixture()
        return self.flows

    def wish(self, part: Part) -> dict:
        """What satisfies the rule and the entry, or the entry alone if both at a time cannot be."""
        whole = self.outline.whole
        try:
            return satisfying(whole.needed + (part.needed if part is not whole else []))
        except StopIteration:
            return satisfying(part.needed)

    def times(self) -> None:
        whole = self.outline.whole
        intervals = {(part.start, part.end) for part in (whole, *self.outline.entries)}
        for part in (whole, *self.outline.entries):
            wish = self.wish(part)
            for start, end in sorted(intervals):
                first, last = ticks(Part("", start, end))
                moments = [first - SECOND, first - US, first, first + US, last - US, last, last + US]
                moments += [last + 999_999 * US, last + SECOND, (first + last) // 2 // US * US]
                for moment in moments:
                    for way in ("forward", "reverse"):
                        self.add(f"starts {moment - first:+} / {moment - last:+} ns", moment, way, wish)
                if part is not whole:
                    continue
                for duration in (0, SECOND, 100 * SECOND):
                    for moment in (first - duration, first - duration - US, last, last + US, last - duration // 2):
                        for way in ("forward", "reverse"):
                            self.add(f"lasts {duration} ns", moment, way, wish | {"duration_ns": duration})

    def hosts(self) -> None:
        outline = self.outline
        attackers, victims = outline.attackers or [STRANGER], outline.victims or [OTHER_STRANGER]
        pairs = [(one, victims[0]) for one in attackers] + [(attackers[0], one) for one in victims]
        for step in (-1, 1):
            pairs += [(neighbour(one, step), victims[0]) for one in attackers]
            pairs += [(attackers[0], neighbour(one, step)) for one in victims]
        pairs += [(STRANGER, victims[0]), (attackers[0], STRANGER), (STRANGER, OTHER_STRANGER)]
        pairs += [(attackers[0], attackers[-1]), (victims[-1], victims[0])]
        for attacker, victim in dict.fromkeys(pairs):
            for way in ("forward", "reverse"):
                more = {"attacker": attacker, "victim": victim}
                self.add("hosts", self.some_time(outline.whole), way, self.wish(outline.whole), **more)

    def ports(self) -> None:
        whole = self.outline.whole
        for port in sorted({port + step for port, _ in self.outline.ports for step in (-1, 0, 1)} | {0, 21, 80, 443}):
            for protocol in (TCP, UDP, SCTP):
                for way in ("forward", "reverse"):
                    more = {"port": port, "protocol": protocol}
                    self.add(f"port {port}", self.some_time(whole), way, self.wish(whole), **more)
                    if port:
                        wish = self.turned(port, way)
                        self.add(f"port {port} turned", self.some_time(whole), way, wish, protocol=protocol)

    def turned(self, port: int, way: str) -> dict:
        """The victim's port at the attacker."""
        free = self.free_port()
        return {"src_port": port, "dst_port": free} if way == "forward" else {"src_port": free, "dst_port": port}

    def protocols(self) -> None:
        whole = self.outline.whole
        for protocol in (TCP, UDP, ICMP, SCTP, 253):
            for sent in (0, 1, 100):
                for answered in (0, 50):
                    for way in ("forward", "reverse"):
                        wish = self.wish(whole) | {"fwd_payload_bytes": sent, "bwd_payload_bytes": answered}
                        self.add("protocol", self.some_time(whole), way, wish, protocol=protocol)
        for way in ("forward", "reverse"):
            self.add("ICMP error", self.some_time(whole), way, protocol=ICMP, oneway=True)

    def conditions(self, name: str, part: Part) -> None:
        """All conditions hold; each column that any of them names is a little other; also outside of its own time."""
        wish = self.wish(part)
        whole = self.outline.whole
        for within in (part, whole) if (part.start, part.end) != (whole.start, whole.end) else (part,):
            for way in ("forward", "reverse"):
                self.add(f"{name} holds", self.some_time(within), way, wish)
                for port, _ in self.outline.ports:
                    self.add(f"{name} holds, port turned", self.some_time(within), way, self.turned(port, way) | wish)
                for column, value in self.variants:
                    self.add(f"{name}, {column} is {value}", self.some_time(within), way, wish | {column: value})

    def mixture(self) -> None:
        wish = {}
        for atom in self.random.sample(self.atoms, self.random.randint(1, len(self.atoms))):
            values = atom.candidates()
            if values:
                wish[atom.column] = self.random.choice(values)
        way = self.random.choice(["forward", "reverse"])
        self.add("mixture", self.some_time(self.outline.whole), way, wish)


def ticks(part: Part) -> tuple[int, int]:
    """The first and the last whole microsecond inside."""
    return -(-part.start // US) * US, part.end // US * US


def shape(wish: dict, protocol: int, oneway: bool) -> tuple[list, list, int]:
    """Packets of both sides and a duration that are as wished, as far as there are such packets."""
    largest = wish.get("fwd_payload_max_bytes") or SEGMENT
    total = wish.get("fwd_payload_bytes", largest if wish.get("fwd_payload_max_bytes") else 100)
    resets = [wish.get("fwd_rst_packets", 0), wish.get("bwd_rst_packets", 0)] if protocol == TCP else [0, 0]
    fwd = payload(total, largest, wish.get("fwd_packets"))
    bwd = payload(0 if oneway else wish.get("bwd_payload_bytes", 50), SEGMENT, 0 if oneway else wish.get("bwd_packets"))
    # The first packet of a flow has SYN, none has SYN and RST.
    fwd += [0] * max(1 + resets[0] - len(fwd), 0)
    bwd += [0] * max(resets[1] - len(bwd), 0)
    duration = wish.get("duration_ns", DURATION)
    if duration and len(fwd) + len(bwd) == 1:
        if "duration_ns" not in wish:
            duration = 0
        else:
            (bwd if "fwd_packets" in wish else fwd).append(0)
    sides = [
        [(size, at >= len(side) - reset) for at, size in enumerate(side)] for side, reset in zip((fwd, bwd), resets)
    ]
    return sides[0], sides[1], duration


def flows_for(outlines: list[Outline]) -> list[Made]:
    flows: list[Made] = []
    for outline in outlines:
        flows += Maker(outline, len(flows)).all()
    return flows


# -- what netcap says of them ---------------------------------------------------------------------------------------


def arrange(flows: list[Made]) -> list[list[Made]]:
    """By captures, so that flows with the same key are in different ones or far apart, each other's initiator too."""
    captures: list[tuple[dict, list[Made]]] = []
    for flow in flows:
        for seen, inside in captures:
            if all(far_apart(flow, other) for other in seen.get(flow.key(), [])):
                break
        else:
            seen, inside = {}, []
            captures.append((seen, inside))
        seen.setdefault(flow.key(), []).append(flow)
        inside.append(flow)
    return [inside for _, inside in captures]


def far_apart(one: Made, other: Made) -> bool:
    """In time, and with the same initiator: one part of a connection may take it from the part before it."""
    gaps = one.start - other.start - other.duration, other.start - one.start - one.duration
    return max(gaps) > APART and one.src_ip == other.src_ip


def labelled(binary: Path, labels: Path, flows: list[Made], work: Path) -> list[tuple[str, Made | None, dict]]:
    """Rows of both tables of flows with labels, each as (table, the flow that it is, row); None for one not made."""
    owners: dict[tuple[str, int], Made] = {}
    folder, out = work / "captures", work / "out"
    folder.mkdir(parents=True, exist_ok=True)
    for number, inside in enumerate(arrange(flows)):
        name = f"made-{number:04}.pcap"
        packets = []
        for index, flow in enumerate(inside):
            packets += [(time, index, at, data) for at, (time, data) in enumerate(flow.packets())]
        packets.sort()
        for position, (_, index, at, _) in enumerate(packets, 1):
            if at == 0:
                owners[name, position] = inside[index]
        write_pcap(folder / name, 1, [(time, len(data), data) for time, _, _, data in packets])
    tables = ",".join(("capture", *TABLES))
    common.decode(binary, folder, out=out, options=["--tables", tables, "--overlap", "separate", "-q"])
    command = [binary, "label", "--labels", labels, "--set", "made", "--input", out, "-q"]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    if run.returncode not in (0, 1):
        raise RuntimeError(f"netcap label ended with status {run.returncode}: {run.stderr.strip()[-500:]}")
    names = {row["capture"]: Path(row["name"]).name for row in common.read_table(out, "capture")}
    rows = []
    for table in TABLES:
        for row in labelled_rows(out, table):
            rows.append((table, owners.get((names[row["capture"]], row["packet"])), row))
    return rows


def labelled_rows(out: Path, table: str) -> list[dict]:
    import pyarrow.parquet as pq

    rows: list[dict] = []
    for file in sorted((out / "labeled" / "made" / table).glob("**/*.parquet")):
        rows += pq.ParquetFile(file).read(columns=["capture", "packet", *COLUMNS, *LABELS]).to_pylist()
    return rows


def misfits(rows: list[tuple[str, Made | None, dict]], flows: list[Made]) -> list[str]:
    """Where a flow in a table is not as it was made. Payload counts of TCP and UDP only."""
    found = []
    for table, made, row in rows:
        if made is None:
            found.append(f"{table}: a flow that was not made: {row}")
            continue
        wanted = made.row(table)
        for column in COLUMNS:
            there = row[column] or 0 if column.endswith("_port") else row[column]
            here = wanted[column] or 0 if column.endswith("_port") else wanted[column]
            if here != there and not ("payload" in column and made.protocol not in (TCP, UDP)):
                found.append(f"{table}: {made.rule}, {made.why}: {column} is {there!r}, made {here!r}")
    if len(rows) != len(flows) * len(TABLES):
        found.append(f"{len(rows)} rows of {len(flows)} flows in {len(TABLES)} tables")
    return found
