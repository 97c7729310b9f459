"""Reads the offers of a whole table, in bounded memory, and writes them with all its columns."""

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import IO, Any

from prodcat.errors import CatalogError, check_choice
from prodcat.offers.brands import Brands
from prodcat.offers.columns import COLUMNS, arrow_type
from prodcat.offers.files import OfferWriter, check_fits, check_output, file_kind, replaced_file
from prodcat.offers.pack import NONE, READ, UNKNOWN
from prodcat.offers.prices import DecimalMark
from prodcat.offers.rows import OfferColumns, OfferCounts, OfferRows
from prodcat.offers.survey import Survey, arrow_column, survey_table
from prodcat.offers.units import factors
from prodcat.storage.containers import path_text
from prodcat.storage.read_options import DEFAULTS, ReadOptions
from prodcat.storage.tables import iter_tables

_MOST_LISTED = 8  # kinds of problems in a summary
_SHOWN = 160  # letters of a problem


@dataclass(frozen=True)
class OfferReport:
    """What was read of a table's offers.

    Attributes:
        counts: The counts.
        brands: The brands that were looked up in titles.
    """

    counts: OfferCounts
    brands: Brands

    def __str__(self) -> str:
        """The counts in a few lines, with the first example of each kind of problem."""
        counts = self.counts
        statuses = counts.statuses
        lines = [
            f"{counts.rows:,} rows: {statuses[READ]:,} with a size, {statuses[NONE]:,} without, "
            f"{statuses[UNKNOWN]:,} unknown; {counts.branded:,} with a brand; {counts.priced:,} "
            f"with a price, {counts.compared:,} with a unit price"
        ]
        listed = counts.problems.most_common()
        for kind, number in listed[:_MOST_LISTED]:
            row, message = counts.examples[kind]
            rows = f"{number:,} row{'s' if number > 1 else ''}"
            shown = message if len(message) <= _SHOWN else f"{message[:_SHOWN]}…"
            lines.append(f"  {rows}: {shown} (row {row:,})")
        if len(listed) > _MOST_LISTED:
            lines.append(f"  and {len(listed) - _MOST_LISTED} further kinds of problems")
        return "\n".join(lines)


def read_offers(
    source: object,
    columns: OfferColumns | None = None,
    *,
    brands: Brands | None = None,
    decimal: DecimalMark | None = None,
    options: ReadOptions = DEFAULTS,
) -> Any:
    """Read the offers of a table.

    Args:
        source: A path, URI or glob of files, or a table in memory.
        columns: The columns that are read; by default only ``title``.
        brands: The brands that are looked up in titles that have no brand; by default those of the
            column with brands, or those that are learned from the titles and product types.
        decimal: The decimal mark of all prices, if it shall not be recognised in each.
        options: How a text file is to be read.

    Returns:
        An Arrow table with all rows and columns of the source, and those of
        :data:`~prodcat.offers.columns.COLUMNS`.

    Raises:
        CatalogError: The table cannot be read, lacks a column, or has a column of the result.
        ConfigError: ``decimal`` is wrong, or the package pint is not installed.
    """
    import pyarrow as pa

    reading = _Reading.of(source, columns, brands, decimal, options)
    tables = list(reading.tables())
    schema = pa.schema(list(reading.types().items()))
    return pa.concat_tables(tables) if tables else schema.empty_table()


def write_offers(
    source: object,
    output: str | os.PathLike[str] | IO[bytes],
    columns: OfferColumns | None = None,
    *,
    brands: Brands | None = None,
    decimal: DecimalMark | None = None,
    options: ReadOptions = DEFAULTS,
) -> OfferReport:
    """Read the offers of a table and write them to a file, in bounded memory.

    Args:
        source: A path, URI or glob of files, or a table in memory.
        output: The file, at any fsspec URI: ``.parquet``, ``.csv``, ``.tsv``, ``.jsonl`` or
            ``.xlsx``; or an open file of bytes, which gets CSV.  A file that exists is replaced
            once the new one is complete, and stays as it is if anything goes wrong.
        columns: See :func:`read_offers`.
        brands: See :func:`read_offers`.
        decimal: See :func:`read_offers`.
        options: See :func:`read_offers`.

    Returns:
        What was read.

    Raises:
        CatalogError: The table cannot be read, lacks a column, or has a column of the result; or
            the output is one of the files that are read, or lies among them.
        ConfigError: ``decimal`` or the name of the output is wrong, the table does not fit into a
            sheet of Excel, or a package is not installed.
        StoreError: The file cannot be written.
    """
    is_path = isinstance(output, (str, os.PathLike))
    uri = path_text(output, "output", "the path or URI of a file", CatalogError) if is_path else ""
    kind = file_kind(uri) if is_path else "csv"
    if is_path:
        check_output(source, uri)
    reading = _Reading.of(source, columns, brands, decimal, options)
    types = reading.types()
    check_fits(kind, reading.survey.rows, len(types))
    if not isinstance(output, (str, os.PathLike)):
        reading.write(output, kind)
    else:
        with replaced_file(uri) as file:
            reading.write(file, kind)
    return OfferReport(reading.rows.counts, reading.brands)


@dataclass(frozen=True)
class _Reading:
    """A table whose first pass is done.

    Attributes:
        source: The table.
        survey: What the first pass found.
        rows: Reads the offers.
        brands: The brands that are looked up.
        options: How a text file is to be read.
    """

    source: object
    survey: Survey
    rows: OfferRows
    brands: Brands
    options: ReadOptions

    @classmethod
    def of(
        cls,
        source: object,
        columns: OfferColumns | None,
        brands: Brands | None,
        decimal: DecimalMark | None,
        options: ReadOptions,
    ) -> "_Reading":
        """Check the arguments, and read the table once."""
        check_choice("decimal", decimal, (None, ",", "."))
        factors()  # which fails at once if pint is missing
        columns = OfferColumns() if columns is None else columns
        if hasattr(source, "__next__"):
            source = list(source)  # type: ignore[call-overload]
        survey = survey_table(source, columns, options, learn=brands is None)
        brands = survey.sample.brands() if brands is None else brands
        return cls(source, survey, OfferRows(columns, brands, decimal), brands, options)

    def types(self) -> dict[str, Any]:
        """The Arrow type of each column of the result."""
        return {**self.survey.types, **{name: arrow_type(name) for name in COLUMNS}}

    def tables(self) -> Iterator[Any]:
        """The result, piece by piece."""
        import pyarrow as pa

        types = self.types()
        wrong: dict[int, str] = {}
        pieces = iter_tables(self.source, options=self.options, report=wrong.__setitem__)
        for piece in pieces:
            added = self.rows.read(piece, wrong)
            size = len(added["offer_status"])
            values: Mapping[str, Any] = {**piece, **added}
            arrays = [
                arrow_column(values.get(name) or [None] * size, kind)
                for name, kind in types.items()
            ]
            yield pa.Table.from_arrays(arrays, names=list(types))

    def write(self, file: IO[bytes], kind: str) -> None:
        """Write the result to a file."""
        with OfferWriter(file, kind, self.types()) as writer:
            for table in self.tables():
                writer.add(table)
