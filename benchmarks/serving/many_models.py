"""Twenty models in memory for eight, loaded and unloaded as SageMaker does."""

import json
import random
import threading
import time
from collections import Counter
from dataclasses import dataclass, field

from benchmarks.jobs import Options, read_result
from benchmarks.reporting import Row, cpu
from benchmarks.serving.peers import PeakMemory, Peer, started_many

COUNTRIES = 20
CLIENTS = 32
SECONDS = 120


def fit_countries(options: Options) -> dict[str, list[str]]:
    """Twenty models: half of them share an encoder, each of the others has its own.

    Returns:
        Fifty titles of each country by the code with which its paths begin.
    """
    import torch

    import prodcat
    from prodcat.demo.quick_commerce import LANGUAGES, generate

    torch.manual_seed(0)
    rows = {
        number: generate(400, LANGUAGES[number % len(LANGUAGES)], seed=number)
        for number in range(COUNTRIES)
    }
    trimmed = options.work / "trimmed"
    titles = [row.title for country in rows.values() for row in country]
    prodcat.trim_encoder(str(options.encoder), str(trimmed), texts=titles)
    for number, country in rows.items():
        catalog = prodcat.read_catalog(
            [{"title": row.title, "path": [f"c{number:02d}", *row.path]} for row in country]
        )
        classifier = prodcat.fit(
            catalog,
            model=prodcat.ModelConfig(encoder=str(trimmed)),
            training=prodcat.TrainingConfig(epochs=0),
            device="cpu",
            progress=False,
        )
        encoder = classifier.network.encoder
        if number % 2 and encoder is not None:  # another encoder, to every weight
            with torch.no_grad():
                for weight in encoder.parameters():
                    weight.add_(1e-3 * torch.randn_like(weight))
        classifier.save(str(options.work / f"country-{number:02d}"))
        print("country", number, flush=True)
    return {f"c{n:02d}": [row.title for row in country[:50]] for n, country in rows.items()}


@dataclass
class Traffic:
    """Random requests of many clients, and what they were answered.

    Attributes:
        peer: The server.
        titles: Titles of each model.
        places: Where each model is saved.
        counts: How many answers there were by verb and status.
        wrong: Answers that must not be.
        seconds: Of each request that was answered.
    """

    peer: Peer
    titles: dict[str, list[str]]
    places: dict[str, str]
    counts: Counter[str] = field(default_factory=Counter)
    wrong: list[list[str]] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def run_client(self, number: int) -> None:
        """Ask at random for two minutes."""
        rng = random.Random(number)
        end = time.monotonic() + SECONDS
        while time.monotonic() < end:
            # Some are asked for more often than others.
            name = sorted(self.titles)[min(int(rng.expovariate(0.15)), COUNTRIES - 1)]
            if self.invoke(name, rng.sample(self.titles[name], rng.choice([1, 1, 5, 20]))) == 404:
                self.load(name, rng)

    def invoke(self, name: str, titles: list[str]) -> int | str:
        """Ask one model; the status."""
        body = json.dumps({"inputs": titles}).encode()
        began = time.perf_counter()
        status, answer = self.peer.ask(body, f"/models/{name}/invoke")
        self.note("invoke", status, answer)
        if status == 200:
            with self.lock:
                self.seconds.append(time.perf_counter() - began)
                if any(row["path"][0] != name for row in json.loads(answer)):
                    text = answer[:300].decode()
                    self.wrong.append(["another country's answer", name, text])
        return status

    def load(self, name: str, rng: random.Random) -> None:
        """Load a model, and unload another one where there is no room for it."""
        body = json.dumps({"model_name": name, "url": self.places[name]}).encode()
        status, answer = self.peer.ask(body, "/models")
        self.note("load", status, answer)
        if status == 507:
            _, listed = self.peer.ask(None, "/models", "GET")
            loaded = [model["modelName"] for model in json.loads(listed)["models"]]
            if loaded:
                path = f"/models/{rng.choice(loaded)}"
                self.note("unload", *self.peer.ask(None, path, "DELETE"))

    def note(self, verb: str, status: int | str, body: bytes) -> None:
        """Count an answer, and keep it where it must not be."""
        with self.lock:
            self.counts[f"{verb} {status}"] += 1
            if not isinstance(status, int) or (status >= 500 and status != 507):
                self.wrong.append([verb, str(status), body[:300].decode()])


def serve_many_models(options: Options) -> Row:
    """Random traffic over all models, loaded and unloaded on demand."""
    from prodcat.serving.loading import artifact_bytes

    titles = read_result("countries", options.work)
    places = {name: str((options.work / f"country-{name[1:]}").resolve()) for name in titles}
    sizes = {name: artifact_bytes(place) for name, place in places.items()}
    budget = 8 * max(sizes.values())
    with started_many(options, budget) as peer:
        # Libraries are loaded with the first model, and stay.
        first = json.dumps({"model_name": "first", "url": places["c00"]}).encode()
        assert peer.ask(first, "/models")[0] == 200
        assert peer.ask(None, "/models/first", "DELETE")[0] == 200
        time.sleep(3)
        empty, watcher = peer.memory(), PeakMemory(peer, 0.05)
        traffic = Traffic(peer, titles, places)
        clients = [
            threading.Thread(target=traffic.run_client, args=(number,)) for number in range(CLIENTS)
        ]
        for client in clients:
            client.start()
        for client in clients:
            client.join()
        peak = watcher.stop()
        alive = peer.is_running()
    times = sorted(traffic.seconds)
    return {
        "counts": dict(sorted(traffic.counts.items())), "wrong": traffic.wrong[:50],
        "wrong_count": len(traffic.wrong), "empty": empty, "peak": peak, "budget": budget,
        "alive": alive, "p50": times[len(times) // 2], "p99": times[len(times) * 99 // 100],
        "whole": sum(sizes.values()), "cpu": cpu(),
    }  # fmt: skip
