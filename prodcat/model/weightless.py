"""Build modules whose weights take no memory until the real weights are loaded."""

from typing import Any

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode

from prodcat.errors import EncoderError

_MOST_CONSTANT_BYTES = 96 << 20  # for all constants that a model computes when it is built
# Functions that give a weight its initial values.
_INITIALISERS = {
    "normal_", "uniform_", "trunc_normal_", "zeros_", "ones_", "constant_", "zero_", "fill_",
    "mul_", "kaiming_uniform_", "kaiming_normal_", "xavier_uniform_", "xavier_normal_",
}  # fmt: skip
# Functions that compute constants.
_CONSTANT_MAKERS = (
    torch.zeros, torch.ones, torch.full, torch.arange, torch.linspace, torch.eye,
)  # fmt: skip


class without_weights(TorchFunctionMode):  # noqa: N801, used as a function
    """A context in which modules are made with weights that take no memory.

    It applies to the current thread only.  Constants that a module computes, such as positions,
    are real tensors.

    Args:
        most: Maximum number of weight tensors that may be made; None for no limit.

    Raises:
        EncoderError: More weight tensors are made, or constants of more than 96 MB (2**20 bytes).

    >>> with without_weights():
    ...     layer = torch.nn.Linear(2, 3)
    >>> layer.weight.device.type
    'meta'
    """

    def __init__(self, most: int | None = None) -> None:
        super().__init__()
        self.most, self.weights, self.bytes = most, 0, 0

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Make uninitialised and random tensors, which become weights, on the meta device."""
        kwargs = dict(kwargs or {})
        target = args[0] if args else kwargs.get("tensor")
        if isinstance(target, Tensor) and target.is_meta and func.__name__ in _INITIALISERS:
            return target
        if func in (torch.empty, torch.rand, torch.randn):
            kwargs["device"] = "meta"
            kwargs.pop("generator", None)
            func = torch.empty  # random numbers without memory would import half of torch
            self._count_weight()
        elif func in _CONSTANT_MAKERS:
            planned = func(*args, **{**kwargs, "device": "meta"})
            self._check_bytes(self.bytes + _bytes(planned))
        result = func(*args, **kwargs)
        if isinstance(result, Tensor) and not result.is_meta:
            self.bytes += _bytes(result)
            self._check_bytes(self.bytes)
        return result

    def _count_weight(self) -> None:
        self.weights += 1
        if self.most is not None and self.weights > self.most:
            raise EncoderError(
                f"The encoder's config asks for more than {self.most:,} weight tensors, but the "
                "artifact has fewer. The config does not belong to these weights."
            )

    def _check_bytes(self, count: int) -> None:
        if count > _MOST_CONSTANT_BYTES:
            raise EncoderError(
                f"The encoder's config asks for constants of more than "
                f"{_MOST_CONSTANT_BYTES >> 20} MB. The config does not belong to these weights."
            )


def _bytes(tensor: Tensor) -> int:
    return tensor.numel() * tensor.element_size()
