"""The addresses of a server.

GET  /ping                     200 while the model answers; 503 before that and while it stops
POST /invocations              answer titles with the only model
GET  /execution-parameters     parameters for Batch Transform
GET  /metrics                  metrics for Prometheus
GET  /openapi.json             the OpenAPI document
POST /models                   load a model: {"model_name": …, "url": …}
GET  /models                   list the models, page by page
GET, DELETE /models/{name}     show or drop one model
POST /models/{name}/invoke     answer titles with one of many models
"""

import asyncio
import json
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from prodcat._version import __version__
from prodcat.serving.available_memory import give_back
from prodcat.serving.openapi import openapi
from prodcat.serving.refusal import Refusal
from prodcat.serving.served import Served
from prodcat.serving.server import ONE, Server

_PAGE = 100  # models


class Routes:
    """The addresses of a server; each method answers the requests to one of them.

    Args:
        server: The server.
    """

    def __init__(self, server: Server) -> None:
        self.server = server

    async def ping(self, request: Request) -> Response:
        """Show whether the server answers requests."""
        server = self.server
        if server.failure is not None:
            raise Refusal(503, f"The model could not be loaded: {server.failure}")
        if not server.is_serving:
            raise Refusal(503, "The model is not loaded yet.", 1.0)
        return JSONResponse({"status": "Healthy"})

    async def invocations(self, request: Request) -> Response:
        """Answer titles with the only model."""
        server = self.server
        if not server.is_serving:
            raise Refusal(503, "The model is not loaded yet. Ask /ping when it is.", 1.0)
        if server.uri is None:
            raise Refusal(404, "There are many models here. Ask /models/NAME/invoke.")
        return await server.answered(server.models.get(ONE), request)

    async def parameters(self, request: Request) -> Response:
        """Show the parameters for Batch Transform."""
        return JSONResponse(
            {
                "MaxConcurrentTransforms": self.server.settings.transforms,
                "BatchStrategy": self.server.settings.batch_strategy,
                "MaxPayloadInMB": max(self.server.settings.limits.body >> 20, 1),
            }
        )

    async def metrics(self, request: Request) -> Response:
        """Show the metrics for Prometheus."""
        content, kind = self.server.metrics.text()
        return Response(content, headers={"Content-Type": kind})

    async def document(self, request: Request) -> Response:
        """Show the OpenAPI document."""
        return JSONResponse(openapi(self.server.settings.limits, __version__))

    async def load(self, request: Request) -> Response:
        """Load a model."""
        self._check_many()
        name, uri = _named_model(await self.server.body(request))
        loop = asyncio.get_running_loop()
        await loop.run_in_executor(self.server.loaders, self.server.models.load, name, uri)
        return JSONResponse({"status": f"The model {name!r} answers."})

    def _check_many(self) -> None:
        """Refuse to change the models of a server that was started with one."""
        if self.server.uri is not None:
            raise Refusal(
                403,
                "This server has one model, which cannot be replaced. Start it with --many to "
                "load and drop models.",
            )

    async def listed(self, request: Request) -> Response:
        """List the models, page by page."""
        token = request.query_params.get("next_page_token", "0")
        size = request.query_params.get("limit", str(_PAGE))
        if not all(_is_count(text) for text in (token, size)) or not int(size):
            raise Refusal(400, "next_page_token or limit is not a number of models.")
        start, end = int(token), int(token) + int(size)
        models = self.server.models.all()
        content: dict[str, Any] = {"models": [_about(model) for model in models[start:end]]}
        if end < len(models):
            content["nextPageToken"] = str(end)
        return JSONResponse(content)

    async def one(self, request: Request) -> Response:
        """Show one model."""
        return JSONResponse(_about(self.server.models.get(request.path_params["name"])))

    async def drop(self, request: Request) -> Response:
        """Drop a model."""
        self._check_many()
        self.server.models.drop(request.path_params["name"])
        self.server.loaders.submit(give_back)
        return JSONResponse({"status": "The model was dropped."})

    async def invoke(self, request: Request) -> Response:
        """Answer titles with one of many models."""
        served = self.server.models.get(request.path_params["name"])
        return await self.server.answered(served, request)


def _named_model(body: bytes) -> tuple[str, str]:
    """The name and the URI of the model that a request asks to load."""
    try:
        content = json.loads(body)
        name, uri = content["model_name"], content["url"]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise Refusal(400, 'Expected {"model_name": NAME, "url": FOLDER}.') from error
    if not (isinstance(name, str) and isinstance(uri, str) and name and uri):
        raise Refusal(400, "model_name and url are not texts; expected a name and a folder.")
    return name, uri


def _is_count(text: str) -> bool:
    """Whether a text is a whole number of fewer than nine digits."""
    return text.isascii() and text.isdecimal() and len(text) < 9


def _about(served: Served) -> dict[str, Any]:
    return {"modelName": served.name, "modelUrl": served.uri}
