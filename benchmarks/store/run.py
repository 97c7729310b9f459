"""The artifact store under a storm, under kill -9, under damage, cold and warm; see README.md."""

import contextlib
import json
import multiprocessing
import random
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

HERE = Path(__file__).resolve()
sys.path[:0] = [
    str(HERE.parents[1]),
    str(HERE.parents[2]),
    str(HERE.parents[2] / "tests" / "support"),
]

import jobs
from reporting import bar

PLACES = ("ceph", "moto", "local")
WRITERS, ROUNDS, READERS, READS, PAUSE, LONGEST = 32, 20, 8, 10_000, 2.0, 300
KILLS = 50
DAMAGED = 1_000
LOADS = 25


def small_classifier():
    import prodcat
    from prodcat.demo.quick_commerce import generate

    rows = [{"title": row.title, "path": list(row.path)} for row in generate(150, "tr")]
    model = prodcat.ModelConfig(encoder=None)
    return prodcat.fit(prodcat.read_catalog(rows), model=model, progress=False)


def numbered(classifier, number):
    """A classifier that says by its weights which one it is."""
    import torch

    from prodcat.decisions.calibration import Weights

    own = classifier.weights
    evidence = torch.tensor([1.0, 1.0 + number])
    weights = Weights(evidence, own.levels, own.sharpness)
    return replace(classifier, reader=replace(classifier.reader, weights=weights))


@contextlib.contextmanager
def place_of(name, folder):
    """URI and options of an empty store, on a server that runs as long as it is used."""
    import servers

    if name == "local":
        yield str(folder / "models"), None, None
        return
    with servers.moto() if name == "moto" else servers.ceph(folder / "c") as server:
        yield f"s3://{server.bucket()}/models", server.options, server


def store_of(place, cache=None):
    import prodcat

    return prodcat.Store(place[0], storage_options=place[1], cache=cache, patience=120)


# -- the storm ----------------------------------------------------------------


def write_rounds(number, place, barrier, over, results, classifier):
    import prodcat

    store, said, turn = store_of(place), [], -1
    rng = random.Random(number)
    while True:
        turn += 1
        time.sleep(rng.uniform(0, PAUSE))
        barrier.wait(900)
        if over.value:
            break
        try:
            version = store.publish(
                numbered(classifier, 1 + turn * WRITERS + number), "tr", note=str(
                    1 + turn * WRITERS + number)
            )  # fmt: skip
        except Exception as error:
            said.append((turn, "publish", repr(error)))
            version = None
        barrier.wait(900)
        if version is None:
            continue
        try:
            said.append((turn, "won", (store.promote("tr", version, "best").number, version)))
        except prodcat.ConflictError:
            said.append((turn, "lost", None))
        except Exception as error:
            said.append((turn, "error", repr(error)))
    results.put((number, turn, said))


def read_on(seed, place, read, over, results, folder):
    """Load whole versions, each verified, as long as the storm lasts."""
    import numpy as np
    import torch

    from prodcat.classifier.opening import rebuild
    from prodcat.storage.cache import Cache

    device, reads, wrong, seen = torch.device("cpu"), 0, [], set()
    store = store_of(place, Cache(folder / f"cache{seed}", max_bytes=200 << 20))
    while not over.value:
        try:
            version, artifact = store.open("tr@best" if reads % 4 else "tr@latest")
            found = rebuild(artifact, device)
            number = int(artifact.manifest["note"])
            if not np.allclose(found.weights.evidence[1], 1.0 + number):
                wrong.append(f"{version} holds another model")
            seen.add(version)
        except Exception as error:
            wrong.append(repr(error)[:300])
        reads += 1
        with read.get_lock():
            read.value += 1
    results.put((reads, wrong[:20], len(seen)))


def storm(name, options):
    classifier = small_classifier()
    context = multiprocessing.get_context("fork")
    folder = Path(tempfile.mkdtemp(prefix="storm"))
    began = time.time()
    try:
        with place_of(name, folder) as place:
            place = place[:2]
            read, over, turns = context.Value("q", 0), context.Value("b", 0), context.Value("q", 0)

            def next_round():
                """Called by one of the processes while all others wait: one decision for all."""
                turns.value += 1
                # Two waits a round; the decision is made at the first of them.
                enough = read.value >= READS or time.time() - began > LONGEST
                if turns.value % 2 and turns.value > 2 * ROUNDS and enough:
                    over.value = 1

            barrier = context.Barrier(WRITERS, next_round)
            wrote, readings = context.Queue(), context.Queue()
            first = context.Process(target=_first, args=(place, classifier))
            first.start()
            first.join()
            writers = [
                context.Process(
                    target=write_rounds, args=(n, place, barrier, over, wrote, classifier)
                )
                for n in range(WRITERS)
            ]
            readers = [
                context.Process(target=read_on, args=(n, place, read, over, readings, folder))
                for n in range(READERS)
            ]
            for process in (*readers, *writers):
                process.start()
            told = [wrote.get() for _ in writers]
            said = {number: own for number, _, own in told}
            rounds = min(turn for _, turn, _ in told)
            reads = [readings.get() for _ in readers]
            for process in (*readers, *writers):
                process.join()
            check = context.Queue()
            last = context.Process(target=_log, args=(place, check))
            last.start()
            log, versions, whole = check.get()
            last.join()
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    entries = [entry for own in said.values() for entry in own]
    won = [entry[2] for entry in entries if entry[1] == "won"]
    row = {
        "job": "storm",
        "place": name,
        "published": versions,
        "whole": whole,
        "events": len(log),
        "won": len(won),
        "lost": sum(entry[1] == "lost" for entry in entries),
        # The first event is that of the start.
        "one_winner": sorted(map(tuple, won)) == sorted(map(tuple, log[1:])),
        "errors": [entry[2] for entry in entries if entry[1] in ("publish", "error")],
        "reads": sum(own[0] for own in reads),
        "bad_reads": [text for own in reads for text in own[1]],
        "versions_read": sum(own[2] for own in reads),
        "rounds": rounds,
        "seconds": round(time.time() - began),
    }
    save(options, f"storm/{name}", row)


def _first(place, classifier):
    store_of(place).publish(numbered(classifier, 0), "tr", alias="best", note="0")


def _log(place, answer):
    store = store_of(place)
    events = [(event.number, event.version) for event in store.history("tr", "best")]
    versions = store.list("tr")
    folder = Path(tempfile.mkdtemp())
    reader = store_of(place, folder)
    whole = sum(
        bool(reader.open(own.reference)) for own in versions[:: max(len(versions) // 60, 1)]
    )
    shutil.rmtree(folder)
    answer.put((events, len(versions), whole))


# -- kill -9 ------------------------------------------------------------------


def _publish(place, classifier, number):
    store_of(place).publish(numbered(classifier, number), "tr", note=str(number))


def _inspect(place, classifier, answer, number):
    folder = Path(tempfile.mkdtemp())
    store = store_of(place, folder)
    listed = store.list()
    whole = 0
    for own in listed:
        found = store.load(own.reference, device="cpu")
        whole += abs(float(found.weights.evidence[1]) - 1 - int(own.note)) < 1e-6
    before = len(store._objects.walk(""))
    store.prune(1, unfinished_after=0)
    left = len(store._objects.walk(""))
    again = store.publish(numbered(classifier, 10_000 + number), "tr", note=str(10_000 + number))
    fine = store.load(f"tr@{again}", device="cpu").origin == f"tr@{again}"
    wanted = sum(len(own.files) + 1 for own in store.list()) + 1
    stray = len(store._objects.walk("")) - wanted
    shutil.rmtree(folder)
    answer.put((len(listed), whole, before, left, fine, stray))


def kills(name, options):
    classifier = small_classifier()
    context = multiprocessing.get_context("fork")
    rng = random.Random(0)
    folder = Path(tempfile.mkdtemp(prefix="kills"))
    rows = []
    try:
        with place_of(name, folder) as place:
            place = place[:2]
            took = []
            for number in range(3):
                began = time.time()
                process = context.Process(target=_publish, args=(place, classifier, number))
                process.start()
                process.join()
                took.append(time.time() - began)
            for number in range(KILLS):
                process = context.Process(target=_publish, args=(place, classifier, 100 + number))
                process.start()
                time.sleep(rng.uniform(0.0, min(took)))
                running = process.is_alive()
                process.kill()
                process.join()
                answer = context.Queue()
                check = context.Process(target=_inspect, args=(place, classifier, answer, number))
                check.start()
                rows.append((running, *answer.get()))
                check.join()
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    row = {
        "job": "kill",
        "place": name,
        "kills": len(rows),
        "while_publishing": sum(own[0] for own in rows),
        "left_something": sum(own[4] < own[3] for own in rows),
        "only_whole_listed": sum(own[1] == own[2] for own in rows),
        "next_publish_succeeds": sum(own[5] for own in rows),
        "strays_after_prune": sum(own[6] for own in rows),
    }
    save(options, f"kill/{name}", row)


# -- damage -------------------------------------------------------------------


def _damage(kind, number, good, target, archives, good_archive):
    """One damaged artifact; what it is called, and what to load."""
    import hostile

    rng = random.Random(number)
    if kind == "archive":
        name = sorted(archives)[number % len(archives)]
        path = target / "model.tar.gz"
        content = bytearray(archives[name])
        if number >= len(archives) and content:  # and then bits of a good archive too
            content = bytearray(good_archive)
            for _ in range(rng.randint(1, 4)):
                content[rng.randrange(len(content))] ^= 1 << rng.randrange(8)
            name = "flipped"
        path.write_bytes(content)
        return f"archive: {name}", path
    folder = target / "model"
    shutil.copytree(good, folder)
    if kind == "vouched":
        name = sorted(hostile.HARM)[number % len(hostile.HARM)]
        hostile.HARM[name](folder)
        hostile.vouch(folder)
        return f"vouched: {name}", folder
    if kind == "manifest":
        name = sorted(hostile.MANIFEST_HARM)[number % len(hostile.MANIFEST_HARM)]
        hostile.MANIFEST_HARM[name](folder)
        return f"manifest: {name}", folder
    names = sorted(path.name for path in folder.iterdir())
    name, other = rng.choice(names), rng.choice(names)
    content = bytearray((folder / name).read_bytes())
    if kind == "flip":
        for _ in range(rng.randint(1, 8)):
            content[rng.randrange(len(content))] ^= 1 << rng.randrange(8)
    elif kind == "cut":
        del content[rng.randrange(len(content)) :]
    elif other != name:
        content = bytearray((folder / other).read_bytes())
    else:
        content.reverse()
    (folder / name).write_bytes(content)
    return f"{kind}: {name}", folder


def _load_alone(path, answer):
    """What comes of loading it, in a process of its own, with its peak of memory."""
    import prodcat

    try:
        prodcat.load(str(path), device="cpu")
        outcome = "loaded"
    except prodcat.ProdcatError as error:
        outcome = f"refused: {type(error).__name__}"
    except BaseException as error:
        outcome = f"{type(error).__name__}: {str(error)[:200]}"
    peak = next(
        int(line.split()[1]) / 1024
        for line in Path("/proc/self/status").read_text().splitlines()
        if line.startswith("VmHWM")
    )
    answer.put((outcome, peak))


def damage(options):
    import hostile
    import torch

    import prodcat
    from prodcat.demo.quick_commerce import generate
    from prodcat.demo.scratch import write_scratch_encoder

    torch.set_num_threads(1)
    context = multiprocessing.get_context("fork")
    room = Path(tempfile.mkdtemp(prefix="damage"))
    try:
        rows = generate(300, "tr")
        made = write_scratch_encoder(
            [row.title for row in rows], room / "encoder", vocabulary=1_500, hidden=32, layers=2
        )
        catalog = prodcat.read_catalog(
            [{"title": row.title, "path": list(row.path)} for row in rows]
        )
        classifier = prodcat.fit(
            catalog,
            model=prodcat.ModelConfig(encoder=str(made), belief_width=8),
            training=prodcat.TrainingConfig(epochs=0),
            device="cpu",
            progress=False,
        )
        good = room / "good"
        classifier.save(str(good))
        files = {path.name: path.read_bytes() for path in good.iterdir()}
        archives = hostile.archives(files)
        # Large ones are written once: what this process holds, its children's peaks begin with.
        from prodcat.storage.archive import pack

        good_archive = pack(files)

        def outcome_of(path):
            answer = context.Queue()
            child = context.Process(target=_load_alone, args=(path, answer))
            child.start()
            found = None
            with contextlib.suppress(Exception):
                found = answer.get(timeout=120)
            child.join(10)
            if child.exitcode != 0 or found is None:
                return f"crashed ({child.exitcode})", 0.0
            return found

        base = max(outcome_of(good)[1] for _ in range(5))
        (room / "good.tar.gz").write_bytes(good_archive)
        base_archive = max(outcome_of(room / "good.tar.gz")[1] for _ in range(5))
        kinds = ["flip"] * 5 + ["cut"] * 4 + ["swap"] * 3 + ["vouched"] * 4 + ["manifest"] * 2
        kinds += ["archive"] * 2
        counts = dict.fromkeys(kinds, 0)
        cases = []
        (room / "sandbox").mkdir()
        for number in range(DAMAGED):
            kind = kinds[number % len(kinds)]
            target = room / "sandbox" / str(number)
            target.mkdir()
            name, path = _damage(kind, counts[kind], good, target, archives, good_archive)
            counts[kind] += 1
            before = _tree(room)
            outcome, peak = outcome_of(path)
            cases.append(
                {
                    "name": name,
                    "outcome": outcome,
                    "more_memory": peak - (base_archive if kind == "archive" else base),
                    "wrote": sorted(_tree(room) ^ before),
                }
            )
            shutil.rmtree(target)
            if number % 100 == 99:
                print(number + 1, flush=True)
    finally:
        shutil.rmtree(room, ignore_errors=True)
    refused = [own for own in cases if own["outcome"].startswith("refused")]
    worst = max(cases, key=lambda own: own["more_memory"])
    row = {
        "job": "damage",
        "cases": len(cases),
        "refused": len(refused),
        "not_refused": [own for own in cases if own not in refused][:20],
        "crashed": sum(own["outcome"].startswith("crashed") for own in cases),
        "wrote": sum(bool(own["wrote"]) for own in cases),
        "most_memory_mb": round(worst["more_memory"], 1),
        "most_memory_case": worst["name"],
        "good_load_mb": round(base, 1),
        "kinds": {kind: sum(own["name"].startswith(kind) for own in cases) for kind in counts},
    }
    save(options, "damage", row)


def _tree(folder):
    return {(str(path), path.stat().st_size) for path in folder.rglob("*") if path.is_file()} | {
        (str(path), 0) for path in Path("/tmp").glob("evil*")
    }


# -- cold and warm ------------------------------------------------------------

_START = """
import json, sys, time, prodcat
uri, cache, options = sys.argv[1], sys.argv[2], json.loads(sys.argv[3])
began = time.perf_counter()
found = prodcat.load(uri, device="cpu", cache=cache, storage_options=options)
print(json.dumps([found.origin, time.perf_counter() - began]))
"""


def encoder_classifier(options):
    """A classifier around the encoder as it is, its vocabulary whole."""
    import prodcat
    from prodcat.demo.quick_commerce import generate

    rows = [{"title": row.title, "path": list(row.path)} for row in generate(600, "tr")]
    return prodcat.fit(
        prodcat.read_catalog(rows),
        model=prodcat.ModelConfig(encoder=str(options.encoder)),
        training=prodcat.TrainingConfig(epochs=0),
        progress=False,
    )


def starts(options):
    import servers

    folder = Path(tempfile.mkdtemp(prefix="starts"))
    rows = []
    try:
        classifier = encoder_classifier(options)
        with place_of("ceph", folder) as (uri, _, server):
            proxy = servers.FaultProxy(server)
            place = uri, proxy.s3.options
            version = store_of(place, folder / "own").publish(classifier, "tr", alias="production")
            size = store_of(place, folder / "own").show("tr@production").bytes
            cache = folder / "cache"

            def start(reference, processes):
                proxy.reset_counts()
                command = [sys.executable, "-c", _START, f"{uri}/tr@{reference}", str(cache)]
                command.append(json.dumps(place[1]))
                running = [
                    subprocess.Popen(command, stdout=subprocess.PIPE, cwd=HERE.parents[2])
                    for _ in range(processes)
                ]
                answers = [json.loads(own.communicate()[0]) for own in running]
                assert all(answer[0] == f"tr@{version}" for answer in answers)
                rows.append(
                    {
                        "job": "start",
                        "what": f"{processes} of {reference if reference != version else 'pinned'}",
                        "cold": len(rows) == 0,
                        "times_downloaded": round(proxy.bytes_sent / size, 4),
                        "connections": proxy.connections,
                        "requests": len(proxy.requests),
                        "seconds": round(max(answer[1] for answer in answers), 2),
                    }
                )

            start("production", 8)
            start(version, 8)
            start("production", 1)
            start(version, 1)
            proxy.close()
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    save(options, "starts", rows)


def loading(options):
    """In one process, in turns: the warm artifact, and the same weights by transformers."""
    import statistics

    import servers
    import torch
    from transformers import AutoModel, AutoTokenizer
    from transformers.utils import logging

    import prodcat

    logging.disable_progress_bar()
    logging.set_verbosity_error()
    folder = Path(tempfile.mkdtemp(prefix="loading"))
    try:
        classifier = encoder_classifier(options)
        from prodcat.demo.quick_commerce import generate

        titles = [row.title for row in generate(5_000, "tr")]
        trimmed, _ = classifier.trimmed(titles)
        with servers.moto() as server:
            place = f"s3://{server.bucket()}/m", server.options
            store = store_of(place, folder / "cache")
            whole = store.publish(classifier, "whole")
            small = store.publish(trimmed, "trimmed")
            prodcat.trim_encoder(str(options.encoder), str(folder / "small"), texts=titles)
            encoder, small_encoder = str(options.encoder), str(folder / "small")
            calls = {
                "prodcat, whole vocabulary": lambda: store.load(f"whole@{whole}", device="cpu"),
                "AutoModel, whole vocabulary": lambda: AutoModel.from_pretrained(encoder),
                "AutoTokenizer, whole vocabulary": lambda: AutoTokenizer.from_pretrained(encoder),
                "prodcat, trimmed": lambda: store.load(f"trimmed@{small}", device="cpu"),
                "AutoModel, trimmed": lambda: AutoModel.from_pretrained(small_encoder),
                "AutoTokenizer, trimmed": lambda: AutoTokenizer.from_pretrained(small_encoder),
            }
            same = torch.equal(
                calls["prodcat, whole vocabulary"]().network.encoder.word_embeddings.weight,
                calls["AutoModel, whole vocabulary"]().get_input_embeddings().weight,
            )
            for call in calls.values():
                call()
            seconds = {name: [] for name in calls}
            for _ in range(LOADS):
                for name, call in calls.items():
                    began = time.perf_counter()
                    call()
                    seconds[name].append(time.perf_counter() - began)
        rows = [
            {
                "job": "loading",
                "what": name,
                "ms": round(1_000 * statistics.median(own), 1),
                "least_ms": round(1_000 * min(own), 1),
                "same_weights": bool(same),
            }
            for name, own in seconds.items()
        ]
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    save(options, "loading", rows)


# -- all of it ----------------------------------------------------------------


def save(options, name, rows):
    jobs.result_of(name, options.work).write_text(json.dumps(rows, indent=1) + "\n")


def job(name, options):
    sys.path.insert(0, str(HERE.parents[2]))
    kind, _, rest = name.partition("/")
    if rest:
        {"storm": storm, "kill": kills}[kind](rest, options)
    else:
        {"damage": damage, "starts": starts, "loading": loading}[kind](options)


NAMES = [
    "loading",
    "starts",
    "damage",
    *(f"kill/{name}" for name in PLACES),
    *(f"storm/{name}" for name in PLACES),
]


def assemble(work):
    rows = []
    for name in NAMES:
        path = jobs.result_of(name, work)
        if path.exists():
            found = json.loads(path.read_text())
            rows += found if isinstance(found, list) else [found]
    bars = []
    reads = sum(row["reads"] for row in rows if row["job"] == "storm")
    for row in rows:
        if row["job"] == "storm":
            what = f"{row['place']}: {WRITERS} processes, {row['rounds']} rounds"
            bars.append(
                bar(
                    f"{what}: one winner for each alias event",
                    f"{row['events'] - 1} events, {row['won']} winners, {row['lost']} lost, "
                    f"{len(row['errors'])} errors",
                    "exactly one",
                    row["one_winner"] and not row["errors"]
                    and row["published"] == WRITERS * row["rounds"] + 1,
                )
            )  # fmt: skip
            bars.append(
                bar(
                    f"{what}: corrupt loads",
                    f"{len(row['bad_reads'])} in {row['reads']:,} reads",
                    "0 in 10,000, over all places",
                    not row["bad_reads"] and reads >= READS,
                )
            )
        if row["job"] == "kill":
            same = (row["kills"], row["only_whole_listed"], row["next_publish_succeeds"])
            bars.append(
                bar(
                    f"{row['place']}: kill -9 of the publisher: only whole versions, next publish",
                    f"{same[1]} and {same[2]} of {same[0]} ({row['while_publishing']} hit it "
                    f"publishing; {row['strays_after_prune']} objects left after prune)",
                    f"all of {KILLS}",
                    same == (KILLS,) * 3 and not row["strays_after_prune"],
                )
            )
        if row["job"] == "damage":
            fine = row["refused"] == row["cases"] and not row["crashed"] and not row["wrote"]
            bars.append(
                bar(
                    "damaged artifacts refused with prodcat's own errors",
                    f"{row['refused']} of {row['cases']:,}; {row['crashed']} crashed, "
                    f"{row['wrote']} wrote anything",
                    "all of 1,000",
                    fine and row["cases"] >= DAMAGED,
                )
            )
            bars.append(
                bar(
                    "their peak of memory over a good load's",
                    f"{row['most_memory_mb']} MB ({row['most_memory_case']})",
                    "at most 100 MB",
                    row["most_memory_mb"] <= 100,
                )
            )
    found = {row["what"]: row for row in rows if row["job"] in ("start", "loading")}
    if "8 of production" in found:
        row = found["8 of production"]
        times = row["times_downloaded"]
        bars.append(
            bar("cold start of 8 processes", f"downloaded {times} times", "once", times < 1.01)
        )
        for what, most in (("1 of pinned", 0), ("8 of pinned", 0), ("1 of production", 1)):
            row = found[what]
            bars.append(
                bar(
                    f"warm start, {what}: connections",
                    row["connections"],
                    str(most),
                    row["connections"] == most,
                )
            )
    if "prodcat, trimmed" in found:
        for kind in ("whole vocabulary", "trimmed"):
            own, model, tokenizer = (
                found[f"{name}, {kind}"]["ms"] for name in ("prodcat", "AutoModel", "AutoTokenizer")
            )
            bars.append(
                bar(
                    f"{kind}: load of the whole classifier, against AutoModel and AutoTokenizer",
                    f"{own} ms against {model + tokenizer:.1f} ms",
                    "not slower",
                    own <= model + tokenizer,
                )
            )
            bars.append(
                bar(
                    f"{kind}: against AutoModel alone, which has no tokenizer, tree or heads",
                    f"{own} ms against {model} ms",
                    "not slower",
                    own <= model,
                )
            )
    return {"rows": rows, "bars": bars}


def table(rows):
    lines = []
    if any(row["job"] == "storm" for row in rows):
        lines += [
            "| storm on | rounds | published | events | winners | losers | reads | bad | seconds |",
            "|---|---|---|---|---|---|---|---|---|",
        ]
        lines += [
            f"| {row['place']} | {row['rounds']} | {row['published']} | {row['events'] - 1} | "
            f"{row['won']} | {row['lost']} | {row['reads']:,} | {len(row['bad_reads'])} | "
            f"{row['seconds']} |"
            for row in rows
            if row["job"] == "storm"
        ]
    lines += [
        "",
        "| kill -9 on | kills | hit it publishing | left something | only whole listed | "
        "next publish fine |",
        "|---|---|---|---|---|---|",
    ]
    lines += [
        f"| {row['place']} | {row['kills']} | {row['while_publishing']} | "
        f"{row['left_something']} | {row['only_whole_listed']} | {row['next_publish_succeeds']} |"
        for row in rows
        if row["job"] == "kill"
    ]
    lines += ["", "| start | downloaded, times | connections | requests | load, s |"]
    lines += ["|---|---|---|---|---|"]
    lines += [
        f"| {row['what']}{' (cold)' if row['cold'] else ''} | {row['times_downloaded']} | "
        f"{row['connections']} | {row['requests']} | {row['seconds']} |"
        for row in rows
        if row["job"] == "start"
    ]
    lines += ["", "| load | median, ms | least, ms |", "|---|---|---|"]
    lines += [
        f"| {row['what']} | {row['ms']} | {row['least_ms']} |"
        for row in rows
        if row["job"] == "loading"
    ]
    return "\n".join(lines).strip()


if __name__ == "__main__":
    resource.setrlimit(resource.RLIMIT_NOFILE, (4096, 4096))
    jobs.main(HERE, NAMES, job, assemble, table, alone=NAMES, data=False)
