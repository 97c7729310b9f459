"""Writes tables with offers piece by piece: Parquet, CSV, TSV, JSONL and Excel."""

import json
import os
import tempfile
import uuid
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from fnmatch import fnmatch
from pathlib import Path
from typing import IO, Any

from prodcat.errors import CatalogError, ConfigError
from prodcat.storage.faults import store_faults
from prodcat.storage.spreadsheets import SheetWriter, check_size, writing_package
from prodcat.storage.table_files import Files, address, connect, expand
from prodcat.text_encoding import for_csv

ENDINGS = (".parquet", ".csv", ".tsv", ".jsonl", ".xlsx")
_DELIMITERS = {"csv": ",", "tsv": "\t"}


def file_kind(output: str) -> str:
    """The format of an output by its ending, such as ``csv``.

    Raises:
        ConfigError: The ending is of no format that is written.
    """
    for ending in ENDINGS:
        if output.lower().endswith(ending):
            return ending[1:]
    raise ConfigError(
        f"output={output!r} has no ending of a table; expected a name ending with one of "
        f"{', '.join(ENDINGS)}."
    )


def check_output(source: object, output: str) -> None:
    """Refuse an output that the same call reads, or that the next call would read.

    Args:
        source: The table that is read: a path, URI, glob or several of them, or one in memory.
        output: The path or URI of the file to write.

    Raises:
        CatalogError: It is one of the input files, by whatever name, or lies among them.
        ConfigError: It is a folder, or a chain of file systems.
    """
    if "::" in output:
        raise ConfigError(
            f"The output {output!r} is a chain of file systems ('::'), in which no file can be "
            "replaced safely. Name a file without '::'."
        )
    try:
        filesystem, path = connect(output)
    except (ValueError, ImportError) as error:
        raise ConfigError(
            f"The output {output!r} cannot be written: {error}. Check the address."
        ) from error
    if filesystem.isdir(path):
        raise ConfigError(f"The output {output!r} is a folder; expected the name of a file.")
    for uri in _named_files(source):
        files: list[str] = []
        # What is wrong with the address of an input is told when the table is read.
        with suppress(CatalogError, ValueError, ImportError):
            files = expand(uri) if _protocol(uri) == _protocol(output) else []
        if any(_is_same_file(output, file) for file in files):
            raise CatalogError(
                f"The output {output!r} is an input file too and would be replaced. Name another "
                "output."
            )
        if files and _is_among(output, uri):
            raise CatalogError(
                f"The output {output!r} lies among the files of the input {uri!r}, so that the "
                "next call would read it. Name an output in another folder."
            )


def _protocol(uri: str) -> str:
    """The protocol of an address; ``file`` for paths."""
    return address(uri).partition("://")[0]


def _named_files(source: object) -> list[str]:
    """The paths, URIs and globs that a source names; none if it is a table in memory."""
    if isinstance(source, Files):
        return list(source.uris)
    if isinstance(source, (str, os.PathLike)):
        return [os.fspath(source)]
    files = getattr(source, "files", None)  # of an Arrow dataset
    listed = source if isinstance(source, (list, tuple)) else files
    if not isinstance(listed, (list, tuple)):
        return []
    are_names = listed is files
    return [
        os.fspath(each)
        for each in listed
        if isinstance(each, os.PathLike) or (are_names and isinstance(each, str))
    ]


def _is_same_file(one: str, other: str) -> bool:
    """Whether two URIs name the same file, links included."""
    places = address(one), address(other)
    if places[0] == places[1]:
        return True
    try:
        return _local_path(places[0]).samefile(_local_path(places[1]))
    except OSError:
        return False


def _is_among(output: str, source: str) -> bool:
    """Whether a file is below a folder of inputs, or a glob of inputs matches its name."""
    file, place = address(output), address(source.rstrip("/"))
    filesystem, path = connect(source)
    if filesystem.isdir(path):
        is_local = file.startswith("file://") and place.startswith("file://")
        parents = _local_path(file).resolve().parents if is_local else ()
        return file.startswith(f"{place}/") or _local_path(place).resolve() in parents
    return any(mark in source for mark in "*?[") and fnmatch(file, place)


def _local_path(uri: str) -> Path:
    return Path(uri.removeprefix("file://"))


def check_fits(kind: str, rows: int, columns: int) -> None:
    """Refuse a table that is too large for its format, before anything is written.

    Raises:
        ConfigError: It has too many rows or columns for a sheet of Excel, or the package that
            writes workbooks is not installed.
    """
    if kind == "xlsx":
        writing_package()
        check_size(rows, columns)


class OfferWriter:
    """Writes Arrow tables with the same columns to a file, in a ``with`` block.

    Args:
        file: Where to write.
        kind: The format: ``parquet``, ``csv``, ``tsv``, ``jsonl`` or ``xlsx``.
        types: The Arrow type of each column by its name.
    """

    def __init__(self, file: IO[bytes], kind: str, types: Mapping[str, Any]) -> None:
        self._file, self._kind, self._types = file, kind, types
        self._stack = ExitStack()
        self._writer: Any = None

    def __enter__(self) -> "OfferWriter":
        import pyarrow as pa
        import pyarrow.parquet as pq

        if self._kind == "parquet":
            schema = pa.schema(list(self._types.items()))
            self._writer = self._stack.enter_context(pq.ParquetWriter(self._file, schema))
        elif self._kind == "xlsx":
            self._writer = self._stack.enter_context(SheetWriter(self._file, "offers"))
            self._writer.add(pa.schema(list(self._types.items())).empty_table())
        elif self._kind in _DELIMITERS:
            self._write(for_csv([list(self._types)], _DELIMITERS[self._kind]))
        return self

    def __exit__(self, *error: Any) -> None:
        self._stack.__exit__(*error)

    def add(self, table: Any) -> None:
        """Append the rows of an Arrow table.

        Raises:
            ConfigError: A text is too long for a cell of Excel.
        """
        if self._kind == "parquet":
            self._writer.write_table(table)
        elif self._kind == "xlsx":
            self._writer.add(table)
        elif self._kind in _DELIMITERS:
            cells = zip(*(column.to_pylist() for column in table.columns), strict=True)
            rows = (map(_cell, row) for row in cells)
            self._write(for_csv(rows, _DELIMITERS[self._kind]))
        else:
            lines = (json.dumps(row, ensure_ascii=False, default=str) for row in table.to_pylist())
            self._write("".join(f"{line}\n" for line in lines))

    def _write(self, text: str) -> None:
        self._file.write(text.encode("utf-8", "replace"))


def _cell(value: Any) -> Any:
    """A value as a cell of CSV: booleans in small letters, whole floats without a fraction."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return int(value)
    return value


@contextmanager
def replaced_file(uri: str) -> Iterator[IO[bytes]]:
    """A new file that takes the place of a file at the end of the block, if nothing went wrong.

    Args:
        uri: The file, at any fsspec URI.

    Raises:
        StoreError: The file cannot be written.
    """
    filesystem, path = connect(uri)
    protocols = filesystem.protocol
    is_local = "file" in ((protocols,) if isinstance(protocols, str) else protocols)
    if not is_local:
        with tempfile.TemporaryDirectory(prefix="prodcat-") as folder:
            near = Path(folder) / "offers"
            with near.open("wb") as file:
                yield file
            with store_faults(uri):
                filesystem.put_file(str(near), path)
        return
    target = Path(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(f".{target.name}.{uuid.uuid4().hex}.part")
    try:
        with part.open("xb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)
