"""The shares into which processes divide the parts of the input."""

from prodcat.errors import ConfigError

Shard = tuple[int, int]  # the index of a process, and the number of processes
WHOLE: Shard = (0, 1)


def parse_shard(text: str) -> Shard:
    """Read a share from text.

    Raises:
        ConfigError: The text does not have the form INDEX/COUNT.

    >>> parse_shard("0/8")
    (0, 8)
    """
    index, _, count = text.partition("/")
    if not (index.isdecimal() and count.isdecimal()):
        raise ConfigError(f"--shard {text!r} is no share; expected INDEX/COUNT, such as 0/8.")
    return int(index), int(count)


def check_shard(shard: Shard) -> None:
    """Refuse a share whose index is out of range.

    Raises:
        ConfigError: The index is below 0, or not below the count.
    """
    index, count = shard
    if not 0 <= index < count:
        raise ConfigError(
            f"shard={shard!r} is out of range; expected (index, count) with 0 <= index < count."
        )


def in_shard(shard: Shard, file: int, number: int) -> bool:
    """Whether a part belongs to a share.

    Args:
        shard: The share.
        file: The position of the part's file.
        number: The number of the part in its file.
    """
    index, count = shard
    return (file + number) % count == index
