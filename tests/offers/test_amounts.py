"""Numbers of any locale, and sizes that are formatted and read again."""

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from prodcat.offers.amounts import folded, number_in
from prodcat.offers.prices import read_money
from prodcat.offers.texts import read_pack
from prodcat.offers.units import factors

# The decimal mark and the mark between thousands.
LOCALES = {
    "en": (".", ","), "es": (",", "."), "fr": (",", "\u202f"), "de": (",", "."), "nl": (",", "."),
    "tr": (",", "."), "it": (",", "."), "pt": (",", " "), "de-CH": (".", "’"),
}  # fmt: skip
UNITS = {
    "kg": ["kg", "KG", "Kg", "kilos", "kilogramm"],
    "g": ["g", "gr", "GR.", "grs", "grammes", "gramos"],
    "l": ["l", "L", "lt", "litros", "Liter"],
    "cl": ["cl", "CL", "centilitres"],
    "ml": ["ml", "ML", "Milliliter", "cc"],
}
PIECES = {
    "en": "pcs", "es": "uds", "fr": "pièces", "de": "Stück", "nl": "stuks", "tr": "adet",
    "it": "pezzi", "pt": "unidades",
}  # fmt: skip


def formatted(number, locale, digits):
    decimal, group = LOCALES[locale]
    text = f"{number:,.{digits}f}"
    return text.translate(str.maketrans({",": group, ".": decimal}))


@given(st.sampled_from(list(LOCALES)), st.integers(0, 9_999_999), st.sampled_from([1, 2]))
def test_a_number_with_decimals_is_read_again_in_every_locale(locale, cents, digits):
    number = round(cents / 10**digits, digits)
    assert number_in(
        formatted(number, locale, digits).replace("\u202f", " ").replace("’", "'")
    ) == (pytest.approx(number))


@given(st.sampled_from(list(LOCALES)), st.integers(1_000_000, 999_999_999))
def test_a_whole_number_of_millions_is_read_again_in_every_locale(locale, number):
    text = formatted(number, locale, 0).replace("\u202f", " ").replace("’", "'")
    assert number_in(text) == number


@given(st.sampled_from(list(LOCALES)), st.integers(1, 9_999_999), st.sampled_from(["€", "EUR", ""]))
def test_a_price_is_read_again_in_every_locale(locale, cents, sign):
    for text in (f"{formatted(cents / 100, locale, 2)} {sign}", f"{sign} {cents / 100:.2f}"):
        money = read_money(text)
        assert money is not None and money.amount == pytest.approx(cents / 100)
        assert money.currency == ("EUR" if sign else None)


@given(
    st.sampled_from(list(LOCALES)), st.sampled_from(list(UNITS)), st.integers(1, 99_999),
    st.integers(0, 2), st.integers(1, 48), st.data(),
)  # fmt: skip
def test_a_size_is_read_again_in_every_locale(locale, unit, cents, digits, count, data):
    size = round(cents / 10**digits, digits)
    assume(unit in ("g", "ml", "cl") or size < 1_000)  # 1.000 kg is one kilogram
    spelling = data.draw(st.sampled_from(UNITS[unit]))
    amount = f"{formatted(size, locale, digits)}{data.draw(st.sampled_from(['', ' ']))}{spelling}"
    is_glued = amount[-2].isdigit() and unit == "g"
    text = (
        amount
        if count == 1
        else f"{count}{data.draw(st.sampled_from(['x', ' x ', ' × ']))}{amount}"
    )
    pack = read_pack(text)
    if pack.status == "unknown":  # it says so, and only where a reader could not tell either
        is_model = is_glued and (size <= 6 or size > 5_000)
        is_model |= spelling == "g" and size > 5_000
        has_two_readings = size >= 1_000
        assert is_model or has_two_readings
        return
    assert (pack.size, pack.unit, pack.count) == (pytest.approx(size), unit, count)
    assert pack.total == pytest.approx(size * count * factors()[unit])


@given(st.sampled_from(list(PIECES)), st.integers(1, 999))
def test_a_number_of_pieces_is_read_again_in_every_language(language, number):
    pack = read_pack(f"{number} {PIECES[language]}")
    assert (pack.status, pack.unit, pack.count, pack.pieces) == ("read", "piece", number, number)


@given(st.text(max_size=200))
def test_any_text_is_read_and_a_pack_is_consistent(text):
    pack = read_pack(text)
    assert pack.status in ("read", "none", "unknown")
    assert (pack.reason != "") == (pack.status == "unknown")
    if pack.status == "read":
        factor = factors().get(pack.unit, 1.0)
        assert pack.total == pytest.approx(pack.size * pack.count * factor)
        assert pack.size > 0 and pack.count > 0
    else:
        assert pack.size is pack.total is None


@given(st.text(alphabet="0123456789.,xX× gkcml€/-+()%", max_size=60))
def test_any_text_of_numbers_and_signs_is_read(text):
    assert read_pack(text).status in ("read", "none", "unknown")


@given(st.text())
def test_folding_twice_is_folding_once(text):
    assert folded(folded(text)) == folded(text)


@pytest.mark.parametrize("text", ["1.234", "12,345", "999.999"])
def test_thousands_or_decimals_are_not_guessed(text):
    assert number_in(text) is None
    assert number_in(text, is_small=True) is not None


@pytest.mark.parametrize(
    "text", ["", "abc", "1.2.3", "1,2,3", "1.23.456", "1 23", "-5", "1e5", ".", "12'34"]
)
def test_what_is_no_number_is_none(text):
    assert number_in(text) is None
