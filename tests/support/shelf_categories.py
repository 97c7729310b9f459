"""A small classifier that tells drinks from cleaners, by the title or by a further column."""

import itertools

import prodcat

BRANDS = ("Velmora", "Quilvo", "Banzeli", "Tarko", "Minno")
KINDS = ("lemon", "orange", "mint", "apple", "rose", "honey")
NOUNS = {
    ("Drinks", "Soft drinks"): ("drink", "soda", "tea"),
    ("Household", "Cleaning"): ("soap", "cleaner", "shampoo"),
}


def fitted(column=None):
    """The classifier; with a column, the noun is in this column and not in the title."""
    rows = []
    for path, nouns in NOUNS.items():
        for brand, noun, kind in itertools.product(BRANDS, nouns, KINDS):
            shown = noun if column is None else ""
            row = {"title": f"{brand} {shown} {kind} 500 ml", "path": list(path)}
            rows.append(row if column is None else {**row, column: noun})
    catalog = prodcat.read_catalog(rows, text=[] if column is None else [column])
    return prodcat.fit(catalog, model=prodcat.ModelConfig(encoder=None), progress=False)
