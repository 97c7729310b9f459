"""Logs that CloudWatch can search: one line of JSON per record, on the standard error."""

import io
import json
import logging
import sys
import time
from collections.abc import Mapping

logger = logging.getLogger("prodcat.batch")


def log_json(about: Mapping[str, str]) -> None:
    """Write all logs of this process as lines of JSON.

    Args:
        about: Facts about the job, by name, which are added to every line.
    """
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_JsonFormatter(about))
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)


class _JsonFormatter(logging.Formatter):
    """Formats a record as one line of JSON."""

    def __init__(self, about: Mapping[str, str]) -> None:
        super().__init__()
        self.about = about

    def format(self, record: logging.LogRecord) -> str:
        """The record as a line of JSON."""
        line = {
            "time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(record.created)),
            "level": record.levelname,
            "message": record.getMessage(),
            **self.about,
        }
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False)


class LoggedLines(io.TextIOBase):
    """A replacement for a standard stream that logs each line a command prints."""

    def __init__(self) -> None:
        self.rest = ""

    def writable(self) -> bool:
        """Whether the stream can be written to, which is always true."""
        return True

    def write(self, text: str) -> int:
        """Log the lines that are now complete, and keep the rest for the next call.

        Args:
            text: The next piece of the output.

        Returns:
            The number of characters in ``text``.
        """
        *lines, self.rest = (self.rest + text).split("\n")
        for line in lines:
            if line.strip():
                logger.info("%s", line)
        return len(text)
