"""A classifier whose tree was changed in every way."""

import json

import prodcat
from prodcat.testing import tiny_classifier

BEFORE = [
    "Home > Knives & Forks", "Home > Soap", "Toys > Cars", "Toys > Trucks", "Food > Milk",
]  # fmt: skip
# What each category has become; kites were added.
BECAME = {
    "Home > Knives & Forks": ["Home > Knives", "Home > Forks"],
    "Toys > Cars": ["Toys > Vehicles"],
    "Toys > Trucks": ["Toys > Vehicles"],
}
AFTER = ["Home > Knives", "Home > Forks", "Home > Soap", "Toys > Vehicles", "Toys > Kites",
         "Food > Milk"]  # fmt: skip
TITLES = {
    "Home > Knives": "sharp blade", "Home > Forks": "four prongs", "Toys > Kites": "windy tail",
    "Home > Soap": "Velmora Soap", "Toys > Vehicles": "Velmora Cars",
}  # fmt: skip


def divided_classifier(folder):
    """Knives and forks are split and kites added, which titles teach; cars and trucks are one."""
    classifier = tiny_classifier(BEFORE)
    old, new = classifier.taxonomy, prodcat.Taxonomy.from_paths(AFTER)
    rows = []
    for names in old.paths:
        path = " > ".join(names)
        targets = BECAME.get(path, [path])
        kind = "split" if len(targets) > 1 else "same" if targets == [path] else "merged"
        rows += [{"kind": kind, "old_path": path, "new_path": target} for target in targets]
    table = folder / "changes.json"
    table.write_text(json.dumps(rows))
    given = [
        {"title": f"{words} {n}", "path": path} for path, words in TITLES.items() for n in range(12)
    ]
    catalog = prodcat.read_catalog(given, taxonomy=new)
    return classifier.migrate(prodcat.TreeChanges.read(table, old, new), catalog)[0]
