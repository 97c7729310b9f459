"""The labels that a person must choose after a tree has changed, as a table to fill in."""

import os
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from prodcat.errors import CatalogError, did_you_mean, no_column
from prodcat.storage.row_tables import read_rows, save_rows
from prodcat.taxonomy.cells import cell_path, cell_text
from prodcat.taxonomy.notebook import Framed, NotebookTable, notebook_html
from prodcat.taxonomy.paths import Path, join_path
from prodcat.taxonomy.problems import first_problems, number_of_mistakes
from prodcat.taxonomy.tree import Taxonomy
from prodcat.text_encoding import for_terminal

COLUMNS: dict[str, type] = {
    "row_number": int,
    "title": str,
    "kind": str,
    "old_id": str,
    "old_path": str,
    "certain_path": str,
    "choices": str,
    "guess_path": str,
    "guess_confidence": float,
    "new_id": str,
    "new_path": str,
    "reason": str,
}
_BETWEEN = " | "  # stands between the choices in a cell
_SHOWN = 10  # labels that a summary lists
_LISTED = 20  # choices in a cell


@dataclass(frozen=True)
class UndecidedLabel:
    """A label that the changes of the tree do not decide.

    Attributes:
        row: The number of the row in the source, from 0.
        title: The title.
        kind: Why a person must choose: ``"split"``, ``"dropped"``, ``"has parts now"`` (products no
            longer end at the category, but below it), ``"parts have moved"`` (of a partial label)
            or ``"unknown category"`` (the label is not in the old tree).
        old_id: The id of the label in the old tree; empty for an unknown one.
        old_path: The label in the old tree, or as the row has it for an unknown one.
        certain_path: The deepest category that is certain; empty if there is none.
        choices: The categories of the new tree among which a person must choose; empty if nothing
            is known of it.
        reason: Why a person must choose, in words.
        guess_path: What a classifier takes for the likeliest of the choices; empty without one.
        guess_confidence: How likely it is, if it is one of the choices; None without a classifier.
    """

    row: int
    title: str
    kind: str
    old_id: str
    old_path: Path
    certain_path: Path
    choices: tuple[Path, ...]
    reason: str
    guess_path: Path = ()
    guess_confidence: float | None = None


@dataclass(frozen=True, repr=False)
class LabelMigration(Framed):
    """What became of the labels of a table in the next version of the tree.

    Attributes:
        counts: The number of labels by the kind of change of their category, with those that a
            person must choose; see :attr:`UndecidedLabel.kind`.
        undecided: The labels that a person must choose.
        decided: The number of labels that a person chose.
    """

    counts: Mapping[str, int] = field(default_factory=dict)
    undecided: tuple[UndecidedLabel, ...] = ()
    decided: int = 0

    def to_table(self) -> list[dict[str, Any]]:
        """The rows of the table that :meth:`save` writes."""
        return [_cells_of(label) for label in self.undecided]

    def save(self, uri: str | os.PathLike[str]) -> None:
        """Write the labels that a person must choose as a table to fill in.

        In each row a person writes the category into ``new_id`` or ``new_path``, and hands the
        table back as ``decided=`` (``--decided``).  Rows that are left empty stay undecided.

        Args:
            uri: The file, at any fsspec URI: ``.csv``, ``.xlsx``, ``.json``, ``.jsonl`` or
                ``.parquet``.  In a CSV, an apostrophe is put before texts that a spreadsheet would
                run as a formula; it is removed when the table is read.

        Raises:
            ConfigError: The name has another extension, or the package for Excel is not installed.
            StoreError: The file cannot be written.
        """
        save_rows(uri, COLUMNS, self.to_table())

    def __repr__(self) -> str:
        """The numbers of labels in one line."""
        return f"LabelMigration({sum(self.counts.values()):,} labels, {self._to_choose})"

    @property
    def _to_choose(self) -> str:
        return f"{len(self.undecided):,} for a person to choose"

    def __str__(self) -> str:
        """How many labels changed in each way, and the first that a person must choose."""
        lines = [f"{sum(self.counts.values()):,} labels:"]
        lines += [f"  {kind:<18}{count:>8,}" for kind, count in self.counts.items() if count]
        if self.decided:
            lines.append(f"chosen by a person: {self.decided:,}")
        lines.append(f"to be chosen by a person: {len(self.undecided):,}")
        for label in self.undecided[:_SHOWN]:
            guess = ""
            if label.guess_path:
                share = "" if label.guess_confidence is None else f" ({label.guess_confidence:.0%})"
                guess = f"; probably {join_path(label.guess_path)!r}{share}"
            lines.append(
                for_terminal(f"  row {label.row + 1:,}: {label.title!r}: {label.reason}{guess}")
            )
        if len(self.undecided) > _SHOWN:
            lines.append(f"  and {len(self.undecided) - _SHOWN:,} more")
        return "\n".join(lines)

    def _columns(self) -> Mapping[str, Any]:
        rows = self.to_table()
        return {name: [row[name] for row in rows] for name in COLUMNS}

    def _repr_html_(self) -> str:
        numbers = [f"{sum(self.counts.values()):,} labels", self._to_choose]
        kinds = [(kind, f"{count:,}") for kind, count in self.counts.items() if count]
        rows = [
            (f"{label.row + 1:,}", label.title, join_path(label.old_path),
             join_path(label.certain_path), join_path(label.guess_path), label.reason)
            for label in self.undecided
        ]  # fmt: skip
        header = ("row_number", "title", "old_path", "certain_path", "guess_path", "reason")
        return notebook_html(
            "LabelMigration",
            numbers,
            NotebookTable(("kind", "labels"), kinds, "what became of the labels"),
            NotebookTable(header, rows, "labels for a person to choose"),
        )


def _cells_of(label: UndecidedLabel) -> dict[str, Any]:
    """The row of a label in the table, with empty cells for what a person fills in."""
    listed = [join_path(path) for path in label.choices[:_LISTED]]
    more = [f"{len(label.choices) - _LISTED:,} more"] if len(label.choices) > _LISTED else []
    return {
        "row_number": label.row + 1,
        "title": label.title,
        "kind": label.kind,
        "old_id": label.old_id,
        "old_path": join_path(label.old_path),
        "certain_path": join_path(label.certain_path),
        "choices": _BETWEEN.join([*listed, *more]),
        "guess_path": join_path(label.guess_path),
        "guess_confidence": label.guess_confidence,
        "new_id": "",
        "new_path": "",
        "reason": label.reason,
    }


@dataclass(frozen=True)
class Choices:
    """What a person chose for the labels that were undecided.

    Attributes:
        source: The name of the table, for messages.
        nodes: The chosen node of the new tree, by the number of the row, from 0.
        titles: The title of each of these rows, as the table has it.
    """

    source: str = "The table"
    nodes: Mapping[int, int] = field(default_factory=dict)
    titles: Mapping[int, str] = field(default_factory=dict)

    @classmethod
    def read(cls, source: object, new: Taxonomy) -> "Choices":
        """Read a table that :meth:`LabelMigration.save` wrote, and that a person filled in.

        Args:
            source: The path or URI of the file, or a table in memory.  A row without ``new_id``
                and ``new_path`` stays undecided.
            new: The new tree.

        Raises:
            CatalogError: The table cannot be read, lacks a column, has two rows for one label that
                are not equal, or names a category that is not in the tree; the message gives the
                numbers of the rows, counted from 1 without the header.
        """
        name = repr(os.fspath(source)) if isinstance(source, (str, os.PathLike)) else "The table"
        records = read_rows(source)
        names = list(dict.fromkeys(key for record in records for key in record))
        for needed in ("row_number", "title"):
            if needed not in names:
                raise CatalogError(no_column(name, needed, names))
        if not {"new_id", "new_path"} & set(names):
            raise CatalogError(no_column(name, "new_path", names))
        problems: list[str] = []
        nodes: dict[int, int] = {}
        titles: dict[int, str] = {}
        first: dict[int, int] = {}
        ids = {key: node for node, key in enumerate(new.ids)}
        for number, record in enumerate(records, 1):
            node = _chosen(record, number, new, ids, problems)
            row = _row(record, number, problems)
            if node < 0 or row is None:
                continue
            title = cell_text(record["title"])
            if row in nodes and (nodes[row], _plain(titles[row])) != (node, _plain(title)):
                problems.append(
                    f"rows {first[row]} and {number}: row_number {row + 1:,} is there twice, "
                    f"with {join_path(new.paths[nodes[row]])!r} for {titles[row]!r} and with "
                    f"{join_path(new.paths[node])!r} for {title!r}; keep one of them"
                )
                continue
            nodes[row], titles[row] = node, title
            first.setdefault(row, number)
        _refuse(name, problems)
        return cls(name, nodes, titles)

    def check(self, undecided: Mapping[int, str]) -> None:
        """Refuse choices about labels that are not undecided.

        Args:
            undecided: The title of each label that is undecided, by the number of its row.

        Raises:
            CatalogError: A choice is about another row or title, or about a label that the changes
                decide.
        """
        problems = []
        for row, title in self.titles.items():
            if row not in undecided:
                problems.append(
                    f"row_number {row + 1:,} ({title!r}) has no label to choose; leave it out"
                )
            elif _plain(undecided[row]) != _plain(title):
                problems.append(
                    f"row_number {row + 1:,} is {title!r} there, and {undecided[row]!r} in the "
                    "titles; give the table that was made from these titles"
                )
        _refuse(self.source, problems)


def counted(kinds: Sequence[str], order: Sequence[str]) -> dict[str, int]:
    """How often each kind occurs, those of ``order`` first, in its order."""
    counts = Counter(kinds)
    names = dict.fromkeys((*order, *sorted(counts)))
    return {name: counts[name] for name in names if counts[name]}


def _refuse(source: str, problems: Sequence[str]) -> None:
    """Raise a CatalogError if there are problems."""
    if problems:
        raise CatalogError(
            f"{source} has {number_of_mistakes(problems)}: {first_problems(problems)}. Correct the "
            "table, and hand it back again."
        )


def _chosen(
    record: Mapping[str, Any],
    number: int,
    new: Taxonomy,
    ids: Mapping[str, int],
    problems: list[str],
) -> int:
    """The node that a row names by id or path; -1 if it names none, or there is a problem."""
    key, path = cell_text(record.get("new_id")), cell_path(record.get("new_path"), ">")
    by_path = new.get(path) if path else None
    by_id = ids.get(key) if key else None
    if key and by_id is None:
        guess = did_you_mean(key, new.ids)
        problems.append(f"row {number}: new_id {key!r} is not in the new tree{guess}")
    elif path and by_path is None:
        problems.append(
            f"row {number}: new_path {join_path(path)!r} is not in the new tree{new.near(path)}"
        )
    elif key and path and by_id != by_path:
        problems.append(
            f"row {number}: new_id {key!r} and new_path {join_path(path)!r} are different "
            "categories; correct one, or leave one empty"
        )
    else:
        return by_id if by_id is not None else -1 if by_path is None else by_path
    return -1


def _row(record: Mapping[str, Any], number: int, problems: list[str]) -> int | None:
    """The number of the row that a choice is about, from 0; None for a problem."""
    text = cell_text(record["row_number"])
    if not text.isdecimal() or int(text) < 1:
        problems.append(f"row {number}: row_number is {text!r}; expected a number from 1")
        return None
    return int(text) - 1


def _plain(title: str) -> str:
    """A title without what a spreadsheet may change: blanks and line ends."""
    return " ".join(title.split())
