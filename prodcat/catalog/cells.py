"""What the cells of a table mean in a catalog."""

import numpy as np

from prodcat.storage.tables import is_missing
from prodcat.taxonomy.paths import split_path


def cell_text(value: object) -> str:
    """A cell as text; whole numbers lose the point that a missing neighbour gave them."""
    if is_missing(value):
        return ""
    if isinstance(value, bytes):
        value = value.decode("utf-8", "surrogateescape")
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return str(value).strip()


def path_names(value: object, separator: str) -> list[str]:
    """The names in one cell: a list or array of names, one line, or one name."""
    if isinstance(value, (dict, set)):
        return []
    if isinstance(value, (list, tuple, np.ndarray)):
        return [cell_text(part) for part in value]
    text = cell_text(value)
    return list(split_path(text, separator)) if text else []


def group_text(value: object) -> str:
    """A group's value as text, the same from any table: 1 for 1.0, empty where it is missing."""
    if is_missing(value):
        return ""
    whole = isinstance(value, float | np.floating) and float(value).is_integer()
    return str(int(value) if whole else value).strip()  # type: ignore[call-overload]
