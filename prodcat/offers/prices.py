"""Prices in the cells of a retailer's table, and what they are for a kilogram, litre or piece."""

import re
from dataclasses import dataclass
from decimal import Decimal
from math import isfinite
from typing import Literal

from prodcat.offers.amounts import folded, number_in
from prodcat.offers.pack import DOSE, PIECE, READ, WASH, Pack, StatedPrice
from prodcat.offers.units import base_unit, factors

DecimalMark = Literal[",", "."]
UNITS = ("kg", "l", PIECE, WASH, DOSE)  # that prices are compared for
_BASES = {"g": "kg", "ml": "l"}
_PER_BASE = 1_000.0  # grams in a kilogram and millilitres in a litre
# Signs of several currencies, such as $ and kr, tell none.
_CURRENCIES = {
    "€": "EUR", "eur": "EUR", "euro": "EUR", "euros": "EUR", "£": "GBP", "gbp": "GBP", "₺": "TRY",
    "tl": "TRY", "try": "TRY", "₹": "INR", "rs": "INR", "rs.": "INR", "inr": "INR", "us$": "USD",
    "usd": "USD", "r$": "BRL", "brl": "BRL", "chf": "CHF", "zl": "PLN", "pln": "PLN", "kc": "CZK",
    "czk": "CZK", "ft": "HUF", "huf": "HUF", "lei": "RON", "ron": "RON", "sek": "SEK",
    "nok": "NOK", "dkk": "DKK", "$": None, "kr": None, "kr.": None, "": None,
}  # fmt: skip
_PRICE = re.compile(r"([^\d.,+-]*?) ?(\+?\d[\d.,' ]*?|[.,]\d+)(?:,-|\.-)? ?([^\d.,]*)")
_AGREES = 0.03  # relative difference of two unit prices that are the same but for rounding


@dataclass(frozen=True, slots=True)
class Money:
    """An amount of money.

    Attributes:
        amount: The amount.
        currency: The ISO 4217 code of the currency; None if it is not told.
    """

    amount: float
    currency: str | None = None


def read_money(value: object, decimal: DecimalMark | None = None) -> Money | None:
    """Read a price.

    Args:
        value: A number, or a text such as ``17.49 €``, ``1.234,56`` or ``12,-``.
        decimal: The decimal mark, if the table has only one; it tells what ``1,234`` is.

    Returns:
        The price; None if the value is no price of at least 0, or may be read in two ways.

    >>> read_money("17.49 €"), read_money("1.234,56 TL"), read_money("1,234")
    (Money(amount=17.49, currency='EUR'), Money(amount=1234.56, currency='TRY'), None)
    >>> read_money("1,234", ",")
    Money(amount=1.234, currency=None)
    """
    if isinstance(value, bool):
        return None
    if isinstance(value, (int, float, Decimal)):
        number = float(value)
        return Money(number) if isfinite(number) and number >= 0 else None
    if not isinstance(value, str):
        return None
    match = _PRICE.fullmatch(folded(value))
    if match is None or not {match[1], match[3]} <= _CURRENCIES.keys() or (match[1] and match[3]):
        return None
    amount = _amount(match[2].strip(" +"), decimal)
    return None if amount is None else Money(amount, _CURRENCIES[match[1] or match[3]])


def _amount(text: str, decimal: DecimalMark | None) -> float | None:
    if decimal is None:
        return number_in(text)
    other = "." if decimal == "," else ","
    whole, _, cents = text.partition(decimal)
    if decimal in cents or other in cents:
        return None
    grouped = whole.replace(other, " ").replace("'", " ")
    number = number_in(grouped or "0")
    if number is None or not (cents == "" or cents.isdigit()):
        return None
    return float(f"{int(number)}.{cents or 0}")


def stated_price(
    stated: StatedPrice, decimal: DecimalMark | None = None
) -> tuple[str, Money] | None:
    """What a stated unit price is for a kilogram, a litre, a piece, a wash or a dose.

    Args:
        stated: The unit price as it stands in the text.
        decimal: See :func:`read_money`.

    Returns:
        The unit, and the price of one of it; None if the price cannot be read, or is of ounces.

    >>> stated_price(StatedPrice("1,20 €", 100.0, "g"))
    ('kg', Money(amount=12.0, currency='EUR'))
    """
    money = read_money(stated.money, decimal)
    if money is None or stated.unit == "oz":
        return None
    if stated.unit in (PIECE, WASH, DOSE):
        return stated.unit, Money(round(money.amount / stated.of, 6), money.currency)
    share = stated.of * factors()[stated.unit] / _PER_BASE
    unit = _BASES[base_unit(stated.unit)]
    return unit, Money(round(money.amount / share, 6), money.currency)


def unit_prices(price: float, pack: Pack) -> dict[str, float]:
    """The price for a kilogram, a litre, a piece, a wash and a dose, as far as the pack tells them.

    The price for a kilogram is that of the drained weight where it is told, as the law of the
    European Union has it (Directive 98/6/EC).

    Args:
        price: The price of the pack.
        pack: The pack.

    Returns:
        The prices by the unit.

    >>> unit_prices(3.0, Pack(READ, 33.0, "cl", 6, 1980.0, "ml", 6))
    {'l': 1.515152, 'piece': 0.5}
    """
    if pack.status != READ:
        return {}
    amounts: dict[str, float | None] = {PIECE: pack.pieces, WASH: pack.washes, DOSE: pack.doses}
    if pack.total_unit in _BASES and pack.total is not None:
        total = pack.total if pack.drained is None else pack.drained
        amounts = {_BASES[pack.total_unit]: total / _PER_BASE, **amounts}
    return {unit: round(price / amount, 6) for unit, amount in amounts.items() if amount}


def agree(one: float, other: float) -> bool:
    """Whether two unit prices are the same but for rounding.

    >>> agree(3.98, 4.0), agree(3.98, 1.99)
    (True, False)
    """
    return abs(one - other) <= _AGREES * max(one, other) + 0.01
