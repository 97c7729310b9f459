"""Real S3 servers on loopback, and a proxy that makes them fail; each is stopped by its id."""

import contextlib
import dataclasses
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
import uuid
from pathlib import Path

CEPH_DEBS = ("radosgw", "ceph-mon", "ceph-osd", "ceph-mgr", "ceph-base")
CEPH_PROGRAMS = ("ceph", "ceph-mon", "ceph-osd", "radosgw", "radosgw-admin", "monmaptool")


def free_port():
    """One below those that the system gives to whoever asks for any, as Ray's workers do."""
    while True:
        port = random.SystemRandom().randrange(20_000, 30_000)
        with socket.socket() as own, contextlib.suppress(OSError):
            own.bind(("127.0.0.1", port))
            return port


def stop(process, patience=10.0):
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(patience)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(patience)


def wait_until(ready, what, seconds=60.0):
    limit = time.monotonic() + seconds
    while time.monotonic() < limit:
        if ready():
            return
        time.sleep(0.1)
    raise TimeoutError(f"{what} was not ready after {seconds:.0f} s")


def children(pid):
    """The ids of the processes that a process's threads have started."""
    found = []
    for task in Path(f"/proc/{pid}/task").iterdir():
        with contextlib.suppress(OSError):  # a thread may end at any moment
            found += map(int, (task / "children").read_text().split())
    return found


def answers(url):
    try:
        urllib.request.urlopen(url, timeout=2).close()
    except urllib.error.HTTPError:
        return True
    except OSError:
        return False
    return True


@dataclasses.dataclass(frozen=True)
class S3:
    """Where a server is, and what it is reached with."""

    kind: str
    port: int
    key: str
    secret: str
    through: int | None = None  # a proxy's port

    @property
    def options(self):
        return {
            "key": self.key,
            "secret": self.secret,
            "endpoint_url": f"http://127.0.0.1:{self.through or self.port}",
            "client_kwargs": {"region_name": "us-east-1"},
        }

    def bucket(self):
        import boto3

        name = f"b{uuid.uuid4().hex[:12]}"
        client = boto3.client(
            "s3",
            endpoint_url=f"http://127.0.0.1:{self.port}",
            aws_access_key_id=self.key,
            aws_secret_access_key=self.secret,
            region_name="us-east-1",
        )
        client.create_bucket(Bucket=name)
        return name


@contextlib.contextmanager
def moto():
    port = free_port()
    program = Path(sys.executable).with_name("moto_server")
    process = subprocess.Popen(
        [program, "-H", "127.0.0.1", "-p", str(port)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        wait_until(lambda: answers(f"http://127.0.0.1:{port}/moto-api/"), "moto")
        yield S3("moto", port, "AKIATEST", "SECRETTEST")
    finally:
        stop(process)


def missing_ceph():
    return [program for program in CEPH_PROGRAMS if shutil.which(program) is None]


_CONF = """
[global]
fsid = {fsid}
mon host = v1:127.0.0.1:{mon}
mon initial members = a
public network = 127.0.0.0/8
cluster network = 127.0.0.0/8
public addr = 127.0.0.1
ms bind msgr2 = false
auth cluster required = none
auth service required = none
auth client required = none
auth allow insecure global id reclaim = false
osd pool default size = 1
osd pool default min size = 1
mon allow pool size one = true
osd pool default pg num = 8
osd pool default pgp num = 8
osd crush chooseleaf type = 0
osd objectstore = memstore
memstore device bytes = 4294967296
osd max object name len = 256
osd max object namespace len = 64
mon data = {folder}/mon
osd data = {folder}/osd
run dir = {folder}/runs
admin socket = {folder}/runs/$cluster-$name.asok
log file = {folder}/log/$name.log
pid file = {folder}/runs/$name.pid
mon data avail crit = 1
mon data avail warn = 2
rgw data = {folder}/rgw
rgw frontends = beast endpoint=127.0.0.1:{port}
rgw enable usage log = false
rgw gc obj min wait = 5
rgw dynamic resharding = false
[osd.0]
osd data = {folder}/osd
"""


@contextlib.contextmanager
def ceph(folder):
    """A monitor, one OSD in memory and the S3 gateway: what AWS's servers check, it checks."""
    with contextlib.ExitStack() as stack:
        for attempt in range(1, 4):
            try:
                server = stack.enter_context(_ceph(Path(folder) / str(attempt)))
                break
            except (TimeoutError, subprocess.SubprocessError):
                # On a busy machine a port that was free may be taken before it is used.
                if attempt == 3:
                    raise
        yield server


@contextlib.contextmanager
def _ceph(folder):
    for name in ("mon", "osd", "rgw", "log", "runs"):
        (folder / name).mkdir(parents=True)
    mon, port, fsid = free_port(), free_port(), str(uuid.uuid4())
    conf = folder / "ceph.conf"
    conf.write_text(_CONF.format(folder=folder, mon=mon, port=port, fsid=fsid))
    own = ["--conf", str(conf)]
    started = []

    def call(*command, **options):
        options = {"check": True, "capture_output": True, "text": True, "timeout": 60} | options
        return subprocess.run([str(part) for part in command], **options)

    def start(*command):
        with (folder / "log" / f"{command[0]}.out").open("w") as log:
            started.append(subprocess.Popen(command, stdout=log, stderr=log))

    def mon_answers():
        with contextlib.suppress(subprocess.TimeoutExpired):
            return call("ceph", *own, "-s", check=False, timeout=5).returncode == 0
        return False

    try:
        keyring = folder / "keyring"
        call("ceph-authtool", "--create-keyring", keyring, "--gen-key", "-n", "mon.", "--cap",
             "mon", "allow *")  # fmt: skip
        call("monmaptool", "--create", "--addv", "a", f"[v1:127.0.0.1:{mon}]", "--fsid", fsid,
             folder / "monmap")  # fmt: skip
        call("ceph-mon", *own, "--mkfs", "-i", "a", "--monmap", folder / "monmap", "--keyring",
             keyring)  # fmt: skip
        start("ceph-mon", *own, "-i", "a", "-f")
        wait_until(mon_answers, "ceph-mon")
        osd = str(uuid.uuid4())
        call("ceph", *own, "osd", "new", osd)
        call("ceph-osd", *own, "-i", "0", "--mkfs", "--osd-uuid", osd)
        start("ceph-osd", *own, "-i", "0", "-f")
        wait_until(
            lambda: "1 up" in call("ceph", *own, "osd", "stat", check=False).stdout, "ceph-osd"
        )
        start("radosgw", *own, "-n", "client.rgw", "-f")
        wait_until(lambda: answers(f"http://127.0.0.1:{port}/"), "radosgw", 120)
        call("radosgw-admin", *own, "user", "create", "--uid=test", "--display-name=test",
             "--access-key=AKIATEST", "--secret=SECRETTEST")  # fmt: skip
        yield S3("ceph", port, "AKIATEST", "SECRETTEST")
    except TimeoutError as error:
        for log in sorted((folder / "log").iterdir()):
            error.add_note(f"{log.name}: {log.read_text(errors='replace')[-600:]}")
        raise
    finally:
        for process in reversed(started):
            stop(process)


class FaultProxy:
    """Passes requests on to a server, and does harm to those that a plan picks.

    A plan is a function from the request (method, path, headers) to None or a fault:
    ``("status", 503, "SlowDown")``, ``("reset", bytes)`` (of the answer's body, then a reset),
    ``("short", bytes)`` (the answer's body cut, the connection closed), ``("flip", place)`` (one
    byte of the answer's body altered), ``("lost",)`` (the server answers, nobody hears it), ``("flip-sent", place)`` (of the request's body),
    ``("hang", seconds)``, ``("slow", seconds)`` (the same, then the answer), ``("ignore-condition",)`` (If-None-Match is dropped).
    """

    def __init__(self, server):
        self.server = server
        self.plan = lambda method, path, headers: None
        self.requests = []
        self.connections = 0
        self.bytes_sent = 0
        self._lock = threading.Lock()
        self._socket = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.port = self._socket.getsockname()[1]
        self._open = set()
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def s3(self):
        return dataclasses.replace(self.server, through=self.port)

    def reset_counts(self):
        self.requests, self.connections, self.bytes_sent = [], 0, 0

    def close(self):
        self._socket.close()
        for own in list(self._open):
            with contextlib.suppress(OSError):
                own.close()

    def _accept(self):
        while True:
            try:
                client, _ = self._socket.accept()
            except OSError:
                return
            with self._lock:
                self.connections += 1
            self._open.add(client)
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client):
        upstream = None
        try:
            reader = client.makefile("rb")
            upstream = socket.create_connection(("127.0.0.1", self.server.port))
            answers_of = upstream.makefile("rb")
            while self._one(client, reader, upstream, answers_of):
                pass
        except (OSError, ValueError):
            pass
        finally:
            self._open.discard(client)
            for own in (client, upstream):
                if own is not None:
                    with contextlib.suppress(OSError):
                        own.close()

    def _one(self, client, reader, upstream, answers_of):
        first = reader.readline()
        if not first:
            return False
        method, path, _ = first.decode().split(" ", 2)
        headers = _headers(reader)
        if headers.get("expect", "").lower() == "100-continue":
            client.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
            del headers["expect"]
        body = reader.read(int(headers.get("content-length", "0")))
        fault = self.plan(method, path, headers)
        with self._lock:
            self.requests.append((method, path, headers))
        kind = fault[0] if fault else None
        if kind == "status":
            text = f"<Error><Code>{fault[2]}</Code><Message>made up</Message></Error>".encode()
            if method == "HEAD":
                text = b""
            client.sendall(
                f"HTTP/1.1 {fault[1]} X\r\nContent-Type: application/xml\r\n"
                f"Content-Length: {len(text)}\r\n\r\n".encode()
                + text
            )
            return True
        if kind == "slow":
            time.sleep(fault[1])
        if kind == "hang":
            time.sleep(fault[1])
            return False
        if kind == "ignore-condition":
            headers.pop("if-none-match", None)
            # Signed headers must be there; a server that ignores the condition sees them.
        if kind == "flip-sent" and body:
            place = fault[1] % len(body)
            body = body[:place] + bytes([body[place] ^ 0x20]) + body[place + 1 :]
        head = first + b"".join(f"{k}: {v}\r\n".encode() for k, v in headers.items()) + b"\r\n"
        upstream.sendall(head + body)
        return self._answer(client, answers_of, method, fault, kind)

    def _answer(self, client, answers_of, method, fault, kind):
        status = answers_of.readline()
        headers = _headers(answers_of)
        while status.split()[1] == b"100":
            status, headers = answers_of.readline(), _headers(answers_of)
        if method == "HEAD" or status.split()[1] in (b"204", b"304"):
            body = b""
        elif headers.get("transfer-encoding") == "chunked":
            body = b""
            while size := int(answers_of.readline(), 16):
                body += answers_of.read(size)
                answers_of.readline()
            answers_of.readline()
            del headers["transfer-encoding"]
            headers["content-length"] = str(len(body))
        else:
            body = answers_of.read(int(headers.get("content-length", "0")))
        head = status + b"".join(f"{k}: {v}\r\n".encode() for k, v in headers.items()) + b"\r\n"
        if kind == "lost":
            return False
        if kind in ("reset", "short"):
            client.sendall(head + body[: fault[1]])
            if kind == "reset":
                client.setsockopt(
                    socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00"
                )
            return False
        if kind == "flip" and body:
            place = fault[1] % len(body)
            body = body[:place] + bytes([body[place] ^ 1]) + body[place + 1 :]
        client.sendall(head + body)
        with self._lock:
            self.bytes_sent += len(body)
        return True


def _headers(reader):
    headers = {}
    while (line := reader.readline()) not in (b"\r\n", b"\n", b""):
        name, _, value = line.decode("latin-1").partition(":")
        headers[name.strip().lower()] = value.strip()
    return headers


def clean_environment(monkeypatch):
    """No credentials of the machine's own."""
    for name in list(os.environ):
        if name.startswith("AWS_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")


def wait_for_session(session, seconds=60.0):
    """Until all processes that a killed driver had started are gone: what they wrote counts."""

    def gone():
        for path in Path("/proc").glob("[0-9]*/stat"):
            with contextlib.suppress(OSError):
                fields = path.read_text().rsplit(")", 1)[1].split()
                if int(fields[3]) == session and fields[0] != "Z":
                    return False
        return True

    wait_until(gone, f"the end of session {session}", seconds)


# -- Multi Model Server -----------------------------------------------------------


def missing_java():
    return shutil.which("java") is None


class MultiModelServer:
    """AWS's Multi Model Server on loopback, with its workers stopped by their ids at the end.

    Args:
        folder: For its files.
        handler: A module of a function ``handle`` or of a class, as ``default_service_handler``.
        model: Of a server with one.
        environment: Beside the own one.
    """

    def __init__(self, folder, handler, model=None, environment=None):
        folder.mkdir(parents=True, exist_ok=True)
        self.port, self.folder = free_port(), folder
        properties = {
            "inference_address": f"http://127.0.0.1:{self.port}",
            "management_address": f"http://127.0.0.1:{self.port}",
            "default_service_handler": handler,
            "decode_input_request": "false",
            "default_workers_per_model": "1",
            "enable_envvars_config": "true",
            "vmargs": "-Xmx256m",
        }
        config = folder / "mms.properties"
        config.write_text("".join(f"{name}={value}\n" for name, value in properties.items()))
        bin_folder = Path(sys.executable).parent
        code = [str(Path(model) / "code")] if model else []
        root = str(Path(__file__).parents[2])
        own = {
            **os.environ,
            "PATH": f"{bin_folder}{os.pathsep}{os.environ['PATH']}",
            "TEMP": str(folder),
            "TMPDIR": str(folder),
            "PYTHONPATH": os.pathsep.join([*code, root]),
            "OMP_NUM_THREADS": "2",
            **(environment or {}),
        }
        self.log = folder / "server.log"
        command = [bin_folder / "multi-model-server", "--start", "--foreground", "--model-store",
                   "/", "--mms-config", config]  # fmt: skip
        command += ["--models", f"model={model}"] if model else []
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                command, cwd=folder, env=own, stdout=log, stderr=log, start_new_session=True
            )

    def up(self):
        assert self.process.poll() is None, self.log.read_text()
        return answers(f"http://127.0.0.1:{self.port}/ping")

    def workers(self):
        """The processes that were started in its session, Java's and Python's."""
        import psutil

        found = []
        for own in psutil.process_iter():
            with contextlib.suppress(ProcessLookupError, psutil.Error):
                if os.getsid(own.pid) == self.process.pid:
                    found.append(own)
        return found

    def memory(self):
        """Bytes that are resident, of all its processes; what they share counts for each."""
        import psutil

        total = 0
        for own in self.workers():
            with contextlib.suppress(psutil.Error):
                total += own.memory_info().rss
        return total

    def stop(self):
        import psutil

        left = self.workers()
        for own in left:
            with contextlib.suppress(psutil.Error):  # it may have ended meanwhile
                if "java" in own.name():
                    own.terminate()
        stop(self.process)
        for own in left:
            with contextlib.suppress(Exception):
                own.kill()


@contextlib.contextmanager
def multi_model_server(*arguments, **named):
    own = MultiModelServer(*arguments, **named)
    try:
        wait_until(own.up, "Multi Model Server")
        yield own
    finally:
        own.stop()
