"""Files with tables: finds the files of a URI or glob, and the format of each file."""

import os
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any

from prodcat.errors import CatalogError
from prodcat.storage import web_server

FORMATS = {".parquet": "parquet", ".csv": "csv", ".tsv": "csv", ".jsonl": "jsonl"}
# Formats that are read, but into which no parts are written.
_WORKBOOKS = (".xlsx", ".xlsm", ".xlsb", ".xls", ".ods")
_READ = (
    FORMATS | {".txt": "csv", ".tab": "csv", ".json": "jsonl"} | dict.fromkeys(_WORKBOOKS, "xlsx")
)
_ALIASES = {".pq": ".parquet", ".ndjson": ".jsonl"}
_UNPACK = "Unpack it, or pack the file with gzip instead"
_UNPACK_SHEET = "Unpack it: a workbook is packed already"
_TABLE = "a .csv, .xlsx or .parquet file"
_ADVICE = {
    **dict.fromkeys((".zip", ".7z", ".rar", ".tar", ".tgz"), "Unpack it, and name the file in it"),
    **dict.fromkeys((".bz2", ".xz", ".zst", ".lz4", ".br"), _UNPACK),
    ".numbers": "In Numbers, choose File > Export To > CSV or Excel",
    **dict.fromkeys(
        (".html", ".htm", ".xml", ".pdf", ".doc", ".docx"), f"Save its table as {_TABLE}"
    ),
    **dict.fromkeys((".yml", ".yaml"), "Save it as JSON with one object for each row"),
    **dict.fromkeys(
        (".feather", ".arrow", ".orc", ".avro", ".pkl", ".pickle", ".dta", ".sav", ".sas7bdat"),
        f"Read it with pandas or Arrow, and give its table, or save it as {_TABLE}",
    ),
    **dict.fromkeys(
        (".db", ".sqlite", ".sqlite3", ".mdb", ".accdb"), f"Export the table as {_TABLE}"
    ),
}


@dataclass(frozen=True)
class Files:
    """Several files, folders or globs that are read one after the other, as one table.

    Attributes:
        uris: The fsspec URIs, in the order in which they are read.
    """

    uris: tuple[str, ...]

    def __repr__(self) -> str:
        """The first URI and the number of further ones, for messages."""
        more = f" and {len(self.uris) - 1} more" if len(self.uris) > 1 else ""
        return f"{self.uris[0]!r}{more}" if self.uris else "no file"


def uris_of(source: str | Files) -> tuple[str, ...]:
    """The URIs of a source: several, or one."""
    return source.uris if isinstance(source, Files) else (source,)


def check_once(files: list[str]) -> list[str]:
    """Refuse a file that is named twice; return the files.

    Raises:
        CatalogError: A file is named twice, so that its rows would count twice.
    """
    addresses: set[str] = set()
    for name in files if len(files) > 1 else ():
        if address(name) in addresses:
            raise CatalogError(f"{name!r} is named twice; expected each file once.")
        addresses.add(address(name))
    return files


def connect(uri: str) -> tuple[Any, str]:
    """The fsspec filesystem of a URI, and the path in it; web servers get a time limit.

    Raises:
        ValueError: There is no filesystem for such a URI.
        ImportError: The package of the filesystem is not installed.
    """
    import fsspec

    options = web_server.connection_options({}) if _is_of_web(uri) else {}
    filesystem, path = fsspec.url_to_fs(uri, **options)
    return filesystem, str(path)


def _is_of_web(uri: str) -> bool:
    return uri.partition("://")[0] in web_server.PROTOCOLS


def expand(uri: str) -> list[str]:
    """The files that a URI or glob matches, sorted by name, as the caller names files.

    Of a folder they are its visible files; see :func:`visible_files`.

    Raises:
        CatalogError: No file matches, or the place cannot be searched.
    """
    try:
        filesystem, path = connect(uri)
        paths = [path] if filesystem.exists(path) else []
        if not paths and any(mark in path for mark in "*?["):
            paths = sorted(filesystem.glob(path))
        # A web server has no folders: it would be asked for the whole file as a page of links.
        if paths == [path] and not _is_of_web(uri) and filesystem.isdir(path):
            paths = visible_files(filesystem, path)
    except (ValueError, ImportError, OSError) as error:
        raise CatalogError(f"Cannot look for {uri!r}: {error}. Check the address.") from error
    if not paths:
        raise CatalogError(
            f"Found no file at {uri!r}; expected at least one. Check the address and the rights."
        )
    return named_files(uri, filesystem, paths)


def named_files(uri: str, filesystem: Any, paths: list[str]) -> list[str]:
    """The names of files for people: paths if the caller gave a path, and URIs if a URI.

    Args:
        uri: What the caller gave: the name of a file, a folder or a glob.
        filesystem: Its fsspec filesystem.
        paths: The paths of the files in this filesystem.
    """
    if "://" in uri or "::" in uri or "file" not in filesystem.protocol:
        return [str(filesystem.unstrip_protocol(path)) for path in paths]
    if paths == [connect(uri)[1]]:
        return [uri]
    is_relative = not uri.startswith(("/", "~")) and not PurePath(uri).is_absolute()
    return [os.path.relpath(path) if is_relative else path for path in paths]


def visible_files(filesystem: Any, folder: str) -> list[str]:
    """The paths of all files below a folder, sorted by name.

    Files and subfolders whose names begin with ``_`` or ``.`` are left out, and the files ``~$…``
    that Excel keeps beside an open workbook.

    Args:
        filesystem: The fsspec filesystem.
        folder: The path of the folder in it.
    """
    return sorted(
        path
        for path in filesystem.find(folder)
        if not any(
            name.startswith(("_", ".", "~$")) for name in path[len(folder) :].strip("/").split("/")
        )
    )


def address(uri: str) -> str:
    """The normalised form of a URI, which is the same for all URIs of one file."""
    filesystem, path = connect(uri)
    return str(filesystem.unstrip_protocol(path))


def file_size(uri: str) -> int:
    """The size of a file in bytes."""
    filesystem, path = connect(uri)
    return int(filesystem.size(path) or 0)


def table_format(uri: str) -> str:
    """The format of a file by its ending: ``"parquet"``, ``"csv"``, ``"jsonl"`` or ``"xlsx"``.

    Raises:
        CatalogError: The ending is not supported.

    >>> table_format("s3://shop/titles.tsv.gz")
    'csv'
    """
    suffix = suffix_of(uri)
    if suffix not in _READ or (_READ[suffix] == "xlsx" and compression_of(uri)):
        ending = f"ends with {suffix!r}" if suffix else "has no ending"
        advice = _UNPACK_SHEET if suffix in _READ else _ADVICE.get(suffix, f"Save it as {_TABLE}")
        raise CatalogError(
            f"{uri!r} {ending}; expected one of {sorted(_READ)} "
            f"(text files also with .gz). {advice}."
        )
    return _READ[suffix]


def delimiter_of(uri: str) -> str:
    """The usual delimiter of a CSV or TSV file with this ending."""
    return "\t" if suffix_of(uri) in (".tsv", ".tab") else ","


def compression_of(uri: str) -> str | None:
    """The compression of a text file by its ending: fsspec's ``"gzip"``, or None."""
    return "gzip" if uri.lower().endswith(".gz") else None


def suffix_of(uri: str) -> str:
    """The normalised ending of a file's name, without the ending of the compression.

    >>> suffix_of("titles.ndjson.gz")
    '.jsonl'
    """
    suffix = PurePath(uri.lower().removesuffix(".gz")).suffix
    return _ALIASES.get(suffix, suffix)
