#!/usr/bin/env python3
"""Decodes the protobuf export with Python's own protobuf, from the .proto files, and compares each row with Parquet.

    tests/interop/protobuf_roundtrip.py DIR EXPORT    DIR of `netcap decode`, EXPORT of `netcap export` in protobuf
    tests/interop/protobuf_roundtrip.py --self-test   the check itself, on messages made here

A file TABLE.pb is a sequence of messages, each after its length as a varint. The fields of a message that is marked to
be flattened are columns of the table itself; a field that is absent is null. The Parquet schema is compared with the
messages, too (names, types, nullability, order and field numbers), and so are the columns of the views of views.sql.

The exit status is 0 when all agrees, else 1. Needs grpcio-tools (for its protoc), protobuf and pyarrow.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib
import io
import os
import sys
import tempfile
from pathlib import Path

from readers import TABLES, Checks, _arrow_kind

PROTO = Path(__file__).resolve().parent.parent.parent / "proto"
COLUMN = None  # the option of a field that says what the column is; known once the .proto files are compiled


def compile_messages(folder: str) -> dict[str, type]:
    """The message class of each table, from freshly compiled .proto files."""
    import grpc_tools
    from grpc_tools import protoc

    files = sorted(str(file.relative_to(PROTO)) for file in PROTO.glob("netcap/v1/*.proto"))
    well_known = str(Path(grpc_tools.__file__).parent / "_proto")
    if protoc.main(["protoc", f"-I{PROTO}", f"-I{well_known}", f"--python_out={folder}", *files]):
        raise RuntimeError("protoc does not compile the .proto files")
    sys.path.insert(0, folder)
    options = importlib.import_module("netcap.v1.options_pb2")
    global COLUMN
    COLUMN = options.column
    found = {}
    for file in files:
        module = importlib.import_module(file.removesuffix(".proto").replace("/", ".") + "_pb2")
        for name, descriptor in module.DESCRIPTOR.message_types_by_name.items():
            table = descriptor.GetOptions().Extensions[options.table].name
            if table:
                found[table] = getattr(module, name)
            for twin in descriptor.GetOptions().Extensions[options.table].twins:
                found[twin.name] = getattr(module, name)
    return found


class Included:
    """A field of a group that is flattened with a prefix: the column has a name and a number of its own."""

    def __init__(self, group, field):
        options = group.GetOptions().Extensions[COLUMN]
        self.field = field
        self.name = options.prefix + field.name + options.suffix
        self.number = 100 * group.number + field.number

    def __getattr__(self, attribute):
        return getattr(self.field, attribute)


def plain(field):
    """The descriptor of a column's field."""
    return field.field if isinstance(field, Included) else field


def fields_of(descriptor) -> list[tuple]:
    """The columns as (path of field descriptors, field): groups that are flattened are followed, overlays left out."""
    columns = []
    for field in descriptor.fields:
        options = field.GetOptions().Extensions[COLUMN]
        if options.overlay:
            continue
        if options.flatten:
            for path, inner in fields_of(field.message_type):
                columns.append(([field, *path], Included(field, inner) if options.prefix else inner))
        else:
            columns.append(([], field))
    return columns


def is_list(field) -> bool:
    return (
        bool(getattr(field, "is_repeated", None))
        if hasattr(field, "is_repeated")
        else field.label == field.LABEL_REPEATED
    )


def value_of(message, field):
    field = plain(field)
    if is_list(field):
        return [
            {inner.name: value_of(element, inner) for inner in field.message_type.fields}
            for element in getattr(message, field.name)
        ]
    if field.has_presence and not message.HasField(field.name):
        return None
    return getattr(message, field.name)


def row_of(message, columns) -> dict:
    row = {}
    for path, field in columns:
        owner = message
        for step in path:
            owner = getattr(owner, step.name)
        row[field.name] = value_of(owner, field)
    return row


def messages_in(data: bytes, message: type):
    at = 0
    while at < len(data):
        length = shift = 0
        while True:
            byte = data[at]
            at += 1
            length |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                break
        if at + length > len(data):
            raise ValueError("the last message is cut")
        yield message.FromString(data[at : at + length])
        at += length


def kind_of(field) -> str:
    """What Parquet must have for a field."""
    if is_list(field):
        return "list"
    if field.GetOptions().Extensions[COLUMN].kind == 3:
        return "time"
    names = {
        field.TYPE_INT32: "int32",
        field.TYPE_INT64: "int64",
        field.TYPE_BOOL: "bool",
        field.TYPE_DOUBLE: "double",
        field.TYPE_STRING: "text",
        field.TYPE_BYTES: "bytes",
    }
    return names[field.type]


def compare_schema(table: str, descriptor, schema, checks: Checks) -> None:
    columns = fields_of(descriptor)
    names = [field.name for _, field in columns]
    checks.check(schema.names == names, f"{table}: the columns are {schema.names}, the message has {names}")
    for _, field in columns:
        if field.name not in schema.names:
            continue
        column = schema.field(field.name)
        checks.check(
            _arrow_kind(column.type) == kind_of(field),
            f"{table}.{field.name} is {column.type}, the message says {kind_of(field)}",
        )
        nullable = field.has_presence and not is_list(field)
        checks.check(
            column.nullable == nullable,
            f"{table}.{field.name} is {'nullable' if column.nullable else 'required'}, the message says otherwise",
        )
        number = (column.metadata or {}).get(b"PARQUET:field_id", b"none").decode()
        checks.check(
            number == str(field.number), f"{table}.{field.name} has field_id {number}, the message has {field.number}"
        )
        if is_list(field):
            inner = [
                (
                    one.name,
                    _arrow_kind(one.type),
                    one.nullable,
                    (one.metadata or {}).get(b"PARQUET:field_id", b"none").decode(),
                )
                for one in column.type.value_type
            ]
            expected = [
                (one.name, kind_of(one), one.has_presence, str(one.number)) for one in field.message_type.fields
            ]
            checks.check(inner == expected, f"{table}.{field.name} holds {inner}, the message says {expected}")


DUCKDB = {
    "int32": "INTEGER",
    "int64": "BIGINT",
    "bool": "BOOLEAN",
    "double": "DOUBLE",
    "text": "VARCHAR",
    "bytes": "BLOB",
    "time": "TIMESTAMP WITH TIME ZONE",
}


def compare_views(output: Path, messages: dict[str, type], checks: Checks) -> None:
    """The columns of the views, also of tables without rows, are those of the messages."""
    import duckdb

    connection = duckdb.connect()
    here = Path.cwd()
    os.chdir(output)
    try:
        connection.execute(Path("views.sql").read_text())
        for table, message in messages.items():
            expected = []
            for _, field in fields_of(message.DESCRIPTOR):
                kind = DUCKDB.get(kind_of(field))
                if kind is None:
                    inner = ", ".join(f'"{one.name}" {DUCKDB[kind_of(one)]}' for one in field.message_type.fields)
                    kind = f"STRUCT({inner})[]"
                expected.append((field.name, kind.replace('"', "")))
            found = [(row[0], row[1].replace('"', "")) for row in connection.execute(f'DESCRIBE "{table}"').fetchall()]
            wrong = [pair for pair in zip(found, expected) if pair[0] != pair[1]]
            checks.check(
                not wrong and len(found) == len(expected), f"views.sql: columns of {table} (view, message): {wrong[:4]}"
            )
    finally:
        os.chdir(here)


def compare_table(table: str, message: type, data: bytes, parquet: list[Path], checks: Checks) -> int:
    import pyarrow as pa
    import pyarrow.parquet as pq

    columns = fields_of(message.DESCRIPTOR)
    arrow = pa.concat_tables([pq.ParquetFile(file).read() for file in parquet])
    compare_schema(table, message.DESCRIPTOR, arrow.schema, checks)
    for at, field in enumerate(arrow.schema):
        if pa.types.is_timestamp(field.type):
            arrow = arrow.set_column(at, field.name, arrow.column(at).cast(pa.int64()))
    rows = arrow.to_pylist()
    decoded = [row_of(one, columns) for one in messages_in(data, message)]
    checks.check(len(decoded) == len(rows), f"{table}: {len(decoded)} messages, {len(rows)} rows")
    for _, field in columns:
        bad = [
            (at, one[field.name], row.get(field.name))
            for at, (one, row) in enumerate(zip(decoded, rows))
            if one[field.name] != row.get(field.name)
        ]
        checks.check(not bad, f"{table}.{field.name} differs in {len(bad)} rows (row, protobuf, Parquet): {bad[:3]}")
    return len(decoded)


def check(output: Path, export: Path, checks: Checks) -> None:
    with tempfile.TemporaryDirectory() as folder:
        messages = compile_messages(folder)
        # Other messages are tables of label sets, which are made later.
        missing = sorted(set(TABLES) - set(messages))
        checks.check(not missing, f"tables that are not in the .proto files: {missing}")
        messages = {table: messages[table] for table in TABLES if table in messages}
        for table, message in messages.items():
            file = export / f"{table}.pb"
            parquet = sorted((output / "tables" / table).glob("**/*.parquet"))
            data = file.read_bytes() if file.is_file() else b""
            if not parquet:
                checks.check(not data, f"{table}: an export of rows that Parquet does not have")
                continue
            print(f"{table}: {compare_table(table, message, data, parquet, checks)} messages")
        compare_views(output, messages, checks)


def self_test() -> int:
    import pyarrow as pa
    import pyarrow.parquet as pq

    checks = Checks()
    with tempfile.TemporaryDirectory() as folder:
        messages = compile_messages(folder)
        arp = messages["arp"]
        one = arp(hardware_type=1, protocol_type=0x800, src_mac="00:00:00:00:00:01", gratuitous=True)
        one.id.packet, one.id.ts = 300, -5
        two = arp(operation=2)
        two.id.flow = 10_000_000_001
        data = b""
        for message in (one, two):
            raw = message.SerializeToString()
            data += bytes([len(raw)]) + raw
        columns = fields_of(arp.DESCRIPTOR)
        rows = [row_of(message, columns) for message in (one, two)]
        checks.check(
            rows[0]["packet"] == 300
            and rows[0]["flow"] is None
            and rows[0]["dst_mac"] is None
            and rows[1]["flow"] == 10_000_000_001,
            f"rows: {rows}",
        )
        types = {
            "int32": pa.int32(),
            "int64": pa.int64(),
            "bool": pa.bool_(),
            "text": pa.string(),
            "time": pa.timestamp("us", "UTC"),
        }
        schema = pa.schema(
            [
                pa.field(f.name, types[kind_of(f)], f.has_presence, {b"PARQUET:field_id": str(f.number).encode()})
                for _, f in columns
            ]
        )
        file = Path(folder) / "arp.parquet"
        pq.write_table(pa.Table.from_pylist(rows, schema), file)
        compare_table("arp", arp, data, [file], checks)
        good = checks.failed
        spoiled = Checks()
        with contextlib.redirect_stdout(io.StringIO()):
            compare_table("arp", arp, data.replace(b"00:01", b"00:02"), [file], spoiled)
        checks.check(good == 0 and spoiled.failed == 1, "a changed value is found")
    return checks.finish()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("output", nargs="?", type=Path)
    parser.add_argument("export", nargs="?", type=Path)
    parser.add_argument("--self-test", action="store_true", help="check the check itself")
    arguments = parser.parse_args()
    if arguments.self_test:
        return self_test()
    if arguments.export is None:
        parser.error("which output, and which export?")
    checks = Checks()
    check(arguments.output, arguments.export, checks)
    return checks.finish()


if __name__ == "__main__":
    sys.exit(main())
