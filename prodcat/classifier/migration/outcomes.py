"""What becomes of the outcomes of a tree, by what has become of its nodes."""

from collections import defaultdict
from dataclasses import dataclass

import numpy as np

from prodcat.errors import TaxonomyError
from prodcat.model.outcome_map import OutcomeMap
from prodcat.taxonomy.arrays import Ints
from prodcat.taxonomy.changes.changes import TreeChanges
from prodcat.taxonomy.tree import Taxonomy


@dataclass(frozen=True)
class SharedOutcome:
    """An old outcome that has become several new ones.

    Attributes:
        old: Its position among the old outcomes.
        new: The positions of what it has become among the new outcomes, ascending.
        scored: Whether scores of the title share it out; otherwise it is in proportion to what
            these outcomes have anyway.
    """

    old: int
    new: tuple[int, ...]
    scored: bool


@dataclass(frozen=True)
class OutcomePlan:
    """What becomes of each old outcome.

    Attributes:
        old: The old tree.
        new: The new tree.
        targets: The new nodes that each old node has become.
        sources: For each new outcome the old outcomes that have become only it.
        shared: The old outcomes that have become several.
        dropped: The old outcomes that have become nothing.
        added: The new outcomes that no old one has become.
    """

    old: Taxonomy
    new: Taxonomy
    targets: tuple[tuple[int, ...], ...]
    sources: tuple[tuple[int, ...], ...]
    shared: tuple[SharedOutcome, ...]
    dropped: tuple[int, ...]
    added: tuple[int, ...]

    @classmethod
    def of(cls, changes: TreeChanges) -> "OutcomePlan":
        """Find what becomes of each outcome.

        Args:
            changes: What has become of each node.

        Raises:
            TaxonomyError: The trees of the changes are no trees of this library.
        """
        old, new = changes.old, changes.new
        if not isinstance(old, Taxonomy) or not isinstance(new, Taxonomy):
            raise TaxonomyError(
                "The changes have no trees; expected what old.diff(new) or "
                "TreeChanges.read(uri, old, new) returns, with both as prodcat.Taxonomy."
            )
        place = {key: node for node, key in enumerate(new.ids)}
        targets = tuple(tuple(place[key] for key in row.new_ids) for row in changes.rows)
        reached = [_outcomes_at(new, targets[node]) for node in old.outcomes.tolist()]
        sources: list[list[int]] = [[] for _ in new.outcomes]
        for position, outcomes in enumerate(reached):
            if len(outcomes) == 1:
                sources[outcomes[0]].append(position)
        shared = tuple(
            SharedOutcome(
                position,
                outcomes,
                len(targets[node]) > 1 or not any(sources[outcome] for outcome in outcomes),
            )
            for position, (node, outcomes) in enumerate(
                zip(old.outcomes.tolist(), reached, strict=True)
            )
            if len(outcomes) > 1
        )
        kept = {outcome for outcome, of_outcome in enumerate(sources) if of_outcome}
        kept.update(outcome for share in shared if share.scored for outcome in share.new)
        return cls(
            old,
            new,
            targets,
            tuple(map(tuple, sources)),
            shared,
            tuple(position for position, outcomes in enumerate(reached) if not outcomes),
            tuple(outcome for outcome in range(len(new.outcomes)) if outcome not in kept),
        )

    @property
    def only_renames(self) -> bool:
        """Whether both trees have the same shape and the same order of nodes."""
        return (
            all(nodes == (node,) for node, nodes in enumerate(self.targets))
            and np.array_equal(self.old.parent, self.new.parent)
            and np.array_equal(self.old.terminal, self.new.terminal)
        )

    @property
    def continued(self) -> Ints:
        """The only old node that has become each new node alone, int64 [new nodes]; or -1."""
        sources: dict[int, list[int]] = defaultdict(list)
        for node, nodes in enumerate(self.targets):
            for target in nodes:
                sources[target].append(node)
        continued = np.full(len(self.new), -1, np.int64)
        for target, of_target in sources.items():
            if len(of_target) == 1 and len(self.targets[of_target[0]]) == 1:
                continued[target] = of_target[0]
        return continued

    def outcome_map(self, columns: list[tuple[int, ...]], added: dict[int, int]) -> OutcomeMap:
        """The map from old to new outcomes.

        Args:
            columns: For each of ``shared`` the columns of the scores of its outcomes; nothing for
                one that is shared in proportion.
            added: The columns of the scores of those added outcomes that get probability.
        """
        size = len(self.old.outcomes)
        single = [of_new[0] if len(of_new) == 1 else size for of_new in self.sources]
        merged = {new: of_new for new, of_new in enumerate(self.sources) if len(of_new) > 1}
        most = max(map(len, merged.values()), default=0)
        padded = [[*of_new, *[size] * (most - len(of_new))] for of_new in merged.values()]
        shares = [
            (share.old, outcome, column)
            for share, of_share in zip(self.shared, columns, strict=True)
            for outcome, column in zip(share.new, of_share or (-1,) * len(share.new), strict=True)
        ]
        return OutcomeMap(
            size,
            np.array(single, np.int64),
            np.array(list(merged), np.int64),
            np.array(padded, np.int64).reshape(len(merged), most),
            np.array(shares, np.int64).reshape(-1, 3),
            np.array(list(added.items()), np.int64).reshape(-1, 2),
            drops=bool(self.dropped),
        )


def _outcomes_at(tree: Taxonomy, nodes: tuple[int, ...]) -> tuple[int, ...]:
    """The outcomes of nodes: each node itself, or all below it if no product may end there."""
    places: set[int] = set()
    for node in nodes:
        start, end = tree.target_spans[node].tolist()
        places.update(range(start, end))
    return tuple(sorted(places))
