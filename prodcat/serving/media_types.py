"""The supported media types of bodies, and the choice of the type of an answer."""

import re

from prodcat.serving.refusal import Refusal

JSON, LINES, CSV, PARQUET = TYPES = (
    "application/json",
    "application/jsonlines",
    "text/csv",
    "application/x-parquet",
)
ATTRIBUTES = "X-Amzn-SageMaker-Custom-Attributes"  # a header that is copied to the answer
_ATTRIBUTES = re.compile(r"[\x20-\x7e]{0,1024}")  # the values that SageMaker allows
_ALIASES = {
    "application/jsonl": LINES,
    "application/x-jsonlines": LINES,
    "application/x-ndjson": LINES,
    "application/parquet": PARQUET,
    "application/vnd.apache.parquet": PARQUET,
}


def media_type(header: str | None, default: str = JSON) -> str:
    """The media type in a header, in lower case, without parameters and with aliases replaced.

    Args:
        header: The value of ``Content-Type``, one entry of ``Accept``, or None.
        default: The media type if the header is empty or None.

    >>> media_type("Application/X-NDJSON; charset=utf-8")
    'application/jsonlines'
    """
    name = (header or default).partition(";")[0].strip().lower()
    return _ALIASES.get(name, name)


def checked_attributes(header: str | None) -> str | None:
    """Check the header ``X-Amzn-SageMaker-Custom-Attributes``, and return it unchanged.

    Args:
        header: The value of the header, or None.

    Raises:
        Refusal: With status 400 if the value has over 1,024 characters, or characters other than
            printable ASCII.
    """
    if header is not None and not _ATTRIBUTES.fullmatch(header):
        raise Refusal(
            400,
            f"{ATTRIBUTES} has {len(header):,} characters; expected at most 1,024, all of them "
            "printable ASCII.",
        )
    return header


def picked_type(accept: str | None, content_type: str | None) -> str:
    """The media type in which a request is answered.

    Args:
        accept: The header ``Accept``; if None or empty, the answer has the type of the request.
        content_type: The header ``Content-Type``; if None, ``application/json``.

    Raises:
        Refusal: With status 406 if none of the accepted types is available.

    >>> picked_type("text/html, text/csv;q=0.5", "application/json")
    'text/csv'
    """
    same = media_type(content_type)
    if not accept:
        return same
    for name in _accepted(accept, same):
        if name in TYPES:
            return name
        if name == "*/*" or (name.endswith("/*") and same.startswith(name[:-1])):
            return same
    raise Refusal(406, f"Accept {accept!r} is not available; expected one of {list(TYPES)} or */*.")


def _accepted(accept: str, default: str) -> list[str]:
    """The media types in an ``Accept`` header, most preferred first."""
    ranked = []
    for place, part in enumerate(accept.split(",")):
        name, *parameters = part.split(";")
        quality = 1.0
        for parameter in parameters:
            key, _, value = parameter.partition("=")
            if key.strip().lower() == "q":
                try:
                    quality = float(value)
                except ValueError:
                    quality = 0.0
        if quality > 0:
            ranked.append((-quality, place, media_type(name, default)))
    return [name for _, _, name in sorted(ranked)]
