"""``prodcat serve``: answers over HTTP."""

import argparse
import os
from typing import Any

from prodcat.cli.models import named_keys
from prodcat.errors import ConfigError
from prodcat.serving.payload import TITLES, is_batch, most_payload

# Name, type, usual value, that of Batch Transform's containers, unit, text.
_LIMITS: tuple[tuple[str, type, str, str, str, str], ...] = (
    ("max_titles", int, *TITLES, "TITLES", "of a request, 413 above"),
    ("max_waiting", int, "16384", "8000000", "TITLES", "that wait, 429 above"),
    (
        "max_wait",
        float,
        "1.5",
        "3600",
        "SECONDS",
        "that others may keep a request waiting, or twice what it takes itself, 429 above",
    ),
    ("patience", float, "50", "3600", "SECONDS", "of a request, 503 above"),
    ("transforms", int, "4", "4", "REQUESTS", "that Batch Transform may send at once"),
)


def add_serve(commands: Any) -> None:
    """Add the command to a parser's commands."""
    serve = commands.add_parser("serve", help="answer over HTTP, as SageMaker's endpoints do")
    serve.add_argument(
        "--model",
        help="a classifier, or a version: STORE/MODEL@production; if not given PRODCAT_MODEL, or "
        "what SageMaker unpacked in /opt/ml/model",
    )
    serve.add_argument(
        "--many", action="store_true", help="many models, loaded and dropped by POST /models"
    )
    serve.add_argument("--host", default="0.0.0.0", help="address to listen at")
    serve.add_argument("--port", type=int, default=os.environ.get("SAGEMAKER_BIND_TO_PORT", "8080"))
    serve.add_argument("--device", help="cpu, cuda, …; a GPU if there is one")
    serve.add_argument(
        "--max-body",
        type=float,
        default=most_payload(),
        metavar="MB",
        help="of a request; 413 above",
    )
    own = os.environ
    batch = is_batch()
    for name, kind, usual, in_batch, unit, text in _LIMITS:
        # SageMaker starts containers without options; a text's type is that of the option.
        variable = f"PRODCAT_{name.upper()}"
        serve.add_argument(
            f"--{name.replace('_', '-')}",
            type=kind,
            default=own.get(variable, in_batch if batch else usual),
            metavar=unit,
            help=f"{text}; if not given {variable}, or {in_batch if batch else usual}",
        )
    serve.add_argument(
        "--precision",
        default=own.get("PRODCAT_PRECISION", "auto"),
        choices=["auto", "float32", "bfloat16", "int8"],
        help="of the encoder; if not given PRODCAT_PRECISION, or what is fastest and as right",
    )
    serve.add_argument(
        "--memory",
        type=float,
        metavar="MB",
        help="that models may take together, 507 above; if not given PRODCAT_MEMORY_MB, or what is "
        "free",
    )
    serve.set_defaults(run=_serve)


def _serve(options: argparse.Namespace) -> None:
    try:
        from prodcat.serving.app import Settings
        from prodcat.serving.media import Limits
        from prodcat.serving.memory import memory_setting
        from prodcat.serving.models import named_model
        from prodcat.serving.run import serve
    except ImportError as error:
        raise ConfigError(
            f"prodcat serve needs {error.name!r}. Install it: pip install 'prodcat[serve]'."
        ) from error
    many = options.many or os.environ.get("SAGEMAKER_MULTI_MODEL", "").lower() == "true"
    uri = options.model
    if many and uri is not None:
        raise ConfigError(
            "--model and --many are two ways to serve; expected one of them. Load models of a "
            "server with many by POST /models."
        )
    if uri is None and not many:
        uri = named_model()
    for name in ("max_body", *(own[0] for own in _LIMITS)):
        if getattr(options, name) <= 0:
            raise ConfigError(
                f"--{name.replace('_', '-')} {getattr(options, name)} is out of range; "
                "expected more than 0."
            )
    try:
        budget = memory_setting() if options.memory is None else int(options.memory * (1 << 20))
    except ValueError as error:
        raise ConfigError(str(error)) from error
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
        ),
        budget=budget,
        device=options.device,
        precision=options.precision,
        cache=os.environ.get("PRODCAT_CACHE"),
        keys=named_keys(),
    )
