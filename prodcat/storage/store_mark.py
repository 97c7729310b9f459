"""The file ``store.json``, which marks a folder as a store and tests conditional writes there."""

import uuid

from prodcat.errors import ConfigError, StoreError
from prodcat.storage.document import json_bytes, read_document
from prodcat.storage.registry import Registry
from prodcat.storage.trust import MARK, parse_token

_LAYOUT = 1


class StoreMark:
    """The file ``store.json`` of a store.

    Args:
        registry: The models of the store.
    """

    def __init__(self, registry: Registry) -> None:
        self.registry = registry
        self._proven = False

    def prove(self) -> None:
        """Check that this process may write to the store, and that writing there is safe.

        Writes ``store.json`` if it does not exist, and tests with it that the server lets only one
        of two writers create an object.  Does nothing once it has succeeded.

        Raises:
            ConfigError: There are keys, but none of them can sign.
            StoreError: The server lets both writers succeed, the store has another layout, or it
                cannot be written to.
            ArtifactError: ``store.json`` is not JSON.
        """
        if self._proven:
            return
        trust, objects = self.registry.trust, self.registry.objects
        if trust.keys and trust.signer is None:
            raise ConfigError(
                "None of the keys can sign, and readers with keys would ignore or refuse anything "
                "unsigned. Give the private key or the secret as well, or no keys."
            )
        existing = objects.create(MARK, _new_mark())
        if existing is None:  # this is the first writer, or the server ignores the condition
            existing = objects.create(MARK, _new_mark())
        if existing is None:
            raise StoreError(
                f"The server of {self.registry.uri!r} ignores If-None-Match: if two processes "
                "publish at the same time, both would succeed and one version would be lost. Use "
                "S3, or a server that honours If-None-Match (Ceph, MinIO)."
            )
        _check_layout(existing, objects.at(MARK))
        trust.store = parse_token(existing)
        self._proven = True


def _new_mark() -> bytes:
    """The content of the file, with a random token that no other writer has."""
    mark = {"format": "prodcat-store", "layout": _LAYOUT, "token": uuid.uuid4().hex}
    return json_bytes(mark, indent=2, ascii=True)


def _check_layout(content: bytes, uri: str) -> None:
    mark = read_document(content, uri, limit=64 << 10, values=1_000)
    if not isinstance(mark, dict) or mark.get("layout") != _LAYOUT:
        raise StoreError(
            f"{uri!r} belongs to a store with another layout; expected layout {_LAYOUT}. Use the "
            "version of prodcat that made it, or another folder."
        )
