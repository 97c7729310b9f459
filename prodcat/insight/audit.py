"""Which labels are wrong: probabilities from models that have not seen the row, and the tree.

Labels are ranked by how much speaks against them: with ``p`` the probability of the label, ``m``
that of the answer, and ``d`` by how much the answer's department is more probable than the label's,

    2 log m - log max(p, 1e-4) + d^4 / 2

A title that is merely hard has an answer that is not sure, which the first term counts against it;
the last one puts a wrong department before a wrong sibling of which as much is known.  (Form and
constants were chosen on other swapped labels than those that the benchmark judges it on.)

How many labels are wrong cannot be told from probabilities that were learned from them: a model
that saw five wrong ones in a hundred expects five.  What is told is how many are clearly
contradicted: those with another answer of at least 0.9.

Nothing is kept of a row but its probability at each level and that of the answer, so millions of
rows are no more than a table of rows times levels.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from prodcat.catalog.catalog import Catalog, targets_in
from prodcat.catalog.splits import LeakAudit, clusters, leak_audit
from prodcat.catalog.text import near_duplicate_key, readable
from prodcat.errors import CatalogError
from prodcat.insight.files import Shown
from prodcat.insight.page import Page
from prodcat.model.config import ModelConfig, TrainingConfig
from prodcat.taxonomy.tree import Path, Taxonomy, join_path
from prodcat.training.fitting import fit

if TYPE_CHECKING:
    import pyarrow as pa

Floats = NDArray[np.float64]

_CHUNK = 4_096
_LEAST = 1e-12
_HARD, _FLOOR, _FAR, _FARTHER = 2, 1e-4, 4, 0.5  # see above
_SURE = 0.9


@dataclass(frozen=True)
class LabelProblem:
    """A label that is probably wrong.

    Attributes:
        row: Position in the catalog.
        title: Of it.
        label: The path that it has.
        suggestion: The path that the model answers.
        probability: Of the label, by a model that has not seen it.
        suggested: Of the suggestion.
        level: The level at which label and suggestion part, 1 for the top.
    """

    row: int
    title: str
    label: Path
    suggestion: Path
    probability: float
    suggested: float
    level: int


@dataclass(frozen=True)
class Conflict:
    """Near duplicates with different labels.

    Attributes:
        rows: Positions in the catalog.
        titles: Of them.
        labels: Their paths, in the same order.
    """

    rows: tuple[int, ...]
    titles: tuple[str, ...]
    labels: tuple[Path, ...]


@dataclass(frozen=True, eq=False)
class Audit(Shown):
    """What was found.

    Attributes:
        rows: int64 [labelled]: positions of the labelled rows in the catalog.
        probabilities: Of each labelled row, from a model that has not seen it.
        suspicion: float64 [labelled]: what speaks against the label; what rows are ranked by.
        level: int64 [labelled]: where label and suggestion part, 1 for the top; 0 where they
            do not.
        conflicts: Near duplicates with different labels.
        leaks: Held-out titles that are in the catalog, where such titles were given.
        judged: Bool [labelled]: whether the other parts have the row's category, without which
            nothing can be said of its label; None for all.
    """

    catalog: Catalog
    rows: NDArray[np.int64]
    probabilities: "OutOfFold"
    suspicion: Floats
    level: NDArray[np.int64]
    conflicts: tuple[Conflict, ...]
    leaks: LeakAudit | None = None
    judged: NDArray[np.bool_] | None = None

    @property
    def ranked(self) -> NDArray[np.int64]:
        """int64 [labelled]: places in ``rows``, the worst first."""
        last = np.zeros(len(self.rows), bool) if self.judged is None else ~self.judged
        order: NDArray[np.int64] = np.lexsort((self.rows, -self.suspicion, last))
        return order

    @property
    def contradicted(self) -> NDArray[np.bool_]:
        """Bool [labelled]: whether another answer has a probability of at least 0.9."""
        found: NDArray[np.bool_] = (self.level > 0) & (self.probabilities.sure >= _SURE)
        return found if self.judged is None else found & self.judged

    @property
    def by_level(self) -> NDArray[np.int64]:
        """int64 [levels]: contradicted labels by the level at which they part from the answer."""
        level = self.level[self.contradicted]
        return np.bincount(level, minlength=self.catalog.tree.depth + 1)[1:].astype(np.int64)

    def problems(self, most: int | None = None) -> list[LabelProblem]:
        """The worst labels.

        Args:
            most: At most so many; as many as are contradicted if not given.
        """
        tree = self.catalog.tree
        most = int(self.contradicted.sum()) if most is None else most
        found: list[LabelProblem] = []
        for place in self.ranked.tolist():
            if len(found) >= most:
                break
            if not self.level[place]:  # the answer is the label
                continue
            if self.judged is not None and not self.judged[place]:
                break
            row = int(self.rows[place])
            found.append(
                LabelProblem(
                    row,
                    self.catalog.titles[row],
                    tree.paths[int(self.catalog.targets[row])],
                    tree.paths[int(self.probabilities.best[place])],
                    float(self.probabilities.levels[place, -1]),
                    float(self.probabilities.sure[place]),
                    int(self.level[place]),
                )
            )
        return found

    def __str__(self) -> str:
        """What was found, for people."""
        lines = [
            f"{len(self.rows):,} labels, {int(self.contradicted.sum()):,} clearly contradicted",
            *(
                f"  at level {level + 1}: {count:,}"
                for level, count in enumerate(self.by_level.tolist())
            ),
            f"{len(self.conflicts):,} groups of near duplicates with different labels",
        ]
        if self.judged is not None and not self.judged.all():
            lines.append(
                f"{int((~self.judged).sum()):,} labels are alone in their category and cannot be "
                "judged"
            )
        if self.leaks is not None:
            lines.append(
                f"{self.leaks.leaked:,} of {self.leaks.held_out:,} held-out titles have a near "
                "duplicate here"
            )
        for own in self.problems(10):
            row = int(self.catalog.rows[own.row])
            lines.append(
                f"  row {row}: {own.title!r} is {join_path(own.label)!r} ({own.probability:.1%}), "
                f"probably {join_path(own.suggestion)!r} ({own.suggested:.0%})"
            )
        return "\n".join(lines)

    def table(self) -> "pa.Table":
        """One row for each label that differs from the answer, the worst first.

        Returns:
            The columns rank, row (in the source), title, label, suggestion, probability (of the
            label), suggested (that of the suggestion), suspicion, level, and conflict (the number
            of its group of near duplicates with different labels).
        """
        import pyarrow as pa

        group = {row: number for number, own in enumerate(self.conflicts) for row in own.rows}
        tree, catalog = self.catalog.tree, self.catalog
        places = [
            place
            for place in self.ranked.tolist()
            if self.level[place] or int(self.rows[place]) in group
        ]
        rows = [int(self.rows[place]) for place in places]
        return pa.table(
            {
                "rank": list(range(1, len(places) + 1)),
                "row": [int(catalog.rows[row]) for row in rows],
                "title": [readable(catalog.titles[row]) for row in rows],
                "label": [join_path(tree.paths[int(catalog.targets[row])]) for row in rows],
                "suggestion": [
                    join_path(tree.paths[int(self.probabilities.best[place])]) for place in places
                ],
                "probability": self.probabilities.levels[places, -1],
                "suggested": self.probabilities.sure[places],
                "suspicion": self.suspicion[places],
                "level": self.level[places],
                "conflict": pa.array([group.get(row) for row in rows], pa.int64()),
            }
        )

    def html(self) -> str:
        """One HTML file with everything in it."""
        return _page(self)


def audit(
    catalog: Catalog,
    *,
    held_out: Catalog | None = None,
    folds: int = 5,
    model: ModelConfig | None = None,
    training: TrainingConfig | None = None,
    device: str | None = None,
    seed: int = 0,
    progress: bool = True,
) -> Audit:
    """Find labels that are wrong.

    Args:
        catalog: Titles with their categories.
        held_out: Titles to judge by, such as a test set: those that have a near duplicate in the
            catalog are told.
        folds: Parts; each is judged by a model that was trained on the others.  Near duplicates
            are in one part.
        model: What is trained; n-grams alone if not given, which takes seconds.
        training: How.
        device: Where.
        seed: Of the parts.
        progress: Whether to show a bar.

    Raises:
        CatalogError: There are fewer labelled rows than folds, or folds below 2.
    """
    rows = np.flatnonzero(catalog.labelled)
    if folds < 2 or len(rows) < folds:
        raise CatalogError(
            f"Found {len(rows):,} labelled rows and folds={folds}; expected at least 2 folds and "
            "a labelled row for each."
        )
    labelled = catalog.take(rows)
    fold, keys = folds_of(labelled, folds, seed)
    if len(np.unique(fold)) < 2:
        raise CatalogError(
            f"All {len(rows):,} labelled titles are near duplicates of each other; expected at "
            "least two different ones, to judge one by the other."
        )
    judged = np.zeros(len(rows), np.bool_)
    own = OutOfFold.nothing(len(rows), catalog.tree)
    for number in range(folds):
        held = np.flatnonzero(fold == number)
        if not len(held):
            continue
        classifier = fit(
            labelled.take(fold != number),
            model=model or ModelConfig(encoder=None),
            training=training,
            device=device,
            progress=progress,
        )
        targets = targets_in(labelled.take(held), classifier.taxonomy)
        judged[held] = np.isin(labelled.targets[held], labelled.targets[fold != number])
        for start in range(0, len(held), _CHUNK):
            some = held[start : start + _CHUNK]
            probabilities = classifier.predict_proba(labelled.take(some), precision="float32")
            own.put(some, out_of_fold(probabilities, targets[start : start + _CHUNK], catalog.tree))
    leaks = None if held_out is None else leak_audit(catalog, held_out)
    return replace(audit_labels(catalog, own, keys), leaks=leaks, judged=judged)


def folds_of(catalog: Catalog, folds: int, seed: int) -> tuple[NDArray[np.int64], list[str]]:
    """Parts of about one size, near duplicates in one.

    Args:
        catalog: The rows.
        folds: How many parts.
        seed: Of the order.

    Returns:
        int64 [rows]: the part of each; and keys that are equal for near duplicates.
    """
    keys = [near_duplicate_key(title) for title in catalog.titles]
    cluster = clusters(len(keys), [keys])
    order = np.random.default_rng(seed).permutation(int(cluster.max()) + 1)
    return order[cluster] % folds, keys


@dataclass(frozen=True, eq=False)
class OutOfFold:
    """What is kept of a row's probabilities, from a model that has not seen it.

    Attributes:
        levels: float64 [rows, levels]: the probability of the label's node at each level, below
            its end that of the label itself.
        best: int64 [rows]: the most probable outcome's node.
        sure: float64 [rows]: its probability.
        department: float64 [rows]: that of its department.
    """

    levels: Floats
    best: NDArray[np.int64]
    sure: Floats
    department: Floats

    @classmethod
    def nothing(cls, rows: int, taxonomy: Taxonomy) -> "OutOfFold":
        """Room for so many rows."""
        return cls(
            np.zeros((rows, taxonomy.depth)),
            np.zeros(rows, np.int64),
            np.zeros(rows),
            np.zeros(rows),
        )

    def put(self, rows: NDArray[np.int64], found: "OutOfFold") -> None:
        """Fill some rows."""
        for name in ("levels", "best", "sure", "department"):
            getattr(self, name)[rows] = getattr(found, name)


def out_of_fold(
    probabilities: NDArray[np.floating[Any]], targets: NDArray[np.int64], taxonomy: Taxonomy
) -> OutOfFold:
    """What is kept of probabilities.

    Args:
        probabilities: float [rows, outcomes].
        targets: int64 [rows]: the labelled nodes.
        taxonomy: The tree.
    """
    sums = np.zeros((len(targets), probabilities.shape[1] + 1))
    np.cumsum(probabilities, axis=1, out=sums[:, 1:])
    at = np.arange(len(targets))

    def between(spans: NDArray[np.int64], rows: NDArray[np.int64]) -> Floats:
        found: Floats = np.clip(sums[rows, spans[..., 1]] - sums[rows, spans[..., 0]], 0, 1)
        return found

    chains = taxonomy.chains[targets]
    chains = np.where(chains < 0, targets[:, None], chains)
    ends = (chains == targets[:, None])[..., None]
    spans = np.where(ends, taxonomy.target_spans[chains], taxonomy.spans[chains])
    place = probabilities.argmax(axis=1)
    best = taxonomy.outcomes[place]
    return OutOfFold(
        between(spans, at[:, None]),
        best,
        probabilities[at, place].astype(np.float64),
        between(taxonomy.spans[taxonomy.chains[best, 0]], at),
    )


def audit_labels(catalog: Catalog, own: OutOfFold, keys: Sequence[str] | None = None) -> Audit:
    """Judge labels by out-of-fold probabilities that are there already.

    Args:
        catalog: Titles with their categories.
        own: Of the labelled rows.
        keys: Of the labelled titles, equal for near duplicates.
    """
    rows = np.flatnonzero(catalog.labelled)
    tree, targets = catalog.tree, catalog.targets[rows]
    mine, theirs = tree.chains[targets], tree.chains[own.best]
    differs = (mine != theirs) & (mine >= 0)
    return Audit(
        catalog,
        rows,
        own,
        _suspicion(own),
        np.where(differs.any(axis=1), differs.argmax(axis=1) + 1, 0),
        tuple(_conflicts(catalog, rows, keys)),
    )


def _suspicion(own: OutOfFold) -> Floats:
    label = np.maximum(own.levels[:, -1], _FLOOR)
    farther = np.maximum(own.department - own.levels[:, 0], 0.0)
    found: Floats = _HARD * np.log(np.maximum(own.sure, _LEAST)) - np.log(label)
    found += _FARTHER * farther**_FAR
    return found


def _conflicts(
    catalog: Catalog, rows: NDArray[np.int64], keys: Sequence[str] | None
) -> Iterator[Conflict]:
    if keys is None:
        keys = [near_duplicate_key(catalog.titles[row]) for row in rows]
    groups: dict[str, list[int]] = {}
    for key, row in zip(keys, rows.tolist(), strict=True):
        groups.setdefault(key, []).append(row)
    for own in groups.values():
        ends = {int(catalog.targets[row]) for row in own}
        # A label that stops early is none against one below it.
        lower = {node for end in ends for node in catalog.tree.ancestors(end)[:-1]}
        if len(ends - lower) > 1:
            yield Conflict(
                tuple(own),
                tuple(catalog.titles[row] for row in own),
                tuple(catalog.tree.paths[int(catalog.targets[row])] for row in own),
            )


# -- the page ---------------------------------------------------------------------

_SHOWN = 200


def _page(own: Audit) -> str:
    page = Page(
        "Labels that are probably wrong",
        "By models that have not seen the row, what most speaks against first; a wrong department "
        "before a wrong sibling of which as much is known.",
    )
    page.section("What was found")
    numbers = [
        ("labels", f"{len(own.rows):,}", ""),
        ("contradicted", f"{int(own.contradicted.sum()):,}", "another answer of at least 90 %"),
        (
            "not judged",
            f"{0 if own.judged is None else int((~own.judged).sum()):,}",
            "alone in their category",
        ),
        ("conflicts", f"{len(own.conflicts):,}", "near duplicates with different labels"),
    ]
    if own.leaks is not None:
        numbers.append(("leaks", f"{own.leaks.leaked:,}", f"of {own.leaks.held_out:,} held out"))
    page.numbers(numbers)
    page.table(
        [("level", "count"), ("contradicted labels", "count")],
        [(level + 1, count) for level, count in enumerate(own.by_level.tolist())],
        "Where contradicted labels part from the answer",
    )
    page.section("The worst labels", f"The first {_SHOWN}; the whole list is in the table file.")
    page.table(
        [("row", "count"), ("title", "text"), ("label", "text"), ("suggestion", "text"),
         ("label's probability", "share"), ("suggestion's", "share")],
        [
            (int(own.catalog.rows[one.row]), readable(one.title), join_path(one.label),
             join_path(one.suggestion), one.probability, one.suggested)
            for one in own.problems(_SHOWN)
        ],
        "Labels, the worst first",
    )  # fmt: skip
    if own.leaks is not None and own.leaks.examples:
        page.section("Leaks", "Held-out titles with a near duplicate here, for example.")
        page.table(
            [("held out", "text"), ("here", "text")],
            [[readable(title) for title in pair] for pair in own.leaks.examples],
            "Leaks",
        )
    if own.conflicts:
        page.section(
            "Conflicts",
            "Titles that are equal but for case, diacritics, pack size and word order, with "
            "different labels.",
        )
        page.table(
            [("titles", "text"), ("labels", "text")],
            [
                (
                    "; ".join(dict.fromkeys(readable(title) for title in one.titles)),
                    "; ".join(dict.fromkeys(join_path(path) for path in one.labels)),
                )
                for one in own.conflicts[:_SHOWN]
            ],
            "Near duplicates with different labels",
        )
    return page.html()
