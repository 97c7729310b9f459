"""prodcat on Ray Serve, for AWS's containers with it: ``prodcat.aws.ray_serve:app``.

Such a container needs only ``SM_RAYSERVE_APP=prodcat.aws.ray_serve:app``: its adapter sends
``POST /invocations`` to the root of this application, and passes headers in both directions.
``PRODCAT_MODEL`` names the model (a folder, an archive or ``STORE/MODEL@production``); if it is not
set, the model that SageMaker unpacked is served.  A replica that cannot load the model does not
start.

By default Ray gives each replica one CPU core (so torch uses one thread) and no GPU;
``PRODCAT_REPLICA_CPUS`` and ``PRODCAT_REPLICA_GPUS`` set other numbers.
"""

import os

from ray import serve  # noqa: TID253, this module is Ray Serve's
from starlette.requests import Request
from starlette.responses import Response

from prodcat.cli.environment import (
    access_of,
    limits_of,
    named_model,
    opener_of,
    precision_of,
)
from prodcat.cli.variables import number_of
from prodcat.serving.application import endpoint
from prodcat.serving.loaded_models import Models
from prodcat.serving.server import ONE, Server
from prodcat.serving.settings import Settings

_AT_ONCE = 512  # simultaneous requests of a replica, whose titles share batches


class Endpoint:
    """A replica: one model, and a thread that classifies the titles of all requests in batches."""

    def __init__(self) -> None:
        uri = named_model()
        models = Models(opener=opener_of(), precision=precision_of())
        models.load(ONE, uri)
        self.access = access_of()
        self.server = Server(models, Settings(limits_of()), uri)
        self._answered = endpoint(self.server, self._invocations)

    async def _invocations(self, request: Request) -> Response:
        self.access.check(request.headers)
        return await self.server.answered(self.server.models.get(ONE), request)

    async def __call__(self, request: Request) -> Response:
        """Answer a request in any format that ``prodcat serve`` accepts.

        Args:
            request: A request with titles.

        Returns:
            The response with the answers, or with the reason why the request was refused.
        """
        response = await self._answered(request)
        response.headers["X-Content-Type-Options"] = "nosniff"
        return response

    def __del__(self) -> None:
        """Answer the requests that are still waiting, and stop the server."""
        if hasattr(self, "server"):  # the model could be loaded
            self.server.end()


def _share(variable: str, usual: str) -> float:
    """The number of cores or GPUs of a replica, which may be a fraction.

    Raises:
        ConfigError: The variable is not such a number.
    """
    return number_of(variable, os.environ.get(variable) or usual, float, 0)


app = serve.deployment(
    name="prodcat",
    max_ongoing_requests=_AT_ONCE,
    ray_actor_options={
        "num_cpus": _share("PRODCAT_REPLICA_CPUS", "1"),
        "num_gpus": _share("PRODCAT_REPLICA_GPUS", "0"),
    },
)(Endpoint).bind()
