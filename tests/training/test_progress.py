"""The progress of a training, in a terminal and in a file."""

import io
import sys

import pytest

from prodcat.training.progress import progress_bar


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_without_a_terminal_progress_is_a_line_at_the_start_and_at_the_end(monkeypatch):
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    with progress_bar(1000, "n-grams", "title", True) as bar:
        for _ in range(1000):
            bar.update()
    lines = sys.stderr.getvalue()
    assert "\r" not in lines
    assert [line.partition(",")[0] for line in lines.splitlines()] == [
        "n-grams: 0/1000 titles",
        "n-grams: 1000/1000 titles",
    ]


def test_a_remark_is_a_line_too(monkeypatch):
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    with progress_bar(3, "training", "step", True, done=1) as bar:
        bar.update()
        bar.set_postfix_str("epoch 1: path accuracy 0.5000")
    first, second = sys.stderr.getvalue().splitlines()
    assert first.startswith("training: 1/3 steps")
    assert second.startswith("training: 2/3 steps, epoch 1: path accuracy 0.5000, ")


@pytest.mark.parametrize("shown", [True, False])
def test_a_terminal_gets_a_bar(monkeypatch, shown):
    monkeypatch.setattr(sys, "stderr", Terminal())
    with progress_bar(10, "n-grams", "title", shown) as bar:
        bar.update(10)
    assert ("\r" in sys.stderr.getvalue()) == shown
