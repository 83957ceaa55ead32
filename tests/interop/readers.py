#!/usr/bin/env python3
"""Reads every table of an output with DuckDB, Polars, pandas and (with --spark) Spark: do they see the same?

    tests/interop/readers.py DIR [--spark]        an output of `netcap decode`
    tests/interop/readers.py --self-test          the check itself, on files made here

Compared for each table: the rows, also with manifest.json; the names and kinds of the columns; and for each column a
checksum that each reader calculates for itself: how many values there are, how many different ones, the least and the
greatest, and the sum of the numbers or of the lengths in bytes. Columns that are lists of structures count their
elements, and each field in them has a checksum of its own. All of it is exact: fractions are cut to millionths first.

views.sql runs in DuckDB; each table has a view with its rows, and a table without rows has an empty view with columns.

The exit status is 0 when all agree, else 1.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import sys
import tempfile
from pathlib import Path

TABLES = [
    "capture",
    "packet",
    "ethernet",
    "vlan",
    "arp",
    "ipv4",
    "ipv6",
    "icmpv4",
    "icmpv6",
    "tcp",
    "udp",
    "dns",
    "malformed",
    "flow",
]


class Checks:
    """Counts what passed and failed."""

    def __init__(self) -> None:
        self.passed = self.failed = self.skipped = 0

    def check(self, good: bool, what: str) -> None:
        self.passed += good
        self.failed += not good
        if not good:
            print(f"FAILED  {what}")

    def finish(self) -> int:
        print(f"{self.passed} passed, {self.failed} failed, {self.skipped} skipped")
        return 1 if self.failed else 0


# Each reader gives for a table: {column: (kind, checksum)}, where a list of structures is the column itself with the
# number of its elements and `column.field` for each field; and the number of rows under "".


def python_checksum(kind: str, values: list) -> tuple:
    """The checksum as defined, of values that Python holds."""
    there = [value for value in values if value is not None]
    if kind == "bool":
        return len(there), sum(there)
    if kind in ("text", "bytes"):
        raw = [value.encode() if kind == "text" else bytes(value) for value in there]
        return len(raw), len(set(raw)), min(raw, default=b"").hex(), max(raw, default=b"").hex(), sum(map(len, raw))
    if kind == "double":
        there = [math.floor(value * 1e6) for value in there]
    return len(there), len(set(there)), min(there, default=None), max(there, default=None), sum(there)


def with_pandas(files: list[str]) -> dict:
    import pandas as pd
    import pyarrow.parquet as pq

    frame = pd.concat([pd.read_parquet(file) for file in files], ignore_index=True)
    arrow = pq.read_schema(files[0])
    result = {"": ("rows", len(frame))}
    for field in arrow:
        values = [None if _missing(value) else value for value in frame[field.name]]
        kind = _arrow_kind(field.type)
        if kind == "list":
            elements = [element for value in values if value is not None for element in value]
            result[field.name] = ("list", (sum(value is not None for value in values), len(elements)))
            for inner in field.type.value_type:
                inner_kind = _arrow_kind(inner.type)
                result[f"{field.name}.{inner.name}"] = (
                    inner_kind,
                    python_checksum(inner_kind, [element[inner.name] for element in elements]),
                )
            continue
        dtype = str(frame[field.name].dtype)
        if kind in ("int32", "int64"):
            if not dtype.startswith(("int", "float")):
                kind = f"pandas {dtype}"
            values = [None if value is None else int(value) for value in values]
        elif kind == "time":
            if not dtype.startswith("datetime64") or "UTC" not in dtype:
                kind = f"pandas {dtype}"
            values = [
                None
                if value is None
                else value.value // 1000
                if value.unit == "ns"
                else round(value.timestamp() * 1e6)
                if value.unit != "us"
                else value._value
                for value in values
            ]
        elif kind == "bool":
            values = [None if value is None else bool(value) for value in values]
        result[field.name] = (kind, python_checksum(kind, values))
    return result


def _missing(value) -> bool:
    return value is None or (not hasattr(value, "__len__") and value != value) or type(value).__name__ == "NaTType"


def _arrow_kind(kind) -> str:
    import pyarrow as pa

    if pa.types.is_list(kind) or pa.types.is_large_list(kind):
        return "list"
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    if pa.types.is_timestamp(kind):
        return "time" if kind.tz == "UTC" and kind.unit == "us" else str(kind)
    for name, test in (
        ("bool", pa.types.is_boolean),
        ("int32", pa.types.is_int32),
        ("int64", pa.types.is_int64),
        ("double", pa.types.is_float64),
    ):
        if test(kind):
            return name
    if pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind):
        return "text"
    if pa.types.is_binary(kind) or pa.types.is_large_binary(kind) or pa.types.is_binary_view(kind):
        return "bytes"
    return str(kind)


def with_polars(files: list[str]) -> dict:
    import polars as pl

    frame = pl.concat([pl.read_parquet(file) for file in files])
    result = {"": ("rows", frame.height)}

    def one(name: str, column: pl.Series) -> None:
        kind = column.dtype
        names = {
            pl.Int32: "int32",
            pl.Int64: "int64",
            pl.Boolean: "bool",
            pl.Float64: "double",
            pl.String: "text",
            pl.Categorical: "text",
            pl.Binary: "bytes",
        }
        label = names.get(kind.base_type(), str(kind))
        there = column.drop_nulls()
        if isinstance(kind, pl.List):
            result[name] = ("list", (len(there), int(there.list.len().sum() or 0)))
            elements = there.filter(there.list.len() > 0).explode()
            for inner in kind.inner.fields:
                one(f"{name}.{inner.name}", elements.struct.field(inner.name))
            return
        if isinstance(kind, pl.Datetime):
            label = "time" if kind.time_unit == "us" and kind.time_zone == "UTC" else str(kind)
            there = there.cast(pl.Int64)
        if label == "bool":
            result[name] = (label, (len(there), int(there.sum())))
        elif label in ("text", "bytes"):
            raw = there.cast(pl.String).cast(pl.Binary) if label == "text" else there
            least, most = (raw.min(), raw.max()) if len(raw) else (b"", b"")
            result[name] = (
                label,
                (len(raw), raw.n_unique() if len(raw) else 0, least.hex(), most.hex(), int(raw.bin.size().sum() or 0)),
            )
        else:
            if label == "double":
                there = (there * 1e6).floor().cast(pl.Int64)
            there = there.cast(pl.Int64)
            total = int(there.cast(pl.Int128).sum() or 0)
            result[name] = (label, (len(there), there.n_unique() if len(there) else 0, there.min(), there.max(), total))

    for column in frame:
        one(column.name, column)
    return result


def with_duckdb(files: list[str]) -> dict:
    import duckdb

    connection = duckdb.connect()
    connection.execute("SET TimeZone = 'UTC'")
    connection.execute(f"CREATE VIEW t AS SELECT * FROM read_parquet({files!r})")

    def ask(query: str) -> tuple:
        return connection.execute(query).fetchall()[0]

    result = {"": ("rows", ask("SELECT count(*) FROM t")[0])}
    names = {
        "INTEGER": "int32",
        "BIGINT": "int64",
        "BOOLEAN": "bool",
        "DOUBLE": "double",
        "VARCHAR": "text",
        "BLOB": "bytes",
        "TIMESTAMP WITH TIME ZONE": "time",
    }

    def one(name: str, source: str, column: str, kind) -> None:
        if kind.id == "list":
            rows, elements = ask(f"SELECT count({column}), coalesce(sum(len({column})), 0) FROM {source}")
            result[name] = ("list", (rows, int(elements)))
            for field, inner in kind.children[0][1].children:
                one(f"{name}.{field}", f"(SELECT unnest({column}) AS e FROM {source})", f'e."{field}"', inner)
            return
        label = names.get(str(kind), str(kind))
        if label == "bool":
            found = ask(f"SELECT count({column}), count(*) FILTER ({column}) FROM {source}")
        elif label in ("text", "bytes"):
            value = f"encode({column})" if label == "text" else column
            found = ask(
                f"SELECT count({column}), count(DISTINCT {column}), coalesce(lower(hex(min({value}))), ''), coalesce(lower(hex(max({value}))), ''), coalesce(sum(octet_length({value})), 0) FROM {source}"
            )
            found = (*found[:4], int(found[4]))
        else:
            value = {"double": f"floor({column} * 1e6)::BIGINT", "time": f"epoch_us({column})"}.get(label, column)
            found = ask(
                f"SELECT count({value}), count(DISTINCT {value}), min({value}), max({value}), coalesce(sum({value}::HUGEINT), 0) FROM {source}"
            )
            found = (*found[:4], int(found[4]))
        result[name] = (label, tuple(found))

    relation = connection.sql("SELECT * FROM t LIMIT 0")
    for name, kind in zip(relation.columns, relation.types):
        one(name, "t", f'"{name}"', kind)
    return result


class Spark:
    """A local Spark session, started when it is first used."""

    def __init__(self) -> None:
        from pyspark.sql import SparkSession

        os.environ.setdefault("SPARK_LOCAL_IP", "127.0.0.1")
        self.session = (
            SparkSession.builder.master("local[2]")
            .config("spark.ui.enabled", "false")
            .config("spark.ui.showConsoleProgress", "false")
            .config("spark.sql.session.timeZone", "UTC")
            .config("spark.sql.shuffle.partitions", "2")
            .config("spark.driver.memory", "2g")
            .getOrCreate()
        )
        self.session.sparkContext.setLogLevel("ERROR")

    def __call__(self, files: list[str]) -> dict:
        from pyspark.sql import functions as F
        from pyspark.sql.types import ArrayType

        frame = self.session.read.parquet(*files).cache()
        result = {"": ("rows", frame.count())}
        names = {
            "int": "int32",
            "bigint": "int64",
            "boolean": "bool",
            "double": "double",
            "string": "text",
            "binary": "bytes",
            "timestamp": "time",
        }

        def aggregates(label: str, column) -> list:
            if label == "bool":
                return [F.count(column), F.sum(column.cast("int"))]
            if label in ("text", "bytes"):
                raw = column.cast("binary")
                return [
                    F.count(column),
                    F.countDistinct(column),
                    F.lower(F.hex(F.min(raw))),
                    F.lower(F.hex(F.max(raw))),
                    F.sum(F.octet_length(raw)),
                ]
            value = (
                {"double": F.floor(column * F.lit(1e6)), "time": F.unix_micros(column)}.get(label, column)
                if label in ("double", "time")
                else column
            )
            return [
                F.count(value),
                F.countDistinct(value),
                F.min(value),
                F.max(value),
                F.sum(value.cast("decimal(38,0)")),
            ]

        def columns(source, fields, prefix: str) -> None:
            wanted, spans = [], []
            for field in fields:
                label = (
                    "list"
                    if isinstance(field.dataType, ArrayType)
                    else names.get(field.dataType.simpleString(), field.dataType.simpleString())
                )
                column = source[field.name] if not prefix else source["e"][field.name]
                parts = [F.count(column), F.sum(F.size(column))] if label == "list" else aggregates(label, column)
                spans.append((prefix + field.name, label, len(parts)))
                wanted += parts
            row = list(source.agg(*[part.alias(f"c{at}") for at, part in enumerate(wanted)]).collect()[0])
            for name, label, size in spans:
                found, row = row[:size], row[size:]
                found[-1] = int(found[-1] or 0)
                if label in ("text", "bytes"):
                    found[2], found[3] = found[2] or "", found[3] or ""
                result[name] = (label, tuple(found))

        columns(frame, frame.schema.fields, "")
        for field in frame.schema.fields:
            if isinstance(field.dataType, ArrayType):
                columns(
                    frame.select(F.explode(frame[field.name]).alias("e")),
                    field.dataType.elementType.fields,
                    field.name + ".",
                )
        frame.unpersist()
        return result


def compare(table: str, results: dict[str, dict], checks: Checks) -> None:
    """All readers against the first one."""
    (first, expected), *others = results.items()
    for reader, result in others:
        checks.check(
            list(result) and set(result) == set(expected),
            f"{table}: columns of {reader} and {first}: {sorted(set(result) ^ set(expected))}",
        )
        for column in expected.keys() & result.keys():
            checks.check(
                result[column] == expected[column],
                f"{table}.{column}: {reader} {result[column]}, {first} {expected[column]}",
            )


def row_counts(manifest: dict) -> dict[str, int]:
    """The rows of each table by manifest.json."""
    return {name: entry["rows"] for name, entry in manifest["stages"]["tables"]["tables"].items()}


def views(output: Path, rows: dict[str, int], checks: Checks) -> None:
    """views.sql makes a view of each table, also of those without rows."""
    import duckdb

    connection = duckdb.connect()
    here = Path.cwd()
    os.chdir(output)
    try:
        connection.execute(Path("views.sql").read_text())
        made = {
            row[0] for row in connection.execute("SELECT view_name FROM duckdb_views() WHERE NOT internal").fetchall()
        }
        for table in TABLES:
            checks.check(table in made, f"views.sql: a view {table}")
            if table in made:
                count = connection.execute(f'SELECT count(*) FROM "{table}"').fetchall()[0][0]
                checks.check(
                    count == rows.get(table, 0),
                    f"views.sql: {table} has {count} rows, its files have {rows.get(table, 0)}",
                )
                columns = connection.execute(f'DESCRIBE "{table}"').fetchall()
                untyped = [column[0] for column in columns if column[1] in ("NULL", '"NULL"')]
                checks.check(
                    len(columns) > 2 and not untyped, f"views.sql: {table} has typed columns; untyped: {untyped}"
                )
    finally:
        os.chdir(here)


def check(output: Path, spark: bool, checks: Checks) -> None:
    readers = {"DuckDB": with_duckdb, "Polars": with_polars, "pandas": with_pandas}
    if spark:
        readers["Spark"] = Spark()
    rows: dict[str, int] = {}
    for folder in sorted((output / "tables").iterdir()):
        files = sorted(str(file) for file in folder.glob("**/*.parquet"))
        results = {name: reader(files) for name, reader in readers.items()}
        compare(folder.name, results, checks)
        rows[folder.name] = next(iter(results.values()))[""][1]
        print(
            f"{folder.name}: {rows[folder.name]} rows, {len(next(iter(results.values()))) - 1} columns, read by {', '.join(results)}"
        )
        checks.check(rows[folder.name] > 0, f"{folder.name}: a table without rows has no file")
    counted = {
        name: count for name, count in row_counts(json.loads((output / "manifest.json").read_text())).items() if count
    }
    checks.check(counted == rows, f"manifest.json counts {counted}, the files have {rows}")
    views(output, rows, checks)


def self_test(spark: bool) -> int:
    """Files made here: all readers agree on one, and each changed value is found by each reader."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    checks = Checks()
    record = pa.struct([("name", pa.string()), ("type", pa.int32()), ("data", pa.binary())])
    columns = {
        "packet": pa.array([1, 2, 3], pa.int64()),
        "ts": pa.array([-1, 1_600_000_000_000_001, 1_600_000_000_000_002], pa.timestamp("us", "UTC")),
        "flow": pa.array([None, 10_000_000_001, 3], pa.int64()),
        "ttl": pa.array([64, None, 255], pa.int32()),
        "syn": pa.array([True, None, False]),
        "term": pa.array(["ä", None, "b"]).dictionary_encode(),
        "entropy": pa.array([0.1, None, 7.9999999], pa.float64()),
        "answers": pa.array(
            [
                [],
                [{"name": "a.example", "type": 1, "data": b"\x00\xff"}, {"name": None, "type": 2, "data": b""}],
                [{"name": "", "type": -3, "data": b"a"}],
            ],
            pa.list_(record),
        ),
    }
    readers = {"DuckDB": with_duckdb, "Polars": with_polars, "pandas": with_pandas} | (
        {"Spark": Spark()} if spark else {}
    )
    with tempfile.TemporaryDirectory() as folder:
        file = str(Path(folder) / "a.parquet")
        pq.write_table(pa.table(columns), file)
        expected = {name: reader([file]) for name, reader in readers.items()}
        compare("made here", expected, checks)
        changes = {
            "packet": pa.array([1, 2, 4], pa.int64()),
            "ts": pa.array([-1, 1_600_000_000_000_001, 1_600_000_000_000_003], pa.timestamp("us", "UTC")),
            "flow": pa.array([None, 10_000_000_002, 3], pa.int64()),
            "ttl": pa.array([64, 0, 255], pa.int32()),
            "syn": pa.array([True, None, True]),
            "term": pa.array(["a", None, "b"]).dictionary_encode(),
            "entropy": pa.array([0.1, None, 7.99], pa.float64()),
        }
        for column, values in changes.items():
            pq.write_table(pa.table(columns | {column: values}), file)
            for name, reader in readers.items():
                checks.check(reader([file])[column] != expected[name][column], f"{name} sees that {column} was changed")
        elements = columns["answers"].to_pylist()
        elements[2][0]["data"] = b"b"
        pq.write_table(pa.table(columns | {"answers": pa.array(elements, pa.list_(record))}), file)
        for name, reader in readers.items():
            checks.check(
                reader([file])["answers.data"] != expected[name]["answers.data"],
                f"{name} sees that answers.data was changed",
            )
    return checks.finish()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("output", nargs="?", type=Path)
    parser.add_argument("--spark", action="store_true", help="read with Spark, too")
    parser.add_argument("--self-test", action="store_true", help="check the check itself")
    arguments = parser.parse_args()
    if arguments.self_test:
        return self_test(arguments.spark)
    if arguments.output is None:
        parser.error("which output?")
    checks = Checks()
    check(arguments.output, arguments.spark, checks)
    return checks.finish()


if __name__ == "__main__":
    sys.exit(main())
