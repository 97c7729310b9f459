"""Write what a command did as a JSON object, for the jobs after it."""

from collections.abc import Mapping
from typing import Any


def write_summary(uri: str, facts: Mapping[str, Any]) -> None:
    """Write what a command did.

    Args:
        uri: The file, at any fsspec URI.
        facts: What the command did; values that JSON cannot hold are written as text.

    Raises:
        StoreError: The file cannot be written.
    """
    from prodcat.storage.document import json_bytes
    from prodcat.storage.objects import Objects

    folder, _, name = uri.rpartition("/")
    Objects(folder or ".").write(name, json_bytes(facts, indent=2, ascii=True, default=str))
