"""From the paths of the rows to a tree, and to the node with which each row is labelled."""

from collections.abc import Callable, Sequence, Set

import numpy as np
from numpy.typing import NDArray

from prodcat.catalog.report import UNKNOWN_CATEGORY
from prodcat.catalog.row_paths import RowPaths
from prodcat.catalog.row_problems import RowProblems
from prodcat.catalog.targets import nodes_by_ids
from prodcat.taxonomy.paths import Path, join_path
from prodcat.taxonomy.tree import Taxonomy


def grow_taxonomy(
    paths: RowPaths, languages: Sequence[str] | None, rows: Sequence[int], inner: str
) -> Taxonomy:
    """Make the tree of the given rows.

    If the rows have ids, a node has the name of the first row that holds its id.

    Args:
        paths: The paths of all rows.
        languages: The language of each row, or None if the source has no languages.
        rows: The numbers of the rows that make the tree.
        inner: As for :meth:`Taxonomy.from_paths`.
    """
    names, ids = paths.names, paths.ids
    if ids is None:
        return Taxonomy.from_paths([names[row] for row in rows], inner=inner)
    first: dict[str, str] = {}
    translations: dict[str, dict[str, str]] = {}
    for row in rows:
        language = languages[row] if languages is not None else ""
        for key, name in zip(ids[row], names[row], strict=True):
            first.setdefault(key, name)
            if language:
                translations.setdefault(language, {}).setdefault(key, name)
    taxonomy = Taxonomy.from_paths(
        [tuple(first[key] for key in ids[row]) for row in rows],
        ids=[ids[row] for row in rows],
        inner=inner,
    )
    for language, translated in translations.items():
        taxonomy = taxonomy.with_names(language, translated)
    return taxonomy


def place_rows(
    paths: RowPaths, taxonomy: Taxonomy, problems: RowProblems, reported: Set[int]
) -> NDArray[np.int64]:
    """Find the node of each row, or the last node on its path that is in the tree.

    Args:
        paths: The paths of all rows.
        taxonomy: The tree in which the paths must be.
        problems: Collects the rows whose path is not in the tree.
        reported: The rows that are not reported again.

    Returns:
        int64 [rows]: -1 for rows without a category.
    """
    node_at: Callable[[Path], int | None]
    node_at = taxonomy.get if paths.ids is None else nodes_by_ids(taxonomy).get
    targets = np.full(len(paths.names), -1, np.int64)
    for row, key in enumerate(paths.keys):
        if not key:
            continue
        node = node_at(key)
        if node is None:
            if row not in reported:
                hint = taxonomy.near(key) if paths.ids is None else ""
                detail = f"{join_path(key)!r} is not in the tree{hint}"
                problems.add(row, UNKNOWN_CATEGORY, detail)
            ends = (node_at(key[:end]) for end in range(len(key) - 1, 0, -1))
            node = next((end for end in ends if end is not None), None)
        if node is not None:
            targets[row] = node
    return targets
