"""Score into one file: the parts are written to a temporary folder next to it, then joined."""

import contextlib
import gzip
import hashlib
import os
import re
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import IO, Any, Literal, cast

from prodcat.classifier.results import Format
from prodcat.errors import ConfigError, ScoringError, StoreError
from prodcat.scoring.finished_parts import JOB, FinishedPart
from prodcat.storage.leased_folder import LeasedFolder
from prodcat.storage.objects import Objects
from prodcat.storage.output_folders import FOLDER
from prodcat.storage.spreadsheets import SheetWriter
from prodcat.storage.table_files import FORMATS, address, compression_of, suffix_of

FileKind = Format | Literal["xlsx"]
_ENDINGS = (*FORMATS, ".xlsx")


def file_kind(output: str) -> FileKind | None:
    """The format of an output file according to its name; None if the output is a folder.

    Raises:
        ConfigError: The name has the ending of a format that is not supported, or is a chain.

    >>> file_kind("answers.csv.gz"), file_kind("answers/")
    ('csv', None)
    """
    if output.endswith("/"):
        return None
    suffix = suffix_of(output)
    if suffix in (".parquet", ".xlsx") and compression_of(output):
        name = {".parquet": "Parquet", ".xlsx": "Excel's format"}[suffix]
        raise ConfigError(f"{output!r}: {name} is compressed inside. Name the output without .gz.")
    if suffix in _ENDINGS and "::" in output:
        raise ConfigError(
            f"The output {output!r} is a chain of file systems ('::'), in which no file can be "
            "replaced safely. Name a file without '::'."
        )
    if suffix in _ENDINGS:
        return cast(FileKind, suffix.removeprefix("."))
    if re.fullmatch(r"\.[a-z]{2,7}", suffix):
        raise ConfigError(
            f"{output!r} ends with {suffix!r}; expected one of {sorted(_ENDINGS)} (text formats "
            "may be followed by .gz), or a folder. If it is a folder, end its name with a slash."
        )
    return None


def parts_folder(output: str) -> str:
    """The folder next to an output file that contains its parts until they are joined.

    >>> parts_folder("out/answers.csv")
    'out/.answers.csv.parts'
    """
    folder, _, name = output.rpartition("/")
    return f"{folder}/.{name}.parts" if folder else f".{name}.parts"


def resolved(output: str) -> str:
    """The path of a local output with all symbolic links resolved; other URIs are unchanged.

    So two names of the same file or folder share one lease.

    Raises:
        StoreError: The output is a link that another user made.
    """
    import fsspec
    from fsspec.implementations.local import LocalFileSystem

    try:
        filesystem, path = fsspec.url_to_fs(output)
    except (ValueError, ImportError):  # the error is reported when the output is opened
        return output
    if not isinstance(filesystem, LocalFileSystem):
        return output
    place = Path(path)
    if place.is_symlink() and place.lstat().st_uid not in (0, _user()):
        raise StoreError(
            f"{output!r} is a link that another user made; expected a file or folder. Name the "
            "file or folder to which the link leads."
        )
    return str(place.resolve()) + ("/" if output.endswith("/") else "")


def join_parts(
    folder: LeasedFolder, parts: Sequence[FinishedPart], output: str, kind: FileKind
) -> None:
    """Join all parts into one file, which gets its name only once it is complete.

    Args:
        folder: The folder with the parts, and the lease on it.
        parts: The finished parts in the order of the input.
        output: The path or URI of the output file.
        kind: The format of the file and of the parts, which are Parquet for a workbook of Excel.

    Raises:
        ConfigError: The rows do not fit into a sheet of Excel.
        ScoringError: A part was removed or altered.
        OutputInUseError: Another process has taken the output over.
        StoreError: The file cannot be written.
    """
    import fsspec

    _, path = fsspec.url_to_fs(output)
    # The file is written on this machine first: an object store makes a file visible when it is
    # closed, even if it is incomplete.
    with _new_file(folder, path) as (raw, near):
        part_kind: Format = "parquet" if kind == "xlsx" else kind
        with _compressed(raw, path) as file, _appender(file, kind) as append:
            for part in parts:
                append(_content(folder.objects, part, part_kind))
        raw.flush()
        os.fsync(raw.fileno())
        folder.put(near, path, output)


def remove_parts(folder: LeasedFolder) -> None:
    """Remove all parts, their entries and the job, once the parts are joined.

    Args:
        folder: The folder with the parts, and the lease on it, which is kept.

    Raises:
        OutputInUseError: Another process has taken the output over.
        StoreError: The parts cannot be removed.
    """
    objects = folder.objects
    names = [name for name in objects.walk("") if "/lease-" not in f"/{name}"]
    folder.lease.check()
    for name in sorted(
        names, key=lambda name: name == JOB
    ):  # last, as parts without a job are not known as an output
        objects.remove(name)


def remove_folder(parts: Objects) -> None:
    """Remove the empty folder of an output file's parts that its lease did not remove."""
    if parts.is_local or parts.folder.is_s3:
        return
    for folder in (FOLDER, ""):
        with contextlib.suppress(OSError, NotImplementedError):
            parts.folder.filesystem.rmdir(parts.folder.path(folder))


def is_same_file(one: str, other: str) -> bool:
    """Whether two URIs name the same file, links included."""
    places = address(resolved(one)), address(resolved(other))
    paths = [Path(place.removeprefix("file://")) for place in places]
    try:
        return places[0] == places[1] or paths[0].samefile(paths[1])
    except OSError:
        return False


def _content(objects: Objects, part: FinishedPart, kind: Format) -> bytes:
    """The bytes of a part.

    Raises:
        ScoringError: They do not have the hash that the part's entry records.
    """
    name = f"{part.part}.{kind}"
    try:
        content = objects.read(name)
    except FileNotFoundError:
        content = b""
    if hashlib.sha256(content).hexdigest() != part.sha256:
        raise ScoringError(
            f"{objects.at(name)!r} was removed or altered before it was joined with the others. "
            "Run the same command again."
        )
    return content


@contextlib.contextmanager
def _new_file(folder: LeasedFolder, path: str) -> Iterator[tuple[IO[bytes], Path]]:
    """A new file on this machine, open for writing, and its path; a temporary file."""
    if folder.objects.is_local:
        with folder.new_file(path) as made:
            yield made
        return
    with tempfile.TemporaryDirectory(prefix="prodcat") as near:
        made_here = Path(near) / "joined"
        with made_here.open("xb") as file:
            yield file, made_here


def _user() -> int:
    """The id of the user of this process; 0 on systems without such ids."""
    return getattr(os, "geteuid", int)()


def _compressed(raw: IO[bytes], path: str) -> AbstractContextManager[Any]:
    """A writer to the file that compresses if ``path`` ends with ``.gz``, always to equal bytes."""
    if compression_of(path) is None:
        return contextlib.nullcontext(raw)
    return gzip.GzipFile(filename="", mode="wb", fileobj=raw, mtime=0)


@contextlib.contextmanager
def _appender(file: Any, kind: FileKind) -> Iterator[Callable[[bytes], object]]:
    """A function that appends a part's bytes to a file, which the end of the block completes."""
    if kind not in ("parquet", "xlsx"):
        yield file.write
        return
    import pyarrow as pa
    import pyarrow.parquet as pq

    with contextlib.ExitStack() as stack:
        writer: Any = stack.enter_context(SheetWriter(file)) if kind == "xlsx" else None

        def append(content: bytes) -> None:
            nonlocal writer
            table = pq.read_table(pa.BufferReader(content))
            if kind == "xlsx":
                writer.add(table)
                return
            if writer is None:
                writer = stack.enter_context(pq.ParquetWriter(file, table.schema))
            writer.write_table(table)

        yield append
