"""What a server answers to, as an OpenAPI document."""

from collections.abc import Mapping
from typing import Any

from prodcat.serving.answer_settings import settings_schemas
from prodcat.serving.media_types import ATTRIBUTES, CSV, JSON, LINES, PARQUET
from prodcat.serving.settings import Limits

_REFUSED = {
    400: "The body says nothing that can be answered, or the settings do not go together.",
    403: "The server has one model, which stays.",
    404: "There is no such model, or nothing at this address.",
    405: "The address is not for this method.",
    406: "No accepted type can be had.",
    409: "There is a model of that name already.",
    413: "The body or the number of titles is over the limit.",
    415: "The type of the body is not read.",
    429: "Too much waits already; `Retry-After` says when to come again.",
    503: "The model is not loaded yet, the server stops, or its turn did not come in time.",
    507: "There is no memory for the model. Drop another one first.",
}
_WHEN_ANSWERING = (400, 404, 405, 406, 413, 415, 429, 503)


def openapi(limits: Limits, version: str) -> dict[str, Any]:
    """The document of a server.

    Args:
        limits: What a request may be.
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
            "/invocations": {"post": _answering("Answers of the one model.", limits)},
            **_models_paths(),
            "/models/{name}/invoke": {
                "parameters": [_NAME],
                "post": _answering("Answers of one model of many.", limits),
            },
        },
        "components": {"schemas": {"Answer": _ANSWER, "Refused": _REASON, "Titles": _titles()}},
    }


def _server_paths() -> dict[str, Any]:
    """What tells of the server itself."""
    figures = {"description": "Figures.", "content": {"text/plain": {"schema": _TEXT}}}
    return {
        "/ping": {"get": _route("Whether it answers.", _any("It answers."), 503)},
        "/execution-parameters": {
            "get": _route("What Batch Transform may send.", _any("Its parameters."))
        },
        "/metrics": {"get": _route("Figures for Prometheus.", figures)},
        "/openapi.json": {"get": _route("This document.", _any("The document."))},
    }


def _models_paths() -> dict[str, Any]:
    """What loads, lists and drops models."""
    return {
        "/models": {
            "get": {
                **_route("All models, page by page.", _any("A page."), 400),
                "parameters": [
                    _parameter("limit", "query", {"type": "integer", "minimum": 1}),
                    _parameter("next_page_token", "query", _TEXT),
                ],
            },
            "post": {
                **_route("Load a model.", _any("It answers."), 400, 403, 404, 409, 413, 503, 507),
                "requestBody": {"required": True, "content": {JSON: {"schema": _MODEL}}},
            },
        },
        "/models/{name}": {
            "parameters": [_NAME],
            "get": _route("One model.", _any("Its name and place."), 404),
            "delete": _route("Let a model go.", _any("It is gone."), 403, 404),
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
    "path": {"type": "array", "items": _TEXT, "description": "From the top; empty: no answer."},
    "id": _TEXT,
    "confidence": _PROBABILITY,
}
_ANSWER = {
    "type": "object",
    "properties": {
        **_NODE,
        "ids": {"type": "array", "items": _TEXT, "description": "Of the path's nodes."},
        "level_confidences": {"type": "array", "items": _PROBABILITY},
        "others": {"type": "array", "items": {"type": "object", "properties": _NODE}},
        "error": {"type": "string", "description": "In place of all else, in a row of lines."},
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
    """Titles as JSON, in every form that is read."""
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
    answered = {"description": "Answers, in order.", "content": {JSON: {"schema": answers}, **flat}}
    titles = {"schema": {"$ref": "#/components/schemas/Titles"}}
    return {
        **_route(text, answered, *_WHEN_ANSWERING),
        "description": f"At most {limits.body:,} bytes and {limits.titles:,} titles.",
        "parameters": [_parameter(ATTRIBUTES, "header", {"type": "string", "maxLength": 1024})],
        "requestBody": {"required": True, "content": {JSON: titles, **flat}},
    }
