"""The words and the products behind the alarms, by name."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from prodcat.catalog.text import readable
from prodcat.insight.arrays import Flags, Floats, Ints
from prodcat.insight.drift.alarms import NodeDrift
from prodcat.insight.drift.permutation import PooledTitles, rows_of_nodes
from prodcat.taxonomy.paths import Path
from prodcat.taxonomy.tree import Taxonomy

ProductKind = Literal["new", "gone", "reworded", "relabelled"]
_MOST_WORDS = 8  # that became more frequent, and that became less frequent
_LEAST_Z = 3.0  # of a word, in standard deviations
_FEWEST_TITLES = 3  # of a word, in the set in which it is more frequent
_MOST_PRODUCTS = 50  # of each kind and category
_MOST_COMPARED = 2_000  # new titles and gone ones of a department, to find those that are reworded
_LEAST_LIKENESS = 0.6  # the smallest cosine of the n-grams of a title and its new wording


@dataclass(frozen=True)
class WordChange:
    """A word that became more or less frequent in the titles of a category.

    Attributes:
        word: The word, in small letters.
        before: Number of different titles before that contain it.
        after: Number of different titles after that contain it.
        z: The difference in standard deviations, within the categories below; negative if the word
            became less frequent (Mantel and Haenszel, 1959).
    """

    word: str
    before: int
    after: int
    z: float


@dataclass(frozen=True)
class ProductChange:
    """A title that is new, gone or reworded, or has another category than before.

    Attributes:
        kind: ``"new"``, ``"gone"``, ``"reworded"`` or ``"relabelled"``.
        title_before: The title before; empty if it is new.
        title_after: The title after; empty if it is gone.
        path_before: The category before; empty if the title is new.
        path_after: The category after; empty if the title is gone.
    """

    kind: ProductKind
    title_before: str
    title_after: str
    path_before: Path
    path_after: Path


@dataclass(frozen=True)
class NodeEvidence:
    """The words and products behind the alarms of a node.

    Attributes:
        node: The node; -1 for all titles together.
        titles: Numbers of different titles before and after.
        counts: Numbers of titles that are new, gone, reworded or relabelled, by these kinds.
        words: The words whose frequency changed most, at most 8 for more and 8 for less frequent.
        products: The titles that changed, at most 50 of each kind.
    """

    node: int
    titles: tuple[int, int]
    counts: dict[ProductKind, int]
    words: tuple[WordChange, ...]
    products: tuple[ProductChange, ...]


@dataclass(frozen=True, eq=False)
class _Titles:
    """The different titles of both sets.

    Attributes:
        texts: The title of each position in the pool.
        nodes: int64 [positions]: their nodes.
        before: int64 [before]: the first position of each different title before.
        after: int64 [after]: the first position of each different title after.
        new: int64 [new]: those of ``after`` that are not before.
        gone: int64 [gone]: those of ``before`` that are not after.
        pairs: Pairs of positions before and after, of titles that were reworded.
        relabelled: Pairs of positions of one title whose node changed.
    """

    texts: Sequence[str]
    nodes: Ints
    before: Ints
    after: Ints
    new: Ints
    gone: Ints
    pairs: tuple[tuple[int, int], ...]
    relabelled: tuple[tuple[int, int], ...]


def evidence_of(
    tree: Taxonomy, pool: PooledTitles, titles: Sequence[str], alarms: Iterable[NodeDrift]
) -> tuple[NodeEvidence, ...]:
    """Name the words and the products that changed at the nodes with an alarm.

    Args:
        tree: The tree.
        pool: The titles of both sets.
        titles: The title of each position in the pool, without further columns.
        alarms: The alarms.

    Returns:
        The words and products of each node, in the order of the alarms.
    """
    nodes = list(dict.fromkeys(alarm.node for alarm in alarms))
    if not nodes:
        return ()
    departments = tree.chains[pool.nodes, 0]
    asked = {int(tree.chains[node, 0]) for node in nodes if node >= 0}
    chosen = np.ones(len(departments), bool) if -1 in nodes else np.isin(departments, list(asked))
    listed = _different(pool, titles, departments, chosen)
    words = _Words.of(listed)
    at_nodes = rows_of_nodes(tree, pool.nodes)
    evidence = []
    for node in nodes:
        inside = np.ones(len(titles), bool)
        if node >= 0:
            inside = np.asarray(at_nodes[node].todense()).ravel() > 0
        products = list(_products(listed, tree, inside))
        counts: dict[ProductKind, int] = {"new": 0, "gone": 0, "reworded": 0, "relabelled": 0}
        for product in products:
            counts[product.kind] += 1
        evidence.append(
            NodeEvidence(
                node=node,
                titles=(int(inside[listed.before].sum()), int(inside[listed.after].sum())),
                counts=counts,
                words=tuple(words.changes(inside)),
                products=tuple(_first(products)),
            )
        )
    return tuple(evidence)


def _different(
    pool: PooledTitles, titles: Sequence[str], departments: Ints, chosen: Flags
) -> _Titles:
    sets = []
    for flags in (~pool.second, pool.second):
        rows = np.flatnonzero(flags)
        sets.append(rows[np.sort(np.unique(pool.groups[rows], return_index=True)[1])])
    before, after = sets
    new = after[~np.isin(pool.groups[after], pool.groups[before])]
    gone = before[~np.isin(pool.groups[before], pool.groups[after])]
    at = {int(group): row for group, row in zip(pool.groups[before], before.tolist(), strict=True)}
    kept = [row for row in after.tolist() if int(pool.groups[row]) in at]
    both = [(at[int(pool.groups[row])], row) for row in kept]
    return _Titles(
        titles,
        pool.nodes,
        before,
        after,
        new,
        gone,
        tuple(_reworded(titles, gone[chosen[gone]], new[chosen[new]], departments)),
        tuple((old, row) for old, row in both if pool.nodes[old] != pool.nodes[row]),
    )


def _reworded(
    titles: Sequence[str], gone: Ints, new: Ints, departments: Ints
) -> Iterator[tuple[int, int]]:
    """Pairs of a gone title and a new one of the same department, each the other's most similar."""
    from sklearn.feature_extraction.text import TfidfVectorizer

    for department in np.intersect1d(departments[gone], departments[new]).tolist():
        left = gone[departments[gone] == department][:_MOST_COMPARED]
        right = new[departments[new] == department][:_MOST_COMPARED]
        texts = [[titles[row] for row in rows] for rows in (left.tolist(), right.tolist())]
        # Rare n-grams, such as those of brands, weigh most, so other products are less similar.
        vectorizer = TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 4)).fit(
            [*texts[0], *texts[1]]
        )
        vectors = [vectorizer.transform(of_set) for of_set in texts]
        likeness = (vectors[0] @ vectors[1].T).toarray()
        nearest, back = likeness.argmax(axis=1), likeness.argmax(axis=0)
        for place, other in enumerate(nearest.tolist()):
            if back[other] == place and likeness[place, other] >= _LEAST_LIKENESS:
                yield int(left[place]), int(right[other])


def _products(listed: _Titles, tree: Taxonomy, inside: Flags) -> Iterator[ProductChange]:
    """The titles at or below a node that changed, those that were reworded first."""

    def change(kind: ProductKind, old: int | None, new: int | None) -> ProductChange:
        title = ["" if row is None else readable(listed.texts[row]) for row in (old, new)]
        path = [() if row is None else tree.paths[int(listed.nodes[row])] for row in (old, new)]
        return ProductChange(kind, title[0], title[1], path[0], path[1])

    paired = [pair for pair in listed.pairs if inside[pair[0]] or inside[pair[1]]]
    for old, new in paired:
        yield change("reworded", old, new)
    for old, new in listed.relabelled:
        if inside[old] != inside[new] or (inside[old] and listed.nodes[old] != listed.nodes[new]):
            yield change("relabelled", old, new)
    others = {row for pair in paired for row in pair}
    for row in listed.new[inside[listed.new]].tolist():
        if row not in others:
            yield change("new", None, row)
    for row in listed.gone[inside[listed.gone]].tolist():
        if row not in others:
            yield change("gone", row, None)


def _first(products: Iterable[ProductChange]) -> Iterator[ProductChange]:
    """At most 50 products of each kind."""
    counts: dict[str, int] = {}
    for product in products:
        counts[product.kind] = counts.get(product.kind, 0) + 1
        if counts[product.kind] <= _MOST_PRODUCTS:
            yield product


@dataclass(frozen=True, eq=False)
class _Words:
    """The words of all different titles.

    Attributes:
        rows: int64 [titles]: positions of the titles in the pool, those before first.
        second: Bool [titles]: whether the title is one after.
        strata: int64 [titles]: a number from 0 for the node of each title.
        matrix: Sparse [titles, words]: 1 where the title contains the word.
        words: The words.
    """

    rows: Ints
    second: Flags
    strata: Ints
    matrix: Any
    words: Sequence[str]

    @classmethod
    def of(cls, listed: _Titles) -> "_Words":
        """Divide the titles into words of at least two letters."""
        from scipy.sparse import csr_matrix
        from sklearn.feature_extraction.text import CountVectorizer

        rows = np.concatenate([listed.before, listed.after])
        second = np.repeat([False, True], (len(listed.before), len(listed.after)))
        strata = np.unique(listed.nodes[rows], return_inverse=True)[1].astype(np.int64)
        vectorizer = CountVectorizer(binary=True, token_pattern=r"(?u)[^\W\d_]{2,}")
        try:
            matrix = vectorizer.fit_transform([readable(listed.texts[row]) for row in rows])
        except ValueError:  # no title has a word
            return cls(rows, second, strata, csr_matrix((len(rows), 0)), ())
        return cls(rows, second, strata, matrix, vectorizer.get_feature_names_out().tolist())

    def changes(self, inside: Flags) -> Iterator[WordChange]:
        """The words of the titles inside that became more frequent, then those less frequent.

        Args:
            inside: Bool [positions]: whether each title of the pool is counted.
        """
        places = np.flatnonzero(inside[self.rows])
        matrix, second = self.matrix[places], self.second[places]
        z = _differences(matrix, second, self.strata[places])
        before = np.asarray(matrix[~second].sum(axis=0)).ravel()
        after = np.asarray(matrix[second].sum(axis=0)).ravel()
        z = np.where(np.maximum(before, after) >= _FEWEST_TITLES, z, 0)
        order = np.argsort(-z, kind="stable")
        more = [word for word in order[:_MOST_WORDS].tolist() if z[word] >= _LEAST_Z]
        less = [word for word in order[::-1][:_MOST_WORDS].tolist() if z[word] <= -_LEAST_Z]
        for word in (*more, *less):
            yield WordChange(
                self.words[word], int(before[word]), int(after[word]), round(float(z[word]), 2)
            )


def _differences(matrix: Any, second: Flags, strata: Ints) -> Floats:
    """float64 [words]: by how many standard deviations words are more frequent in the second set.

    Args:
        matrix: Sparse [titles, words]: 1 where the title contains the word.
        second: Bool [titles]: whether the title is in the second set.
        strata: int64 [titles]: the category within which a title is compared.
    """
    from scipy.sparse import csr_matrix

    size = int(strata.max(initial=-1)) + 1
    ones = np.ones(len(strata))
    of_strata = csr_matrix((ones, (strata, np.arange(len(strata)))), (size, len(strata)))
    total = (of_strata @ matrix).tocoo()
    number = np.bincount(strata, minlength=size).astype(np.float64)
    later = np.bincount(strata, second, minlength=size)
    rows, with_word = number[total.row], total.data
    expected = with_word * later[total.row] / rows
    variance = (
        later[total.row] * (rows - later[total.row]) * with_word * (rows - with_word)
        / (rows**2 * np.maximum(rows - 1, 1))
    )  # fmt: skip
    words = matrix.shape[1]
    difference = np.asarray(matrix[second].sum(axis=0)).ravel().astype(np.float64)
    difference -= np.bincount(total.col, expected, minlength=words)
    spread = np.sqrt(np.bincount(total.col, variance, minlength=words))
    z: Floats = np.divide(difference, spread, out=np.zeros(words), where=spread > 0)
    return z
