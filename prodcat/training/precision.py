"""The precision in which an encoder is trained."""

import torch


def pick_precision(precision: str, device: torch.device) -> str:
    """Resolve ``"auto"``: bfloat16 if the device has fast instructions for it, else float32.

    >>> pick_precision("auto", torch.device("meta"))
    'float32'

    Args:
        precision: ``"auto"``, ``"bfloat16"`` or ``"float32"``.
        device: The device to train on.

    Returns:
        ``"bfloat16"`` or ``"float32"``.
    """
    if precision != "auto":
        return precision
    if device.type == "cuda":
        return "bfloat16" if torch.cuda.is_bf16_supported() else "float32"
    flags = torch.backends.cpu.get_cpu_capability()
    return "bfloat16" if device.type == "cpu" and "AVX512" in flags else "float32"
