"""A training that diverges: its loss or its scores are no finite numbers any more."""

import logging

from prodcat.classifier.records import EpochResult
from prodcat.errors import EncoderError
from prodcat.model.config import TrainingConfig

logger = logging.getLogger("prodcat")
_RATES = ("learning_rate", "head_learning_rate")
_LOWER = 10  # divisor of a rate that is not above its default


def tell_divergence(
    step: int, steps: int, epoch: int, best: EpochResult, config: TrainingConfig
) -> None:
    """Log that a training diverged, what its result is, and what to lower.

    Args:
        step: The number of the first step whose loss was not finite, from 1; or of the last step,
            if only the scores of the validation titles are not finite.
        steps: The number of steps of the whole training.
        epoch: The epoch in which it diverged.
        best: The result of the best epoch before, whose weights are kept.
        config: The settings of the training.
    """
    kept = "epoch 0, before the first step" if best.epoch == 0 else f"epoch {best.epoch}"
    logger.warning(
        "The training diverged at step %d of %d, in epoch %d: its loss is no finite number any "
        "more. The result is that of %s (path accuracy %.4f on the validation titles). To train "
        "on, lower the learning rate: %s.",
        step,
        steps,
        epoch,
        kept,
        best.path_accuracy,
        advice(config),
    )


def advice(config: TrainingConfig) -> str:
    """What to lower, in the words of Python and of the command line.

    >>> advice(TrainingConfig(learning_rate=10.0))
    'TrainingConfig(learning_rate=0.0004) or --learning-rate 0.0004, where it is 10'
    """
    usual = TrainingConfig()
    high = [name for name in _RATES if getattr(config, name) > getattr(usual, name)] or _RATES
    lower = {
        name: min(getattr(usual, name), getattr(config, name) / _LOWER)
        if getattr(config, name) <= getattr(usual, name)
        else getattr(usual, name)
        for name in high
    }
    named = ", ".join(f"{name}={value:g}" for name, value in lower.items())
    options = " ".join(f"--{name.replace('_', '-')} {value:g}" for name, value in lower.items())
    current = " and ".join(f"{getattr(config, name):g}" for name in lower)
    verb = "it is" if len(lower) == 1 else "they are"
    return f"TrainingConfig({named}) or {options}, where {verb} {current}"


def refuse_start(precision: str) -> EncoderError:
    """The error for an encoder whose scores are not finite before the first step.

    Args:
        precision: The precision of the encoder.
    """
    other = (
        " Train with precision='float32' (--precision float32)." if precision != "float32" else ""
    )
    return EncoderError(
        "The encoder gives values for the validation titles that are no finite numbers, before "
        f"the first step of the training; expected finite ones.{other} Check that its files are "
        "undamaged, or use another encoder."
    )
