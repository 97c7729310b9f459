"""`prodcat serve` as a process on loopback, and a client for it."""

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import httpx
import servers

ROOT = Path(__file__).parents[2]


class Running:
    """A server's process, and a client for it."""

    def __init__(self, *arguments, ready=200, environment=None):
        self.port = servers.free_port()
        self.process = subprocess.Popen(
            [sys.executable, "-m", "prodcat", "serve", "--port", str(self.port), "--host",
             "127.0.0.1", "--device", "cpu", *map(str, arguments)],
            cwd=ROOT, stderr=subprocess.PIPE, text=True,
            env={**os.environ, **(environment or {})},
        )  # fmt: skip
        self.client = httpx.Client(base_url=f"http://127.0.0.1:{self.port}", timeout=60)
        self.seen = []
        servers.wait_until(lambda: self.ping() == ready, "the server")

    def ping(self):
        assert self.process.poll() is None, self.process.communicate()
        try:
            self.seen.append(self.client.get("/ping").status_code)
        except httpx.TransportError:
            return None
        return self.seen[-1]

    def ask(self, body, content_type="application/json", path="/invocations", **headers):
        if not isinstance(body, (str, bytes)):
            body = json.dumps(body)
        own = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.client.post(path, content=body, headers={"Content-Type": content_type, **own})

    def raw(self, request, seconds=10):
        """All that comes back for these bytes until the server closes the connection."""
        with socket.create_connection(("127.0.0.1", self.port), seconds) as connection:
            connection.sendall(request)
            connection.shutdown(socket.SHUT_WR)
            pieces = []
            while piece := connection.recv(1 << 16):
                pieces.append(piece)
            return b"".join(pieces)

    def stop(self):
        self.client.close()
        servers.stop(self.process)
        self.process.stderr.close()
