"""Logs as CloudWatch searches them: one line of JSON for each record, on the standard error."""

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
        about: What every line tells of the job, by name.
    """
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_JsonFormatter(about))
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)


class _JsonFormatter(logging.Formatter):
    """A record as one line of JSON."""

    def __init__(self, about: Mapping[str, str]) -> None:
        super().__init__()
        self.about = about

    def format(self, record: logging.LogRecord) -> str:
        """The line."""
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
    """What a command prints, as log lines; takes the place of a standard stream."""

    def __init__(self) -> None:
        self.rest = ""

    def writable(self) -> bool:
        """It is."""
        return True

    def write(self, text: str) -> int:
        """Log the lines that are whole.

        Args:
            text: The next piece of what is printed.

        Returns:
            How many letters were taken: all.
        """
        *lines, self.rest = (self.rest + text).split("\n")
        for line in lines:
            if line.strip():
                logger.info("%s", line)
        return len(text)
