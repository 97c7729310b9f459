"""Makes a tree from the paths of the rows, and finds the node of each row."""

from collections.abc import Callable, Sequence, Set

import numpy as np

from prodcat.catalog.report import UNKNOWN_CATEGORY
from prodcat.catalog.row_paths import RowPaths
from prodcat.catalog.row_problems import RowProblems
from prodcat.catalog.targets import nodes_by_ids
from prodcat.taxonomy.arrays import Ints
from prodcat.taxonomy.paths import Path, join_path
from prodcat.taxonomy.tree import Taxonomy


def grow_taxonomy(
    paths: RowPaths, languages: Sequence[str] | None, rows: Sequence[int], inner: str
) -> Taxonomy:
    """Make a tree from the paths of some rows.

    If the paths have ids, a node gets its name from the first row with its id, and its name in
    each language from the first row with its id in that language.

    Args:
        paths: The paths of all rows.
        languages: The language code of each row, or None if the source has no languages.
        rows: The numbers of the rows to make the tree from.
        inner: The meaning of a path that ends at an inner node, ``"terminal"`` or ``"partial"``;
            see :meth:`prodcat.Taxonomy.from_paths`.

    Raises:
        TaxonomyError: The paths do not form a tree.
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
) -> Ints:
    """Find the node of each row: the deepest node of its path that is in the tree.

    Args:
        paths: The paths of all rows.
        taxonomy: The tree.
        problems: The rows whose whole path is not in the tree are added to it.
        reported: The numbers of rows that are not added to ``problems``.

    Returns:
        int64 [rows]: the node of each row, -1 for none.
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
