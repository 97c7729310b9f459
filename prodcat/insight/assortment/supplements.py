"""What may be added to a comparison of assortments: brands, matches and earlier catalogs."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from prodcat.catalog.catalog import Catalog, check_catalog
from prodcat.errors import CatalogError, ConfigError, no_column
from prodcat.insight.overlap.match_tables import Cell, check_titles, same_title
from prodcat.storage.containers import described
from prodcat.storage.tables import iter_tables

logger = logging.getLogger("prodcat")
SAME, OTHER_SIZE, SUBSTITUTE, NONE = (
    "same product", "same but other size", "substitute", "none",
)  # fmt: skip
RELATIONS = (SAME, OTHER_SIZE, SUBSTITUTE, NONE)
_NEEDED = ("our_title", "their_title", "relation")
_FURTHER = (
    "probability", "our_price", "their_price", "our_price_per_unit", "their_price_per_unit", "unit",
)  # fmt: skip


@dataclass(frozen=True, eq=False)
class Supplements:
    """Tables that a comparison of assortments may have besides the catalogs.

    Attributes:
        brand: Name of the catalogs' column with the brand.  In catalogs that lack it, and by
            default, brands are learned from the titles.
        matches: A table of matched products for each other retailer by the retailer's name: a
            path, or a table in memory, with the columns our_title, their_title and relation, which
            is ``same product``, ``same but other size``, ``substitute`` or ``none``; and, if they
            are known, probability, our_price, their_price, our_price_per_unit,
            their_price_per_unit and unit.
        before: An earlier catalog of each other retailer by the retailer's name.
        price_columns: The name of the column with the price in each retailer's own file, for
            messages; by default that of the catalogs.
        price_columns_before: The same of the earlier catalogs.
    """

    brand: str | None = None
    matches: Mapping[str, object] = field(default_factory=dict)
    before: Mapping[str, Catalog] = field(default_factory=dict)
    price_columns: Mapping[str, str] = field(default_factory=dict)
    price_columns_before: Mapping[str, str] = field(default_factory=dict)

    def check(self, retailers: Mapping[str, Catalog]) -> None:
        """Check that the tables are of retailers that are compared.

        Raises:
            ConfigError: A table is of no retailer but the first one.
            CatalogError: An earlier catalog is none, or no catalog has the column with the brand.
        """
        others = list(retailers)[1:]
        for kind, tables in (("matches", self.matches), ("before", self.before)):
            if not isinstance(tables, Mapping):
                raise ConfigError(
                    f"{kind} is {described(tables)}; expected a mapping {{name: table}} with the "
                    f"names of other retailers: {others}."
                )
            for name in tables:
                if name not in others:
                    raise ConfigError(
                        f"{kind} has a table of {name!r}; expected one of the other retailers: "
                        f"{others}."
                    )
        for name, catalog in self.before.items():
            check_catalog(catalog, f"before[{name!r}]")
        catalogs = retailers.values()
        if self.brand is not None and not any(
            self.brand in catalog.columns or self.brand in catalog.texts for catalog in catalogs
        ):
            raise CatalogError(
                f"No catalog has a column {self.brand!r} with the brand. Read the catalogs with "
                f"read_catalog(..., keep=[{self.brand!r}])."
            )


NO_SUPPLEMENTS = Supplements()


def read_matches(source: object, retailer: str) -> list[dict[str, Any]]:
    """Read a table of matched products.

    Args:
        source: A path, URI or glob, or a table in memory.
        retailer: Name of the other retailer, for messages.

    Returns:
        A mapping for each row whose relation is not ``none``, with all columns of
        :class:`Supplements`: texts, and floats or None for what is not known.  A warning in the
        log says so if there is none.

    Raises:
        CatalogError: The table cannot be read, lacks a column, has another relation, or a cell is
            no number where one is expected.
    """
    rows: list[dict[str, Any]] = []
    number = 0
    for piece in iter_tables(source):
        for name in _NEEDED:
            if name not in piece:
                sentence = no_column(f"The matches of {retailer!r}: the table", name, list(piece))
                raise CatalogError(f"{sentence} Expected the columns {', '.join(_NEEDED)}.")
        size = len(piece["relation"])
        columns = {name: piece.get(name, [None] * size) for name in (*_NEEDED, *_FURTHER)}
        for values in zip(*columns.values(), strict=True):
            number += 1
            row = _match(dict(zip(columns, values, strict=True)), retailer, number)
            if row["relation"] != NONE and row["our_title"] and row["their_title"]:
                rows.append(row)
    if not rows:
        logger.warning(
            "The matches of %r: %s; no product is known to be shared.",
            retailer,
            "none of the rows is a match" if number else "the table has no rows",
        )
    return rows


def _match(row: Mapping[str, object], retailer: str, number: int) -> dict[str, Any]:
    """One row of a table of matches, with numbers for texts of numbers.

    Raises:
        CatalogError: The relation is another one, or a cell is no number.
    """
    place = f"The matches of {retailer!r}, row {number:,}"
    if row["relation"] not in RELATIONS:
        raise CatalogError(
            f"{place}: the relation is {row['relation']!r}; expected one of "
            f"{', '.join(map(repr, RELATIONS))}."
        )
    cells = {name: Cell(value, name, place) for name, value in row.items()}
    read: dict[str, Any] = {name: cells[name].text() for name in _NEEDED}
    for name in _FURTHER:
        read[name] = cells[name].text() or None if name == "unit" else cells[name].number()
    if read["probability"] is not None:
        cells["probability"].probability()
    return read


def fitting_matches(
    table: object, name: str, retailers: Mapping[str, Catalog]
) -> list[dict[str, Any]]:
    """Read the matches of a retailer, and check that they are of the products compared.

    Args:
        table: See :func:`read_matches`.
        name: Name of the other retailer.
        retailers: The catalog of each retailer, our own first.

    Returns:
        The matches; those of other products are left out, and a warning in the log tells them.

    Raises:
        CatalogError: See :func:`read_matches`; or most titles are not in the catalogs.
    """
    matches = read_matches(table, name)
    ours, theirs = (
        frozenset(map(same_title, catalog.titles))
        for catalog in (next(iter(retailers.values())), retailers[name])
    )
    pairs = [(match["our_title"], match["their_title"]) for match in matches]
    fits, warning = check_titles(pairs, ours, theirs, f"The matches of {name!r}")
    if warning:
        logger.warning("%s", warning)
    return [match for match, is_fitting in zip(matches, fits, strict=True) if is_fitting]


def all_matches(
    supplements: Supplements, retailers: Mapping[str, Catalog]
) -> dict[str, list[dict[str, Any]]]:
    """Check the supplements, and read the matches of each retailer that has a table of them.

    Raises:
        ConfigError: See :meth:`Supplements.check`.
        CatalogError: See :meth:`Supplements.check` and :func:`fitting_matches`.
    """
    supplements.check(retailers)
    tables = supplements.matches.items()
    return {name: fitting_matches(table, name, retailers) for name, table in tables}
