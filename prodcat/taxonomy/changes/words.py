"""Names of two trees as words and n-grams, in a form in which they can be compared.

Words are in lower case without accents, and without the endings by which many words of these two
trees differ, such as the s of a plural.  No list of any language is used: what is an ending, and
which words say little, is counted in the trees themselves.
"""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from prodcat.taxonomy.arrays import Ints
from prodcat.taxonomy.changes.trees import Tree
from prodcat.taxonomy.folding import fold

Floats = NDArray[np.float64]
_WORD = re.compile(r"[^\W_]+")
_LONGEST_ENDING = 2  # letters
_SHORTEST_STEM = 3
_ENDING_SHARE = 0.01  # of the words, which have an ending beside the same word without it
_GRAM = 3  # letters
_HEAD = 6  # letters at the beginning of a word, by which words are compared
_USUAL = ""  # stands for the names that have no language


def words_of(name: str) -> tuple[str, ...]:
    """The words of a name, in lower case and without accents; the name itself if it has none.

    >>> words_of("Crème Brûlée & Co."), words_of("&")
    (('creme', 'brulee', 'co'), ('&',))
    """
    folded = fold(name)
    return tuple(_WORD.findall(folded)) or (" ".join(folded.split()),)


def stems_of(words: Iterable[str]) -> dict[str, str]:
    """Each word without an ending by which it differs from another word.

    An ending has one or two letters, and at least one word in a hundred has it beside the same word
    without it.

    Args:
        words: All words of both trees.

    >>> plural = stems_of(["shoe", "shoes", "boot", "boots", "glass"])
    >>> plural["shoes"], plural["glass"]
    ('shoe', 'glass')
    """
    known = set(words)
    shorter = {
        word: [
            (word[:end], word[end:])
            for end in range(max(_SHORTEST_STEM, len(word) - _LONGEST_ENDING), len(word))
            if word[:end] in known
        ]
        for word in known
    }
    counts = Counter(ending for pairs in shorter.values() for _, ending in pairs)
    shared = {e for e, count in counts.items() if count >= max(2, _ENDING_SHARE * len(known))}
    stems: dict[str, str] = {}
    for word in sorted(known, key=len):
        shorter_words = [stem for stem, ending in shorter[word] if ending in shared]
        stems[word] = stems[shorter_words[0]] if shorter_words else word
    return stems


@dataclass(frozen=True)
class NodeTexts:
    """The names of one tree as sparse matrices.

    Attributes:
        names: float64 [nodes, words]: 1 for each word of a node's name, in all languages.
        specific: float64 [nodes, words]: the words of the name that are not in the parent's path,
            or all words of the name if there are none.
        below: float64 [nodes, words]: the weights of the specific words of all nodes below; rows of
            length 1, or of length 0 for leaves.
        paths: float64 [nodes, words]: 1 for each word of the node's path.
        grams: float64 [nodes, n-grams]: the weights of the n-grams of the name; rows of length 1.
        path_vectors: float64 [nodes, words]: the weights of the words of the path; rows of length
            1.
        keys: int64 [nodes, languages]: a number that is equal for names with the same words.
        spellings: int64 [nodes, languages]: a number that is equal for names with the same words in
            the same form and order.
    """

    names: Any
    specific: Any
    below: Any
    paths: Any
    grams: Any
    path_vectors: Any
    keys: Ints
    spellings: Ints


TitleWords = tuple[tuple[Any, Any], tuple[Any, Any]]


@dataclass(frozen=True)
class Texts:
    """The names of both trees.

    Attributes:
        old: Those of the old tree.
        new: Those of the new tree.
        weight: float64 [words]: how much each word says: the rarer, the more.
        titles: For each tree, two matrices float64 [nodes, words], with rows of length 1 or 0: the
            weights of the words of the titles at each node, and of those at and below it.  None if
            the titles are not known.
    """

    old: NodeTexts
    new: NodeTexts
    weight: Floats
    titles: TitleWords | None = None

    @cached_property
    def weighted_specific(self) -> tuple[Any, Any]:
        """The specific words of the names with their weights, of the old and of the new tree."""
        return (
            self.old.specific.multiply(self.weight).tocsr(),
            self.new.specific.multiply(self.weight).tocsr(),
        )

    @cached_property
    def weighted_names(self) -> tuple[Any, Any]:
        """The words of the names with their weights, of the old and of the new tree."""
        return (
            self.old.names.multiply(self.weight).tocsr(),
            self.new.names.multiply(self.weight).tocsr(),
        )

    @cached_property
    def name_weights(self) -> tuple[Floats, Floats]:
        """The weight of all words of each name: float64 [old nodes], float64 [new nodes]."""
        old, new = self.weighted_names
        return np.asarray(old.sum(axis=1)).ravel(), np.asarray(new.sum(axis=1)).ravel()


Titles = Mapping[str, Sequence[str]]


def texts_of(old: Tree, new: Tree, titles: tuple[Titles, Titles] | None = None) -> Texts:
    """Compare the names of two trees, in the usual language and in all that both trees have.

    Args:
        old: The old tree.
        new: The new tree.
        titles: For each tree, the titles of some nodes by the node's id.
    """
    languages = [_USUAL, *sorted(set(old.translations) & set(new.translations))]
    words = [[_language_words(tree, each) for each in languages] for tree in (old, new)]
    stems = [
        stems_of(word for of_tree in words for name in of_tree[place] for word in name)
        for place in range(len(languages))
    ]
    stemmed = [
        [
            [tuple(stems[place][word] for word in name) for name in column]
            for place, column in enumerate(of_tree)
        ]
        for of_tree in words
    ]
    word_ids: dict[tuple[int, str], int] = {}
    key_ids: dict[tuple[str, ...], int] = {}
    name_rows = [_rows(_heads(columns), word_ids) for columns in stemmed]
    path_rows = [_path_rows(rows, tree) for rows, tree in zip(name_rows, (old, new), strict=True)]
    specific_rows = [
        _specific_rows(rows, paths, tree)
        for rows, paths, tree in zip(name_rows, path_rows, (old, new), strict=True)
    ]
    weight = _rarity([*name_rows[0], *name_rows[1]], len(word_ids))
    gram_ids: dict[tuple[int, str], int] = {}
    gram_rows = [_rows(_grams(columns), gram_ids) for columns in words]
    gram_weight = _rarity([*gram_rows[0], *gram_rows[1]], len(gram_ids))
    sides = [
        NodeTexts(
            _matrix(name_rows[side], len(word_ids)),
            _matrix(specific_rows[side], len(word_ids)),
            _unit(
                _below(_unit(_matrix(specific_rows[side], len(word_ids)), weight), tree),
                np.ones(len(word_ids)),
            ),
            _matrix(path_rows[side], len(word_ids)),
            _unit(_matrix(gram_rows[side], len(gram_ids)), gram_weight),
            _unit(_matrix(path_rows[side], len(word_ids)), weight),
            _keys([[sorted(name) for name in column] for column in stemmed[side]], key_ids),
            _keys(words[side], key_ids),
        )
        for side, tree in enumerate((old, new))
    ]
    return Texts(sides[0], sides[1], weight, None if titles is None else _titles(old, new, titles))


def _language_words(tree: Tree, language: str) -> list[tuple[str, ...]]:
    names = tree.names if language == _USUAL else tree.translations[language]
    return [words_of(name) for name in names]


def _rows(
    columns: Sequence[Sequence[Sequence[str]]], ids: dict[tuple[int, str], int]
) -> list[list[int]]:
    """The numbers of the words of each node in all languages; new words get the next numbers."""
    return [
        sorted(
            {
                ids.setdefault((place, word), len(ids))
                for place, name in enumerate(names)
                for word in name
            }
        )
        for names in zip(*columns, strict=True)
    ]


def _path_rows(rows: Sequence[Sequence[int]], tree: Tree) -> list[list[int]]:
    paths: list[list[int]] = []
    for row, above in zip(rows, tree.parent.tolist(), strict=True):
        paths.append(sorted({*row, *(paths[above] if above >= 0 else ())}))
    return paths


def _specific_rows(
    rows: Sequence[Sequence[int]], paths: Sequence[Sequence[int]], tree: Tree
) -> list[list[int]]:
    specific = []
    for row, above in zip(rows, tree.parent.tolist(), strict=True):
        inherited = set(paths[above]) if above >= 0 else set()
        specific.append([word for word in row if word not in inherited] or list(row))
    return specific


def _heads(columns: Sequence[Sequence[Sequence[str]]]) -> list[list[list[str]]]:
    return [[[word[:_HEAD] for word in name] for name in column] for column in columns]


def _grams(columns: Sequence[Sequence[Sequence[str]]]) -> list[list[list[str]]]:
    return [
        [
            [
                padded[start : start + _GRAM]
                for word in name
                for padded in (f" {word} ",)
                for start in range(max(1, len(padded) - _GRAM + 1))
            ]
            for name in column
        ]
        for column in columns
    ]


def _keys(columns: Sequence[Sequence[Sequence[str]]], ids: dict[tuple[str, ...], int]) -> Ints:
    keys = [
        [ids.setdefault(tuple(name), len(ids)) for name in names]
        for names in zip(*columns, strict=True)
    ]
    return np.array(keys, np.int64)


def _rarity(rows: Sequence[Sequence[int]], width: int) -> Floats:
    """The weight of each column: the logarithm of how many rows there are for one that has it."""
    counts = np.bincount(np.concatenate([np.array(row, np.int64) for row in rows]), minlength=width)
    return np.log((1 + len(rows)) / (1 + counts)) + 0.1


def _matrix(rows: Sequence[Sequence[int]], width: int) -> Any:
    from scipy.sparse import csr_matrix

    ends = np.cumsum([0, *map(len, rows)])
    columns = np.concatenate([np.array(row, np.int64) for row in rows])
    return csr_matrix((np.ones(len(columns)), columns, ends), (len(rows), width))


def _below(specific: Any, tree: Tree) -> Any:
    """The sum of the rows of all nodes below each node."""
    from scipy.sparse import csr_matrix

    chains = tree.chains
    above, node = [], []
    for level in range(chains.shape[1]):
        nodes = np.flatnonzero((chains[:, level] >= 0) & (chains[:, level] != np.arange(len(tree))))
        above.append(chains[nodes, level])
        node.append(nodes)
    places = np.concatenate(above), np.concatenate(node)
    is_below = csr_matrix((np.ones(len(places[0])), places), (len(tree), len(tree)))
    return is_below @ specific


def _titles(old: Tree, new: Tree, titles: tuple[Titles, Titles]) -> TitleWords:
    """The words of the titles of both trees."""
    ids: dict[tuple[int, str], int] = {}
    rows = [
        _rows([[_title_words(given.get(key, ())) for key in tree.ids]], ids)
        for tree, given in zip((old, new), titles, strict=True)
    ]
    weight = _rarity([*rows[0], *rows[1]], len(ids))
    specific = [_matrix(row, len(ids)).multiply(weight).tocsr() for row in rows]
    unit = np.ones(len(ids))
    first, second = (
        (_unit(each, unit), _unit(each + _below(each, tree), unit))
        for each, tree in zip(specific, (old, new), strict=True)
    )
    return first, second


def _title_words(titles: Sequence[str]) -> list[str]:
    return [word for title in titles for word in words_of(title)]


def _unit(matrix: Any, weight: Floats) -> Any:
    """The weighted rows, divided by their lengths."""
    weighted = matrix.multiply(weight).tocsr()
    length = np.sqrt(np.asarray(weighted.multiply(weighted).sum(axis=1)).ravel())
    return weighted.multiply((1 / np.maximum(length, 1e-12))[:, None]).tocsr()
