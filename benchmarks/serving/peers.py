"""The servers as processes on loopback: prodcat's, and those of others."""

import contextlib
import http.client
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.jobs import ROOT, Options
from benchmarks.reporting import Row
from tests.support import servers

PRODCAT = "prodcat"
INT8 = f"{PRODCAT}, int8"
WARM = ", warm: the same titles again"
TOOLKIT = "MMS and Hugging Face toolkit"
TUNED = f"{TOOLKIT}, one thread a worker"
INFINITY = "infinity-emb"
MOST_SECONDS = 900  # until a server answers


@dataclass(frozen=True)
class Command:
    """How a server is started.

    Attributes:
        words: The program and its arguments.
        environment: Variables besides those of this process.
        folder: Where it runs, or None for the current one.
    """

    words: Sequence[object]
    environment: Mapping[str, str] = field(default_factory=dict)
    folder: Path | None = None


class Peer:
    """A server's process on loopback; what it starts is stopped with it.

    Args:
        name: As it stands in the tables.
        command: How it is started.
        port: Where it listens.
        path: Where it answers titles.
        sent: A file of requests, one JSON body a line.
    """

    def __init__(self, name: str, command: Command, port: int, path: str, sent: Path) -> None:
        self.name, self.port, self.path, self.sent = name, port, path, sent
        words = "".join(letter if letter.isalnum() else "-" for letter in name)
        self.log = sent.with_name(f"{words}-{port}.log")
        self.began = time.perf_counter()
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [str(word) for word in command.words], stdout=log, stderr=log, cwd=command.folder,
                env={**os.environ, **command.environment}, start_new_session=True,
            )  # fmt: skip

    def answers(self) -> bool:
        """Whether it answers the first request."""
        return self.ask(self.sent.read_text().splitlines()[0].encode())[0] == 200

    def ask(
        self,
        body: bytes | None,
        path: str | None = None,
        method: str = "POST",
        kind: str = "application/json",
        timeout: float = 60,
    ) -> tuple[int | str, bytes]:
        """Send one request on a connection of its own.

        Returns:
            The status and the body, or the name of the error and nothing.
        """
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)
        try:
            connection.request(method, path or self.path, body, {"Content-Type": kind})
            answer = connection.getresponse()
            return answer.status, answer.read()
        except OSError as error:
            return type(error).__name__, b""
        finally:
            connection.close()

    def wait(self) -> float:
        """Wait until it answers.

        Returns:
            Seconds since its start.
        """
        while not self.answers():
            assert self.process.poll() is None, f"{self.name} ended"
            assert time.perf_counter() - self.began < MOST_SECONDS, f"{self.name} does not answer"
            time.sleep(0.05)
        return time.perf_counter() - self.began

    def is_running(self) -> bool:
        """Whether its process has not ended."""
        return self.process.poll() is None

    def processes(self) -> list[Any]:
        """Its process and all that it has started."""
        import psutil

        return [p for p in psutil.process_iter() if _session(p.pid) == self.process.pid]

    def memory(self) -> int:
        """Resident bytes of all its processes."""
        return sum(process.memory_info().rss for process in self.processes())

    def stop(self) -> None:
        """End it and all that it has started."""
        left = self.processes()
        self.process.send_signal(signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(20)
        for process in left:
            with contextlib.suppress(Exception):
                process.kill()
        with contextlib.suppress(Exception):
            self.process.wait(5)


def _session(pid: int) -> int | None:
    try:
        return os.getsid(pid)
    except OSError:
        return None


class PeakMemory:
    """A thread that notes a server's largest memory until it is stopped.

    Args:
        peer: The server.
        pause: Seconds between two looks.
    """

    def __init__(self, peer: Peer, pause: float) -> None:
        self.peak = 0
        self._peer, self._pause, self._stopped = peer, pause, threading.Event()
        self._thread = threading.Thread(target=self._watch)
        self._thread.start()

    def _watch(self) -> None:
        while not self._stopped.wait(self._pause):
            self.peak = max(self.peak, self._peer.memory())

    def stop(self) -> int:
        """Stop watching; the peak in bytes."""
        self._stopped.set()
        self._thread.join()
        return self.peak


def prodcat_server(
    options: Options, *arguments: object, model: str | None = "model", name: str = PRODCAT
) -> Peer:
    """``prodcat serve`` with a model of the work folder, or without one."""
    port = servers.free_port()
    chosen = ["--model", options.work / model] if model else []
    command = Command(
        [sys.executable, "-m", "prodcat", "serve", *chosen, "--host", "127.0.0.1",
         "--port", port, "--device", "cpu", *arguments],
        {"PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    return Peer(name, command, port, "/invocations", options.work / "one.jsonl")


def toolkit_server(
    options: Options, name: str = TOOLKIT, environment: Mapping[str, str] | None = None
) -> Peer:
    """As AWS's container starts it: as many workers as cores, the toolkit's own handler."""
    python = Path(os.environ["HF_TOOLKIT_PYTHON"])
    folder = (options.work / name.replace(" ", "-").replace(",", "")).resolve()
    shutil.rmtree(folder, ignore_errors=True)  # one that was killed leaves its number behind
    folder.mkdir()
    port = servers.free_port()
    address = f"http://127.0.0.1:{port}"
    config = folder / "mms.properties"
    config.write_text(
        f"inference_address={address}\nmanagement_address={address}\n"
        "default_service_handler=sagemaker_huggingface_inference_toolkit.handler_service\n"
        "decode_input_request=false\nenable_envvars_config=true\nvmargs=-Xmx256m\n"
    )
    command = Command(
        [python.with_name("multi-model-server"), "--start", "--foreground", "--model-store", "/",
         "--mms-config", config, "--models", f"model={(options.work / 'transformers').resolve()}"],
        {"PATH": f"{python.parent}{os.pathsep}{os.environ['PATH']}", "HF_TASK":
         "text-classification", "TEMP": str(folder), "TMPDIR": str(folder), **(environment or {})},
        folder,
    )  # fmt: skip
    return Peer(name, command, port, "/invocations", options.work / "one.jsonl")


def infinity_server(options: Options, route: str, dtype: str) -> Peer:
    """Labels of the whole classifier (``classify``), or vectors of its encoder alone."""
    folder = "transformers" if route == "classify" else "encoder-alone"
    python = Path(os.environ["INFINITY_PYTHON"])
    port = servers.free_port()
    command = Command(
        [python.with_name("infinity_emb"), "v2", "--model-id",
         (options.work / folder).resolve(), "--served-model-name", "m", "--engine",
         "torch", "--device", "cpu", "--dtype", dtype, "--host", "127.0.0.1", "--port", port],
        {"DO_NOT_TRACK": "1", "INFINITY_ANONYMOUS_USAGE_STATS": "0", "HF_HUB_OFFLINE": "1",
         "INFINITY_BETTERTRANSFORMER": "false", "INFINITY_MODEL_WARMUP": "false"},
    )  # fmt: skip
    name = f"{INFINITY} /{route}, {dtype}"
    return Peer(name, command, port, f"/{route}", options.work / "infinity.jsonl")


@contextlib.contextmanager
def started(*peers: Peer) -> Iterator[tuple[Peer, ...]]:
    """Servers that all answer before anything is measured."""
    try:
        for peer in peers:
            print(f"{peer.name} answers after {peer.wait():.1f} s", flush=True)
        yield peers
    finally:
        for peer in peers:
            peer.stop()


@contextlib.contextmanager
def started_many(options: Options, budget: float) -> Iterator[Peer]:
    """A server of prodcat with many models, with so many bytes of memory for them."""
    limits = "--models-root", options.work, "--memory", budget / (1 << 20)
    peer = prodcat_server(options, "--many", *limits, model=None)
    try:
        while peer.ask(None, "/ping", "GET")[0] != 200:
            assert peer.is_running(), f"{peer.name} ended"
            time.sleep(0.1)
        yield peer
    finally:
        peer.stop()


def load(peer: Peer, way: str, rate: float, seconds: float, sent: Path | None = None) -> Row:
    """What the client saw, which is a process of its own; see :mod:`benchmarks.serving.client`.

    Args:
        peer: The server.
        way: ``"once"``, ``"closed"`` or ``"open"``.
        rate: Connections, or requests a second.
        seconds: For how long.
        sent: Other requests than the server's.
    """
    finished = subprocess.run(
        [sys.executable, str(Path(__file__).with_name("client.py")), str(peer.port), peer.path,
         str(sent or peer.sent), way, str(rate), str(seconds)],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    row: Row = json.loads(finished.stdout)
    return row
