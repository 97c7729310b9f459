"""``prodcat train --compare``: what each encoder is worth on the user's rows, and what it costs."""

import argparse
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from prodcat.cli.output import note, say, show
from prodcat.cli.settings import given_settings, text_or_none
from prodcat.cli.version_tables import aligned
from prodcat.cli.wording import in_words_of_options
from prodcat.errors import ConfigError, EncoderError

if TYPE_CHECKING:
    from prodcat.catalog.catalog import Catalog
    from prodcat.classifier.classifier import Classifier

_TIMED = 512  # titles that are answered to measure the speed
_HELD_OUT = 0.2  # share of the titles on which encoders are compared


@dataclass(frozen=True)
class _Tried:
    """A classifier with one of the encoders.

    Attributes:
        name: The name of the encoder, or ``none``.
        evaluation: Its results on the titles that were held out.
        seconds: How long the training took.
        speed: The titles that it answers in a second.
    """

    name: str
    evaluation: Any
    seconds: float
    speed: float


def encoder_names(text: str) -> list[str]:
    """The encoders that ``--compare`` names, separated by commas.

    Raises:
        ConfigError: Fewer than two are named, or one is named twice.
    """
    names = [name.strip() for name in text.split(",") if name.strip()]
    if len(names) < 2 or len(set(names)) < len(names):
        raise ConfigError(
            f"--compare is {text!r}; expected at least two different encoders, separated by "
            "commas, such as --compare intfloat/multilingual-e5-small,none."
        )
    return names


def compare_encoders(
    options: argparse.Namespace, catalog: "Catalog", validation: "Catalog | None"
) -> None:
    """Train with each encoder on the same titles, and print what each is worth and costs.

    Args:
        options: The parsed options of ``prodcat train``.
        catalog: The titles with categories.
        validation: The titles to compare on; None to hold out a fifth of the catalog.

    Raises:
        ConfigError: Fewer than two encoders are named, or none of them can be used.
        CatalogError: There are too few labelled titles.
    """
    from prodcat.catalog.splits import split
    from prodcat.model.config import TrainingConfig

    names = encoder_names(options.compare)
    where = "the titles of --validation"
    if validation is None:
        training = given_settings(options, TrainingConfig)
        parts = split(
            catalog,
            validation=0.0,
            test=_HELD_OUT,
            by="random" if training.group is None else "group",
            column=training.group,
            seed=training.seed,
        )
        catalog, validation = parts.train, parts.test
        where = f"{len(validation):,} titles, a fifth, that none of them learned"
    tried = list(_trained(options, names, catalog, validation))
    if not tried:
        raise ConfigError("None of the encoders of --compare can be used; see the messages above.")
    best = max(tried, key=lambda each: each.evaluation.path_accuracy)
    show(f"compared on {where}:\n")
    show(aligned([_line(each, best) for each in tried]))
    options.facts.update(best=best.name)
    show(f"\n{_advice(tried, best)}")


def _trained(
    options: argparse.Namespace, names: list[str], catalog: "Catalog", validation: "Catalog"
) -> "Iterator[_Tried]":
    """Train and measure with one encoder after the other; one that cannot be loaded is told."""
    from prodcat.model.config import ModelConfig, TrainingConfig
    from prodcat.training.fitting import fit

    model = given_settings(options, ModelConfig)
    training = replace(given_settings(options, TrainingConfig), baseline=False)
    for name in names:
        note(f"training with {name if text_or_none(name) else 'n-grams alone'}")
        began = time.perf_counter()
        try:
            classifier = fit(
                catalog,
                model=replace(model, encoder=name),
                training=training,
                device=options.device,
                progress=not options.quiet,
            )
        except EncoderError as error:
            reason = in_words_of_options(str(error), options.parser.options)
            say(f"{name} is left out: {reason}")
            continue
        seconds = time.perf_counter() - began
        yield _Tried(name, classifier.evaluate(validation), seconds, _speed(classifier, validation))


def _speed(classifier: "Classifier", titles: "Catalog") -> float:
    """How many titles a classifier answers in a second."""
    import numpy as np

    timed = titles.take(np.arange(min(len(titles), _TIMED)))
    classifier.predict(timed.take(np.arange(1)))
    began = time.perf_counter()
    classifier.predict(timed)
    return len(timed) / (time.perf_counter() - began)


def _line(each: _Tried, best: _Tried) -> dict[str, str]:
    evaluation = each.evaluation
    return {
        "ENCODER": each.name,
        "WHOLE PATH": f"{evaluation.path_accuracy:.1%}",
        "LEVEL 1": f"{evaluation.level_accuracy[0]:.1%}",
        "AGAINST THE BEST": "" if each is best else _difference(each, best),
        "SECONDS TO TRAIN": f"{each.seconds:.0f}",
        "TITLES PER SECOND": f"{each.speed:,.0f}",
    }


def _difference(each: _Tried, best: _Tried) -> str:
    """The difference in path accuracy from the best one, in points, with its 95 % interval."""
    between = each.evaluation.compare(best.evaluation).differences["path_accuracy"]
    low, high = 100 * between.low, 100 * between.high
    return f"{100 * between.value:+.1f} [{low:+.1f}, {high:+.1f}]"


def _advice(tried: list[_Tried], best: _Tried) -> str:
    """Which encoder to use: the fastest of those that are as good as the best one."""
    good = [
        each
        for each in tried
        if each is best
        or each.evaluation.compare(best.evaluation).differences["path_accuracy"].high >= 0
    ]
    fastest = max(good, key=lambda each: each.speed)
    if fastest is best:
        return f"best: --encoder {best.name}"
    return (
        f"--encoder {fastest.name} is not worse than {best.name} by more than chance, and answers "
        f"{fastest.speed / best.speed:.1f} times as many titles in a second"
    )
