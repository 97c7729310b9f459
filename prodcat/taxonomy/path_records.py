"""Makes the nodes of a tree from records that have a path each, and perhaps an id."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from prodcat.errors import TaxonomyError
from prodcat.taxonomy.nodes import DEEPEST, SourceNodes
from prodcat.taxonomy.path_rows import nodes_of_paths
from prodcat.taxonomy.paths import Path, join_path
from prodcat.taxonomy.problems import first_problems

_MARKS = ("-", ".", "/", "_", ":")  # between the id of a parent and the rest of a child's
_MOSTLY = 0.9  # share of the inner nodes that have a record


@dataclass(frozen=True)
class PathRecords:
    """Records of nodes.

    Attributes:
        paths: The names along the path to each node.
        ids: The id of each node, or None if the source has none.
        chains: The ids along each path, or None if the source has none.
        places: Where each record is in its source, such as ``"line 3"``, for messages.
        is_published: Whether the source has the form in which Google or Shopify publish lists.
    """

    paths: list[Path]
    ids: list[str] | None
    chains: list[Path] | None
    places: list[str]
    is_published: bool = False


def meaning_of(paths: Sequence[Path], inner: str) -> str:
    """``"partial"`` if nearly every node has a record: it says then only that its node exists.

    Args:
        paths: The path of each record.
        inner: The meaning otherwise.
    """
    known = set(paths)
    above = _above(paths)
    return "partial" if above and len(above & known) >= _MOSTLY * len(above) else inner


def nodes_of_records(
    records: PathRecords, inner: str, same_names: str | None, notes: list[str]
) -> SourceNodes:
    """Make the nodes of the records.

    Args:
        records: The records.
        inner: The meaning of a path that ends at an inner node, if not nearly all have a record.
        same_names: As for :func:`prodcat.read_taxonomy`.
        notes: What the caller is to be told of the nodes is added to it.

    Raises:
        TaxonomyError: The records do not form a tree.
    """
    chains = records.chains
    if chains is None and records.ids is not None and max(map(len, records.paths)) <= DEEPEST:
        chains = _chains_of_ids(records, records.ids, same_names, notes)
        inner = meaning_of(records.paths, inner)
    return nodes_of_paths(records.paths, chains, inner, records.places)


def _chains_of_ids(
    records: PathRecords, keys: list[str], same_names: str | None, notes: list[str]
) -> list[Path]:
    """The ids along each path, of records with the id of the node at the end of their path.

    A node without a record gets its path as its id.

    Raises:
        TaxonomyError: A record has no id; records with the same path have different ids, unless
            they may; or it is not known which of these is the parent of another record.
    """
    ids_of: dict[Path, list[str]] = {}
    problems = []
    for path, key, place in zip(records.paths, keys, records.places, strict=True):
        ids = ids_of.setdefault(path, [])
        if not key:
            problems.append(f"{place}: empty id")
        elif key not in ids:
            ids.append(key)
    if same_names is None and not (
        records.is_published or _are_published(records.paths, keys, ids_of)
    ):
        same_names = "refuse"
    if same_names == "refuse":
        problems += [
            f"{place}: {join_path(path)!r} has the ids {ids_of[path][0]!r} and {key!r}"
            for path, key, place in zip(records.paths, keys, records.places, strict=True)
            if key and key != ids_of[path][0]
        ]
    parents = _parents(records, keys, ids_of, problems if same_names != "refuse" else [])
    if problems:
        raise TaxonomyError(
            f"{len(problems):,} of {len(keys):,} rows are wrong: {first_problems(problems)}. Give "
            "every node one row and one id. If siblings have the same name, as in translated "
            "trees, add a column path_ids; or in Python, same_names='id' adds their ids to it."
        )
    missing = [repr(join_path(path)) for path in sorted(_above(records.paths) - ids_of.keys())]
    if missing:
        notes.append(
            "categories above others have no row of their own, and get their path as their id: "
            f"{first_problems(missing)}. Correct the paths if that is a mistake."
        )
    chains = []
    for path, key in zip(records.paths, keys, strict=True):
        chain = [key]
        for end in range(len(path), 1, -1):
            above = path[: end - 1]
            usual = next(iter(ids_of.get(above, ())), "") or join_path(above)
            chain.append(parents.get((path[:end], chain[-1]), usual))
        chains.append(tuple(reversed(chain)))
    return chains


def _above(paths: Sequence[Path]) -> set[Path]:
    """The paths of all nodes above those at the ends of paths."""
    return {path[:end] for path in set(paths) for end in range(1, min(len(path), DEEPEST + 1))}


def _are_published(
    paths: Sequence[Path], keys: list[str], ids_of: Mapping[Path, list[str]]
) -> bool:
    """Whether ids are those of a published taxonomy, which tell its nodes apart."""
    if all(key.startswith("gid://") for key in keys):
        return True
    below = [(path, key) for path, key in zip(paths, keys, strict=True) if len(path) > 1]
    return bool(below) and all(
        any(is_below(key, above) for above in ids_of.get(path[:-1], ())) for path, key in below
    )


def _parents(
    records: PathRecords, keys: list[str], ids_of: Mapping[Path, list[str]], problems: list[str]
) -> dict[tuple[Path, str], str]:
    """The id of the parent of each record whose parent's path has several ids.

    The parent is the one with whose id the record's id begins, or in a list in which every record
    is below its parent the last one before it.  Adds the records to ``problems`` for which neither
    tells the parent.
    """
    is_ordered = _is_outline(records.paths)
    last: dict[Path, str] = {}
    parents: dict[tuple[Path, str], str] = {}
    for path, key, place in zip(records.paths, keys, records.places, strict=True):
        last[path] = key
        above = path[:-1]
        if len(ids_of.get(above, ())) < 2:
            continue
        begun = [each for each in ids_of[above] if is_below(key, each)]
        if begun:
            parents[path, key] = max(begun, key=len)
        elif is_ordered:
            parents[path, key] = last[above]
        else:
            problems.append(f"{place}: the parent of {join_path(path)!r} has several ids")
    return parents


def _is_outline(paths: Sequence[Path]) -> bool:
    """Whether each path is below the one before it, or below one of its ancestors."""
    return all(path[:-1] == before[: len(path) - 1] for before, path in pairwise([(), *paths]))


def is_below(key: str, above: str) -> bool:
    """Whether an id begins with that of a parent, such as ``ap-2-1`` with ``ap-2``."""
    return key.startswith(above) and key[len(above) : len(above) + 1] in _MARKS


def places_of(records: Sequence[dict[str, Any]]) -> list[str]:
    """Where each record is in its source: as it says, or as a row from 1."""
    return [record.get("place") or f"row {row:,}" for row, record in enumerate(records, 1)]
