"""The OpenAPI document that describes a server."""

from collections.abc import Mapping
from typing import Any

from prodcat.serving.answer_settings import settings_schemas
from prodcat.serving.field_names import UNREAD
from prodcat.serving.media_types import ATTRIBUTES, CSV, JSON, LINES, PARQUET
from prodcat.serving.packed_bodies import CODINGS
from prodcat.serving.reasons import EXPLAIN, MOST_EXPLAINED, MOST_LETTERS
from prodcat.serving.settings import Limits

_REFUSED = {
    400: "The body or a header is not valid, or the settings cannot be combined.",
    401: "The request does not carry the token of the server.",
    403: "The Host or the Origin is not allowed; or the server has one model, which cannot be "
    "replaced; or the URI is not below a folder from which requests may load models.",
    404: "There is no such model, or no such route.",
    405: "The route does not allow this method.",
    406: "None of the accepted media types is available.",
    408: "The request arrived too slowly.",
    409: "A model has this name already.",
    413: "The body, the number of titles or the answer is too large.",
    414: "The URL is too long.",
    415: "The media type of the body, a parameter of it, or its compression is not supported; in "
    "the latter case `Accept-Encoding` has those that are.",
    429: "Too many titles or requests wait already; `Retry-After` says when to try again.",
    431: "The headers are too long or too many.",
    503: "The model is not loaded yet, the server is stopping, or the request waited too long.",
    504: "The model was not loaded in time.",
    507: "Not enough memory to load the model. Unload another model first.",
}
_ANYWHERE = (400, 401, 403, 408, 414, 429, 431, 503)
_WHEN_ANSWERING = (404, 405, 406, 413, 415)


def openapi(limits: Limits, version: str) -> dict[str, Any]:
    """Make the OpenAPI document of a server.

    Args:
        limits: The maximum size of a request.
        version: The version of prodcat.

    Returns:
        The document, of OpenAPI 3.1, as JSON values.
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
        "security": [
            {},
            {"token": []},
        ],  # whether a token is required depends on how the server was started
        "components": {
            "schemas": {"Answer": _ANSWER, "Refused": _REASON, "Titles": _titles()},
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
    }


def _server_paths() -> dict[str, Any]:
    """The routes that describe the server itself."""
    metrics = {"description": "The metrics.", "content": {"text/plain": {"schema": _TEXT}}}
    page = {"description": "The page.", "content": {"text/html": {"schema": _TEXT}}}
    return {
        "/ping": {
            "get": _route(
                "Check whether the server answers requests.", _any("The server answers requests.")
            )
        },
        "/execution-parameters": {
            "get": _route(
                "Get the parameters for SageMaker's Batch Transform.", _any("The parameters.")
            )
        },
        "/metrics": {"get": _route("Get the metrics for Prometheus.", metrics)},
        "/openapi.json": {"get": _route("Get this document.", _any("The document."))},
        "/": {"get": _route("Read this document as a page.", page)},
        "/docs": {"get": _route("Read this document as a page.", page)},
    }


def _models_paths() -> dict[str, Any]:
    """The routes that load, list and unload models."""
    return {
        "/models": {
            "get": {
                **_route("List the models, page by page.", _any("A page of models.")),
                "parameters": [
                    _parameter("limit", "query", {"type": "integer", "minimum": 1}),
                    _parameter("next_page_token", "query", _TEXT),
                ],
            },
            "post": {
                **_route(
                    "Load a model.",
                    _any("The model is loaded."),
                    404,
                    409,
                    413,
                    415,
                    504,
                    507,
                ),
                "requestBody": {"required": True, "content": {JSON: {"schema": _MODEL}}},
            },
        },
        "/models/{name}": {
            "parameters": [_NAME],
            "get": _route("Show one model.", _any("The name and the URI of the model."), 404),
            "delete": _route("Unload a model.", _any("The model was unloaded."), 404),
        },
    }


_TEXT: dict[str, Any] = {"type": "string"}
_UNREAD = "A JSON list of the names of the fields that the model did not read, if there were any."
_BODY = (
    "Titles; CSV and lines of JSON with one title in each row. The Content-Type of CSV may have "
    "the parameters header (present or absent), delimiter (comma, semicolon, tab or pipe) and "
    "charset; without them the header and the delimiter of a table are recognised, and the text is "
    "UTF-8."
)
_NAMED = {"type": "string", "minLength": 1, "maxLength": 1024}
_MODEL = {
    "type": "object",
    "required": ["model_name", "url"],
    "properties": {"model_name": _NAMED, "url": {**_NAMED, "maxLength": 2000}},
}
_PROBABILITY = {"type": "number", "minimum": 0, "maximum": 1}
_NODE = {
    "path": {
        "type": "array",
        "items": _TEXT,
        "description": "The names from the top level down.",
    },
    "id": _TEXT,
    "confidence": _PROBABILITY,
}
_LISTED = {
    "ids": {"type": "array", "items": _TEXT, "description": "The ids of the nodes on the path."},
    "level_confidences": {"type": "array", "items": _PROBABILITY},
}
_ANSWER = {
    "type": "object",
    "properties": {
        **{
            name: {**schema, "type": [schema["type"], "null"]}
            for name, schema in {**_NODE, **_LISTED}.items()
        },
        "best_guess": {
            "type": "object",
            "properties": _NODE,
            "description": "The most likely path where path, id and confidence are null, as no "
            "category is certain enough.",
        },
        "others": {"type": "array", "items": {"type": "object", "properties": _NODE}},
        "explanation": {
            "type": "object",
            "description": "The reasons for the answer, if the request asks for them: at each "
            "level the words of the title with what they contribute to the margin between the "
            "answer and the runner-up, and the fewest words without which the answer changes.",
        },
        "error": {
            "type": "string",
            "description": "The error of the row, instead of an answer.",
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
            "description": "The title and the further columns of the model, each a text or null. "
            f"Other fields may have any value and are not read; `{UNREAD}` names them.",
        },
    ]
}


def _titles() -> dict[str, Any]:
    """The JSON Schema of the body of a request, with every allowed layout."""
    settings = settings_schemas()
    settings[EXPLAIN] = {
        "type": "boolean",
        "description": f"Whether each answer is to have its reasons; for {MOST_EXPLAINED} titles "
        f"with {MOST_LETTERS:,} letters in all, at most.",
    }
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
                for status in sorted({*_ANYWHERE, *refused})
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
    flat: dict[str, Any] = {kind: {"schema": _TEXT} for kind in (LINES, CSV, PARQUET)}
    answered = {
        "description": "Answers in the order of the titles.",
        "headers": {UNREAD: {"schema": _TEXT, "description": _UNREAD}},
        "content": {JSON: {"schema": answers}, **flat},
    }
    titles = {"schema": {"$ref": "#/components/schemas/Titles"}}
    return {
        **_route(text, answered, *_WHEN_ANSWERING),
        "description": f"At most {limits.body:,} bytes and {limits.titles:,} titles.",
        "parameters": [
            _parameter(ATTRIBUTES, "header", {"type": "string", "maxLength": 1024}),
            _parameter("Content-Encoding", "header", {"enum": ["identity", *CODINGS]}),
        ],
        "requestBody": {
            "required": True,
            "description": _BODY,
            "content": {JSON: titles, **flat},
        },
    }
