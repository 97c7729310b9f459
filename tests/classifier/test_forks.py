"""A classifier that was used before a fork answers in the forked processes, and soon."""

import multiprocessing
import os
import signal
import threading
import time

import pytest

from prodcat.classifier import inference
from prodcat.model import tokenization

SECONDS = 20  # a process that hangs is killed then


def exit_codes(count, call, seconds=SECONDS):
    """Fork processes at the same time; the exit code of each, -9 for one that had to be killed."""
    children = []
    for _ in range(count):
        child = os.fork()
        if not child:
            code = 1
            try:
                code = 0 if call() else 2
            finally:
                os._exit(code)
        children.append(child)
    codes = []
    until = time.monotonic() + seconds
    for child in children:
        ended, status = os.waitpid(child, os.WNOHANG)
        while not ended and time.monotonic() < until:
            time.sleep(0.02)
            ended, status = os.waitpid(child, os.WNOHANG)
        if not ended:
            os.kill(child, signal.SIGKILL)
            ended, status = os.waitpid(child, 0)
        codes.append(os.waitstatus_to_exitcode(status))
    return codes


def many(titles):
    """Enough titles that torch divides the work among its threads, all of them different."""
    return [f"{title} {number}" for number in range(12_000 // len(titles)) for title in titles]


def paths(classifier, titles):
    return [answers[0].path for answers in classifier.predict(titles)]


@pytest.fixture(params=["n-grams", "encoder"])
def used(request, small, classifier, catalog):
    """A classifier, titles, and its answers in this process, which had several threads."""
    chosen = small if request.param == "n-grams" else classifier
    titles = list(catalog.titles[:200])
    titles = many(titles) if request.param == "n-grams" else titles
    return chosen, titles, paths(chosen, titles)


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_several_forked_processes_answer_like_their_parent(used):
    classifier, titles, expected = used
    assert exit_codes(3, lambda: paths(classifier, titles) == expected) == [0, 0, 0]
    assert paths(classifier, titles) == expected  # the parent goes on, too


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_a_pool_of_forked_workers_answers(small, catalog):
    titles = many(list(catalog.titles[:200]))
    expected = paths(small, titles)
    results = multiprocessing.get_context("fork").Queue()

    def work():
        results.put(paths(small, titles) == expected)

    workers = [multiprocessing.get_context("fork").Process(target=work) for _ in range(2)]
    for worker in workers:
        worker.start()
    try:
        assert [results.get(timeout=SECONDS) for _ in workers] == [True, True]
    finally:
        for worker in workers:
            worker.kill()
            worker.join()


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_a_lock_that_another_thread_held_does_not_stop_a_forked_process(classifier, catalog):
    titles = list(catalog.titles[:20])
    expected = paths(classifier, titles)
    held, release = threading.Event(), threading.Event()

    def hold():
        with tokenization._LOCK, inference._MAKING:
            held.set()
            release.wait()

    holder = threading.Thread(target=hold)
    holder.start()
    held.wait()
    try:
        assert exit_codes(1, lambda: paths(classifier, titles) == expected) == [0]
    finally:
        release.set()
        holder.join()


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_a_fork_of_a_fork_answers(small, catalog):
    titles = many(list(catalog.titles[:200]))
    expected = paths(small, titles)

    def fork_again():
        return exit_codes(1, lambda: paths(small, titles) == expected, SECONDS / 2) == [0]

    assert exit_codes(1, fork_again) == [0]
