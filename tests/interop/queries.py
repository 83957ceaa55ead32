#!/usr/bin/env python3
"""Asks an output the same questions with `netcap query` and with DuckDB over views.sql, and questions that are to be refused.

    NETCAP=PROGRAM tests/interop/queries.py DIR

The exit status is 0 when all answers agree, else 1.
"""

from __future__ import annotations

import csv
import datetime
import decimal
import io
import math
import os
import re
import subprocess
import sys
from pathlib import Path

import duckdb

NETCAP = str(Path(os.environ.get("NETCAP", "target/debug/netcap")).resolve())
HERE = Path(__file__).parent
ANSWERED = (HERE / "queries/answered.sql").read_text().splitlines()
REFUSED = (HERE / "queries/refused.sql").read_text().splitlines()


def functions() -> set[str]:
    """The functions that netcap says that it answers."""
    source = (HERE / "../../src/sql/functions.rs").read_text()
    lists = re.findall(r"^pub\(super\) const (?:AGGREGATES|OF_ROWS|OF_WINDOWS).*?;$", source, re.DOTALL | re.MULTILINE)
    return {name for text in lists for name in re.findall(r'"(\w+)"', text)}


def ask(output: Path, sql: str) -> subprocess.CompletedProcess[str]:
    command = [NETCAP, "query", sql, "--input", str(output), "--format", "csv"]
    return subprocess.run(command, capture_output=True, text=True)


def same(a: str, b: object) -> bool:
    if b is None:
        return a == ""
    if isinstance(b, bool):
        return a == str(b).lower()
    if isinstance(b, (int, float, decimal.Decimal)):
        # Sums of floats depend on the order of rows.
        return a != "" and math.isclose(float(a), float(b), rel_tol=1e-9)
    if isinstance(b, datetime.datetime):
        return datetime.datetime.fromisoformat(a[:26].rstrip("Z")) == b.replace(tzinfo=None)
    return a == str(b)


def compare(output: Path, connection: duckdb.DuckDBPyConnection, sql: str) -> str:
    """What is wrong with an answer; nothing if it is right."""
    done = ask(output, sql)
    if done.returncode != 0:
        return done.stderr
    # The first line is the header.
    header, *rows = csv.reader(io.StringIO(done.stdout))
    result = connection.execute(sql)
    names = [column[0].lower() for column in result.description]
    expected = result.fetchall()
    good = [name.lower() for name in header] == names and len(rows) == len(expected)
    good = good and all(same(a, b) for row, other in zip(rows, expected) for a, b in zip(row, other))
    return "" if good else f"netcap: {header} {rows[:3]}\n  DuckDB: {names} {expected[:3]}"


def main() -> int:
    output = Path(sys.argv[1]).resolve()
    failures = []
    for sql in REFUSED:
        done = ask(output, sql)
        if done.returncode != 2 or not done.stderr.startswith("error: "):
            failures.append(f"{sql}\n  should be refused, and is answered with {done.returncode}: {done.stdout[:200]}")
    os.chdir(output)
    connection = duckdb.connect()
    connection.execute("SET TimeZone = 'UTC'")
    connection.execute(Path("views.sql").read_text())
    for sql in ANSWERED:
        if wrong := compare(output, connection, sql):
            failures.append(f"{sql}\n  {wrong}")
    asked = set(re.findall(r"\w+(?=\()", " ".join(ANSWERED)))
    if unasked := functions() - asked:
        failures.append(f"no question has {', '.join(sorted(unasked))}")
    page = (HERE / "../../docs/query.md").read_text()
    if untold := {name for name in functions() if f"`{name}`" not in page}:
        failures.append(f"docs/query.md does not have {', '.join(sorted(untold))}")
    for failure in failures:
        print(f"FAILED  {failure}")
    print(f"{len(ANSWERED) + len(REFUSED) - len(failures)} passed, {len(failures)} failed, 0 skipped")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
