#!/usr/bin/env python3
"""The DuckDB queries of README.md give what it shows.

    readme.py OUTPUT        an output of pipelines/quickstart.yaml

Each block of SQL is run in the folder of the output, after views.sql, and compared with the block after it.
"""

import os
import re
import sys
from pathlib import Path

import duckdb


def main() -> int:
    text = (Path(__file__).resolve().parents[2] / "README.md").read_text()
    blocks = re.findall(r"```sql\n(.*?)\n```\n```\n(.*?)\n```", text, re.S)
    os.chdir(sys.argv[1])
    connection = duckdb.connect()
    connection.execute(Path("views.sql").read_text())
    failed = 0
    for query, expected in blocks:
        got = str(connection.sql(query)).rstrip()
        if got != expected.rstrip():
            failed += 1
            print(f"README.md shows another result for\n{query}\n{got}")
    if not blocks:
        print("README.md has no queries")
        failed = 1
    print(f"{len(blocks) - failed} passed, {failed} failed, 0 skipped")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
