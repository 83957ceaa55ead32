#!/usr/bin/env python3
"""Runs the SQL that `netcap features SET --sql` prints in DuckDB and (with --spark) Spark, and compares with what netcap calculates.

    NETCAP=PROGRAM tests/interop/features.py DIR [--spark]

DIR is an output of `netcap decode` with the tables of flows of all policies and flow_packets. Every dialect of every shipped set is calculated by
netcap into a folder of its own. Compared are all columns of all flows, doubles to the last bit. The exit status is 0 when all agree, else 1.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.dataset as ds

NETCAP = os.environ.get("NETCAP", "target/debug/netcap")


def netcap(*arguments: str) -> str:
    return subprocess.run([NETCAP, *arguments], check=True, capture_output=True, text=True).stdout


def sets() -> list[str]:
    """Every shipped set in each of its dialects, as the list names them."""
    lines = netcap("features").splitlines()
    names = [line.split()[0] for line in lines if re.match(r"[a-z]\S* +\d+ features$", line)]
    dialects = [line.split()[0].rstrip(":") for line in lines if line.startswith("      ") and line.split()[0].count(":") >= 1 and line[6] != " "]
    with_dialects = {word.split(":")[0] for word in dialects}
    return [name for name in names if name not in with_dialects] + dialects


def rows_of(table: pa.Table) -> dict:
    """Rows by flow: times as microseconds, so that zones and classes do not matter."""
    columns = {}
    for name, column in zip(table.column_names, table.columns):
        if pa.types.is_timestamp(column.type):
            column = column.cast(pa.timestamp("us", column.type.tz)).cast(pa.int64())
        columns[name] = column.to_pylist()
    names = list(columns)
    return {flow: dict(zip(names, row)) for flow, row in zip(columns["flow"], zip(*columns.values()))}


def same(ours: object, theirs: object) -> bool:
    if ours is None or theirs is None:
        return ours is theirs
    return ours == theirs


def compare(engine: str, word: str, ours: dict, theirs: dict) -> int:
    """The number of values that differ; the first ones are printed."""
    if ours.keys() != theirs.keys():
        print(f"FAILED  {word}: {engine} has other flows")
        return 1
    wrong = 0
    for flow, row in ours.items():
        other = theirs[flow]
        if row.keys() != other.keys():
            print(f"FAILED  {word}: {engine} has other columns")
            return 1
        for name, value in row.items():
            if not same(value, other[name]):
                wrong += 1
                if wrong <= 5:
                    print(f"FAILED  {word}: flow {flow}: {name} is {value}, and {other[name]} in {engine}")
    return wrong


class DuckDB:
    def __init__(self, output: Path) -> None:
        self.connection = duckdb.connect()
        self.connection.execute("SET TimeZone = 'UTC'")
        self.folder = output

    def run(self, sql: str) -> pa.Table:
        here = Path.cwd()
        # The views' paths are relative.
        os.chdir(self.folder)
        try:
            self.connection.execute(Path("views.sql").read_text())
            return self.connection.sql(sql).to_arrow_table()
        finally:
            os.chdir(here)


class Spark:
    def __init__(self, output: Path) -> None:
        from readers import Spark as Reader

        self.session = Reader().session
        for folder in sorted((output / "tables").iterdir()):
            self.session.read.parquet(str(folder)).createOrReplaceTempView(folder.name)

    def run(self, sql: str) -> pa.Table:
        return self.session.sql(sql.rstrip().rstrip(";")).toArrow()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("output", type=Path)
    parser.add_argument("--spark", action="store_true")
    arguments = parser.parse_args()
    engines = [DuckDB(arguments.output)] + ([Spark(arguments.output)] if arguments.spark else [])
    values = wrong = 0
    words = sets()
    with tempfile.TemporaryDirectory() as scratch:
        for number, word in enumerate(words):
            out = Path(scratch) / str(number)
            netcap("features", word, "--input", str(arguments.output), "--with-ids", "--out", str(out), "--quiet")
            ours = rows_of(ds.dataset(out, format="parquet").to_table())
            sql = netcap("features", word, "--with-ids", "--sql")
            for engine in engines:
                if "\n-- for DuckDB" in sql and not isinstance(engine, DuckDB):
                    print(f"skipped {word}: its SQL is for DuckDB")
                    continue
                wrong += compare(type(engine).__name__, word, ours, rows_of(engine.run(sql)))
            values += sum(len(row) for row in ours.values())
    print(f"{len(words)} sets and dialects, {values} values, {len(engines)} engines: {wrong} differ")
    return 1 if wrong or not values else 0


if __name__ == "__main__":
    sys.exit(main())
