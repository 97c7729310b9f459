"""Files that hold tables: the files that a URI stands for, and the format of each."""

from pathlib import PurePath

from prodcat.errors import CatalogError

FORMATS = {".parquet": "parquet", ".csv": "csv", ".tsv": "csv", ".jsonl": "jsonl"}
_ALIASES = {".pq": ".parquet", ".ndjson": ".jsonl"}


def expand(uri: str) -> list[str]:
    """The files that a URI or glob stands for, sorted by name.

    Raises:
        CatalogError: There is no such file or filesystem.
    """
    import fsspec

    try:
        filesystem, path = fsspec.url_to_fs(uri)
        paths = [path] if filesystem.exists(path) else []
        if not paths and any(mark in path for mark in "*?["):
            paths = sorted(filesystem.glob(path))
    except (ValueError, ImportError, OSError) as error:
        raise CatalogError(f"Cannot look for {uri!r}: {error}. Check the address.") from error
    if not paths:
        raise CatalogError(
            f"Found no file at {uri!r}; expected at least one. Check the address and the rights."
        )
    return [str(filesystem.unstrip_protocol(name)) for name in paths]


def address(uri: str) -> str:
    """A URI in its full form, in which two URIs of one file are equal."""
    import fsspec

    filesystem, path = fsspec.url_to_fs(uri)
    return str(filesystem.unstrip_protocol(path))


def table_format(uri: str) -> str:
    """The format of a file by its ending: ``"parquet"``, ``"csv"`` or ``"jsonl"``.

    Raises:
        CatalogError: The ending is not known.

    >>> table_format("s3://shop/titles.tsv.gz")
    'csv'
    """
    suffix = suffix_of(uri)
    if suffix not in FORMATS:
        raise CatalogError(
            f"{uri!r} ends with {suffix!r}; expected one of {sorted(FORMATS)} "
            "(csv and jsonl also with .gz)."
        )
    return FORMATS[suffix]


def delimiter_of(uri: str) -> str:
    """The delimiter of a CSV or TSV file, by the file's ending."""
    return "\t" if suffix_of(uri) == ".tsv" else ","


def compression_of(uri: str) -> str | None:
    """The compression of a text file by its ending, in the words of fsspec; None for none."""
    return "gzip" if uri.lower().endswith(".gz") else None


def suffix_of(uri: str) -> str:
    """The ending of a file's name in its usual form, without that of the compression.

    >>> suffix_of("titles.ndjson.gz")
    '.jsonl'
    """
    suffix = PurePath(uri.lower().removesuffix(".gz")).suffix
    return _ALIASES.get(suffix, suffix)
