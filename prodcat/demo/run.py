"""The demo: one country from a generated catalog to answers, with every step shown."""

import csv
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from prodcat.catalog.catalog import read_catalog
from prodcat.catalog.splits import split
from prodcat.classifier.loading import load
from prodcat.demo.e5s1 import installed_encoder
from prodcat.demo.quick_commerce import GeneratedRow, generate
from prodcat.demo.scratch import write_scratch_encoder
from prodcat.evaluation.metrics import Evaluation
from prodcat.model.config import ModelConfig, TrainingConfig
from prodcat.training.fitting import fit

if TYPE_CHECKING:
    from prodcat.classifier.classifier import Prediction


def write_catalog(rows: Sequence[GeneratedRow], path: Path) -> Path:
    """Write generated rows as CSV: title, brand, language and one column for each level."""
    levels = ["department", "category", "subcategory", "type"]
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["title", "brand", "language", *levels])
        writer.writerows([row.title, row.brand, row.language, *row.path] for row in rows)
    return path


def tree_with_confidences(answers: "Sequence[tuple[str, Prediction]]") -> str:
    """Show answered titles in their tree, with the confidence at every level."""
    lines: list[str] = []
    last: tuple[str, ...] = ()
    for title, best in sorted(answers, key=lambda answer: answer[1].path):
        same = True
        for level, (name, _sure) in enumerate(zip(best.path, best.level_confidences, strict=True)):
            same = same and level < len(last) and last[level] == name
            if not same:
                lines.append(f"{'   ' * level}{name}")
            if level == len(best.path) - 1:
                steps = " ".join(f"{value:.2f}" for value in best.level_confidences)
                lines.append(f"{'   ' * (level + 1)}• {title}   [{steps}]")
        last = best.path
    return "\n".join(lines)


def run_demo(folder: str, country: str, titles: int, out: TextIO) -> Evaluation:
    """Generate a catalog, train, evaluate, save, reload and predict.

    Args:
        folder: Where the encoder, the catalog and the artifact go.
        country: A language of the generator.
        titles: How many titles to generate, test titles included.
        out: Where to show the steps.

    Returns:
        The metrics on the test titles.
    """
    began = time.perf_counter()

    def say(text: str) -> None:
        print(text, file=out, flush=True)

    def step(text: str) -> None:
        say(f"\n[{time.perf_counter() - began:5.1f} s] {text}")

    home = Path(folder)
    home.mkdir(parents=True, exist_ok=True)
    rows = generate(titles, country)
    path = write_catalog(rows, home / f"catalog-{country}.csv")
    step(f"catalog: {path}, {len(rows):,} generated titles, e.g.")
    for row in rows[:5]:
        say(f"    {row.title}  →  {' > '.join(row.path)}")

    step("encoder")
    encoder = installed_encoder(home / "encoder")
    if encoder is not None:
        say("    multilingual-e5-small, 4-bit dequantised, from the packages of prodcat[demo]")
    else:
        encoder = write_scratch_encoder([row.title for row in rows], home / "scratch-encoder")
        say("    the packages of prodcat[demo] are not installed: a small encoder from scratch")

    catalog = read_catalog(
        str(path), path=["department", "category", "subcategory", "type"], language="language"
    )
    parts = split(catalog, validation=0.1, test=0.2)
    step(f"{catalog!r}")
    say(catalog.tree.to_text(max_level=2, max_children=4))
    say(f"    split: {parts.audit}")

    step("training")
    scratch = encoder.name == "scratch-encoder"
    classifier = fit(
        parts.train,
        validation=parts.validation,
        model=ModelConfig(encoder=str(encoder)),
        training=TrainingConfig(epochs=3, frozen_layers=0.0 if scratch else 0.5),
    )
    evaluation = classifier.evaluate(parts.test)
    step(f"evaluation on {evaluation.rows:,} titles that training did not see (2 % of all")
    say("         labels are wrong on purpose, so no model can be right on all of them)\n")
    say(str(evaluation))

    artifact = str(home / f"classifier-{country}")
    classifier.save(artifact)
    again = load(artifact)
    step(f"saved to {artifact} and loaded again")

    unseen = generate(400, country, seed=1, wrong_labels=0.0)
    seldom = Counter(row.path for row in rows)
    shown = sorted(unseen, key=lambda row: seldom[row.path])[::34][:12]
    answers = [
        (row.title, best[0])
        for row, best in zip(shown, again.predict([row.title for row in shown]), strict=True)
    ]
    step("answers to new titles, with the confidence at each level\n")
    say(tree_with_confidences(answers))
    step("done")
    return evaluation
