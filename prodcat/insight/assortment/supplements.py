"""What may be added to a comparison of assortments: brands, matches and earlier catalogs."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from prodcat.catalog.catalog import Catalog, check_catalog
from prodcat.errors import CatalogError, ConfigError, no_column
from prodcat.storage.containers import described
from prodcat.storage.tables import iter_tables

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
    """

    brand: str | None = None
    matches: Mapping[str, object] = field(default_factory=dict)
    before: Mapping[str, Catalog] = field(default_factory=dict)

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
        :class:`Supplements`; None for what is not known.

    Raises:
        CatalogError: The table cannot be read, lacks a column, or has another relation.
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
            row = dict(zip(columns, values, strict=True))
            number += 1
            if row["relation"] not in RELATIONS:
                raise CatalogError(
                    f"The matches of {retailer!r}, row {number:,}: the relation is "
                    f"{row['relation']!r}; expected one of {', '.join(map(repr, RELATIONS))}."
                )
            if row["relation"] != NONE and row["our_title"] and row["their_title"]:
                rows.append(row)
    return rows
