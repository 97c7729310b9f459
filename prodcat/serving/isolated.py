"""Run what may crash a library in a process of its own, with little memory and little time.

A damaged Parquet file can end the process that reads it: no exception, a signal.  Here that is the
end of a child, and a refusal; the next request gets another child.
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

_SECONDS = 20.0
_MEMORY = 3 << 30  # of addresses, most of which are never touched
_LENGTH = 8  # bytes that tell the length of a message


class IsolatedFunction:
    """A function that runs in a child.

    Args:
        function: Its module and name, ``"module:name"``.  It takes bytes and plain values, and
            returns plain values or raises :class:`Refusal`.
        broken: What is said where the child did not survive.
    """

    def __init__(self, function: str, broken: str) -> None:
        self.function, self.broken = function, broken
        self._child: subprocess.Popen[bytes] | None = None
        self._lock = threading.Lock()
        atexit.register(self.close)

    def __call__(self, body: bytes, *rest: Any) -> Any:
        """Run the function.

        Args:
            body: Its first argument.
            rest: Its other arguments, which JSON can hold.

        Raises:
            Refusal: The function's own; or 400: the child crashed, or took too long or too much.
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
        """The child that is there, or another one where it has ended."""
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


Apart = IsolatedFunction  # its earlier name


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
    """The child: call a function for each message until the parent is gone.

    Args:
        name: ``"module:function"``.
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
