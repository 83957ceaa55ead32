"""What the oracle scripts share: finding the captures and the program, running a decode, reading its tables, and
reading frames through tshark's own file readers.

Not a script of its own.
"""

from __future__ import annotations

import os
import re
import shutil
import struct
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent
REPOSITORY = HERE.parent.parent


def captures_folder() -> Path | None:
    """The folder of test captures: NETCAP_CAPTURES, else ../shared/captures beside the repository; None when absent."""
    named = os.environ.get("NETCAP_CAPTURES")
    folder = Path(named) if named else REPOSITORY.parent / "shared" / "captures"
    return folder if folder.is_dir() else None


def netcap_binary() -> Path | None:
    """The program under test: NETCAP, else the newer one of target/release/netcap and target/debug/netcap."""
    named = os.environ.get("NETCAP")
    if named:
        return Path(named) if Path(named).is_file() else None
    built = [
        path for path in (REPOSITORY / "target" / kind / "netcap" for kind in ("debug", "release")) if path.is_file()
    ]
    return max(built, key=lambda path: path.stat().st_mtime, default=None)


def decode(binary: Path, *captures: Path, out: Path, options: list[str] | None = None) -> None:
    """Runs `netcap decode`; exit status 1 (done, with warnings) is fine, another one is an error."""
    command = [binary, "decode", *captures, "--out", out, *(options or [])]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    if run.returncode not in (0, 1):
        raise RuntimeError(f"netcap decode ended with status {run.returncode}: {run.stderr.strip()[-500:]}")


def read_table(out: Path, table: str) -> list[dict]:
    """All rows of a table as dictionaries, in order; timestamps as whole microseconds. No file means no rows."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    rows: list[dict] = []
    for file in sorted((out / "tables" / table).glob("**/*.parquet")):
        data = pq.ParquetFile(file).read()
        for position, field in enumerate(data.schema):
            if pa.types.is_timestamp(field.type):
                data = data.set_column(position, field.name, data.column(position).cast(pa.int64()))
        rows.extend(data.to_pylist())
    return rows


class Workspace:
    """A temporary folder that goes away, unless NETCAP_KEEP names a folder to keep everything in."""

    def __enter__(self) -> Path:
        kept = os.environ.get("NETCAP_KEEP")
        self.path = Path(kept) if kept else Path(tempfile.mkdtemp(prefix="netcap-check-"))
        self.path.mkdir(parents=True, exist_ok=True)
        self.kept = bool(kept)
        return self.path

    def __exit__(self, *_: object) -> None:
        if not self.kept:
            shutil.rmtree(self.path, ignore_errors=True)


@dataclass
class Frame:
    """One packet as it was captured."""

    number: int
    time_ns: int
    wire: int
    data: bytes
    link_type: int


def frames(capture: Path) -> list[Frame]:
    """All packets of a capture, of whatever format tshark reads, by letting it rewrite the file as plain pcapng."""
    run = subprocess.run(["tshark", "-n", "-r", capture, "-F", "pcapng", "-w", "-"], capture_output=True, check=False)
    return list(_pcapng(run.stdout))


def plain_frames(capture: Path) -> list[Frame]:
    """All packets of a plain pcap file, read here: tshark's reader wraps around at wild times. None of other files."""
    data = capture.read_bytes()
    magics = {0xA1B2C3D4: 1000, 0xA1B23C4D: 1}
    for order in "<>":
        magic = struct.unpack(order + "I", data[:4].ljust(4))[0]
        if magic in magics and len(data) >= 24:
            break
    else:
        return []
    link_type = struct.unpack_from(order + "I", data, 20)[0] & 0xFFFF
    found: list[Frame] = []
    at = 24
    while at + 16 <= len(data):
        seconds, fraction, captured, wire = struct.unpack_from(order + "IIII", data, at)
        if at + 16 + captured > len(data):
            break
        time = seconds * 1_000_000_000 + fraction * magics[magic]
        found.append(Frame(len(found) + 1, time, wire, data[at + 16 : at + 16 + captured], link_type))
        at += 16 + captured
    return found


def _pcapng(data: bytes):
    order, at, number = "<", 0, 0
    interfaces: list[tuple[int, int, int]] = []
    while at + 12 <= len(data):
        kind = struct.unpack_from(order + "I", data, at)[0]
        if kind == 0x0A0D0D0A:
            order = "<" if data[at + 8 : at + 12] == b"\x4d\x3c\x2b\x1a" else ">"
            interfaces = []
        length = struct.unpack_from(order + "I", data, at + 4)[0]
        body = data[at + 8 : at + length - 4]
        if kind == 1:
            link, _, _ = struct.unpack_from(order + "HHI", body)
            interfaces.append((link, *_clock(body[8:], order)))
        elif kind == 6:
            interface, high, low, captured, wire = struct.unpack_from(order + "IIIII", body)
            link, ticks, offset = interfaces[interface]
            count = (high << 32) | low
            count -= (1 << 64) if count >> 63 else 0
            number += 1
            yield Frame(number, count * 1_000_000_000 // ticks + offset, wire, body[20 : 20 + captured], link)
        elif kind == 3:
            link, _, _ = interfaces[0]
            number += 1
            wire = struct.unpack_from(order + "I", body)[0]
            yield Frame(number, 0, wire, body[4 : 4 + wire], link)
        at += max(length, 12)


def _clock(options: bytes, order: str) -> tuple[int, int]:
    ticks, offset, at = 1_000_000, 0, 0
    while at + 4 <= len(options):
        code, length = struct.unpack_from(order + "HH", options, at)
        value = options[at + 4 : at + 4 + length]
        if code == 0:
            break
        if code == 9:
            ticks = 2 ** (value[0] & 0x7F) if value[0] & 0x80 else 10 ** value[0]
        if code == 14:
            offset = struct.unpack(order + "q", value)[0] * 1_000_000_000
        at += 4 + (length + 3) // 4 * 4
    return ticks, offset


def enumerations() -> tuple[dict[str, dict[int, str]], dict[str, dict[str, tuple[str, str]]]]:
    """From the .proto files: the names of each enumeration's values, and for each table its name columns as
    {name column: (value column, enumeration)}."""
    names: dict[str, dict[int, str]] = {}
    columns: dict[str, dict[str, tuple[str, str]]] = {}
    for file in sorted((REPOSITORY / "proto" / "netcap" / "v1").glob("*.proto")):
        text = file.read_text()
        for block in re.finditer(r"^enum (\w+) \{(.*?)^\}", text, re.M | re.S):
            values = re.findall(r"=\s*(0x[0-9a-fA-F]+|\d+)\s*\[\(text\) = \"([^\"]*)\"\]", block[2])
            names[block[1]] = {int(number, 0): name for number, name in values}
        for block in re.finditer(r"^message (\w+) \{(.*?)^\}", text, re.M | re.S):
            table = re.search(r"option \(table\) = \{name: \"(\w+)\"", block[2])
            if table:
                found = re.findall(r"(\w+) = \d+ \[\(column\) = \{name_of: \"(\w+)\", names: \"(\w+)\"\}\]", block[2])
                columns[table[1]] = {name: (value, enumeration) for name, value, enumeration in found}
    return names, columns


class Tally:
    """Counts of passed, failed and skipped checks, and the exit status that follows from them."""

    def __init__(self) -> None:
        self.passed = self.failed = self.skipped = 0

    def check(self, good: bool, what: str, quiet: bool = True) -> bool:
        if good:
            self.passed += 1
            if not quiet:
                print(f"ok      {what}")
        else:
            self.failed += 1
            print(f"FAILED  {what}")
        return good

    def say(self, what: str) -> None:
        print(what)

    def skip(self, what: str) -> None:
        self.skipped += 1
        print(f"skipped {what}")

    def finish(self) -> int:
        print(f"{self.passed} passed, {self.failed} failed, {self.skipped} skipped")
        return 1 if self.failed else 0
