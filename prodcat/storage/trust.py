"""Checks signatures: readers with keys accept only what one of the keys signed for this store.

The manifest of each version, each change of an alias and each mark of a deletion are signed.  Each
of them names the model, the version or the alias, and the store: by the token in ``store.json``,
which no other store has.  So a signed file is refused if it is copied to another name or store.
Files that earlier versions of prodcat signed name no store, and are accepted in every store.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from prodcat.errors import ArtifactError
from prodcat.storage.document import json_bytes, read_document
from prodcat.storage.objects import Objects
from prodcat.storage.signature import Key, check_signature, signer_of

MARK = "store.json"
_LIMIT = 64 << 10  # bytes


class Trust:
    """The trusted keys, and the store for which they must have signed.

    Args:
        keys: The keys; without keys no signature is checked.

    Attributes:
        keys: The keys.
        signer: The first key that can sign, or None.
        store: The token of the store in ``store.json``; None until it was read.
    """

    def __init__(self, keys: Sequence[Key] = ()) -> None:
        self.keys = tuple(keys)
        self.signer = signer_of(self.keys)
        self.store: str | None = None

    def check(self, content: bytes, signature: object, source: str) -> None:
        """Refuse content that none of the keys signed, if there are keys.

        Args:
            content: The signed bytes.
            signature: The signature as a JSON object; None if there is none.
            source: A description of the content, with which messages begin.

        Raises:
            ArtifactError: The content is unsigned, signed by another key, or was altered.
        """
        check_signature(self.keys, content, signature, source)

    def check_store(self, store: object, objects: Objects, source: str) -> None:
        """Refuse a file that was signed for another store, if there are keys.

        Args:
            store: The token of the store that the signed file names; None if it names none.
            objects: The objects of the store that is read.
            source: A description of the file, with which messages begin.

        Raises:
            ArtifactError: The file was signed for another store.
            StoreError: ``store.json`` cannot be read.
        """
        if not self.keys or store is None or store == self.store:
            return
        self.store = store_token(objects)  # the known token may be that of an earlier store
        if store != self.store:
            raise ArtifactError(
                f"{source} was signed for another store than {objects.uri!r}: the token in {MARK} "
                f"is {str(self.store)[:64]!r}; expected {str(store)[:64]!r}. Publish and promote "
                f"the version here with the key, or copy a whole store with its {MARK}."
            )

    def sealed(self, body: Mapping[str, Any]) -> bytes:
        """Format a JSON object as the bytes of a file, signed if one of the keys can sign."""
        whole = dict(body)
        if self.signer is not None:
            whole["signature"] = self.signer.sign(_canonical(body))
        return json_bytes(whole, indent=2, ascii=True)

    def unsealed(self, content: bytes, source: str) -> dict[str, Any]:
        """Parse a file that :meth:`sealed` made, and check its signature.

        Args:
            content: The bytes of the file.
            source: A description of the file, with which messages begin.

        Returns:
            The JSON object without its signature.

        Raises:
            ArtifactError: The file is damaged, or not signed by one of the keys.
        """
        body = read_document(content, source, limit=_LIMIT, values=1_000)
        if not isinstance(body, dict):
            raise ArtifactError(f"{source} is damaged: it is not a JSON object. Write it again.")
        signature = body.pop("signature", None)
        self.check(_canonical(body), signature, source)
        return body


def store_token(objects: Objects) -> str | None:
    """The unique token of a store; None if it has no ``store.json``, or one without a token."""
    try:
        return parse_token(objects.start(MARK, _LIMIT))
    except FileNotFoundError:
        return None


def parse_token(mark: bytes) -> str | None:
    """The token in the bytes of ``store.json``, or None if there is none."""
    try:
        body = read_document(mark, MARK, limit=_LIMIT, values=1_000)
    except ArtifactError:
        return None
    token = body.get("token") if isinstance(body, dict) else None
    return token if isinstance(token, str) else None


def _canonical(body: Mapping[str, Any]) -> bytes:
    """The bytes that are signed for a JSON object; equal objects give the same bytes."""
    return json_bytes(body, ascii=True, end="", sort_keys=True, separators=(",", ":"))
