"""Generates two catalogs in one of eight languages, of which it is known what is the same product.

All brands are made up.  The second retailer writes titles in another way: upper case, lost
diacritics, abbreviations, other word order, no brand, other units.
"""

from dataclasses import dataclass, field

import numpy as np

from prodcat.catalog.text import fold
from prodcat.demo.quick_commerce import LANGUAGES, generate, products

__all__ = ["LANGUAGES", "Catalogs", "catalogs"]

_VARIANTS = {
    "en": "strawberry|vanilla|lemon|light|organic|smoked|classic|salted|lactose free|hot|mint|"
    "ginger",
    "tr": "çilekli|vanilyalı|limonlu|light|organik|füme|klasik|tuzlu|laktozsuz|acılı|naneli|"
    "zencefilli",
    "nl": "aardbei|vanille|citroen|light|biologisch|gerookt|klassiek|gezouten|lactosevrij|pittig|"
    "munt|gember",
    "de": "Erdbeere|Vanille|Zitrone|leicht|Bio|geräuchert|klassisch|gesalzen|laktosefrei|scharf|"
    "Minze|Ingwer",
    "fr": "fraise|vanille|citron|léger|biologique|fumé|classique|salé|sans lactose|épicé|menthe|"
    "gingembre",
    "es": "fresa|vainilla|limón|ligero|ecológico|ahumado|clásico|salado|sin lactosa|picante|menta|"
    "jengibre",
    "it": "fragola|vaniglia|limone|leggero|biologico|affumicato|classico|salato|senza lattosio|"
    "piccante|menta|zenzero",
    "pt": "morango|baunilha|limão|ligeiro|biológico|fumado|clássico|salgado|sem lactose|picante|"
    "menta|gengibre",
}
_PIECES = {
    "en": "pcs", "tr": "adet", "nl": "stuks", "de": "Stück", "fr": "pièces", "es": "unidades",
    "it": "pezzi", "pt": "unidades",
}  # fmt: skip
# The amount in millilitres or grams, and how many items a pack has.
_DRINKS = ((250, 1), (330, 1), (500, 1), (1000, 1), (1500, 1), (2000, 1), (330, 6), (1000, 4))
_FOODS = ((100, 1), (150, 1), (200, 1), (250, 1), (400, 1), (500, 1), (750, 1), (1000, 1), (80, 3))
_ARTICLES = ((3, 1), (6, 1), (10, 1), (20, 1), (32, 1), (48, 1))
_BY_PIECE = {"Baby Care", "Paper & Bags", "Oral & Hygiene", "Home", "Party"}
_DRINK_TYPES = {"Milk", "Laundry", "Dishes", "Cleaning"}
# Shares of our products that the other retailer has as the same product, in another size, and only
# as a substitute: of another brand, or another variant.
_SHARES = (0.35, 0.15, 0.2)


@dataclass(frozen=True)
class _Item:
    """A product: its leaf, brand and variant, and one of its sizes."""

    leaf: int
    brand: str
    variant: str
    size: int


@dataclass
class Catalogs:
    """Two tables of products, and what each row is.

    Attributes:
        ours: The rows of our table, with ``title``, ``brand`` and ``price``.
        theirs: The rows of theirs, with ``title`` and ``price``.
        our_items: What each of our rows is: the product, and its size.
        their_items: The same of theirs.
    """

    ours: list[dict[str, object]] = field(default_factory=list)
    theirs: list[dict[str, object]] = field(default_factory=list)
    our_items: list[tuple[tuple[int, str, str], int]] = field(default_factory=list)
    their_items: list[tuple[tuple[int, str, str], int]] = field(default_factory=list)

    def same(self) -> set[tuple[int, int]]:
        """The pairs of rows that are the same product."""
        places: dict[object, list[int]] = {}
        for row, item in enumerate(self.their_items):
            places.setdefault(item, []).append(row)
        return {
            (row, other)
            for row, item in enumerate(self.our_items)
            for other in places.get(item, ())
        }

    def relation(self, ours: int, theirs: int) -> str:
        """What two rows are to each other."""
        (mine, size), (other, their_size) = self.our_items[ours], self.their_items[theirs]
        if mine == other:
            return "same product" if size == their_size else "same but other size"
        return "substitute" if mine[0] == other[0] else "none"


def catalogs(rows: int, language: str, seed: int = 0) -> Catalogs:
    """Generate two catalogs.

    Args:
        rows: The number of our products; the other retailer has about as many.
        language: One of :data:`LANGUAGES`.
        seed: The seed of the random numbers; equal arguments give equal catalogs.
    """
    rng = np.random.default_rng([seed, LANGUAGES.index(language), rows])
    brands = sorted({row.brand for row in generate(2_000, language, seed=3)})
    variants = ["", *_VARIANTS[language].split("|")]
    made = Catalogs()
    taken: set[_Item] = set()

    def item() -> _Item:
        while True:
            leaf = int(rng.integers(len(products())))
            size = int(rng.integers(len(_sizes(leaf))))
            chosen = _Item(leaf, str(rng.choice(brands)), str(rng.choice(variants)), size)
            if chosen not in taken:
                taken.add(chosen)
                return chosen

    for _ in range(rows):
        mine = item()
        price = _price(mine)
        _add(made.ours, made.our_items, mine, language, rng, price, is_plain=True)
        luck = rng.random()
        if luck < _SHARES[0]:
            other = mine
        elif luck < sum(_SHARES[:2]):
            other = _Item(mine.leaf, mine.brand, mine.variant, _other(mine, rng))
        elif luck < sum(_SHARES):
            fresh = item()
            keeps = rng.random() < 0.5
            brand = mine.brand if keeps else fresh.brand
            variant = fresh.variant if keeps else mine.variant
            other = _Item(mine.leaf, brand, variant, mine.size)
        else:
            other = item()
        asked = _price(other) * float(rng.uniform(0.85, 1.2))
        _add(made.theirs, made.their_items, other, language, rng, asked, is_plain=False)
    order = rng.permutation(len(made.theirs))
    made.theirs = [made.theirs[row] for row in order]
    made.their_items = [made.their_items[row] for row in order]
    return made


def _price(item: _Item) -> float:
    """The usual price of a product: that of its leaf, times what its brand adds and its size."""
    leaf, brand = (
        np.random.default_rng([number, len(text), *text.encode()])
        for number, text in ((item.leaf, ""), (0, item.brand))
    )
    amount, count = _sizes(item.leaf)[item.size]
    usual = _sizes(item.leaf)[0][0]
    return float(leaf.uniform(0.8, 6) * brand.uniform(0.7, 1.4) * (amount * count / usual) ** 0.8)


def _sizes(leaf: int) -> tuple[tuple[int, int], ...]:
    product = products()[leaf]
    if product.path[0] == "Drinks" or product.path[1] in _DRINK_TYPES:
        return _DRINKS
    return _ARTICLES if product.path[1] in _BY_PIECE else _FOODS


def _other(item: _Item, rng: np.random.Generator) -> int:
    count = len(_sizes(item.leaf))
    return int((item.size + rng.integers(1, count)) % count)


def _add(
    rows: list[dict[str, object]],
    items: list[tuple[tuple[int, str, str], int]],
    item: _Item,
    language: str,
    rng: np.random.Generator,
    price: float,
    *,
    is_plain: bool,
) -> None:
    key = (item.leaf, item.brand, item.variant)
    title = _title(item, language, rng, is_plain=is_plain)
    row: dict[str, object] = {"title": title, "price": round(price, 2)}
    rows.append({**row, "brand": item.brand} if is_plain else row)
    items.append((key, item.size))


def _title(item: _Item, language: str, rng: np.random.Generator, *, is_plain: bool) -> str:
    noun = products()[item.leaf].words[language][0]
    size = _size_text(item, language, rng, is_plain=is_plain)
    parts = [item.brand, noun, *filter(None, [item.variant]), size]
    if is_plain:
        return " ".join(parts)
    if rng.random() < 0.12:
        parts.remove(item.brand)
    if rng.random() < 0.3:
        rng.shuffle(parts)
    title = " ".join(parts)
    if rng.random() < 0.15:
        title = _abbreviated(title, noun, rng)
    if rng.random() < 0.3:
        title = fold(title)
    if rng.random() < 0.3:
        title = (title.replace("i", "İ") if language == "tr" else title).upper()
    return title


def _abbreviated(title: str, noun: str, rng: np.random.Generator) -> str:
    word = max(noun.split(), key=len)
    return title if len(word) < 6 else title.replace(word, word[: int(rng.integers(3, 6))] + ".", 1)


def _size_text(item: _Item, language: str, rng: np.random.Generator, *, is_plain: bool) -> str:
    sizes = _sizes(item.leaf)
    amount, count = sizes[item.size]
    if sizes is _ARTICLES:
        return f"{amount} {_PIECES[language]}"
    base, large, medium = ("ml", "l", "cl") if sizes is _DRINKS else ("g", "kg", "")
    forms = [f"{amount} {base}"]
    if amount >= 1000:
        forms = [f"{amount / 1000:g} {large}".replace(".", "," if language != "en" else ".")]
    if not is_plain:
        forms.append(f"{amount}{base}")
        forms.append(f"{amount / 1000:g}{large}")
        if medium and amount % 10 == 0:
            forms.append(f"{amount // 10} {medium}")
    text = str(rng.choice(forms))
    return text if count == 1 else f"{count} x {text}" if is_plain else f"{count}x{text}"
