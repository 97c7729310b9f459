"""``prodcat serve``: answer titles over HTTP."""

import argparse
from dataclasses import dataclass, replace
from typing import Any

from prodcat.cli.classifiers import device_option
from prodcat.cli.environment import (
    TITLES,
    allowed_hosts,
    batch_strategy,
    bind_host,
    bind_port,
    bytes_of,
    cache_folder,
    is_batch,
    memory_setting,
    models_roots,
    most_payload,
    named_keys,
    named_model,
    server_setting,
    server_token,
    serves_many,
    starts_on_sagemaker,
)
from prodcat.cli.parser import add_command
from prodcat.decisions.options import PRECISIONS
from prodcat.errors import ConfigError
from prodcat.serving.settings import MODEL_LIMITS, Limits, Settings


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
        default=bind_port(),
        metavar="PORT",
        help="port to listen at, default 8080; 0 for any free port",
    )
    device_option(parser)
    parser.add_argument(
        "--max-body",
        type=float,
        default=most_payload(),
        metavar="MB",
        help="maximum size of a request in megabytes; above that it is refused with 413",
    )
    _limit_options(parser)
    parser.add_argument(
        "--precision",
        default=server_setting("PRODCAT_PRECISION", "auto"),
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
        variable = f"PRODCAT_{limit.name.upper()}"
        usual = limit.in_batch if is_batch() else limit.usual
        parser.add_argument(
            _option(limit.name),
            type=limit.kind,
            default=server_setting(variable, usual),  # argparse reads text as the option's type
            metavar=limit.unit,
            help=f"{limit.text}; default {variable}, or {usual}",
        )


def run(options: argparse.Namespace) -> None:
    """Serve until SIGTERM.

    Raises:
        ConfigError: A setting has a value that is not allowed, or a package is not installed.
        ProdcatError: The model cannot be loaded.
    """
    try:
        from prodcat.serving.access import Access
        from prodcat.serving.run import serve
    except ImportError as error:
        raise ConfigError(
            f"prodcat serve needs {error.name!r}. Install it: pip install 'prodcat[serve]'."
        ) from error
    uri = _model_of(options)
    _check_limits(options)
    body = bytes_of("--max-body", options.max_body)
    memory = options.memory
    budget = memory_setting() if memory is None else bytes_of("--memory", memory)
    on_sagemaker = starts_on_sagemaker(None if options.model else uri)
    serve(
        uri,
        host=options.host or bind_host(on_sagemaker),
        port=options.port,
        settings=Settings(
            Limits(body, options.max_titles),
            options.patience,
            options.max_waiting,
            most_wait=options.max_wait,
            transforms=options.transforms,
            batch_strategy=batch_strategy(),
            model=replace(MODEL_LIMITS, seconds=options.max_load),
        ),
        access=Access(
            server_token(options.token_file),
            tuple(options.allowed_host or allowed_hosts()),
        ),
        budget=budget,
        device=options.device,
        precision=options.precision,
        cache=cache_folder(),
        keys=named_keys(),
        must_load=not on_sagemaker,
        models_root=options.models_root or models_roots(on_sagemaker),
    )


def _model_of(options: argparse.Namespace) -> str | None:
    """The URI of the model of a server of one model; None for a server of many models."""
    many = options.many or serves_many()
    if many and options.model is not None:
        raise ConfigError(
            "Both --model and --many are given; expected one of them. A server with --many loads "
            "its models by POST /models."
        )
    if many:
        return None
    return named_model() if options.model is None else options.model


def _check_limits(options: argparse.Namespace) -> None:
    for limit in _LIMITS:
        value = getattr(options, limit.name)
        if not value > 0:  # NaN is not either
            option = _option(limit.name)
            raise ConfigError(f"{option} {value} is out of range; expected more than 0.")


def _option(name: str) -> str:
    return f"--{name.replace('_', '-')}"
