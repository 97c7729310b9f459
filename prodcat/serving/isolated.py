"""Call a function in child processes with limits on memory and time.

A damaged Parquet file can crash the process that reads it, which no ``except`` catches.  Here only
the child process crashes: its request is refused, and the next request gets a new child.  Messages
between the processes are JSON, each preceded by its length.  They are not pickled, as a hostile
file may take control of the child.
"""

import atexit
import base64
import importlib
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import IO, Any

from prodcat.serving.refusal import Refusal, too_late

CHILDREN = 2  # processes for each function, so that a slow call does not delay all others
CALL_SECONDS = 10.0  # maximum duration of one call
_MEMORY = 1 << 30  # bytes of address space in addition to that of the imported libraries
_KEPT_MEMORY = 256 << 20  # a child that has grown by more bytes than this after a call ends
_MOST_ANSWER = 1 << 30  # bytes
_LENGTH = 8  # bytes of the number before each message, which is its length
_ABANDONED = 0.5  # seconds for a call that nobody waits for: less than a new child takes to start


class Deadline:
    """Until when a call may take; its caller may give up before.

    Args:
        seconds: Maximum time, in seconds from now, to wait for a free child and for the result.
    """

    def __init__(self, seconds: float = CALL_SECONDS) -> None:
        self.until = time.monotonic() + seconds
        self._began = -_ABANDONED
        self._end: Callable[[], None] | None = None  # ends the current call
        self._timer = threading.Timer(0.0, self._end_call)
        self._lock = threading.Lock()
        self._is_over = False

    def give_up(self) -> None:
        """Note that nobody waits for the result: a call ends half a second after it began."""
        with self._lock:
            self.until = min(self.until, self._began + _ABANDONED)
            if self._end is not None:
                self._start_timer()

    def begin(self, end: Callable[[], None]) -> None:
        """Call ``end`` at the deadline, or after ten seconds, unless :meth:`finish` is called."""
        with self._lock:
            self._began, self._end = time.monotonic(), end
            self._start_timer()

    def finish(self) -> bool:
        """Note that a call has ended, and return whether it did so by itself."""
        with self._lock:
            self._timer.cancel()
            self._end = None
            return not self._is_over

    def _start_timer(self) -> None:
        self._timer.cancel()
        until = min(self.until, self._began + CALL_SECONDS)
        self._timer = threading.Timer(max(until - time.monotonic(), 0.0), self._end_call)
        self._timer.start()

    def _end_call(self) -> None:
        with self._lock:
            if self._end is not None:
                self._is_over = True
                self._end()


class IsolatedFunction:
    """A function that runs in up to two child processes, each of which runs one call at a time.

    A call may take up to 10 seconds.  A child may use 1 GiB of address space in addition to that of
    its libraries.

    Args:
        function: The module and the name of the function, as ``"module:name"``.  The function takes
            bytes, followed by any number of JSON-serializable values.  It returns a
            JSON-serializable value, or raises :class:`Refusal`.  If the module has a function
            ``prepare_child``, each child calls it once at the start; the memory of the libraries
            that it imports does not count towards the limit.
        broken: The message of the refusal if a call crashed or exceeded a limit.
    """

    def __init__(self, function: str, broken: str) -> None:
        self.function, self.broken = function, broken
        self._forget_children()
        # Two processes must not write to one child, nor may a fork end its parent's children.
        os.register_at_fork(after_in_child=self._forget_children)
        atexit.register(self.close)

    def _forget_children(self) -> None:
        """Begin without child processes, locks included."""
        self._idle: list[subprocess.Popen[bytes]] = []
        self._children: set[subprocess.Popen[bytes]] = set()
        self._lock = threading.Lock()
        self._free = threading.BoundedSemaphore(CHILDREN)

    def __call__(self, body: bytes, *rest: Any, deadline: Deadline | None = None) -> Any:
        """Call the function in a child process, and wait for its result.

        Args:
            body: The first argument of the function.
            rest: The other arguments, which must be JSON-serializable.
            deadline: Until when to wait for a free child and for the result; 10 seconds if None.

        Returns:
            The result of the function.

        Raises:
            Refusal: The refusal that the function raised; or with status 400 if the call crashed
                twice, took over 10 seconds or exceeded the memory limit; or with status 503 if
                there was no result before the deadline.
        """
        deadline = deadline or Deadline()
        message = json.dumps([base64.b64encode(body).decode(), *rest]).encode()
        if not self._free.acquire(timeout=max(deadline.until - time.monotonic(), 0.0)):
            raise too_late()
        try:
            if time.monotonic() >= deadline.until:  # nobody waits any more
                raise too_late()
            try:
                answer = self._answered(self._running_child(), message, deadline)
            except EOFError:
                # An earlier call or the system may have ended the child, so the call is repeated
                # once in a new child.
                answer = self._answered(self._new_child(), message, deadline)
        except (EOFError, TimeoutError) as error:
            if time.monotonic() >= deadline.until:
                raise too_late() from error
            raise Refusal(400, self.broken) from error
        finally:
            self._free.release()
        if "status" in answer:
            raise Refusal(answer["status"], answer["reason"])
        return answer["value"]

    def _answered(
        self, child: "subprocess.Popen[bytes]", message: bytes, deadline: Deadline
    ) -> Any:
        """The parsed answer of a child, which is then free for further calls.

        Raises:
            EOFError: The child crashed.
            TimeoutError: The child took too long, and was killed.
        """
        assert child.stdin is not None and child.stdout is not None
        deadline.begin(child.kill)
        try:
            _write(child.stdin, message)
            answer = json.loads(_read(child.stdout))
        except (OSError, EOFError, ValueError) as error:
            ended_itself = deadline.finish()
            self._end(child)
            raise (EOFError if ended_itself else TimeoutError) from error
        if not deadline.finish():  # it was killed just after its answer
            child.wait()
        with self._lock:
            self._idle.append(child)
        return answer

    def _running_child(self) -> "subprocess.Popen[bytes]":
        """An idle child process if there is one, otherwise a new one."""
        with self._lock:
            while self._idle:
                child = self._idle.pop()
                if child.poll() is None:
                    return child
                self._children.discard(child)
        return self._new_child()

    def _new_child(self) -> "subprocess.Popen[bytes]":
        child = subprocess.Popen(
            [sys.executable, "-m", "prodcat.serving.isolated", self.function],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        with self._lock:
            self._children.add(child)
        return child

    def _end(self, child: "subprocess.Popen[bytes]") -> None:
        assert child.stdin is not None and child.stdout is not None
        child.kill()
        child.wait()
        with suppress(OSError):  # a message that was only partly sent
            child.stdin.close()
        child.stdout.close()
        with self._lock:
            self._children.discard(child)

    def close(self) -> None:
        """End all child processes."""
        with self._lock:
            children, self._idle = list(self._children), []
        for child in children:
            self._end(child)


def _write(file: IO[bytes], content: bytes) -> None:
    file.write(len(content).to_bytes(_LENGTH, "big") + content)
    file.flush()


def _read(file: IO[bytes]) -> bytes:
    size = int.from_bytes(_exactly(file, _LENGTH), "big")
    if size > _MOST_ANSWER:
        raise EOFError
    return _exactly(file, size)


def _exactly(file: IO[bytes], size: int) -> bytes:
    content = file.read(size)
    if len(content) < size:
        raise EOFError
    return content


def _answer_forever(name: str) -> None:
    """Call a function for each message on the standard input, until the input is closed.

    Args:
        name: The module and the name of the function, as ``"module:name"``.
    """
    import resource

    module_name, _, function_name = name.partition(":")
    module = importlib.import_module(module_name)
    function = getattr(module, function_name)
    getattr(module, "prepare_child", int)()
    size, resident = _memory()
    most = size + _MEMORY
    resource.setrlimit(resource.RLIMIT_AS, (most, most))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    with suppress(OSError):  # the system kills this process first if memory runs out
        Path("/proc/self/oom_score_adj").write_text("1000")
    while True:
        try:
            body, *rest = json.loads(_read(sys.stdin.buffer))
        except EOFError:
            return
        used = sum(os.times()[:2])
        resource.setrlimit(
            resource.RLIMIT_CPU, (int(used + CALL_SECONDS) + 1, resource.RLIM_INFINITY)
        )
        try:
            answer = {"value": function(base64.b64decode(body), *rest)}
        except Refusal as refusal:
            answer = {"status": refusal.status, "reason": refusal.reason}
        _write(sys.stdout.buffer, json.dumps(answer).encode())
        now_size, now_resident = _memory()
        if max(now_size - size, now_resident - resident) > _KEPT_MEMORY:
            return


def _memory() -> tuple[int, int]:
    """The size of this process's address space and of its resident memory, in bytes."""
    try:
        size, resident = Path("/proc/self/statm").read_text().split()[:2]
    except OSError:  # outside Linux
        return _MEMORY, 0
    page = os.sysconf("SC_PAGE_SIZE")
    return int(size) * page, int(resident) * page


if __name__ == "__main__":
    _answer_forever(sys.argv[1])
