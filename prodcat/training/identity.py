"""Fingerprints of what decides a training, which tell whether two trainings are the same."""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from prodcat.catalog.fingerprint import fingerprint
from prodcat.errors import ConfigError
from prodcat.model.config import REMOVED_TRAINING_SETTINGS
from prodcat.model.network import Network
from prodcat.training.checkpoint import state_digest
from prodcat.training.dataset import Dataset
from prodcat.training.ranks import Ranks
from prodcat.training.settings import Setup


@dataclass(frozen=True)
class Identity:
    """What decides a training: its titles, tree and settings.

    Attributes:
        hashes: Hashes of the training rows and of the validation rows, uint64 [rows] each.
        settings: Everything else that decides what is learned, in values that JSON can hold.
    """

    hashes: tuple[NDArray[np.uint64], NDArray[np.uint64]]
    settings: dict[str, Any]

    @classmethod
    def of(cls, dataset: Dataset, setup: Setup) -> "Identity":
        """What decides a training with these titles and settings.

        Raises:
            ConfigError: The processes were given different titles, trees or settings.
        """
        settings = {
            "model": asdict(setup.model),
            # As earlier versions had them: an unchanged job trains nothing after an update.
            "training": asdict(setup.training) | REMOVED_TRAINING_SETTINGS,
            "tree": dataset.taxonomy.hash,
        }
        hashes = (dataset.training_rows.weighed_hashes(), dataset.validation_rows.hashes)
        identity = cls(hashes, settings)
        given = setup.ranks.collect(fingerprint(hashes, settings, ordered=True))
        if len(set(given)) > 1:
            raise ConfigError(
                "The processes were given different titles, trees or settings; expected the same "
                "for all, which then share the work. Read the same files in every process."
            )
        return identity

    @property
    def fingerprint(self) -> str:
        """A hash that is equal for equal titles in any order, with the same tree and settings."""
        return fingerprint(self.hashes, self.settings, ordered=False)

    def run_fingerprint(self, ranks: Ranks, network: Network) -> str:
        """A hash that depends on the order of the rows, the processes and the first weights too.

        Args:
            ranks: The processes that train together.
            network: The network before its first step.
        """
        start = {"processes": ranks.size, "start": state_digest(network.state_dict())}
        return fingerprint(self.hashes, {**self.settings, **start}, ordered=True)
