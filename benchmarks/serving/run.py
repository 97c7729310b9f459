"""The server against what people run: load, overload, start, many models, hostile requests."""

import contextlib
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

HERE = Path(__file__).resolve()
ROOT = HERE.parents[2]
sys.path[:0] = [str(HERE.parents[1]), str(ROOT), str(ROOT / "tests" / "support")]

import frozen_sets
import jobs
import servers
from reporting import bar

SET = "shop-titles-en"
LEVELS = (1, 8, 32, 128)
TURNS = 3
SECONDS = 6
STARTS = 3
COUNTRIES = 20
HOSTILE = 20_000
SEEDS = []
COUNTING = threading.Lock()
OVERLOAD = 60
MANY = 120
ME = "prodcat"
INT8 = f"{ME}, int8"
TOOLKIT = "MMS and Hugging Face toolkit"
TUNED = f"{TOOLKIT}, one thread a worker"
INFINITY = "infinity-emb"


# -- the models -------------------------------------------------------------------


def model(options):
    """One on multilingual-e5-small, and its encoder as transformers' own classifier."""
    import transformers

    own, test = frozen_sets.fitted(options, SET)
    config = own.network.encoder.body.config
    tree = own.taxonomy
    names = [" > ".join(tree.paths[node]) for node in tree.outcomes]
    config.id2label = dict(enumerate(names))
    config.label2id = {name: number for number, name in config.id2label.items()}
    other = transformers.BertForSequenceClassification(config)
    other.bert.load_state_dict(own.network.encoder.body.state_dict(), strict=False)
    folder = options.work / "transformers"
    other.save_pretrained(folder)
    transformers.PreTrainedTokenizerFast(
        tokenizer_object=own.tokenizer, pad_token="<pad>", model_max_length=own.model.max_tokens
    ).save_pretrained(folder)
    settings = folder / "tokenizer_config.json"  # by the name that transformers 4 knows
    known = {**json.loads(settings.read_text()), "tokenizer_class": "PreTrainedTokenizerFast"}
    settings.write_text(json.dumps(known))
    alone = options.work / "encoder-alone"
    own.network.encoder.body.save_pretrained(alone)
    for name in ("tokenizer.json", "tokenizer_config.json"):
        shutil.copy(folder / name, alone / name)
    titles = list(test.titles)
    (options.work / "titles.json").write_text(json.dumps(titles))
    bodies(options.work / "one.jsonl", [{"inputs": title} for title in titles])
    bodies(options.work / "infinity.jsonl", [{"model": "m", "input": [own]} for own in titles])
    return {"outcomes": len(names)}


def bodies(path, found):
    path.write_text("".join(json.dumps(own, ensure_ascii=False) + "\n" for own in found))


# -- servers ----------------------------------------------------------------------


class Peer:
    """A server's process on loopback; what it starts is stopped with it."""

    def __init__(self, name, command, port, path, sent, environment=None, folder=None):
        self.name, self.port, self.path, self.sent = name, port, path, sent
        words = "".join(own if own.isalnum() else "-" for own in name)
        self.log = log = sent.with_name(f"{words}-{port}.log")
        self.began = time.perf_counter()
        with log.open("wb") as out:
            self.process = subprocess.Popen(
                [str(own) for own in command], stdout=out, stderr=out, cwd=folder,
                env={**os.environ, **(environment or {})}, start_new_session=True,
            )  # fmt: skip

    def answers(self):
        return self.ask(self.sent.read_text().splitlines()[0].encode())[0] == 200

    def ask(self, body, path=None, method="POST", kind="application/json", timeout=60):
        import http.client

        own = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)
        try:
            own.request(method, path or self.path, body, {"Content-Type": kind})
            answer = own.getresponse()
            return answer.status, answer.read()
        except OSError as error:
            return type(error).__name__, b""
        finally:
            own.close()

    def ready(self):
        """Seconds from its start until it answered."""
        while not self.answers():
            assert self.process.poll() is None, f"{self.name} ended"
            assert time.perf_counter() - self.began < 180, f"{self.name} does not answer"
            time.sleep(0.05)
        return time.perf_counter() - self.began

    def processes(self):
        import psutil

        return [own for own in psutil.process_iter() if _session(own.pid) == self.process.pid]

    def memory(self):
        return sum(own.memory_info().rss for own in self.processes())

    def stop(self):
        left = self.processes()
        self.process.send_signal(signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(20)
        for own in left:
            with contextlib.suppress(Exception):
                own.kill()
        with contextlib.suppress(Exception):
            self.process.wait(5)


def _session(pid):
    try:
        return os.getsid(pid)
    except OSError:
        return None


def prodcat_server(options, *arguments, model="model", name=ME):
    port = servers.free_port()
    one = ["--model", options.work / model] if model else []
    return Peer(
        name,
        [sys.executable, "-m", "prodcat", "serve", *one, "--host", "127.0.0.1",
         "--port", port, "--device", "cpu", *arguments],
        port, "/invocations", options.work / "one.jsonl", {"PYTHONPATH": str(ROOT)},
    )  # fmt: skip


def toolkit_server(options, name=TOOLKIT, environment=None):
    """As AWS's container starts it: as many workers as cores, the toolkit's own handler."""
    python = Path(os.environ["HF_TOOLKIT_PYTHON"])
    folder = (options.work / name.replace(" ", "-").replace(",", "")).resolve()
    shutil.rmtree(folder, ignore_errors=True)  # one that was killed leaves its number behind
    folder.mkdir()
    port = servers.free_port()
    address = f"http://127.0.0.1:{port}"
    config = folder / "mms.properties"
    config.write_text(
        f"inference_address={address}\nmanagement_address={address}\n"
        "default_service_handler=sagemaker_huggingface_inference_toolkit.handler_service\n"
        "decode_input_request=false\nenable_envvars_config=true\nvmargs=-Xmx256m\n"
    )
    return Peer(
        name,
        [python.with_name("multi-model-server"), "--start", "--foreground", "--model-store", "/",
         "--mms-config", config, "--models", f"model={(options.work / 'transformers').resolve()}"],
        port, "/invocations", options.work / "one.jsonl",
        {"PATH": f"{python.parent}{os.pathsep}{os.environ['PATH']}", "HF_TASK":
         "text-classification", "TEMP": str(folder), "TMPDIR": str(folder), **(environment or {})},
        folder,
    )  # fmt: skip


def infinity_server(options, route, dtype):
    """Labels of the whole classifier, or vectors of its encoder alone."""
    folder = "transformers" if route == "classify" else "encoder-alone"
    python = Path(os.environ["INFINITY_PYTHON"])
    port = servers.free_port()
    return Peer(
        f"{INFINITY} /{route}, {dtype}",
        [python.with_name("infinity_emb"), "v2", "--model-id",
         (options.work / folder).resolve(), "--served-model-name", "m", "--engine",
         "torch", "--device", "cpu", "--dtype", dtype, "--host", "127.0.0.1", "--port", port],
        port, f"/{route}", options.work / "infinity.jsonl",
        {"DO_NOT_TRACK": "1", "INFINITY_ANONYMOUS_USAGE_STATS": "0", "HF_HUB_OFFLINE": "1",
         "INFINITY_BETTERTRANSFORMER": "false", "INFINITY_MODEL_WARMUP": "false"},
    )  # fmt: skip


@contextlib.contextmanager
def started(*peers):
    """One after the other has started before anything is measured."""
    try:
        for own in peers:
            print(f"{own.name} answers after {own.ready():.1f} s", flush=True)
        yield peers
    finally:
        for own in peers:
            own.stop()


def load(peer, way, rate, seconds, sent=None):
    """What the client saw; it is a process of its own."""
    done = subprocess.run(
        [sys.executable, str(HERE.with_name("client.py")), str(peer.port), peer.path,
         str(sent or peer.sent), way, str(rate), str(seconds)],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    return json.loads(done.stdout)


# -- load -------------------------------------------------------------------------


def under_load(options, level):
    rows = []
    with started(
        prodcat_server(options),
        prodcat_server(options, "--precision", "int8", name=INT8),
        toolkit_server(options),
        toolkit_server(options, TUNED, {"OMP_NUM_THREADS": "1"}),
        infinity_server(options, "embeddings", "float32"),
    ) as peers:
        for peer in peers:
            load(peer, "closed", 8, 3)
        for turn in range(TURNS):
            for peer in peers:
                found = load(peer, "closed", level, SECONDS)
                rows.append({"server": peer.name, "at_once": level, "turn": turn, **found})
                print(rows[-1], flush=True)
    return rows


def bare(options):
    """One title after another without a server: prodcat's own model, and transformers'."""
    import torch
    import transformers

    import prodcat

    titles = json.loads((options.work / "titles.json").read_text())
    own = prodcat.load(str(options.work / "model"), device="cpu")
    inference = own.inference(own.pick_precision("auto"))
    decide = own.decision()
    folder = options.work / "transformers"
    network = transformers.AutoModelForSequenceClassification.from_pretrained(folder).eval()
    tokenizer = transformers.PreTrainedTokenizerFast.from_pretrained(folder)

    def mine(title):
        inference.answers(inference.ready([title]), decide)

    def theirs(title):
        with torch.inference_mode():
            network(**tokenizer([title], return_tensors="pt", return_token_type_ids=False))

    found = {}
    with started(prodcat_server(options)) as [peer]:
        for turn in range(TURNS + 1):
            for name, call in (("prodcat", mine), ("transformers", theirs)):
                times = []
                for title in titles[:400]:
                    began = time.perf_counter()
                    call(title)
                    times.append(time.perf_counter() - began)
                times.sort()
                if turn:
                    own = {"p50": times[200], "p99": times[396], "mean": sum(times) / 400}
                    found.setdefault(name, []).append(own)
            served = load(peer, "closed", 1, 6)
            if turn:
                found.setdefault("served", []).append(served)
    return found


def starts(options):
    """From the start of the process to the first answer, in turns."""
    rows = []
    for turn in range(STARTS):
        for make in (prodcat_server, toolkit_server):
            peer = make(options)
            try:
                rows.append({"server": peer.name, "turn": turn, "seconds": peer.ready()})
            finally:
                peer.stop()
            print(rows[-1], flush=True)
    return rows


# -- overload ---------------------------------------------------------------------


def overload(options):
    titles = json.loads((options.work / "titles.json").read_text())
    sent = options.work / "thirty-two.jsonl"
    whole = len(titles) // 32 * 32
    bodies(sent, [{"inputs": titles[row : row + 32]} for row in range(0, whole, 32)])
    with started(prodcat_server(options)) as [peer]:
        load(peer, "closed", 2, 5, sent)
        sustained = load(peer, "closed", 2, 15, sent)
        before = load(peer, "closed", 1, 10)
        memory, peak, running = peer.memory(), [0], threading.Event()

        def watch():
            while not running.wait(0.2):
                peak[0] = max(peak[0], peer.memory())

        watcher = threading.Thread(target=watch)
        watcher.start()
        flood = load(peer, "open", 10 * sustained["rate"], OVERLOAD, sent)
        time.sleep(2)
        after = load(peer, "closed", 1, 10)
        running.set()
        watcher.join()
        alive = peer.process.poll() is None
    return {
        "sustained": sustained, "before": before, "flood": flood, "after": after,
        "memory": memory, "peak": peak[0], "alive": alive, "patience": 50.0,
    }  # fmt: skip


# -- many models ------------------------------------------------------------------


def countries(options):
    """Twenty models: half of them share an encoder, the others have each its own."""
    import torch

    import prodcat
    from prodcat.demo.quick_commerce import LANGUAGES, generate

    torch.manual_seed(0)
    rows = {
        code: generate(400, LANGUAGES[code % len(LANGUAGES)], seed=code)
        for code in range(COUNTRIES)
    }
    trimmed = options.work / "trimmed"
    titles = [row.title for own in rows.values() for row in own]
    prodcat.trim_encoder(str(options.encoder), str(trimmed), texts=titles)
    for code, own in rows.items():
        catalog = prodcat.read_catalog(
            [{"title": row.title, "path": [f"c{code:02d}", *row.path]} for row in own]
        )
        classifier = prodcat.fit(
            catalog,
            model=prodcat.ModelConfig(encoder=str(trimmed)),
            training=prodcat.TrainingConfig(epochs=0),
            device="cpu",
            progress=False,
        )
        if code % 2:  # another encoder, to every weight
            with torch.no_grad():
                for weight in classifier.network.encoder.parameters():
                    weight.add_(1e-3 * torch.randn_like(weight))
        classifier.save(str(options.work / f"country-{code:02d}"))
        print("country", code, flush=True)
    return {f"c{code:02d}": [row.title for row in own[:50]] for code, own in rows.items()}


def many(options):
    """Random traffic over all of them, loaded and unloaded as SageMaker does."""
    from prodcat.serving.loading import artifact_bytes

    titles = json.loads(jobs.result_of("countries", options.work).read_text())
    places = {name: str((options.work / f"country-{name[1:]}").resolve()) for name in titles}
    sizes = {name: artifact_bytes(place) for name, place in places.items()}
    budget = 8 * max(sizes.values())
    counts, wrong, lock = Counter(), [], threading.Lock()
    with started_many(options, budget) as peer:
        # Libraries are loaded with the first model, and stay.
        one = json.dumps({"model_name": "first", "url": places["c00"]}).encode()
        assert peer.ask(one, "/models")[0] == 200
        assert peer.ask(None, "/models/first", "DELETE")[0] == 200
        time.sleep(3)
        empty, peak, stop = peer.memory(), [0], threading.Event()
        times = []

        def watch():
            while not stop.wait(0.05):
                peak[0] = max(peak[0], peer.memory())

        def noted(kind, status, body=b""):
            with lock:
                counts[f"{kind} {status}"] += 1
                if not isinstance(status, int) or (status >= 500 and status != 507):
                    wrong.append([kind, str(status), body[:300].decode()])

        def client(number):
            rng = random.Random(number)
            end = time.monotonic() + MANY
            while time.monotonic() < end:
                # Some are asked for more often than others.
                name = sorted(titles)[min(int(rng.expovariate(0.15)), COUNTRIES - 1)]
                body = json.dumps({"inputs": rng.sample(titles[name], rng.choice([1, 1, 5, 20]))})
                began = time.perf_counter()
                status, answer = peer.ask(body.encode(), f"/models/{name}/invoke")
                noted("invoke", status, answer)
                if status == 200:
                    with lock:
                        times.append(time.perf_counter() - began)
                    if any(own["path"][0] != name for own in json.loads(answer)):
                        with lock:
                            wrong.append(["another country's answer", name, answer[:300].decode()])
                elif status == 404:
                    said = json.dumps({"model_name": name, "url": places[name]}).encode()
                    status, answer = peer.ask(said, "/models")
                    noted("load", status, answer)
                    if status == 507:
                        _, listed = peer.ask(None, "/models", "GET")
                        there = [own["modelName"] for own in json.loads(listed)["models"]]
                        if there:
                            gone, answer = peer.ask(None, f"/models/{rng.choice(there)}", "DELETE")
                            noted("unload", gone, answer)

        threads = [threading.Thread(target=client, args=(own,)) for own in range(32)]
        watcher = threading.Thread(target=watch)
        for own in [watcher, *threads]:
            own.start()
        for own in threads:
            own.join()
        stop.set()
        watcher.join()
        alive = peer.process.poll() is None
    times.sort()
    return {
        "counts": dict(sorted(counts.items())), "wrong": wrong[:50], "wrong_count": len(wrong),
        "empty": empty, "peak": peak[0], "budget": budget, "alive": alive,
        "p50": times[len(times) // 2], "p99": times[len(times) * 99 // 100],
        "whole": sum(sizes.values()),
    }  # fmt: skip


@contextlib.contextmanager
def started_many(options, budget):
    peer = prodcat_server(options, "--many", "--memory", budget / (1 << 20), model=None)
    try:
        while peer.ask(None, "/ping", "GET")[0] != 200:
            time.sleep(0.1)
        yield peer
    finally:
        peer.stop()


# -- hostile requests -------------------------------------------------------------


def fuzz(options):
    """Requests that hypothesis, schemathesis and plain malice make, against both servers."""
    import hypothesis

    found = {"requests": 0, "statuses": Counter(), "bad": [], "slowest": 0.0}
    with (
        started(prodcat_server(options)) as [one],
        started_many(options, 2 << 30) as several,
    ):
        body = json.dumps({"model_name": "m", "url": str((options.work / "model").resolve())})
        assert several.ask(body.encode(), "/models")[0] == 200
        for peer in (one, several):  # what is made at first use is made, a child for Parquet too
            schemathesis(options, peer, found, 40)
            for number in range(200):
                mutated(peer, random.Random(-number), found)
        before = {peer.port: peer.memory() for peer in (one, several)}
        for peer in (one, several):
            schemathesis(options, peer, found, 100)

        @hypothesis.settings(
            max_examples=1_000,
            deadline=None,
            database=None,
            suppress_health_check=list(hypothesis.HealthCheck),
            derandomize=True,
        )
        @hypothesis.given(hypothesis.strategies.data())
        def hostile(data):
            peer = (one, several)[data.draw(hypothesis.strategies.integers(0, 1))]
            asked(peer, data, found)

        hostile()

        def malice(number):
            peer, rng = (one, several)[number % 2], random.Random(number)
            (garbage if number % 20 == 0 else mutated)(peer, rng, found)

        with ThreadPoolExecutor(4) as pool:
            list(pool.map(malice, range(HOSTILE - found["requests"])))
        after = {peer.port: peer.memory() for peer in (one, several)}
        alive = all(peer.process.poll() is None for peer in (one, several))
        answers = one.answers()
    logs = one.log.read_text() + several.log.read_text()
    return {
        **found, "statuses": dict(found["statuses"]), "bad": found["bad"][:50],
        "memory": [[before[port], after[port]] for port in before],
        "alive": alive, "answers": answers, "tracebacks": logs.count("Traceback"),
    }  # fmt: skip


def schemathesis(options, peer, found, examples):
    done = subprocess.run(
        [Path(sys.executable).with_name("schemathesis"), "run",
         f"http://127.0.0.1:{peer.port}/openapi.json", "--checks",
         "not_a_server_error,status_code_conformance,content_type_conformance,"
         "response_schema_conformance", "--phases", "examples,coverage,fuzzing",
         "--suppress-health-check", "all", "--seed", "7", "--no-shrink", "--continue-on-failure",
         "--max-examples", str(examples), "--exclude-path-regex", "^/(ping|metrics|openapi)"],
        capture_output=True, text=True, cwd=options.work,
    )  # fmt: skip
    import re

    total = re.search(r"(\d+) generated", done.stdout)
    assert total, done.stdout[-2_000:]
    found["requests"] += int(total[1])
    found["statuses"]["schemathesis"] += int(total[1])
    if done.returncode:
        found["bad"].append(["schemathesis", done.stdout[-6_000:]])
    print("schemathesis", total[1], done.returncode, flush=True)


def asked(peer, data, found):
    """One request of a body, a type, a path and settings that nobody would send."""
    from hypothesis import strategies as st

    path = data.draw(
        st.sampled_from(["/invocations", "/models/m/invoke", "/models", "/ping", "/models/m"])
        | st.text(st.characters(codec="ascii", categories=["L", "N", "P"]), max_size=30).map(
            lambda own: "/" + own.replace("?", "").replace("#", "").replace("/", "%2F")
        )
    )
    kind = data.draw(
        st.sampled_from(
            ["application/json", "application/jsonlines", "text/csv", "application/x-parquet",
             "text/plain", "application/json; charset=utf-16", "", "application/jsonx"]
        )
    )  # fmt: skip
    value = st.recursive(
        st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=40),
        lambda own: (
            st.lists(own, max_size=5)
            | st.dictionaries(
                st.sampled_from(["instances", "inputs", "title", "top_k", "objective", "guarantee",
                                 "max_error", "parameters", "model_name", "url", "x"]), own,
                max_size=5,
            )
        ),
        max_leaves=12,
    )  # fmt: skip
    body = data.draw(
        value.map(lambda own: json.dumps(own).encode())
        | st.binary(max_size=400)
        | st.sampled_from(
            [b"[" * 50_000, b'{"inputs":' * 5_000, b'["' + b"a" * 300_000 + b'"]', b"\0" * 1_000,
             b'["\\ud800"]', b"PAR1" + b"\0" * 200 + b"PAR1", b"title,title\na,b\n",
             json.dumps(["a"] * 10_000).encode(), b"\xff\xfe[\"\0a\0\"\0]\0", b"1e999999",
             b'{"instances":["a"],"top_k":1e3}', b'{"inputs":["a"],"guarantee":-1}']
        )
        | st.tuples(st.text(min_size=1, max_size=80), st.integers(1, 200)).map(
            lambda own: json.dumps([own[0]] * own[1]).encode()
        )
    )  # fmt: skip
    method = data.draw(st.sampled_from(["POST"] * 8 + ["GET", "PUT", "PATCH", "OPTIONS", "HEAD"]))
    judged(peer, body, path, method, kind, found)


def mutated(peer, rng, found):
    """A body that is nearly right: some of its bytes changed, cut, doubled or joined to others."""
    import io

    import pyarrow as pa
    import pyarrow.parquet as pq

    if not SEEDS:
        for options in ({}, {"use_dictionary": False}, {"compression": "none"}):
            out = io.BytesIO()
            pq.write_table(pa.table({"title": ["sofa", "lamp"], "sku": [1, 2]}), out, **options)
            SEEDS.append((out.getvalue(), "application/x-parquet"))
        for body in (b'["sofa", "lamp"]', b'{"instances": [{"title": "sofa"}], "top_k": 3}',
                     b'{"inputs": "sofa", "parameters": {"objective": "tree_distance"}}',
                     b'{"inputs": ["a"], "max_error": 1e-310}', b'{"inputs": ["a"], "top_k": 99}',
                     b'{"model_name": "m", "url": "ftp:///x"}',
                     b'{"model_name": "x", "url": "a@b"}',
                     b'{"model_name": "x", "url": "memory://x"}'):  # fmt: skip
            SEEDS.append((body, "application/json"))
        SEEDS.append((b'"sofa"\n{"title": "lamp"}\n\n', "application/jsonlines"))
        SEEDS.append((b'sku,title\n1,"a ""b"" c"\n2,lamp\n', "text/csv"))
    body, kind = rng.choice(SEEDS)
    own = bytearray(body)
    for _ in range(rng.choice([1, 1, 2, 5, 20])):
        place = rng.randrange(len(own) + 1)
        end = min(place + rng.randrange(1, 20), len(own))
        change = rng.randrange(5)
        if change == 0 and place < len(own):
            own[place] = rng.randrange(256)
        elif change == 1:
            del own[place:end]
        elif change == 2:
            own[place:place] = own[place:end] * rng.choice([1, 2, 50])
        elif change == 3:
            own[place:place] = rng.choice(
                [b"\0", b"\xff", b"\r\n", b'"', b"[", b"{", b"1e400", b","]
            )
        else:
            own[place:end] = rng.choice(SEEDS)[0][:30]
    if rng.random() < 0.1:
        kind = rng.choice(SEEDS)[1]
    path = rng.choice(["/invocations", "/models/m/invoke", "/models"])
    judged(peer, bytes(own), path, "POST", kind, found)


def judged(peer, body, path, method, kind, found):
    began = time.perf_counter()
    status, answer = peer.ask(body, path, method, kind, timeout=30)
    took = time.perf_counter() - began
    with COUNTING:
        found["slowest"] = max(found["slowest"], took)
        found["requests"] += 1
        found["statuses"][str(status)] += 1
    if not isinstance(status, int) or (status >= 500 and status != 507) or b"Traceback" in answer:
        found["bad"].append([method, path, kind, str(status), body[:200].decode("latin1"),
                             answer[:300].decode("latin1")])  # fmt: skip


def garbage(peer, rng, found):
    """What is no HTTP, or ends too early."""
    import socket

    kind = rng.randrange(6)
    long = b"x" * rng.randrange(10, 100_000)
    sent = [
        rng.randbytes(rng.randrange(1, 2_000)),
        b"POST /invocations HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\n[",
        b"POST /invocations HTTP/1.1\r\nHost: a\r\nContent-Length: -5\r\n\r\n[]",
        b"GET /" + long + b" HTTP/1.1\r\nHost: a\r\n\r\n",
        b"POST /invocations HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n[]",
        b"GET /ping HTTP/1.1\r\nHost: a\r\nX-A: " + long + b"\r\n\r\n",
    ][kind]
    with socket.create_connection(("127.0.0.1", peer.port), timeout=20) as own:
        with contextlib.suppress(OSError):
            own.sendall(sent)
            own.shutdown(socket.SHUT_WR)
        answer = b""
        with contextlib.suppress(ConnectionError):
            while piece := own.recv(65_536):
                answer += piece
    status = answer[9:12].decode("latin1") if answer.startswith(b"HTTP") else "closed"
    with COUNTING:
        found["requests"] += 1
        found["statuses"][f"no HTTP: {status}"] += 1
    if status.startswith("5") or b"Traceback" in answer:
        found["bad"].append(["garbage", kind, status, answer[:300].decode("latin1")])


NAMES = ["model", *(f"load/{level}" for level in LEVELS), "bare", "starts", "overload",
         "countries", "many", "fuzz", "contract"]  # fmt: skip


def job(name, options):
    kind, _, level = name.partition("/")
    run = {
        "model": model,
        "load": lambda options: under_load(options, int(level)),
        "bare": bare,
        "starts": starts,
        "overload": overload,
        "countries": countries,
        "many": many,
        "fuzz": fuzz,
        "contract": contract,
    }[kind]
    jobs.result_of(name, options.work).write_text(json.dumps(run(options), indent=1))


def contract(options):
    """The tests against the real servers, nothing left out."""
    found = {}
    for name in ("serving", "aws/test_stacks.py", "aws/test_sagemaker.py"):
        done = subprocess.run(
            [sys.executable, "-m", "pytest", "-q", str(ROOT / "tests" / name)],
            capture_output=True, text=True, cwd=ROOT,
        )  # fmt: skip
        said = done.stdout.strip().splitlines()[-1]
        if done.returncode:
            print(done.stdout, flush=True)
        found[name] = {"said": said, "passed": done.returncode == 0 and "skipped" not in said}
    return found


# -- the report -------------------------------------------------------------------


def mid(values):
    own = sorted(values)
    return own[len(own) // 2]


def assemble(work):
    def read(name):
        return json.loads(jobs.result_of(name, work).read_text())

    rows, bars = [], []
    runs = [run for at_once in LEVELS for run in read(f"load/{at_once}")]
    level = {}
    for server in dict.fromkeys(own["server"] for own in runs):
        for at_once in LEVELS:
            own = [run for run in runs if (run["server"], run["at_once"]) == (server, at_once)]
            failed = sum(
                n for run in own for status, n in run["statuses"].items() if status != "200"
            )
            row = {
                "table": "load", "server": server, "at_once": at_once, "failed": failed,
                **{name: mid([run[name] for run in own]) for name in ("rate", "p50", "p99")},
            }  # fmt: skip
            rows.append(row)
            level[server, at_once] = row
    mine = level[ME, 32]
    toolkit = max((level[own, 32] for own in (TOOLKIT, TUNED)), key=lambda own: own["rate"])
    ratio = mine["rate"] / toolkit["rate"]
    bars.append(
        bar(
            "32 at once: requests/s against the Hugging Face toolkit",
            f"{ratio:.1f} times ({mine['rate']:.0f} against {toolkit['rate']:.0f})",
            "at least 5",
            ratio >= 5 and not mine["failed"],
        )
    )
    best = min(level[own, 32]["p99"] for own in (TOOLKIT, TUNED))
    bars.append(
        bar(
            "32 at once: p99 against the Hugging Face toolkit",
            f"{mine['p99'] / best:.2f} ({1e3 * mine['p99']:.0f} ms against {1e3 * best:.0f})",
            "at most 1/3",
            3 * mine["p99"] <= best,
        )
    )
    for at_once in LEVELS:
        others = [level[own] for own in level if own[0].startswith(INFINITY) and own[1] == at_once]
        other = max(others, key=lambda own: own["rate"])
        own = level[ME, at_once]
        ratio = own["rate"] / other["rate"]
        bars.append(
            bar(
                f"{at_once} at once: requests/s against infinity-emb",
                f"{ratio:.2f} times ({own['rate']:.0f} answered against {other['rate']:.0f}); "
                f"refused at once: {own['failed']}",
                "not below",
                ratio >= 1,
            )
        )
    own = read("bare")
    served = mid([run["p99"] for run in own["served"]])
    for name in ("prodcat", "transformers"):
        alone = {key: mid([run[key] for run in own[name]]) for key in ("p50", "mean", "p99")}
        rows.append({"table": "bare", "way": name, **alone})
        ratio = served / alone["mean"]
        said = f"{ratio:.2f} ({1e3 * served:.1f} ms; {1e3 * alone['mean']:.1f} in the mean, "
        said += f"{1e3 * alone['p99']:.1f} at its own p99)"
        words = "the bare model" if name == "prodcat" else "transformers' model alone"
        bars.append(bar(f"p99 of one at a time against {words}", said, "at most 1.3", ratio <= 1.3))
    rows.append(
        {"table": "bare", "way": "served", "p50": mid([run["p50"] for run in own["served"]]),
         "mean": mid([1 / run["rate"] for run in own["served"]]), "p99": served}
    )  # fmt: skip
    own = read("starts")
    times = {
        server: mid([run["seconds"] for run in own if run["server"] == server])
        for server in (ME, TOOLKIT)
    }
    rows += [{"table": "starts", "server": name, "seconds": own} for name, own in times.items()]
    ratio = times[ME] / times[TOOLKIT]
    bars.append(
        bar(
            "start to the first answer against the Hugging Face toolkit",
            f"{times[ME]:.1f} s against {times[TOOLKIT]:.1f} ({ratio:.2f})",
            "reported",
            True,
        )
    )
    own = read("overload")
    rows.append({"table": "overload", **own})
    flood, statuses = own["flood"], own["flood"]["statuses"]
    answered = set(statuses) <= {"200", "429", "503"} and own["alive"]
    bars.append(
        bar(
            f"{OVERLOAD} s of {flood['sent_rate'] / own['sustained']['rate']:.1f} times the rate: "
            "every request answered",
            str(statuses),
            "200, 429 or 503, no crash",
            answered and flood["sent_rate"] >= 9.5 * own["sustained"]["rate"],
        )
    )
    growth = own["peak"] / own["memory"] - 1
    bars.append(
        bar(
            "overload: growth of memory",
            f"{growth:+.1%} of {own['memory'] / 1e6:.0f} MB",
            "at most 10 %",
            growth <= 0.1,
        )
    )
    most = flood["by_status"]["200"]["most"]
    bars.append(
        bar(
            "overload: the accepted one that waited longest",
            f"{most:.2f} s (p99 {flood['by_status']['200']['p99']:.2f} s)",
            f"within its deadline, {own['patience']:.0f} s",
            most <= own["patience"],
        )
    )
    ratio = own["after"]["p99"] / own["before"]["p99"]
    bars.append(
        bar(
            "p99 of one at a time 2 s after the overload against before",
            f"{ratio:.2f} ({1e3 * own['after']['p99']:.1f} ms)",
            "normal: at most 1.3",
            ratio <= 1.3,
        )
    )
    own = read("many")
    rows.append({"table": "many", **own})
    bars.append(
        bar(
            f"{COUNTRIES} models, memory for 8, 32 clients, {MANY} s: wrong answers and 5xx",
            f"{own['wrong_count']}; {own['counts']}",
            "0 beside 507",
            own["wrong_count"] == 0 and own["alive"],
        )
    )
    over = own["peak"] - own["empty"]
    bars.append(
        bar(
            "many models: peak memory over an empty server's",
            f"{over / 1e6:.0f} MB of {own['budget'] / 1e6:.0f}; all 20 would take "
            f"{own['whole'] / 1e6:.0f}",
            "within the budget",
            over <= own["budget"],
        )
    )
    own = read("fuzz")
    rows.append({"table": "fuzz", **own})
    bars.append(
        bar(
            f"{own['requests']:,} hostile requests: 5xx, tracebacks, hangs",
            f"{len(own['bad'])}; slowest {own['slowest']:.2f} s; tracebacks in the servers' logs, "
            f"of fsspec's finalisers: {own['tracebacks']}",
            f"0 of {HOSTILE:,} or more",
            not own["bad"] and own["requests"] >= HOSTILE
            and own["alive"] and own["answers"],
        )
    )  # fmt: skip
    growth = max(after / before - 1 for before, after in own["memory"])
    bars.append(
        bar("hostile requests: growth of memory", f"{growth:+.1%}", "flat: at most 10 %",
            growth <= 0.1)
    )  # fmt: skip
    own = read("contract")
    for name, one in own.items():
        bars.append(bar(f"contract: tests/{name}", one["said"], "passes, nothing skipped",
                        one["passed"]))  # fmt: skip
    return {"rows": rows, "bars": bars}


def table(rows):
    loads = [row for row in rows if row["table"] == "load"]
    lines = [
        "| server | " + " | ".join(f"{level} at once" for level in LEVELS) + " |",
        "|---" * (1 + len(LEVELS)) + "|",
    ]
    for server in dict.fromkeys(row["server"] for row in loads):
        cells = [
            f"{row['rate']:.0f}/s, {1e3 * row['p50']:.0f} / {1e3 * row['p99']:.0f} ms"
            for row in loads
            if row["server"] == server
        ]
        lines.append(f"| {server} | {' | '.join(cells)} |")
    lines += ["", "Requests of one title a second, p50 / p99.", ""]
    lines += ["| one title | mean | p50 | p99 |", "|---|---|---|---|"]
    lines += [
        f"| {row['way']} | {1e3 * row['mean']:.2f} ms | {1e3 * row['p50']:.2f} ms | "
        f"{1e3 * row['p99']:.2f} ms |"
        for row in rows
        if row["table"] == "bare"
    ]  # fmt: skip
    return "\n".join(lines)


if __name__ == "__main__":
    jobs.main(HERE, NAMES, job, assemble, table, alone=NAMES, threads=2)
