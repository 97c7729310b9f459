"""What waits for the device: in which order, for how long, and what is refused."""

import time
import types

import pytest

from prodcat.serving.batching import Batcher
from prodcat.serving.refusal import Refusal
from prodcat.serving.waiting_requests import Question


@pytest.fixture
def slow(small):
    """Four milliseconds a title, and the classifier's own answers."""
    inference, decide = small.inference(), small.decision()

    def late(log_probs, groups=None):
        time.sleep(0.004 * len(log_probs))
        return decide(log_probs, groups)

    batcher = Batcher(batch=64, piece=8, most_wait=0.2)

    def ask(titles, patience=30.0):
        return batcher.submit(inference, Question(titles, late), patience)

    def answers(titles):
        return inference.answers(inference.prepare(titles), decide).nodes.tolist()

    yield types.SimpleNamespace(ask=ask, answers=answers, batcher=batcher)
    batcher.close()


def test_a_long_request_keeps_no_short_one_waiting(slow, titles):
    many = titles * 10
    long = slow.ask(many)
    began = time.monotonic()
    found = slow.ask(titles[:1]).result(10)
    assert time.monotonic() - began < 0.6 and not long.done()
    assert found.nodes.tolist() == slow.answers(titles[:1])
    assert long.result(30).nodes.tolist() == slow.answers(many)


def test_what_would_wait_too_long_is_refused_at_once(slow, titles):
    slow.ask(titles * 4).result(10)  # so that it knows how long a title takes
    taken, refused = [], []
    for _ in range(100):
        began = time.monotonic()
        try:
            taken.append(slow.ask(titles[:8]))
        except Refusal as refusal:
            refused.append(refusal)
            assert time.monotonic() - began < 0.1
    assert refused and {refusal.status for refusal in refused} == {429}
    assert all(0 < refusal.retry_after < 2 for refusal in refused)
    # Those that were taken are answered soon: what waits is bounded in time.
    assert len(taken) < 25
    began = time.monotonic()
    assert all(len(one.result(10).nodes) == 8 for one in taken)
    assert time.monotonic() - began < 1.5
    # A longer one may wait for longer, and afterwards all is as before.
    assert slow.ask(titles[:1]).result(10)


def test_whose_turn_does_not_come_in_time_is_told(slow, titles):
    long = slow.ask(titles * 4)
    late = slow.ask(titles * 2, patience=0.05)
    with pytest.raises(Refusal, match="not answered in time") as caught:
        late.result(10)
    assert caught.value.status == 503
    assert len(long.result(10).nodes) == 160
