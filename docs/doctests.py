"""An extension of griffe: doctests in docstrings become blocks of code on the pages."""

import re
from typing import Any

import griffe

DOCTEST = re.compile(r"(?:(?<=\n)|\A)>>> (?:.+\n?)+")


class FencedDoctests(griffe.Extension):
    """Puts the doctests of every docstring, up to the next empty line, into a fenced block."""

    def on_object(self, *, obj: griffe.Object, **_: Any) -> None:
        """Change the docstring of an object that was loaded."""
        if obj.docstring is not None:
            text = obj.docstring.value
            obj.docstring.value = DOCTEST.sub(
                lambda match: f"\n```pycon\n{match[0].rstrip()}\n```\n", text
            )
