"""Encoders on the Hugging Face hub: whether the hub can be reached, and what this machine has.

A hub that cannot be reached is noticed in seconds: without this, each file would be asked for six
times, with pauses in between.
"""

import re
import socket
import threading
from dataclasses import dataclass
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

from prodcat.errors import EncoderError

_NAME = re.compile(r"\w[\w.-]*(/\w[\w.-]*)?", re.ASCII)
_SECONDS = 5.0  # until the hub counts as unreachable


@dataclass(frozen=True)
class HubEncoder:
    """An encoder on the hub that suits product titles.

    Attributes:
        name: Its name on the hub.
        megabytes: The size of its weights, about.
        languages: The languages that it was trained on.
        licence: The licence of its weights.
    """

    name: str
    megabytes: int
    languages: str
    licence: str


# From small to large; prodcat loads all of them without running code that comes with a model.
HUB_ENCODERS = (
    HubEncoder("sentence-transformers/all-MiniLM-L6-v2", 91, "English", "Apache-2.0"),
    HubEncoder("intfloat/e5-small-v2", 133, "English", "MIT"),
    HubEncoder("intfloat/multilingual-e5-small", 471, "about 100", "MIT"),
    HubEncoder(
        "sentence-transformers/paraphrase-multilingual-MiniLM-L12-v2",
        471,
        "about 50",
        "Apache-2.0",
    ),
    HubEncoder("distilbert/distilbert-base-multilingual-cased", 542, "104", "Apache-2.0"),
    HubEncoder("intfloat/multilingual-e5-base", 1_112, "about 100", "MIT"),
    HubEncoder("sentence-transformers/LaBSE", 1_883, "109", "Apache-2.0"),
)


def only_from_disk(name: str, revision: str, source: str) -> bool:
    """Whether an encoder is to be loaded without the hub, as the hub cannot be reached.

    Args:
        name: The name of the encoder on the hub.
        revision: Its commit, tag or branch.
        source: The name that the user gave, for messages.

    Raises:
        EncoderError: The name is none of the hub, or the encoder is not on this machine and the
            hub cannot be reached.
    """
    from huggingface_hub import constants

    if not _NAME.fullmatch(name):
        raise EncoderError(
            f"Cannot load an encoder from {source!r}: there is no such folder. Expected a hub "
            "name, or a folder with config.json, model.safetensors and tokenizer.json. To use "
            "n-grams alone, set model=prodcat.ModelConfig(encoder=None)."
        )
    if not constants.HF_HUB_OFFLINE and _is_reachable(constants.ENDPOINT):
        return False
    if is_on_disk(name, revision):
        return True
    reason = (
        "HF_HUB_OFFLINE is set"
        if constants.HF_HUB_OFFLINE
        else f"{constants.ENDPOINT} cannot be reached"
    )
    raise EncoderError(
        f"Cannot load an encoder from {source!r}: it is not on this machine, and {reason}. Use "
        "n-grams alone with model=prodcat.ModelConfig(encoder=None), or name a folder with "
        "config.json, model.safetensors and tokenizer.json: where the hub can be reached, "
        f"'hf download {name} --local-dir encoder' fills one, which you copy here."
    )


def is_on_disk(name: str, revision: str = "main") -> bool:
    """Whether the cache of the hub on this machine has an encoder."""
    from huggingface_hub import try_to_load_from_cache

    return isinstance(try_to_load_from_cache(name, "config.json", revision=revision), str)


def _is_reachable(endpoint: str) -> bool:
    """Whether a server accepts connections; True if a proxy is between, which may know it."""
    address = urlsplit(endpoint)
    host, port = address.hostname or "", address.port or (80 if address.scheme == "http" else 443)
    if address.scheme in getproxies() and not proxy_bypass(host):
        return True
    reached = threading.Event()

    def connect() -> None:
        try:
            socket.create_connection((host, port), timeout=_SECONDS).close()
            reached.set()
        except OSError:
            return

    attempt = threading.Thread(target=connect, daemon=True)  # a name server may never answer
    attempt.start()
    attempt.join(_SECONDS)
    return reached.is_set()
