"""prodcat on Ray Serve, for AWS's containers with it: ``prodcat.aws.ray_serve:app``.

Such a container needs only ``SM_RAYSERVE_APP=prodcat.aws.ray_serve:app``: its adapter sends
``POST /invocations`` to the root of this application, and passes headers in both directions.  The
model is that in ``PRODCAT_MODEL`` (a folder, an archive or ``STORE/MODEL@production``), or the one
that SageMaker unpacked.  A replica that cannot load the model never becomes ready.

By default Ray gives a replica one core, and torch one thread; ``PRODCAT_REPLICA_CPUS`` and
``PRODCAT_REPLICA_GPUS`` set other numbers.
"""

import os

from ray import serve  # noqa: TID253, this module is Ray Serve's
from starlette.requests import Request
from starlette.responses import Response

from prodcat.cli.environment import limits_of, named_model, opener_of, precision_of
from prodcat.serving.application import endpoint
from prodcat.serving.loaded_models import Models
from prodcat.serving.server import ONE, Server
from prodcat.serving.settings import Settings

_AT_ONCE = 512  # open requests of a replica, whose titles share batches


class Endpoint:
    """A replica: one model, and one thread that answers the titles of all requests in batches."""

    def __init__(self) -> None:
        uri = named_model()
        models = Models(opener=opener_of(), precision=precision_of())
        models.load(ONE, uri)
        self.server = Server(models, Settings(limits_of()), uri)
        self._answered = endpoint(self.server, self._invocations)

    async def _invocations(self, request: Request) -> Response:
        return await self.server.answered(self.server.models.get(ONE), request)

    async def __call__(self, request: Request) -> Response:
        """Answer a request of any form that ``prodcat serve`` reads.

        Args:
            request: A request with titles.
        """
        return await self._answered(request)

    def __del__(self) -> None:
        """Answer the open requests."""
        if hasattr(self, "server"):  # the model could be loaded
            self.server.end()


app = serve.deployment(
    name="prodcat",
    max_ongoing_requests=_AT_ONCE,
    ray_actor_options={
        "num_cpus": float(os.environ.get("PRODCAT_REPLICA_CPUS", "1")),
        "num_gpus": float(os.environ.get("PRODCAT_REPLICA_GPUS", "0")),
    },
)(Endpoint).bind()
