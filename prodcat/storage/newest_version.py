"""Find the newest version of a model that can be trusted, among many that strangers may place."""

import logging
from functools import partial

from prodcat.errors import ArtifactError
from prodcat.storage.aliases import VERSION
from prodcat.storage.bounded_search import MOST_IGNORED, MOST_NAMES, in_turn
from prodcat.storage.versions import Versions

logger = logging.getLogger("prodcat")
_SMALL = 64 << 10  # bytes of a manifest that counts as one version


def newest_version(versions: Versions, *, strict: bool = False) -> str | None:
    """The newest version that is complete and not being deleted, or None.

    If there are keys, versions that none of them signed are ignored.

    Args:
        versions: The versions of a model.
        strict: Whether it is an error if there are versions but none that can be trusted.

    Raises:
        ArtifactError: ``strict`` is true, and none of the versions is signed; or the newest
            versions are incomplete or cannot be trusted, and are so many, or so large, that no
            older one is looked for.
        StoreError: The folder has too many entries, or the store cannot be reached.
    """
    names = versions.objects.names(versions.folder, MOST_NAMES)
    candidates = [name for name in reversed(names) if VERSION.fullmatch(name)]
    first_error, ignored, cost, newest = None, 0, 0, None
    for version, (is_there, error, size) in in_turn(partial(_examined, versions), candidates):
        if is_there:
            newest = version
            break
        if isinstance(error, ArtifactError):
            first_error, ignored = first_error or error, ignored + 1
        cost += 1 + size // _SMALL
        if cost >= MOST_IGNORED:
            raise ArtifactError(
                f"The newest versions of {versions.model}, down to "
                f"{versions.objects.at(versions.at(version))!r}, are incomplete or cannot be "
                "trusted, and are so many or so large that no older version was looked for. "
                "Delete them, and find out who can write there; or name a version or an alias."
            ) from first_error
    if first_error and newest is None and strict:
        raise first_error
    if first_error:
        message = "Ignored versions of %s that cannot be trusted (%d): %s"
        logger.warning(message, versions.model, ignored, first_error)
    return newest


def _examined(versions: Versions, version: str) -> tuple[bool, Exception | None, int]:
    """Whether a version is there and can be trusted; why it cannot; its manifest's bytes."""
    if not versions.trust.keys:
        return versions.is_there(version), None, 0
    # The folder is not listed, as strangers may have placed any number of files there.
    content = b""
    try:
        content, signature = versions.manifest(version)
        versions.check(version, content, signature)
    except (ArtifactError, FileNotFoundError) as error:
        return False, error, len(content)
    return not versions.is_condemned(version), None, len(content)
