"""Two made-up retailers for the page of assortments: catalogs, matches and an earlier date."""

from dataclasses import dataclass
from typing import Any

import numpy as np

import prodcat
from prodcat.demo.quick_commerce import GeneratedRow, generate
from prodcat.insight.assortment import Supplements
from prodcat.offers import read_pack

RIVAL = "Rival"
_TITLES = 5_000
_LABELLED = 1_000  # titles that the classifier learns from, and as many that measure its mistakes


@dataclass(frozen=True, eq=False)
class Retailers:
    """Two retailers.

    Attributes:
        train: Titles that the classifier learns from.
        labelled: Titles that its mistakes are measured on.
        ours: Our catalog, with categories, prices and brands.
        theirs: Their catalog, with prices alone.
        supplements: Brands, matches and their earlier catalog.
    """

    train: prodcat.Catalog
    labelled: prodcat.Catalog
    ours: prodcat.Catalog
    theirs: prodcat.Catalog
    supplements: Supplements


def made_up_retailers(language: str = "en") -> Retailers:
    """Make up two retailers, of which the rival is larger and cheaper in some categories."""
    rng = np.random.default_rng(3)
    rows = generate(_TITLES, language, seed=4, wrong_labels=0.0)
    unique = list({row.title: row for row in rows}.values())
    learned = unique[:_LABELLED]
    known = {row.path for row in learned}
    unique = [row for row in unique[_LABELLED:] if row.path in known]
    judged, rest = unique[:_LABELLED], unique[_LABELLED:]
    categories = sorted({row.path[:2] for row in rest})
    odds = dict(zip(categories, rng.gamma(3, 1 / 3, len(categories)), strict=True))
    level = dict(zip(categories, rng.normal(0, 0.08, len(categories)), strict=True))
    usual = {path: float(rng.lognormal(1.0, 0.35)) for path in sorted({row.path for row in rest})}
    prices = [_price(row, usual[row.path], rng) for row in rest]
    number = rng.random(len(rest))
    ours = [place for place in range(len(rest)) if number[place] < 0.55]
    weight = np.array([odds[row.path[:2]] for row in rest])
    theirs = rng.choice(len(rest), 1_300, replace=False, p=weight / weight.sum()).tolist()
    shared = set(ours) & set(theirs)
    their_rows: dict[int, dict[str, Any]] = {}
    for place in theirs:
        row = rest[place]
        price = prices[place] * np.exp(level[row.path[:2]] + rng.normal(0, 0.04))
        title = _other_title(row) if place in shared else row.title
        their_rows[place] = {"title": title, "price": f"{price:.2f} €", "brand": row.brand}
    our_rows = [{**_labelled(rest[place]), "price": f"{prices[place]:.2f} €"} for place in ours]
    keep = ["price", "brand"]
    return Retailers(
        prodcat.read_catalog([_labelled(row) for row in learned]),
        prodcat.read_catalog([_labelled(row) for row in judged]),
        prodcat.read_catalog(our_rows, keep=keep),
        prodcat.read_catalog(list(their_rows.values()), keep=keep),
        Supplements(
            brand="brand",
            matches={RIVAL: _matches(rest, ours, their_rows, rng)},
            before={RIVAL: prodcat.read_catalog(_before(their_rows, rng), keep=keep)},
        ),
    )


def _labelled(row: GeneratedRow) -> dict[str, Any]:
    return {"title": row.title, "path": list(row.path), "brand": row.brand}


def _price(row: GeneratedRow, usual: float, rng: np.random.Generator) -> float:
    """A price that grows with the pack."""
    pack = read_pack(row.title)
    usual_total = 500.0 if pack.total_unit in ("g", "ml") else 10.0
    amount = (pack.total or usual_total) / usual_total
    return round(float(usual * amount**0.8 * np.exp(rng.normal(0, 0.12))), 2)


def _other_title(row: GeneratedRow) -> str:
    """The title of the same product in another shop: the first word stands at the end."""
    first, _, rest = row.title.partition(" ")
    return f"{rest}, {first}" if rest else f"{first} {row.brand}"


def _matches(
    rows: list[GeneratedRow], ours: list[int], theirs: dict[int, dict[str, Any]],
    rng: np.random.Generator,
) -> list[dict[str, Any]]:  # fmt: skip
    """What a matching of both catalogs gives: the same products, other sizes and substitutes."""
    by_leaf: dict[Any, list[int]] = {}
    for place in ours:
        by_leaf.setdefault(rows[place].path, []).append(place)
    matches = []
    mine = set(ours)
    for place, row in theirs.items():
        near = by_leaf.get(rows[place].path, [])
        brand = [other for other in near if rows[other].brand == rows[place].brand]
        if place in mine:
            match, relation, low = place, "same product", 0.9
        elif brand and rng.random() < 0.3:
            match, relation, low = brand[0], "same but other size", 0.75
        elif near:
            match, relation, low = near[0], "substitute", 0.6
        else:
            continue
        matches.append(
            {
                "our_title": rows[match].title, "their_title": row["title"], "relation": relation,
                "probability": round(float(rng.uniform(low, 1.0)), 3),
            }
        )  # fmt: skip
    return matches


def _before(rows: dict[int, dict[str, Any]], rng: np.random.Generator) -> list[dict[str, Any]]:
    """The rival's catalog three months ago."""
    number = rng.random(len(rows))
    before = []
    for place, row in enumerate(rows.values()):
        if number[place] < 0.06:
            continue  # is new now
        older = dict(row)
        if number[place] > 0.85:
            price = float(row["price"].split()[0]) / (1.05 if number[place] > 0.9 else 0.93)
            older["price"] = f"{price:.2f} €"
        before.append(older)
        if 0.06 <= number[place] < 0.09:
            before.append({**row, "title": f"{row['title']} old recipe"})  # is gone now
    return before
