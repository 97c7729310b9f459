"""Pairs of products, of which a person decides how they relate.

The pairs are those of a table, such as the doubtful pairs of ``prodcat match``.  The table itself
is never changed: :meth:`PairTable.answered` is a new one, with the decisions in its column
``answer``.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from prodcat.catalog.text import readable
from prodcat.errors import CatalogError, did_you_mean, no_column
from prodcat.insight.decisions.choices import LABEL, SKIP, Choices
from prodcat.insight.decisions.differences import differing_words
from prodcat.insight.files import arrow_table
from prodcat.storage.read_options import DEFAULTS, ReadOptions
from prodcat.storage.tables import iter_tables
from prodcat.taxonomy.cells import cell_text
from prodcat.taxonomy.folding import fold

ANSWER, COMMENT, REVIEWER = "answer", "comment", "reviewer"
_SIDES = ("our", "their")
_TITLES = tuple(f"{side}_title" for side in _SIDES)
_NAMES = (("our_row", "their_row"), ("our_id", "their_id"))  # columns of which two name a pair


@dataclass(frozen=True)
class PairItem:
    """A pair of products, whose relation a person should decide.

    Attributes:
        item: Number of the pair in the table, from 0.
        columns: The row of the table.
        proposed: The relation that the table proposes; empty if there is none.
        given: The decision that is in the table already, with ``"relation"``, ``"comment"`` and
            ``"reviewer"``; empty if there is none.
    """

    item: int
    columns: Mapping[str, Any]
    proposed: str = ""
    given: Mapping[str, str] = field(default_factory=dict)

    @property
    def title(self) -> str:
        """Both titles, by which decisions are recognised as those about this pair."""
        return readable(" | ".join(cell_text(self.columns[name]) for name in _TITLES))


class RelationChoices(Choices):
    """The relations that can be chosen for pairs.

    Args:
        relations: The relations, in the order of their keys on the page.
        words: What else a table may say for a relation, in small letters, with the relation.
    """

    noun = "pairs"
    unlabelled = {SKIP: "skipped"}  # noqa: RUF012, which nobody changes
    script = "review_pairs.js"
    another_queue = (
        "The rows of the table must be those with which the decisions began, in their order: give "
        "that table again, which brings the decisions back, or choose another file with "
        "--decisions."
    )

    def __init__(self, relations: Sequence[str], words: Mapping[str, str] | None = None) -> None:
        self.relations = tuple(relations)
        self.words = {**(words or {}), **{relation: relation for relation in relations}}

    def check_items(self, items: Sequence[PairItem]) -> None:
        """Do nothing, as every pair can have every relation."""

    def check_saved(self, event: Mapping[str, Any], place: str) -> None:
        """Refuse a relation that is not known."""
        if event["relation"] not in self.relations:
            raise CatalogError(
                f"{place!r} says that {event['title']!r} is {event['relation']!r}; expected one of "
                f"{', '.join(map(repr, self.relations))}. Correct the line, or remove it."
            )

    def chosen(self, event: Mapping[str, Any]) -> dict[str, Any]:
        """The relation."""
        relation = event.get("relation")
        if relation not in self.relations:
            raise CatalogError(
                f"The relation of the pair is {relation!r}; expected one of "
                f"{', '.join(map(repr, self.relations))}."
            )
        return {"relation": relation}

    def label(self, item: PairItem, event: Mapping[str, Any]) -> dict[str, Any]:
        """The row of the table with the relation as its answer."""
        return {**item.columns, **_answer_cells(event)}

    def page_values(self, items: Sequence[PairItem]) -> dict[str, Any]:
        """The pairs with what is known of both products, and the relations."""
        return {"items": [_page_item(item) for item in items], "relations": self.relations}

    def relation_of(self, text: str, where: str) -> str:
        """The relation that an answer in a table means.

        Args:
            text: The answer.
            where: Where it stands, for the message.

        Raises:
            CatalogError: It means none.
        """
        if (word := _word(text)) not in self.words:
            guess = did_you_mean(word, self.words) or "."
            raise CatalogError(
                f"The {ANSWER} {where} is {text!r}; expected nothing or one of "
                f"{', '.join(map(repr, self.relations))}{guess}"
            )
        return self.words[word]


def _word(text: str) -> str:
    """An answer in small letters with single blanks of any kind, and 1 or 0 without decimals."""
    word = " ".join(text.lower().split())
    return {"1.0": "1", "1,0": "1", "0.0": "0", "0,0": "0"}.get(word, word)


def _answer_cells(event: Mapping[str, Any]) -> dict[str, str | None]:
    """The cells of a table that a decision fills."""
    relation = event["relation"] if event["kind"] == LABEL else None
    remarks = {name: event.get(name) for name in (COMMENT, REVIEWER)}
    return {ANSWER: relation, **remarks}


@dataclass(frozen=True)
class PairTable:
    """A table of pairs that a person reviews.

    Attributes:
        columns: The values of each column by its name, as they were read.
        items: A pair for each row.
    """

    columns: Mapping[str, Sequence[Any]]
    items: Sequence[PairItem]

    def answered(self, standing: Mapping[int, Mapping[str, Any]]) -> Any:
        """The table with decisions in its columns ``answer``, ``comment`` and ``reviewer``.

        Rows without a decision stay as they are.  A pair that was skipped has no answer.

        Args:
            standing: The decisions by the number of the pair, from :attr:`Decisions.standing`.

        Returns:
            An Arrow table with the rows and columns of the table, in their order.
        """
        import pyarrow as pa

        columns = {name: list(values) for name, values in self.columns.items()}
        for name in (ANSWER, COMMENT, REVIEWER):
            columns.setdefault(name, [None] * len(self.items))
        for item, event in standing.items():
            for name, cell in _answer_cells(event).items():
                columns[name][item] = cell
        table = arrow_table(columns)
        for place, name in enumerate(table.column_names):
            if name in (ANSWER, COMMENT, REVIEWER) and pa.types.is_null(table.schema.types[place]):
                table = table.set_column(place, name, table.column(place).cast(pa.string()))
        return table


def read_pair_table(
    source: object, choices: RelationChoices, *, options: ReadOptions = DEFAULTS
) -> PairTable:
    """Read a table of pairs, such as the doubtful ones of ``prodcat match``.

    The columns ``our_title`` and ``their_title`` are needed, and ``our_row`` and ``their_row``, or
    ``our_id`` and ``their_id``.  The column ``relation`` has what is proposed; ``answer``,
    ``comment`` and ``reviewer`` have what a person said before.

    Args:
        source: A path, a URI or a glob of files, or a table in memory.
        choices: The relations that the pairs can have.
        options: How a text file is to be read.

    Raises:
        CatalogError: The table cannot be read, lacks a column, has no row, or has an answer that
            is no relation.
    """
    columns: dict[str, list[Any]] = {}
    rows, name_of_table = 0, repr(source) if isinstance(source, str) else "the table"
    for piece in iter_tables(source, options=options):
        read = {name: list(values) for name, values in piece.items()}
        size = len(next(iter(read.values()), ()))
        for name in dict.fromkeys([*columns, *read]):
            so_far = columns.setdefault(name, [None] * rows)
            so_far += read.get(name, [None] * size)
        rows += size
    _check_columns(name_of_table, columns, rows)
    items = []
    for number, cells in enumerate(zip(*columns.values(), strict=True)):
        row = dict(zip(columns, cells, strict=True))
        items.append(_item(number, row, choices, f"in row {number + 1:,} of {name_of_table}"))
    return PairTable(columns, items)


def _check_columns(table: str, columns: Mapping[str, Any], rows: int) -> None:
    """Refuse a table that is none of pairs, which a text names.

    Raises:
        CatalogError: It lacks a column, or has no row.
    """
    if columns and not any(columns.keys() >= set(names) for names in _NAMES):
        _, ids = _NAMES
        lacks = [name for name in _NAMES[0] if name not in columns]
        raise CatalogError(
            f"{no_column(table, lacks[0], columns)} Expected a table that prodcat match "
            f"--doubtful wrote, in which {' and '.join(_NAMES[0])}, or {' and '.join(ids)}, name "
            "the products."
        )
    for name in _TITLES:
        if columns and name not in columns:
            raise CatalogError(
                f"{no_column(table, name, columns)} Expected a table that prodcat match "
                "--doubtful wrote."
            )
    if not rows:
        raise CatalogError(
            f"{table} has no pair, so that there is nothing to review; expected at least one row."
        )


def _item(number: int, row: Mapping[str, Any], choices: RelationChoices, where: str) -> PairItem:
    proposed = choices.words.get(_word(cell_text(row.get("relation"))), "")
    answer = cell_text(row.get(ANSWER))
    given = {}
    if answer:
        remarks = {name: cell_text(row.get(name)) for name in (COMMENT, REVIEWER)}
        given = {"relation": choices.relation_of(answer, where), **remarks}
    return PairItem(number, row, proposed, given)


# -- the page -------------------------------------------------------------------


def _page_item(item: PairItem) -> dict[str, Any]:
    """What the page shows of a pair."""
    row = item.columns
    titles = [readable(cell_text(row[name])) for name in _TITLES]
    probability = _number(row.get("probability"))
    return {
        "item": item.item,
        "title": item.title,
        "titles": differing_words(titles[0], titles[1]),
        "facts": _facts(row),
        "probability": probability,
        "proposed": item.proposed,
        "given": {"kind": LABEL, **item.given} if item.given else None,
    }


def _facts(row: Mapping[str, Any]) -> list[dict[str, Any]]:
    """What is known of both products beside their titles, and whether it differs."""
    unit = cell_text(row.get("unit"))
    shown = {
        "brand": [cell_text(row.get(f"{side}_brand")) for side in _SIDES],
        "size": [_amount(row, f"{side}_size", f"{side}_size_unit") for side in _SIDES],
        "price": [_price(row.get(f"{side}_price")) for side in _SIDES],
        f"price for 1 {unit}" if unit else "price for one unit": [
            _price(row.get(f"{side}_price_per_unit")) for side in _SIDES
        ],
        "id": [cell_text(row.get(f"{side}_id")) for side in _SIDES],
    }
    if not any(shown["id"]):
        shown["row, from 0"] = [cell_text(row.get(f"{side}_row")) for side in _SIDES]
    return [
        {
            "name": name,
            "texts": [readable(text) for text in texts],
            "differs": name in ("brand", "size") and all(texts) and len(set(map(fold, texts))) > 1,
        }
        for name, texts in shown.items()
        if any(texts)
    ]


def _number(cell: object) -> float | None:
    """The number of a cell; None if it has none."""
    try:
        number = float(cell_text(cell))
    except ValueError:
        return None
    return number if abs(number) < 1e15 else None  # nor for NaN


def _amount(row: Mapping[str, Any], name: str, unit: str) -> str:
    number = _number(row.get(name))
    text = cell_text(row.get(name)) if number is None else f"{number:.3f}".rstrip("0").rstrip(".")
    return f"{text} {cell_text(row.get(unit))}".strip() if text else ""


def _price(cell: object) -> str:
    number = _number(cell)
    return cell_text(cell) if number is None else f"{number:.2f}"
