"""Servers on loopback that answer as no good server does: without end, never, or elsewhere."""

import contextlib
import socket
import threading

_BLOCK = b"a" * (1 << 16)


class HostileServer:
    """A server of raw answers; it counts the requests, and the bytes that clients take.

    Args:
        answer: Called with the request's first line, the headers as bytes, and a function that
            sends bytes; the connection is closed when it returns.
    """

    def __init__(self, answer):
        self.answer, self.requests, self.sent = answer, [], 0
        self.ended = threading.Event()
        self._socket = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port = self._socket.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self._threads = [threading.Thread(target=self._accept)]
        self._threads[0].start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.ended.set()
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        for thread in self._threads:
            thread.join()

    def _accept(self):
        while not self.ended.is_set():
            try:
                client, _ = self._socket.accept()
            except OSError:
                return
            self._threads.append(threading.Thread(target=self._serve, args=(client,)))
            self._threads[-1].start()

    def _serve(self, client):
        client.settimeout(0.2)
        with client, contextlib.suppress(OSError):
            head = b""
            while b"\r\n\r\n" not in head:
                head += client.recv(1 << 16) or b"\r\n\r\n"
            first, _, headers = head.partition(b"\r\n")
            self.requests.append(first.decode())

            def send(content):
                while content and not self.ended.is_set():
                    with contextlib.suppress(TimeoutError):
                        count = client.send(content)
                        content = content[count:]
                        self.sent += count

            self.answer(self, first.decode(), headers, send)


def endless(announced=1_000, most=256 << 20):
    """Says a size to HEAD, and then sends more and more."""

    def answer(server, first, headers, send):
        if first.startswith("HEAD"):
            length = "" if announced is None else f"Content-Length: {announced}\r\n"
            send(f"HTTP/1.1 200 OK\r\n{length}Connection: close\r\n\r\n".encode())
            return
        status = "206 Partial Content" if b"range:" in headers.lower() else "200 OK"
        send(f"HTTP/1.1 {status}\r\nConnection: close\r\n\r\n".encode())
        for _ in range(most // len(_BLOCK)):
            if server.ended.is_set():
                return
            send(_BLOCK)

    return answer


def silent(server, first, headers, send):
    """Takes requests, and never answers."""
    server.ended.wait(400)


def dripping(server, first, headers, send):
    """Sends a byte now and then, which no timeout between two bytes notices."""
    send(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\nConnection: close\r\n\r\n")
    while not server.ended.wait(0.1):
        send(b"a")


def redirecting(target):
    """Sends everybody elsewhere."""

    def answer(server, first, headers, send):
        send(f"HTTP/1.1 302 Found\r\nLocation: {target}\r\nContent-Length: 0\r\n\r\n".encode())

    return answer
