"""Write quickstart.ipynb; the cells stand here so that they can be read and changed."""

from pathlib import Path

import nbformat
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

CELLS = [
    "# prodcat in ten minutes\nA made-up quick-commerce shop, from titles to category paths.",
    ">import prodcat\nfrom prodcat.demo.quick_commerce import generate\n\n"
    'rows = generate(2_000, "tr")\n'
    "catalog = prodcat.read_catalog(\n"
    '    [{"title": r.title, "path": list(r.path), "brand": r.brand} for r in rows],\n'
    '    keep=["brand"],\n)\ncatalog',
    "The tree, to click through:",
    ">catalog.tree",
    "Near duplicates stay on one side of the split:",
    ">parts = prodcat.split(catalog, validation=0.1, test=0.2)\nprint(parts.audit)",
    "N-grams alone train in seconds. Give `ModelConfig` an encoder for the whole model, e.g. "
    '`encoder="intfloat/multilingual-e5-small"`.',
    ">classifier = prodcat.fit(\n    parts.train,\n    validation=parts.validation,\n"
    "    model=prodcat.ModelConfig(encoder=None),\n)\nclassifier",
    "How good is it, and what does it confuse?",
    ">evaluation = classifier.evaluate(parts.test)\nevaluation",
    "Answers, with the confidence at each level:",
    ">import pandas as pd\n\n"
    'titles = ["Velmora yarım yağlı süt 1 L", "KIRMIZI MERCIMEK 2KG", "bebek islak mendil"]\n'
    "answers = classifier.predict(titles, top_k=2)\n"
    "pd.DataFrame(\n    [\n"
    '        {"title": title, "path": " > ".join(a.path), "confidence": a.confidence,\n'
    '         "by level": [round(c, 2) for c in a.level_confidences]}\n'
    "        for title, best in zip(titles, answers, strict=True)\n        for a in best\n    ]\n)",
    "Save and load, anywhere that fsspec reaches:",
    '>classifier.save("memory://models/tr")\nagain = prodcat.load("memory://models/tr")\n'
    "assert again.predict(titles) == classifier.predict(titles)\nagain",
]

notebook = new_notebook(
    cells=[
        new_code_cell(text[1:], id=f"cell-{i}")
        if text.startswith(">")
        else new_markdown_cell(text, id=f"cell-{i}")
        for i, text in enumerate(CELLS)
    ]
)
nbformat.write(notebook, Path(__file__).parent / "quickstart.ipynb")
