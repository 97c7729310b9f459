"""Divide the parts of the input among processes; each process scores one share."""

from prodcat.errors import ConfigError
from prodcat.storage.leases import Lease
from prodcat.storage.objects import Objects

Shard = tuple[int, int]  # the index of a process, and the number of processes
WHOLE: Shard = (0, 1)


def parse_shard(text: str) -> Shard:
    """Parse a share such as ``"0/8"``.

    Returns:
        The index of the process and the number of processes; their range is not checked.

    Raises:
        ConfigError: The text is not of the format INDEX/COUNT.

    >>> parse_shard("0/8")
    (0, 8)
    """
    index, _, count = text.partition("/")
    if not (index.isdecimal() and count.isdecimal()):
        raise ConfigError(f"--shard {text!r} is not valid; expected INDEX/COUNT, such as 0/8.")
    return int(index), int(count)


def check_shard(shard: Shard) -> None:
    """Check that the index of a share is in the range from 0 to the count minus 1.

    Raises:
        ConfigError: The index is out of range.
    """
    index, count = shard
    if not 0 <= index < count:
        raise ConfigError(
            f"shard={shard!r} is out of range; expected (index, count) with 0 <= index < count."
        )


def in_shard(shard: Shard, file: int, number: int) -> bool:
    """Whether a part belongs to a share.

    Args:
        shard: The share, as the index of the process and the number of processes.
        file: The position of the part's file in the list of input files, from 0.
        number: The number of the part in its file, from 0.
    """
    index, count = shard
    return (file + number) % count == index


def lease_share(
    objects: Objects,
    shard: Shard,
    *,
    within: str = "",
    shown: str = "",
    private: bool = False,
) -> Lease:
    """A lease on one share of an output, for a ``with`` statement.

    It excludes leases on the same share, on the whole output, and on shares of another count.

    Args:
        objects: The output folder.
        shard: The share, as the index of the process and the number of processes.
        within: The token of the lease on the whole output, if another process holds that lease
            and assigned this share; empty otherwise.
        shown: The name of the output in error messages.
        private: Whether the folder is temporary, and accessible to this user alone.
    """
    index, count = shard

    def alongside(other: str) -> bool:
        return other.endswith(f"-of-{count}")

    return Lease(objects, f"{index}-of-{count}", alongside, within, shown, private)


def lease_all(objects: Objects) -> Lease:
    """A lease on a whole output, for a process that assigns the shares to other processes.

    Args:
        objects: The output folder.
    """
    return Lease(objects, "all", lambda other: False)
