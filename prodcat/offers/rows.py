"""Reads the offers of rows: brand, pack, price and unit prices."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from prodcat.errors import CatalogError, no_column
from prodcat.offers.brands import Brands
from prodcat.offers.columns import COLUMNS
from prodcat.offers.pack import NONE, READ, UNKNOWN, Pack, StatedPrice
from prodcat.offers.prices import (
    UNITS,
    DecimalMark,
    Money,
    agree,
    read_money,
    stated_price,
    unit_prices,
)
from prodcat.offers.texts import read_text
from prodcat.storage.containers import is_missing

_MOST_LETTERS = 10_000  # of a text that is read
_SHOWN = 80  # letters of a value in a message
_SAME = 1e-6


@dataclass(frozen=True)
class OfferColumns:
    """The columns of a table that tell about offers.

    Attributes:
        title: The column with the title.
        pack: Columns that tell about the pack, such as a size and its unit, which are read as one
            text.
        brand: The column with the brand; None if there is none.
        price: The column with the price of the pack; None if there is none.
        unit_price: The column with a unit price, such as ``3,98 €/kg``; None if there is none.
        product_type: The columns with the category, from which brands are learned.
    """

    title: str = "title"
    pack: tuple[str, ...] = ()
    brand: str | None = None
    price: str | None = None
    unit_price: str | None = None
    product_type: tuple[str, ...] = ()

    def names(self) -> list[str]:
        """The names of all columns that are named."""
        single = (self.title, self.brand, self.price, self.unit_price)
        return [name for name in (*single, *self.pack, *self.product_type) if name is not None]

    def check(self, present: Sequence[str], source: str = "The table") -> None:
        """Refuse a table that lacks one of the columns.

        Args:
            present: The names of the table's columns.
            source: The name of the table, for the message.

        Raises:
            CatalogError: It lacks one.
        """
        for name in self.names():
            if name not in present:
                raise CatalogError(
                    f"{no_column(source, name, present)} Name another column, or leave it out."
                )


@dataclass
class OfferCounts:
    """How many rows were read, and what could be told of them.

    Attributes:
        rows: The number of rows.
        statuses: How many rows have each status of the size.
        branded: How many rows have a brand.
        priced: How many rows have a price.
        compared: How many rows have a price for a kilogram, litre, piece, wash or dose.
        problems: What could not be read: for each message without the values, how many rows have
            it.
        examples: For each of these messages its first row, counted from 1, and the whole message.
    """

    rows: int = 0
    statuses: Counter[str] = field(default_factory=Counter)
    branded: int = 0
    priced: int = 0
    compared: int = 0
    problems: Counter[str] = field(default_factory=Counter)
    examples: dict[str, tuple[int, str]] = field(default_factory=dict)

    def add_problem(self, kind: str, row: int, message: str) -> None:
        """Count a problem of a row, which is numbered from 1."""
        self.problems[kind] += 1
        self.examples.setdefault(kind, (row, message))


class OfferRows:
    """Reads the offers of rows, piece by piece.

    Args:
        columns: The columns that are read.
        brands: The brands that are looked up in titles.
        decimal: The decimal mark of prices, if the table has only one.

    Attributes:
        counts: What was read so far.
    """

    def __init__(
        self, columns: OfferColumns, brands: Brands, decimal: DecimalMark | None = None
    ) -> None:
        self.columns, self.brands, self.decimal = columns, brands, decimal
        self.counts = OfferCounts()

    def read(
        self, piece: Mapping[str, Sequence[Any]], wrong: Mapping[int, str]
    ) -> dict[str, list[Any]]:
        """Read the offers of the next rows.

        Args:
            piece: The values of each column by its name.
            wrong: What is wrong with rows that could not be read from the file, by their number,
                counted from 0 over the whole table.

        Returns:
            The values of each column of :data:`~prodcat.offers.columns.COLUMNS`.

        Raises:
            ConfigError: The package pint is not installed.
        """
        rows = len(next(iter(piece.values()), ()))
        made: dict[str, list[Any]] = {name: [None] * rows for name in COLUMNS}
        for place in range(rows):
            cells = _Cells(piece, place)
            fault = wrong.get(self.counts.rows)
            self.counts.rows += 1
            problems: list[str] = []
            # The cells of such a row may belong to other columns, so that none of them is read.
            offer = self._offer(cells, problems) if fault is None else self._unreadable()
            if fault is not None:
                problems.append(fault)
                self.counts.add_problem("the row cannot be read", self.counts.rows, fault)
            for name, value in offer.items():
                made[name][place] = value
            made["offer_problem"][place] = "; ".join(problems) or None
        return made

    def _unreadable(self) -> dict[str, Any]:
        """The values of a row that could not be read from the file."""
        self.counts.statuses[UNKNOWN] += 1
        return {"offer_status": UNKNOWN}

    def _offer(self, cells: "_Cells", problems: list[str]) -> dict[str, Any]:
        """The values of one row."""
        columns = self.columns
        title = self._text(cells, columns.title, problems)
        pack, stated, bought = read_text(title or "")
        if title is None:
            pack = Pack(UNKNOWN)
        if columns.pack:
            texts = [self._text(cells, name, problems) for name in columns.pack]
            if None in texts:  # a number without its unit would be misread
                pack = Pack(UNKNOWN) if pack.status == NONE else pack
            else:
                pack, further = self._pack(pack, " ".join(filter(None, texts)), problems)
                stated = [*further, *stated]
        values = self._brand(cells, title or "", problems) | _pack_values(pack)
        if pack.reason:
            problems.append(f"size: {pack.reason}")
        self.counts.statuses[pack.status] += 1
        price = self._price(cells, problems)
        if price is not None:
            self.counts.priced += 1
            values |= {"offer_price": price.amount, "offer_currency": price.currency}
        if columns.unit_price is not None:
            stated = self._stated(self._text(cells, columns.unit_price, problems)) or stated
        return values | self._unit_prices(pack, price, stated, bought, problems)

    def _text(self, cells: "_Cells", name: str, problems: list[str]) -> str | None:
        """The text of a cell; what is no text or number, or not UTF-8, is told and is None."""
        value = cells[name]
        if is_missing(value):
            return ""
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        if isinstance(value, (list, tuple, dict, set)):
            self._tell(problems, f"{name} is no text", value)
            return None
        text = value if isinstance(value, str) else str(value)
        if not is_encodable(text):
            kind = f"{name} is not UTF-8 (set its encoding, or correct it)"
            self._tell(problems, kind, _raw_bytes(text))
            return None
        if len(text) > _MOST_LETTERS:
            self._tell(problems, f"{name} has more than {_MOST_LETTERS:,} letters", text)
            return text[:_MOST_LETTERS]
        return text

    def _tell(self, problems: list[str], kind: str, value: object) -> None:
        message = f"{kind}: {value!r:.{_SHOWN}}"
        problems.append(message)
        self.counts.add_problem(kind, self.counts.rows, message)

    def _pack(self, titled: Pack, text: str, problems: list[str]) -> tuple[Pack, list[StatedPrice]]:
        """The pack that the title and the columns for the pack tell together."""
        told, stated, _ = read_text(text)
        if text and told.status == NONE and any(letter.isdigit() for letter in text):
            self._tell(problems, f"{' and '.join(self.columns.pack)} cannot be read", text)
        if told.status != READ:
            return (titled if told.status == NONE or titled.status == READ else told), stated
        if titled.status == READ and _differ(titled, told):
            kind = f"the title and {' and '.join(self.columns.pack)} name different sizes"
            message = f"{titled.text!r} and {told.text!r}"
            self.counts.add_problem(kind, self.counts.rows, f"{kind}: {message}")
            return Pack(UNKNOWN, reason=f"{kind}: {message}"), stated
        return told, stated

    def _brand(self, cells: "_Cells", title: str, problems: list[str]) -> dict[str, Any]:
        brand, source = "", "column"
        if self.columns.brand is not None:
            brand = (self._text(cells, self.columns.brand, problems) or "").strip()
        if not brand and title:
            brand, source = self.brands.find(title) or "", "list"
        self.counts.branded += bool(brand)
        return {"offer_brand": brand, "offer_brand_from": source} if brand else {}

    def _price(self, cells: "_Cells", problems: list[str]) -> Money | None:
        if self.columns.price is None or is_missing(value := cells[self.columns.price]):
            return None
        if isinstance(value, str) and not value.strip():
            return None
        money = read_money(value, self.decimal)
        if money is None:
            self._tell(problems, f"{self.columns.price} is no clear price", value)
        return money

    def _stated(self, text: str | None) -> list[StatedPrice]:
        return read_text(text)[1] if text else []

    def _unit_prices(
        self,
        pack: Pack,
        price: Money | None,
        stated: Sequence[StatedPrice],
        bought: int,
        problems: list[str],
    ) -> dict[str, Any]:
        """Prices for a kilogram and so on, from the pack and from what is stated."""
        values: dict[str, Any] = {}
        prices = {} if price is None or bought > 1 else unit_prices(price.amount, pack)
        if price is not None and bought > 1:
            kind = "the price may be of several packs"
            self._tell(problems, kind, f"{bought} were bought")
        readable = [stated_price(each, self.decimal) for each in stated]
        if told := next((each for each in readable if each is not None), None):
            unit, money = told
            values |= {"offer_stated_price": money.amount, "offer_stated_unit": unit}
            if unit in prices and not agree(prices[unit], money.amount):
                kind = f"the stated price for one {unit} is not that of the pack"
                self._tell(problems, kind, f"{money.amount:g} and {prices[unit]:g}")
                prices[unit] = float("nan")
            prices.setdefault(unit, money.amount)
            if price is None:
                values["offer_currency"] = money.currency
        elif stated:
            self._tell(problems, "a stated unit price is not clear", stated[0].money)
        known = {unit: number for unit, number in prices.items() if number == number}
        self.counts.compared += bool(known)
        return values | {f"offer_price_per_{unit}": known[unit] for unit in UNITS if unit in known}


@dataclass(frozen=True, slots=True)
class _Cells:
    """One row of a piece; a column that the piece lacks is empty."""

    piece: Mapping[str, Sequence[Any]]
    place: int

    def __getitem__(self, name: str) -> Any:
        column = self.piece.get(name)
        return None if column is None else column[self.place]


def is_encodable(text: str) -> bool:
    r"""Whether a text has no lone surrogates, which stand for bytes that were not UTF-8.

    >>> is_encodable("süt"), is_encodable("s\udcfct")
    (True, False)
    """
    return text.isascii() or not any("\ud800" <= letter <= "\udfff" for letter in text)


def _raw_bytes(text: str) -> bytes:
    """The bytes from which a text with lone surrogates was decoded."""
    try:
        return text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return text.encode("utf-8", "surrogatepass")


def _differ(one: Pack, other: Pack) -> bool:
    """Whether two packs have different totals in the same unit."""
    if one.total_unit != other.total_unit or one.total is None or other.total is None:
        return False
    return abs(one.total - other.total) > _SAME * max(one.total, other.total)


def _pack_values(pack: Pack) -> dict[str, Any]:
    values: dict[str, Any] = {"offer_status": pack.status, "offer_drained_g": pack.drained}
    if pack.status != READ:
        return values
    return values | {
        "offer_size": pack.size,
        "offer_unit": pack.unit,
        "offer_count": pack.count,
        "offer_total": pack.total,
        "offer_total_unit": pack.total_unit,
        "offer_pieces": pack.pieces,
        "offer_washes": pack.washes,
        "offer_doses": pack.doses,
        "offer_approximate": pack.is_approximate,
        "offer_size_text": pack.text,
    }
