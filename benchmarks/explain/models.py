"""The classifiers whose answers are explained, trained once and kept in the work folder."""

from typing import TYPE_CHECKING

from benchmarks.jobs import Options
from benchmarks.quality.sets import GROUP, catalog_of, rows_of

if TYPE_CHECKING:
    from prodcat import Classifier

EPOCHS = 0  # the heads are learned in closed form, over the encoder as it was pretrained
QUICK = 600


def classifier_of(options: Options, kind: str, data: str) -> "Classifier":
    """The classifier of a set: with n-grams alone, or with the encoder too.

    Args:
        options: Where to read and write.
        kind: ``"ngrams"`` or ``"encoder"``.
        data: The set, whose train and validation rows are learned.
    """
    import prodcat

    place = options.work / f"model-{kind}-{data}"
    if (place / "manifest.json").is_file():
        return prodcat.load(str(place), device="cpu")
    rows = rows_of(options.data, data, ("train", "validation"))
    if options.quick:
        rows = rows[:QUICK]
    with_encoder = kind == "encoder"
    classifier = prodcat.fit(
        catalog_of(data, rows),
        model=prodcat.ModelConfig(encoder=str(options.encoder) if with_encoder else None),
        training=prodcat.TrainingConfig(epochs=EPOCHS, group=GROUP.get(data), baseline=False),
        device="cpu",
        progress=False,
    )
    classifier.save(str(place))
    return classifier


def test_titles(options: Options, data: str, most: int) -> list[str]:
    """Test titles of a set, evenly spaced, without repetitions."""
    titles = list(dict.fromkeys(str(row["title"]) for row in rows_of(options.data, data, ["test"])))
    step = max(len(titles) // most, 1)
    return titles[::step][:most]
