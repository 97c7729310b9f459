"""Recognises what a caller gave: one value, values in an order, a table, or none of these.

Types of pandas, polars, Arrow and others are recognised by their names, so that no package is
imported for them.
"""

import io
import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import is_dataclass
from decimal import Decimal
from itertools import chain
from typing import Any, cast

from prodcat.errors import CatalogError, ProdcatError
from prodcat.storage.arrow_values import arrow_values

_NUMBERS = ("float16", "float32", "float64", "longdouble", "datetime64", "timedelta64")
_PACKAGES = ("pandas", "polars", "pyarrow", "numpy", "torch", "ray", "pyspark", "datasets")
_FRAMES = ("DataFrame", "LazyFrame")
_VALUES = {
    "pandas": ("Series", "Index", "ExtensionArray"),
    "polars": ("Series",),
    "pyarrow": ("Array", "ChunkedArray"),
}
_MOST_SHOWN = 60  # letters of a text in a description
_MOST_NAMES = 8  # columns in a description
_TABLE_FILE = re.compile(r"\S+\.(csv|tsv|jsonl|ndjson|parquet|pq|xlsx)(\.gz)?", re.IGNORECASE)


def is_missing(value: object) -> bool:
    """Whether a value means "missing": None, NaN, NaT, pandas' NA or a masked value of NumPy.

    >>> is_missing(None), is_missing(float("nan")), is_missing("")
    (True, True, False)
    """
    if value is None:
        return True
    if isinstance(value, str):
        return False
    kind = type(value).__name__
    if kind in ("NAType", "NaTType", "MaskedConstant"):
        return True
    if isinstance(value, Decimal):
        return value.is_nan()
    return (isinstance(value, float) or kind in _NUMBERS) and bool(value != value)


def named_type(given: object) -> tuple[str, frozenset[str]]:
    """The package that a type is from, and the names of the type and of its bases there.

    >>> named_type("milk")
    ('', frozenset())
    """
    bases = type(given).__mro__
    for package in _PACKAGES:
        names = frozenset(
            base.__name__ for base in bases if base.__module__.split(".")[0] == package
        )
        if names:
            return package, names
    return "", frozenset()


def is_frame(given: object, package: str) -> bool:
    """Whether something is a DataFrame or LazyFrame of this package, or of a subclass."""
    origin, names = named_type(given)
    return origin == package and not names.isdisjoint(_FRAMES)


def ordered_values(given: object) -> Iterator[Any] | None:
    """The values of a container of one dimension that keeps them in an order.

    Args:
        given: A list, tuple, generator or another iterable; a NumPy array [n] or [n, 1]; or a
            column of pandas, polars or Arrow.

    Returns:
        The values as Python objects, with None for masked values and nulls of Arrow; None if this
        is something else: a table, a mapping, a set, one text, bytes, an open file or no container.
    """
    if isinstance(given, (list, tuple)):
        return iter(given)
    package, names = named_type(given)
    if package == "numpy":
        return _array_values(cast(Any, given))
    if package in _VALUES:
        if names.isdisjoint(_VALUES[package]) or "MultiIndex" in names:
            return None
        column = cast(Any, given)
        if package == "pyarrow":
            return iter(arrow_values(column))
        return iter(column.to_list() if hasattr(column, "to_list") else list(column))
    if package in ("ray", "pyspark") or _is_whole(given) or not isinstance(given, Iterable):
        return None
    return iter(given)


def _is_whole(given: object) -> bool:
    """Whether something that can be iterated over is no container of values in an order."""
    single = (str, bytes, bytearray, memoryview, Mapping, set, frozenset, io.IOBase)
    return isinstance(given, single) or hasattr(given, "read")


def _array_values(array: Any) -> Iterator[Any] | None:
    """The values of a NumPy array [n] or [n, 1], or None."""
    dimensions = getattr(array, "ndim", 0)
    if dimensions == 2 and array.shape[1] == 1:
        array, dimensions = array.reshape(-1), 1
    if dimensions != 1 or array.dtype.names:
        return None
    # Times become numbers otherwise.
    return iter(list(array) if array.dtype.kind in "MmV" else array.tolist())


def titles_or_rows(given: object) -> tuple[list[Any] | None, object]:
    """Tell titles from the rows of a table.

    Args:
        given: Anything that a caller may give as titles.

    Returns:
        The titles if these are values of one dimension of which the first that is not missing is a
        text, and none is a row; otherwise None; and what can be read as a table if they are no
        titles.

    >>> titles_or_rows(iter(["milk", "bread"]))[0], titles_or_rows([{"title": "milk"}])[0]
    (['milk', 'bread'], None)
    """
    values = ordered_values(given)
    if values is None:
        return None, given
    first: list[Any] = []
    for value in values:
        first.append(value)
        if not is_missing(value):
            break
    if first and not isinstance(first[-1], str) and not is_missing(first[-1]):
        return None, given if isinstance(given, Sequence) else chain(first, values)
    titles = [*first, *values]
    if any(issubclass(kind, Mapping) for kind in set(map(type, titles))):  # some are rows
        return None, titles
    return titles, given


def given_texts(given: object, name: str) -> list[str]:
    """The texts in a list or in another container that keeps an order; a missing one is empty.

    Args:
        given: What a caller gave.
        name: The name of the argument, with which the message begins.

    Raises:
        CatalogError: It is no such container, or one of its values is not text.

    >>> given_texts(iter(["milk", None]), "titles")
    ['milk', '']
    """
    values = ordered_values(given)
    if values is None:
        raise CatalogError(f"{name} is {described(given)}; expected a list of texts.")
    texts = []
    for row, value in enumerate(values, 1):
        if not (isinstance(value, str) or is_missing(value)):
            raise CatalogError(
                f"Row {row:,} of {name} is {described(value)}; expected text. {text_advice(value)}"
            )
        texts.append(value if isinstance(value, str) else "")
    return texts


def text_advice(value: object) -> str:
    """A sentence that says how to make a text of a value that stands where one is expected.

    >>> text_advice({"title": "milk"}), text_advice(5)[:25]
    ("Give the texts alone, such as [row['title'] for row in rows].", 'Convert it with str(), or')
    """
    keys = list(value) if isinstance(value, Mapping) else []
    if isinstance(value, Mapping):
        key = "title" if "title" in keys or not keys else keys[0]
        return f"Give the texts alone, such as [row[{key!r}] for row in rows]."
    if isinstance(value, (bytes, bytearray)):
        return "Decode it, such as with title.decode()."
    if isinstance(value, os.PathLike):
        return "Files are read by read_catalog, and answered by prodcat.score."
    package, names = named_type(value)
    if "DataFrame" in names:
        return "Join tables first, such as with pandas.concat, or give one after the other."
    for method in ("_asdict", "as_py"):  # of named tuples, and of scalars of Arrow
        if hasattr(value, method):
            return f"Convert the rows, such as with [row.{method}() for row in rows]."
    if isinstance(value, (list, tuple)) or (package and hasattr(value, "__len__")):
        parts = value if isinstance(value, (list, tuple)) else ()
        is_text = [isinstance(part, str) for part in parts]
        place = is_text.index(True) if True in is_text else 0
        return f"Give one text for each row, such as [row[{place}] for row in rows]."
    if is_dataclass(value):
        return "Convert the rows, such as with [dataclasses.asdict(row) for row in rows]."
    return "Convert it with str(), or leave the row out."


def refuse_file_names(titles: Sequence[object], name: str) -> None:
    """Refuse texts that are all names of files with tables, as these are not meant as titles.

    Args:
        titles: The texts.
        name: The name of the argument, with which the message begins.

    Raises:
        CatalogError: They all end like files, such as ``.csv``.
    """
    if titles and all(isinstance(title, str) and _TABLE_FILE.fullmatch(title) for title in titles):
        raise CatalogError(
            f"{name} has only names of files, such as {titles[0]!r}; expected titles. To read the "
            "files, give read_catalog their folder, a glob such as 'titles/*.csv', or a list of "
            "pathlib.Path objects."
        )


def path_text(given: object, name: str, expected: str, error: type[ProdcatError]) -> str:
    """The text of a path or URI that a caller gave.

    Args:
        given: A text, or an object with a path, such as :class:`pathlib.Path`.
        name: The name of the argument, with which the message begins.
        expected: A description of what is expected there.
        error: The kind of error to raise.

    Raises:
        ProdcatError: It is something else, or an empty text.
    """
    text = os.fspath(given) if isinstance(given, os.PathLike) else given
    if not isinstance(text, str) or not text:
        raise error(f"{name} is {described(given)}; expected {expected}.")
    return text


def described(given: object) -> str:
    """A description of something that a caller gave, for the message of an error.

    >>> described("milk"), described({"title": "milk"}), described(5), described(())
    ("one text, 'milk'", "a mapping with the keys ['title']", 'the number 5', 'a tuple')
    """
    if given is None:
        return "None"
    if isinstance(given, str):
        return f"one text, {given[:_MOST_SHOWN]!r}" if given else "an empty text"
    if isinstance(given, (bytes, bytearray)):
        return "bytes"
    if isinstance(given, (int, float)) and not isinstance(given, bool):
        return f"the number {given!r}"
    if isinstance(given, os.PathLike):
        return f"the path {os.fspath(given)!r}"
    if isinstance(given, Mapping):
        return f"a mapping with the keys {_listed(given)}"
    if isinstance(given, io.IOBase) or callable(getattr(given, "read", None)):
        return "an open file"
    package, names = named_type(given)
    if package == "numpy" and hasattr(given, "shape") and "generic" not in names:
        return f"a NumPy array of the shape {given.shape}"
    if isinstance(given, (set, frozenset)):
        return "a set, which keeps no order"
    kind = f"{package} {type(given).__name__}".strip()
    article = "an" if kind[0] in "AEIOUaeiou" else "a"
    if package == "pandas" and "DataFrame" in names:
        return f"{article} {kind} with the columns {_listed(cast(Any, given).columns)}"
    return f"{article} {kind}"


def _listed(names: Iterable[Any]) -> str:
    listed = [name if isinstance(name, (str, int)) else str(name) for name in names]
    return f"{listed[:_MOST_NAMES]}"[:-1] + (", …]" if len(listed) > _MOST_NAMES else "]")
