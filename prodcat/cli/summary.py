"""Writes a JSON object that says what a command did, for later jobs."""

from collections.abc import Mapping
from typing import Any


def write_summary(uri: str, facts: Mapping[str, Any]) -> None:
    """Write what a command did as a JSON object.

    Args:
        uri: The file, at any fsspec URI.
        facts: What the command did, by name; values that JSON does not support are written as text.

    Raises:
        StoreError: The file cannot be written.
    """
    from prodcat.storage.document import json_bytes
    from prodcat.storage.objects import Objects

    folder, _, name = uri.rpartition("/")
    Objects(folder or ".").write(name, json_bytes(facts, indent=2, ascii=True, default=str))
