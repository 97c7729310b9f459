"""The file by which a store is known, and the proof that of two writers one wins there."""

import json
import uuid

from prodcat.errors import ConfigError, StoreError
from prodcat.storage.document import read_document
from prodcat.storage.references import MARK
from prodcat.storage.registry import Registry
from prodcat.storage.signature import signer_of

_LAYOUT = 1


class StoreMark:
    """The file ``store.json`` of a store.

    Args:
        registry: What the store holds.
    """

    def __init__(self, registry: Registry) -> None:
        self.registry = registry
        self._proven = False

    def prove(self) -> None:
        """Make sure, before anything is written, that of two writers one wins here.

        Raises:
            ConfigError: There are keys, but none that can sign.
            StoreError: The server lets two writers win, or the store has another layout.
        """
        if self._proven:
            return
        keys, objects = self.registry.keys, self.registry.objects
        if keys and signer_of(keys) is None:
            raise ConfigError(
                "None of the keys can sign, and what is not signed would be refused by all who "
                "check. Give the private key or the secret too, or no keys."
            )
        existing = objects.create(MARK, _new_mark())
        if existing is None:  # the first writer ever, or a server that lets everybody win
            existing = objects.create(MARK, _new_mark())
        if existing is None:
            raise StoreError(
                f"The server of {self.registry.uri!r} ignores If-None-Match: of two who publish "
                "at the same time both would win and one version be lost. Use S3, or a server "
                "that keeps the condition (Ceph, MinIO)."
            )
        _check_layout(existing, objects.at(MARK))
        self._proven = True


def _new_mark() -> bytes:
    """The content of the file, unlike that of any other writer."""
    mark = {"format": "prodcat-store", "layout": _LAYOUT, "token": uuid.uuid4().hex}
    return json.dumps(mark, indent=2).encode() + b"\n"


def _check_layout(content: bytes, uri: str) -> None:
    mark = read_document(content, uri, limit=64 << 10, values=1_000)
    if not isinstance(mark, dict) or mark.get("layout") != _LAYOUT:
        raise StoreError(
            f"{uri!r} is of a store of another layout; expected layout {_LAYOUT}. Use the "
            "prodcat that made it, or name another folder."
        )
