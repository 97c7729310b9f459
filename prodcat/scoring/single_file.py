"""An output that is one file: the parts of a folder beside it, joined once all are there."""

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
        ConfigError: It is of no known format.
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
    """The folder beside a file that has its parts until they are joined."""
    folder, _, name = output.rpartition("/")
    return f"{folder}/.{name}.parts" if folder else f".{name}.parts"


def join_parts(parts: Objects, output: str, kind: Format) -> None:
    """Make one file of all parts, which is in its place once it is whole.

    Args:
        parts: The folder with the parts.
        output: The file.
        kind: The format of the parts and of the file.
    """
    import fsspec

    filesystem, path = fsspec.url_to_fs(output)
    names = sorted(name for name in parts.names("") if name.startswith("part-"))
    # On this machine first: a file of an object store is there once it is closed, whole or not.
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
    """The file, compressed where its name says so; the same bytes whenever it is written."""
    if compression_of(path) is None:
        return contextlib.nullcontext(raw)
    return gzip.GzipFile(filename="", mode="wb", fileobj=raw, mtime=0)


def _appender(file: Any, kind: Format) -> Callable[[bytes | None], None]:
    """A function that adds a part to a file, and ends the file where it gets None."""
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
