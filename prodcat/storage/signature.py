"""Signatures of manifests and alias events: HMAC with a shared secret, or Ed25519."""

import base64
import hashlib
import hmac
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from prodcat.errors import ArtifactError, ConfigError
from prodcat.storage.containers import path_text

_SHORTEST = 32  # bytes


@dataclass(frozen=True)
class Key:
    """A key that signs and checks signatures, or that only checks them.

    Attributes:
        algorithm: ``"hmac-sha256"`` or ``"ed25519"``.
        id: A public identifier of 16 hexadecimal digits, the same for both halves of a key pair.
        can_sign: Whether the key can sign.
    """

    algorithm: str
    id: str
    can_sign: bool
    _secret: Any = field(repr=False)

    @classmethod
    def from_secret(cls, secret: bytes) -> "Key":
        """Make a key from a shared secret; everybody who knows the secret can sign and check.

        Args:
            secret: At least 32 random bytes.

        Raises:
            ConfigError: The secret is too short.
        """
        if len(secret) < _SHORTEST:
            raise ConfigError(
                f"The secret has {len(secret)} bytes; expected at least {_SHORTEST} random bytes, "
                "such as `openssl rand -hex 32` prints."
            )
        name = hmac.new(secret, b"prodcat key", hashlib.sha256).hexdigest()[:16]
        return cls("hmac-sha256", name, True, secret)

    @classmethod
    def from_pem(cls, text: bytes) -> "Key":
        """Make a key from one half of an Ed25519 key pair.

        The private half signs and checks; the public half only checks.

        Args:
            text: The content of the PEM file.

        Raises:
            ConfigError: The text is not an Ed25519 key without a password, or the package
                ``cryptography`` is not installed.
        """
        try:
            from cryptography.hazmat.primitives import serialization
            from cryptography.hazmat.primitives.asymmetric.ed25519 import (
                Ed25519PrivateKey,
                Ed25519PublicKey,
            )
        except ImportError as error:
            raise ConfigError(
                "A PEM key needs the package cryptography: pip install 'prodcat[sign]'."
            ) from error
        private = b"PRIVATE" in text
        try:
            key: Any
            if private:
                key = serialization.load_pem_private_key(text, None)
            else:
                key = serialization.load_pem_public_key(text)
        except (ValueError, TypeError) as error:
            raise ConfigError(
                f"The PEM key cannot be read without a password: {error}. Expected an Ed25519 key, "
                "such as `openssl genpkey -algorithm ed25519` makes."
            ) from error
        if not isinstance(key, (Ed25519PrivateKey, Ed25519PublicKey)):
            raise ConfigError(
                f"The PEM key is a {type(key).__name__}; expected an Ed25519 key, such as `openssl "
                "genpkey -algorithm ed25519` makes."
            )
        public = key.public_key() if isinstance(key, Ed25519PrivateKey) else key
        return cls(
            "ed25519", hashlib.sha256(public.public_bytes_raw()).hexdigest()[:16], private, key
        )

    @classmethod
    def from_file(cls, path: str | Path) -> "Key":
        """Read a PEM file with an Ed25519 key, or a file with a shared secret.

        Raises:
            ConfigError: The file cannot be read, or contains neither such a key nor a secret of
                at least 32 bytes.
        """
        path = path_text(path, "path", "the path of a file with a key", ConfigError)
        try:
            text = Path(path).read_bytes()
        except OSError as error:
            raise ConfigError(f"Cannot read the key {str(path)!r}: {error}.") from error
        if b"-----BEGIN" in text:
            return cls.from_pem(text)
        # Editors add a line feed to text, but in a binary secret every byte counts.
        return cls.from_secret(text.strip() if text.isascii() else text)

    def sign(self, content: bytes) -> dict[str, str]:
        """Sign some bytes.

        Returns:
            A JSON object with ``"algorithm"``, the key's id (``"key"``), and the
            ``"signature"`` in base64.

        Raises:
            ConfigError: The key can only check.
        """
        if not self.can_sign:
            raise ConfigError(
                f"The public key {self.id} can only check signatures. Give the private key to sign."
            )
        if self.algorithm == "ed25519":
            raw = self._secret.sign(content)
        else:
            raw = hmac.new(self._secret, content, hashlib.sha256).digest()
        return {
            "algorithm": self.algorithm,
            "key": self.id,
            "signature": base64.b64encode(raw).decode(),
        }

    def fits(self, content: bytes, signature: Any) -> bool:
        """Whether a signature was made with this key (or its private half) for this content.

        Args:
            content: The signed bytes.
            signature: The signature as :meth:`sign` returns it; any other value gives False.
        """
        try:
            if signature["algorithm"] != self.algorithm or signature["key"] != self.id:
                return False
            raw = base64.b64decode(signature["signature"], validate=True)
        except (KeyError, TypeError, ValueError):
            return False
        if self.algorithm == "hmac-sha256":
            return hmac.compare_digest(
                raw, hmac.new(self._secret, content, hashlib.sha256).digest()
            )
        from cryptography.exceptions import InvalidSignature

        public = self._secret.public_key() if self.can_sign else self._secret
        try:
            public.verify(raw, content)
        except InvalidSignature:
            return False
        return True


def signer_of(keys: Sequence[Key]) -> Key | None:
    """The first of the keys that can sign, or None."""
    return next((key for key in keys if key.can_sign), None)


def check_signature(keys: Sequence[Key], content: bytes, signature: Any, source: str) -> None:
    """Refuse content that none of the keys signed; without keys any content is accepted.

    Args:
        keys: The trusted keys.
        content: The signed bytes.
        signature: The signature as :meth:`Key.sign` returns it; None if there is none.
        source: A description of the content, with which messages begin.

    Raises:
        ArtifactError: The content is unsigned, signed by another key, or was altered.
    """
    if not keys or any(key.fits(content, signature) for key in keys):
        return
    trusted = ", ".join(key.id for key in keys)
    signer = signature.get("key") if isinstance(signature, dict) else None
    if signer is None:
        raise ArtifactError(
            f"{source} is not signed; expected a signature by {trusted}. Publish it with the key, "
            "or load it from a store without keys."
        )
    if signer not in [key.id for key in keys]:
        raise ArtifactError(
            f"{source} is signed by the key {str(signer)[:64]!r}; expected {trusted}. If you trust "
            "that key, give it."
        )
    raise ArtifactError(
        f"{source} does not match its signature by {signer}: it was altered after it was signed. "
        "Do not use it; publish it again."
    )
