"""What the environment says: of models, of torchrun's processes, and of how to serve.

The commands take from here what their options do not say, and AWS's own servers take all that is
about serving.  Nothing large is imported here, as the parser of the command line needs some of it.
"""

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

TITLES = ("4096", "1000000")  # of a request: usually, and in containers of Batch Transform
_UNLIMITED = "1024"  # SageMaker says 0 where bodies have no limit


def cache_folder() -> str | None:
    """The folder that PRODCAT_CACHE names, in which downloads are kept; None where it is unset."""
    return os.environ.get("PRODCAT_CACHE")


def store_uri() -> str | None:
    """The store that PRODCAT_STORE names, or None where it is unset."""
    return os.environ.get("PRODCAT_STORE")


def named_keys() -> "list[Key] | None":
    """The keys in the files that PRODCAT_KEYS names, or None where it names none."""
    from prodcat.storage.signature import Key

    return [Key.from_file(path) for path in key_paths()] or None


def key_paths() -> list[str]:
    """The files that PRODCAT_KEYS names."""
    return [path for path in os.environ.get("PRODCAT_KEYS", "").split(os.pathsep) if path]


def world_size() -> int:
    """How many processes torchrun started to train together; 1 without it."""
    return int(os.environ.get("WORLD_SIZE", "1"))


def local_rank() -> str:
    """The number of this process among those of torchrun on this machine."""
    return os.environ.get("LOCAL_RANK", "0")


def switch_off_ray_statistics() -> None:
    """Keep Ray from sending statistics of its use, unless the environment says what it may."""
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")


def bind_port() -> str:
    """The port that SageMaker wants a server to listen at, as text; 8080 outside of it."""
    return os.environ.get("SAGEMAKER_BIND_TO_PORT", "8080")


def serves_many() -> bool:
    """Whether SageMaker wants a server of many models."""
    return os.environ.get("SAGEMAKER_MULTI_MODEL", "").lower() == "true"


def server_setting(variable: str, usual: str) -> str:
    """A setting of the server, as text.

    SageMaker starts containers without options, so each of these options has a variable.

    Args:
        variable: The name of the variable.
        usual: The value where it is unset.
    """
    return os.environ.get(variable, usual)


def is_batch(environment: Mapping[str, str] = os.environ) -> bool:
    """Whether this is a container of Batch Transform."""
    return environment.get("SAGEMAKER_BATCH", "").lower() == "true"


def most_payload(environment: Mapping[str, str] = os.environ) -> str:
    """Megabytes that a request may have, as text."""
    megabytes = environment.get("SAGEMAKER_MAX_PAYLOAD_IN_MB", "6").strip()
    return _UNLIMITED if megabytes == "0" else megabytes


def limits_of(environment: Mapping[str, str] = os.environ) -> Limits:
    """What a request may be.

    Raises:
        ConfigError: A variable is no number.
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
    """Whether Batch Transform puts many records into one request."""
    return environment.get("SAGEMAKER_BATCH_STRATEGY", "MULTI_RECORD")


def named_model(environment: Mapping[str, str] = os.environ) -> str:
    """The model that a container is to serve: ``PRODCAT_MODEL``, or what SageMaker unpacked.

    Raises:
        ConfigError: There is none.
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
    """Bytes that models may take, as ``PRODCAT_MEMORY_MB`` says; None if it says nothing.

    Raises:
        ValueError: It is no number of megabytes.
    """
    text = environment.get("PRODCAT_MEMORY_MB")
    if not text:
        return None
    try:
        megabytes = float(text)
        if not 0 < megabytes < float("inf"):
            raise ValueError
    except ValueError:
        raise ValueError(
            f"PRODCAT_MEMORY_MB is {text!r}; expected a number of megabytes above 0."
        ) from None
    return int(megabytes * (1 << 20))


def precision_of(environment: Mapping[str, str] = os.environ) -> ReadingPrecision:
    """The precision of encoders.

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
    """What loads models: through ``PRODCAT_CACHE``, and signed ones alone with ``PRODCAT_KEYS``."""
    from prodcat.classifier.loading import load

    return partial(load, cache=environment.get("PRODCAT_CACHE"), keys=named_keys())
