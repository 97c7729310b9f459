"""A real ``prodcat review --serve`` on loopback, which is stopped by its id."""

import contextlib
import os
import re
import subprocess
import sys
from pathlib import Path

import servers

ROOT = Path(__file__).resolve().parents[2]


@contextlib.contextmanager
def page_server(folder, port, words):
    """The process that serves a page, and the address that it shows.

    Args:
        folder: Where it works, and where it leaves its log.
        port: The port of the page.
        words: What says which page, after ``prodcat review --serve``.
    """
    command = [sys.executable, "-m", "prodcat", "review", "--serve", "--port", str(port), *words]
    shown = folder / "shown.txt"
    environment = {**os.environ, "PYTHONPATH": os.environ.get("PYTHONPATH", str(ROOT))}
    with shown.open("wb") as out, (folder / "server.log").open("ab") as log:
        process = subprocess.Popen(command, stdout=out, stderr=log, env=environment, cwd=folder)
    try:
        servers.wait_until(lambda: servers.answers(f"http://127.0.0.1:{port}/state"), "review", 60)
        yield process, re.search(r"http://127[^ ]+", shown.read_text())[0]
    finally:
        servers.stop(process)
