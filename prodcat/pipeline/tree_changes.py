"""The trees that a country had, and labels of earlier trees in its present one.

They are kept in the folder ``<work>/<country>/trees/``, with the first 12 digits of their hashes:

<old>-<new>.csv             what became of each category, to be checked by a person
<old>.json                  the old tree, once the changes are taken
<setting>.undecided.csv     titles of this setting, such as labelled, whose new category a person
                            must choose
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from prodcat.catalog.catalog import Catalog
from prodcat.catalog.migrating import OldLabels, migrate_labels
from prodcat.catalog.relabelling import Relabelling
from prodcat.catalog.undecided import LabelMigration, UndecidedLabel
from prodcat.errors import ConfigError
from prodcat.storage.objects import Objects
from prodcat.taxonomy.arrays import Ints
from prodcat.taxonomy.changes.changes import TreeChanges
from prodcat.taxonomy.paths import join_path
from prodcat.taxonomy.tree import Taxonomy

logger = logging.getLogger("prodcat")
_DIGITS = 12


@dataclass(frozen=True)
class TreeHistory:
    """The trees of a country, of which the present one is the last.

    Attributes:
        country: The name of the country, for messages.
        place: The folder of the trees.
        tree: The present tree.
    """

    country: str
    place: Objects
    tree: Taxonomy

    def changes_from(self, old: Taxonomy, *, accept_unsure: bool = False) -> TreeChanges:
        """What has become of each category of an earlier tree.

        The table is found and written, unless a person has checked one; it is then read.

        Args:
            old: The earlier tree.
            accept_unsure: Whether to take changes that are not sure, which nobody has checked.

        Raises:
            ConfigError: Changes are not sure; the message names the table in which a person checks
                them.
            TaxonomyError: The table that a person edited is wrong.
            StoreError: The folder cannot be read or written.
        """
        name = f"{_digits(old)}-{_digits(self.tree)}.csv"
        uri = self.place.at(name)
        if name in self.place.names(""):
            changes = TreeChanges.read(uri, old, self.tree)
        else:
            changes = old.diff(self.tree)
            self.place.make()
            changes.save(uri)
        unsure = [row for row in changes.rows if not row.sure]
        if unsure and not accept_unsure:
            raise ConfigError(
                f"The tree of {self.country!r} has changed, and {len(unsure):,} of "
                f"{len(changes.rows):,} changes are not sure, such as that of "
                f"{join_path(unsure[0].old_path)!r} ({unsure[0].kind}). Nothing was trained. Check "
                f"them in {uri!r}, write yes in its column sure, and run the job again; or set "
                "accept_unsure=True (--accept-unsure)."
            )
        self.place.write(f"{_digits(old)}.json", old.to_json().encode())
        return changes

    @cached_property
    def steps(self) -> tuple[Relabelling, ...]:
        """The changes that were taken on the way to the present tree, the last one first."""
        names = set(self.place.names(""))
        steps: list[Relabelling] = []
        seen = {_digits(self.tree)}
        while (
            step := self._step_to(steps[-1].old if steps else self.tree, names, seen)
        ) is not None:
            steps.append(step)
            seen.add(_digits(step.old))
        return tuple(steps)

    def _step_to(self, tree: Taxonomy, names: set[str], seen: set[str]) -> Relabelling | None:
        """The step to a tree from one that has not been seen yet, as a tree may come back."""
        for name in sorted(names):
            old, _, new = name.removesuffix(".csv").partition("-")
            is_step = name.endswith(".csv") and f"{old}.json" in names and old not in seen
            if is_step and new == _digits(tree):
                earlier = Taxonomy.from_json(self.place.read(f"{old}.json").decode())
                return Relabelling(TreeChanges.read(self.place.at(name), earlier, tree))
        return None

    def relabelled(self, catalog: Catalog, setting: str) -> Catalog:
        """Titles that are labelled with the present tree or an earlier one, with the present tree.

        Labels are read in the tree that has most of them, and those that it lacks in the others.
        Titles for which a person must choose, and those whose label is in no tree, are left out;
        the first are written to a table, and the log says how many there are.

        Args:
            catalog: The titles, read without a tree.
            setting: The setting of the country that names them, such as ``"labelled"``.
        """
        labels = _Labels.of(catalog, self.tree, self.steps)
        nodes, report = labels.in_present_tree()
        if report.undecided:
            place = self.place.at(f"{setting}.undecided.csv")
            report.save(place)
            logger.warning(
                "%s: of %s, %s titles are left out, whose new category a person must choose; they "
                "are listed in %s.",
                self.country,
                setting,
                f"{len(report.undecided):,}",
                place,
            )
        unknown = int(((labels.trees < 0) & catalog.labelled).sum())
        if unknown:
            logger.warning(
                "%s: of %s, %s titles are left out, whose category is in no tree of the country.",
                self.country,
                setting,
                f"{unknown:,}",
            )
        migrated = replace(catalog, taxonomy=self.tree, targets=nodes)
        return migrated.take(nodes >= 0)


def _digits(tree: Taxonomy) -> str:
    return tree.hash[:_DIGITS]


@dataclass(frozen=True, eq=False)
class _Labels:
    """The labels of titles, each in one of the trees of a country.

    Attributes:
        catalog: The titles.
        steps: The changes on the way to the present tree, the last one first.
        tree: The present tree.
        trees: int64 [titles]: in how many steps each label becomes one of the present tree; -1 for
            a label that is in no tree, or none.
        nodes: int64 [titles]: the node of the label in its tree.
    """

    catalog: Catalog
    steps: Sequence[Relabelling]
    tree: Taxonomy
    trees: Ints
    nodes: Ints

    @classmethod
    def of(cls, catalog: Catalog, tree: Taxonomy, steps: Sequence[Relabelling]) -> "_Labels":
        """Find the tree of each label."""
        trees = [tree, *(step.old for step in steps)]
        places = np.full((len(catalog.tree), len(trees)), -1, np.int64)
        for node, path in enumerate(catalog.tree.paths):
            for number, each in enumerate(trees):
                known = each.get(path)
                places[node, number] = -1 if known is None else known
        of_titles = np.where(catalog.labelled[:, None], places[np.maximum(catalog.targets, 0)], -1)
        most = int((of_titles >= 0).sum(axis=0).argmax())
        order = [most, *(place for place in range(len(trees)) if place != most)]
        is_known = of_titles[:, order] >= 0
        first = np.array(order, np.int64)[is_known.argmax(axis=1)]
        in_steps = np.where(is_known.any(axis=1), first, -1)
        nodes = of_titles[np.arange(len(catalog)), np.maximum(in_steps, 0)]
        return cls(catalog, steps, tree, in_steps, nodes)

    def in_present_tree(self) -> tuple[Ints, LabelMigration]:
        """The nodes in the present tree, -1 for none; and what a person must choose."""
        nodes = np.where(self.trees >= 0, self.nodes, -1)
        undecided: list[UndecidedLabel] = []
        for number in range(len(self.steps), 0, -1):
            rows = np.flatnonzero((self.trees >= number) & (nodes >= 0))
            if not len(rows):
                continue
            titles = [self.catalog.titles[row] for row in rows.tolist()]
            labels = OldLabels(self.catalog.rows[rows], titles, nodes[rows])
            migrated, report = migrate_labels(labels, self.steps[number - 1])
            is_open = ~self.steps[number - 1].decided[nodes[rows]]
            nodes[rows] = np.where(is_open, -1, migrated)
            undecided += report.undecided
        return nodes, LabelMigration(undecided=tuple(undecided))
