"""Makes the nodes of a tree from a list of paths."""

from collections.abc import Iterable, Mapping, Sequence, Set
from typing import Any

import numpy as np

from prodcat.errors import TaxonomyError
from prodcat.storage.containers import described, ordered_values
from prodcat.taxonomy.nodes import DEEPEST, SourceNodes
from prodcat.taxonomy.paths import Path, join_path, path_of
from prodcat.taxonomy.problems import first_problems


def nodes_of_paths(
    paths: Iterable[Sequence[str]],
    ids: Iterable[Sequence[str]] | None,
    inner: str,
    places: Sequence[str] = (),
) -> SourceNodes:
    """Make the nodes on all paths.

    The first arguments are those of :meth:`prodcat.Taxonomy.from_paths`.

    Args:
        paths: The names along each path.
        ids: The ids along each path.
        inner: The meaning of a path that ends at an inner node.
        places: Where each path is in its source, such as ``"line 3"``, for messages; ``"row 1"``
            and so on if there are none.

    Raises:
        TaxonomyError: The paths contradict each other or are too long, a name is empty, a path and
            its ids differ in length, there is no path, or ``inner`` is not supported.
    """
    if inner not in ("terminal", "partial"):
        raise TaxonomyError(f"inner={inner!r} is not known; expected 'terminal' or 'partial'.")
    name_rows = _paths_of(paths, "paths")
    id_rows = name_rows if ids is None else _paths_of(ids, "ids")
    if len(id_rows) != len(name_rows):
        raise TaxonomyError(
            f"Got ids for {len(id_rows)} paths, but {len(name_rows)} paths; expected ids for each "
            "path."
        )
    first_row: dict[tuple[Path, Path], int] = {}
    for row, pair in enumerate(zip(name_rows, id_rows, strict=True)):
        first_row.setdefault(pair, row)
    names = _names_by_chain(first_row, len(name_rows), places)
    chains = list(names)
    position = {chain: place for place, chain in enumerate(chains)}
    ends = {keys for _, keys in first_row}
    return SourceNodes(
        ids=[join_path(chain) if ids is None else chain[-1] for chain in chains],
        names=list(names.values()),
        parent=[position[chain[:-1]] if len(chain) > 1 else -1 for chain in chains],
        terminal=[inner == "terminal" and chain in ends for chain in chains],
        rows=[first_row.get((chain, chain), -1) for chain in chains],
    )


def _paths_of(given: Any, argument: str) -> list[Path]:
    """Paths that a caller gave; their names without surrounding blanks.

    Raises:
        TaxonomyError: It is no list of paths, or an entry of it is no path.
    """
    # A tree does not depend on the order of its paths; a matrix has one in each row.
    is_matrix = isinstance(given, np.ndarray) and given.ndim == 2
    entries = iter(given) if is_matrix or isinstance(given, Set) else ordered_values(given)
    if entries is None:
        raise TaxonomyError(
            f"{argument} is {described(given)}; expected a list of paths, such as "
            "[['Food', 'Fruit'], ['Food', 'Bread']]. For a table use from_table or read_catalog."
        )
    paths = [path_of(path, f"Entry {n} of {argument}") for n, path in enumerate(entries, 1)]
    return [tuple(n.strip() if isinstance(n, str) else n for n in path) for path in paths]


def _names_by_chain(
    first_row: Mapping[tuple[Path, Path], int], rows: int, places: Sequence[str]
) -> dict[Path, str]:
    """The name of each node, by the ids from the top level down to the node.

    Args:
        first_row: For each pair of a path's names and ids, the first row with this pair.
        rows: The number of rows in the source, for the error message.
        places: Where each path is, for the error message; see :func:`nodes_of_paths`.

    Raises:
        TaxonomyError: Rows are wrong or contradict each other, or there are none.
    """
    named: dict[Path, str] = {}
    problems: list[str] = []
    for (names, keys), row in first_row.items():
        place = places[row] if places else f"row {row + 1:,}"
        problem = _row_problem(names, keys)
        if problem:
            problems.append(f"{place}: {problem}")
            continue
        for end, name in enumerate(names, start=1):
            known = named.setdefault(keys[:end], name)
            if known != name:
                problems.append(
                    f"{place}: id {keys[end - 1]!r} has the name {name!r}, earlier {known!r}"
                )
    if problems:
        raise TaxonomyError(
            f"{len(problems)} of {rows} paths cannot be part of a tree: "
            f"{first_problems(problems)}. Give every node of a path one name and one id, and leave "
            "out separators at the ends of a path."
        )
    if not named:
        raise TaxonomyError("There are no paths; expected at least one. Give a list of paths.")
    return named


def _row_problem(names: Path, keys: Path) -> str | None:
    """Why a row cannot be part of any tree, or None if it can."""
    if not names or not all(isinstance(name, str) and name.strip() for name in names):
        return f"{list(names)!r} has an empty name"
    if len(names) > DEEPEST:
        return f"{len(names)} levels, more than {DEEPEST}"
    if len(names) != len(keys):
        return f"{len(names)} names but {len(keys)} ids"
    return None
