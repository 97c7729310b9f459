"""Names of models and aliases, and references to versions such as ``tr@production``."""

import re

from prodcat.errors import ConfigError, StoreError
from prodcat.storage.aliases import VERSION

MARK = "store.json"
LATEST = "latest"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}")


def is_name(text: str) -> bool:
    """Whether a text has the form of a name of a model or an alias."""
    return _NAME.fullmatch(text) is not None


def check_name(what: str, name: str) -> None:
    """Refuse what cannot be the name of a model or an alias.

    Args:
        what: ``"model"`` or ``"alias"``.
        name: The name.

    Raises:
        ConfigError: It has letters that no name has, or a meaning of its own.
    """
    if not isinstance(name, str) or not is_name(name):
        raise ConfigError(
            f"{name!r} cannot be the name of a {what}; expected up to 63 letters, digits, dots, "
            "dashes and underscores, a letter or a digit first."
        )
    if (what == "alias" and (name == LATEST or VERSION.fullmatch(name))) or name == MARK:
        raise ConfigError(f"{name!r} means something else already; name the {what} differently.")


def split_reference(reference: str) -> tuple[str, str]:
    """The model's name in a reference, and what stands after the ``@``.

    Returns:
        The name, and a version, an alias or ``"latest"``.

    Raises:
        StoreError: Nothing stands after an ``@``.
        ConfigError: A part of it cannot be a name.
    """
    name, at, wanted = reference.partition("@")
    if not at or not wanted:
        raise StoreError(
            f"{reference!r} names no version; expected {name}@production, {name}@<version> or "
            f"{name}@{LATEST}."
        )
    check_name("model", name)
    if not VERSION.fullmatch(wanted) and wanted != LATEST:
        check_name("alias", wanted)
    return name, wanted
