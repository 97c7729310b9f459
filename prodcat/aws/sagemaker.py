"""prodcat on AWS's servers: functions for their toolkits, and a handler for Multi Model Server.

``inference.py`` in an archive needs one line::

    from prodcat.aws.sagemaker import handle, input_fn, model_fn, output_fn, predict_fn

The Hugging Face and PyTorch toolkits call the four functions ending in ``_fn``.  Multi Model Server
calls ``handle(data, context)``.  It is not a class because Multi Model Server ignores exceptions
that a class raises while it loads a model: it would report a model as loaded that does not fit into
memory.
"""

import json
import logging
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch

from prodcat.cli.environment import limits_of, memory_setting, opener_of, precision_of
from prodcat.errors import is_fault
from prodcat.serving.available_memory import free_memory
from prodcat.serving.bodies import read_body, write_body
from prodcat.serving.content_types import without_charset
from prodcat.serving.field_names import UNREAD, unread_header
from prodcat.serving.loading import artifact_bytes, open_model
from prodcat.serving.media_types import ATTRIBUTES, JSON, checked_attributes, picked_type
from prodcat.serving.packed_bodies import content_coding, unpacked
from prodcat.serving.query import Query
from prodcat.serving.refusal import Refusal, too_large
from prodcat.serving.served import Served

logger = logging.getLogger("prodcat")
_loaded: dict[str, Served] = {}
_lock = threading.Lock()


def model_fn(model_dir: str, context: Any = None) -> Served:
    """Load the classifier at the root of an archive.

    Args:
        model_dir: The folder in which the archive was unpacked.
        context: The context of the server, which is not used.

    Returns:
        The loaded model, for :func:`predict_fn`.

    Raises:
        ProdcatError: There is no classifier, or it cannot be loaded.
        MemoryError: The classifier does not fit into memory.
    """
    return open_model("", model_dir, opener=opener_of(), precision=precision_of())


def input_fn(
    body: Any, content_type: str | None = JSON, context: Any = None
) -> "tuple[bytes, str]":
    """Turn the body of a request into bytes.

    Args:
        body: Text, bytes, or what the server has already parsed: JSON or an array.
        content_type: The header ``Content-Type``; None means JSON.
        context: The context of the server, which is not used.

    Returns:
        The bytes of the body, and ``content_type``, which is JSON for a body that was parsed.

    Raises:
        Refusal: The body is something else.
    """
    content_type = content_type or JSON
    if isinstance(body, (bytes, bytearray, memoryview)):
        return bytes(body), content_type
    content_type = without_charset(content_type)  # the server has decoded the body
    if isinstance(body, str):
        return body.encode("utf-8", "surrogatepass"), content_type
    return json.dumps(body, default=_listed).encode(), JSON


def _listed(value: Any) -> Any:
    """The values of an array of NumPy as a list.

    Raises:
        Refusal: It is something else.
    """
    if not hasattr(value, "tolist"):
        kind = type(value).__name__
        raise Refusal(400, f"The body has a {kind}; expected text, bytes or parsed JSON.")
    return value.tolist()


def predict_fn(
    data: "tuple[bytes, str]", model: Served, context: Any = None
) -> "tuple[list[dict[str, Any]], Query] | Refusal":
    """Answer the titles of a request.

    Args:
        data: The body and its media type, from :func:`input_fn`.
        model: The model, from :func:`model_fn`.
        context: The context of the server, in which the HTTP status of a refusal is set.  (If an
            exception were raised, the toolkits would send its traceback to the client.)

    Returns:
        The answers and the parsed request, or the refusal.

    Raises:
        Refusal: The request is refused, and there is no context.
    """
    try:
        with _faults_refused():
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

    Returns:
        The body: the answers in the media type that ``accept`` asks for, or the refusal as JSON.

    Raises:
        Refusal: None of the accepted media types is available, and there is no context.
    """
    if isinstance(prediction, Refusal):
        return prediction.body
    try:
        with _faults_refused():
            return write_body(*prediction, picked_type(accept, None), limits_of().answer)
    except Refusal as refusal:
        return _with_status(refusal, context).body


def _answers(
    served: Served, body: bytes, content_type: str
) -> "tuple[list[dict[str, Any]], Query]":
    query = read_body(body, content_type, served.columns, limits_of())
    return served.answered(query), query


@contextmanager
def _faults_refused() -> Iterator[None]:
    """A context manager that logs a fault and raises a Refusal, so that no traceback is sent."""
    try:
        yield
    except Refusal:
        raise
    except BaseException as error:
        if not is_fault(error):
            raise
        logger.error("A request failed.", exc_info=error)
        raise Refusal(500, "The server failed. Its log says why.") from error


def _with_status(refusal: Refusal, context: Any) -> Refusal:
    """Set the HTTP status of a refusal in the context; without a context, raise the refusal."""
    if context is None:
        raise refusal
    context.set_response_status(refusal.status, "Refused")
    return refusal


def handle(data: Any, context: Any) -> "list[Any] | None":
    """Load a model and answer requests, as Multi Model Server calls it.

    The first call loads the model.

    Args:
        data: A batch of requests, ``[{"body": …}, …]``; None to only load the model.
        context: The context of the server, which has the folder of the model and the headers of the
            requests.  The status and the headers of each response are set in it.

    Returns:
        The body of the response to each request; None if ``data`` is None.

    Raises:
        MemoryError: The model does not fit into memory; the server then answers with 507.
        ProdcatError: The model cannot be loaded.
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
            f"Not enough memory to load the model in {folder!r}: it takes about {size:,} bytes, "
            f"and {min(limits):,} are free. Unload another model, or use a larger instance."
        )


def _answered(served: Served, request: Mapping[str, Any], row: int, context: Any) -> Any:
    body = request.get("body", request.get("data"))
    content_type = _header(context, row, "Content-Type") or JSON
    accept = _header(context, row, "Accept")
    try:
        attributes = checked_attributes(_header(context, row, ATTRIBUTES))
        if attributes:
            context.set_response_header(row, ATTRIBUTES, attributes)
        kind = picked_type(accept, content_type)
        coding = content_coding([_header(context, row, "Content-Encoding") or ""])
        with _faults_refused():
            whole, content_type = input_fn(body, content_type)
            if coding is not None:
                whole = _unpacked(whole, coding)
            answers, query = _answers(served, whole, content_type)
            if query.unread:
                context.set_response_header(row, UNREAD, unread_header(query.unread))
            content = write_body(answers, query, kind, limits_of().answer)
            status, reason = 200, "OK"
    except Refusal as refusal:
        content, kind, status, reason = refusal.body, JSON, refusal.status, "Refused"
        for name, value in refusal.headers.items():
            context.set_response_header(row, name, value)
    context.set_response_status(status, reason, row)
    context.set_response_content_type(row, kind)
    return content


def _unpacked(body: bytes, coding: str) -> bytes:
    most = limits_of().body
    content = unpacked(body, coding, most)
    if content is None:
        raise too_large("more unpacked", most)
    return content


def _header(context: Any, row: int, name: str) -> str | None:
    value = context.get_request_header(row, name)
    return None if value is None else str(value)
