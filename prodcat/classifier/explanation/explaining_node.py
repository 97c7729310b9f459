"""Explain a category: its words, the categories like it, and titles whose label is doubtful."""

from collections import Counter
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from prodcat.catalog.catalog import Catalog
from prodcat.catalog.targets import targets_in
from prodcat.classifier.explanation.node_evidence import NodeEvidence, node_evidence
from prodcat.classifier.explanation.node_explanation import (
    DoubtfulTitle,
    NearNode,
    NodeExplanation,
    NodeWord,
)
from prodcat.classifier.explanation.node_words import (
    column_likeness,
    known_words,
    strongest_words,
    word_weights,
    words_of_texts,
    words_of_vocabulary,
)
from prodcat.classifier.parts import ClassifierParts
from prodcat.decisions.tree_choices import ChoicesOfTree
from prodcat.model.elementwise import exp
from prodcat.model.lexical import LexicalBranch
from prodcat.model.neighbours import LabelledNeighbour, LabelledTitles
from prodcat.model.ngrams import NGrams
from prodcat.model.piece_scores import PieceScorer
from prodcat.taxonomy.paths import Path
from prodcat.taxonomy.tree import Taxonomy

_MOST_NEAR = 5
_MOST_DOUBTFUL = 20
_DOUBTFUL = 0.5  # the probability of a label below which it is doubtful
_NEIGHBOURS = 3  # similar titles that are looked at
_ALIKE = 0.35  # the least likeness of a title that speaks against a label


def explain_node(
    parts: ClassifierParts, node: int, catalog: Catalog | None, most: int
) -> NodeExplanation:
    """Explain a category.

    Args:
        parts: The parts of the classifier.
        node: The category, a node of the tree of the answers.
        catalog: Labelled titles, or None.
        most: The largest number of words of each kind.

    Raises:
        CatalogError: The catalog has no categories, or none of its labels is in the tree.
    """
    tree = parts.taxonomy
    below = _below(tree, node)
    targets, rows = np.zeros(0, np.int64), np.zeros(0, np.int64)
    labelled = None
    if catalog is not None:
        labelled = catalog.take(catalog.labelled)
        targets = targets_in(labelled, tree) if len(labelled) else targets
        rows = np.flatnonzero(below[targets])
    words_for: list[NodeWord] = []
    words_against: list[NodeWord] = []
    near: list[NearNode] = []
    source = "none"
    evidence, reading = node_evidence(parts, node), _ngrams(parts)
    scored = _scored(parts, evidence, reading)
    if scored:
        candidates, counts, source = _candidates(parts, scored[0][0], labelled, rows)
        weights: dict[str, float] = {}
        for ngrams, branch, columns, others in scored:
            words = known_words(ngrams, candidates)
            bias, scorer = branch.bias.double().cpu().numpy(), PieceScorer(ngrams, branch)
            of_words = word_weights(scorer, bias, words, columns)
            if others:
                of_words = of_words - word_weights(scorer, bias, words, others)
            for word, weight in zip(words, of_words.tolist(), strict=True):
                weights[word] = max(weight, weights.get(word, -np.inf))
        values = np.array(list(weights.values()), np.float64)
        words_for, words_against = strongest_words(list(weights), values, counts, most)
    if reading is not None and evidence.learned:
        near = _near(parts, reading[1], evidence.learned)
    doubtful: Sequence[DoubtfulTitle] = ()
    if labelled is not None:
        doubtful = _doubtful(parts, node, labelled, targets, rows)
    return NodeExplanation(
        path=tree.paths[node],
        titles=int(parts.counts[below].sum()),
        words_for=tuple(words_for),
        words_against=tuple(words_against),
        source=source,
        near=tuple(near),
        doubtful=tuple(doubtful),
        asked=None if labelled is None else len(rows),
    )


def _below(tree: Taxonomy, node: int) -> NDArray[np.bool_]:
    """Whether each node is this one or below it, bool [nodes]."""
    below: NDArray[np.bool_] = (tree.chains == node).any(axis=1)
    return below


def _scored(
    parts: ClassifierParts, evidence: NodeEvidence, reading: tuple[NGrams, LexicalBranch] | None
) -> list[tuple[NGrams, LexicalBranch, Sequence[int], Sequence[int]]]:
    """The n-grams that know a category, with their maps to scores and the columns of its score.

    The last columns are those of the parts of a split category that it is told from.

    A word speaks for a category if it speaks for any of what it was made of.
    """
    scored: list[tuple[NGrams, LexicalBranch, Sequence[int], Sequence[int]]] = []
    if reading is not None and evidence.learned:
        choices = ChoicesOfTree(parts.learned_tree, parts.network.paths)
        for learned in evidence.learned:
            columns = _columns(choices, reading[1], parts.learned_tree, learned)
            scored.append((*reading, columns, ()))
    scored += [
        (each.scores.ngrams, each.scores.lexical, [each.column], each.others)
        for each in evidence.columns
    ]
    return scored


def _ngrams(parts: ClassifierParts) -> tuple[NGrams, LexicalBranch] | None:
    """The n-grams that read titles alone, or None."""
    reader = parts.reader
    if reader.title_branch is not None:
        return reader.title_branch.ngrams, reader.title_branch.lexical
    if reader.ngrams is None or reader.network.lexical is None:
        return None
    return reader.ngrams, reader.network.lexical


def _columns(choices: ChoicesOfTree, branch: LexicalBranch, tree: Taxonomy, node: int) -> list[int]:
    """The columns of a map whose mean is the score of a node."""
    number = choices.along(node, False)[-1].number
    if number < len(branch.bias):
        return [number]
    start, end = tree.spans[node].tolist()  # maps of earlier versions have no scores of branches
    return list(range(start, end))


def _candidates(
    parts: ClassifierParts, ngrams: NGrams, labelled: Catalog | None, rows: NDArray[np.int64]
) -> tuple[list[str], Counter[str] | None, str]:
    """Words that may be known, how many titles of the category have each, and their source."""
    if labelled is not None:
        of_titles = words_of_texts(labelled.titles, ngrams.version)
        counts = Counter(word for row in rows.tolist() for word in of_titles[row])
        return list(dict.fromkeys(word for words in of_titles for word in words)), counts, "catalog"
    names = [
        *parts.taxonomy.names,
        *(n for each in parts.taxonomy.translations.values() for n in each),
    ]
    vocabulary = words_of_vocabulary(parts.tokenizer)
    return [*names, *vocabulary], None, "vocabulary" if vocabulary else "tree"


def _near(
    parts: ClassifierParts, branch: LexicalBranch, learned: tuple[int, ...]
) -> list[NearNode]:
    """The categories of the same level whose words are most alike.

    Of a category that others were merged into, each of these counts.
    """
    old, tree = parts.learned_tree, parts.taxonomy
    choices = ChoicesOfTree(old, parts.network.paths)
    migrations = parts.reader.migrations
    nodes = np.arange(len(tree)) if migrations is None else migrations.learned_nodes
    levels = {int(old.level[each]) for each in learned}
    others = [n for n in range(len(tree)) if nodes[n] >= 0 and nodes[n] not in learned]
    others = [n for n in others if int(old.level[nodes[n]]) in levels]
    columns = [choices.along(int(nodes[n]), False)[-1].number for n in others]
    known = [n for n, column in zip(others, columns, strict=True) if column < len(branch.bias)]
    columns = [column for column in columns if column < len(branch.bias)]
    mine = [choices.along(each, False)[-1].number for each in learned]
    mine = [column for column in mine if column < len(branch.bias)]
    if not mine or not known:
        return []
    likeness = np.max([column_likeness(branch, each, columns) for each in mine], axis=0)
    order = np.argsort(-likeness, kind="stable")[:_MOST_NEAR].tolist()
    return [
        NearNode(tree.paths[known[row]], float(likeness[row])) for row in order if likeness[row] > 0
    ]


def _doubtful(
    parts: ClassifierParts,
    node: int,
    labelled: Catalog,
    targets: NDArray[np.int64],
    rows: NDArray[np.int64],
) -> list[DoubtfulTitle]:
    """The titles of a category whose labels are doubtful, the least probable label first.

    A label is doubtful if the classifier gives it a probability below one half, or if at least two
    other titles are much like the title and none of them has the category.
    """
    if not len(rows):
        return []
    asked, tree = labelled.take(rows), parts.taxonomy
    probabilities = _outcome_probabilities(parts, asked)
    sums = np.pad(probabilities.cumsum(axis=1, dtype=np.float64), ((0, 0), (1, 0)))
    spans, every = tree.target_spans[targets[rows]], np.arange(len(rows))
    of_label = sums[every, spans[:, 1]] - sums[every, spans[:, 0]]
    outcomes = probabilities.argmax(axis=1)
    similar = [
        tuple(each for each in near if each.title != title)[:_NEIGHBOURS]
        for title, near in zip(
            asked.titles, LabelledTitles(labelled)(asked.titles, 2 * _NEIGHBOURS), strict=True
        )
    ]
    path = tree.paths[node]
    alone = [_is_alone(near, path) for near in similar]
    chosen = [
        row
        for row in np.argsort(of_label, kind="stable").tolist()
        if of_label[row] < _DOUBTFUL or alone[row]
    ][:_MOST_DOUBTFUL]
    return [
        DoubtfulTitle(
            row=int(asked.rows[row]) + 1,
            title=asked.titles[row],
            label=tree.paths[targets[rows[row]]],
            probability=float(of_label[row]),
            answer=tree.paths[tree.outcomes[outcomes[row]]],
            confidence=float(probabilities[row, outcomes[row]]),
            neighbours=similar[row],
        )
        for row in chosen
    ]


def _outcome_probabilities(parts: ClassifierParts, catalog: Catalog) -> NDArray[np.float32]:
    """The probability of each outcome, float32 [title, outcome]."""
    chunks = parts.reader.log_probs(parts.reader.texts(catalog), cascade="auto")
    return np.concatenate([exp(chunk).cpu().numpy() for chunk in chunks])


def _is_alone(near: Sequence[LabelledNeighbour], path: Path) -> bool:
    """Whether the titles that are most like one have all another category."""
    alike = [each for each in near if each.likeness >= _ALIKE]
    return len(alike) > 1 and all(each.path[: len(path)] != path for each in alike)
