"""The device that a classifier is on."""

import torch

from prodcat.errors import ConfigError


def pick_device(device: str | torch.device | None) -> torch.device:
    """Choose a device, and check that it can be used.

    Args:
        device: The device or its name, such as ``"cuda:1"``; None for a GPU if there is one, and
            the CPU otherwise.

    Returns:
        The device.

    Raises:
        ConfigError: This machine has no such device.
    """
    try:
        picked = torch.device(device or ("cuda" if torch.cuda.is_available() else "cpu"))
        torch.empty(0, device=picked)
    except (RuntimeError, AssertionError) as error:
        raise ConfigError(
            f"device={device!r} cannot be used here: {str(error).splitlines()[0]} Use 'cpu', or "
            "'cuda' on a machine with a GPU."
        ) from error
    return picked
