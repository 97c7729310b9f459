"""Search for the newest event or version that can be trusted, at a cost that has a limit.

Strangers who can write to a store may place any number of events and versions there.  A reader
with keys must look at each of them to learn that it is not signed, as it would otherwise miss
signed ones; so it gives up with an error after a limit.
"""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

_Item = TypeVar("_Item")
_Result = TypeVar("_Result")
MOST_NAMES = 100_000  # in a folder of events or versions
MOST_IGNORED = 2_000  # events or versions in a row that cannot be trusted
_AT_ONCE = 16  # calls
_CHUNK = 64  # results that are awaited before the first of them is used


def in_turn(
    function: Callable[[_Item], _Result], items: Sequence[_Item]
) -> Iterator[tuple[_Item, _Result]]:
    """Call a function with each item: with the first one alone, then with several at once.

    Args:
        function: The function.
        items: The items; the caller usually needs no more than the first one.

    Yields:
        Each item with the function's result.
    """
    yield from ((item, function(item)) for item in items[:1])
    for start in range(1, len(items), _CHUNK):
        chunk = items[start : start + _CHUNK]
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            results = list(pool.map(function, chunk))
        yield from zip(chunk, results, strict=True)
