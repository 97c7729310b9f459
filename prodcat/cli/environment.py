"""Reads settings from environment variables: the store, the server, and torchrun's processes.

Commands use them if an option is not given.  AWS's servers, which are started without options, use
all settings of the server.  No large package is imported here, as the parser of the command line
needs some of the settings.
"""

import math
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, cast

from prodcat.cli.secrets import secret_key_files
from prodcat.cli.variables import named, number_of, says_yes
from prodcat.decisions.options import PRECISIONS, ReadingPrecision
from prodcat.errors import ConfigError
from prodcat.serving.settings import Limits

if TYPE_CHECKING:
    from prodcat.classifier.classifier import Classifier
    from prodcat.serving.access import Access
    from prodcat.storage.signature import Key

TITLES = ("4096", "1000000")  # maximum titles in a request: usually, and in Batch Transform
# SageMaker sets at least one of these variables for many containers.
_SAGEMAKER = (
    "SAGEMAKER_BIND_TO_PORT",
    "SAGEMAKER_SAFE_PORT_RANGE",
    "SAGEMAKER_MULTI_MODEL",
    "SAGEMAKER_BATCH",
)
_LONGEST_TOKEN = 2_048  # characters
_STRATEGIES = ("MULTI_RECORD", "SINGLE_RECORD")
_UNLIMITED = "1024"  # megabytes; used if SageMaker sets 0, which means no limit


def cache_folder() -> str | None:
    """The folder of the cache, from PRODCAT_CACHE; None if that is not set."""
    return os.environ.get("PRODCAT_CACHE")


def store_uri() -> str | None:
    """The URI of the store, from PRODCAT_STORE; None if that is not set."""
    return os.environ.get("PRODCAT_STORE")


def logs_json(given: str | None) -> bool:
    """Whether messages are lines of JSON, as an option or PRODCAT_LOG_FORMAT says.

    Args:
        given: The value of the option; None if it is not given.

    Raises:
        ConfigError: The variable has another value than ``text`` and ``json``.
    """
    form = given or os.environ.get("PRODCAT_LOG_FORMAT", "").strip().lower() or "text"
    if form not in ("text", "json"):
        raise ConfigError(f"PRODCAT_LOG_FORMAT is {form!r}; expected text or json.")
    return form == "json"


def named_keys() -> "list[Key] | None":
    """The keys in the files of :func:`key_paths`, or None if there are no files.

    Raises:
        ConfigError: A file cannot be read or contains no key, or a secret cannot be fetched.
    """
    from prodcat.storage.signature import Key

    keys = []
    for path in key_paths():
        with named(f"A file of PRODCAT_KEYS or PRODCAT_KEYS_SECRET, {path!r}"):
            keys.append(Key.from_file(path))
    return keys or None


def key_paths() -> list[str]:
    """The paths of the files with keys.

    Returns:
        The paths in PRODCAT_KEYS, which are separated by :data:`os.pathsep` (a colon on Linux), and
        then the files with the secrets that PRODCAT_KEYS_SECRET names.  An empty list if neither
        variable is set.

    Raises:
        ConfigError: A secret cannot be fetched.
    """
    files = [path for path in os.environ.get("PRODCAT_KEYS", "").split(os.pathsep) if path]
    return files + secret_key_files()


def world_size() -> int:
    """The number of processes that torchrun started to train together; 1 without torchrun.

    Raises:
        ConfigError: WORLD_SIZE is no such number.
    """
    return number_of("WORLD_SIZE", os.environ.get("WORLD_SIZE") or "1", int, 1)


def local_rank() -> str:
    """The index of this process, from 0, among torchrun's processes on this machine, as text."""
    return os.environ.get("LOCAL_RANK", "0")


def switch_off_ray_statistics() -> None:
    """Stop Ray from sending usage statistics, unless RAY_USAGE_STATS_ENABLED is already set."""
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")


def serves_many() -> bool:
    """Whether SageMaker expects a server of many models (SAGEMAKER_MULTI_MODEL).

    Raises:
        ConfigError: The variable says neither yes nor no.
    """
    return says_yes("SAGEMAKER_MULTI_MODEL")


def starts_on_sagemaker(
    model: str | None = None, environment: Mapping[str, str] = os.environ
) -> bool:
    """Whether SageMaker started this process.

    Args:
        model: The model that is served; None if an option named it.
        environment: The environment variables.  SageMaker sets some for most containers; all
            others are recognised by a model in the folder in which SageMaker unpacks models.
    """
    return any(name in environment for name in _SAGEMAKER) or model == str(_unpacked(environment))


def bind_host(on_sagemaker: bool, environment: Mapping[str, str] = os.environ) -> str:
    """The address to listen on: ``PRODCAT_HOST``, or a default.

    Args:
        on_sagemaker: Whether SageMaker started the server; then the default is ``0.0.0.0``, as
            requests come over the network, and otherwise ``127.0.0.1``.
        environment: The environment variables.
    """
    return environment.get("PRODCAT_HOST") or ("0.0.0.0" if on_sagemaker else "127.0.0.1")


def models_roots(
    on_sagemaker: bool, environment: Mapping[str, str] = os.environ
) -> tuple[str, ...]:
    """The folders below which requests may load models: those in ``PRODCAT_MODELS_ROOT``.

    Args:
        on_sagemaker: Whether SageMaker started the server; then the default is the folder in which
            SageMaker unpacks models, and otherwise none.
        environment: The environment variables.
    """
    usual = str(_unpacked(environment).with_name("models")) if on_sagemaker else ""
    return _parts(environment.get("PRODCAT_MODELS_ROOT", usual))


def allowed_hosts(environment: Mapping[str, str] = os.environ) -> tuple[str, ...]:
    """The host names that clients may use for the server, from ``PRODCAT_ALLOWED_HOSTS``."""
    return _parts(environment.get("PRODCAT_ALLOWED_HOSTS", ""))


def server_token(
    file: str | None = None, environment: Mapping[str, str] = os.environ
) -> str | None:
    """The token that requests to the server must carry; None if no token is set.

    Args:
        file: The file with the token; None for the file that ``PRODCAT_TOKEN_FILE`` names.
        environment: The environment variables.  If no file is named, the token is in
            ``PRODCAT_TOKEN``.

    Raises:
        ConfigError: The file cannot be read, or is not ASCII.
    """
    path = file or environment.get("PRODCAT_TOKEN_FILE")
    if not path:
        return environment.get("PRODCAT_TOKEN")
    try:
        with Path(path).open(encoding="ascii") as lines:
            return lines.read(_LONGEST_TOKEN).strip()
    except (OSError, ValueError) as error:
        raise ConfigError(
            f"The token of the server cannot be read from {path!r}: {error}. Expected a file that "
            "contains only the token."
        ) from error


def access_of(
    token_file: str | None = None,
    hosts: Sequence[str] = (),
    environment: Mapping[str, str] = os.environ,
) -> "Access":
    """Which requests the server accepts, as options or environment variables say.

    Args:
        token_file: The file with the token that an option names, or None for the variables.
        hosts: The names of hosts that options give; those of PRODCAT_ALLOWED_HOSTS if there are
            none.
        environment: The environment variables.

    Raises:
        ConfigError: The token cannot be read or has the wrong form, or a host is no name.
    """
    from prodcat.serving.access import Access

    in_file = "PRODCAT_TOKEN_FILE" if environment.get("PRODCAT_TOKEN_FILE") else "PRODCAT_TOKEN"
    with named("--token-file" if token_file else in_file):
        access = Access(server_token(token_file, environment))
    with named("--allowed-host" if hosts else "PRODCAT_ALLOWED_HOSTS"):
        return replace(access, hosts=tuple(hosts) or allowed_hosts(environment))


def _parts(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",") if part.strip())


def server_setting(
    option: str, variable: str, usual: str, environment: Mapping[str, str] = os.environ
) -> tuple[str, str]:
    """The value of an option of the server that the command line does not give, and its source.

    SageMaker starts containers without options, so options can be set by variables.

    Args:
        option: The name of the option.
        variable: The name of the variable.
        usual: The value if the variable is not set, or empty.
        environment: The environment variables.

    Returns:
        The name of the variable, or of the option if the variable is not set; and the value, as
        text.
    """
    text = environment.get(variable, "").strip()
    return (variable, text) if text else (option, usual)


def is_batch(environment: Mapping[str, str] = os.environ) -> bool:
    """Whether this process runs in a container of Batch Transform (SAGEMAKER_BATCH).

    Raises:
        ConfigError: The variable says neither yes nor no.
    """
    return says_yes("SAGEMAKER_BATCH", environment)


def most_payload(environment: Mapping[str, str] = os.environ) -> int:
    """The maximum size of a request in bytes, from SAGEMAKER_MAX_PAYLOAD_IN_MB, or 6 MiB.

    Raises:
        ConfigError: The variable is not a number of megabytes.
    """
    megabytes = environment.get("SAGEMAKER_MAX_PAYLOAD_IN_MB", "").strip() or "6"
    return bytes_of("SAGEMAKER_MAX_PAYLOAD_IN_MB", _UNLIMITED if megabytes == "0" else megabytes)


def limits_of(environment: Mapping[str, str] = os.environ) -> Limits:
    """The limits of a request, from SAGEMAKER_MAX_PAYLOAD_IN_MB and PRODCAT_MAX_TITLES.

    Raises:
        ConfigError: A variable is not a number, or is not above 0.
    """
    usual = TITLES[is_batch(environment)]
    setting = server_setting("--max-titles", "PRODCAT_MAX_TITLES", usual, environment)
    return Limits(most_payload(environment), number_of(*setting, int, 1))


def batch_strategy(environment: Mapping[str, str] = os.environ) -> str:
    """How Batch Transform puts records into requests: ``"MULTI_RECORD"`` or ``"SINGLE_RECORD"``.

    Raises:
        ConfigError: SAGEMAKER_BATCH_STRATEGY is neither of them.
    """
    strategy = environment.get("SAGEMAKER_BATCH_STRATEGY") or _STRATEGIES[0]
    if strategy not in _STRATEGIES:
        raise ConfigError(
            f"SAGEMAKER_BATCH_STRATEGY is {strategy!r}; expected one of {list(_STRATEGIES)}."
        )
    return strategy


def named_model(environment: Mapping[str, str] = os.environ) -> str:
    """The model that a container serves: ``PRODCAT_MODEL``, or the folder that SageMaker unpacked.

    Returns:
        A folder, a URI, an archive or ``STORE/MODEL@alias``.

    Raises:
        ConfigError: The variable is not set, and the folder does not exist.
    """
    if environment.get("PRODCAT_MODEL"):
        return environment["PRODCAT_MODEL"]
    folder = _unpacked(environment)
    if folder.is_dir():
        return str(folder)
    raise ConfigError(
        f"No model is named: there is no --model, no PRODCAT_MODEL in the environment and no "
        f"folder {folder}; expected one of them."
    )


def _unpacked(environment: Mapping[str, str]) -> Path:
    """The folder in which SageMaker unpacks the model of a container that serves one model."""
    return Path(environment.get("SAGEMAKER_BASE_DIR", "/opt/ml"), "model")


def memory_setting(environment: Mapping[str, str] = os.environ) -> int | None:
    """The maximum memory of models in bytes, from ``PRODCAT_MEMORY_MB``; None if that is not set.

    Raises:
        ConfigError: The variable is not a number of megabytes above 0.
    """
    text = environment.get("PRODCAT_MEMORY_MB")
    return bytes_of("PRODCAT_MEMORY_MB", text) if text else None


def bytes_of(name: str, megabytes: str | float) -> int:
    """Convert megabytes to bytes.

    Args:
        name: The variable or the option that sets the number, for the message.
        megabytes: The number of megabytes (2**20 bytes), also as text.

    Raises:
        ConfigError: ``megabytes`` is not a finite number above 0.

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
    """The precision in which encoders are run, from ``PRODCAT_PRECISION``; ``"auto"`` by default.

    Raises:
        ConfigError: The variable has another value than the allowed ones.
    """
    precision = environment.get("PRODCAT_PRECISION") or "auto"
    if precision not in PRECISIONS:
        raise ConfigError(
            f"PRODCAT_PRECISION is {precision!r}; expected one of {list(PRECISIONS)}."
        )
    return cast(ReadingPrecision, precision)


def opener_of(environment: Mapping[str, str] = os.environ) -> "Callable[..., Classifier]":
    """A function that loads models, with the cache in ``PRODCAT_CACHE`` and the configured keys.

    Returns:
        :func:`~prodcat.classifier.loading.load` with ``cache`` and ``keys`` set.

    Raises:
        ConfigError: A key cannot be read or fetched.
    """
    from prodcat.classifier.loading import load

    return partial(load, cache=environment.get("PRODCAT_CACHE"), keys=named_keys())
