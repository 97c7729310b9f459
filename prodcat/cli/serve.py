"""``prodcat serve``: answers over HTTP."""

import argparse
from dataclasses import dataclass
from typing import Any

from prodcat.cli.classifiers import device_option
from prodcat.cli.environment import (
    TITLES,
    batch_strategy,
    bind_port,
    cache_folder,
    is_batch,
    memory_setting,
    most_payload,
    named_keys,
    named_model,
    server_setting,
    serves_many,
)
from prodcat.decisions.options import PRECISIONS
from prodcat.errors import ConfigError
from prodcat.serving.settings import Limits, Settings


@dataclass(frozen=True)
class _Limit:
    """A limit of the server, which an option or a variable of the environment sets.

    Attributes:
        name: The name of the option, with underscores.
        kind: The type of the value.
        usual: The value where nothing is said, as text.
        in_batch: The same in containers of Batch Transform.
        unit: What it counts.
        text: The help.
    """

    name: str
    kind: type
    usual: str
    in_batch: str
    unit: str
    text: str


_LIMITS = (
    _Limit("max_titles", int, *TITLES, "TITLES", "of a request, 413 above"),
    _Limit("max_waiting", int, "16384", "8000000", "TITLES", "that wait, 429 above"),
    _Limit(
        "max_wait",
        float,
        "1.5",
        "3600",
        "SECONDS",
        "that others may keep a request waiting, or twice what it takes itself, 429 above",
    ),
    _Limit("patience", float, "50", "3600", "SECONDS", "of a request, 503 above"),
    _Limit("transforms", int, "4", "4", "REQUESTS", "that Batch Transform may send at once"),
)


def add_serve(commands: Any) -> None:
    """Add the command to a parser's commands."""
    parser = commands.add_parser("serve", help="answer over HTTP, as SageMaker's endpoints do")
    parser.add_argument(
        "--model",
        help="a classifier, or a version: STORE/MODEL@production; if not given PRODCAT_MODEL, or "
        "what SageMaker unpacked in /opt/ml/model",
    )
    parser.add_argument(
        "--many", action="store_true", help="many models, loaded and dropped by POST /models"
    )
    parser.add_argument("--host", default="0.0.0.0", help="address to listen at")
    parser.add_argument("--port", type=int, default=bind_port())
    device_option(parser)
    parser.add_argument(
        "--max-body",
        type=float,
        default=most_payload(),
        metavar="MB",
        help="of a request; 413 above",
    )
    _limit_options(parser)
    parser.add_argument(
        "--precision",
        default=server_setting("PRODCAT_PRECISION", "auto"),
        choices=PRECISIONS,
        help="of the encoder; if not given PRODCAT_PRECISION, or what is fastest and as right",
    )
    parser.add_argument(
        "--memory",
        type=float,
        metavar="MB",
        help="that models may take together, 507 above; if not given PRODCAT_MEMORY_MB, or what is "
        "free",
    )
    parser.set_defaults(run=run)


def _limit_options(parser: argparse.ArgumentParser) -> None:
    for limit in _LIMITS:
        variable = f"PRODCAT_{limit.name.upper()}"
        usual = limit.in_batch if is_batch() else limit.usual
        parser.add_argument(
            _option(limit.name),
            type=limit.kind,
            default=server_setting(variable, usual),  # argparse reads text as the option's type
            metavar=limit.unit,
            help=f"{limit.text}; if not given {variable}, or {usual}",
        )


def run(options: argparse.Namespace) -> None:
    """Serve until SIGTERM comes."""
    try:
        from prodcat.serving.run import serve
    except ImportError as error:
        raise ConfigError(
            f"prodcat serve needs {error.name!r}. Install it: pip install 'prodcat[serve]'."
        ) from error
    uri = _model_of(options)
    _check_limits(options)
    budget = _memory_of(options)
    serve(
        uri,
        host=options.host,
        port=options.port,
        settings=Settings(
            Limits(int(options.max_body * (1 << 20)), options.max_titles),
            options.patience,
            options.max_waiting,
            most_wait=options.max_wait,
            transforms=options.transforms,
            batch_strategy=batch_strategy(),
        ),
        budget=budget,
        device=options.device,
        precision=options.precision,
        cache=cache_folder(),
        keys=named_keys(),
    )


def _model_of(options: argparse.Namespace) -> str | None:
    """Where the one model is; None for a server of many."""
    many = options.many or serves_many()
    if many and options.model is not None:
        raise ConfigError(
            "--model and --many are two ways to serve; expected one of them. Load models of a "
            "server with many by POST /models."
        )
    if many:
        return None
    return named_model() if options.model is None else options.model


def _check_limits(options: argparse.Namespace) -> None:
    for name in ("max_body", *(limit.name for limit in _LIMITS)):
        value = getattr(options, name)
        if value <= 0:
            raise ConfigError(f"{_option(name)} {value} is out of range; expected more than 0.")


def _memory_of(options: argparse.Namespace) -> int | None:
    """Bytes that models may take together; None for what is free."""
    try:
        return memory_setting() if options.memory is None else int(options.memory * (1 << 20))
    except ValueError as error:
        raise ConfigError(str(error)) from error


def _option(name: str) -> str:
    return f"--{name.replace('_', '-')}"
