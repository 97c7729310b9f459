"""Messages as lines of JSON, for those who run commands in containers.

With ``--log-format json``, or PRODCAT_LOG_FORMAT=json, every message on the standard error is one
line of JSON with the keys ``time``, ``level`` and ``message``: what the command does, warnings,
errors, the log, and the lines of progress.  Results on the standard output stay as they are.
"""

import io
import json
import logging
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO

from prodcat.text_encoding import for_terminal


def json_line(level: int, message: str, seconds: float | None = None) -> str:
    """One line of JSON for a message.

    Args:
        level: The level of the message, such as ``logging.INFO``.
        message: The message, which may have several lines.
        seconds: Its time in seconds since 1970; now if None.

    >>> json_line(logging.INFO, "10 titles", 0)
    '{"time": "1970-01-01T00:00:00Z", "level": "INFO", "message": "10 titles"}'
    """
    moment = time.gmtime(time.time() if seconds is None else seconds)
    record = {
        "time": time.strftime("%Y-%m-%dT%H:%M:%SZ", moment),
        "level": logging.getLevelName(level),
        "message": for_terminal(message, lines=True),
    }
    return json.dumps(record, ensure_ascii=False)


class JsonFormatter(logging.Formatter):
    """Formats a record of the log as one line of JSON."""

    def format(self, record: logging.LogRecord) -> str:
        """The record as a line of JSON, with the traceback if there is one."""
        message = record.getMessage()
        if record.exc_info:
            message = f"{message}\n{self.formatException(record.exc_info)}"
        return json_line(record.levelno, message, record.created)


class JsonStream(io.TextIOBase):
    """A stream that writes every line of text as a line of JSON.

    Args:
        stream: The stream to write to.
    """

    def __init__(self, stream: TextIO) -> None:
        self.stream = stream
        self._rest = ""

    def writable(self) -> bool:
        """Whether the stream can be written to, which is always true."""
        return True

    def tell_message(self, level: int, message: str) -> None:
        """Write a message, which may have several lines, as one line of JSON."""
        print(json_line(level, message), file=self.stream, flush=True)

    def write(self, text: str) -> int:
        """Write the lines that are now complete, and keep the rest for the next call."""
        *lines, self._rest = (self._rest + text).replace("\r", "\n").split("\n")
        for line in lines:
            if line.strip():
                self.tell_message(logging.INFO, line.strip())
        return len(text)

    def finish(self) -> None:
        """Write what is left as a line."""
        if self._rest:
            self.write("\n")


@contextmanager
def json_messages(is_json: bool) -> Iterator[None]:
    """A context manager in which the standard error gets lines of JSON, if that is asked for."""
    if not is_json:
        yield
        return
    before, stream = sys.stderr, JsonStream(sys.stderr)
    sys.stderr = stream
    try:
        yield
    finally:
        stream.finish()
        sys.stderr = before
