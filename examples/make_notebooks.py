"""Write the notebooks; their cells are kept here so that they can be read and changed."""

import csv
from pathlib import Path

import nbformat
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from prodcat.demo.quick_commerce import generate

# Kind and text of each cell, in their order.
QUICKSTART = [
    (
        "text",
        """\
# prodcat in ten minutes
A made-up quick-commerce shop, from titles to category paths.""",
    ),
    (
        "code",
        """\
import prodcat
from prodcat.demo.quick_commerce import generate

rows = generate(2_000, "tr")
catalog = prodcat.read_catalog(
    [{"title": r.title, "path": list(r.path), "brand": r.brand} for r in rows],
    keep=["brand"],
)
catalog""",
    ),
    ("text", "The tree, to click through:"),
    ("code", "catalog.tree"),
    ("text", "Near duplicates stay on one side of the split:"),
    (
        "code",
        """\
parts = prodcat.split(catalog, validation=0.1, test=0.2)
print(parts.audit)""",
    ),
    (
        "text",
        "N-grams alone train in seconds. Give `ModelConfig` an encoder for the whole model, e.g. "
        '`encoder="intfloat/multilingual-e5-small"`.',
    ),
    (
        "code",
        """\
classifier = prodcat.fit(
    parts.train,
    validation=parts.validation,
    model=prodcat.ModelConfig(encoder=None),
)
classifier""",
    ),
    ("text", "How good is it, and what does it confuse?"),
    (
        "code",
        """\
evaluation = classifier.evaluate(parts.test)
evaluation""",
    ),
    ("text", "Answers:"),
    (
        "code",
        """\
titles = ["Velmora yarım yağlı süt 1 L", "KIRMIZI MERCIMEK 2KG", "bebek islak mendil"]
answers = classifier.predict(titles, top_k=2)
answers""",
    ),
    ("text", "The same as a DataFrame, with the confidence at each level:"),
    ("code", "answers.to_frame()"),
    ("text", "And the categories with the most wrong answers:"),
    ("code", 'evaluation.to_frame("category").head()'),
    ("code", "evaluation.plot_categories(most=8)"),
    ("text", "Save and load, anywhere that fsspec reaches:"),
    (
        "code",
        """\
classifier.save("memory://models/tr")
again = prodcat.load("memory://models/tr")
assert again.predict(titles) == classifier.predict(titles)
again""",
    ),
]

FIRST_HOUR = [
    (
        "text",
        """\
# The first hour
A shop's own file, as Excel saves it where the decimal mark is a comma: semicolons, a byte order
mark, an article number and a price beside each product. From it to a model, a table of its
mistakes, and a file for a category manager.""",
    ),
    (
        "code",
        """\
import prodcat

look = prodcat.first_look("products.csv")
look""",
    ),
    (
        "text",
        "Which columns hold titles and categories was guessed; `title=` and `path=` say it. Each "
        "title was answered by n-grams that did not learn it. All wrong titles, the surest first; "
        "often the label is wrong:",
    ),
    ("code", "look.to_frame().head(10)"),
    ("text", "For the category manager: every wrong title with the most similar labelled one."),
    ("code", 'look.save("mistakes.xlsx")'),
    ("text", "The model that you keep. Wrong rows would be set aside and told, not lost."),
    (
        "code",
        """\
catalog = prodcat.read_catalog(
    "products.csv",
    title=look.columns.title,
    path=look.columns.path,
    separator=look.columns.separator,
    keep=["Artikelnummer"],
    on_error="aside",
)
parts = prodcat.split(catalog, validation=0, test=0.2)
model = prodcat.ModelConfig(encoder=None)  # n-grams alone; name an encoder for the whole model
classifier = prodcat.fit(parts.train, model=model, progress=False)
evaluation = classifier.evaluate(parts.test)
evaluation""",
    ),
    ("text", "Answers, with the confidence of the whole path:"),
    (
        "code",
        """\
titles = ["Velmora Vollmilch 1 L", "Rote Linsen 500g", "Feuchttücher 64 Stück"]
answers = classifier.predict(titles)
answers""",
    ),
    ("text", "Save it, and load it anywhere:"),
    (
        "code",
        """\
classifier.save("model")
prodcat.load("model").predict(titles) == answers""",
    ),
]


def write_notebook(path: Path, cells: list[tuple[str, str]]) -> None:
    """Write all cells, without outputs."""
    makers = {"text": new_markdown_cell, "code": new_code_cell}
    made = [makers[kind](text, id=f"cell-{i}") for i, (kind, text) in enumerate(cells)]
    nbformat.write(new_notebook(cells=made), path)


def write_products(path: Path) -> None:
    """Write the shop's file: semicolons, a byte order mark, decimal commas."""
    with path.open("w", encoding="utf-8-sig", newline="") as target:
        rows = csv.writer(target, delimiter=";")
        rows.writerow(["Artikelnummer", "Bezeichnung", "Warengruppe", "Marke", "Preis"])
        for number, row in enumerate(generate(1_500, "de")):
            price = f"{1 + number % 19},{number % 100:02}"
            rows.writerow([f"{number:06}", row.title, " / ".join(row.path), row.brand, price])


def write_all(folder: Path) -> None:
    """Write both notebooks and the shop's file to a folder."""
    write_notebook(folder / "quickstart.ipynb", QUICKSTART)
    write_notebook(folder / "first_hour.ipynb", FIRST_HOUR)
    write_products(folder / "products.csv")


if __name__ == "__main__":
    write_all(Path(__file__).parent)
