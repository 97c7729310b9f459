"""Rebuild a classifier from the files of a verified artifact."""

import torch

from prodcat.classifier.classifier import Classifier
from prodcat.classifier.rebuilding import decode
from prodcat.errors import ArtifactError, StoreError, is_fault
from prodcat.storage.artifact import Artifact


def rebuild(artifact: Artifact, device: torch.device) -> Classifier:
    """The classifier that a verified artifact holds.

    Args:
        artifact: The artifact.
        device: The device that the classifier is put on.

    Raises:
        ArtifactError: The files are not those of one classifier.
        StoreError: The files were removed while they were read, or the cache cannot be used.
    """
    try:
        parts = decode(artifact, device)
    except (ArtifactError, StoreError):
        raise
    except FileNotFoundError as error:
        raise StoreError(
            f"A file of {artifact.uri!r} was removed while it was loaded ({error.filename!r}): "
            "the cache was cleared. Load it again."
        ) from error
    except BaseException as error:  # libraries raise anything at damaged files
        if not is_fault(error):
            raise
        raise ArtifactError(
            f"The artifact at {artifact.uri!r} cannot be rebuilt: {type(error).__name__}: "
            f"{str(error)[:500]}. Its files are what its manifest says, so they were damaged "
            "before they were saved, or belong to different models. Save the classifier again."
        ) from error
    return Classifier(parts.reader, parts.decider, parts.provenance)
