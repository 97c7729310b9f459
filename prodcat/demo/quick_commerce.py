"""Generates a quick-commerce catalog with four levels, eight languages and dirty titles.

Everything except the names of the products is made up, including the brands.  As in real catalogs,
titles have pack sizes, abbreviations, typing errors, missing diacritics, upper case and words of
other languages; most titles belong to a small number of leaves; a small share of the labels is
wrong.
"""

from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import numpy as np

from prodcat.catalog.text import fold
from prodcat.errors import ConfigError

LANGUAGES = ("tr", "en", "nl", "de", "fr", "es", "it", "pt")
_SIZES = {
    "drink": ["330 ml", "500ml", "1 L", "1,5 L", "1.5lt", "2L", "6x330ml", "4x1L", "250 ml"],
    "food": ["100 g", "150gr", "200g", "250 g", "400 g", "500gr", "750g", "1 kg", "1kg", "2 kg"],
    "article": ["1 st", "2x", "3 pcs", "4'lü", "6 adet", "10x", "20 stk", "32 pcs", "48x"],
}
_SOLD_BY_PIECE = {"Baby Care", "Paper & Bags", "Oral & Hygiene", "Home", "Party"}


@dataclass(frozen=True)
class Product:
    """A leaf of the generated tree, with names of the product by language code."""

    path: tuple[str, str, str, str]
    words: dict[str, tuple[str, ...]]


@cache
def _lines() -> tuple[str, ...]:
    text = files("prodcat.demo").joinpath("products.txt").read_text(encoding="utf-8")
    return tuple(line for line in text.splitlines() if line and not line.startswith("#"))


@cache
def _list(name: str) -> list[str]:
    """The words in the line with a name, such as ``@ brands | Velmora | …``."""
    [line] = [line for line in _lines() if line.startswith(f"@ {name} |")]
    return [word.strip() for word in line.split("|")[1:]]


@cache
def products() -> tuple[Product, ...]:
    """All leaves of the generated tree."""
    leaves = []
    above: tuple[str, ...] = ()
    for line in _lines():
        if line.startswith("="):
            above = tuple(name.strip() for name in line[1:].split("/"))
        elif not line.startswith("@"):
            name, *words = (part.strip() for part in line.split("|"))
            translations = {
                language: tuple(word.strip() for word in cell.split(","))
                for language, cell in zip(LANGUAGES, words, strict=True)
            }
            leaves.append(Product((above[0], above[1], above[2], name), translations))
    return tuple(leaves)


@dataclass(frozen=True)
class GeneratedRow:
    """One generated title.

    Attributes:
        title: The title as a shop would list it.
        path: The path of the label, which is wrong in a small share of the rows.
        language: The code of the country's language.
        brand: The made-up brand.
        true_path: The path of the product.
    """

    title: str
    path: tuple[str, ...]
    language: str
    brand: str
    true_path: tuple[str, ...]


def generate(
    titles: int, language: str = "tr", *, seed: int = 0, wrong_labels: float = 0.02
) -> list[GeneratedRow]:
    """Generate labelled titles.

    Args:
        titles: The number of titles.
        language: A language code, one of :data:`LANGUAGES`.
        seed: The seed of the random numbers; equal arguments give equal rows.
        wrong_labels: The share of rows whose label is a random leaf, 0 to 1.

    Returns:
        The rows, in random order.

    Raises:
        ConfigError: The language is not supported.
    """
    if language not in LANGUAGES:
        languages = list(LANGUAGES)
        raise ConfigError(f"language={language!r} is not supported; expected one of {languages}.")
    rng = np.random.default_rng([seed, LANGUAGES.index(language)])
    leaves = products()
    # Zipf's law: the share of the r-th most frequent leaf is about proportional to 1 / r.
    share = 1 / np.arange(2, len(leaves) + 2)
    order = np.random.default_rng(7).permutation(len(leaves))
    chosen = order[rng.choice(len(leaves), titles, p=share / share.sum())]
    rows = []
    for leaf in chosen:
        product = leaves[leaf]
        title, brand = _title(product, language, rng)
        label = product.path
        if rng.random() < wrong_labels:
            label = leaves[rng.integers(len(leaves))].path
        rows.append(GeneratedRow(title, label, language, brand, product.path))
    return rows


def _title(product: Product, language: str, rng: np.random.Generator) -> tuple[str, str]:
    """A title and its brand."""
    brand = str(rng.choice(_list("brands")))
    spoken = language if rng.random() > 0.06 else str(rng.choice(LANGUAGES))
    noun = str(rng.choice(product.words[spoken]))
    parts = [brand] if rng.random() < 0.85 else []
    if rng.random() < 0.4:
        parts.append(str(rng.choice(_list(f"qualities {language}"))))
    parts.append(noun)
    if rng.random() < 0.8:
        parts.append(str(rng.choice(_SIZES[_kind(product)])))
    if rng.random() < 0.15:
        rng.shuffle(parts)
    title = " ".join(parts)
    if rng.random() < 0.10:
        title = _abbreviate(title, noun, rng)
    if rng.random() < 0.08:
        title = _mistype(title, rng)
    if rng.random() < 0.15:
        title = fold(title)
    if rng.random() < 0.15:
        title = (title.replace("i", "İ") if language == "tr" else title).upper()
    return title, brand


def _kind(product: Product) -> str:
    """The key of the product's pack sizes."""
    if product.path[0] == "Drinks" or product.path[1] in ("Milk", "Laundry", "Dishes", "Cleaning"):
        return "drink"
    return "article" if product.path[1] in _SOLD_BY_PIECE else "food"


def _abbreviate(title: str, noun: str, rng: np.random.Generator) -> str:
    """The title with the longest word of its noun abbreviated, unless this is short."""
    word = max(noun.split(), key=len)
    if len(word) < 6:
        return title
    return title.replace(word, word[: int(rng.integers(3, 6))] + ".", 1)


def _mistype(title: str, rng: np.random.Generator) -> str:
    """The title with one letter missing, doubled or exchanged with its neighbour."""
    place = int(rng.integers(1, max(len(title) - 1, 2)))
    kind = rng.integers(3)
    if kind == 0:
        return title[:place] + title[place + 1 :]
    if kind == 1:
        return title[:place] + title[place - 1] + title[place:]
    return title[: place - 1] + title[place : place + 1] + title[place - 1] + title[place + 1 :]
