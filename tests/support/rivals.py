"""Scorings in processes of their own, which can be stopped, killed and continued."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import prodcat

ROOT = Path(prodcat.__file__).parents[1]
PART_ROWS = 25
EXPIRY = 1.0  # seconds

# Earlier versions have no leases.
_SCRIPT = """
import sys
import prodcat
from prodcat.cli.command import main
try:
    from prodcat.storage import leases
    leases.BEAT, leases.EXPIRY = 0.1, float(sys.argv.pop(1))
except ImportError:
    sys.argv.pop(1)
print("started", flush=True)
sys.exit(main(sys.argv[1:]))
"""


def arguments(model, source, output, *more):
    """The command line of a scoring in many small parts."""
    return [
        "predict", str(source), "--model", str(model), "--output", str(output), "--part-rows",
        str(PART_ROWS), "--device", "cpu", *more,
    ]  # fmt: skip


class Rival:
    """A scoring in another process.

    Args:
        model, source, output, more: See :func:`arguments`.
        expiry: Seconds without a sign of life after which the process takes a lease over.
        environment: Further environment variables.
    """

    def __init__(self, model, source, output, *more, expiry=30.0, environment=None):
        self.process = subprocess.Popen(
            [sys.executable, "-c", _SCRIPT, str(expiry), *arguments(model, source, output, *more)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=ROOT,
            env={**os.environ, **(environment or {})},
        )

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.communicate()

    def stop_after(self, count_parts, parts=3, seconds=60.0):
        """Stop the process once it has written some parts."""
        until = time.monotonic() + seconds
        while count_parts() < parts:
            assert self.process.poll() is None, self.process.communicate()
            assert time.monotonic() < until
            time.sleep(0.002)
        self.process.send_signal(signal.SIGSTOP)

    def go_on(self):
        """Continue the process to its end; its exit code, and what it wrote to stderr."""
        self.process.send_signal(signal.SIGCONT)
        errors = self.process.communicate(timeout=120)[1]
        return self.process.returncode, errors
