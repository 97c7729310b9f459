"""Call a function in a child process with limits on memory and time.

A damaged Parquet file can end the process that reads it with a signal, which no ``except`` catches.
Here only the child ends: the request is refused, and the next one gets another child.  Messages are
JSON of known length, as a child that a hostile file has taken over must not send pickled objects.
"""

import atexit
import base64
import importlib
import json
import subprocess
import sys
import threading
from typing import IO, Any

from prodcat.serving.refusal import Refusal

_SECONDS = 20.0  # for one call
_MEMORY = 3 << 30  # bytes of address space, most of which is never used
_LENGTH = 8  # bytes in front of a message, with its length


class IsolatedFunction:
    """A function that runs in a child process.

    Args:
        function: The module and the name of the function, ``"module:name"``.  It takes bytes and
            values that JSON can hold, and returns such a value or raises :class:`Refusal`.
        broken: The reason of the refusal if the child crashed or took too long.
    """

    def __init__(self, function: str, broken: str) -> None:
        self.function, self.broken = function, broken
        self._child: subprocess.Popen[bytes] | None = None
        self._lock = threading.Lock()
        atexit.register(self.close)

    def __call__(self, body: bytes, *rest: Any) -> Any:
        """Call the function in the child.

        Args:
            body: The first argument.
            rest: The other arguments, which JSON can hold.

        Raises:
            Refusal: The refusal that the function raised; or 400: the child crashed, or took too
                much time or memory.
        """
        message = json.dumps([base64.b64encode(body).decode(), *rest]).encode()
        with self._lock:
            child = self._running_child()
            watch = threading.Timer(_SECONDS, child.kill)
            watch.start()
            try:
                answer = json.loads(_exchanged(child, message))
            except (OSError, EOFError, ValueError) as error:
                _end(child)
                self._child = None
                raise Refusal(400, self.broken) from error
            finally:
                watch.cancel()
        if "status" in answer:
            raise Refusal(answer["status"], answer["reason"])
        return answer["value"]

    def _running_child(self) -> "subprocess.Popen[bytes]":
        """The running child, which is started if there is none or it has ended."""
        if self._child is None or self._child.poll() is not None:
            self._child = subprocess.Popen(
                [sys.executable, "-m", "prodcat.serving.isolated", self.function],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
            )
        return self._child

    def close(self) -> None:
        """End the child."""
        with self._lock:
            if self._child is not None:
                self._child.kill()
                self._child.communicate()
                self._child = None


def _exchanged(child: "subprocess.Popen[bytes]", message: bytes) -> bytes:
    assert child.stdin is not None and child.stdout is not None
    _write(child.stdin, message)
    return _read(child.stdout)


def _end(child: "subprocess.Popen[bytes]") -> None:
    assert child.stdin is not None and child.stdout is not None
    child.kill()
    child.wait()
    child.stdin.close()
    child.stdout.close()


def _write(file: IO[bytes], content: bytes) -> None:
    file.write(len(content).to_bytes(_LENGTH, "big") + content)
    file.flush()


def _read(file: IO[bytes]) -> bytes:
    size = int.from_bytes(_exactly(file, _LENGTH), "big")
    return _exactly(file, size)


def _exactly(file: IO[bytes], size: int) -> bytes:
    content = file.read(size)
    if len(content) < size:
        raise EOFError
    return content


def _answer_forever(name: str) -> None:
    """Call a function for each message on the standard input, until it is closed.

    Args:
        name: The module and the name of the function, ``"module:name"``.
    """
    import resource

    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    module, _, function_name = name.partition(":")
    function = getattr(importlib.import_module(module), function_name)
    while True:
        try:
            body, *rest = json.loads(_read(sys.stdin.buffer))
        except EOFError:
            return
        try:
            answer = {"value": function(base64.b64decode(body), *rest)}
        except Refusal as refusal:
            answer = {"status": refusal.status, "reason": refusal.reason}
        _write(sys.stdout.buffer, json.dumps(answer).encode())


if __name__ == "__main__":
    _answer_forever(sys.argv[1])
