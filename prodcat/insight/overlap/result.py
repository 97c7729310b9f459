"""How many of a competitor's products we have, as a text and a table."""

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from prodcat.insight.arrays import Floats, Ints
from prodcat.insight.files import (
    WrittenFile,
    arrow_table,
    json_lines,
    spreadsheet_csv,
    write_form,
)
from prodcat.storage.spreadsheets import sheet_bytes
from prodcat.storage.tables import parquet_bytes
from prodcat.taxonomy.notebook import Framed, NotebookTable, notebook_html
from prodcat.text_encoding import for_terminal

_SHOWN = 15
_UNCHECKED = (
    "No match was reviewed: the intervals trust the matcher's probabilities. Review some matches "
    "to measure its mistakes."
)
_ONLY_CERTAIN = (
    "products with a reviewed match are certain. They are no random sample, so that the matcher's "
    "mistakes are not measured: the other intervals trust its probabilities. Check some products "
    "drawn at random to measure them (--to-check)."
)


@dataclass(frozen=True, eq=False, repr=False)
class Overlap(Framed):
    """How many of a competitor's products we have, overall and by category.

    Attributes:
        categories: The name of each category, in the order of the rows given.
        products: int64 [categories]: number of their products.
        count: float64 [categories]: expected number of these that we have.
        low: float64 [categories]: lower end of the 95 % interval of this number.
        high: float64 [categories]: upper end of the 95 % interval of this number.
        overall: The same three for all their products: count, low and high.
        reviewed: Number of their products that a person has reviewed.
        dispersion: The factor by which the variances were multiplied, because products of one
            category are matched well or badly together; at least 1.
        certain: Number of their products that we certainly have, by reviewed matches that are no
            random sample.
    """

    categories: tuple[str, ...] = field(repr=False)
    products: Ints = field(repr=False)
    count: Floats = field(repr=False)
    low: Floats = field(repr=False)
    high: Floats = field(repr=False)
    overall: tuple[float, float, float]
    reviewed: int
    dispersion: float
    certain: int = 0

    def rows(self) -> Iterator[dict[str, Any]]:
        """One row for all products, and one for each category, most products first.

        Each has ``category`` (empty for all), ``products``, ``shared``, ``shared_low``,
        ``shared_high``, and the same three as shares of the products: ``share``, ``share_low`` and
        ``share_high``.
        """
        yield _row("", int(self.products.sum()), *self.overall)
        for place in (-self.products).argsort(kind="stable").tolist():
            interval = (float(each[place]) for each in (self.count, self.low, self.high))
            yield _row(self.categories[place], int(self.products[place]), *interval)

    def save(self, uri: str | os.PathLike[str]) -> WrittenFile:
        """Write the table.

        Args:
            uri: The file, at any fsspec URI: ``.parquet``, ``.csv``, ``.xlsx`` or ``.jsonl``.

        Returns:
            The file, which a notebook shows as a link.

        Raises:
            ConfigError: The name has another extension.
            StoreError: The file cannot be written.
        """
        table = arrow_table(self._columns())
        forms = {
            "parquet": lambda: parquet_bytes(table),
            "csv": lambda: spreadsheet_csv(table),
            "xlsx": lambda: sheet_bytes(table, "Overlap"),
            "jsonl": lambda: json_lines(table.to_pylist()),
        }
        return write_form(uri, forms)

    def __str__(self) -> str:
        """The overall figure, the categories with the most products, and what was reviewed."""
        every, *rows = self.rows()
        lines = [f"We have {_sentence(every)}."]
        if any(self.categories):  # otherwise the only row of a category is that of all products
            lines += [
                f"  {for_terminal(row['category']) or '(no category)'}: {_sentence(row)}"
                for row in rows[:_SHOWN]
            ]
            if len(rows) > _SHOWN:
                lines.append(f"  … and {len(rows) - _SHOWN:,} more categories")
        lines.append(self._measured())
        return "\n".join(lines)

    def _measured(self) -> str:
        """What was reviewed, and whether the matcher's mistakes were measured."""
        if self.reviewed:
            return f"The matcher's mistakes were measured on {self.reviewed:,} reviewed products."
        return f"{self.certain:,} {_ONLY_CERTAIN}" if self.certain else _UNCHECKED

    def __repr__(self) -> str:
        """The overall figure in one line."""
        return f"Overlap({_sentence(next(self.rows()))})"

    def _repr_html_(self) -> str:
        every, *rows = self.rows()
        header = ("category", "products", "we have", "at least", "at most")
        shown = [
            (row["category"], f"{row['products']:,}", f"{row['shared']:,.0f}",
             f"{row['shared_low']:,.0f}", f"{row['shared_high']:,.0f}")
            for row in rows
        ]  # fmt: skip
        return notebook_html("Overlap", [f"{_sentence(every)}"], NotebookTable(header, shown))

    def _columns(self) -> dict[str, Any]:
        rows = list(self.rows())
        return {name: [row[name] for row in rows] for name in rows[0]}


def _row(category: str, products: int, count: float, low: float, high: float) -> dict[str, Any]:
    most = max(products, 1)
    return {
        "category": category,
        "products": products,
        "shared": count,
        "shared_low": low,
        "shared_high": high,
        "share": count / most,
        "share_low": low / most,
        "share_high": high / most,
    }


def _sentence(row: dict[str, Any]) -> str:
    return (
        f"{row['shared']:,.0f} of their {row['products']:,} products "
        f"({row['share_low']:.0%} to {row['share_high']:.0%})"
    )
