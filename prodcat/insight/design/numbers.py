"""Numbers as each of the eight languages writes them."""

from dataclasses import asdict, dataclass
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

_NARROW, _BLANK = "\u202f", "\xa0"


@dataclass(frozen=True)
class NumberFormat:
    """How a language writes numbers.

    Attributes:
        decimal: The mark before the decimals.
        group: The mark between thousands.
        percent: A percentage, in which # stands for the number.
        money: A price, in which # stands for the number and ¤ for the currency.
    """

    decimal: str
    group: str
    percent: str
    money: str

    def number(self, value: float, digits: int = 0) -> str:
        """A number with this many decimals; a minus is a real one.

        >>> FORMATS["de"].number(-1234.5, 1)
        '−1.234,5'
        """
        # Halves are rounded up, as the script of a page does it.
        exact = Decimal(abs(value)).quantize(Decimal(1).scaleb(-digits), ROUND_HALF_UP)
        text = f"{exact:,f}"
        sign = "−" if value < 0 and text.strip("0.,") else ""
        marks = {",": self.group, ".": self.decimal}
        return sign + "".join(marks.get(letter, letter) for letter in text)

    def share(self, value: float) -> str:
        """A share from 0 to 1 as a percentage.

        >>> FORMATS["en"].share(0.123), FORMATS["tr"].share(0.0004)
        ('12.3%', '%0,04')
        """
        digits = 2 if 0 < abs(value) < 0.00995 else 1
        return self.percent.replace("#", self.number(100 * value, digits))

    def change(self, value: float) -> str:
        """A relative difference in whole percent with its sign, such as +12 %."""
        number = self.number(100 * value)
        sign = "+" if value > 0 and number != "0" else ""
        return self.percent.replace("#", sign + number)

    def price(self, value: float, currency: str = "") -> str:
        """A price with two decimals.

        >>> FORMATS["en"].price(1234.5, "EUR"), FORMATS["fr"].price(2, "")
        ('€1,234.50', '2,00')
        """
        number = self.number(value, 2)
        if not currency:
            return number
        return self.money.replace("#", number).replace("¤", SIGNS.get(currency, currency + _BLANK))

    def spec(self, currency: str = "") -> dict[str, Any]:
        """The same for the script of a page."""
        sign = SIGNS.get(currency, currency and currency + _BLANK)
        return {**asdict(self), "currency": sign}


SIGNS = {"EUR": "€", "USD": "$", "GBP": "£", "TRY": "₺", "BRL": "R$", "INR": "₹"}
_AFTER = f"#{_BLANK}%"
FORMATS = {
    "de": NumberFormat(",", ".", _AFTER, f"#{_BLANK}¤"),
    "en": NumberFormat(".", ",", "#%", "¤#"),
    "es": NumberFormat(",", ".", _AFTER, f"#{_BLANK}¤"),
    "fr": NumberFormat(",", _NARROW, f"#{_NARROW}%", f"#{_BLANK}¤"),
    "it": NumberFormat(",", ".", "#%", f"#{_BLANK}¤"),
    "nl": NumberFormat(",", ".", "#%", f"¤{_BLANK}#"),
    "pt": NumberFormat(",", ".", "#%", f"#{_BLANK}¤"),
    "tr": NumberFormat(",", ".", "%#", "¤#"),
}
