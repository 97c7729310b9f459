"""How much memory a model may still take: asked before it is loaded, not found out while."""

import contextlib
import ctypes
import gc
from pathlib import Path

import torch

_MEMINFO = "/proc/meminfo"
_CGROUP = "/sys/fs/cgroup"
# The container's limit and what it uses: of version 2 of Linux's control groups, and of version 1.
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
    """Bytes that the machine, the container and the GPU still have.

    Args:
        device: Where models are; a GPU if there is one and nothing is given.
        meminfo: Linux's file about the machine's memory.
        cgroup: Linux's folder about the container's memory.

    Returns:
        The least of them; None where nothing is known, as outside Linux.
    """
    free = []
    available = _fields(Path(meminfo)).get("MemAvailable")
    if available is not None:
        free.append(available << 10)
    for limit, used, stat, cached in _LIMITS:
        most, now = _number(Path(cgroup, limit)), _number(Path(cgroup, used))
        if most is not None and now is not None:
            # Pages of files that were read are given back where they are needed.
            free.append(max(most - now + _fields(Path(cgroup, stat)).get(cached, 0), 0))
    if torch.cuda.is_available() and (device is None or device.startswith("cuda")):
        free.append(torch.cuda.mem_get_info(device)[0])
    return min(free, default=None)


def give_back() -> None:
    """Give memory that nothing uses back to the machine, which the allocator else keeps for itself.

    What a model leaves behind is in cycles and in pieces of every thread's arena.
    """
    gc.collect()
    trim()


def trim() -> None:
    """Give back what is free already."""
    with contextlib.suppress(OSError, AttributeError):  # another allocator than glibc's
        ctypes.CDLL(None).malloc_trim(0)


def settle() -> None:
    """Leave out of later collections what is there for good: they stop all threads while they run.

    With the libraries that a model needs they take a fifth of a second.
    """
    gc.collect()
    gc.freeze()


def _fields(path: Path) -> dict[str, int]:
    try:
        lines = path.read_text().splitlines()
    except OSError:
        return {}
    words = [line.replace(":", " ").split() for line in lines]
    return {line[0]: int(line[1]) for line in words if len(line) > 1 and line[1].isdecimal()}


def _number(path: Path) -> int | None:
    try:
        text = path.read_text().strip()
    except OSError:
        return None
    return int(text) if text.isdecimal() else None
