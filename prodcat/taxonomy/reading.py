"""Reads a taxonomy from a file."""

import logging
import os
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any, TypedDict, Unpack

from prodcat.errors import ProdcatError, TaxonomyError, check_keywords, no_column, takes_keywords
from prodcat.storage.containers import described, is_missing
from prodcat.storage.read_options import ReadOptions
from prodcat.taxonomy.category_lines import records_of_lines
from prodcat.taxonomy.cells import cell_path, cell_text, records_of
from prodcat.taxonomy.documents import rows_of_json, rows_of_yaml
from prodcat.taxonomy.nodes import SourceNodes, breadth_first
from prodcat.taxonomy.parent_rows import ParentColumns, nodes_of_table
from prodcat.taxonomy.path_records import (
    PathRecords,
    is_below,
    meaning_of,
    nodes_of_records,
    places_of,
)
from prodcat.taxonomy.paths import Path
from prodcat.taxonomy.problems import first_problems
from prodcat.taxonomy.separators import mark_in_names
from prodcat.taxonomy.tree import Taxonomy
from prodcat.taxonomy.tree_columns import TreeColumns, is_header, recognised
from prodcat.taxonomy.tree_files import check_readable, records_without_header, text_of

logger = logging.getLogger("prodcat")
Record = dict[str, Any]
_NAMES = ("id", "parent", "name")


class TreeKeywords(TypedDict, total=False):
    """The less common keyword arguments of :func:`read_taxonomy`.

    Attributes:
        id: The column of a table with the id of each node; None to find it by its name.
        parent: The column of a table with the id of the node's parent; None to find it.
        name: The column of a table with the node's name, such as ``name_fr``; None to find it.
        same_names: What to do with siblings that have the same name and different ids, as in many
            translated trees: ``"refuse"``, or ``"id"`` to add the id to each such name.  None adds
            it, with a warning, in lists as Google and Shopify publish them, with ``path_ids``, and
            where every id begins with that of the parent, such as ``ap-2-1`` below ``ap-2``; it
            refuses others.
        encoding: That of a text file, if it shall not be recognised, such as ``"cp1254"``.
        sheet: The name of the sheet of a workbook; the first one by default.
    """

    id: str | None
    parent: str | None
    name: str | None
    same_names: str | None
    encoding: str | None
    sheet: str | None


@dataclass(frozen=True)
class _Request:
    """What :func:`read_taxonomy` was called with."""

    uri: str
    separator: str
    inner: str
    named: dict[str, Any]
    same_names: str | None
    options: ReadOptions


@takes_keywords(TreeKeywords)
def read_taxonomy(
    uri: str | os.PathLike[str],
    *,
    separator: str = ">",
    inner: str = "terminal",
    path: str | Sequence[str] | None = None,
    **rarer: Unpack[TreeKeywords],
) -> Taxonomy:
    """Read a tree from a file.

    Args:
        uri: The fsspec URI of a ``.json`` file (see :meth:`Taxonomy.from_json`; or the categories
            that Shopify publishes, or categories inside their parents) or ``.yml`` file of the same
            structure, of a ``.txt`` file with one category a line, with or without ids, as Google
            and Shopify publish them, or indented, or of a table, such as ``.csv``, ``.xlsx`` or
            ``.jsonl``; text may be compressed (``.gz``).  The columns of a table are either ``id``,
            ``parent`` and ``name``, or ``path`` (a list of names, or one text with separators), or
            one for each level, such as ``level_1`` and ``level_2``.  With a path or levels there
            may be ``id``, or with ``path`` also ``path_ids``, the ids along the path in the same
            format.  A table of ids and levels, or of paths, needs no header.
        separator: The text between the names of a ``path``, and between the ids of ``path_ids``.
        inner: The meaning of a path that ends at an inner node, ``"terminal"`` or ``"partial"``;
            see :meth:`Taxonomy.from_paths`.  It has no effect on other files, nor if nearly every
            node has a row or line: products then end at leaves only.
        path: The column of a table with the path, or one column for each level, coarsest first;
            None to find them by their names.
        **rarer: ``id``, ``parent``, ``name``, ``same_names``, ``encoding`` and ``sheet``; see
            :class:`~prodcat.taxonomy.reading.TreeKeywords`.

    Raises:
        TaxonomyError: The file does not exist, cannot be read, or does not describe a tree; the
            message gives the numbers of rows, counted from 1 after the header, or of lines.
        TypeError: A keyword argument is unknown.
    """
    check_keywords(read_taxonomy, rarer)
    if not isinstance(uri, (str, os.PathLike)):
        raise TaxonomyError(
            f"uri is {described(uri)}; expected the path or URI of a file. Make a tree from "
            "a table with Taxonomy.from_table, and from a list of paths with Taxonomy.from_paths."
        )
    same_names = rarer.get("same_names")
    if same_names not in (None, "refuse", "id"):
        raise TaxonomyError(f"same_names={same_names!r} is unknown; expected 'refuse' or 'id'.")
    if not isinstance(separator, str) or not separator.strip(" "):
        raise TaxonomyError(f"separator={separator!r} is blank; expected a text such as '>'.")
    uri = os.fspath(uri)
    named = {"path": path, **{name: rarer.get(name) for name in _NAMES}}
    with _errors_of(uri):
        options = ReadOptions(None, rarer.get("encoding"), rarer.get("sheet"))
        return _read(_Request(uri, separator, inner, named, same_names, options))


@contextmanager
def _errors_of(uri: str) -> Iterator[None]:
    """A context manager in which every error is a TaxonomyError that names the file."""
    try:
        yield
    except FileNotFoundError as error:
        raise TaxonomyError(
            f"Cannot read the taxonomy {uri!r}: there is no such file. Check the address."
        ) from error
    except (ProdcatError, OSError, ValueError) as error:
        message = str(error)
        if isinstance(error, TaxonomyError) and repr(uri) in message:
            raise
        start = "" if isinstance(error, TaxonomyError) else "Cannot read the taxonomy "
        message = message.removeprefix(f"{uri!r}: ")
        raise TaxonomyError(f"{start}{uri!r}: {message}") from error


def _read(request: _Request) -> Taxonomy:
    """Read a tree from a file; see :func:`read_taxonomy`."""
    uri, options = request.uri, request.options
    kind = PurePath(uri.lower().removesuffix(".gz")).suffix
    if kind in (".json", ".yml", ".yaml"):
        text = text_of(uri, options.encoding)
        if kind == ".json" and not _is_lines(text):
            return _tree_of_rows(rows_of_json(text), request, is_list=True)
        if kind != ".json":
            return _tree_of_rows(rows_of_yaml(text), request, is_list=True)
    elif kind == ".txt":
        text = text_of(uri, options.encoding)
        if not is_header(text.lstrip().partition("\n")[0]):
            records = records_of_lines(text, request.separator)
            return _tree_of_paths(records, request, "id", is_list=True, is_published=True)
    elif not any(request.named.values()):
        bare = records_without_header(uri, request.separator, options)
        if bare is not None:
            return _tree_of_paths(bare, request, "id", is_list=True, is_published=True)
    return _tree_of_rows(records_of(uri, options), request)


def _is_lines(text: str) -> bool:
    """Whether a text has an object in each line."""
    lines = [line for line in text.split("\n", 50)[:50] if line.strip()]
    return len(lines) > 1 and all(
        line.strip()[:1] + line.strip()[-1:] == "{}" for line in lines[:2]
    )


def _tree_of_rows(records: list[Record], request: _Request, *, is_list: bool = False) -> Taxonomy:
    """Make the tree of the rows of a table or document; see :func:`_tree_of_paths`."""
    names = list(dict.fromkeys(str(name) for record in records for name in record))
    named, path = request.named, request.named["path"]
    asked = [path] if isinstance(path, str) else list(path or ())
    asked += [named["id"]] if named["id"] is not None and "path" in names else []
    missing = [name for name in asked if name not in names]
    if missing and records:
        raise TaxonomyError(no_column(repr(request.uri), missing[0], names))
    columns = recognised(names, named)
    if isinstance(columns.path, str):
        whole = [record.get(columns.path) for record in records]
        if path is not None or not all(map(is_missing, whole)):
            records = [{**r, "path": cell} for r, cell in zip(records, whole, strict=True)]
            id_column = _id_column(records, columns, request)
            return _tree_of_paths(records, request, id_column, is_list=is_list)
    elif columns.path:
        records, is_outline = _with_levels(records, columns.path, request.uri)
        is_list = is_list or is_outline
        id_column = _id_column(records, columns, request)
        return _tree_of_paths(records, request, id_column, is_list=is_list)
    table = ParentColumns(
        columns.id or "id", columns.parent or "parent", columns.name or "name", "terminal"
    )
    return _tree(nodes_of_table(records, table, repr(request.uri)), request, [])


def _with_levels(
    records: list[Record], levels: Sequence[str], uri: str
) -> tuple[list[Record], bool]:
    """The records, with a ``path`` of the names in the columns of the levels.

    Levels that are empty at the beginning of a row are those of the row above, as in an outline.

    Returns:
        The records, and whether they are such an outline.
    """
    rows: list[Record] = []
    above: list[str] = []
    filled = 0
    for record in records:
        names = [cell_text(record.get(name)) for name in levels]
        start = next((place for place, name in enumerate(names) if name), 0)
        if 0 < start <= len(above):
            names[:start] = above[:start]
            filled += 1
        end = max((end for end, name in enumerate(names, 1) if name), default=0)
        above = names[:end]
        rows.append({**record, "path": tuple(names[:end])})
    if filled:
        logger.warning(
            "%r: the first levels are empty in %s rows; read as those of the row above.",
            uri, f"{filled:,}",
        )  # fmt: skip
    return rows, filled > 0


def _id_column(records: list[Record], columns: TreeColumns, request: _Request) -> str | None:
    """The column with the id of the node at the end of each path, or None.

    A column that is only likely to be one by its name must have one id for each path; otherwise it
    may have the ids of products.
    """
    if request.named["id"] is not None or columns.id is None:
        return columns.id
    if columns.id == "id" and isinstance(columns.path, str):
        return columns.id
    paths = Counter(str(record["path"]) for record in records)
    ids = Counter(cell_text(record.get(columns.id)) for record in records)
    if "" not in ids and max(paths.values()) == max(ids.values()) == 1:
        return columns.id
    logger.warning(
        "%r: the column %r is not read, as it has not one id for each category. If it has the ids "
        "of categories, set id=%r.", request.uri, columns.id, columns.id,
    )  # fmt: skip
    return None


def _tree_of_paths(
    records: list[Record],
    request: _Request,
    id: str | None,
    *,
    is_list: bool = False,
    is_published: bool = False,
) -> Taxonomy:
    """Make the tree from records with a ``path`` and perhaps ``path_ids`` or an id.

    Args:
        records: The records.
        request: What the caller asked for.
        id: The name of the ids, or None.
        is_list: Whether this is a list of nodes, and not of the labels of products.
        is_published: Whether it has the form of the lists that Google and Shopify publish.
    """
    places = places_of(records)
    paths = _paths(records, "path", places, request.separator)
    has_chains = records[0].get("path_ids") is not None
    chains = _paths(records, "path_ids", places, request.separator) if has_chains else None
    ids = None
    if id is not None and id in records[0] and chains is None:
        ids = [cell_text(record.get(id)) for record in records]
    inner = meaning_of(paths, request.inner) if is_list else request.inner
    notes: list[str] = []
    with_paths = PathRecords(paths, ids, chains, places, is_published)
    nodes = nodes_of_records(with_paths, inner, request.same_names, notes)
    return _tree(nodes, request, notes, has_known_ids=ids is not None or has_chains)


def _paths(records: list[Record], column: str, places: list[str], separator: str) -> list[Path]:
    """The path or the ids along it of each record.

    Raises:
        TaxonomyError: Cells are no paths.
    """
    paths: list[Path] = []
    problems = []
    for record, place in zip(records, places, strict=True):
        try:
            paths.append(cell_path(record.get(column), separator))
        except TaxonomyError as error:
            problems.append(f"{place}: {error}")
    if problems:
        raise TaxonomyError(
            f"{len(problems):,} of {len(records):,} rows have no path that can be read: "
            f"{first_problems(problems)}"
        )
    return paths


def _tree(
    nodes: SourceNodes, request: _Request, notes: list[str], *, has_known_ids: bool = False
) -> Taxonomy:
    """Make the tree of nodes, and tell the caller what was made of them.

    Args:
        nodes: The nodes.
        request: What the caller asked for.
        notes: What else the caller is to be told.
        has_known_ids: Whether different ids are known to be those of different nodes.
    """
    check_readable(nodes.names, "name")
    check_readable(nodes.ids, "id")
    same_names = request.same_names
    siblings = Counter(zip(nodes.parent, nodes.names, strict=True))
    twins = [name for (_, name), count in siblings.items() if count > 1]
    if same_names is None and twins and (has_known_ids or _are_published(nodes)):
        same_names = "id"
        shown = first_problems([repr(name) for name in dict.fromkeys(twins)])
        notes.append(
            f"siblings have the same name and different ids, which are added to it: {shown}. Set "
            "same_names='refuse' to stop instead."
        )
    tree = Taxonomy(**breadth_first(nodes, same_names or "refuse"))
    divided = mark_in_names(Counter(tree.names)) if tree.depth == 1 and len(tree) > 1 else None
    if divided is not None:
        notes.append(
            f"{divided[0]!r} stands in nearly all names, such as {divided[1][0]!r}. If it divides "
            "paths into names, set separator= (--separator) to it."
        )
    for note in notes:
        logger.warning("%r: %s", request.uri, note)
    return tree


def _are_published(nodes: SourceNodes) -> bool:
    """Whether the ids are those of a published taxonomy, which tell its nodes apart."""
    pairs = [(key, nodes.ids[p]) for key, p in zip(nodes.ids, nodes.parent, strict=True) if p >= 0]
    is_nested = bool(pairs) and all(is_below(key, above) for key, above in pairs)
    return is_nested or all(key.startswith("gid://") for key in nodes.ids)
