"""What people say about pairs of products in the cells of a table."""

from collections.abc import Iterable

from prodcat.matching.products import text_of
from prodcat.matching.relations import NONE, OTHER_SIZE, RELATIONS, SAME, SUBSTITUTE

# What may stand for a relation, in small letters; the relations themselves come first.
ANSWER_WORDS = {
    **{word: word for word in RELATIONS},
    "same": SAME,
    "1": SAME,
    "true": SAME,
    "yes": SAME,
    "other size": OTHER_SIZE,
    "size": OTHER_SIZE,
    "0": NONE,
    "false": NONE,
    "no": NONE,
    "other": NONE,
    "substitutes": SUBSTITUTE,
}


def answer_word(value: object) -> str:
    """The answer in a cell as it is compared: in small letters, with single blanks.

    Whole numbers have no decimal point, and non-breaking blanks are blanks like others.

    Args:
        value: The cell.

    Returns:
        The answer; empty if the cell is.

    >>> answer_word("  Same  PRODUCT "), answer_word(1.0), answer_word("1.0"), answer_word(True)
    ('same product', '1', '1', 'true')
    """
    word = " ".join(text_of(value).lower().split())
    return {"1.0": "1", "1,0": "1", "0.0": "0", "0,0": "0"}.get(word, word)


def column_called(name: str, columns: Iterable[str]) -> str | None:
    """The column with a name, also in another case or with blanks around it.

    Args:
        name: The name, in small letters.
        columns: The columns of the table.

    Returns:
        The column, that with precisely this name if there is one; None if there is none.

    >>> column_called("answer", ["title", " Answer"]), column_called("answer", ["title"])
    (' Answer', None)
    """
    present = list(columns)
    alike = [each for each in present if str(each).strip().lower() == name]
    return name if name in present else alike[0] if alike else None
