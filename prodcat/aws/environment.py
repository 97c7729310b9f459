"""What the environment of a container says of how to serve."""

import os
from collections.abc import Callable, Mapping
from functools import partial
from typing import cast, get_args

from prodcat.classifier.classifier import Classifier
from prodcat.classifier.loading import load
from prodcat.cli.models import named_keys
from prodcat.decisions.options import ReadingPrecision
from prodcat.errors import ConfigError
from prodcat.serving.media import Limits
from prodcat.serving.payload import TITLES, is_batch, most_payload

_PRECISIONS = get_args(ReadingPrecision)


def limits_of(environment: Mapping[str, str] = os.environ) -> Limits:
    """Of a request.

    Raises:
        ConfigError: A variable is no number.
    """
    titles = environment.get("PRODCAT_MAX_TITLES", TITLES[is_batch(environment)])
    payload = most_payload(environment)
    try:
        found = Limits(int(float(payload) * (1 << 20)), int(titles))
    except (ValueError, OverflowError) as error:
        raise ConfigError(
            f"SAGEMAKER_MAX_PAYLOAD_IN_MB is {payload!r} and PRODCAT_MAX_TITLES {titles!r}; "
            "expected numbers."
        ) from error
    if found.body <= 0 or found.titles <= 0:
        raise ConfigError(f"Found {found}; expected limits above 0.")
    return found


def opener_of(environment: Mapping[str, str] = os.environ) -> Callable[..., Classifier]:
    """What loads models: through ``PRODCAT_CACHE``, and signed ones alone with ``PRODCAT_KEYS``."""
    return partial(load, cache=environment.get("PRODCAT_CACHE"), keys=named_keys())


def precision_of(environment: Mapping[str, str] = os.environ) -> ReadingPrecision:
    """Of encoders.

    Raises:
        ConfigError: There is no such precision.
    """
    said = environment.get("PRODCAT_PRECISION", "auto")
    if said not in _PRECISIONS:
        raise ConfigError(f"PRODCAT_PRECISION is {said!r}; expected one of {list(_PRECISIONS)}.")
    return cast(ReadingPrecision, said)
