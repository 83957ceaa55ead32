#!/usr/bin/env python3
"""Compares the Arrow and CSV exports with the Parquet tables.

    tests/interop/exports.py DIR ARROW CSV      DIR of `netcap decode`; ARROW and CSV of `netcap export`

TABLE.arrow must hold the same columns, types and values. TABLE.csv must have the same columns and rows; its text is
compared, where an empty field is null or an empty text; points in time are in ISO 8601, lists are JSON.

The exit status is 0 when all agrees, else 1. Needs pyarrow.
"""

from __future__ import annotations

import csv
import json
import sys
from datetime import datetime
from pathlib import Path

from readers import Checks, _arrow_kind


def compare_arrow(table: str, parquet, file: Path, checks: Checks) -> None:
    import pyarrow as pa
    import pyarrow.ipc

    with pa.memory_map(str(file)) as source:
        try:
            arrow = pa.ipc.open_file(source).read_all()
        except pa.ArrowInvalid:
            source.seek(0)
            arrow = pa.ipc.open_stream(source).read_all()
        checks.check(arrow.schema.names == parquet.schema.names, f"{table}.arrow has the columns of the table")
        for field in parquet.schema:
            if field.name in arrow.schema.names:
                other = arrow.schema.field(field.name)
                checks.check(
                    _arrow_kind(other.type) == _arrow_kind(field.type),
                    f"{table}.arrow: {field.name} is {other.type}, in Parquet {field.type}",
                )
                checks.check(
                    arrow.column(field.name).to_pylist() == parquet.column(field.name).to_pylist(),
                    f"{table}.arrow: the values of {field.name}",
                )


def in_json(value):
    """A list of structures as the CSV file writes it: bytes are hexadecimal digits."""
    if isinstance(value, list):
        return [
            {name: one.hex() if isinstance(one, bytes) else one for name, one in element.items()} for element in value
        ]
    return value


def compare_csv(table: str, parquet, file: Path, checks: Checks) -> None:
    csv.field_size_limit(1 << 30)
    with file.open(newline="", encoding="utf-8") as source:
        lines = list(csv.reader(source))
    checks.check(lines[0] == parquet.schema.names, f"{table}.csv has the columns of the table: {lines[0]}")
    rows = parquet.to_pylist()
    checks.check(len(lines) - 1 == len(rows), f"{table}.csv has {len(lines) - 1} rows, the table {len(rows)}")
    for at, field in enumerate(parquet.schema):
        kind = _arrow_kind(field.type)
        written = [line[at] for line in lines[1:]]
        values = [row[field.name] for row in rows]
        if kind in ("int32", "int64"):
            bad = [(w, v) for w, v in zip(written, values) if w != ("" if v is None else str(v))]
        elif kind == "bool":
            bad = [(w, v) for w, v in zip(written, values) if w.lower() != ("" if v is None else str(v).lower())]
        elif kind == "double":
            bad = [(w, v) for w, v in zip(written, values) if (w == "") != (v is None) or w and float(w) != v]
        elif kind == "text":
            bad = [(w, v) for w, v in zip(written, values) if w != (v or "")]
        elif kind == "time":
            bad = [
                (w, v)
                for w, v in zip(written, values)
                if (w == "") != (v is None) or w and datetime.fromisoformat(w) != v
            ]
        else:
            bad = [(w, v) for w, v in zip(written, values) if json.loads(w) != in_json(v)]
        checks.check(not bad, f"{table}.csv: {field.name} differs in {len(bad)} rows (CSV, Parquet): {bad[:3]}")


def main() -> int:
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    import pyarrow as pa
    import pyarrow.parquet as pq

    output, arrows, csvs = map(Path, sys.argv[1:])
    checks = Checks()
    for folder in sorted((output / "tables").iterdir()):
        table = folder.name
        parquet = pa.concat_tables([pq.ParquetFile(file).read() for file in sorted(folder.glob("**/*.parquet"))])
        for kind, place, compare in (("arrow", arrows, compare_arrow), ("csv", csvs, compare_csv)):
            file = place / f"{table}.{kind}"
            checks.check(file.is_file(), f"there is a file {file.name}")
            if file.is_file():
                compare(table, parquet, file, checks)
        print(f"{table}: {parquet.num_rows} rows")
    return checks.finish()


if __name__ == "__main__":
    sys.exit(main())
