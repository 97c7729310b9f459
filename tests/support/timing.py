"""How much longer a function takes for a longer text."""

import time
from collections.abc import Callable


def growth(function: Callable[[str], object], text: str, letters: int = 8_000) -> float:
    """How many times as long a function takes when the text is repeated to 8 times the length.

    Args:
        function: The function; each time is the best of five.
        text: The text to repeat.
        letters: Length of the shorter of the two texts.
    """
    short, long = (text * (letters * times // len(text)) for times in (1, 8))
    return _seconds(function, long) / max(_seconds(function, short), 1e-4)


def _seconds(function: Callable[[str], object], text: str) -> float:
    best = float("inf")
    for _ in range(5):
        began = time.process_time()
        function(text)
        best = min(best, time.process_time() - began)
        if best > 1:
            break
    return best
