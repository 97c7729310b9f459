"""Retries operations on a store after temporary faults.

After a temporary fault (throttling, a lost connection) an operation is retried for ``patience``
seconds.  A permanent fault (missing rights, expired credentials, a full disk) is reported at once.
"""

import logging
import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from prodcat.errors import ArtifactError, ProdcatError, StoreError
from prodcat.storage.faults import (
    explained,
    is_corrupt,
    is_from_client,
    is_missing_bucket,
    passes,
)

logger = logging.getLogger("prodcat")
_T = TypeVar("_T")
_MOST_CORRUPT = 3  # attempts whose bytes arrive altered
_FIRST_WAIT, _LONGEST_WAIT = 0.2, 10.0  # seconds


@dataclass(frozen=True)
class Operation:
    """An operation on one object of a store.

    Attributes:
        verb: What is done to the object, such as ``"read"``, for messages.
        uri: The object's URI, for messages.
        is_local: Whether the object is a file on this machine.
        is_s3: Whether the object is in S3, or in a store with the same interface.
        patience: Seconds for which the operation is retried.
    """

    verb: str
    uri: str
    is_local: bool
    is_s3: bool
    patience: float

    def run(self, attempt: Callable[[], _T]) -> _T:
        """Attempt the operation until it succeeds.

        Args:
            attempt: Performs the operation once.

        Returns:
            The result of the first attempt that succeeds.

        Raises:
            FileNotFoundError: The object does not exist.
            ArtifactError: The object's bytes arrived altered or truncated three times.
            StoreError: The fault is permanent, or lasted longer than the patience.
        """
        began, wait, corrupt = time.monotonic(), _FIRST_WAIT, 0
        while True:
            try:
                return attempt()
            except (FileNotFoundError, ProdcatError) as error:
                if self._is_missing_place(error):
                    raise self._explained(error) from error
                raise
            except Exception as error:
                if not self._is_of_store(error):
                    raise
                corrupt += is_corrupt(error)
                if corrupt == _MOST_CORRUPT:
                    raise ArtifactError(
                        f"{self.uri!r} arrived altered or truncated {corrupt} times. The stored "
                        "object is probably damaged: write it again."
                    ) from error
                if not passes(error):
                    raise self._explained(error) from error
                spent = time.monotonic() - began
                if spent + wait > self.patience:
                    raise self._explained(error, spent) from error
                logger.info("Cannot %s %s yet (%s); retrying.", self.verb, self.uri, error)
            # The wait is random, so that many clients do not retry at the same time.
            time.sleep(wait * random.uniform(0.5, 1.0))
            wait = min(wait * 2, _LONGEST_WAIT)

    def _is_missing_place(self, error: Exception) -> bool:
        """Whether the bucket or folder of the object is missing, not just the object itself."""
        unwritable = self.verb == "write" and isinstance(error, FileNotFoundError)
        return is_missing_bucket(error) or unwritable

    def _is_of_store(self, error: Exception) -> bool:
        """Whether an error comes from the store, not from a mistake in the code."""
        wrong_option = self.is_s3 and isinstance(error, (TypeError, ValueError))
        return isinstance(error, OSError) or is_from_client(error) or wrong_option

    def _explained(self, error: Exception, seconds: float | None = None) -> StoreError:
        return explained(self.verb, self.uri, error, is_local=self.is_local, seconds=seconds)
