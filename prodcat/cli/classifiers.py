"""The options ``--model``, ``--device`` and ``--precision``, and loading of a classifier."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from prodcat.cli.answers import answer_options
from prodcat.cli.environment import cache_folder, named_keys, store_uri

if TYPE_CHECKING:
    from prodcat.classifier.classifier import Classifier


def model_option(parser: argparse.ArgumentParser) -> None:
    """Add ``--model``."""
    parser.add_argument(
        "--model",
        required=True,
        type=in_usual_store,
        metavar="MODEL",
        help="a saved classifier: a folder, a URI, model.tar.gz or STORE/model@alias; model@alias "
        "alone is one of the store PRODCAT_STORE",
    )


def in_usual_store(uri: str) -> str:
    """The address of a classifier; ``model@alias`` alone is one of the store in PRODCAT_STORE.

    Args:
        uri: What was typed.  Addresses with a slash, and names of folders and files that exist,
            stay as they are, and so does ``model@alias`` in a folder that is a store itself.
    """
    store = store_uri()
    if not store or "/" in uri or "@" not in uri or Path(uri).exists():
        return uri
    return uri if Path("store.json").exists() else f"{store.rstrip('/')}/{uri}"


def device_option(parser: argparse.ArgumentParser) -> None:
    """Add ``--device``."""
    parser.add_argument(
        "--device",
        metavar="DEVICE",
        help="device to compute on, such as cpu or cuda; a GPU if there is one",
    )


def inference_options(parser: argparse.ArgumentParser) -> None:
    """Add ``--model``, ``--device`` and ``--precision``."""
    model_option(parser)
    device_option(parser)
    answer_options(parser, ["precision"], precision="auto")


def load_classifier(options: argparse.Namespace, uri: str) -> "Classifier":
    """Load a classifier with the cache and the keys that the environment names.

    Args:
        options: The parsed options; a command without ``--device`` uses the CPU.
        uri: A folder, a URI, a ``model.tar.gz``, ``STORE/model@alias`` or, in the store that the
            environment names, ``model@alias``.  Keys are used only for the last two of these.

    Raises:
        ArtifactError: There is no artifact, it is damaged, or it is not signed by one of the keys.
        StoreError: There is no such version in the store, or the store cannot be reached.
        ConfigError: A key or the device cannot be used.
    """
    from prodcat.classifier.loading import load

    uri = in_usual_store(uri)
    device = getattr(options, "device", "cpu")
    keys = named_keys()
    if keys is not None:
        from prodcat.classifier.loading import is_reference

        if not is_reference(uri, signed=True):
            keys = None
    return load(uri, device=device, cache=cache_folder(), keys=keys)
