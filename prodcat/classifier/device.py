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
    except (RuntimeError, AssertionError, TypeError) as error:
        raise ConfigError(
            f"device={device!r} cannot be used here: {str(error).splitlines()[0]} Use 'cpu', or "
            "'cuda' on a machine with a GPU."
        ) from error
    return picked


def check_has_values(device: torch.device) -> None:
    """Refuse the device ``meta``, on which tensors have a shape and no values.

    Args:
        device: The device of a classifier that is to answer, or to be moved.

    Raises:
        ConfigError: It is ``meta``.
    """
    if device.type == "meta":
        raise ConfigError(
            "This classifier is on the device 'meta', where its weights have no values; expected a "
            "device such as 'cpu' or 'cuda'. Use the classifier that was moved there, which is "
            "unchanged, or load it again."
        )
