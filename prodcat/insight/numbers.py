"""Numbers in the cells of a user's table: prices and other amounts, as spreadsheets write them.

Texts such as ``1,64``, ``1.234,56`` and ``€ 1.64`` are numbers whose decimal mark the column as a
whole tells.  A text such as ``1,234`` is one only if other values of the column tell the mark.
"""

import logging
import math
import re
import unicodedata
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from prodcat.errors import CatalogError
from prodcat.insight.arrays import Floats

logger = logging.getLogger("prodcat")
_CURRENCIES = (
    "ARS AUD BGN BRL CAD CHF CLP CNY COP CZK DKK EUR GBP HUF INR JPY KRW MXN NOK NZD PEN PLN RON "
    "RSD RUB SEK TL TRY UAH USD ZAR ZL ZŁ KR KČ FT FR FR. LEI LV ЛВ РУБ РУБ. ГРН S/ R"
)
_GROUPS = r"[0-9]{{1,3}}(?:{mark}[0-9]{{3}})+"
_BLANKS = re.compile(r"(?<=[0-9])[\s'’](?=[0-9]{3}(?![0-9]))")  # between thousands
_EDGES = re.compile(r"([^0-9.,+-]*)([+-]?[0-9.,]+)([^0-9]*)", re.DOTALL)
_NO_CENTS = re.compile(r"[.,][-–—]+$")  # 12,- is 12
_OTHER = {",": ".", ".": ","}


def numbers_of(values: Sequence[Any], column: str, where: str = "") -> Floats:
    """Read numbers; texts may have a decimal comma, marks between thousands and a currency.

    A warning in the log says that a column is read with a decimal comma.

    Args:
        values: The values of a column.
        column: The name of the column, for messages.
        where: What messages begin with, such as the name of a table and a colon; empty for nothing.

    Returns:
        float64 [values]: the numbers; NaN for values that are none, and for infinity.

    Raises:
        CatalogError: Some texts have a decimal comma and others a decimal point; or all that have a
            comma or a point may be thousands or decimals, such as ``1,234``.

    >>> numbers_of(["1.234,56", "€ 1,64", 3], "price").tolist()
    [1234.56, 1.64, 3.0]
    """
    cores = [_core(value) if isinstance(value, str) else None for value in values]
    mark = _decimal_mark(values, cores, column, where)
    if mark == ",":
        first = next(row for row, core in enumerate(cores) if core and _mark_of(core) == ",")
        logger.warning(
            "%s%s is read with a decimal comma: %r is %s.",
            where,
            column,
            values[first],
            _read(cores[first] or "", mark),
        )
    pairs = zip(values, cores, strict=True)
    return np.array(
        [_number(value) if core is None else _read(core, mark) for value, core in pairs]
    )


def _core(text: str) -> str | None:
    """The digits and marks of a number without its currency; None if the text is something else."""
    text = _NO_CENTS.sub("", _BLANKS.sub("", text.strip()))
    parts = _EDGES.fullmatch(text)
    if parts is None or not all(_is_currency(parts[edge]) for edge in (1, 3)):
        return None
    core = _NO_CENTS.sub("", parts[2])
    if _is_plain(core.lstrip("+-")) or _mark_of(core) or _is_unclear(core):
        return core
    return None


def _is_currency(text: str) -> bool:
    """Whether a text beside a number is empty, a sign such as €, or a name such as EUR."""
    text = text.strip()
    if not text or text.upper() in _CURRENCIES.split():
        return True
    signs = [letter for letter in text if unicodedata.category(letter) == "Sc"]
    return len(signs) == 1 and len(text) <= 3  # also US$ and R$


def _is_plain(core: str) -> bool:
    return core.isascii() and core.isdigit()


def _mark_of(core: str) -> str | None:
    """The decimal mark that the text of a number tells by itself; None if it tells none."""
    core = core.lstrip("+-")
    commas, points = core.count(","), core.count(".")
    if commas and points:
        mark = "," if core.rindex(",") > core.rindex(".") else "."
        whole, _, cents = core.rpartition(mark)
        is_number = re.fullmatch(_GROUPS.format(mark=re.escape(_OTHER[mark])), whole)
        return mark if is_number and _is_plain(cents) else None
    if commas + points > 1:
        mark = "," if commas else "."
        return _OTHER[mark] if re.fullmatch(_GROUPS.format(mark=re.escape(mark)), core) else None
    if commas + points == 1 and not _is_unclear(core):
        mark = "," if commas else "."
        whole, _, cents = core.partition(mark)
        digits = [part for part in (whole, cents) if part]
        return mark if digits and all(map(_is_plain, digits)) else None
    return None


def _is_unclear(core: str) -> bool:
    """Whether a text may be thousands or decimals, such as 1,234."""
    return re.fullmatch(r"[+-]?[1-9][0-9]{0,2}[.,][0-9]{3}", core) is not None


def _decimal_mark(
    values: Sequence[Any], cores: Sequence[str | None], column: str, where: str
) -> str:
    """The decimal mark of a column; a point if no text has any mark.

    Raises:
        CatalogError: The texts contradict each other, or say nothing.
    """
    first: dict[str, Any] = {}
    unclear = None
    for value, core in zip(values, cores, strict=True):
        if core is None:
            continue
        mark = _mark_of(core)
        if mark is not None:
            first.setdefault(mark, value)
        elif unclear is None and _is_unclear(core):
            unclear = value
    if len(first) > 1:
        raise CatalogError(
            f"{where}{column} has a decimal comma in {first[',']!r} and a decimal point in "
            f"{first['.']!r}; expected one of them in all rows. Write all numbers alike."
        )
    if not first and unclear is not None:
        raise CatalogError(
            f"{where}{column} is, for example, {unclear!r}, which may be thousands or a number "
            "with three decimals, and no other row tells. Write the numbers with two decimals and "
            "without marks between thousands, such as 1234.00 or 1.23."
        )
    return next(iter(first), ".")


def _read(core: str, mark: str) -> float:
    return _number(core.replace(_OTHER[mark], "").replace(mark, "."))


def _number(value: object) -> float:
    if isinstance(value, bool):
        return math.nan
    try:
        number = float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError, OverflowError):
        return math.nan
    return number if math.isfinite(number) else math.nan


def first_of(values: Iterable[Any]) -> Any:
    """The first value that is not missing, as an example; None if all are missing."""
    return next((value for value in values if value is not None and value != ""), None)
