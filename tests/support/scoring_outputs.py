"""What lies in the output folder of a scoring."""

from pathlib import Path

import pyarrow.parquet as pq


def rows_of(output):
    files = sorted(Path(output).glob("part-*.parquet"))
    return [row for file in files for row in pq.read_table(file).to_pylist()]


def files_of(output):
    return {
        str(path.relative_to(output)): path.read_bytes()
        for path in Path(output).rglob("*")
        if path.is_file()
    }
