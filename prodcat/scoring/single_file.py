"""An output that is one file: parts in a temporary folder next to it, joined in the end."""

import contextlib
import gzip
import re
import tempfile
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import IO, Any, cast

from prodcat.classifier.results import Format
from prodcat.errors import ConfigError
from prodcat.storage.objects import Objects
from prodcat.storage.table_files import FORMATS, compression_of, suffix_of


def file_kind(output: str) -> Format | None:
    """The format of an output that is one file, by its name; None for a folder.

    Raises:
        ConfigError: The ending of the name is that of an unknown format.

    >>> file_kind("answers.csv.gz"), file_kind("answers/")
    ('csv', None)
    """
    if output.endswith("/"):
        return None
    suffix = suffix_of(output)
    if suffix == ".parquet" and compression_of(output):
        raise ConfigError(f"{output!r}: Parquet is compressed inside; expected no .gz.")
    if suffix in FORMATS:
        return cast(Format, suffix.removeprefix("."))
    if re.fullmatch(r"\.[a-z]{2,7}", suffix):
        raise ConfigError(
            f"{output!r} ends with {suffix!r}; expected one of {sorted(FORMATS)} (with .gz where "
            "it is text), or the name of a folder. End a folder's name with a slash."
        )
    return None


def parts_folder(output: str) -> str:
    """The folder next to an output file that holds its parts until they are joined.

    >>> parts_folder("out/answers.csv")
    'out/.answers.csv.parts'
    """
    folder, _, name = output.rpartition("/")
    return f"{folder}/.{name}.parts" if folder else f".{name}.parts"


def join_parts(parts: Objects, output: str, kind: Format) -> None:
    """Join all parts into one file, which appears under its name only when it is complete.

    Args:
        parts: The folder with the parts.
        output: The output file.
        kind: The format of the parts and of the file.
    """
    import fsspec

    filesystem, path = fsspec.url_to_fs(output)
    names = sorted(name for name in parts.names("") if name.startswith("part-"))
    # Written on this machine first: an object store shows a file when it is closed, even if it is
    # incomplete.
    near = Path(f"{path}.part") if parts.is_local else None
    with tempfile.TemporaryDirectory(prefix="prodcat") as folder:
        target = near or Path(folder) / "joined"
        try:
            with target.open("wb") as raw, _compressed(raw, path) as file:
                append = _appender(file, kind)
                for name in names:
                    append(parts.read(name))
                append(None)
            if near is None:
                filesystem.put_file(str(target), path)
            else:
                near.replace(path)
        except BaseException:
            target.unlink(missing_ok=True)
            raise


def _compressed(raw: IO[bytes], path: str) -> AbstractContextManager[Any]:
    """The file, compressed if its name ends with ``.gz``; equal content gives equal bytes."""
    if compression_of(path) is None:
        return contextlib.nullcontext(raw)
    return gzip.GzipFile(filename="", mode="wb", fileobj=raw, mtime=0)


def _appender(file: Any, kind: Format) -> Callable[[bytes | None], None]:
    """A function that appends a part to a file, and completes the file when it gets None."""
    if kind != "parquet":
        return lambda content: file.write(content or b"")
    import pyarrow as pa
    import pyarrow.parquet as pq

    writer: Any = None

    def append(content: bytes | None) -> None:
        nonlocal writer
        if content is None:
            writer.close()
            return
        table = pq.read_table(pa.BufferReader(content))
        if writer is None:
            writer = pq.ParquetWriter(file, table.schema)
        writer.write_table(table)

    return append
