"""What titles cost: letters, not titles."""

import random
import time

import numpy as np
import pytest

from prodcat.serving.batching import Batcher
from prodcat.serving.refusal import Refusal
from prodcat.serving.title_costs import Speed, TitleCosts
from prodcat.serving.waiting_requests import Question


def letters(count, size, seed=0):
    rng = random.Random(seed)
    return ["".join(rng.choices("abcdefghij klmnopqrst", k=size)) for _ in range(count)]


def test_costs_of_any_slice():
    costs = TitleCosts.of(["a" * 92, "b" * 9_992, "c" * 92], 100)
    speed = Speed(device=0.002, preparing=0.001)
    assert speed.seconds(costs, 0, 1) == pytest.approx(0.3)
    assert speed.seconds(costs, 1, 2) == pytest.approx(0.002 * 300 + 10.0)
    assert speed.seconds(costs, 0, 3) == pytest.approx(11.2)
    assert [speed.most(costs, 0, seconds, 100.0) for seconds in (0.2, 0.4, 1.0, 11.0, 20.0)] == [
        0, 1, 1, 2, 3,
    ]  # fmt: skip
    assert [speed.most(costs, 0, 100.0, preparing) for preparing in (0.25, 10.3)] == [1, 3]
    # Without an encoder nothing is cut.
    assert Speed(device=1.0).seconds(TitleCosts.of(["b" * 9_992], None), 0, 1) > 10_000


def test_costs_of_chosen_titles():
    costs = TitleCosts.of(["a" * 92, "b" * 9_992, "c" * 12], 100)
    chosen = costs.only(np.array([False, True, True]))
    assert len(costs) == 3 and len(chosen) == 2
    assert chosen.letters.tolist() == [0, 10_000, 10_020] and chosen.read.tolist() == [0, 300, 320]


def test_letters_that_become_many_count_as_many():
    [one], [many] = (TitleCosts.of([text], None).letters[1:] for text in ("a" * 100, "ﷺ" * 100))
    assert many > 15 * one


def test_a_speed_follows_what_is_measured():
    speed = Speed.expected(1.0)
    speed.learn(None, None)
    assert speed.usual == pytest.approx(1.0, rel=0.01)
    speed.learn(0.001, 1e-5)
    assert speed.device == 0.001 and speed.preparing == pytest.approx(5.5e-6)
    for _ in range(20):
        speed.learn(0.0001, 1e-6)
    assert speed.device == pytest.approx(0.0001, rel=0.01)


@pytest.fixture
def asked(small):
    inference, decide = small.inference(), small.decision()
    batcher = Batcher(most_wait=0.2)
    yield lambda titles, patience=60.0: batcher.submit(
        inference, Question(titles, decide), patience
    )
    batcher.close()


@pytest.mark.slow
def test_a_short_title_waits_for_no_long_ones(asked, titles):
    asked(titles * 5).result(30)
    began = time.monotonic()
    long = [asked(letters(80, 10_000, seed)) for seed in range(2)]
    time.sleep(0.05)
    seconds = []
    while not all(one.done() for one in long) and len(seconds) < 5:
        start = time.monotonic()
        try:
            asked(titles[:1]).result(30)
        except Refusal as refusal:
            assert refusal.status == 429
            time.sleep(0.05)
        else:
            seconds.append(time.monotonic() - start)
    for one in long:
        one.result(60)
    whole = time.monotonic() - began
    assert seconds and sorted(seconds)[len(seconds) // 2] < whole / 8


def test_long_titles_that_would_keep_others_waiting_are_counted_by_their_letters(asked, titles):
    asked(titles * 5).result(30)
    waiting = []
    with pytest.raises(Refusal) as caught:
        for seed in range(60):
            waiting.append(asked(letters(30, 10_000, seed)))
    assert caught.value.status == 429 and len(waiting) < 30
    for one in waiting:
        one.cancel()
