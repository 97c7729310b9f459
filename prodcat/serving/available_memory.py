"""Measure how much memory is free for a model, and return unused memory to the system."""

import contextlib
import ctypes
import gc
from pathlib import Path

import torch

_MEMINFO = "/proc/meminfo"
_CGROUP = "/sys/fs/cgroup"
# Files with the memory limit and the usage of a container, in versions 2 and 1 of Linux cgroups.
_LIMITS = (
    ("memory.max", "memory.current", "memory.stat", "inactive_file"),
    (
        "memory/memory.limit_in_bytes",
        "memory/memory.usage_in_bytes",
        "memory/memory.stat",
        "total_inactive_file",
    ),
)


def free_memory(
    device: str | None = None, meminfo: str = _MEMINFO, cgroup: str = _CGROUP
) -> int | None:
    """The free memory for models in bytes.

    Args:
        device: The PyTorch device of the models; None for a GPU if there is one.
        meminfo: The path of Linux's file about the memory of the machine.
        cgroup: The path of Linux's folder about the memory of the container.

    Returns:
        The smallest of the free memory of the machine, the container and the GPU, in bytes; None
        if all three are unknown, as outside Linux.
    """
    free = []
    available = _fields(Path(meminfo)).get("MemAvailable")
    if available is not None:
        free.append(available << 10)
    for limit, used, stat, cached in _LIMITS:
        most, now = _number(Path(cgroup, limit)), _number(Path(cgroup, used))
        if most is not None and now is not None:
            # The system reclaims cached pages of files when memory is needed.
            free.append(max(most - now + _fields(Path(cgroup, stat)).get(cached, 0), 0))
    if torch.cuda.is_available() and (device is None or device.startswith("cuda")):
        free.append(torch.cuda.mem_get_info(device)[0])
    return min(free, default=None)


def give_back() -> None:
    """Collect garbage, and return unused memory to the machine.

    Reference cycles keep an unloaded model alive until a collection, and the allocator would keep
    its memory, which is spread over the arenas of all threads.
    """
    gc.collect()
    trim()


def trim() -> None:
    """Return to the machine the free memory that the allocator would otherwise keep."""
    with contextlib.suppress(OSError, AttributeError):  # another allocator than glibc's
        ctypes.CDLL(None).malloc_trim(0)


def settle() -> None:
    """Exclude the objects that exist now from later garbage collections.

    A collection stops all threads; with the libraries that a model needs it takes a fifth of a
    second.
    """
    gc.collect()
    gc.freeze()


def _fields(path: Path) -> dict[str, int]:
    """The numbers by name in a file with a name and a number per line; empty if it is missing."""
    try:
        lines = path.read_text().splitlines()
    except OSError:
        return {}
    words = [line.replace(":", " ").split() for line in lines]
    return {line[0]: int(line[1]) for line in words if len(line) > 1 and line[1].isdecimal()}


def _number(path: Path) -> int | None:
    """The number in a file; None if the file is missing or contains "max"."""
    try:
        text = path.read_text().strip()
    except OSError:
        return None
    return int(text) if text.isdecimal() else None
