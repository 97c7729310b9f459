"""``prodcat serve``: answers over HTTP."""

import argparse
import os
from typing import Any

from prodcat.cli_models import named_keys
from prodcat.errors import ConfigError


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
    serve.add_argument(
        "--port", type=int, default=int(os.environ.get("SAGEMAKER_BIND_TO_PORT", "8080"))
    )
    serve.add_argument("--device", help="cpu, cuda, …; a GPU if there is one")
    serve.add_argument(
        "--max-body",
        type=float,
        default=float(os.environ.get("SAGEMAKER_MAX_PAYLOAD_IN_MB", "6")),
        metavar="MB",
        help="of a request; 413 above",
    )
    serve.add_argument("--max-titles", type=int, default=4_096, help="of a request; 413 above")
    serve.add_argument(
        "--patience", type=float, default=50.0, metavar="SECONDS", help="of a request; 503 above"
    )
    serve.add_argument(
        "--max-waiting", type=int, default=8_192, metavar="TITLES", help="that wait; 429 above"
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
    for name in ("max_body", "max_titles", "patience", "max_waiting"):
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
        ),
        budget=budget,
        device=options.device,
        cache=os.environ.get("PRODCAT_CACHE"),
        keys=named_keys(),
    )
