"""``prodcat serve``: answer titles over HTTP."""

import argparse
import socket
from dataclasses import dataclass, replace
from typing import Any

from prodcat.cli.classifiers import device_option
from prodcat.cli.environment import (
    TITLES,
    access_of,
    batch_strategy,
    bind_host,
    bytes_of,
    cache_folder,
    is_batch,
    memory_setting,
    models_roots,
    most_payload,
    named_keys,
    named_model,
    precision_of,
    server_setting,
    serves_many,
    starts_on_sagemaker,
)
from prodcat.cli.parser import add_command
from prodcat.cli.variables import named, number_of
from prodcat.decisions.options import PRECISIONS
from prodcat.errors import ConfigError
from prodcat.serving.settings import MODEL_LIMITS, Limits, Settings

_MOST_PORT = 65_535


@dataclass(frozen=True)
class _Limit:
    """A limit of the server that an option or an environment variable sets.

    Attributes:
        name: The name of the option, with underscores.
        kind: The type of the value.
        usual: The default, as text.
        in_batch: The default in containers of Batch Transform, as text.
        unit: The unit that the help shows.
        text: The help of the option.
    """

    name: str
    kind: type
    usual: str
    in_batch: str
    unit: str
    text: str

    @property
    def option(self) -> str:
        """The option, such as ``--max-titles``."""
        return f"--{self.name.replace('_', '-')}"

    @property
    def variable(self) -> str:
        """The environment variable, such as ``PRODCAT_MAX_TITLES``."""
        return f"PRODCAT_{self.name.upper()}"


_LIMITS = (
    _Limit(
        "max_titles", int, *TITLES, "TITLES",
        "maximum titles in a request; above that it is refused with 413",
    ),
    _Limit(
        "max_waiting", int, "16384", "8000000", "TITLES",
        "maximum titles that may wait; above that requests are refused with 429",
    ),
    _Limit(
        "max_wait", float, "3", "3600", "SECONDS",
        "longest time that a request may wait for others, or twice its duration if that is longer; "
        "above that it is refused with 429",
    ),
    _Limit(
        "patience", float, "50", "3600", "SECONDS",
        "time after which a request that was not answered is refused with 503",
    ),
    _Limit(
        "max_load", float, "120", "120", "SECONDS",
        "time in which a model that POST /models names must be loaded; above that it is refused",
    ),
    _Limit(
        "transforms", int, "4", "4", "REQUESTS", "requests that Batch Transform may send at once"
    ),
)  # fmt: skip


def add_serve(commands: Any) -> None:
    """Add the command to a parser's commands."""
    parser = add_command(
        commands,
        "serve",
        "answer over HTTP, as SageMaker's endpoints do",
        basic=["--model", "--many", "--port", "--host", "--models-root", "--token-file"],
        examples={
            "answer with one model; then open http://127.0.0.1:8080/": "serve --model model",
            "load models by POST /models": "serve --many --models-root models --port 8081",
        },
    )
    parser.add_argument(
        "--model",
        metavar="MODEL",
        help="a saved classifier or a version in a store, STORE/MODEL@production; default "
        "PRODCAT_MODEL, or the folder /opt/ml/model, in which SageMaker unpacks models",
    )
    parser.add_argument(
        "--many",
        action="store_true",
        help="serve many models, which POST /models loads and DELETE /models/NAME drops",
    )
    _access_options(parser)
    parser.add_argument(
        "--port",
        type=int,
        metavar="PORT",
        help="port to listen at, default SAGEMAKER_BIND_TO_PORT, or 8080; 0 for any free port",
    )
    device_option(parser)
    parser.add_argument(
        "--max-body",
        type=float,
        metavar="MB",
        help="maximum size of a request in megabytes; above that it is refused with 413; default "
        "SAGEMAKER_MAX_PAYLOAD_IN_MB, or 6",
    )
    _limit_options(parser)
    parser.add_argument(
        "--precision",
        choices=PRECISIONS,
        help="precision in which the encoder is run; default PRODCAT_PRECISION, or auto: the "
        "fastest one that is as accurate as float32",
    )
    parser.add_argument(
        "--memory",
        type=float,
        metavar="MB",
        help="maximum memory of all models together in megabytes; above that loading another one "
        "is refused with 507; default PRODCAT_MEMORY_MB, or the free memory",
    )
    parser.set_defaults(run=run)


def _access_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--models-root",
        action="append",
        metavar="URI",
        help="folder below which POST /models may load models; may be repeated; default "
        "PRODCAT_MODELS_ROOT (URIs, separated by commas), or none; where SageMaker starts the "
        "server, /opt/ml/models",
    )
    parser.add_argument(
        "--host",
        metavar="ADDRESS",
        help="address to listen at; default PRODCAT_HOST, or 127.0.0.1, which other machines "
        "cannot reach; where SageMaker starts the server, 0.0.0.0",
    )
    parser.add_argument(
        "--allowed-host",
        action="append",
        metavar="NAME",
        help="host name that clients may use for the server, besides localhost and IP addresses; "
        "web pages of this host may call it, too; may be repeated; default PRODCAT_ALLOWED_HOSTS "
        "(names, separated by commas)",
    )
    parser.add_argument(
        "--token-file",
        metavar="TOKEN_FILE",
        help="file with a token that requests must carry as Authorization: Bearer TOKEN; default "
        "PRODCAT_TOKEN_FILE, or the token in PRODCAT_TOKEN, or none",
    )


def _limit_options(parser: argparse.ArgumentParser) -> None:
    for limit in _LIMITS:
        in_batch = (
            "" if limit.in_batch == limit.usual else f" ({limit.in_batch} in Batch Transform)"
        )
        parser.add_argument(
            limit.option,
            type=limit.kind,
            metavar=limit.unit,
            help=f"{limit.text}; default {limit.variable}, or {limit.usual}{in_batch}",
        )


def run(options: argparse.Namespace) -> None:
    """Serve until SIGTERM.

    Raises:
        ConfigError: A setting has a value that is not allowed, or a package is not installed.
        ProdcatError: The model cannot be loaded.
    """
    try:
        from prodcat.serving.run import serve
    except ImportError as error:
        raise ConfigError(
            f"prodcat serve needs {error.name!r}. Install it: pip install 'prodcat[serve]'."
        ) from error
    limits = {limit.name: _value_of(limit, options) for limit in _LIMITS}
    uri = _model_of(options)
    body, memory = options.max_body, options.memory
    on_sagemaker = starts_on_sagemaker(None if options.model else uri)
    settings = Settings(
        Limits(
            most_payload() if body is None else bytes_of("--max-body", body),
            limits["max_titles"],
        ),
        limits["patience"],
        limits["max_waiting"],
        most_wait=limits["max_wait"],
        transforms=limits["transforms"],
        batch_strategy=batch_strategy(),
        model=replace(MODEL_LIMITS, seconds=limits["max_load"]),
    )
    serve(
        uri,
        host=_host_of(options.host, on_sagemaker),
        port=_port_of(options.port),
        settings=settings,
        access=access_of(options.token_file, options.allowed_host or ()),
        budget=memory_setting() if memory is None else bytes_of("--memory", memory),
        device=options.device,
        precision=options.precision or precision_of(),
        cache=cache_folder(),
        keys=named_keys(),
        must_load=not on_sagemaker,
        models_root=_roots_of(options, on_sagemaker, settings),
    )


def _value_of(limit: _Limit, options: argparse.Namespace) -> Any:
    """The value of a limit that an option, a variable or a default gives.

    Raises:
        ConfigError: It is not above 0.
    """
    name, value = limit.option, getattr(options, limit.name)
    if value is None:
        usual = limit.in_batch if is_batch() else limit.usual
        name, value = server_setting(limit.option, limit.variable, usual)
    return number_of(name, value, limit.kind, 0, is_above=True)


def _port_of(port: int | None) -> int:
    """The port that an option, a variable or a default gives.

    Raises:
        ConfigError: There is no such port.
    """
    if port is not None:
        return number_of("--port", port, int, 0, _MOST_PORT)
    name, text = server_setting("--port", "SAGEMAKER_BIND_TO_PORT", "8080")
    return number_of(name, text, int, 0, _MOST_PORT)


def _host_of(given: str | None, on_sagemaker: bool) -> str:
    """The address at which to listen, that an option, a variable or a default gives.

    Raises:
        ConfigError: There is no such address.
    """
    host = given or bind_host(on_sagemaker)
    try:
        socket.getaddrinfo(host, None)
    except (OSError, UnicodeError) as error:
        raise ConfigError(
            f"{'--host' if given else 'PRODCAT_HOST'} is {host!r}: {error}; expected an address of "
            "this machine, such as 127.0.0.1, or 0.0.0.0 for all of them."
        ) from error
    return host


def _roots_of(
    options: argparse.Namespace, on_sagemaker: bool, settings: Settings
) -> tuple[str, ...]:
    """The folders below which requests may load models.

    Raises:
        ConfigError: One of them is not allowed.
    """
    from prodcat.storage.places import AllowedPlaces

    given = tuple(options.models_root or ())
    roots = given or models_roots(on_sagemaker)
    with named("--models-root" if given else "PRODCAT_MODELS_ROOT"):
        AllowedPlaces(roots, settings.model)
    return roots


def _model_of(options: argparse.Namespace) -> str | None:
    """The URI of the model of a server of one model; None for a server of many models."""
    many = serves_many() or options.many
    if many and options.model is not None:
        other = "--many" if options.many else "SAGEMAKER_MULTI_MODEL"
        raise ConfigError(
            f"Both --model and {other} are given; expected one of them. A server with {other} "
            "loads its models by POST /models."
        )
    if many:
        return None
    return named_model() if options.model is None else options.model
