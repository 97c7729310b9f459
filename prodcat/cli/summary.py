"""What a command did, as a JSON object for whatever comes after it."""

import json
from collections.abc import Mapping
from typing import Any


def write_summary(uri: str, facts: Mapping[str, Any]) -> None:
    """Write what a command did.

    Args:
        uri: The place, at any fsspec URI.
        facts: What the next job is to know; what JSON has no form for is written as text.

    Raises:
        StoreError: It cannot be written.
    """
    from prodcat.storage.objects import Objects

    folder, _, name = uri.rpartition("/")
    content = json.dumps(facts, indent=2, default=str).encode() + b"\n"
    Objects(folder or ".").write(name, content)
