"""Settings from environment variables: models, the processes of torchrun, and the server.

The commands use them where an option is not given, and AWS's servers, which have no options, use
all of those about serving.  No large package is imported here, as the parser of the command line
needs some of the settings.
"""

import math
import os
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, cast

from prodcat.decisions.options import PRECISIONS, ReadingPrecision
from prodcat.errors import ConfigError
from prodcat.serving.settings import Limits

if TYPE_CHECKING:
    from prodcat.classifier.classifier import Classifier
    from prodcat.storage.signature import Key

TITLES = ("4096", "1000000")  # most titles in a request: usually, and in Batch Transform
_UNLIMITED = "1024"  # megabytes where SageMaker sets 0, for bodies without a limit


def cache_folder() -> str | None:
    """The folder in PRODCAT_CACHE, in which downloads are kept; None if it is not set."""
    return os.environ.get("PRODCAT_CACHE")


def store_uri() -> str | None:
    """The URI of the store in PRODCAT_STORE, or None if it is not set."""
    return os.environ.get("PRODCAT_STORE")


def named_keys() -> "list[Key] | None":
    """The keys in the files that PRODCAT_KEYS names, or None if it names no file."""
    from prodcat.storage.signature import Key

    return [Key.from_file(path) for path in key_paths()] or None


def key_paths() -> list[str]:
    """The files that PRODCAT_KEYS names."""
    return [path for path in os.environ.get("PRODCAT_KEYS", "").split(os.pathsep) if path]


def world_size() -> int:
    """The number of processes that torchrun started to train together; 1 without torchrun."""
    return int(os.environ.get("WORLD_SIZE", "1"))


def local_rank() -> str:
    """The number of this process among torchrun's processes on this machine."""
    return os.environ.get("LOCAL_RANK", "0")


def switch_off_ray_statistics() -> None:
    """Keep Ray from sending usage statistics, unless the environment already sets this."""
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")


def bind_port() -> str:
    """The port at which SageMaker expects the server, as text; 8080 outside of SageMaker."""
    return os.environ.get("SAGEMAKER_BIND_TO_PORT", "8080")


def serves_many() -> bool:
    """Whether SageMaker expects a server of many models."""
    return os.environ.get("SAGEMAKER_MULTI_MODEL", "").lower() == "true"


def server_setting(variable: str, usual: str) -> str:
    """A setting of the server, as text.

    SageMaker starts containers without options, so these options can also be set by variables.

    Args:
        variable: The name of the variable.
        usual: The value if the variable is not set.
    """
    return os.environ.get(variable, usual)


def is_batch(environment: Mapping[str, str] = os.environ) -> bool:
    """Whether this is a container of Batch Transform."""
    return environment.get("SAGEMAKER_BATCH", "").lower() == "true"


def most_payload(environment: Mapping[str, str] = os.environ) -> str:
    """The most megabytes in a request, as text."""
    megabytes = environment.get("SAGEMAKER_MAX_PAYLOAD_IN_MB", "6").strip()
    return _UNLIMITED if megabytes == "0" else megabytes


def limits_of(environment: Mapping[str, str] = os.environ) -> Limits:
    """The limits of a request.

    Raises:
        ConfigError: A variable is not a number, or is not above 0.
    """
    titles = environment.get("PRODCAT_MAX_TITLES", TITLES[is_batch(environment)])
    payload = most_payload(environment)
    try:
        limits = Limits(int(float(payload) * (1 << 20)), int(titles))
    except (ValueError, OverflowError) as error:
        raise ConfigError(
            f"SAGEMAKER_MAX_PAYLOAD_IN_MB is {payload!r} and PRODCAT_MAX_TITLES {titles!r}; "
            "expected numbers."
        ) from error
    if limits.body <= 0 or limits.titles <= 0:
        raise ConfigError(f"Found {limits}; expected limits above 0.")
    return limits


def batch_strategy(environment: Mapping[str, str] = os.environ) -> str:
    """How Batch Transform puts records into requests: ``"MULTI_RECORD"`` or ``"SINGLE_RECORD"``."""
    return environment.get("SAGEMAKER_BATCH_STRATEGY", "MULTI_RECORD")


def named_model(environment: Mapping[str, str] = os.environ) -> str:
    """The model that a container serves: ``PRODCAT_MODEL``, or the folder that SageMaker unpacked.

    Raises:
        ConfigError: Neither is there.
    """
    if environment.get("PRODCAT_MODEL"):
        return environment["PRODCAT_MODEL"]
    folder = Path(environment.get("SAGEMAKER_BASE_DIR", "/opt/ml"), "model")
    if folder.is_dir():
        return str(folder)
    raise ConfigError(
        f"Found no model: no --model, no PRODCAT_MODEL in the environment and no {folder}; "
        "expected one of them."
    )


def memory_setting(environment: Mapping[str, str] = os.environ) -> int | None:
    """The most bytes that models may take, from ``PRODCAT_MEMORY_MB``; None if it is not set.

    Raises:
        ConfigError: The variable is not a number of megabytes above 0.
    """
    text = environment.get("PRODCAT_MEMORY_MB")
    return bytes_of("PRODCAT_MEMORY_MB", text) if text else None


def bytes_of(name: str, megabytes: str | float) -> int:
    """Convert megabytes to bytes.

    Args:
        name: The variable or the option that sets the number, for the message.
        megabytes: The number, perhaps as text.

    Raises:
        ConfigError: It is not a finite number above 0.

    >>> bytes_of("--memory", "1.5")
    1572864
    """
    try:
        number = float(megabytes)
    except ValueError:
        number = math.nan
    if not 0 < number < math.inf:
        raise ConfigError(f"{name} is {megabytes!r}; expected a number of megabytes above 0.")
    return int(number * (1 << 20))


def precision_of(environment: Mapping[str, str] = os.environ) -> ReadingPrecision:
    """The precision in which encoders are run, from ``PRODCAT_PRECISION``.

    Raises:
        ConfigError: There is no such precision.
    """
    precision = environment.get("PRODCAT_PRECISION", "auto")
    if precision not in PRECISIONS:
        raise ConfigError(
            f"PRODCAT_PRECISION is {precision!r}; expected one of {list(PRECISIONS)}."
        )
    return cast(ReadingPrecision, precision)


def opener_of(environment: Mapping[str, str] = os.environ) -> "Callable[..., Classifier]":
    """A function that loads models with the cache in ``PRODCAT_CACHE`` and ``PRODCAT_KEYS``."""
    from prodcat.classifier.loading import load

    return partial(load, cache=environment.get("PRODCAT_CACHE"), keys=named_keys())
