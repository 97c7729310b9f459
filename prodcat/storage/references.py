"""Names of models and aliases, and references to versions such as ``tr@production``."""

import re

from prodcat.errors import ConfigError, StoreError
from prodcat.storage.aliases import VERSION
from prodcat.storage.trust import MARK

LATEST = "latest"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}")


def is_name(text: str) -> bool:
    """Whether a text can be the name of a model or an alias.

    >>> is_name("tr"), is_name("../tr")
    (True, False)
    """
    return _NAME.fullmatch(text) is not None


def check_name(what: str, name: str) -> None:
    """Refuse a text that cannot be the name of a model or an alias.

    Args:
        what: What is named, for the message: ``"model"`` or ``"alias"``.
        name: The name.

    Raises:
        ConfigError: The name is not a string, is too long, has characters that are not allowed,
            or is reserved: ``"store.json"``, and for an alias ``"latest"`` and names of versions.
    """
    if not isinstance(name, str) or not is_name(name):
        raise ConfigError(
            f"The {what} name {name!r} is not allowed; expected up to 63 letters, digits, dots, "
            "dashes and underscores, with a letter or a digit first."
        )
    if (what == "alias" and (name == LATEST or VERSION.fullmatch(name))) or name == MARK:
        raise ConfigError(f"The {what} name {name!r} is reserved. Choose another name.")


def split_reference(reference: str) -> tuple[str, str]:
    """Split a reference at its ``@``.

    Returns:
        The model's name; and the part after ``@``: a version, an alias or ``"latest"``.

    Raises:
        StoreError: The reference has no ``@``, or nothing after it.
        ConfigError: The model's name or the alias is not allowed; see :func:`check_name`.

    >>> split_reference("tr@production")
    ('tr', 'production')
    """
    name, at, version = reference.partition("@")
    if not at or not version:
        raise StoreError(
            f"{reference!r} names no version; expected {name}@production, {name}@<version> or "
            f"{name}@{LATEST}."
        )
    check_name("model", name)
    if not VERSION.fullmatch(version) and version != LATEST:
        check_name("alias", version)
    return name, version
