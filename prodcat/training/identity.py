"""Fingerprints that tell whether two trainings are the same."""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from prodcat.catalog.fingerprint import fingerprint
from prodcat.errors import ConfigError
from prodcat.model.config import REMOVED_TRAINING_SETTINGS, TrainingConfig
from prodcat.model.network import Network
from prodcat.training.checkpoint import state_digest
from prodcat.training.dataset import Dataset
from prodcat.training.ranks import Ranks
from prodcat.training.settings import Setup
from prodcat.training.step_size import CPU_TOKENS, StepSize


@dataclass(frozen=True)
class Identity:
    """Everything that determines a training: its titles, tree and settings.

    Attributes:
        hashes: Hashes of the training rows and of the validation rows, uint64 [rows] each.
        settings: The settings and the hash of the tree, as values that JSON can represent.
    """

    hashes: tuple[NDArray[np.uint64], NDArray[np.uint64]]
    settings: dict[str, Any]

    @classmethod
    def of(cls, dataset: Dataset, setup: Setup) -> "Identity":
        """The identity of a training with these titles and settings.

        Args:
            dataset: The titles and the tree.
            setup: The settings of the fit.

        Raises:
            ConfigError: The processes were given different titles, trees or settings.
        """
        settings = {
            "model": asdict(setup.model),
            # With the settings of earlier versions, so that an update of prodcat retrains nothing.
            "training": decisive(setup.training) | REMOVED_TRAINING_SETTINGS,
            "tree": dataset.taxonomy.hash,
        }
        hashes = (dataset.training_rows.weighed_hashes(), dataset.validation_rows.hashes)
        identity = cls(hashes, settings)
        given = setup.ranks.collect(fingerprint(hashes, settings, ordered=True))
        if len(set(given)) > 1:
            raise ConfigError(
                "The processes were given different titles, trees or settings; expected the same "
                "in all processes that train together. Read the same files in every process."
            )
        return identity

    @property
    def fingerprint(self) -> str:
        """A hash of titles, tree and settings that does not depend on the order of the titles."""
        return fingerprint(self.hashes, self.settings, ordered=False)

    def run_fingerprint(self, ranks: Ranks, network: Network, step_size: StepSize) -> str:
        """A hash that also depends on the order of rows, number of processes and first weights.

        Args:
            ranks: The processes that train together.
            network: The network before its first step.
            step_size: The size of the batches.
        """
        start = {"processes": ranks.size, "start": state_digest(network.state_dict())}
        batches = {"batch": step_size.tokens}
        return fingerprint(self.hashes, {**self.settings, **start, **batches}, ordered=True)


def decisive(training: TrainingConfig) -> dict[str, Any]:
    """The settings that determine the weights and the calibration, by name.

    The size of a batch that suits the device counts as that of a CPU, its only value before.
    """
    settings = asdict(training)
    del settings["baseline"]
    if training.token_budget is None:
        settings["token_budget"] = CPU_TOKENS
    if training.easy_share == TrainingConfig.easy_share:  # as before this setting existed
        del settings["easy_share"]
    if training.group is None:  # as before this setting existed
        del settings["group"]
    return settings
