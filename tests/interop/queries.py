#!/usr/bin/env python3
"""Asks an output the same questions with `netcap query` and with DuckDB over views.sql.

    NETCAP=PROGRAM tests/interop/queries.py DIR

The exit status is 0 when all answers agree, else 1.
"""

from __future__ import annotations

import csv
import io
import math
import os
import subprocess
import sys
from pathlib import Path

import duckdb

NETCAP = os.environ.get("NETCAP", "target/debug/netcap")
QUERIES = [
    "SELECT count(*) AS n FROM packet",
    "SELECT protocol, count(*) AS n, sum(wire_bytes) AS b FROM flow GROUP BY protocol ORDER BY protocol",
    "SELECT dst_port, src_ip, flow FROM flow WHERE packets > 3 AND dst_port IS NOT NULL ORDER BY flow LIMIT 7",
    "SELECT flow, packets FROM flow ORDER BY flow LIMIT 3",
    "SELECT f.flow, count(*) AS n FROM flow f JOIN packet p ON f.flow = p.flow GROUP BY f.flow ORDER BY n DESC, f.flow LIMIT 9",
    "SELECT max(payload_mean_bytes) AS m, min(duration_ns) AS d FROM flow WHERE protocol = 6",
    "SELECT src_ip FROM flow WHERE flow NOT IN (SELECT flow FROM packet WHERE flow IS NOT NULL) LIMIT 1",
    "SELECT DISTINCT service FROM flow ORDER BY service NULLS LAST",
    "SELECT end_reason, avg(packets / nullif(duration_ns / 1000000000, 0)) AS rate FROM flow GROUP BY end_reason ORDER BY end_reason",
    "WITH big AS (SELECT * FROM flow WHERE wire_bytes > 2000) SELECT direction_evidence, count(*) AS n FROM big GROUP BY 1 ORDER BY 1",
    "SELECT upper(protocol_name) AS name, src_port & 1 AS odd FROM flow WHERE src_ip LIKE '10.%' ORDER BY flow LIMIT 5",
]


def ours(output: Path, sql: str) -> list[list[str]]:
    command = [NETCAP, "query", sql, "--input", str(output), "--format", "csv"]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return list(csv.reader(io.StringIO(done.stdout)))


def same(a: str, b: object) -> bool:
    if b is None:
        return a == ""
    if isinstance(b, float):
        return a != "" and math.isclose(float(a), b, rel_tol=1e-12)
    return a == str(b)


def main() -> int:
    output = Path(sys.argv[1]).resolve()
    connection = duckdb.connect()
    here = Path.cwd()
    failed = 0
    for sql in QUERIES:
        # The first line is the header.
        header, *rows = ours(output, sql)
        os.chdir(output)
        connection.execute(Path("views.sql").read_text())
        result = connection.execute(sql)
        names = [column[0] for column in result.description]
        expected = result.fetchall()
        os.chdir(here)
        good = header == names and len(rows) == len(expected)
        good = good and all(same(a, b) for row, other in zip(rows, expected) for a, b in zip(row, other))
        if not good:
            failed += 1
            print(f"FAILED  {sql}\n  netcap: {header} {rows[:3]}\n  DuckDB: {names} {expected[:3]}")
    print(f"{len(QUERIES) - failed} passed, {failed} failed, 0 skipped")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
