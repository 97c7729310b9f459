"""Brands are found in titles, and learned where titles begin with them."""

import pytest

from prodcat.offers.brands import Brands, BrandSample, learn_brands

NAMES = Brands(("Dia", "Don Limpio", "L'Oréal", "Coca-Cola", "As"))


@pytest.mark.parametrize(
    ("title", "brand"),
    [
        ("Coca-Cola zero 1.25 l", "Coca-Cola"),
        ("Refresco zero Coca-Cola botella", "Coca-Cola"),
        ("LIMPIADOR DON LIMPIO 1.3 L", "Don Limpio"),
        ("Serum facial L'Oréal bote 30 ml", "L'Oréal"),
        ("SERUM FACIAL L'OREAL", "L'Oréal"),
        ("Arroz Dia 1 kg", "Dia"),
        ("As pienso para perros", "As"),
        ("Crema de día Garnier 50 ml", None),
        ("Donuts Limpio", None),
        ("Pienso As para perros", None),  # too short to be sure behind the front
        ("Galletas Dia y Don Limpio", None),  # two brands
        ("", None),
    ],
)
def test_a_brand_is_found_or_not_known(title, brand):
    assert NAMES.find(title) == brand


def test_without_names_there_is_no_brand():
    assert Brands(()).find("Coca-Cola") is None


def rows_of_a_shop():
    types = ["Socks", "Shoes", "Bags", "Watches", "Towels", "Mugs"]
    rows = []
    for kind in types:
        rows += [
            (f"Puma Sport {kind} black", f"All > {kind}"),
            (f"Vero Moda light {kind}", f"All > {kind}"),
            (f"Velmora {kind} for men", f"All > {kind}"),
            (f"Casual wear {kind}", f"All > {kind}"),
            (f"Velmora casual {kind}", f"All > {kind}"),
        ]
    return [*rows, *[("Socks of cotton, new", "All > Socks")] * 2]


def test_brands_are_learned_from_beginnings_that_go_with_many_types():
    names = learn_brands(rows_of_a_shop()).names
    assert "Velmora" in names and any(name.startswith("Vero Moda") for name in names)
    assert not {"Socks", "Casual", "Shoes"} & set(names)  # types, and a word that stands elsewhere


def test_nothing_is_learned_where_titles_begin_with_what_they_are():
    kinds = [("Vino", "Vinos"), ("Leche", "Leches"), ("Gel", "Geles de baño"), ("Pan", "Panes")]
    rows = [(f"{word} de la casa {n}", f"{kind} > {n}") for word, kind in kinds for n in range(9)]
    assert learn_brands(rows).names == ()


def test_nothing_is_learned_without_product_types():
    assert learn_brands([(title, "") for title, _ in rows_of_a_shop()]).names == ()


def test_a_column_of_brands_is_used_instead_of_learning():
    sample = BrandSample()
    for title, kind in rows_of_a_shop():
        sample.add(title, kind, "Velmora" if title.startswith("Velmora") else "")
    assert sample.brands().names == ("Velmora",)


def test_the_sample_is_bounded(monkeypatch):
    monkeypatch.setattr("prodcat.offers.brands._KEPT", 100)
    sample = BrandSample()
    for row in range(5_000):
        sample.add(f"title {row}")
    assert len(sample.kept) == 100 and sample.seen == 5_000
    assert max(int(title.split()[1]) for title, _ in sample.kept) > 1_000
