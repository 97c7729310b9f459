"""An iterator that is one item ahead of its caller, and no further."""

import threading

import pytest

from prodcat.scoring.prefetch import Prefetch


def test_items_come_in_order_and_one_ahead():
    made, second_is_made = [], threading.Event()

    def items():
        for number in range(4):
            made.append(number)
            if number == 1:
                second_is_made.set()
            yield number

    with Prefetch(items()) as coming:
        assert next(coming) == 0
        assert second_is_made.wait(5) and made == [0, 1]
        assert list(coming) == [1, 2, 3]
    assert made == [0, 1, 2, 3]


def test_an_error_comes_where_its_item_would():
    def items():
        yield 1
        raise KeyError("gone")

    received = []
    with pytest.raises(KeyError, match="gone"), Prefetch(items()) as coming:
        for item in coming:
            received.append(item)
    assert received == [1]


def test_a_caller_that_leaves_early_leaves_no_thread():
    with Prefetch(iter(range(1_000))) as coming:
        assert next(coming) == 0
    assert not [own for own in threading.enumerate() if own.name == "prodcat-ahead"]
