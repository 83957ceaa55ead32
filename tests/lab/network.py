"""The lab's hosts and wires: namespaces, one bridge, fixed addresses, and their removal."""

import os
import random
import shutil
import signal
import struct
import subprocess
import sys
import time
import zlib
from pathlib import Path

HERE = Path(__file__).resolve().parent
PREFIX = "netcap-lab-"
SWITCH = PREFIX + "switch"
BRIDGE = "br0"
ZONE = "lab.test"
TUNNEL_ZONE = "sync.test"
VLAN = 42


class Host:
    """One namespace with an eth0 on the bridge; some also have a tagged vlan42."""

    def __init__(self, name, number, role, vlan=False):
        self.name, self.number, self.role = name, number, role
        self.ns = PREFIX + name
        self.ip4 = f"10.77.0.{number}"
        self.ip6 = f"fd77::{number}"
        self.mac = f"02:00:00:77:00:{number:02d}"
        self.vlan_ip4 = f"10.77.{VLAN}.{number}" if vlan else None
        self.vlan_ip6 = f"fd77:{VLAN}::{number}" if vlan else None
        self.vlan_mac = f"02:00:00:77:{VLAN}:{number:02d}" if vlan else None


HOSTS = {
    host.name: host
    for host in (
        Host("client", 10, "the user: browser, shell, ping", vlan=True),
        Host("web", 20, "nginx on 80/tcp, login form on 8080/tcp", vlan=True),
        Host("admin", 30, "sshd on 22/tcp, and a second user"),
        Host("dns", 53, f"dnsmasq on 53, zones {ZONE} and {TUNNEL_ZONE}"),
        Host("attacker", 66, "the attacks, and a little normal use"),
    )
}

PROGRAMS = {  # program -> Debian package
    "ip": "iproute2",
    "ethtool": "ethtool",
    "nginx": "nginx-light",
    "dnsmasq": "dnsmasq-base",
    "sshd": "openssh-server",
    "ssh": "openssh-client",
    "ssh-keygen": "openssh-client",
    "curl": "curl",
    "nmap": "nmap",
    "ping": "iputils-ping",
    "dumpcap": "wireshark-common",
    "capinfos": "wireshark-common",
    "tshark": "tshark",
}
PATH = os.environ.get("PATH", "") + ":/usr/sbin:/sbin"


def find(program):
    return shutil.which(program, path=PATH)


def missing_packages():
    return sorted({package for program, package in PROGRAMS.items() if not find(program)})


def run(*command):
    """A command that must work; its output."""
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)}: {(done.stderr or done.stdout).strip()}")
    return done.stdout


def namespaces():
    names = [line.split()[0] for line in run(find("ip"), "netns", "list").splitlines() if line]
    return [name for name in names if name.startswith(PREFIX)]


class Network:
    """Everything that a recording starts, so that close() can end exactly that."""

    def __init__(self, work):
        self.work = Path(work)
        self.processes = []
        self.etc = []
        self.made_run_sshd = False

    # -- wires ---------------------------------------------------------------------------

    def build(self):
        if namespaces():
            raise RuntimeError("an earlier run left namespaces behind: tests/lab/record --clean")
        ip = find("ip")
        run(ip, "netns", "add", SWITCH)
        self._sysctl(SWITCH, "net.ipv6.conf.all.disable_ipv6=1")
        self._sysctl(SWITCH, "net.ipv6.conf.default.disable_ipv6=1")
        run(ip, "-n", SWITCH, "link", "add", BRIDGE, "address", "02:00:00:77:00:01", "type", "bridge",
            "stp_state", "0", "forward_delay", "0", "mcast_snooping", "0")
        run(ip, "-n", SWITCH, "link", "set", BRIDGE, "up")
        for host in HOSTS.values():
            self._add_host(host)
        for host in HOSTS.values():
            if host.vlan_ip4:
                self._add_vlan(host)

    def _add_host(self, host):
        ip = find("ip")
        run(ip, "netns", "add", host.ns)
        for conf in ("all", "default"):
            self._sysctl(host.ns, f"net.ipv6.conf.{conf}.accept_ra=0")
            self._sysctl(host.ns, f"net.ipv6.conf.{conf}.router_solicitations=0")
        run(ip, "-n", host.ns, "link", "set", "lo", "up")
        run(ip, "-n", SWITCH, "link", "add", f"to-{host.name}", "type", "veth",
            "peer", "name", "eth0", "address", host.mac, "netns", host.ns)
        run(ip, "-n", SWITCH, "link", "set", f"to-{host.name}", "master", BRIDGE, "up")
        run(ip, "-n", host.ns, "link", "set", "eth0", "up")
        # Without offloads the capture holds frames as a wire would carry them: none larger than
        # the MTU, each with its checksum.
        for namespace, device in ((host.ns, "eth0"), (SWITCH, f"to-{host.name}")):
            run(ip, "netns", "exec", namespace, find("ethtool"), "-K", device,
                "tx", "off", "rx", "off", "sg", "off", "tso", "off", "gso", "off", "gro", "off")
        run(ip, "-n", host.ns, "address", "add", f"{host.ip4}/24", "dev", "eth0")
        run(ip, "-n", host.ns, "address", "add", f"{host.ip6}/64", "dev", "eth0", "nodad")
        # `ip netns exec` puts these files over those of /etc
        etc = Path("/etc/netns") / host.ns
        etc.mkdir(parents=True)
        self.etc.append(etc)
        resolver = "127.0.0.1" if host.name == "dns" else HOSTS["dns"].ip4
        (etc / "resolv.conf").write_text(f"nameserver {resolver}\noptions timeout:2 attempts:2\n")
        (etc / "hosts").write_text("127.0.0.1 localhost\n")
        (etc / "nsswitch.conf").write_text("passwd: files\ngroup: files\nshadow: files\nhosts: files dns\n")

    def _add_vlan(self, host):
        """A tagged subinterface. actors.py does the tagging, for kernels without 802.1Q."""
        ip, device = find("ip"), f"vlan{VLAN}"
        self.start(host, "vlan", actor("vlan", str(VLAN)))
        wait_until(lambda: device in run(ip, "-n", host.ns, "-br", "link"), f"{device} of {host.name}")
        run(ip, "-n", host.ns, "link", "set", device, "address", host.vlan_mac)
        run(ip, "-n", host.ns, "link", "set", device, "up")
        run(ip, "-n", host.ns, "address", "add", f"{host.vlan_ip4}/24", "dev", device)
        run(ip, "-n", host.ns, "address", "add", f"{host.vlan_ip6}/64", "dev", device, "nodad")

    def _sysctl(self, namespace, setting):
        key, value = setting.split("=")
        path = "/proc/sys/" + key.replace(".", "/")
        run(find("ip"), "netns", "exec", namespace, "sh", "-c", f"echo {value} > {path}")

    # -- programs ------------------------------------------------------------------------

    def start(self, where, what, command, **more):
        """A program that runs on in a namespace, with its messages in the work folder."""
        namespace = where if isinstance(where, str) else where.ns
        messages = open(self.work / f"{namespace}-{what}.log", "wb")
        process = subprocess.Popen(
            [find("ip"), "netns", "exec", namespace, *command],
            stdin=subprocess.DEVNULL, stdout=messages, stderr=messages, start_new_session=True,
            env=environment(self.work), **more)
        messages.close()
        self.processes.append(process)
        return process

    def finish(self, where, what, command, seconds, **more):
        """A program that must end by itself within so many seconds."""
        process = self.start(where, what, command, **more)
        code = process.wait(timeout=seconds)
        if code:
            namespace = where if isinstance(where, str) else where.ns
            text = (self.work / f"{namespace}-{what}.log").read_text(errors="replace")
            raise RuntimeError(f"{what} ended with {code}: {text[-2000:]}")

    def serve(self):
        """The servers of the lab."""
        web, dns, admin = HOSTS["web"], HOSTS["dns"], HOSTS["admin"]
        work = self.work
        make_pages(work / "www")
        (work / "nginx.conf").write_text(NGINX.format(work=work))
        self.start(web, "nginx", [find("nginx"), "-p", str(work), "-e", str(work / "nginx.err"),
                                  "-c", str(work / "nginx.conf")])
        self.start(web, "login", actor("login-form", "8080"))
        records = [f"--host-record={h.name}.{ZONE},{h.ip4},{h.ip6}" for h in HOSTS.values()]
        records += [f"--cname=www.{ZONE},web.{ZONE}", f"--mx-host={ZONE},web.{ZONE},10",
                    f"--txt-record={ZONE},v=spf1 -all", f"--local=/{ZONE}/",
                    f"--server=/{TUNNEL_ZONE}/127.0.0.1#5353"]
        self.start(dns, "authority", actor("tunnel-authority", "5353"))
        self.start(dns, "dnsmasq", [
            find("dnsmasq"), "--keep-in-foreground", "--conf-file=/dev/null", "--no-resolv", "--no-hosts",
            "--user=root", f"--pid-file={work}/dnsmasq.pid", "--bind-interfaces", "--interface=eth0",
            "--log-facility=-", *records])
        self._serve_ssh(admin)

    def _serve_ssh(self, host):
        run_sshd = Path("/run/sshd")
        if not run_sshd.exists():
            run_sshd.mkdir(mode=0o755)
            self.made_run_sshd = True
        for key in ("host-key", "user-key"):
            run(find("ssh-keygen"), "-q", "-t", "ed25519", "-N", "", "-C", "lab", "-f", str(self.work / key))
        (self.work / "sshd.conf").write_text(SSHD.format(work=self.work))
        self.start(host, "sshd", [find("sshd"), "-D", "-e", "-f", str(self.work / "sshd.conf")])

    # -- the end -------------------------------------------------------------------------

    def close(self):
        for process in self.processes:
            if process.poll() is None:
                try:
                    os.killpg(process.pid, signal.SIGTERM)
                except ProcessLookupError:
                    pass
        deadline = time.monotonic() + 3
        for process in self.processes:
            try:
                process.wait(timeout=max(0.1, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
        remove_namespaces()
        for etc in self.etc:
            shutil.rmtree(etc, ignore_errors=True)
        remove_if_empty(Path("/etc/netns"))
        if self.made_run_sshd:
            remove_if_empty(Path("/run/sshd"))


def remove_namespaces():
    """The lab's own namespaces, with what still runs inside of them."""
    for name in namespaces():
        for pid in run(find("ip"), "netns", "pids", name).split():
            try:
                os.kill(int(pid), signal.SIGKILL)
            except ProcessLookupError:
                pass
        run(find("ip"), "netns", "delete", name)
        shutil.rmtree(Path("/etc/netns") / name, ignore_errors=True)


def remove_if_empty(folder):
    try:
        folder.rmdir()
    except OSError:
        pass


def actor(*arguments):
    return [sys.executable, "-B", str(HERE / "actors.py"), *arguments]


def environment(work):
    return {"PATH": PATH, "LANG": "C", "LAB_WORK": str(work), "HOME": str(work)}


def wait_until(condition, what, seconds=10):
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise RuntimeError(f"waited {seconds} s for {what}")
        time.sleep(0.1)


def make_pages(folder):
    """A small site: pages that name pictures, and some files that do not compress."""
    source = random.Random(77)
    folder.mkdir()
    for number in range(12):
        words = " ".join(source.choice(("flow", "packet", "label", "column", "window")) for _ in range(90 * (1 + number % 4)))
        (folder / f"page{number}.html").write_text(
            f"<!doctype html><title>Page {number}</title>\n<img src=picture{number % 4}.png>\n<p>{words}</p>\n")
    (folder / "index.html").write_text("".join(f"<a href=page{n}.html>{n}</a>\n" for n in range(12)))
    for number in range(4):
        (folder / f"picture{number}.png").write_bytes(png(source, 50 + 15 * number))
    for name, size in (("small.bin", 60_000), ("medium.bin", 100_000), ("large.bin", 200_000)):
        (folder / name).write_bytes(source.randbytes(size))
    for path in (folder, *folder.iterdir()):
        path.chmod(0o755)


def png(source, size):
    """A square of grey noise."""

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    rows = b"".join(b"\0" + source.randbytes(size) for _ in range(size))
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", size, size, 8, 0, 0, 0, 0))
            + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b""))


NGINX = """\
daemon off;
worker_processes 1;
pid {work}/nginx.pid;
error_log {work}/nginx.err;
events {{ worker_connections 512; }}
http {{
    access_log off;
    types {{ text/html html; image/png png; }}
    default_type application/octet-stream;
    client_body_temp_path {work}/t1;
    proxy_temp_path {work}/t2;
    fastcgi_temp_path {work}/t3;
    uwsgi_temp_path {work}/t4;
    scgi_temp_path {work}/t5;
    server {{
        listen 80;
        listen [::]:80;
        root {work}/www;
    }}
}}
"""

SSHD = """\
HostKey {work}/host-key
AuthorizedKeysFile {work}/user-key.pub
PidFile {work}/sshd.pid
PermitRootLogin prohibit-password
PasswordAuthentication no
StrictModes no
UsePAM no
PrintMotd no
"""
