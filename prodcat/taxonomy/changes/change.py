"""What became of one category."""

from collections.abc import Sequence
from dataclasses import dataclass

from prodcat.taxonomy.changes.kinds import ADDED, kinds_of
from prodcat.taxonomy.changes.trees import Tree
from prodcat.taxonomy.paths import Path


@dataclass(frozen=True)
class TreeChange:
    """What became of one category.

    Attributes:
        kind: ``"same"`` (its path may have changed with that of its parent), ``"renamed"``,
            ``"moved"``, ``"renamed and moved"``, ``"merged"``, ``"split"`` or ``"dropped"``; or
            ``"added"`` for a category that only the new tree has.
        old_id: Its id in the old tree; empty for an added one.
        old_path: Its path in the old tree; empty for an added one.
        new_ids: The ids of what it has become, the likeliest first; several only for a split.
        new_paths: The paths of what it has become.
        confidence: How likely it is that this is right, from 0 to 1.
        sure: Whether it need not be checked by a person.
        reason: Why it is said to have become this, in words.
    """

    kind: str
    old_id: str
    old_path: Path
    new_ids: tuple[str, ...]
    new_paths: tuple[Path, ...]
    confidence: float
    sure: bool
    reason: str


Rows = tuple[tuple[TreeChange, ...], tuple[TreeChange, ...]]


def made_rows(
    old: Tree,
    new: Tree,
    targets: Sequence[tuple[int, ...]],
    confidence: Sequence[float],
    sure: Sequence[bool],
    reasons: Sequence[str],
) -> Rows:
    """The changes by the targets of all old nodes.

    Returns:
        A change for each old node, and one for each new node that none has become.
    """
    kinds = kinds_of(old, new, targets)
    rows = tuple(
        TreeChange(
            kinds[node],
            old.ids[node],
            old.paths[node],
            tuple(new.ids[target] for target in targets[node]),
            tuple(new.paths[target] for target in targets[node]),
            confidence[node],
            sure[node],
            reasons[node],
        )
        for node in range(len(old))
    )
    reached = {target for nodes in targets for target in nodes}
    added = tuple(
        TreeChange(
            ADDED, "", (), (new.ids[node],), (new.paths[node],), 1.0, True,
            "no category of the old tree became it",
        )
        for node in range(len(new))
        if node not in reached
    )  # fmt: skip
    return rows, added
