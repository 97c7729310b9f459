"""Generated texts of packs in eight languages, with what they say.

The shapes are those of retailers' titles: sizes, multiples, pieces, washes, doses, drained weights,
and numbers that are no size.  What is generated is known, and everything is made from a seed.
"""

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass

LANGUAGES = ("en", "es", "fr", "de", "nl", "tr", "it", "pt")
_PRODUCTS = {
    "en": ("Milk", "Tomato soup", "Green tea", "Dark chocolate"),
    "es": ("Leche entera", "Aceite de oliva", "Galletas", "Arroz largo"),
    "fr": ("Lait demi-écrémé", "Crème fraîche", "Thé vert", "Petits pois"),
    "de": ("Vollmilch", "Apfelsaft", "Gurken", "Früchtetee"),
    "nl": ("Halfvolle melk", "Hagelslag", "Pindakaas", "Groene thee"),
    "tr": ("Yarım yağlı süt", "Zeytinyağı", "Bulgur", "Salça"),
    "it": ("Latte intero", "Passata", "Biscotti", "Tonno"),
    "pt": ("Leite meio gordo", "Azeite", "Bolachas", "Feijão preto"),
}
_PIECES = {
    "en": ("pcs", "pieces", "count"), "es": ("uds", "unidades", "ud"),
    "fr": ("pièces", "unités", "pcs"), "de": ("Stück", "Stk", "St."),
    "nl": ("stuks", "st.", "stuk"),
    "tr": ("adet", "tane", "Adet"), "it": ("pezzi", "pz", "PZ"), "pt": ("unidades", "un", "unid"),
}  # fmt: skip
_WASHES = {
    "en": "washes", "es": "lavados", "fr": "lavages", "de": "Waschladungen", "nl": "wasbeurten",
    "tr": "yıkama", "it": "lavaggi", "pt": "lavagens",
}  # fmt: skip
_DOSES = {
    "en": "capsules", "es": "cápsulas", "fr": "capsules", "de": "Kapseln", "nl": "capsules",
    "tr": "kapsül", "it": "capsule", "pt": "cápsulas",
}  # fmt: skip
_DRAINED = {
    "en": "drained", "es": "escurrido", "fr": "égoutté", "de": "Abtropfgewicht", "nl": "uitgelekt",
    "tr": "süzme", "it": "sgocciolato", "pt": "escorrido",
}  # fmt: skip
_HOLDERS = {
    "en": ("Water bottle", "Storage box", "Air fryer"),
    "es": ("Mochila", "Freidora de aire", "Olla"),
    "fr": ("Gourde", "Bouilloire", "Valise"), "de": ("Trinkflasche", "Koffer", "Kochtopf"),
    "nl": ("Drinkfles", "Rugzak", "Waterkoker"), "tr": ("Termos", "Valiz", "Düdüklü tencere"),
    "it": ("Borraccia", "Zaino", "Bollitore"), "pt": ("Garrafa térmica", "Mochila", "Chaleira"),
}  # fmt: skip
_NAPPIES = {
    "en": "nappies", "es": "pañales", "fr": "couches", "de": "Windeln", "nl": "luiers",
    "tr": "adet bebek bezi", "it": "pannolini", "pt": "fraldas",
}  # fmt: skip
_ROLLS = {
    "en": "rolls", "es": "rollos", "fr": "rouleaux", "de": "Rollen", "nl": "rollen", "tr": "rulo",
    "it": "rotoli", "pt": "rolos",
}  # fmt: skip
_NOISE = (
    "3,5%", "12.5 % vol", "30 x 20 cm", "60W", "230 V", "T65", "11-16kg", "nº5", "2,49 €", "XXL",
    "128GB", "500 mg", "3 mois", "2019",
)  # fmt: skip
_UNITS = {
    "g": ("g", 1.0, (50, 75, 100, 125, 200, 250, 400, 500, 750, 900)),
    "kg": ("g", 1000.0, (1, 1.5, 2, 2.5, 5)),
    "ml": ("ml", 1.0, (50, 100, 200, 250, 330, 500, 750)),
    "cl": ("ml", 10.0, (20, 25, 33, 50, 70, 75)),
    "l": ("ml", 1000.0, (0.5, 1, 1.5, 2, 3)),
}
_SPELLINGS = {
    "g": ("g", "gr", "G", "GR", "gr."), "kg": ("kg", "Kg", "KG"), "ml": ("ml", "ML", "mL"),
    "cl": ("cl", "CL"), "l": ("l", "L", "lt", "Lt"),
}  # fmt: skip


@dataclass(frozen=True)
class Generated:
    """A text, and what it says.

    Attributes:
        text: The text.
        language: The language of its words.
        shape: What kind of text it is.
        total: The content in the base unit; None if it names none.
        unit: The base unit: g, ml, piece, wash or dose; empty if it names none.
        count: How many items it names.
    """

    text: str
    language: str
    shape: str
    total: float | None
    unit: str
    count: int = 1


def generate(count: int, seed: int) -> Iterator[Generated]:
    """Make texts.

    Args:
        count: The number of texts.
        seed: Of all choices; equal seeds give equal texts.
    """
    rng = random.Random(seed)
    for _ in range(count):
        language = rng.choice(LANGUAGES)
        shape = rng.choice(tuple(_SHAPES))
        yield _SHAPES[shape](rng, language)


def _amount(rng: random.Random, language: str) -> tuple[str, float, str]:
    """An amount as text, and its value in its base unit."""
    unit = rng.choice(tuple(_UNITS))
    base, factor, sizes = _UNITS[unit]
    size = rng.choice(sizes)
    text = f"{size:g}"
    if language != "en" or rng.random() < 0.3:
        text = text.replace(".", ",")
    gap = rng.choice(("", " "))
    return f"{text}{gap}{rng.choice(_SPELLINGS[unit])}", size * factor, base


def _words(rng: random.Random, language: str) -> str:
    product = rng.choice(_PRODUCTS[language])
    return product.upper() if rng.random() < 0.3 else product


def _size(rng: random.Random, language: str) -> Generated:
    amount, total, unit = _amount(rng, language)
    text = f"{_words(rng, language)} {amount}"
    return Generated(text, language, "a size", total, unit)


def _multiple(rng: random.Random, language: str) -> Generated:
    amount, total, unit = _amount(rng, language)
    count = rng.choice((2, 3, 4, 6, 8, 12, 24))
    times = rng.choice(("x", " x ", "X", " × ", "*"))
    text = f"{_words(rng, language)} {count}{times}{amount}"
    return Generated(text, language, "a multiple", total * count, unit, count)


def _pieces(rng: random.Random, language: str) -> Generated:
    count = rng.choice((2, 4, 6, 10, 12, 20, 36, 100))
    text = f"{_words(rng, language)} {count} {rng.choice(_PIECES[language])}"
    return Generated(text, language, "pieces", count, "piece", count)


def _washes(rng: random.Random, language: str) -> Generated:
    count = rng.choice((18, 26, 32, 40, 66))
    text = f"{_words(rng, language)} {count} {_WASHES[language]}"
    return Generated(text, language, "washes", count, "wash", count)


def _doses(rng: random.Random, language: str) -> Generated:
    count = rng.choice((10, 16, 30, 60))
    text = f"{_words(rng, language)} 500 mg {count} {_DOSES[language]}"
    return Generated(text, language, "doses beside a strength", count, "dose", count)


def _drained(rng: random.Random, language: str) -> Generated:
    net = rng.choice((190, 285, 340, 400, 800))
    text = f"{_words(rng, language)} {net} g ({net * 6 // 10} g {_DRAINED[language]})"
    return Generated(text, language, "a drained weight", net, "g")


def _noisy(rng: random.Random, language: str) -> Generated:
    amount, total, unit = _amount(rng, language)
    before, after = rng.sample(_NOISE, 2)
    text = f"{_words(rng, language)} {before}, {amount}, {after}"
    return Generated(text, language, "a size among other numbers", total, unit)


def _stated(rng: random.Random, language: str) -> Generated:
    amount, total, unit = _amount(rng, language)
    per = "kg" if unit == "g" else "l"
    price = f"{rng.randint(50, 3000) / 100:.2f}".replace(".", "," if language != "en" else ".")
    text = f"{_words(rng, language)} {amount} ({price} €/{per})"
    return Generated(text, language, "a size and a unit price", total, unit)


def _nothing(rng: random.Random, language: str) -> Generated:
    first, second = rng.sample(_NOISE, 2)
    return Generated(f"{_words(rng, language)} {first} {second}", language, "no size", None, "")


def _held(rng: random.Random, language: str) -> Generated:
    size = rng.choice(("0,5 l", "500 ml", "1.7 L", "5 L", "30 l"))
    text = f"{rng.choice(_HOLDERS[language])} {size}"
    return Generated(text, language, "what a product holds", None, "")


def _nappies(rng: random.Random, language: str) -> Generated:
    child = rng.choice(("15+ kg", "+16 kg", "11-16kg", "9 - 14 kg", "17 kg+"))
    count = rng.choice((22, 36, 44, 60))
    text = f"{child} {count} {_NAPPIES[language]}"
    return Generated(text, language, "nappies", count, "piece", count)


def _swapped(rng: random.Random, language: str) -> Generated:
    net = rng.choice((185, 220, 400, 560))
    drained, word = net * 6 // 10, _DRAINED[language]
    shape = rng.choice(("{d} g {w} ({n} g)", "{w} {d} g / {n} g", "{n} g / {d} g {w}"))
    text = f"{_words(rng, language)} {shape.format(d=drained, n=net, w=word)}"
    return Generated(text, language, "a drained weight first", net, "g")


def _sum(rng: random.Random, language: str) -> Generated:
    one, two = rng.choice(((18, 2), (30, 5), (9, 3), (24, 8)))
    word, unit = rng.choice(((_WASHES[language], "wash"), (_ROLLS[language], "piece")))
    text = f"{_words(rng, language)} {one}{rng.choice((' + ', '+'))}{two} {word}"
    return Generated(text, language, "a sum of counts", one + two, unit, one + two)


_SHAPES: dict[str, Callable[[random.Random, str], Generated]] = {
    "size": _size, "multiple": _multiple, "pieces": _pieces, "washes": _washes, "doses": _doses,
    "drained": _drained, "noisy": _noisy, "stated": _stated, "nothing": _nothing, "held": _held,
    "nappies": _nappies, "swapped": _swapped, "sum": _sum,
}  # fmt: skip
