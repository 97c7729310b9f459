"""The settings of a fit: defaults are filled in, and contradictions are refused."""

from dataclasses import dataclass

import torch

from prodcat.classifier.classifier import Classifier
from prodcat.classifier.device import pick_device
from prodcat.classifier.loading import load
from prodcat.errors import ConfigError
from prodcat.model.config import ModelConfig, TrainingConfig
from prodcat.training.ranks import Ranks


@dataclass(frozen=True)
class Setup:
    """All settings of a fit, with the defaults filled in.

    Attributes:
        model: What the model is made of.
        training: How it is trained.
        warm: The classifier to start from, or None.
        device: Where to train.
        ranks: This process among those that train together.
    """

    model: ModelConfig
    training: TrainingConfig
    warm: Classifier | None
    device: torch.device
    ranks: Ranks

    @classmethod
    def of(
        cls,
        model: ModelConfig | None,
        training: TrainingConfig | None,
        warm_start: Classifier | str | None,
        device: str | torch.device | None,
    ) -> "Setup":
        """Check the settings that :func:`prodcat.fit` is given, and fill in the defaults.

        Args:
            model: What the model is made of; None for the settings of ``warm_start``.
            training: How it is trained, or None for the defaults.
            warm_start: The classifier to start from, the place where one is saved, or None.
            device: Where to train; None for a GPU if there is one.

        Raises:
            ConfigError: The settings contradict each other, or those of ``warm_start``.
            ArtifactError: There is no complete classifier at ``warm_start``.
        """
        ranks = Ranks.current()
        picked = pick_device(device)
        warm = load(warm_start, device=picked) if isinstance(warm_start, str) else warm_start
        model = model or (warm.model if warm is not None else ModelConfig())
        training = training or TrainingConfig()
        _check_structure(model, training)
        if warm is not None:
            _check_same_kind(model, warm.model)
        return cls(model, training, warm, picked, ranks)


def _check_structure(model: ModelConfig, training: TrainingConfig) -> None:
    if model.structure == "per_level" and training.level_weight:
        raise ConfigError(
            "structure='per_level' has a loss of its own at each level; level_weight does not "
            "apply. Set it to 0."
        )


def _check_same_kind(model: ModelConfig, warm: ModelConfig) -> None:
    for name in ("encoder", "pooling", "structure", "belief_width"):
        requested, available = getattr(model, name), getattr(warm, name)
        if requested != available:
            raise ConfigError(
                f"{name}={requested!r} does not go with the classifier to start from, which has "
                f"{available!r}. Leave model= out to take over its settings, or train without "
                "warm_start."
            )
