"""What SageMaker's variables say of requests; needed before anything large is imported."""

import os
from collections.abc import Mapping

TITLES = ("4096", "1000000")  # of a request: usually, and in containers of Batch Transform
_UNLIMITED = "1024"  # SageMaker says 0 where bodies have no limit


def is_batch(environment: Mapping[str, str] = os.environ) -> bool:
    """Whether this is a container of Batch Transform."""
    return environment.get("SAGEMAKER_BATCH", "").lower() == "true"


def most_payload(environment: Mapping[str, str] = os.environ) -> str:
    """Megabytes that a request may have, as text."""
    said = environment.get("SAGEMAKER_MAX_PAYLOAD_IN_MB", "6").strip()
    return _UNLIMITED if said == "0" else said
