"""The OpenAPI document that describes a server."""

from collections.abc import Mapping
from typing import Any

from prodcat.serving.answer_settings import settings_schemas
from prodcat.serving.media_types import ATTRIBUTES, CSV, JSON, LINES, PARQUET
from prodcat.serving.settings import Limits

_REFUSED = {
    400: "The body cannot be read, or the settings do not go together.",
    403: "The server has one model, which cannot be replaced.",
    404: "There is no such model, or nothing at this address.",
    405: "The address does not allow this method.",
    406: "None of the accepted media types is available.",
    409: "A model has this name already.",
    413: "The body or the number of titles is over the limit.",
    415: "The media type of the body is not known.",
    429: "Too many titles wait already; `Retry-After` says when to try again.",
    503: "The model is not loaded yet, the server is stopping, or the request waited too long.",
    507: "There is no memory for the model. Drop another one first.",
}
_WHEN_ANSWERING = (400, 404, 405, 406, 413, 415, 429, 503)


def openapi(limits: Limits, version: str) -> dict[str, Any]:
    """Make the document of a server.

    Args:
        limits: The limits of a request.
        version: The version of prodcat.
    """
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "prodcat",
            "version": version,
            "description": "Product titles in, category paths out.",
        },
        "paths": {
            **_server_paths(),
            "/invocations": {"post": _answering("Answer titles with the only model.", limits)},
            **_models_paths(),
            "/models/{name}/invoke": {
                "parameters": [_NAME],
                "post": _answering("Answer titles with one of many models.", limits),
            },
        },
        "components": {"schemas": {"Answer": _ANSWER, "Refused": _REASON, "Titles": _titles()}},
    }


def _server_paths() -> dict[str, Any]:
    """The addresses that describe the server itself."""
    metrics = {"description": "The metrics.", "content": {"text/plain": {"schema": _TEXT}}}
    return {
        "/ping": {"get": _route("Health of the server.", _any("The server is healthy."), 503)},
        "/execution-parameters": {
            "get": _route("Parameters for Batch Transform.", _any("The parameters."))
        },
        "/metrics": {"get": _route("Metrics for Prometheus.", metrics)},
        "/openapi.json": {"get": _route("This document.", _any("The document."))},
    }


def _models_paths() -> dict[str, Any]:
    """The addresses that load, list and drop models."""
    return {
        "/models": {
            "get": {
                **_route("List the models, page by page.", _any("A page of models."), 400),
                "parameters": [
                    _parameter("limit", "query", {"type": "integer", "minimum": 1}),
                    _parameter("next_page_token", "query", _TEXT),
                ],
            },
            "post": {
                **_route(
                    "Load a model.",
                    _any("The model answers."),
                    400,
                    403,
                    404,
                    409,
                    413,
                    503,
                    507,
                ),
                "requestBody": {"required": True, "content": {JSON: {"schema": _MODEL}}},
            },
        },
        "/models/{name}": {
            "parameters": [_NAME],
            "get": _route("Show one model.", _any("The name and the URI of the model."), 404),
            "delete": _route("Drop a model.", _any("The model was dropped."), 403, 404),
        },
    }


_TEXT: dict[str, Any] = {"type": "string"}
_NAMED = {"type": "string", "minLength": 1}
_MODEL = {
    "type": "object",
    "required": ["model_name", "url"],
    "properties": {"model_name": _NAMED, "url": _NAMED},
}
_PROBABILITY = {"type": "number", "minimum": 0, "maximum": 1}
_NODE = {
    "path": {
        "type": "array",
        "items": _TEXT,
        "description": "Names from the top level down; empty if no category is answered.",
    },
    "id": _TEXT,
    "confidence": _PROBABILITY,
}
_ANSWER = {
    "type": "object",
    "properties": {
        **_NODE,
        "ids": {"type": "array", "items": _TEXT, "description": "Ids of the nodes on the path."},
        "level_confidences": {"type": "array", "items": _PROBABILITY},
        "others": {"type": "array", "items": {"type": "object", "properties": _NODE}},
        "error": {
            "type": "string",
            "description": "What is wrong with the row, instead of an answer.",
        },
    },
}
_REASON = {"type": "object", "required": ["error"], "properties": {"error": _TEXT}}
_TITLE = {
    "anyOf": [
        _TEXT,
        {
            "type": "object",
            "required": ["title"],
            "properties": {"title": _TEXT},
            "additionalProperties": {"type": ["string", "null"]},
        },
    ]
}


def _titles() -> dict[str, Any]:
    """The schema of titles as JSON, in every form that is allowed."""
    settings = settings_schemas()
    titles = {"type": "array", "items": _TITLE, "minItems": 1}
    containers = [
        {
            "type": "object",
            "required": [name],
            "properties": {
                name: titles,
                "parameters": {"type": "object", "properties": settings},
                **settings,
            },
        }
        for name in ("instances", "inputs")
    ]
    return {"anyOf": [titles, _TITLE, *containers]}


def _parameter(name: str, place: str, schema: Mapping[str, Any]) -> dict[str, Any]:
    return {"name": name, "in": place, "required": place == "path", "schema": schema}


_NAME = _parameter("name", "path", _NAMED)


def _any(text: str) -> dict[str, Any]:
    return {"description": text, "content": {JSON: {"schema": {}}}}


def _route(text: str, answer: Mapping[str, Any], *refused: int) -> dict[str, Any]:
    content = {JSON: {"schema": {"$ref": "#/components/schemas/Refused"}}}
    return {
        "summary": text,
        "responses": {
            "200": answer,
            **{
                str(status): {"description": _REFUSED[status], "content": content}
                for status in refused
            },
        },
    }


def _answering(text: str, limits: Limits) -> dict[str, Any]:
    answer = {"$ref": "#/components/schemas/Answer"}
    answers = {
        "anyOf": [
            answer,
            {"type": "array", "items": answer},
            {
                "type": "object",
                "required": ["predictions"],
                "properties": {"predictions": {"type": "array", "items": answer}},
            },
        ]
    }
    flat = {kind: {"schema": _TEXT} for kind in (LINES, CSV, PARQUET)}
    answered = {
        "description": "Answers in the order of the titles.",
        "content": {JSON: {"schema": answers}, **flat},
    }
    titles = {"schema": {"$ref": "#/components/schemas/Titles"}}
    return {
        **_route(text, answered, *_WHEN_ANSWERING),
        "description": f"At most {limits.body:,} bytes and {limits.titles:,} titles.",
        "parameters": [_parameter(ATTRIBUTES, "header", {"type": "string", "maxLength": 1024})],
        "requestBody": {"required": True, "content": {JSON: titles, **flat}},
    }
