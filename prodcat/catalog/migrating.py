"""Carries the labels of titles over to the next version of their tree."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal, Self, cast

import numpy as np

from prodcat.catalog.label_guesses import Guess, Guesser, check_guesser, guesses
from prodcat.catalog.relabelling import UNKNOWN, Relabelling
from prodcat.catalog.undecided import Choices, LabelMigration, UndecidedLabel, counted
from prodcat.errors import CatalogError, check_choice
from prodcat.storage.containers import described
from prodcat.taxonomy.arrays import Ints
from prodcat.taxonomy.changes.changes import TreeChanges
from prodcat.taxonomy.changes.kinds import KINDS
from prodcat.taxonomy.paths import Path, join_path
from prodcat.taxonomy.tree import Taxonomy

Fallback = Literal["ancestor", "empty"]
FALLBACKS: tuple[Fallback, ...] = ("ancestor", "empty")
_EXAMPLES = 3  # categories in a message


@dataclass(frozen=True, eq=False)
class OldLabels:
    """Labels of the old tree.

    Attributes:
        rows: int64 [labels]: the number of each label's row in the source, from 0.
        titles: The title of each label.
        nodes: int64 [labels]: the node of the old tree, -1 for a category that it has not.
        unknown: The path of each label that is not in the old tree, by its position.
    """

    rows: Ints
    titles: Sequence[str]
    nodes: Ints
    unknown: Mapping[int, Path] = field(default_factory=dict)


class MigratingTitles:
    """Titles with labels that can be carried over to the next version of the tree."""

    __slots__ = ()

    def migrate(
        self,
        changes: TreeChanges,
        *,
        fallback: Fallback = "ancestor",
        classifier: Guesser | None = None,
        decided: object = None,
    ) -> tuple[Self, LabelMigration]:
        """The same titles with labels of the next version of the tree.

        A label whose category has the same name and place, another one, or was merged into another
        gets the new category.  What the changes do not decide is listed for a person, title by
        title: labels of categories that are split or dropped, or at which products no longer end.

        Args:
            changes: What has become of each category, checked by a person; from
                :meth:`Taxonomy.diff` or :meth:`TreeChanges.read`.
            fallback: The label of a title for which a person must choose: ``"ancestor"`` for the
                deepest category that is certain, or ``"empty"`` for none.  A title of a dropped
                category always gets none.
            classifier: A classifier of the new tree, which says what it takes for the likeliest of
                the choices.
            decided: What a person chose: the path or URI of the table that
                :meth:`LabelMigration.save` wrote and that a person filled in, or a table in memory.

        Returns:
            The catalog with the new tree, which has all titles; and the labels that a person must
            choose, with the numbers of labels for each kind of change.

        Raises:
            CatalogError: A label is not in the old tree of the changes, the classifier has another
                tree, or a choice in ``decided`` is wrong.
            ConfigError: ``fallback`` is not supported.
        """
        check_changes(changes)
        check_choice("fallback", fallback, FALLBACKS)
        catalog, relabelling = cast(Any, self), Relabelling(changes)
        labelled = np.flatnonzero(catalog.labelled)
        nodes = nodes_of_tree(catalog.tree, catalog.targets[labelled], relabelling)
        labels = OldLabels(
            catalog.rows[labelled], [catalog.titles[row] for row in labelled.tolist()], nodes
        )
        chosen = None if decided is None else Choices.read(decided, relabelling.new)
        guess = None
        if classifier is not None:
            check_guesser(classifier, relabelling.new)
            guess = _guess_of(classifier, catalog.take(labelled))
        migrated, report = migrate_labels(
            labels, relabelling, fallback=fallback, chosen=chosen, guess=guess
        )
        targets = np.full(len(catalog), -1, np.int64)
        targets[labelled] = migrated
        return replace(catalog, taxonomy=relabelling.new, targets=targets), report


def _guess_of(
    classifier: Guesser, titles: Any
) -> Callable[[Sequence[int], Sequence[Sequence[int]]], list[Guess]]:
    def guess(positions: Sequence[int], choices: Sequence[Sequence[int]]) -> list[Guess]:
        return guesses(classifier, titles, positions, choices)

    return guess


def check_changes(changes: object) -> None:
    """Refuse what are no changes of a tree.

    Raises:
        CatalogError: It is something else.
    """
    if not isinstance(changes, TreeChanges):
        raise CatalogError(
            f"changes is {described(changes)}; expected TreeChanges. Find them with "
            "old.diff(new), or read a checked table with TreeChanges.read(table, old, new)."
        )


def nodes_of_tree(source: Taxonomy, targets: Ints, relabelling: Relabelling) -> Ints:
    """The nodes of the old tree of the changes for the labels of a catalog.

    A catalog that was read without its tree has ids that are paths, so that its nodes are those of
    equal paths.

    Args:
        source: The tree of the catalog.
        targets: int64 [labels]: nodes of that tree.
        relabelling: What each label of the old tree becomes.

    Raises:
        CatalogError: The old tree lacks a category, or the catalog has the new tree.
    """
    old = relabelling.old
    if source is old or source.hash == old.hash:
        return targets
    if source.hash == relabelling.new.hash:
        raise CatalogError(
            "The catalog has the new tree of the changes already; expected the old one. If these "
            "titles are labelled with the new tree, leave them as they are."
        )
    by_chain = {_id_chain(old, node): node for node in range(len(old))}
    node_of: dict[int, int] = {}
    for node in np.unique(targets).tolist():
        same = by_chain.get(_id_chain(source, node), old.get(source.paths[node]))
        node_of[node] = -1 if same is None else same
    missing = [node for node, same in node_of.items() if same < 0]
    if missing:
        rows = int(np.isin(targets, missing).sum())
        paths = [source.paths[node] for node in missing]
        raise CatalogError(_strange_labels(rows, paths, relabelling.new))
    return np.array([node_of[node] for node in targets.tolist()], np.int64)


def _strange_labels(rows: int, paths: Sequence[Path], new: Taxonomy) -> str:
    """The message about labels that are not in the old tree."""
    listed = [join_path(path) for path in paths[:_EXAMPLES]]
    start = (
        f"{rows:,} rows carry {len(paths):,} categories that are not in the old tree of the "
        f"changes, such as {listed}"
    )
    if all(new.get(path) is not None for path in paths):
        return (
            f"{start}, but in the new tree; expected labels of the old tree. If these titles are "
            "labelled with the new tree already, leave them as they are."
        )
    return (
        f"{start}. Give the changes of the tree that these labels are of, or read the catalog with "
        "taxonomy=changes.old and on_error='aside' to leave such rows out."
    )


def _id_chain(tree: Taxonomy, node: int) -> tuple[str, ...]:
    return tuple(tree.ids[each] for each in tree.ancestors(node))


def migrate_labels(
    labels: OldLabels,
    relabelling: Relabelling,
    *,
    fallback: Fallback = "ancestor",
    chosen: Choices | None = None,
    guess: Callable[[Sequence[int], Sequence[Sequence[int]]], list[Guess]] | None = None,
) -> tuple[Ints, LabelMigration]:
    """Find the nodes of the new tree for labels of the old one.

    Args:
        labels: The labels.
        relabelling: What each label becomes.
        fallback: The label where a person must choose; see :meth:`MigratingTitles.migrate`.
        chosen: What a person chose.
        guess: Returns the likeliest node and its probability for the labels at some positions,
            given the choices for each.

    Returns:
        int64 [labels]: the nodes of the new tree, -1 for none; and the report.

    Raises:
        CatalogError: A choice is about another title, or a label that is decided.
    """
    nodes = np.where(labels.nodes >= 0, relabelling.nodes[np.maximum(labels.nodes, 0)], -1)
    is_open = (labels.nodes < 0) | ~relabelling.decided[np.maximum(labels.nodes, 0)]
    positions = np.flatnonzero(is_open).tolist()
    listed = {at: _undecided_label(labels, at, relabelling) for at in positions}
    if fallback == "empty":
        nodes[positions] = -1
    narrowed: dict[int, tuple[int, ...]] = {}
    if chosen is not None:
        chosen.check({int(labels.rows[at]): labels.titles[at] for at in positions})
        for at in positions:
            node = chosen.nodes.get(int(labels.rows[at]))
            if node is None:
                continue
            nodes[at] = node
            if _is_whole(labels, at, relabelling, node):
                del listed[at]
            else:  # it is known that the product is somewhere below, and no more
                narrowed[at] = relabelling.new.children(node)
                listed[at] = _narrowed(listed[at], relabelling.new, node)
    if guess is not None and listed:
        choices = [narrowed.get(at, _choices(labels, at, relabelling)) for at in listed]
        made = guess(list(listed), choices)
        for (at, label), (node, confidence) in zip(list(listed.items()), made, strict=True):
            listed[at] = replace(
                label,
                guess_path=relabelling.new.paths[node],
                guess_confidence=round(confidence, 4),
            )
    kinds = [_kind(relabelling, node) for node in labels.nodes.tolist()]
    report = LabelMigration(
        counted(kinds, KINDS), tuple(listed.values()), len(positions) - len(listed)
    )
    return nodes, report


def _kind(relabelling: Relabelling, node: int) -> str:
    return UNKNOWN if node < 0 else relabelling.labels[node].kind


def _choices(labels: OldLabels, at: int, relabelling: Relabelling) -> tuple[int, ...]:
    node = int(labels.nodes[at])
    return () if node < 0 else relabelling.labels[node].choices


def _is_whole(labels: OldLabels, at: int, relabelling: Relabelling, chosen: int) -> bool:
    """Whether a choice decides all of a label: products end there, or the label was partial."""
    before = int(labels.nodes[at])
    was_partial = before >= 0 and not relabelling.old.terminal[before]
    is_offered = chosen in _choices(labels, at, relabelling)
    return bool(relabelling.new.terminal[chosen]) or was_partial or is_offered


def _narrowed(label: UndecidedLabel, new: Taxonomy, chosen: int) -> UndecidedLabel:
    """A label of which a person chose a category below which products end."""
    path = new.paths[chosen]
    return replace(
        label,
        certain_path=path,
        choices=tuple(new.paths[child] for child in new.children(chosen)),
        reason=f"{join_path(path)!r} was chosen, and products end below it",
    )


def _undecided_label(labels: OldLabels, at: int, relabelling: Relabelling) -> UndecidedLabel:
    """What is listed of a label that a person must choose."""
    old, new = relabelling.old, relabelling.new
    node, row, title = int(labels.nodes[at]), int(labels.rows[at]), labels.titles[at]
    if node < 0:
        path = labels.unknown[at]
        reason = f"{join_path(path)!r} is not in the old tree"
        return UndecidedLabel(row, title, UNKNOWN, "", path, (), (), reason)
    label = relabelling.labels[node]
    return UndecidedLabel(
        row=row,
        title=title,
        kind=label.kind,
        old_id=old.ids[node],
        old_path=old.paths[node],
        certain_path=new.paths[label.node] if label.node >= 0 else (),
        choices=tuple(new.paths[choice] for choice in label.choices),
        reason=label.reason,
    )
