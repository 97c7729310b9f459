"""What decides a training, as fingerprints: is it the same as another one?"""

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
    """Titles, tree and settings of a training.

    Attributes:
        hashes: uint64 [rows]: of the training rows, and of the rows to validate on.
        settings: All else that decides what is learned, as JSON can hold it.
    """

    hashes: tuple[NDArray[np.uint64], NDArray[np.uint64]]
    settings: dict[str, Any]

    @classmethod
    def of(cls, dataset: Dataset, setup: Setup) -> "Identity":
        """What decides a training with these titles and settings.

        Raises:
            ConfigError: Another process was given something else.
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
        """The same for the same titles in any order, with the same tree and settings."""
        return fingerprint(self.hashes, self.settings, ordered=False)

    def run_fingerprint(self, ranks: Ranks, network: Network) -> str:
        """What decides a run step by step: the order of the rows too, and what it starts from.

        Args:
            ranks: The processes that train together.
            network: The network before anything of it is trained.
        """
        start = {"processes": ranks.size, "start": state_digest(network.state_dict())}
        return fingerprint(self.hashes, {**self.settings, **start}, ordered=True)
