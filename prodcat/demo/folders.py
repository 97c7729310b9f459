"""The folders that demos write to and take files from."""

import os
import stat
from pathlib import Path

from prodcat.errors import ConfigError


def made_folder(path: Path) -> Path:
    """Make a folder, or check that nobody else can have placed files or links in it.

    Args:
        path: The folder; folders above it are made as well.

    Returns:
        ``path``.

    Raises:
        ConfigError: The folder, or a link of its name, belongs to another user, or everybody can
            write to the folder.
    """
    path.mkdir(parents=True, exist_ok=True)
    facts = path.stat()
    if not {facts.st_uid, path.lstat().st_uid} <= {0, os.geteuid()}:
        reason = "belongs to another user"
    elif facts.st_mode & stat.S_IWOTH:
        reason = "can be written by everybody"
    else:
        return path
    raise ConfigError(
        f"The folder {str(path)!r} {reason}, who could have placed files or links in it; expected "
        "one of the user who runs this process. Name another folder."
    )
