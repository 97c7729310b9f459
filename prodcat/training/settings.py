"""The settings of a fit, with defaults filled in and contradictions refused."""

import os
from dataclasses import dataclass

import torch

from prodcat.classifier.classifier import Classifier
from prodcat.classifier.device import pick_device
from prodcat.classifier.loading import load
from prodcat.errors import ConfigError
from prodcat.model.config import ModelConfig, TrainingConfig
from prodcat.storage.containers import described
from prodcat.training.ranks import Ranks


@dataclass(frozen=True)
class Setup:
    """All settings of a fit, with the defaults filled in.

    Attributes:
        model: The settings of the model.
        training: The settings of the training.
        warm: The classifier to start from, or None.
        device: The device to train on.
        ranks: The number of this process, and of all processes that train together.
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
        warm_start: Classifier | str | os.PathLike[str] | None,
        device: str | torch.device | None,
    ) -> "Setup":
        """Check the settings that :func:`prodcat.fit` is given, and fill in the defaults.

        Args:
            model: The settings of the model; None for those of ``warm_start``, or the defaults.
            training: The settings of the training, or None for the defaults.
            warm_start: The classifier to start from, the URI of a saved one, or None.
            device: The device to train on; None for a GPU if there is one.

        Returns:
            All settings, with ``warm_start`` loaded and the number of this process.

        Raises:
            ConfigError: The settings contradict each other, or those of ``warm_start``, or there
                is no such device.
            ArtifactError: There is no complete classifier at ``warm_start``.
            StoreError: ``warm_start`` names a version that its store does not have.
        """
        for name, given, kind in (
            ("model", model, ModelConfig),
            ("training", training, TrainingConfig),
        ):
            if not isinstance(given, kind | None):
                raise ConfigError(f"{name} is {described(given)}; expected a {kind.__name__}.")
        ranks = Ranks.current()
        picked = pick_device(device)
        warm = warm_start
        if warm is not None and not isinstance(warm, Classifier):
            warm = load(warm, device=picked)
        model = model or (warm.model if warm is not None else ModelConfig())
        training = training or TrainingConfig()
        _check_structure(model, training)
        if warm is not None:
            _check_same_kind(model, warm.model)
        return cls(model, training, warm, picked, ranks)


def _check_structure(model: ModelConfig, training: TrainingConfig) -> None:
    if model.structure == "per_level" and training.level_weight:
        raise ConfigError(
            f"level_weight={training.level_weight} does not apply to structure='per_level', whose "
            "loss is computed at each level anyway. Set level_weight to 0."
        )


def _check_same_kind(model: ModelConfig, warm: ModelConfig) -> None:
    for name in ("encoder", "pooling", "structure", "belief_width"):
        requested, available = getattr(model, name), getattr(warm, name)
        if requested != available:
            raise ConfigError(
                f"{name}={requested!r} does not go with the classifier to start from, which has "
                f"{available!r}. Leave {name} out to use the same, or train without a warm start."
            )
