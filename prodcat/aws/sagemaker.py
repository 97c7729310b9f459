"""prodcat behind AWS's own servers: functions for their toolkits, a handler for Multi Model Server.

``inference.py`` in an archive needs one line::

    from prodcat.aws.sagemaker import handle, input_fn, model_fn, output_fn, predict_fn

The Hugging Face and PyTorch toolkits call the four functions.  Multi Model Server calls
``handle(data, context)``: a function, as it swallows what a class raises while it loads, so that
a model for which there is no memory would be taken for one that is there.
"""

import json
import threading
from collections.abc import Mapping
from typing import Any

import torch

from prodcat.cli.environment import limits_of, memory_setting, opener_of, precision_of
from prodcat.serving.available_memory import free_memory
from prodcat.serving.bodies import read_body, write_body
from prodcat.serving.loading import artifact_bytes, open_model
from prodcat.serving.media_types import ATTRIBUTES, JSON, picked_type
from prodcat.serving.query import Query
from prodcat.serving.refusal import Refusal
from prodcat.serving.served import Served

_loaded: dict[str, Served] = {}
_lock = threading.Lock()


def model_fn(model_dir: str, context: Any = None) -> Served:
    """Load the classifier that an archive holds at its root.

    Args:
        model_dir: Where the archive was unpacked.
        context: Of the server; unused.

    Raises:
        ProdcatError: There is none.
        MemoryError: It does not fit.
    """
    return open_model("", model_dir, opener=opener_of(), precision=precision_of())


def input_fn(body: Any, content_type: str = JSON, context: Any = None) -> "tuple[bytes, str]":
    """Take a request's body as it came: text, bytes, or JSON that the server parsed already.

    Args:
        body: str, bytes, bytearray, or what JSON gave.
        content_type: Of the header.
        context: Of the server; unused.
    """
    if isinstance(body, (bytes, bytearray, memoryview)):
        return bytes(body), content_type
    if isinstance(body, str):
        return body.encode("utf-8", "surrogatepass"), content_type
    return json.dumps(body).encode(), content_type


def predict_fn(
    data: "tuple[bytes, str]", model: Served, context: Any = None
) -> "tuple[list[dict[str, Any]], Query] | Refusal":
    """Answer.

    Args:
        data: From :func:`input_fn`.
        model: From :func:`model_fn`.
        context: Of the server: where a refusal's status is set, as the toolkits send what is
            raised with its traceback.

    Returns:
        Answers, or why there are none.

    Raises:
        Refusal: The body says nothing that can be answered, and there is no context.
    """
    try:
        return _answers(model, *data)
    except Refusal as refusal:
        return _with_status(refusal, context)


def output_fn(
    prediction: "tuple[list[dict[str, Any]], Query] | Refusal",
    accept: str = JSON,
    context: Any = None,
) -> bytes:
    """Answers as a body.

    Args:
        prediction: From :func:`predict_fn`.
        accept: Of the header.
        context: As there.

    Raises:
        Refusal: The type is not known, and there is no context.
    """
    if isinstance(prediction, Refusal):
        return _reason(prediction)
    try:
        return write_body(*prediction, picked_type(accept, None))
    except Refusal as refusal:
        return _reason(_with_status(refusal, context))


def _answers(
    served: Served, body: bytes, content_type: str
) -> "tuple[list[dict[str, Any]], Query]":
    query = read_body(body, content_type, served.columns, limits_of())
    return served.answered(query), query


def _with_status(refusal: Refusal, context: Any) -> Refusal:
    """The refusal, once its status is set; raised where there is nothing to set it in."""
    if context is None:
        raise refusal
    context.set_response_status(refusal.status, "Refused")
    return refusal


def _reason(refusal: Refusal) -> bytes:
    return json.dumps({"error": refusal.reason}).encode()


def handle(data: Any, context: Any) -> "list[Any] | None":
    """What Multi Model Server calls: once without data to load, then for each request.

    Args:
        data: None, or a batch of requests, ``[{"body": …}, …]``.
        context: Of the server: the model's folder, headers, and where statuses are set.

    Returns:
        One body for each request; None once loaded.

    Raises:
        MemoryError: The model does not fit, which the server answers with 507.
    """
    folder = str(context.system_properties["model_dir"])
    with _lock:
        if folder not in _loaded:
            _check_memory(folder)
            try:
                _loaded[folder] = model_fn(folder)
            except torch.OutOfMemoryError as error:
                raise MemoryError(str(error)) from error
        served = _loaded[folder]
    if data is None:
        return None
    return [_answered(served, request, row, context) for row, request in enumerate(data)]


def _check_memory(folder: str) -> None:
    size = artifact_bytes(folder)
    limits = [limit for limit in (memory_setting(), free_memory()) if limit is not None]
    if limits and size > min(limits):
        raise MemoryError(
            f"The model in {folder!r} takes about {size:,} bytes, and {min(limits):,} are free."
        )


def _answered(served: Served, request: Mapping[str, Any], row: int, context: Any) -> Any:
    body = request.get("body", request.get("data"))
    content_type = _header(context, row, "Content-Type") or JSON
    accept = _header(context, row, "Accept")
    attributes = _header(context, row, ATTRIBUTES)
    if attributes:
        context.set_response_header(row, ATTRIBUTES, attributes)
    try:
        kind = picked_type(accept, content_type)
        answers, query = _answers(served, *input_fn(body, content_type))
        content, status, reason = write_body(answers, query, kind), 200, "OK"
    except Refusal as refusal:
        content, kind, status, reason = _reason(refusal), JSON, refusal.status, "Refused"
    context.set_response_status(status, reason, row)
    context.set_response_content_type(row, kind)
    return content


def _header(context: Any, row: int, name: str) -> str | None:
    value = context.get_request_header(row, name)
    return None if value is None else str(value)
