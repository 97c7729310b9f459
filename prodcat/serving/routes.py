"""The routes of a server.

GET  /ping                     200 while the model answers; 503 before that and while it stops
POST /invocations              answer titles with the only model
GET  /execution-parameters     parameters for Batch Transform
GET  /metrics                  metrics for Prometheus
GET  /openapi.json             the OpenAPI document
GET  /, /docs                  the OpenAPI document as a page for people
POST /models                   load a model: {"model_name": …, "url": …}
GET  /models                   list the models, page by page
GET, DELETE /models/{name}     show or unload one model
POST /models/{name}/invoke     answer titles with one of many models
"""

import json
from typing import Any

from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response

from prodcat._version import __version__
from prodcat.serving.available_memory import give_back
from prodcat.serving.document_page import PAGE_HEADERS, document_page
from prodcat.serving.media_types import JSON, media_type
from prodcat.serving.openapi import openapi
from prodcat.serving.refusal import Refusal, shown, too_large
from prodcat.serving.served import Served
from prodcat.serving.server import ONE, Server

_PAGE = 100  # default number of models on a page
_MOST_BODY = 64 << 10  # maximum bytes of a body that names a model
_MOST_NAME = 1_024  # maximum bytes of the name of a model


class Routes:
    """The routes of a server; each method answers the requests to one of them.

    Args:
        server: The server.
    """

    def __init__(self, server: Server) -> None:
        self.server = server

    async def ping(self, request: Request) -> Response:
        """Report whether the server answers requests: 200 or 503."""
        server = self.server
        if server.failure is not None:
            raise Refusal(503, "The model could not be loaded. The log of the server says why.")
        if not server.is_serving:
            raise Refusal(503, "The model is not loaded yet.", 1.0)
        return JSONResponse({"status": "Healthy"})

    async def invocations(self, request: Request) -> Response:
        """Answer titles with the only model."""
        server = self.server
        if not server.is_serving:
            raise Refusal(
                503, "The model is not loaded yet. GET /ping answers with 200 once it is.", 1.0
            )
        if server.uri is None:
            raise Refusal(404, "This server has many models. Use POST /models/NAME/invoke.")
        return await server.answered(server.models.get(ONE), request)

    async def parameters(self, request: Request) -> Response:
        """Return the parameters for SageMaker's Batch Transform."""
        return JSONResponse(
            {
                "MaxConcurrentTransforms": self.server.settings.transforms,
                "BatchStrategy": self.server.settings.batch_strategy,
                "MaxPayloadInMB": max(self.server.settings.limits.body >> 20, 1),
            }
        )

    async def metrics(self, request: Request) -> Response:
        """Return the metrics for Prometheus."""
        content, kind = self.server.metrics.text()
        return Response(content, headers={"Content-Type": kind})

    async def document(self, request: Request) -> Response:
        """Return the OpenAPI document."""
        return JSONResponse(openapi(self.server.settings.limits, __version__))

    async def page(self, request: Request) -> Response:
        """Return the OpenAPI document as a page for people."""
        document = openapi(self.server.settings.limits, __version__)
        return HTMLResponse(document_page(document), headers=PAGE_HEADERS)

    async def load(self, request: Request) -> Response:
        """Load the model that the request names."""
        self._check_many()
        content_type = request.headers.get("content-type", "")
        if media_type(content_type, "") != JSON:
            raise Refusal(
                415, f"Content-Type {shown(content_type)} is not supported; expected {JSON}."
            )
        name, uri = _named_model(await self.server.body(request))
        place = self.server.models.place(uri)
        await self.server.loaders.load(self.server.models, name, uri, place, request)
        return JSONResponse({"status": f"The model {shown(name)} is loaded."})

    def _check_many(self) -> None:
        """Refuse to load or unload models on a server that was started with one model."""
        if self.server.uri is not None:
            raise Refusal(
                403,
                "This server has one model, which cannot be replaced. Start it with --many to "
                "load and unload models.",
            )

    async def listed(self, request: Request) -> Response:
        """List the models, page by page."""
        token = request.query_params.get("next_page_token", "0")
        size = request.query_params.get("limit", str(_PAGE))
        if not all(_is_count(text) for text in (token, size)) or not int(size):
            raise Refusal(
                400,
                "next_page_token or limit is not valid; expected whole numbers below "
                "1,000,000,000, and a limit of at least 1.",
            )
        start, end = int(token), int(token) + int(size)
        models = self.server.models.all()
        content: dict[str, Any] = {"models": [_about(model) for model in models[start:end]]}
        if end < len(models):
            content["nextPageToken"] = str(end)
        return JSONResponse(content)

    async def one(self, request: Request) -> Response:
        """Return the name and the URI of one model."""
        return JSONResponse(_about(self.server.models.get(request.path_params["name"])))

    async def drop(self, request: Request) -> Response:
        """Unload a model."""
        self._check_many()
        self.server.models.drop(request.path_params["name"])
        self.server.loaders.submit(give_back)
        return JSONResponse({"status": "The model was unloaded."})

    async def invoke(self, request: Request) -> Response:
        """Answer titles with one of many models."""
        served = self.server.models.get(request.path_params["name"])
        return await self.server.answered(served, request)


def _named_model(body: bytes) -> tuple[str, str]:
    """The name and the URI of the model that a request asks to load."""
    if len(body) > _MOST_BODY:
        raise too_large(len(body), _MOST_BODY)
    try:
        content = json.loads(body, object_pairs_hook=_once, parse_constant=_no_constant)
        name, uri = content["model_name"], content["url"]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise Refusal(
            400, 'The body is not valid; expected {"model_name": NAME, "url": URI}.'
        ) from error
    if not (isinstance(name, str) and isinstance(uri, str) and name and uri):
        raise Refusal(400, "model_name or url is not valid; expected two texts that are not empty.")
    # HTTP clients remove the segments "." and ".." from a URL.
    addressable = {".", ".."}.isdisjoint(name.split("/"))
    if not (name.isprintable() and addressable) or len(name.encode()) > _MOST_NAME:
        raise Refusal(
            400,
            f"model_name is {shown(name)}; expected printable text of at most {_MOST_NAME:,} bytes "
            "without . and .. between slashes.",
        )
    return name, uri


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """A dict of the pairs of a JSON object; raises ValueError if a key is given twice."""
    content = dict(pairs)
    if len(content) < len(pairs):
        raise ValueError("a key is given twice")
    return content


def _no_constant(name: str) -> float:
    raise ValueError(f"{name} is not a number in JSON")


def _is_count(text: str) -> bool:
    """Whether a text is a whole number of at most eight digits."""
    return text.isascii() and text.isdecimal() and len(text) < 9


def _about(served: Served) -> dict[str, Any]:
    # A local path may contain bytes that are not valid text.
    uri = served.uri.encode("utf-8", "replace").decode()
    return {"modelName": served.name, "modelUrl": uri}
