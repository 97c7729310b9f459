"""The parameters of the header ``Content-Type``, such as ``charset``."""

import re
from collections.abc import Mapping
from functools import lru_cache

from prodcat.serving.refusal import Refusal, shown

_PARAMETER = re.compile(r";\s*([^\s;=]+)\s*=\s*(\"(?:[^\"\\]|\\.)*\"(?=\s*(?:;|$))|[^;]*)")
_ESCAPED = re.compile(r"\\(.)")
_NONE: dict[str, str] = {}


@lru_cache(maxsize=64)
def parameters_of(content_type: str | None) -> Mapping[str, str]:
    """The values of the parameters of a header by their names in lower case.

    Args:
        content_type: The value of the header ``Content-Type``, or None.

    Raises:
        Refusal: With status 415 if a parameter has two different values.

    >>> parameters_of('text/csv; Charset="utf-8"; header=present')
    {'charset': 'utf-8', 'header': 'present'}
    """
    if not content_type or ";" not in content_type:
        return _NONE
    parameters: dict[str, str] = {}
    for name, value in _PARAMETER.findall(content_type):
        value = _unquoted(value)
        if parameters.setdefault(name.lower(), value) != value:
            raise Refusal(
                415,
                f"Content-Type {shown(content_type)} has two values of {shown(name)}; expected "
                "one.",
            )
    return parameters


def without_charset(content_type: str) -> str:
    """Remove the parameter ``charset`` of a header, for a text that was decoded already.

    Args:
        content_type: The value of the header ``Content-Type``.

    >>> without_charset("text/csv; charset=cp1254; header=present")
    'text/csv; header=present'
    """
    return _PARAMETER.sub(
        lambda part: "" if part[1].lower() == "charset" else part[0], content_type
    )


def _unquoted(value: str) -> str:
    value = value.strip(" \t")
    if len(value) > 1 and value[0] == value[-1] == '"':
        return _ESCAPED.sub(r"\1", value[1:-1])
    return value
