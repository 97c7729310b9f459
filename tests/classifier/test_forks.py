"""A classifier that was used before a fork answers in the forked processes, and soon."""

import http.server
import json
import multiprocessing
import os
import signal
import socketserver
import threading
import time
import urllib.request
from concurrent.futures import ProcessPoolExecutor

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import prodcat
from prodcat.classifier import inference
from prodcat.model import tokenization

SECONDS = 60  # a process that hangs is killed then


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


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_a_fork_while_other_threads_answer_can_answer(used):
    classifier, titles, expected = used
    over, failed = threading.Event(), []

    def answer():
        while not over.is_set():
            failed.extend([1] if paths(classifier, titles[:2_000]) != expected[:2_000] else [])

    threads = [threading.Thread(target=answer) for _ in range(2)]
    for thread in threads:
        thread.start()
    try:
        for _ in range(3):  # at whatever point the threads are
            assert exit_codes(1, lambda: paths(classifier, titles) == expected) == [0]
    finally:
        over.set()
        for thread in threads:
            thread.join()
    assert not failed


class Answers(http.server.BaseHTTPRequestHandler):
    """Answers titles as a worker of a server that forked."""

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        answers = paths(self.server.classifier, json.loads(body))
        content = json.dumps({"worker": os.getpid(), "paths": answers}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_):
        """Write nothing."""


def post(port, titles):
    request = urllib.request.Request(f"http://127.0.0.1:{port}/", json.dumps(titles).encode())
    with urllib.request.urlopen(request, timeout=SECONDS) as answer:
        return json.load(answer)


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_a_server_that_loads_and_answers_before_it_forks_its_workers(used, tmp_path):
    """What gunicorn does with ``preload``: the workers share the listening socket of their parent."""
    classifier, titles, expected = used
    classifier.save(tmp_path / "model")
    loaded = prodcat.load(tmp_path / "model", device="cpu")
    assert paths(loaded, titles) == expected
    with socketserver.TCPServer(("127.0.0.1", 0), Answers) as server:
        server.classifier = loaded
        workers = []
        for _ in range(2):
            worker = os.fork()
            if not worker:
                try:
                    server.serve_forever()
                finally:
                    os._exit(0)
            workers.append(worker)
        try:
            wanted = [list(path) for path in expected[:300]]
            replies = [post(server.server_address[1], titles[:300]) for _ in range(6)]
            assert all(reply["paths"] == wanted for reply in replies)
            assert {reply["worker"] for reply in replies} <= set(workers)
        finally:
            for worker in workers:
                os.kill(worker, signal.SIGKILL)
                os.waitpid(worker, 0)


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_files_are_scored_and_tables_answered_by_a_pool_of_forked_processes(
    small, catalog, tmp_path
):
    titles = list(catalog.titles[:300])
    table = pa.table({"title": titles})
    pq.write_table(table, tmp_path / "titles.parquet")
    expected = paths(small, table)
    whole = prodcat.score(small, tmp_path / "titles.parquet", tmp_path / "parent.csv").rows
    with ProcessPoolExecutor(2, multiprocessing.get_context("fork")) as pool:
        answered = [pool.submit(paths, small, titles) for _ in range(4)]
        assert all(each.result(timeout=SECONDS) == expected for each in answered)
    assert exit_codes(1, lambda: paths(small, table) == expected) == [0]

    def scored():
        report = prodcat.score(small, tmp_path / "titles.parquet", tmp_path / "child.csv")
        return report.rows == whole == len(titles)

    assert exit_codes(1, scored) == [0]
    assert (tmp_path / "child.csv").read_bytes() == (tmp_path / "parent.csv").read_bytes()
