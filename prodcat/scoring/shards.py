"""The share of the parts that one process scores."""

from prodcat.errors import ConfigError

Shard = tuple[int, int]  # index and count: this process's number, and how many there are
WHOLE: Shard = (0, 1)


def parse_shard(text: str) -> Shard:
    """A share of the work as text, such as ``"0/8"``.

    Raises:
        ConfigError: It is none.
    """
    index, _, count = text.partition("/")
    if not (index.isdecimal() and count.isdecimal()):
        raise ConfigError(f"--shard {text!r} is none; expected INDEX/COUNT, such as 0/8.")
    return int(index), int(count)


def check_shard(shard: Shard) -> None:
    """Refuse a number that none of the processes has.

    Raises:
        ConfigError: The index is not between 0 and the count.
    """
    index, count = shard
    if not 0 <= index < count:
        raise ConfigError(
            f"shard={shard!r} is out of range; expected (index, count) with 0 <= index < count."
        )


def in_shard(shard: Shard, file: int, number: int) -> bool:
    """Whether a part is in a share, by the position of its file and its number there."""
    index, count = shard
    return (file + number) % count == index
