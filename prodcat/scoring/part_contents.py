"""Count the rows and errors of a finished part in the bytes of its file."""

import csv
import io
import json
import sys

from prodcat.classifier.results import Format


def count_rows(content: bytes, kind: Format, *, header: bool) -> tuple[int, int]:
    r"""The number of rows in a part, and how many of them have an error.

    Args:
        content: The bytes of the part's file.
        kind: The format of the file.
        header: Whether a CSV or TSV file begins with the names of the columns.

    Returns:
        The number of rows, and the number of rows whose column ``error`` is not empty.

    Raises:
        ValueError: The bytes cannot be read as this format.
        KeyError: A line of JSONL has no ``error``.
        IndexError: A row of CSV has no columns.
        TypeError: A line of JSONL is not an object.

    >>> count_rows(b"title,error\nsut,\n,empty title\n", "csv", header=True)
    (2, 1)
    """
    if kind == "parquet":
        import pyarrow as pa
        import pyarrow.parquet as pq

        try:
            column = pq.read_table(pa.BufferReader(content), columns=["error"])["error"]
        except (KeyError, OSError) as error:
            raise ValueError(str(error)) from error
        return len(column), len(column) - column.null_count
    lines = io.StringIO(content.decode(), newline="")
    if kind == "jsonl":
        reasons = [json.loads(line)["error"] for line in lines]
    else:
        csv.field_size_limit(min(sys.maxsize, 2**31 - 1))
        reader = csv.reader(lines, delimiter="\t" if kind == "tsv" else ",", strict=True)
        reasons = [row[-1] for row in reader][header:]
    return len(reasons), sum(reason not in (None, "") for reason in reasons)
