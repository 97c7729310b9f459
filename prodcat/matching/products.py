"""Products of one table: what is compared of each row."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from os import PathLike
from typing import Any

import numpy as np
from numpy.typing import NDArray

from prodcat.errors import CatalogError, no_column
from prodcat.matching.price_warnings import UnreadPrices
from prodcat.matching.words import words_of
from prodcat.offers.brands import Brands
from prodcat.offers.prices import UNITS, DecimalMark
from prodcat.offers.rows import OfferColumns, OfferRows
from prodcat.storage.containers import is_missing
from prodcat.storage.read_options import DEFAULTS, ReadOptions
from prodcat.storage.tables import iter_tables

_KEPT = (
    "offer_brand", "offer_price", "offer_currency", "offer_total", "offer_total_unit",
    "offer_count", "offer_size_text",
)  # fmt: skip


@dataclass(frozen=True)
class MatchColumns:
    """The columns of a table that matching reads.

    Attributes:
        title: The column with the title.
        brand: The column with the brand; None if there is none.
        price: The column with the price of the pack; None if there is none.
        id: The column with an id that names a row at every date; None if there is none.
        code: The column with the model or article number; None if there is none.
        text: Columns with further texts, such as a description.
        pack: Columns that tell about the pack, such as a size and its unit.
    """

    title: str = "title"
    brand: str | None = None
    price: str | None = None
    id: str | None = None
    code: str | None = None
    text: tuple[str, ...] = ()
    pack: tuple[str, ...] = ()

    def names(self) -> list[str]:
        """The names of all columns that are named."""
        single = (self.title, self.brand, self.price, self.id, self.code)
        return [name for name in (*single, *self.text, *self.pack) if name is not None]


@dataclass(frozen=True)
class Products:
    """Products that are compared with others, as :func:`read_products` reads them.

    Attributes:
        titles: The title of each row; empty if there is none.
        brands: The brand of each row; empty if it is not known.
        codes: The model or article number of each row; empty if it is not known.
        texts: Further texts of each row.
        ids: The id of each row; None if the table has no column with ids.
        prices: The price of each row's pack, float [rows]; NaN if it is not known.
        unit_prices: The price for one of ``units``, float [rows]; NaN if it is not known.
        units: ``kg``, ``l``, ``piece``, ``wash`` or ``dose``; empty if no unit price is known.
        totals: How much is in the pack, float [rows]; NaN if it is not known.
        total_units: What ``totals`` are in: ``g``, ``ml``, ``piece``, ``wash`` or ``dose``.
        counts: How many items of one size are in the pack, float [rows]; 1 if it is not told.
        size_texts: What of the title, in small letters, tells the size.
        vectors: A vector for each row, such as an encoder's, float [rows, size]; None if there are
            none.
        paths: The category of each row, from the top level down, with the confidence of each
            level; None if categories are not known.
        columns: The texts of the columns with brands and further texts, as they stand in the table,
            by the name of the column; a classifier may read them.
        currencies: The currency of each row's price as a code of ISO 4217; empty if it is not told;
            None if no price tells one.
    """

    titles: Sequence[str]
    brands: Sequence[str]
    codes: Sequence[str]
    texts: Sequence[str]
    ids: Sequence[str] | None
    prices: NDArray[np.float64]
    unit_prices: NDArray[np.float64]
    units: Sequence[str]
    totals: NDArray[np.float64]
    total_units: Sequence[str]
    counts: NDArray[np.float64]
    size_texts: Sequence[str]
    vectors: NDArray[np.float32] | None = field(default=None, repr=False)
    paths: Sequence[tuple[tuple[str, ...], tuple[float, ...]]] | None = None
    columns: Mapping[str, Sequence[str]] = field(default_factory=dict, repr=False)
    currencies: Sequence[str] | None = None

    def __len__(self) -> int:
        return len(self.titles)

    def rows(self, chosen: Sequence[int]) -> "Products":
        """Some of the products, in a given order.

        Args:
            chosen: The numbers of their rows.
        """
        places = np.asarray(chosen, np.int64)
        values: dict[str, Any] = {}
        for name, column in vars(self).items():
            if isinstance(column, np.ndarray):
                values[name] = column[places]
            elif isinstance(column, Mapping):
                values[name] = {key: [each[row] for row in chosen] for key, each in column.items()}
            else:
                values[name] = None if column is None else [column[row] for row in chosen]
        return Products(**values)

    def with_vectors(self, vectors: NDArray[np.float32]) -> "Products":
        """The products with a vector for each, by which candidates are searched, too.

        Args:
            vectors: The vectors, float [rows, size].

        Raises:
            CatalogError: The shape is not one vector for each row.
        """
        array = np.asarray(vectors, np.float32)
        if array.ndim != 2 or len(array) != len(self):
            raise CatalogError(
                f"The vectors have the shape {array.shape}; expected [{len(self)}, size], one "
                "vector for each row."
            )
        norms = np.linalg.norm(array, axis=1, keepdims=True)
        return replace(self, vectors=array / np.maximum(norms, 1e-12))

    def with_encoder(self, classifier: Any) -> "Products":
        """The products with the vectors that a classifier's encoder makes of their titles.

        Args:
            classifier: A :class:`~prodcat.classifier.classifier.Classifier` with an encoder, which
                reads what it reads in :meth:`with_categories`.

        Raises:
            ConfigError: The classifier has no encoder.
        """
        vectors = classifier.title_vectors(self._texts_for(classifier))
        vectors[[not words_of(title) for title in self.titles]] = 0  # nothing is known of these
        return self.with_vectors(vectors)

    def _texts_for(self, classifier: Any) -> dict[str, Sequence[str]]:
        """The titles and the further columns that a classifier reads."""
        names = [name for name in classifier.text_columns if name in self.columns]
        return {**{name: self.columns[name] for name in names}, "title": list(self.titles)}

    def with_categories(self, classifier: Any) -> "Products":
        """The products with the categories that a classifier gives them.

        The classifier reads the titles, and those of its further columns that are columns with
        brands or texts here.

        Args:
            classifier: A :class:`~prodcat.classifier.classifier.Classifier`.
        """
        best = classifier.predict(self._texts_for(classifier))
        paths = [
            (tuple(each[0].path), tuple(each[0].level_confidences)) if each else ((), ())
            for each in best
        ]
        return replace(self, paths=paths)


def read_products(
    source: object,
    columns: MatchColumns | None = None,
    *,
    brands: Brands | None = None,
    decimal: DecimalMark | None = None,
    options: ReadOptions = DEFAULTS,
) -> Products:
    """Read the products of a table.

    Args:
        source: A path, URI or glob of files, or a table in memory.
        columns: The columns that are read; by default only ``title``.
        brands: Brands that are looked up in titles without one; by default those of the column.
        decimal: The decimal mark of all prices, if it shall not be recognised in each.
        options: How a text file is to be read.

    Returns:
        The products, one for each row.

    Raises:
        CatalogError: The table cannot be read, or lacks a column.
        ConfigError: The package pint is not installed.
    """
    columns = MatchColumns() if columns is None else columns
    offered = OfferColumns(columns.title, columns.pack, columns.brand, columns.price)
    if hasattr(source, "__next__"):
        source = list(source)  # type: ignore[call-overload]
    known = Brands(()) if brands is None else brands
    rows = OfferRows(offered, known, decimal)
    kept: dict[str, list[Any]] = {name: [] for name in (*_KEPT, "unit", "unit_price")}
    texts: dict[str, list[str]] = {name: [] for name in ("title", "code", "text", "id")}
    further: dict[str, list[str]] = {
        name: [] for name in (columns.brand, *columns.text) if name is not None
    }
    wrong: dict[int, str] = {}
    unread = UnreadPrices(columns.price)
    for piece in iter_tables(source, options=options, report=wrong.__setitem__):
        for name in columns.names():
            if name not in piece:
                raise CatalogError(
                    f"{no_column('The table', name, piece)} Name another column, or leave it out."
                )
        # Columns of Arrow tables are read anew at each access to one of their values.
        read = {name: list(piece[name]) for name in columns.names()}
        made = rows.read(read, wrong)
        for name in _KEPT:
            kept[name] += made[name]
        _add_unit_prices(kept, made)
        unread.add(read, made["offer_price"])
        _add_texts(texts, read, columns)
        for name, values in further.items():
            values += map(text_of, read[name])
    unread.tell(source if isinstance(source, str | PathLike) else "a table in memory")
    products = _products(texts, kept, has_ids=columns.id is not None)
    return replace(products, columns=further)


def _add_unit_prices(kept: dict[str, list[Any]], made: Mapping[str, Sequence[Any]]) -> None:
    """Add the first unit price that is known of each row, and its unit."""
    for prices in zip(*(made[f"offer_price_per_{unit}"] for unit in UNITS), strict=True):
        known = [(unit, price) for unit, price in zip(UNITS, prices, strict=True) if price]
        unit, price = known[0] if known else ("", None)
        kept["unit"].append(unit)
        kept["unit_price"].append(price)


def _add_texts(
    texts: dict[str, list[str]], piece: Mapping[str, Sequence[Any]], columns: MatchColumns
) -> None:
    rows = len(piece[columns.title])
    for key, names in (
        ("title", (columns.title,)),
        ("code", (columns.code,)),
        ("text", columns.text),
        ("id", (columns.id,)),
    ):
        cells = [piece[name] for name in names if name is not None]
        for row in range(rows):
            texts[key].append(" ".join(filter(None, (text_of(each[row]) for each in cells))))


def text_of(value: object) -> str:
    """The text of a cell; empty if the cell is.

    >>> text_of(12.0), text_of(None), text_of(" Milk ")
    ('12', '', 'Milk')
    """
    if is_missing(value):
        return ""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return str(value).strip()


def _products(
    texts: Mapping[str, list[str]], kept: Mapping[str, list[Any]], *, has_ids: bool
) -> Products:
    def numbers(name: str, missing: float = np.nan) -> NDArray[np.float64]:
        return np.array([missing if each is None else each for each in kept[name]], np.float64)

    def strings(name: str) -> list[str]:
        return [each or "" for each in kept[name]]

    return Products(
        titles=texts["title"],
        brands=strings("offer_brand"),
        codes=texts["code"],
        texts=texts["text"],
        ids=texts["id"] if has_ids else None,
        prices=numbers("offer_price"),
        unit_prices=numbers("unit_price"),
        units=strings("unit"),
        totals=numbers("offer_total"),
        total_units=strings("offer_total_unit"),
        counts=numbers("offer_count", 1.0),
        size_texts=strings("offer_size_text"),
        currencies=strings("offer_currency") if any(kept["offer_currency"]) else None,
    )
