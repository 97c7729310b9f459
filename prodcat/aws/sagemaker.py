"""prodcat on AWS's servers: functions for their toolkits, and a handler for Multi Model Server.

``inference.py`` in an archive needs one line::

    from prodcat.aws.sagemaker import handle, input_fn, model_fn, output_fn, predict_fn

The Hugging Face and PyTorch toolkits call the four functions.  Multi Model Server calls
``handle(data, context)``.  That is a function because Multi Model Server ignores exceptions that a
class raises while it loads a model: it would report a model as loaded that does not fit.
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
    """Load the classifier at the root of an archive.

    Args:
        model_dir: The folder in which the archive was unpacked.
        context: The context of the server, which is not used.

    Raises:
        ProdcatError: There is no classifier.
        MemoryError: The classifier does not fit into memory.
    """
    return open_model("", model_dir, opener=opener_of(), precision=precision_of())


def input_fn(body: Any, content_type: str = JSON, context: Any = None) -> "tuple[bytes, str]":
    """Turn the body of a request into bytes.

    Args:
        body: Text, bytes, or JSON that the server has already parsed.
        content_type: The header ``Content-Type``.
        context: The context of the server, which is not used.

    Returns:
        The bytes of the body, and its media type.
    """
    if isinstance(body, (bytes, bytearray, memoryview)):
        return bytes(body), content_type
    if isinstance(body, str):
        return body.encode("utf-8", "surrogatepass"), content_type
    return json.dumps(body).encode(), content_type


def predict_fn(
    data: "tuple[bytes, str]", model: Served, context: Any = None
) -> "tuple[list[dict[str, Any]], Query] | Refusal":
    """Answer the titles of a request.

    Args:
        data: The body and its media type, from :func:`input_fn`.
        model: The model, from :func:`model_fn`.
        context: The context of the server, in which the status of a refusal is set; the toolkits
            would send an exception with its traceback.

    Returns:
        The answers and the query, or the refusal.

    Raises:
        Refusal: The body cannot be read, and there is no context.
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
    """Write the body of the response.

    Args:
        prediction: The result of :func:`predict_fn`.
        accept: The header ``Accept``.
        context: The context of the server, as for :func:`predict_fn`.

    Raises:
        Refusal: No accepted media type is available, and there is no context.
    """
    if isinstance(prediction, Refusal):
        return prediction.body
    try:
        return write_body(*prediction, picked_type(accept, None))
    except Refusal as refusal:
        return _with_status(refusal, context).body


def _answers(
    served: Served, body: bytes, content_type: str
) -> "tuple[list[dict[str, Any]], Query]":
    query = read_body(body, content_type, served.columns, limits_of())
    return served.answered(query), query


def _with_status(refusal: Refusal, context: Any) -> Refusal:
    """Set the status of a refusal in the context; without a context, raise the refusal."""
    if context is None:
        raise refusal
    context.set_response_status(refusal.status, "Refused")
    return refusal


def handle(data: Any, context: Any) -> "list[Any] | None":
    """Answer the calls of Multi Model Server: the first one loads the model, others have requests.

    Args:
        data: None to load the model, or a batch of requests, ``[{"body": …}, …]``.
        context: The context of the server, with the folder of the model and the headers; statuses
            are set in it.

    Returns:
        The body of the response to each request; None after loading.

    Raises:
        MemoryError: The model does not fit into memory; the server then answers with 507.
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
        content, kind, status, reason = refusal.body, JSON, refusal.status, "Refused"
    context.set_response_status(status, reason, row)
    context.set_response_content_type(row, kind)
    return content


def _header(context: Any, row: int, name: str) -> str | None:
    value = context.get_request_header(row, name)
    return None if value is None else str(value)
