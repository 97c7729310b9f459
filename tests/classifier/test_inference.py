"""Many titles at once: whatever is shared or faster, the answers are the same."""

import subprocess
import sys
import threading
from pathlib import Path

import pytest
import torch

ROOT = Path(__file__).parents[2]

THREADS = """
import threading, torch
from concurrent.futures import ThreadPoolExecutor
from prodcat.classifier.inference import _workers
torch.set_num_threads(4)
seen = []
def late(): seen.append(torch.get_num_threads())
import os
pool = _workers(os.getpid(), 2, 4)
assert list(pool.map(lambda _: torch.get_num_threads(), range(4))) == [2] * 4
assert torch.get_num_threads() == 4
for _ in range(3):
    thread = threading.Thread(target=late); thread.start(); thread.join()
    list(pool.map(lambda _: torch.get_num_threads(), range(4)))
assert seen == [4] * 3, seen
assert _workers(os.getpid(), 2, 4) is pool
"""


@pytest.fixture(scope="module")
def titles(rows):
    own = [row.title for row in rows[:150]]
    return own + own[:30]  # some are there twice


def test_threads_that_come_later_have_all_cores():
    subprocess.run([sys.executable, "-c", THREADS], check=True, cwd=ROOT)


def test_two_threads_answer_at_once(classifier, titles):
    wanted = classifier.predict(titles)
    failed = []

    def ask():
        try:
            for _ in range(5):
                assert classifier.predict(titles) == wanted
        except BaseException as error:
            failed.append(error)

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failed, failed


def test_equal_titles_are_read_once_and_answered_alike(classifier):
    inference = classifier.inference()
    texts = ["sut 1 l", "ekmek", "sut 1 l", "", "ekmek"]
    window = inference.prepare(texts)
    assert window.distinct == 3
    answers = inference.answers(window, classifier.decision())
    nodes = answers.nodes[:, 0].tolist()
    assert nodes[0] == nodes[2] and nodes[1] == nodes[4] and len(nodes) == 5


def test_streams_change_no_answer_and_give_the_threads_back(classifier, titles, monkeypatch):
    monkeypatch.setattr("prodcat.classifier.inference._MOST_CELLS", 1_000)
    monkeypatch.setattr("prodcat.classifier.reader.batch_tokens", lambda device: 200)
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        many = classifier.predict(titles)
        assert torch.get_num_threads() == 2
        monkeypatch.setattr("prodcat.classifier.inference._STREAMS", 1)
        assert classifier.predict(titles) == many
    finally:
        torch.set_num_threads(before)


def test_a_stream_keeps_its_cores_whatever_another_thread_sets(classifier, titles, monkeypatch):
    # The number of threads decides the order of sums, so the last bits of an answer.
    monkeypatch.setattr("prodcat.classifier.inference._MOST_CELLS", 1_000)
    monkeypatch.setattr("prodcat.classifier.reader.batch_tokens", lambda device: 200)
    before, seen, done = torch.get_num_threads(), [], threading.Event()

    def meddle():
        while not done.wait(1e-4):
            torch.set_num_threads(2)

    def stopped():
        seen.append(torch.get_num_threads())
        return False

    torch.set_num_threads(2)
    other = threading.Thread(target=meddle)
    other.start()
    try:
        inference = classifier.inference()
        for _ in range(20):
            inference.answers(inference.prepare(titles), classifier.decision(), stopped=stopped)
    finally:
        done.set()
        other.join()
        torch.set_num_threads(before)
    assert set(seen) == {1}, seen


def test_the_encoder_reads_two_batches_at_once(classifier, titles, monkeypatch):
    monkeypatch.setattr("prodcat.classifier.reader.batch_tokens", lambda device: 200)
    inference, both = classifier.inference(), threading.Barrier(2)
    window = inference.prepare(titles)
    read, before, met = inference.run_encoder, torch.get_num_threads(), []
    assert len(window.parts[0].batches) > 2

    def read_together(ids, mask):
        if not met:
            both.wait(60)  # until another thread reads a batch too
            met.append(True)
        return read(ids, mask)

    inference.run_encoder = read_together
    torch.set_num_threads(2)
    try:
        inference.answers(window, classifier.decision())
    finally:
        torch.set_num_threads(before)
    assert met
