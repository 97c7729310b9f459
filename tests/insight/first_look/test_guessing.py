"""Which columns hold titles and categories is guessed by their names and their values."""

import random

import pytest

import prodcat
from prodcat.insight.first_look.guessing import guess_columns, separator_of

ROWS = 300


@pytest.fixture(scope="module")
def products():
    """Products as (number, title, department, category, brand, price, picture, unit)."""
    draw = random.Random(0)
    rows = []
    for number in range(ROWS):
        department = draw.choice(["Food", "Home", "Drinks"])
        category = f"{department} {draw.choice('ABCD')}"
        brand = draw.choice(["Acme", "Best", "Casa", "Dolce"])
        title = f"{brand} product {number} of {category} 500 g"
        price, link = round(draw.uniform(0.5, 90), 2), f"https://shop.example/{number}.jpg"
        rows.append((f"{number:05}", title, department, category, brand, price, link, "kg"))
    return rows


def table(products, **columns):
    """A table of which each column is a field of the products, or computed from them."""
    return {
        name: [row[field] if isinstance(field, int) else field(row) for row in products]
        for name, field in columns.items()
    }


def joined(mark):
    return lambda row: mark.join(row[2:4])


@pytest.mark.parametrize(
    ("columns", "title", "path"),
    [
        (
            {"sku": 0, "name": 1, "department": 2, "category": 3, "brand": 4, "price": 5},
            "name",
            "levels",
        ),
        ({"Artikelnummer": 0, "Bezeichnung": 1, "Warengruppe": joined(" / ")}, "Bezeichnung", None),
        ({"id": 0, "ürün adı": 1, "Kategori 1": 2, "Kategori 2": 3}, "ürün adı", "levels"),
        ({"ref": 0, "Libellé": 1, "Rayon": 2, "Marque": 4, "Prix": 5}, "Libellé", "Rayon"),
        ({"cod": 0, "Descripción": 1, "Familia": 2, "Categoría": 3}, "Descripción", "levels"),
        ({"SKU": 0, "Omschrijving": 1, "Productgroep": joined(" > ")}, "Omschrijving", None),
        ({"id": 0, "Denominazione": 1, "Reparto": 2, "unità": 7}, "Denominazione", "Reparto"),
        ({"id": 0, "Designação": 1, "Categoria": joined("|")}, "Designação", None),
        ({"Art": 0, "Bezeichnung": 1, "WGR 1": 2, "WGR 2": 3, "Marke": 4}, "Bezeichnung", "levels"),
        ({"cod": 0, "Nombre": 1, "Familia": 2, "Subfamilia": 3}, "Nombre", "levels"),
        (
            {"nr": 0, "Artikel": 1, "Hauptwarengruppe": 2, "Unterwarengruppe": 3},
            "Artikel",
            "levels",
        ),
        ({"unit": 7, "b": 1, "picture": 6, "c": joined(" > "), "price": 5}, "b", "c"),
    ],
)
def test_columns_are_found(products, columns, title, path):
    found = guess_columns(table(products, **columns))
    assert found.title == title
    names = list(columns)
    expected = names[2:4] if path == "levels" else path or names[2]
    assert found.path == expected


def test_shopify_s_export(products):
    body = {"Body (HTML)": lambda row: f"<p>{row[1]}</p>", "Vendor": 4, "Type": 3}
    columns = {"Handle": 0, "Title": 1, **body, "Product Category": joined(" > "), "Image": 6}
    found = guess_columns(table(products, **columns))
    assert (found.title, found.path) == ("Title", "Product Category")


def test_what_is_named_is_not_guessed(products):
    columns = {"name": 1, "brand": 4, "category": 3}
    found = guess_columns(table(products, **columns), title="name", path="brand")
    assert (found.title, found.path) == ("name", "brand")
    found = guess_columns(table(products, **columns), path=["brand", "category"])
    assert (found.title, found.path) == ("name", ["brand", "category"])


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"sku": 0, "price": 5, "category": 3}, "none that looks like titles"),
        ({"name": 1, "price": 5}, "none that looks like categories"),
        ({"name": 1, "x": 2, "y": 4}, r"several that may hold categories: \['x', 'y'\]"),
        ({"a": 1, "b": lambda row: row[1] + " new", "category": 3}, "several that may hold titles"),
    ],
)
def test_where_it_cannot_be_told_the_columns_are_listed(products, columns, message):
    with pytest.raises(prodcat.CatalogError, match=message) as raised:
        guess_columns(table(products, **columns))
    assert all(repr(name) in str(raised.value) for name in columns if name != "name")


@pytest.mark.parametrize(
    ("values", "mark"),
    [
        (["Food > Milk", "Food > Bread"], ">"),
        (["Food/Milk", "Food/Bread"], "/"),
        (["Food|Milk", "Food|Bread", "Home|Light"], "|"),
        (["Food » Milk", "Food » Bread"], "»"),
        (["Food::Milk", "Food::Bread"], "::"),
        (["Food - Milk", "Food - Bread"], "-"),
        (["Food; Milk", "Food; Bread"], ";"),
        (['["Food", "Milk"]', '["Food", "Bread"]'], ""),
        (["Nuts, salted", "Milk", "Bread"], ""),
        (["Milk/Cream", "Bread/Buns"], ""),
        ([], ""),
    ],
)
def test_separators(values, mark):
    assert separator_of(values).strip() == mark


def test_objects_are_neither_titles_nor_categories(products):
    def category(row):
        return {"id": row[3], "name": row[3]}

    columns = table(products, title=1, department=2, category=category, name=category)
    guessed = guess_columns(columns)
    assert (guessed.title, guessed.path) == ("title", "department")
    with pytest.raises(prodcat.CatalogError, match="found none that looks like categories"):
        guess_columns(table(products, title=1, category=category))
