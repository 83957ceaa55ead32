"""The ground truth of a recording: label file, truth by connection, and the check against tshark."""

import csv
import datetime
import ipaddress
import json
import re
import struct
import subprocess
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from network import HOSTS, find

LAB_NETS = [ipaddress.ip_network(net) for net in (
    "10.77.0.0/24", "10.77.42.0/24", "fd77::/64", "fd77:42::/64", "fe80::/64", "ff00::/8")]
EVERY_ADDRESS = "lab, lab-vlan, lab6, lab6-vlan, link-local, multicast"


@dataclass
class Attack:
    id: str
    label: str
    victims: list  # names of hosts
    ports: str | None
    mitre: str
    comment: str
    command: str
    attempted: str | None = None


def clock(micros, date=True):
    moment = datetime.datetime.fromtimestamp(micros // 10**6, datetime.timezone.utc)
    return moment.strftime("%Y-%m-%d %H:%M:%S" if date else "%H:%M:%S") + f".{micros % 10**6:06d}"


# -- label file --------------------------------------------------------------------------


class LabelFile:
    """Begun here; each rule is added by `netcap label record`, and explained here as a person would; `covers` at the end."""

    def __init__(self, path):
        self.path = path
        hosts = ""
        for host in HOSTS.values():
            vlan = [host.vlan_ip4, f'"{host.vlan_ip6}"'] if host.vlan_ip4 else []
            addresses = ", ".join([host.ip4, f'"{host.ip6}"', *vlan])
            hosts += f"  {host.name}: [{addresses}]".ljust(40) + f" # {host.role}\n"
        path.write_text(f"""\
# Ground truth of quickstart.pcapng: tests/lab/record ran each attack by `netcap label record` while it
# recorded, which took down the times directly before and after it. The hosts share a clock with the
# recorder, so nothing needs correcting. Comments, `attempted` and `covers` were added by the script.
netcap-labels: 1
zone: UTC

hosts:                      # each with its IPv6 addresses, and those on the VLAN
{hosts}  # every address that the lab uses
  lab: 10.77.0.0/24
  lab-vlan: 10.77.42.0/24
  lab6: "fd77::/64"
  lab6-vlan: "fd77:42::/64"
  link-local: "fe80::/64"
  multicast: "ff00::/8"

{RULES}""")

    def explain(self, attack):
        """What the command itself does not say."""
        text = self.path.read_text()
        rule = f"  - id: {attack.id}\n"
        before, rest = text.split(rule)
        comment = "".join(f"  # {line}\n" for line in attack.comment.splitlines())
        if attack.attempted:
            rest = rest.replace("    extra:\n", attack.attempted + "    extra:\n")
        self.path.write_text(before + comment + rule + rest + "\n")

    def covers(self, start, end):
        text = self.path.read_text().rstrip() + "\n"
        before, rest = text.split(RULES)
        self.path.write_text(f"""\
{before}# The whole network was ours and nobody else was on it: what no rule claims is benign, on the
# attacker's own machine too, which was used normally before, between and after the attacks.
covers:
  - hosts: [{EVERY_ADDRESS}]
    time: {clock(start)} .. {clock(end)}

{RULES}{rest}""")


RULES = "rules:\n"


@dataclass
class Window:
    label: str = ""
    start: int = 0  # nanoseconds since 1970
    end: int = 0
    victims: tuple = ()
    port: str | None = None


def read_windows(path):
    """The rules by id, and `covers`: only what this module writes can be read."""
    windows = {}
    for line in Path(path).read_text().splitlines():
        if found := re.match(r"  - id: (\S+)", line):
            now = windows[found[1]] = Window()
        elif line == "covers:":
            now = windows["covers"] = Window()
        elif found := re.match(r"    label: (.+)", line):
            now.label = found[1].strip('"')
        elif found := re.match(r"    time: (\S+[ T]\S+) \.\. (\S+[ T]\S+)", line):
            now.start, now.end = nanos(found[1]), nanos(found[2])
        elif found := re.match(r"    victims: (.+)", line):
            now.victims = tuple(HOSTS[name].ip4 for name in re.findall(r"\w+", found[1]))
        elif found := re.match(r"    ports: \"(\d+)/", line):
            now.port = found[1]
    return windows


def nanos(text):
    moment, fraction = text.replace("T", " ").rstrip("Z").split(".")
    seconds = datetime.datetime.strptime(moment + " +0000", "%Y-%m-%d %H:%M:%S %z").timestamp()
    return int(seconds) * 10**9 + int(fraction.ljust(9, "0"))


# -- capture file ------------------------------------------------------------------------


def blocks(path):
    data, at = Path(path).read_bytes(), 0
    while at < len(data):
        kind, length = struct.unpack_from("<II", data, at)
        yield kind, data[at + 8 : at + length - 4]
        at += length


def options(data):
    at = 0
    while at + 4 <= len(data):
        code, length = struct.unpack_from("<HH", data, at)
        if code == 0:
            return
        yield code, data[at + 4 : at + 4 + length]
        at += 4 + (length + 3) // 4 * 4


def block(kind, body, kept=()):
    for code, value in kept:
        body += struct.pack("<HH", code, len(value)) + value + b"\0" * (-len(value) % 4)
    if kept:
        body += b"\0\0\0\0"
    return struct.pack("<II", kind, len(body) + 12) + body + struct.pack("<I", len(body) + 12)


def neutral(source, target):
    """A copy without what says which machine recorded: no comments, hardware, system or program.

    Packets are put in the order of their times: two processors may hand theirs over the other way
    round within microseconds.
    """
    section, interface, packet, statistics = 0x0A0D0D0A, 1, 6, 5
    head, packets, tail = [], [], []
    for kind, body in blocks(source):
        if kind == section:
            head.append(block(kind, body[:8] + b"\xff" * 8))
        elif kind == interface:
            name, resolution = 2, 9
            head.append(block(kind, body[:8], [o for o in options(body[8:]) if o[0] in (name, resolution)]))
        elif kind == packet:
            high, low, captured = struct.unpack_from("<III", body, 4)
            packets.append((high << 32 | low, block(kind, body[: 20 + (captured + 3) // 4 * 4])))
        elif kind == statistics:
            start, end, received, dropped = 2, 3, 4, 5
            kept = [o for o in options(body[12:]) if o[0] in (start, end, received, dropped)]
            tail.append(block(kind, body[:12], kept))
    packets.sort(key=lambda entry: entry[0])
    Path(target).write_bytes(b"".join([*head, *(data for _, data in packets), *tail]))


def frames(path):
    for kind, body in blocks(path):
        if kind == 6:
            captured, original = struct.unpack_from("<II", body, 12)
            yield body[20 : 20 + captured], original


# -- what tshark sees --------------------------------------------------------------------

FIELDS = ("frame.time_epoch frame.protocols eth.src eth.dst ip.src ip.dst ipv6.src ipv6.dst tcp.stream tcp.srcport "
          "tcp.dstport udp.stream udp.srcport udp.dstport icmp.type icmpv6.type icmp.ident icmpv6.echo.identifier "
          "ip.checksum.status tcp.checksum.status udp.checksum.status vlan.id tcp.len tcp.checksum").split()


def read_packets(path):
    command = [find("tshark"), "-n", "-r", str(path), "-T", "fields", "-E", "occurrence=f", "-E", "separator=|",
               "-o", "ip.check_checksum:TRUE", "-o", "tcp.check_checksum:TRUE", "-o", "udp.check_checksum:TRUE"]
    for field in FIELDS:
        command += ["-e", field]
    text = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120).stdout
    packets = []
    for line in text.splitlines():
        packet = dict(zip(FIELDS, line.split("|")))
        seconds, _, fraction = packet["frame.time_epoch"].partition(".")
        packet["ns"] = int(seconds) * 10**9 + int(fraction.ljust(9, "0")[:9])
        packets.append(packet)
    return packets


@dataclass
class Conversation:
    proto: str
    src_ip: str
    src_port: str
    dst_ip: str
    dst_port: str
    first: int
    last: int
    packets: int = 0
    fwd_payload: int = 0
    label: str = "benign"


def conversations(packets):
    """One for each tcp.stream and udp.stream of tshark; ICMP by addresses and echo identifier."""
    found = {}
    for packet in packets:
        source = packet["ip.src"] or packet["ipv6.src"]
        target = packet["ip.dst"] or packet["ipv6.dst"]
        ports = ("", "")
        if packet["icmp.type"] or packet["icmpv6.type"]:
            proto = "icmp" if packet["icmp.type"] else "icmpv6"
            ident = packet["icmp.ident"] or packet["icmpv6.echo.identifier"]
            # pings and their answers are one conversation; so are neighbour questions and answers
            key = (proto, frozenset((source, target)), ident)
        elif packet["tcp.stream"]:
            proto, key = "tcp", ("tcp", packet["tcp.stream"])
            ports = (packet["tcp.srcport"], packet["tcp.dstport"])
        elif packet["udp.stream"]:
            proto, key = "udp", ("udp", packet["udp.stream"])
            ports = (packet["udp.srcport"], packet["udp.dstport"])
        else:
            continue
        conversation = found.setdefault(
            key, Conversation(proto, source, ports[0], target, ports[1], packet["ns"], packet["ns"]))
        conversation.packets += 1
        conversation.last = max(conversation.last, packet["ns"])
        if (source, ports[0]) == (conversation.src_ip, conversation.src_port):
            conversation.fwd_payload += int(packet["tcp.len"] or 0)
        packet["conversation"] = conversation
    return list(found.values())


def claim(found, journal, scanned):
    """The label of each conversation, by what the lab wrote down while it acted.

    `journal` has the connections whose ports the lab's programs knew. The scan is known by its
    source port. What neither names (ssh, the resolver's lookups, neighbour discovery, ping)
    is normal use: only the programs of `journal` and nmap attack anybody.
    Returns how many were named by the journal or the scan.
    """
    known = {}
    for line in Path(journal).read_text().splitlines():
        entry = json.loads(line)
        key = (entry["proto"], entry["src_ip"], str(entry["src_port"]), entry["dst_ip"], str(entry["dst_port"]))
        if known.setdefault(key, entry["label"]) != entry["label"]:
            raise RuntimeError(f"one connection in two roles, by reuse of a port: {key}; record again")
    named = 0
    for one in found:
        key = (one.proto, one.src_ip, one.src_port, one.dst_ip, one.dst_port)
        if key in known:
            one.label, named = known.pop(key), named + 1
        elif one.proto == "tcp" and (one.src_ip, one.src_port) == scanned:
            one.label, named = "Port scan", named + 1
    if known:
        raise RuntimeError(f"{len(known)} connections of the journal are not in the capture: {sorted(known)[:3]}")
    return named


COLUMNS = ["proto", "src_ip", "src_port", "dst_ip", "dst_port", "first_epoch", "expected_label"]


def write_truth(path, found):
    with open(path, "w", newline="") as file:
        out = csv.writer(file, lineterminator="\n")
        out.writerow(COLUMNS)
        for one in sorted(found, key=lambda c: c.first):
            epoch = f"{one.first // 10**9}.{one.first % 10**9:09d}"
            out.writerow([one.proto, one.src_ip, one.src_port, one.dst_ip, one.dst_port, epoch, one.label])


# -- check -------------------------------------------------------------------------------

def check(folder):
    """What must hold between the three files. Returns (problems, facts)."""
    folder = Path(folder)
    packets = read_packets(folder / "quickstart.pcapng")
    found = conversations(packets)
    windows = read_windows(folder / "quickstart.labels.yaml")
    problems = []

    with open(folder / "quickstart.truth.csv", newline="") as file:
        rows = {(r["proto"], r["src_ip"], r["src_port"], r["dst_ip"], r["dst_port"],
                 int(r["first_epoch"].replace(".", ""))): r["expected_label"] for r in csv.DictReader(file)}
    for one in found:
        key = (one.proto, one.src_ip, one.src_port, one.dst_ip, one.dst_port, one.first)
        one.label = rows.pop(key, None)
        if one.label is None:
            problems.append(f"not in the truth: {key}")
            one.label = "?"
    problems += [f"not in the capture: {key}" for key in list(rows)[:5]]

    # The truth by connection and the rules must say the same of each conversation.
    attacker = HOSTS["attacker"].ip4
    rules = {window.label: window for window in windows.values() if window.label}
    for one in found:
        said = "benign"
        for rule in rules.values():
            for actor, port, victim in ((one.src_ip, one.dst_port, one.dst_ip), (one.dst_ip, one.src_port, one.src_ip)):
                if (actor == attacker and victim in rule.victims and rule.port in (None, port)
                        and one.first <= rule.end and one.last >= rule.start):
                    said = rule.label
        expected = one.label.removeprefix("attempted: ")
        if expected != said:
            problems.append(f"truth says {one.label}, the rules {said}: {one}")
        elif said != "benign" and not (rules[said].start <= one.first and one.last <= rules[said].end):
            problems.append(f"packets outside of the window: {one}")
        if expected == "Password guessing" and (expected != one.label) != (one.fwd_payload == 0):
            problems.append(f"`attempted` and the payload disagree: {one}")

    covers = windows["covers"]
    inside = {label: 0 for label in rules}
    seen = Counter()
    for packet in packets:
        if not covers.start <= packet["ns"] <= covers.end:
            problems.append("a packet outside of covers")
        for protocol in set(packet["frame.protocols"].split(":")):
            seen[protocol] += 1
        for field in ("ip.src", "ip.dst", "ipv6.src", "ipv6.dst"):
            if packet[field] and not any(ipaddress.ip_address(packet[field]) in net for net in LAB_NETS):
                problems.append(f"foreign address {packet[field]}")
        if not packet["eth.src"].startswith("02:00:00:77:"):
            problems.append(f"foreign MAC {packet['eth.src']}")
        quoting = packet["icmp.type"] or packet["icmpv6.type"]
        for field in ("ip.checksum.status", "tcp.checksum.status", "udp.checksum.status"):
            # Linux writes the sum 0 as 0xffff, the other zero of ones' complement: as valid, but not to tshark
            if packet[field] == "0" and not quoting and packet["tcp.checksum"] != "0xffff":
                problems.append(f"bad checksum: {field} at {packet['frame.time_epoch']}")
        if packet["vlan.id"] not in ("", "42"):
            problems.append(f"foreign VLAN {packet['vlan.id']}")
        one = packet.get("conversation")
        if one and one.label != "benign":
            inside[one.label.removeprefix("attempted: ")] += 1
    for protocol in ("arp", "ip", "ipv6", "icmp", "icmpv6", "tcp", "udp", "dns", "http", "ssh", "vlan"):
        if not seen[protocol]:
            problems.append(f"no {protocol}")

    recent, cut, repeated = [], 0, 0
    for data, original in frames(folder / "quickstart.pcapng"):
        cut += len(data) < original
        # ARP and neighbour discovery repeat themselves byte for byte, IPv4 and TCP do not
        if data[12:14] == b"\x08\x00":
            repeated += data in recent
            recent = recent[-7:] + [data]
        if len(data) > 1518:
            problems.append(f"a frame of {len(data)} bytes")
    if cut:
        problems.append(f"{cut} frames cut short")
    unordered = sum(a["ns"] > b["ns"] for a, b in zip(packets, packets[1:]))
    facts = {
        "packets": len(packets),
        "protocols": seen,
        "conversations": Counter(one.label for one in found),
        "by_proto": Counter(one.proto for one in found),
        "attack_packets": inside,
        "windows": windows,
        "repeated": repeated,
        "unordered": unordered,
        "during": {label: sum(one.label == "benign" and one.first <= rule.end and one.last >= rule.start for one in found)
                   for label, rule in rules.items()},
        "seconds": (packets[-1]["ns"] - packets[0]["ns"]) / 10**9,
    }
    if repeated:
        problems.append(f"{repeated} frames seen twice")
    if unordered:
        problems.append(f"{unordered} packets earlier than the one before")
    return problems, facts
