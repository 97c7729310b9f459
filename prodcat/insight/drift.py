r"""What changed between two sets of titles: the tree, the shares of categories, or the titles.

**Tree.** Two trees are compared by their nodes' ids: what is new, gone, moved, renamed.

**Shares.** How many titles are at or below each node, by their labels where both sets have them,
otherwise by what the classifier answers.  A node's statistic is the likelihood ratio of two shares
against one (G).

**Titles.** Whether the titles of a category are worded as before.  Every title is a vector of its
n-grams; a node's statistic is the length of the difference of the two sets' means, each category
below it compared with itself, so that other shares are no other titles.

All nodes are tested at once and may alarm falsely in no more than ``level`` of all comparisons:
half of it for shares and half for titles.  What counts as an alarm is not read off a table but off
the titles themselves, dealt into two sets at random again and again, for titles within each
category: a node alarms where it is beyond what the worst of all nodes is by chance, departments and
every other level having an equal part in the false alarms (Westfall and Young, 1993).  Titles that
are equal stay together, as they are one product that is listed often.
"""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from prodcat.catalog.catalog import Catalog, targets_in
from prodcat.catalog.text import title_hashes
from prodcat.classifier.classifier import Classifier
from prodcat.decisions.options import ReadingPrecision
from prodcat.errors import CatalogError, ConfigError
from prodcat.insight.files import Shown
from prodcat.insight.page import Page
from prodcat.insight.prevalence import at_or_below, judged_rows, node_probabilities
from prodcat.taxonomy.tree import Taxonomy, join_path

if TYPE_CHECKING:
    import pyarrow as pa

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Kind = Literal["tree", "shares", "titles"]

_DEALT = 499  # times that titles are dealt into two sets
_SIZE = 128  # of a title's vector
_MOST = 40_000  # distinct titles that vectors are compared of
_BATCH = 25
_CONFIDENCES = (0.3, 0.5, 0.7, 0.8, 0.9, 0.95, 0.98, 0.995)
_DRAWS = 2_000
_CUTS = 25
_SHOWN = 100


@dataclass(frozen=True)
class TreeChange:
    """A node that is not where or what it was.

    Attributes:
        kind: What happened to it.
        node_id: Of the node.
        before: Its path before; empty if it is new.
        after: Its path after; empty if it is gone.
    """

    kind: Literal["new", "gone", "moved", "renamed"]
    node_id: str
    before: tuple[str, ...]
    after: tuple[str, ...]


@dataclass(frozen=True)
class NodeDrift:
    """An alarm.

    Attributes:
        node: Of the tree; -1 for all titles.
        kind: ``"shares"`` or ``"titles"``.
        p: That something as large is seen anywhere where nothing changed.
        before: Share of the titles before.
        after: Share of them after.
        doubtful: Of shares: the titles changed too, at this node, above or below it, so that the
            classifier may have taken them for others.
    """

    node: int
    kind: Kind
    p: float
    before: float
    after: float
    doubtful: bool = False


@dataclass(frozen=True)
class AccuracyEstimate:
    """The share of right answers, without labels.

    Attributes:
        value: Expected.
        low: Lower end of the interval of 95 %.
        high: Upper end.
        before: The same for the titles before.
        doubtful: The titles changed, so that a confidence may not mean what it meant.
    """

    value: float
    low: float
    high: float
    before: float
    doubtful: bool


@dataclass(frozen=True, eq=False)
class Drift(Shown):
    """What changed.

    Attributes:
        taxonomy: The classifier's tree.
        rows: Titles before and after.
        changes: Of the tree.
        alarms: The surest first.
        shares: float64 [nodes, 2]: before and after.
        p_shares: float64 [nodes]: see :class:`NodeDrift`; 1 where there is nothing.
        p_titles: float64 [nodes]: the same.
        p_all_titles: Of all titles together.
        accuracy: Estimated, or None where no labelled titles were given.
        level: Of false alarms.
        by_labels: Whether shares are of labels; otherwise of answers.
    """

    taxonomy: Taxonomy
    rows: tuple[int, int]
    changes: tuple[TreeChange, ...]
    alarms: tuple[NodeDrift, ...]
    shares: Floats
    p_shares: Floats
    p_titles: Floats
    p_all_titles: float
    accuracy: AccuracyEstimate | None
    level: float
    by_labels: bool = False

    @property
    def kinds(self) -> tuple[Kind, ...]:
        """What changed, as far as it is beyond chance; doubtful shares are not among it."""
        there = {own.kind for own in self.alarms if not own.doubtful}
        if self.changes:
            there.add("tree")
        return tuple(kind for kind in ("tree", "titles", "shares") if kind in there)

    @property
    def _basis(self) -> str:
        return "labels" if self.by_labels else "answers"

    def table(self) -> "pa.Table":
        """One row for each node, and a first one with an empty node_id for all titles together.

        Returns:
            The columns node_id, path, level, share_before, share_after, p_shares, p_titles,
            alarm (shares, titles, or both with a comma) and doubtful.
        """
        import pyarrow as pa

        tree = self.taxonomy
        kinds: dict[int, list[NodeDrift]] = {}
        for own in self.alarms:
            kinds.setdefault(own.node, []).append(own)
        nodes = range(-1, len(tree))
        return pa.table(
            {
                "node_id": ["", *tree.ids],
                "path": ["", *(join_path(own) for own in tree.paths)],
                "level": np.append(0, tree.level),
                "share_before": np.append(1.0, self.shares[:, 0]),
                "share_after": np.append(1.0, self.shares[:, 1]),
                "p_shares": np.append(1.0, self.p_shares),
                "p_titles": np.append(self.p_all_titles, self.p_titles),
                "alarm": [
                    ",".join(sorted(own.kind for own in kinds.get(node, []))) for node in nodes
                ],
                "doubtful": [any(own.doubtful for own in kinds.get(node, [])) for node in nodes],
            }
        )

    def html(self) -> str:
        """One HTML file with everything in it."""
        return _page(self)

    def __str__(self) -> str:
        """What changed, for people."""
        before, after = self.rows
        lines = [
            f"{before:,} titles before, {after:,} after; shares by {self._basis}; false alarms in "
            f"at most {self.level:.3g} of such comparisons",
            f"changed: {', '.join(self.kinds) or 'nothing beyond chance'}",
        ]
        if self.changes:
            counts = {
                kind: sum(own.kind == kind for own in self.changes)
                for kind in ("new", "gone", "moved", "renamed")
            }
            lines.append(f"tree: {', '.join(f'{n:,} {kind}' for kind, n in counts.items())}")
        for own in self.alarms[:20]:
            path = join_path(self.taxonomy.paths[own.node]) if own.node >= 0 else "all titles"
            text = f"{own.before:.2%} to {own.after:.2%}" if own.kind == "shares" else "other words"
            doubt = " (the titles changed too)" if own.doubtful else ""
            lines.append(f"  {own.kind}: {path}: {text}, p {own.p:.3f}{doubt}")
        if self.accuracy is not None:
            one = self.accuracy
            doubt = "; doubtful, as the titles changed" if one.doubtful else ""
            lines.append(
                f"estimated accuracy: {one.value:.1%} ({one.low:.1%} – {one.high:.1%}), before "
                f"{one.before:.1%}{doubt}"
            )
        return "\n".join(lines)


def find_drift(
    before: Catalog,
    after: Catalog,
    classifier: Classifier,
    *,
    labelled: Catalog | None = None,
    trees: tuple[Taxonomy, Taxonomy] | None = None,
    level: float = 0.05,
    precision: ReadingPrecision = "auto",
    seed: int = 0,
) -> Drift:
    """Tell what changed between two sets of titles.

    Args:
        before: Titles of the past.
        after: Titles of today.  Where both have categories of the classifier's tree for all rows,
            shares are of these; otherwise of the answers.
        classifier: What answers.
        labelled: Labelled titles that it was not trained on, for the estimate of accuracy.
        trees: The tree of the past and that of today, to be compared.
        level: Of false alarms: the probability that anything alarms where nothing changed.
        precision: Of the classifier's encoder.
        seed: Of the dealing.

    Raises:
        CatalogError: A set is empty, or the labelled one has no label.
        ConfigError: The level is not between 0 and 1.
    """
    least = 2 * (classifier.taxonomy.depth + 1) / (_DEALT + 1)
    if not least <= level < 1:
        raise ConfigError(
            f"level={level} is no rate of false alarms that can be told; expected one from "
            f"{least:.3f} to below 1."
        )
    for name, own in (("before", before), ("after", after)):
        if not len(own):
            raise CatalogError(f"The titles {name} are none; expected at least one.")
    tree = classifier.taxonomy
    sets = [_answered(classifier, own, precision) for own in (before, after)]
    labels = _labels(before, after, tree)
    nodes = (sets[0][0], sets[1][0]) if labels is None else labels
    rows = (len(before), len(after))
    shares = np.stack([at_or_below(tree, own) / len(own) for own in nodes], axis=1)
    rng = np.random.default_rng(seed)
    texts = [*classifier.texts_of(before), *classifier.texts_of(after)]
    groups = np.unique(title_hashes(texts), return_inverse=True)[1].astype(np.int64)
    second = np.repeat(np.array([False, True]), rows)
    ends = np.concatenate(nodes)
    p_shares = _share_tests(tree, ends, groups, second, rng)
    p_titles, p_all = _title_tests(tree, texts, ends, groups, second, rng)
    half = level / 2
    worded = np.flatnonzero(p_titles <= half)
    near = np.zeros(len(tree), bool)
    near[tree.chains[worded][tree.chains[worded] >= 0]] = True  # above
    near |= np.isin(tree.chains, worded).any(axis=1)  # itself and below
    near |= p_all <= half
    alarms = [NodeDrift(-1, "titles", p_all, 1.0, 1.0)] if p_all <= half else []
    tested: tuple[tuple[Kind, Floats], ...] = (("titles", p_titles), ("shares", p_shares))
    for kind, p in tested:
        alarms += [
            NodeDrift(
                node, kind, float(p[node]), float(shares[node, 0]), float(shares[node, 1]),
                kind == "shares" and bool(near[node]) and labels is None,
            )
            for node in np.flatnonzero(p <= half).tolist()
        ]  # fmt: skip
    alarms.sort(key=lambda own: (own.p, -abs(own.after - own.before), own.node))
    accuracy = None
    if labelled is not None:
        accuracy = _accuracy(
            classifier, labelled, sets[0][1], sets[1][1], precision, bool(near.any()), rng
        )
    return Drift(
        tree, rows, () if trees is None else compare_trees(*trees), tuple(alarms), shares, p_shares,
        p_titles, p_all, accuracy, level, labels is not None,
    )  # fmt: skip


def _labels(before: Catalog, after: Catalog, tree: Taxonomy) -> tuple[Ints, Ints] | None:
    """Where the labels are in the classifier's tree; None unless all are there."""
    if not all(own.taxonomy is not None and own.labelled.all() for own in (before, after)):
        return None
    try:
        return targets_in(before, tree), targets_in(after, tree)
    except CatalogError:
        return None


def _answered(
    classifier: Classifier, catalog: Catalog, precision: ReadingPrecision
) -> tuple[Ints, Floats]:
    found = [
        (best, nodes[np.arange(len(best)), best])
        for best, nodes in node_probabilities(classifier, catalog, precision)
    ]
    return (
        np.concatenate([own for own, _ in found]),
        np.concatenate([own for _, own in found]).astype(np.float64),
    )


# -- the tree ---------------------------------------------------------------------


def compare_trees(old: Taxonomy, new: Taxonomy) -> tuple[TreeChange, ...]:
    """What is new, gone, moved or renamed, node by node.

    Nodes are the same where their ids are.  A node that is moved is told once, not again for all
    that is below it.
    """
    place = {own: number for number, own in enumerate(old.ids)}
    found: list[TreeChange] = []
    for node, own in enumerate(new.ids):
        path = new.paths[node]
        if own not in place:
            found.append(TreeChange("new", own, (), path))
            continue
        was = place[own]
        above = [
            tree.ids[tree.parent[at]] if tree.parent[at] >= 0 else None
            for tree, at in ((old, was), (new, node))
        ]
        if above[0] != above[1]:
            found.append(TreeChange("moved", own, old.paths[was], path))
        elif old.paths[was][-1] != path[-1]:
            found.append(TreeChange("renamed", own, old.paths[was], path))
    known = set(new.ids)
    found += [
        TreeChange("gone", own, old.paths[node], ())
        for node, own in enumerate(old.ids)
        if own not in known
    ]
    return tuple(found)


# -- shares -----------------------------------------------------------------------


def _dealt(
    groups: Ints, second: NDArray[np.bool_], rng: np.random.Generator
) -> Iterator[NDArray[np.float32]]:
    """float32 [some times, rows]: what of a row is in the second set; first the sets as they are.

    Groups of equal titles are dealt whole, among those that are listed as often.
    """
    count = np.bincount(groups)
    share = (np.bincount(groups, second, minlength=len(count)) / count).astype(np.float32)
    order = np.argsort(count, kind="stable")
    edges = np.flatnonzero(np.diff(count[order], prepend=-1, append=-1))
    for start in range(0, _DEALT + 1, _BATCH):
        found = np.empty((min(_BATCH, _DEALT + 1 - start), len(groups)), np.float32)
        for number in range(len(found)):
            own = share.copy()
            if start + number:
                for first, last in itertools.pairwise(edges.tolist()):
                    some = order[first:last]
                    own[some] = share[rng.permutation(some)]
            found[number] = own[groups]
        yield found


def _share_tests(
    tree: Taxonomy,
    ends: Ints,
    groups: Ints,
    second: NDArray[np.bool_],
    rng: np.random.Generator,
) -> Floats:
    """float64 [nodes]: of each node's share, corrected for all nodes."""
    onto = _onto(tree, ends)
    total = np.asarray(onto.sum(axis=1)).ravel()
    found = []
    for some in _dealt(groups, second, rng):
        there = (onto @ some.T).T.astype(np.float64)  # [times, nodes]
        whole = some.sum(axis=1, dtype=np.float64)[:, None]
        found.append(_likelihood_ratio(there, total, whole, len(ends)))
    return _corrected(np.concatenate(found), tree.level)


def _onto(tree: Taxonomy, ends: Ints) -> Any:
    """A sparse matrix [nodes, rows]: which rows are at or below each node."""
    from scipy.sparse import csr_matrix

    chains = tree.chains[ends]
    row, level = np.nonzero(chains >= 0)
    values = np.ones(len(row), np.float32)
    return csr_matrix((values, (chains[row, level], row)), (len(tree), len(ends)))


def _likelihood_ratio(there: Floats, total: Floats, second: Floats, rows: int) -> Floats:
    """G of the two by two table of each node: in it or not, second set or not."""
    found = np.zeros_like(there)
    share = second / rows
    for seen, whole, part in (
        (there, total, share),
        (total - there, total, 1 - share),
        (second - there, rows - total, share),
        (rows - total - (second - there), rows - total, 1 - share),
    ):
        expected = whole * part
        some = (seen > 1e-9) & (expected > 1e-9)
        ratio = np.divide(seen, expected, out=np.ones_like(seen), where=some)
        found += 2 * np.where(some, seen, 0.0) * np.log(ratio)
    return found


def _corrected(found: Floats, levels: Ints) -> Floats:
    """The p of the first row's values, corrected for all of them, every level with an equal part.

    Args:
        found: float64 [times, values]: as the sets are, and as they were dealt.
        levels: int64 [values]: the level of each.
    """
    names, place = np.unique(levels, return_inverse=True)
    ordered, share = [], np.empty((len(found), len(names)))
    for level in range(len(names)):
        most = found[:, place == level].max(axis=1)
        ordered.append(np.sort(most))
        share[:, level] = _share_above(ordered[-1], most)
    least = np.sort(share.min(axis=1))  # of all levels, each time
    own = np.empty(found.shape[1])
    for level in range(len(names)):
        own[place == level] = _share_above(ordered[level], found[0, place == level])
    p: Floats = np.searchsorted(least, own + 1e-12, "right") / len(found)
    return np.where(found[0] > 1e-9, np.maximum(p, 1 / len(found)), 1.0)


def _share_above(ordered: Floats, values: Floats) -> Floats:
    """Of ascending values the share that is at least as great as each of others."""
    above = len(ordered) - np.searchsorted(ordered, values - 1e-9)
    found: Floats = np.maximum(above, 1) / len(ordered)
    return found


# -- titles -----------------------------------------------------------------------


def _title_tests(
    tree: Taxonomy,
    texts: list[str],
    ends: Ints,
    groups: Ints,
    second: NDArray[np.bool_],
    rng: np.random.Generator,
) -> tuple[Floats, float]:
    """float64 [nodes]: of each node's titles, corrected for all nodes; and of all titles."""
    # Of titles that are listed often one is looked at: on the side where it is first seen.
    _, first = np.unique(groups, return_index=True)
    both = np.bincount(groups, second) / np.bincount(groups)
    first = first[(both == 0) | (both == 1)]  # what is on both sides has not changed
    if len(first) > _MOST:
        first = rng.choice(first, _MOST, replace=False)
    nothing = np.ones(len(tree)), 1.0
    if not len(first):
        return nothing
    ends, second = ends[first], second[first]
    stratum = np.unique(ends, return_inverse=True)[1]
    size = np.bincount(stratum)
    late = np.bincount(stratum, second)
    mixed = ((late > 0) & (late < size))[stratum]  # with nothing on one side nothing is compared
    if not mixed.any():
        return nothing
    ends, second, stratum = ends[mixed], second[mixed], stratum[mixed]
    vectors = _vectors([texts[row] for row in first[mixed]])
    # Around the category's mean, so that sums are differences of the two sets.
    by_stratum = np.argsort(stratum, kind="stable")
    edges = np.flatnonzero(np.diff(stratum[by_stratum], prepend=-1, append=-1))
    for start, end in itertools.pairwise(edges.tolist()):
        own = by_stratum[start:end]
        vectors[own] -= vectors[own].mean(axis=0)
    onto = _onto(tree, ends)
    found = np.empty((_DEALT + 1, len(tree) + 1))
    side = second.astype(np.float32)
    for number in range(_DEALT + 1):
        if number:
            side = side.copy()
            # Within each category: sort by stratum and chance.
            order = np.lexsort((rng.random(len(side)), stratum))
            side[by_stratum] = second[order]
        moved = vectors * side[:, None]
        found[number, :-1] = ((onto @ moved) ** 2).sum(axis=1)
        found[number, -1] = (moved.sum(axis=0) ** 2).sum()
    spread = found.std(axis=0)
    level = np.divide(
        found - found.mean(axis=0), spread, out=np.zeros_like(found), where=spread > 1e-12
    )
    p = _corrected(level, np.append(tree.level, 0))
    return p[:-1], float(p[-1])


def _vectors(texts: list[str]) -> NDArray[np.float32]:
    """float32 [titles, _SIZE]: n-grams, projected at random, of length 1."""
    from sklearn.feature_extraction.text import HashingVectorizer
    from sklearn.random_projection import SparseRandomProjection

    made = HashingVectorizer(
        analyzer="char_wb", ngram_range=(2, 4), n_features=1 << 18, norm="l2", dtype=np.float32
    ).transform(texts)
    flat = SparseRandomProjection(_SIZE, dense_output=True, random_state=0).fit_transform(made)
    found: NDArray[np.float32] = np.ascontiguousarray(flat, np.float32)
    return found


# -- accuracy ---------------------------------------------------------------------


def _accuracy(
    classifier: Classifier,
    labelled: Catalog,
    before: Floats,
    after: Floats,
    precision: ReadingPrecision,
    doubtful: bool,
    rng: np.random.Generator,
) -> AccuracyEstimate:
    judged = judged_rows(classifier, labelled)
    targets = targets_in(judged, classifier.taxonomy)
    answers, confidence = _answered(classifier, judged, precision)
    right = answers == targets
    bins = np.searchsorted(_CONFIDENCES, confidence, "right")
    worth = _Worth(right, confidence, bins)
    drawn = worth.drawn(_counted(after), rng)
    value = worth.expected(_counted(after))
    # Titles of a category are right or wrong together: how much farther off than that?
    dispersion = _dispersion(right, confidence, bins, targets, rng)
    low, high = np.quantile(value + (drawn - value) * np.sqrt(dispersion), (0.025, 0.975))
    return AccuracyEstimate(
        value,
        float(np.clip(low, 0, 1)),
        float(np.clip(high, 0, 1)),
        worth.expected(_counted(before)),
        doubtful,
    )


def _counted(confidence: Floats) -> Ints:
    """int64 [bins]: titles of each confidence."""
    bins = np.searchsorted(_CONFIDENCES, confidence, "right")
    return np.bincount(bins, minlength=len(_CONFIDENCES) + 1).astype(np.int64)


class _Worth:
    """How often answers of a confidence are right, by labelled titles.

    Where there are few, what the confidence itself says counts for one title more.
    """

    def __init__(self, right: NDArray[np.bool_], confidence: Floats, bins: Ints) -> None:
        size = len(_CONFIDENCES) + 1
        self.rows = np.bincount(bins, minlength=size)
        edges = np.array([0.0, *_CONFIDENCES, 1.0])
        middle = np.bincount(bins, confidence, minlength=size) / np.maximum(self.rows, 1)
        middle = np.where(self.rows > 0, middle, (edges[:-1] + edges[1:]) / 2)
        self.right = np.bincount(bins, right, minlength=size) + middle

    def expected(self, counts: Ints) -> float:
        """The share of right ones among so many of each confidence."""
        return float(counts @ (self.right / (self.rows + 1)) / counts.sum())

    def drawn(self, counts: Ints, rng: np.random.Generator) -> Floats:
        """float64 [draws]: the shares that may be."""
        worth = rng.beta(
            self.right + 1e-3, self.rows + 1 - self.right + 1e-3, (_DRAWS, len(self.rows))
        )
        found: Floats = rng.binomial(counts, worth).sum(axis=1) / counts.sum()
        return found


def _dispersion(
    right: NDArray[np.bool_],
    confidence: Floats,
    bins: Ints,
    targets: Ints,
    rng: np.random.Generator,
) -> float:
    """How much farther off estimates are than they say, as a ratio of variances.

    The labelled titles are cut in two, no category in both, and one part is estimated by the other.
    """
    names, group = np.unique(targets, return_inverse=True)
    error = variance = 0.0
    for _ in range(_CUTS):
        other = (rng.random(len(names)) < 0.5)[group]
        if other.all() or not other.any():
            continue
        worth = _Worth(right[~other], confidence[~other], bins[~other])
        counts = np.bincount(bins[other], minlength=len(worth.rows)).astype(np.int64)
        error += (worth.expected(counts) - float(right[other].mean())) ** 2
        variance += float(worth.drawn(counts, rng).var())
    return max(error / variance, 1.0) if variance else 1.0


# -- the page ---------------------------------------------------------------------


def _page(own: Drift) -> str:
    tree = own.taxonomy
    page = Page(
        "Drift",
        f"{own.rows[0]:,} titles before, {own.rows[1]:,} after; shares are of "
        f"{'labels' if own.by_labels else 'answers'}. Anything alarms falsely in at most "
        f"{own.level:.3g} of comparisons in which nothing changed.",
    )
    page.section("What changed")
    numbers = [
        ("changed", ", ".join(own.kinds) or "nothing", "beyond chance"),
        ("alarms", f"{len(own.alarms):,}", ""),
        ("changes of the tree", f"{len(own.changes):,}", ""),
    ]
    if own.accuracy is not None:
        one = own.accuracy
        doubt = "; doubtful, as the titles changed" if one.doubtful else ""
        numbers.append(
            ("estimated accuracy", f"{one.value:.1%}",
             f"{one.low:.1%} – {one.high:.1%}, before {one.before:.1%}{doubt}")
        )  # fmt: skip
    page.numbers(numbers)
    if own.alarms:
        page.section(
            "Alarms",
            "The probability is that something as large is seen at any node where nothing changed. "
            "Shares are doubtful where titles changed too: the classifier may have taken them for "
            "others.",
        )
        page.table(
            [("category", "text"), ("changed", "text"), ("before", "share"), ("after", "share"),
             ("p", "figure"), ("doubtful", "text")],
            [
                (join_path(tree.paths[one.node]) if one.node >= 0 else "all titles", one.kind,
                 one.before, one.after, one.p, "yes" if one.doubtful else "")
                for one in own.alarms[:_SHOWN]
            ],
            f"Alarms, the surest first ({min(len(own.alarms), _SHOWN):,} of {len(own.alarms):,})",
        )  # fmt: skip
    if own.changes:
        page.section("The tree", "By the nodes' ids.")
        page.table(
            [("change", "text"), ("before", "text"), ("after", "text")],
            [
                (one.kind, join_path(one.before) or None, join_path(one.after) or None)
                for one in own.changes[:_SHOWN]
            ],
            f"Changes of the tree ({min(len(own.changes), _SHOWN):,} of {len(own.changes):,})",
        )
    page.section("All categories")
    flagged = {one.node for one in own.alarms}
    page.tree(
        "Categories with their shares before and after",
        tree,
        [
            {"label": "before", "kind": "share"},
            {"label": "after", "kind": "share"},
            {"label": "p of shares", "kind": "figure"},
            {"label": "p of titles", "kind": "figure"},
            {"label": "alarm", "kind": "count"},
        ],
        [
            (*own.shares[node].round(6).tolist(), round(float(own.p_shares[node]), 4),
             round(float(own.p_titles[node]), 4), int(node in flagged))
            for node in range(len(tree))
        ],
        kept=np.flatnonzero(own.shares.sum(axis=1) > 0).tolist(),
        only={"with alarms": 4},
    )  # fmt: skip
    return page.html()
