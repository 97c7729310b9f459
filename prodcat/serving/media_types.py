"""What headers say: the media types of bodies, and what a request wants its answers to be."""

from prodcat.serving.refusal import Refusal

JSON, LINES, CSV, PARQUET = TYPES = (
    "application/json",
    "application/jsonlines",
    "text/csv",
    "application/x-parquet",
)
ATTRIBUTES = "X-Amzn-SageMaker-Custom-Attributes"  # the header that comes back as it was sent
_ALIASES = {
    "application/jsonl": LINES,
    "application/x-jsonlines": LINES,
    "application/x-ndjson": LINES,
    "application/parquet": PARQUET,
    "application/vnd.apache.parquet": PARQUET,
}


def media_type(header: str | None, default: str = JSON) -> str:
    """The media type that a header names, without its parameters and under its usual name.

    Args:
        header: A ``Content-Type`` or a part of an ``Accept``, or None.
        default: The type where the header names none.
    """
    name = (header or default).partition(";")[0].strip().lower()
    return _ALIASES.get(name, name)


def picked_type(accept: str | None, content_type: str | None) -> str:
    """The type that answers are sent in.

    Args:
        accept: The header of that name; without one, answers have the type of the request.
        content_type: The header of that name.

    Raises:
        Refusal: 406: no accepted type can be had.
    """
    same = media_type(content_type)
    if not accept:
        return same
    for name in _wanted(accept, same):
        if name in TYPES:
            return name
        if name == "*/*" or (name.endswith("/*") and same.startswith(name[:-1])):
            return same
    raise Refusal(406, f"Accept {accept!r} cannot be had; expected one of {list(TYPES)} or */*.")


def _wanted(accept: str, default: str) -> list[str]:
    """The types that an ``Accept`` names, the most wanted first."""
    wanted = []
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
            wanted.append((-quality, place, media_type(name, default)))
    return [name for _, _, name in sorted(wanted)]
