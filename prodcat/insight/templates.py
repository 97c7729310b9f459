"""Templates of pages, which escape all values, and the policy that lets no other script run."""

import base64
import hashlib
import json
from typing import TYPE_CHECKING, Any

import numpy as np

from prodcat.text_encoding import for_script, for_terminal

if TYPE_CHECKING:
    from jinja2 import Environment


def content_policy(*scripts: str) -> str:
    """The content security policy of a page that runs only these scripts and loads nothing.

    Args:
        scripts: The text of each script element that may run.

    Returns:
        The value of the header ``Content-Security-Policy``.
    """
    digests = (base64.b64encode(hashlib.sha256(text.encode()).digest()) for text in scripts)
    allowed = " ".join(f"'sha256-{digest.decode()}'" for digest in digests)
    return (
        f"default-src 'none'; script-src {allowed}; style-src 'unsafe-inline'; "
        "img-src data: blob:; base-uri 'none'; form-action 'none'"
    )


def templates_in(package: str) -> "Environment":
    """The templates in the folder ``static`` of a package, in which all texts are escaped.

    Their filter ``json`` writes a value into a script element.
    """
    from jinja2 import Environment, PackageLoader, StrictUndefined
    from markupsafe import Markup

    templates = Environment(
        loader=PackageLoader(package, "static"),
        autoescape=True,
        finalize=lambda value: for_terminal(value) if type(value) is str else value,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    templates.filters["json"] = lambda value: Markup(in_script(value))
    return templates


def in_script(value: Any) -> str:
    r"""Encode a value as JSON that cannot close the script element that it is written into.

    >>> print(in_script("</script>"))
    "\u003c/script>"
    """
    return for_script(json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=_plain))


def _plain(value: Any) -> Any:
    if isinstance(value, np.ndarray):
        return value.tolist()
    if isinstance(value, np.generic):
        return value.item()
    raise TypeError(f"Found {type(value)} on a page; expected numbers and strings.")
