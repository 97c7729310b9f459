"""Thirty thousand hostile requests, with slow and greedy clients beside them."""

import json
import random
import re
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

from benchmarks.jobs import Options
from benchmarks.reporting import Row
from benchmarks.serving.hostile_requests import (
    Outcome,
    ask_generated,
    ask_mutated,
    run_schemathesis,
    send_garbage,
)
from benchmarks.serving.peers import Peer, prodcat_server, started, started_many
from benchmarks.trust.attackers import attacked, watched

REQUESTS = 30_000
_QUIET = 5.0  # seconds after an attack, before memory is measured
URLS = [
    "reference://m::http://127.0.0.1:{port}/refs.json", "http://127.0.0.1:{port}/model",
    "simplecache::http://127.0.0.1:{port}/m", "file:///etc", "/root", "../..", "memory://x",
    "zip://model::file:///tmp/x.zip", "s3://169.254.169.254/x", "ftp://127.0.0.1:{port}/x",
    "{root}/../../etc", "{root}-beside", "FILE://{root}/..", "{root}/%2e%2e/%2e%2e/etc",
    "github://a:b@/", "data:,x", "{root}/model::reference://x", "\\\\host\\share", "~root",
]  # fmt: skip


def ask_for_places(port: int, root: Path, outcome: Outcome, ask: object) -> None:
    """Ask to load models from places that nobody allowed."""
    assert callable(ask)
    for number, pattern in enumerate(URLS):
        url = pattern.format(port=port, root=root)
        body = json.dumps({"model_name": f"place{number}", "url": url}).encode()
        status, answer = ask(body, "/models")
        outcome.count(f"place: {status}")
        if not isinstance(status, int) or not 400 <= status < 500:
            outcome.bad.append(["place", url, str(status), answer[:300].decode("latin1")])


def _warm_up(peer: Peer, number: int) -> None:
    ask_mutated(peer, random.Random(number), Outcome())


def attack_servers(options: Options) -> Row:
    """All hostile requests, against a server with one model and one with many."""
    from prodcat.testing import tiny_classifier

    tiny_classifier().save(str(options.work / "model"))
    (options.work / "one.jsonl").write_text('{"inputs": "süt"}\n')
    outcome = Outcome()
    with (
        started(prodcat_server(options)) as [single],
        started_many(options, 2 << 30) as several,
    ):
        peers = (single, several)
        root = options.work.resolve()
        body = json.dumps({"model_name": "m", "url": str(root / "model")}).encode()
        assert several.ask(body, "/models")[0] == 200
        for peer in peers:  # what is made at first use is made: threads, children for Parquet
            run_schemathesis(options, peer, outcome, 20)
            with attacked(peer), ThreadPoolExecutor(4) as pool:
                list(pool.map(partial(_warm_up, peer), range(-400, 0)))
            outcome.requests += 400
        time.sleep(_QUIET)
        before = [peer.memory() for peer in peers]
        ask_for_places(several.port, root, outcome, several.ask)
        for peer in peers:
            run_schemathesis(options, peer, outcome, 60)
        ask_generated(peers, outcome)

        def ask_malicious(number: int) -> None:
            peer, rng = peers[number % 2], random.Random(number)
            (send_garbage if number % 20 == 0 else ask_mutated)(peer, rng, outcome)

        quiet = REQUESTS - outcome.requests - 2_000
        with watched(several) as calm, ThreadPoolExecutor(4) as pool:
            list(pool.map(ask_malicious, range(quiet)))
        with watched(single) as pings, attacked(single) as counts, ThreadPoolExecutor(4) as pool:
            # Refusals for want of room are right while others attack; silence is not.
            strict = Outcome()

            def ask_beside(number: int) -> None:
                ask_mutated(single, random.Random(quiet + number), strict)

            list(pool.map(ask_beside, range(2_000)))
            attacks = counts[0]
        outcome.requests += strict.requests
        outcome.statuses.update({f"attacked: {k}": n for k, n in strict.statuses.items()})
        outcome.bad += [bad for bad in strict.bad if bad[3] not in ("503", "429")]
        time.sleep(_QUIET)
        after = [peer.memory() for peer in peers]
        alive = all(peer.is_running() for peer in peers)
        answers = single.answers()
    logs = single.log.read_text() + several.log.read_text()
    return {
        "job": "requests", "requests": outcome.requests, "attacks": attacks,
        "statuses": dict(outcome.statuses), "bad": outcome.bad[:50], "slowest": outcome.slowest,
        "pings": len(pings.seconds) + len(calm.seconds),
        "slowest_ping": max([*pings.seconds, *calm.seconds]),
        "failed_pings": pings.failures + calm.failures,
        "memory": [list(pair) for pair in zip(before, after, strict=True)],
        "alive": alive, "answers": answers, "tracebacks": len(re.findall("Traceback", logs)),
    }  # fmt: skip
