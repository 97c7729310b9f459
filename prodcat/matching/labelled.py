"""Pairs that people labelled or reviewed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from prodcat.errors import CatalogError, did_you_mean
from prodcat.matching.answers import ANSWER_WORDS, answer_word, column_called
from prodcat.matching.comparison import Candidates
from prodcat.matching.pair_rows import PairRows
from prodcat.matching.products import Products
from prodcat.matching.relations import RELATIONS, SAME
from prodcat.storage.read_options import DEFAULTS, ReadOptions
from prodcat.storage.tables import iter_tables

ANSWER = "answer"
_LABELS = (ANSWER, "relation", "same", "label")


@dataclass(frozen=True)
class LabelledPairs:
    """Pairs of rows with the relation that a person gave them.

    Attributes:
        pairs: The rows of both tables.
        relations: One of :data:`~prodcat.matching.relations.RELATIONS` for each pair.
        remarks: What a person should know of how a table was read, such as which of its columns
            was taken.
    """

    pairs: Candidates
    relations: tuple[str, ...]
    remarks: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.relations)

    @property
    def same(self) -> NDArray[np.bool_]:
        """Whether each pair is the same product, bool [pairs]."""
        return np.array([each == SAME for each in self.relations], bool)

    def joined(self, other: "LabelledPairs") -> "LabelledPairs":
        """These pairs and others, which count where a pair is in both."""
        answers = dict(zip(self._keys(), self.relations, strict=True))
        answers.update(zip(other._keys(), other.relations, strict=True))
        return labelled_pairs(list(answers), list(answers.values()))

    def _keys(self) -> list[tuple[int, int]]:
        return list(zip(self.pairs.ours.tolist(), self.pairs.theirs.tolist(), strict=True))


def labelled_pairs(
    rows: Sequence[tuple[int, int]], relations: Sequence[str | bool | int]
) -> LabelledPairs:
    """Labelled pairs of the numbers of their rows.

    Args:
        rows: The row of our table and that of their table, counted from 0, for each pair.
        relations: The relation of each pair; 1 or True for the same product, 0 or False for none.

    Raises:
        CatalogError: A relation is not known, or there is not one for each pair.
    """
    if len(rows) != len(relations):
        raise CatalogError(
            f"There are {len(rows):,} pairs and {len(relations):,} relations; expected one for "
            "each pair."
        )
    places = np.array(rows, np.int64).reshape(-1, 2)
    named = tuple(_relation(each, place) for place, each in enumerate(relations))
    return LabelledPairs(Candidates(places[:, 0], places[:, 1]), named)


def _relation(value: object, place: int) -> str:
    text = answer_word(value)
    if text not in ANSWER_WORDS:
        guess = did_you_mean(text, ANSWER_WORDS) or "."
        raise CatalogError(
            f"The label of pair {place + 1:,} is {value!r}; expected one of "
            f"{', '.join(map(repr, RELATIONS))}, or 1 or 0{guess}"
        )
    return ANSWER_WORDS[text]


def read_pairs(
    source: object,
    ours: Products,
    theirs: Products,
    *,
    options: ReadOptions = DEFAULTS,
    is_reviewed: bool = False,
) -> LabelledPairs:
    """Read labelled pairs of a table, such as reviewed doubtful pairs.

    A pair is named by the columns ``our_id`` and ``their_id`` if both tables of products have ids
    and the pairs have these columns, and by ``our_row`` and ``their_row`` otherwise.  Where an id
    is empty, or several products have it, ``our_row`` and ``our_title`` say which is meant.

    The label is in the first of the columns ``answer``, ``relation``, ``same`` and ``label`` that
    there is; rows in which it is empty are left out.  A ``relation`` beside ``probability`` is the
    matcher's proposal, and no label.

    Args:
        source: A path, URI or glob of files, or a table in memory.
        ours: Our products.
        theirs: Theirs.
        options: How a text file is to be read.
        is_reviewed: Whether the label must be in the column ``answer``.

    Returns:
        The pairs, with remarks on how they were read.

    Raises:
        CatalogError: A column is missing, a label is not known, a row or id does not exist, a
            title is not that of the row, or two labels of one pair contradict each other.
    """
    noun = f"{'reviewed' if is_reviewed else 'labelled'} pairs"
    rows = PairRows(ours, theirs, noun)
    answers: dict[tuple[int, int], tuple[str, int]] = {}
    remarks: dict[str, None] = {}
    seen = 0
    for lazy in iter_tables(source, options=options):
        piece = {name: list(values) for name, values in lazy.items()}
        label = _label_column(piece, noun, is_reviewed=is_reviewed)
        rows.check_columns(piece)
        remarks |= dict.fromkeys(_remarks_on(label, piece))
        for row, value in enumerate(piece[label]):
            if answer_word(value):
                pair = rows.pair(piece, row, seen)
                _add_answer(answers, pair, (_relation(value, seen), seen), noun)
            seen += 1
    if rows.restored:
        (_, one), other = next(iter(rows.restored.items()))
        remarks[
            f"{len(rows.restored):,} id{'s' * (len(rows.restored) > 1)} without leading zeros, "
            f"such as {one!r}, taken as those with them, such as {other!r}, as the titles fit"
        ] = None
    if not answers:
        outcome = f"none of its {seen:,} rows has an answer" if seen else "it has no rows"
        remarks[f"{outcome}, so that nothing is taken from it"] = None
    pairs = labelled_pairs(list(answers), [relation for relation, _ in answers.values()])
    return replace(pairs, remarks=tuple(remarks))


def _add_answer(
    answers: dict[tuple[int, int], tuple[str, int]],
    pair: tuple[int, int],
    answer: tuple[str, int],
    noun: str,
) -> None:
    """Add the relation of a pair, with the row that says it.

    Raises:
        CatalogError: An earlier row says something else.
    """
    relation, number = answer
    earlier, first = answers.setdefault(pair, answer)
    if relation != earlier:
        raise CatalogError(
            f"Rows {first + 1:,} and {number + 1:,} of the {noun} say {earlier!r} and {relation!r} "
            f"of one pair, row {pair[0]:,} of our table and row {pair[1]:,} of theirs, counted "
            "from 0; expected one answer. Correct one of the rows, or leave its answer empty."
        )


def _label_column(columns: Mapping[str, Any], noun: str, *, is_reviewed: bool) -> str:
    """The column with what a person said.

    Raises:
        CatalogError: There is none.
    """
    named = {name: column_called(name, columns) for name in _LABELS}
    answer = named[ANSWER]
    if answer is not None:
        return answer
    columns_read = f"The {noun} have the columns {', '.join(map(repr, columns))}"
    is_proposed = named["relation"] is not None and column_called("probability", columns)
    proposal = " 'relation' beside 'probability' is what the matcher proposes, and no answer."
    if is_reviewed:
        raise CatalogError(
            f"{columns_read}; expected a column {ANSWER!r}, in which a person said how products "
            f"relate.{proposal if is_proposed else ''} Give a table of prodcat match --doubtful "
            f"whose column {ANSWER} was filled in, or of prodcat review --pairs --export."
        )
    if is_proposed:
        named["relation"] = None
    labels = [column for column in named.values() if column is not None]
    if not labels and is_proposed:
        raise CatalogError(
            f"{columns_read}; expected the label in 'answer' or 'same'.{proposal} Fill in a "
            f"column {ANSWER}; if a person checked every relation, leave 'probability' out."
        )
    if not labels:
        raise CatalogError(
            f"{columns_read}; expected the label in one of {', '.join(map(repr, _LABELS))}."
        )
    return labels[0]


def _remarks_on(label: str, columns: Mapping[str, Any]) -> list[str]:
    """What a person should know about the choice of the column with the labels."""
    name = label.strip().lower()
    remarks = [] if label == name else [f"its column {label!r} is taken as {name!r}"]
    others = [each for each in columns if each != label and str(each).strip().lower() == name]
    return remarks + [f"its column {each!r} is not read, as {label!r} is there" for each in others]
