"""Write quickstart.ipynb; the cells are kept here so that they can be read and changed."""

from pathlib import Path

import nbformat
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

# Kind and text of each cell, in their order.
CELLS = [
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
    ("text", "Answers, with the confidence at each level:"),
    (
        "code",
        """\
import pandas as pd

titles = ["Velmora yarım yağlı süt 1 L", "KIRMIZI MERCIMEK 2KG", "bebek islak mendil"]
answers = classifier.predict(titles, top_k=2)
pd.DataFrame(
    [
        {
            "title": title,
            "path": " > ".join(a.path),
            "confidence": a.confidence,
            "by level": [round(c, 2) for c in a.level_confidences],
        }
        for title, best in zip(titles, answers, strict=True)
        for a in best
    ]
)""",
    ),
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


def write_notebook(path: Path) -> None:
    """Write all cells, without outputs."""
    makers = {"text": new_markdown_cell, "code": new_code_cell}
    cells = [makers[kind](text, id=f"cell-{i}") for i, (kind, text) in enumerate(CELLS)]
    nbformat.write(new_notebook(cells=cells), path)


if __name__ == "__main__":
    write_notebook(Path(__file__).with_name("quickstart.ipynb"))
