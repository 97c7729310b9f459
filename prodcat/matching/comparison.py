"""Two tables side by side: their words, n-grams and candidates."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from prodcat.errors import CatalogError
from prodcat.matching.distinctions import distinctions
from prodcat.matching.products import Products
from prodcat.matching.search import nearest, nearest_vectors
from prodcat.matching.vocabulary import Vocabulary
from prodcat.matching.words import words_of
from prodcat.offers.amounts import folded

_MOST_ROWS_OF_GRAM = 0.05  # share of all rows; more frequent n-grams find no candidates
_ALWAYS_KEPT = 2_000  # rows that an n-gram may have in any case


@dataclass(frozen=True)
class Side:
    """What is compared of one table.

    Attributes:
        products: The products.
        titles: Which words a title has, sparse [rows, words], weighted by how rare they are.
        words: Which words title, brand and code have, sparse [rows, words].
        covered: How much of each word they have in any form, sparse [rows, words].
        brands: Which words a brand has, sparse [rows, words].
        by_words: TF-IDF of words, sparse [rows, words].
        by_letters: TF-IDF of letters, sparse [rows, n-grams].
        by_texts: TF-IDF of words with further texts; None if no table has any.
        all_words: Which words title and further texts have; None if no table has any.
        search: What candidates are searched with, sparse [rows, features].
        listed: The number of the product that a row lists, equal for rows that repeat each other
            in all that is compared but the price, int [rows].
    """

    products: Products
    titles: Any
    words: Any
    covered: Any
    brands: Any
    by_words: Any
    by_letters: Any
    by_texts: Any
    all_words: Any
    search: Any
    listed: NDArray[np.int64]


@dataclass(frozen=True)
class Candidates:
    """Pairs of rows that may be the same product.

    Attributes:
        ours: The row of our table of each pair, int [pairs].
        theirs: The row of their table of each pair, int [pairs].
    """

    ours: NDArray[np.int64]
    theirs: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.ours)


@dataclass(frozen=True)
class Comparison:
    """Two tables side by side.

    Attributes:
        ours: What is compared of our table.
        theirs: The same of their table.
        kinds: The kind of each word, int [words].
        distinct: How often each word tells the products of one table apart, float [words].
    """

    ours: Side
    theirs: Side
    kinds: NDArray[np.int64]
    distinct: NDArray[np.float32]

    @classmethod
    def of(cls, ours: Products, theirs: Products) -> "Comparison":
        """Compare two tables.

        Args:
            ours: Our products.
            theirs: Theirs.

        Raises:
            CatalogError: A table has no words in its titles, or only one has vectors.
        """
        if (ours.vectors is None) != (theirs.vectors is None):
            raise CatalogError(
                "Only one of the tables has vectors; expected vectors of both, from one encoder, "
                "or of none."
            )
        tables = (ours, theirs)
        titles = [_title_words(each) for each in tables]
        for name, words in zip(("our", "their"), titles, strict=True):
            if not any(words):
                raise CatalogError(
                    f"No row of {name} table has a word in its title; expected a table with titles."
                )
        whole = [_whole(table, words) for table, words in zip(tables, titles, strict=True)]
        listed = [_listed(table, words) for table, words in zip(tables, titles, strict=True)]
        vocabulary = Vocabulary.of([*whole[0], *whole[1]])
        by_words, by_letters = _tfidf(whole), _letters(whole)
        further = _further(tables, whole)
        by_texts = _tfidf(further) if further else [None, None]
        sides = []
        for n, table in enumerate(tables):
            rare = vocabulary.matrix(titles[n]).multiply(vocabulary.rarity).tocsr()
            sides.append(
                Side(
                    table,
                    rare.astype(np.float32),
                    vocabulary.matrix(whole[n]),
                    vocabulary.covered(whole[n]),
                    vocabulary.matrix([words_of(each) for each in table.brands]),
                    by_words[n],
                    by_letters[n],
                    by_texts[n],
                    vocabulary.matrix(further[n]) if further else None,
                    None,
                    listed[n],
                )
            )
        search = _search_matrices(sides)
        made = [Side(**{**vars(side), "search": search[n]}) for n, side in enumerate(sides)]
        firsts = [np.unique(side.listed, return_index=True)[1] for side in made]
        distinct = distinctions(
            [
                (side.titles[rows], side.covered[rows], side.search[rows])
                for side, rows in zip(made, firsts, strict=True)
            ]
        )
        return cls(made[0], made[1], vocabulary.kinds, distinct)

    def candidates(self, count: int) -> Candidates:
        """The pairs that are most alike, for each row of both tables.

        Args:
            count: How many are taken for each row.
        """
        ours, theirs = self.ours, self.theirs
        parts = [nearest(ours.search, theirs.search, count)[:2]]
        parts.append(nearest(theirs.search, ours.search, count)[1::-1])
        mine, others = ours.products.vectors, theirs.products.vectors
        if mine is not None and others is not None:
            parts.append(nearest_vectors(mine, others, count)[:2])
        pairs = distinct([(part[0], part[1]) for part in parts], len(theirs.products))
        kept = _has_words(ours.products)[pairs.ours] & _has_words(theirs.products)[pairs.theirs]
        return Candidates(pairs.ours[kept], pairs.theirs[kept])

    def listed(self, pairs: Candidates) -> Candidates:
        """The number of the product that each row of some pairs lists, on either side.

        Args:
            pairs: The pairs.
        """
        return Candidates(self.ours.listed[pairs.ours], self.theirs.listed[pairs.theirs])


def distinct(
    parts: Sequence[tuple[NDArray[np.int64], NDArray[np.int64]]], their_rows: int
) -> Candidates:
    """The pairs of several lists without repetitions, in the order of our rows and then theirs."""
    keys = np.unique(np.concatenate([ours * their_rows + theirs for ours, theirs in parts]))
    return Candidates(keys // their_rows, keys % their_rows)


def _title_words(products: Products) -> list[list[str]]:
    """The words of each title without those of its size, which is compared by itself."""
    return [
        words_of(folded(title).replace(size, " ") if size else title)
        for title, size in zip(products.titles, products.size_texts, strict=True)
    ]


def _whole(products: Products, titles: Sequence[list[str]]) -> list[list[str]]:
    return [
        [*words, *words_of(brand), *words_of(code)]
        for words, brand, code in zip(titles, products.brands, products.codes, strict=True)
    ]


def _has_words(products: Products) -> NDArray[np.bool_]:
    """Whether each row has a word in its title; what has none is in no pair."""
    return np.array([bool(words_of(title)) for title in products.titles], bool)


def _listed(products: Products, titles: Sequence[list[str]]) -> NDArray[np.int64]:
    """The number of the product of each row; rows that differ in the price only have one."""
    numbers: dict[object, int] = {}
    listed = np.empty(len(products), np.int64)
    for row, words in enumerate(titles):
        total = float(products.totals[row])
        key = (
            tuple(words),
            tuple(words_of(products.brands[row])),
            tuple(words_of(products.codes[row])),
            tuple(words_of(products.texts[row])),
            None if np.isnan(total) else (total, products.total_units[row]),
            float(products.counts[row]),
        )
        listed[row] = numbers.setdefault(key, len(numbers))
    return listed


def _further(
    tables: Sequence[Products], whole: Sequence[Sequence[list[str]]]
) -> list[list[list[str]]] | None:
    if not any(any(table.texts) for table in tables):
        return None
    return [
        [[*words, *words_of(text)] for words, text in zip(whole[n], table.texts, strict=True)]
        for n, table in enumerate(tables)
    ]


def _same(document: list[str]) -> list[str]:
    return document


def _tfidf(documents: Sequence[Sequence[list[str]]]) -> list[Any]:
    """TF-IDF of words of both tables, sparse [rows, words]."""
    from sklearn.feature_extraction.text import TfidfVectorizer

    words = TfidfVectorizer(analyzer=_same, sublinear_tf=True, dtype=np.float32)
    words.fit([*documents[0], *documents[1]])
    return [words.transform(each) for each in documents]


def _letters(documents: Sequence[Sequence[list[str]]]) -> list[Any]:
    """TF-IDF of two to four letters inside words of both tables, sparse [rows, n-grams]."""
    from sklearn.feature_extraction.text import TfidfVectorizer

    texts = [[" ".join(words) for words in each] for each in documents]
    letters = TfidfVectorizer(
        analyzer="char_wb", ngram_range=(2, 4), sublinear_tf=True, dtype=np.float32
    )
    letters.fit([*texts[0], *texts[1]])
    return [letters.transform(each) for each in texts]


def _search_matrices(sides: Sequence[Side]) -> list[Any]:
    """Words and letters of both tables without those that very many rows have."""
    from scipy.sparse import diags, hstack, vstack

    matrices = [
        hstack([side.by_words * np.sqrt(0.5), side.by_letters * np.sqrt(0.5)]).tocsr()
        for side in sides
    ]
    for number, side in enumerate(sides):
        if not (known := _has_words(side.products)).all():
            # A brand alone would take the places of rows with a title.
            matrices[number] = (diags(known.astype(np.float32)) @ matrices[number]).tocsr()
            matrices[number].eliminate_zeros()
    rows = sum(each.shape[0] for each in matrices)
    frequency = vstack(matrices).getnnz(axis=0)
    kept = np.flatnonzero(
        (frequency <= max(_ALWAYS_KEPT, _MOST_ROWS_OF_GRAM * rows)) & (frequency > 1)
    )
    return [each[:, kept].astype(np.float32) for each in matrices]
