"""Runs the demo, which shows each step from a generated catalog of one country to answers."""

import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from prodcat.catalog.reading import read_catalog
from prodcat.catalog.splits import Split, split
from prodcat.classifier.loading import load
from prodcat.demo.csv_catalog import LEVELS, write_catalog
from prodcat.demo.e5s1 import installed_encoder
from prodcat.demo.folders import made_folder
from prodcat.demo.quick_commerce import LANGUAGES, GeneratedRow, generate
from prodcat.demo.scratch import write_scratch_encoder
from prodcat.errors import ConfigError
from prodcat.model.config import ModelConfig, TrainingConfig
from prodcat.text_encoding import for_terminal
from prodcat.training.fitting import fit

if TYPE_CHECKING:
    from prodcat.classifier.classifier import Classifier
    from prodcat.classifier.prediction import Prediction


def tree_with_confidences(answers: "Sequence[tuple[str, Prediction]]") -> str:
    """Arrange titles by the paths of their answers, with the confidence at each level.

    Args:
        answers: Pairs of a title and its prediction.

    Returns:
        The tree as indented text.
    """
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


def run_demo(folder: str, country: str, titles: int, out: TextIO) -> Any:
    """Generate a catalog, train, evaluate, save, reload and predict.

    Args:
        folder: The folder for the encoder, the catalog and the artifact; created if it does not
            exist.
        country: The language code of the country, one of
            :data:`prodcat.demo.quick_commerce.LANGUAGES`.
        titles: The number of titles to generate, including test titles.
        out: The stream to which the steps are written.

    Returns:
        The :class:`prodcat.Evaluation` on the test titles.

    Raises:
        ConfigError: The country is not known, or others can write to the folder.
    """
    if country not in LANGUAGES:
        raise ConfigError(f"country {country!r} is not known; expected one of {list(LANGUAGES)}.")
    story = _Story(out)
    home = made_folder(Path(folder))
    rows = generate(titles, country)
    path = write_catalog(rows, home / f"catalog-{country}.csv")
    story.step(f"catalog: {path}, {len(rows):,} generated titles, e.g.")
    for row in rows[:5]:
        story.say(f"    {row.title}  →  {' > '.join(row.path)}")
    encoder = _encoder(rows, home, story)
    parts = _read_and_split(path, story)
    classifier = _train(parts, encoder, story)
    evaluation = classifier.evaluate(parts.test)
    story.step(f"evaluation on {evaluation.rows:,} titles that training did not see (2 % of all")
    story.say("         labels are wrong on purpose, so no model can be right on all of them)\n")
    story.say(str(evaluation))
    artifact = str(home / f"classifier-{country}")
    classifier.save(artifact)
    loaded = load(artifact)
    story.step(f"saved to {artifact} and loaded again")
    answers = _answers(loaded, rows, country)
    story.step("answers to new titles, with the confidence at each level\n")
    story.say(tree_with_confidences(answers))
    story.step("done")
    return evaluation


class _Story:
    """Writes the steps of the demo to a stream, each with the seconds since the demo began."""

    def __init__(self, out: TextIO) -> None:
        self.out = out
        self.began = time.perf_counter()

    def say(self, text: str) -> None:
        print(for_terminal(text, lines=True), file=self.out, flush=True)

    def step(self, text: str) -> None:
        self.say(f"\n[{time.perf_counter() - self.began:5.1f} s] {text}")


def _encoder(rows: Sequence[GeneratedRow], home: Path, story: _Story) -> Path:
    """Write the pretrained encoder if its packages are installed, else a small random one."""
    story.step("encoder")
    encoder = installed_encoder(home / "encoder")
    if encoder is not None:
        story.say(
            "    multilingual-e5-small, 4-bit dequantised, from the packages of prodcat[demo]"
        )
        return encoder
    encoder = write_scratch_encoder([row.title for row in rows], home / "scratch-encoder")
    story.say("    the packages of prodcat[demo] are not installed: a small encoder from scratch")
    return encoder


def _read_and_split(path: Path, story: _Story) -> Split:
    catalog = read_catalog(str(path), path=list(LEVELS), language="language")
    parts = split(catalog, validation=0.1, test=0.2)
    story.step(f"{catalog!r}")
    story.say(catalog.tree.to_text(max_level=2, max_children=4))
    story.say(f"    split: {parts.audit}")
    return parts


def _train(parts: Split, encoder: Path, story: _Story) -> "Classifier":
    story.step("training")
    scratch = encoder.name == "scratch-encoder"
    return fit(
        parts.train,
        validation=parts.validation,
        model=ModelConfig(encoder=str(encoder)),
        training=TrainingConfig(epochs=3, frozen_layers=0.0 if scratch else 0.5),
    )


def _answers(
    classifier: "Classifier", rows: Sequence[GeneratedRow], country: str
) -> "list[tuple[str, Prediction]]":
    """Predict new titles, most of them of rare categories.

    Returns:
        Pairs of a title and its best prediction.
    """
    unseen = generate(400, country, seed=1, wrong_labels=0.0)
    frequency = Counter(row.path for row in rows)
    shown = sorted(unseen, key=lambda row: frequency[row.path])[::34][:12]
    titles = [row.title for row in shown]
    return [
        (title, best[0]) for title, best in zip(titles, classifier.predict(titles), strict=True)
    ]
