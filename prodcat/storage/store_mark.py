"""The file that marks a store, and the check that only one of two writers succeeds there."""

import uuid

from prodcat.errors import ConfigError, StoreError
from prodcat.storage.document import json_bytes, read_document
from prodcat.storage.references import MARK
from prodcat.storage.registry import Registry
from prodcat.storage.signature import signer_of

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
        """Make sure, before anything is written, that only one of two writers can succeed.

        Raises:
            ConfigError: There are keys, but none of them can sign.
            StoreError: The server lets two writers succeed, or the store has another layout.
        """
        if self._proven:
            return
        keys, objects = self.registry.keys, self.registry.objects
        if keys and signer_of(keys) is None:
            raise ConfigError(
                "None of the keys can sign, and everybody who checks signatures would refuse what "
                "is written unsigned. Give the private key or the secret too, or no keys."
            )
        existing = objects.create(MARK, _new_mark())
        if existing is None:  # this is the first writer, or the server lets everybody succeed
            existing = objects.create(MARK, _new_mark())
        if existing is None:
            raise StoreError(
                f"The server of {self.registry.uri!r} ignores If-None-Match: if two processes "
                "publish at the same time, both would succeed and one version would be lost. Use "
                "S3, or a server that keeps the condition (Ceph, MinIO)."
            )
        _check_layout(existing, objects.at(MARK))
        self._proven = True


def _new_mark() -> bytes:
    """The content of the file, which no other writer has."""
    mark = {"format": "prodcat-store", "layout": _LAYOUT, "token": uuid.uuid4().hex}
    return json_bytes(mark, indent=2, ascii=True)


def _check_layout(content: bytes, uri: str) -> None:
    mark = read_document(content, uri, limit=64 << 10, values=1_000)
    if not isinstance(mark, dict) or mark.get("layout") != _LAYOUT:
        raise StoreError(
            f"{uri!r} is of a store of another layout; expected layout {_LAYOUT}. Use the "
            "prodcat that made it, or name another folder."
        )
