"""How long training takes, and what it is worth; see README.md here.

    python benchmarks/training/run.py --data DIR            # everything; writes results.json
    python benchmarks/training/run.py --data DIR --job race/food-terms

One job at a time, on all cores; a job that is there already is not run again.
"""

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent))

from frozen_sets import chain, read
from jobs import main, result_of
from race import Runner, race
from reporting import bar

THREADS = os.cpu_count() or 1
SETS = ("food-terms", "shop-titles-en")
# Of the rates tried for the tuned Trainer, in pilots on the same sets, the best.
PILOTS = {
    "shop-titles-en": {"1e-4": 0.288, "2e-4": 0.487, "4e-4": 0.549, "8e-4": 0.068},
    "food-terms": {"1e-4": 0.252, "2e-4": 0.099, "4e-4": 0.099},
}
EPOCHS = {"food-terms": 5, "shop-titles-en": 6}
NAMES = {
    "default": "(a) Trainer, defaults",
    "tuned": "(b) Trainer, tuned",
    "prodcat": "(c) prodcat",
    "prodcat-encoder": "(c') prodcat, encoder alone",
}


def jobs() -> list[str]:
    return [
        *(f"race/{name}" for name in SETS),
        *(f"unpadded/{name}" for name in SETS),
        "throughput",
        "flops",
        "flops-without-amx",
        "trim",
        "warm",
        "countries",
        "resume",
    ]


def child(*more: str) -> list[str]:
    return [sys.executable, str(HERE / "run.py"), *more]


def trainer(options, name: str, recipe: str, *more: str) -> list[str]:
    return [
        sys.executable, str(HERE / "trainer.py"), "--data", str(options.data), "--set", name,
        "--encoder", str(options.encoder), "--recipe", recipe,
        "--work", str(options.work / f"trainer-{name}-{recipe}"), *more,
    ]  # fmt: skip


# -- prodcat, timed ----------------------------------------------------------------


def say(event: str, **values) -> None:
    print(json.dumps({"event": event, "clock": time.monotonic(), **values}), flush=True)


def path_accuracy(model, test, precision="bfloat16") -> float:
    """Of all test titles; a label that the model's tree lacks is never right."""
    return float(right_answers(model, test, precision).mean())


def right_answers(model, test, precision="bfloat16"):
    answers = [best[0] for best in model.predict(list(test.titles), precision=precision)]
    tree = model.taxonomy
    right = [
        chain(tree, tree.node(own.node_id)) == chain(test.tree, target) if own.node_id else False
        for own, target in zip(answers, test.targets.tolist(), strict=True)
    ]
    return np.array(right)


def fit(options, train, validation, *, model=None, settings=None, **rest):
    import prodcat

    if "warm_start" not in rest:
        model = {"encoder": str(options.encoder), **(model or {})}
        rest["model"] = prodcat.ModelConfig(**model)
    return prodcat.fit(
        train, validation=validation, training=prodcat.TrainingConfig(**(settings or {})),
        progress=False, **rest,
    )  # fmt: skip


def run_timed(options, name: str, system: str, seed: int) -> None:
    """One training of prodcat that says what happens when; imports and reading do not count."""
    from trainer import sets

    import prodcat.training.fitting  # noqa: F401, its imports are not part of the time

    train, validation, test = sets(options.data, name)
    encoder_alone = system != "prodcat"
    settings = {"seed": seed}
    if test is None:
        settings |= {"epochs": 1, "closed_form": False}
    say("ready", titles=len(set(train.titles)))
    say("begin")
    model = fit(
        options, train, validation, model={"lexical": not encoder_alone}, settings=settings,
        listener=lambda own: say("epoch", **{**own.to_dict(), "accuracy": own.path_accuracy}),
    )  # fmt: skip
    say("end")
    say("judged", part="validation", accuracy=path_accuracy(model, validation))
    if test is not None:
        say("judged", part="test", accuracy=path_accuracy(model, test))
        if seed == 0:
            model.save(str(options.work / f"{name}-{system}"))


# -- the race ----------------------------------------------------------------------


def run_race(options, name: str) -> dict:
    rates = PILOTS[name]
    best = max(rates, key=rates.get)
    timed = [
        Runner(f"{system}/{seed}", child("--data", str(options.data), "--work", str(options.work),
               "--job", f"timed/{name}/{system}/{seed}"))
        for system, seed in (("prodcat", 0), ("prodcat-encoder", 0))
    ]  # fmt: skip
    tuned = Runner("tuned", trainer(options, name, "tuned", "--rate", best,
                                    "--epochs", str(EPOCHS[name])))  # fmt: skip
    default = Runner("default", trainer(options, name, "default"), most=100.0)
    race([[tuned], timed, [default]], dict(os.environ))
    return {own.name: own.told() for own in (tuned, *timed, default)}


def seconds_of(events: list[dict], event: str, **wanted) -> float:
    for own in events:
        if own["event"] == event and all(own.get(k) == v for k, v in wanted.items()):
            return own["active"]
    return float("nan")


def race_rows(name: str, told: dict[str, list[dict]]) -> list[dict]:
    rows = []

    def last(events, event):
        return [own for own in events if own["event"] == event][-1]

    def accuracy(events, part):
        return next((o["accuracy"] for o in events
                     if o["event"] == "judged" and o["part"] == part), None)  # fmt: skip

    tuned = told["tuned"]
    epochs = [own for own in tuned if own["event"] == "epoch"]
    # The evaluations after the end of the training are no epochs.
    end = seconds_of(tuned, "end")
    epochs = [own for own in epochs if own["active"] <= end]
    target = max(own["accuracy"] for own in epochs)
    begin = seconds_of(tuned, "begin")
    reached = next(own["active"] - begin for own in epochs if own["accuracy"] >= target)
    ready = next(own for own in tuned if own["event"] == "ready")
    steps = last(tuned, "step")
    per_epoch = epochs[0]["active"] - begin
    rows.append(
        {
            "set": name, "system": "tuned", "seed": 0, "target": target,
            "seconds_to_target": reached, "seconds": end - begin, "validation": target,
            "test": accuracy(tuned, "test"), "epochs": len(epochs),
            "titles_per_second": ready["titles"] / per_epoch,
            "tokens_per_second": ready["tokens"] / per_epoch,
            "steps": steps["step"], "epoch_accuracies": [own["accuracy"] for own in epochs],
        }
    )  # fmt: skip
    default = told["default"]
    steps = [own for own in default if own["event"] == "step"]
    ready = next(own for own in default if own["event"] == "ready")
    begun = next(own for own in default if own["event"] == "begin")
    whole = begun["steps"] * (steps[-1]["active"] - steps[0]["active"]) / (len(steps) - 1)
    rows.append(
        {
            "set": name, "system": "default", "seed": 0, "target": target,
            "seconds_to_target": None, "seconds": whole, "epochs": 3,
            "titles_per_second": 3 * ready["titles"] / whole,
            "tokens_per_second": 3 * ready["tokens"] / whole,
            "padded_share": 1 - ready["tokens"] / (128 * ready["titles"]),
            "measured_steps": len(steps), "steps": begun["steps"],
        }
    )  # fmt: skip
    for runner, events in told.items():
        if not runner.startswith("prodcat"):
            continue
        system, seed = runner.split("/")
        begin = seconds_of(events, "begin")
        own = [e for e in events if e["event"] == "epoch"]
        hit = next((e["active"] - begin for e in own if e["accuracy"] >= target), None)
        learned = [e for e in own if e["epoch"] > 0]
        # By the seconds of its own turns, validation included, as for the others.
        rate = len(learned) * ready["titles"] / (own[-1]["active"] - own[0]["active"])
        rows.append(
            {
                "set": name, "system": system, "seed": int(seed), "target": target,
                "seconds_to_target": hit, "seconds": seconds_of(events, "end") - begin,
                "validation": accuracy(events, "validation"), "test": accuracy(events, "test"),
                "epochs": len(learned),
                "epoch_accuracies": [e["accuracy"] for e in own],
                "epoch_seconds": [e["active"] - begin for e in own],
                "titles_per_second": rate,
                "tokens_per_second": rate * ready["tokens"] / ready["titles"],
                "padded_share": learned[-1]["padded_share"],
            }
        )  # fmt: skip
    return rows


def run_unpadded(options, name: str) -> dict:
    """The accuracy that (a) ends with; padding is masked out, so the seconds do not count."""
    done = subprocess.run(trainer(options, name, "unpadded"), capture_output=True, text=True)
    events = [json.loads(line) for line in done.stdout.splitlines() if line.startswith('{"event"')]
    return {
        "epochs": [own["accuracy"] for own in events if own["event"] == "epoch"][:3],
        **{own["part"]: own["accuracy"] for own in events if own["event"] == "judged"},
    }


def run_throughput(options) -> dict:
    name = "parallel-synthetic"
    lanes = [
        Runner("default", trainer(options, name, "default"), most=60.0),
        Runner("tuned", trainer(options, name, "tuned", "--epochs", "1"), most=80.0),
        Runner("prodcat-encoder/0", child("--data", str(options.data), "--work",
               str(options.work), "--job", f"timed/{name}/prodcat-encoder/0")),
    ]  # fmt: skip
    race([[own] for own in lanes], dict(os.environ))
    found, mean = {}, float("nan")
    for own in lanes:
        events = own.told()
        if own.name.startswith("prodcat"):
            epochs = [e for e in events if e["event"] == "epoch"]
            titles = next(e for e in events if e["event"] == "ready")["titles"]
            rate = titles / (epochs[-1]["active"] - epochs[0]["active"])
            found[own.name] = {"titles_per_second": rate, "tokens_per_second": rate * mean,
                               "padded_share": epochs[-1]["padded_share"]}  # fmt: skip
            continue
        steps = [e for e in events if e["event"] == "step"]
        ready = next(e for e in events if e["event"] == "ready")
        mean = ready["tokens"] / ready["titles"]
        rate = (len(steps) - 1) / (steps[-1]["active"] - steps[0]["active"])
        found[own.name] = {"titles_per_second": 32 * rate, "tokens_per_second": 32 * rate * mean}
    return found


# -- useful FLOP/s -----------------------------------------------------------------


def peak() -> float:
    """bfloat16 matrix products of this machine, FLOP/s: the best of a few large ones."""
    import torch

    best = 0.0
    for size in (1024, 2048, 4096):
        a, b = (torch.randn(size, size).bfloat16() for _ in range(2))
        for _ in range(8):
            began = time.perf_counter()
            a @ b
            best = max(best, 2 * size**3 / (time.perf_counter() - began))
    return best


def run_flops(options, without_amx: bool) -> dict:
    """Useful work of an epoch: what its own tokens need, by the time that all of it takes."""
    if without_amx and os.environ.get("ONEDNN_MAX_CPU_ISA") != "AVX512_CORE_BF16":
        environment = {**os.environ, "ONEDNN_MAX_CPU_ISA": "AVX512_CORE_BF16"}
        subprocess.run([sys.executable, *sys.argv], env=environment, check=True)
        return json.loads(result_of("flops-without-amx", options.work).read_text())
    import torch

    from prodcat import ModelConfig, TrainingConfig, training
    from prodcat.model.batches import padded_share, plan_batches
    from prodcat.model.network import Network
    from prodcat.model.pretrained import load_encoder
    from prodcat.model.tokenization import tokenize

    torch.set_num_threads(THREADS)
    train, _, _ = read(options.data, "shop-titles-en", "all")
    rows = np.random.default_rng(0).permutation(len(train))[: 1000 if without_amx else 2500]
    rounds, found = 2, []
    variants = {
        "all layers": {"frozen_layers": 0.0, "token_budget": 2048},
        "all layers, larger batches": {"frozen_layers": 0.0, "token_budget": 4096},
        "upper half, defaults": {},
        "fused attention, dropout": {"frozen_layers": 0.0, "token_budget": 512,
                                     "encoder_dropout": 0.1},
    }  # fmt: skip
    texts = [train.inputs[row] for row in rows]
    peaks = []
    for number in range(rounds):
        for label, given in variants.items():
            encoder, tokenizer = load_encoder(str(options.encoder))
            if label.startswith("fused"):  # a plain bucketed loop: what transformers does itself
                encoder.body.set_attn_implementation("sdpa")
            table = tokenize(tokenizer, texts, ModelConfig().max_tokens)
            config = TrainingConfig(epochs=1, closed_form=False,
                                    precision="bfloat16", seed=number, **given)  # fmt: skip
            network = Network(train.tree, encoder, "stacked", 64, None, 0.1)
            own = training.Rows(table, None, train.targets[rows])
            few = tokenize(tokenizer, texts[:64], ModelConfig().max_tokens)
            few = training.Rows(few, None, train.targets[rows[:64]])
            peaks.append(peak())
            done = training.train(network, train.tree, own, few, config, progress=False)
            last = done.history[-1]
            layers = 6 if config.frozen_layers else 12
            matrices = sum(
                p.numel() for n, p in encoder.body.encoder.layer[0].named_parameters()
                if p.ndim == 2
            )  # fmt: skip
            lengths = table.lengths
            # Forward and backward: six for each weight and token, twelve for the two products of
            # attention, each token with each; padding does no good and does not count.
            work = layers * (
                6 * matrices * lengths.sum() + 12 * encoder.hidden * (lengths**2).sum()
            )
            per_second = work * last.titles_per_second / len(rows)
            plan = plan_batches(lengths, config.token_budget)
            found.append({"variant": label, "round": number, "useful_flops": float(per_second),
                          "titles_per_second": last.titles_per_second,
                          "padded_share": padded_share(lengths, plan)})  # fmt: skip
    top = float(np.median(peaks))
    return {"peak_flops": top, "peaks": peaks, "variants": found}


# -- vocabulary, warm starts, countries, interruptions ------------------------------


def bytes_of(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def run_trim(options) -> dict:
    """The models of the race, cut to the pieces of all eight languages' titles."""
    import prodcat

    texts, languages = [], []
    parts = [(name, part) for name in SETS for part in ("train", "validation")]
    for name, part in [*parts, ("parallel-synthetic", "items")]:
        path = str(options.data / name / f"{part}.jsonl.gz")
        catalog = prodcat.read_catalog(path, path=None, keep=["language"])
        texts += list(catalog.titles)
        languages += list(catalog.columns["language"])
    everything = prodcat.read_catalog(
        {"title": texts, "language": languages}, path=None, language="language"
    )
    rows = []
    for name in SETS:
        _, _, test = read(options.data, name, "all")
        model = prodcat.load(str(options.work / f"{name}-prodcat"), device="cpu")
        whole = options.work / f"{name}-whole"
        model.save(str(whole))  # in the format of today
        small, report = model.trimmed(everything)
        target = options.work / f"{name}-trimmed"
        small.save(str(target))
        rows.append(
            {
                "set": name, "bytes": bytes_of(whole), "trimmed_bytes": bytes_of(target),
                "test": path_accuracy(model, test, "float32"),
                "trimmed_test": path_accuracy(prodcat.load(str(target), device="cpu"), test,
                                              "float32"),
                "report": report.to_dict(),
            }
        )  # fmt: skip
    return {"rows": rows}


def run_warm(options) -> dict:
    """Yesterday's model, one twentieth of the titles new: learn on, or begin again."""
    from prodcat.evaluation.intervals import paired_bootstrap

    rows = []
    for name in SETS:
        train, validation, test = read(options.data, name, "all")
        order = np.random.default_rng(0).permutation(len(train))
        old = train.take(np.sort(order[len(train) // 20 :]))
        base = fit(options, old, validation)
        began = time.perf_counter()
        cold = fit(options, train, validation)
        cold_seconds = time.perf_counter() - began
        began = time.perf_counter()
        warm = fit(options, train, validation, warm_start=base)
        warm_seconds = time.perf_counter() - began
        began = time.perf_counter()
        same = fit(options, train, validation, warm_start=warm)
        unchanged_seconds = time.perf_counter() - began
        rights = {own: right_answers(model, test)
                  for own, model in (("cold", cold), ("warm", warm), ("base", base))}  # fmt: skip
        gain = paired_bootstrap(rights["warm"][:, None], rights["cold"][:, None])
        rows.append(
            {
                "set": name, "new": len(train) - len(old), "cold_seconds": cold_seconds,
                "warm_seconds": warm_seconds,
                **{own: float(right.mean()) for own, right in rights.items()},
                "gain": gain.value, "gain_low": gain.low, "gain_high": gain.high,
                "unchanged_seconds": unchanged_seconds, "unchanged": same is warm,
            }
        )  # fmt: skip
    return {"rows": rows}


def run_countries(options) -> dict:
    """A language that is new, with few titles of its own."""
    language, sizes = "nl", (100, 500, 2_000)
    train, validation, test = read(options.data, "food-terms", "all")
    own = np.array([name == language for name in train.languages])
    judged = validation.take(np.array([name == language for name in validation.languages]))
    unseen = test.take(np.array([name == language for name in test.languages]))
    order = np.random.default_rng(0).permutation(np.flatnonzero(own))
    french = np.flatnonzero([name == "fr" for name in train.languages])
    rest = np.flatnonzero(~own)
    other = fit(options, train.take(french), validation)
    unified = fit(options, train.take(rest), validation)
    rows = [{"titles": 0, "start": start, "test": path_accuracy(model, unseen), "seconds": 0.0}
            for start, model in (("french", other), ("unified", unified))]  # fmt: skip
    for size in sizes:
        some = order[:size]
        for start, titles, more in (
            ("scratch", some, {}),
            ("french", some, {"warm_start": other}),
            ("unified", np.concatenate([rest, some]), {"warm_start": unified}),
        ):
            began = time.perf_counter()
            model = fit(options, train.take(titles), judged, **more)
            rows.append({"titles": size, "start": start, "test": path_accuracy(model, unseen),
                         "seconds": time.perf_counter() - began})  # fmt: skip
    return {"language": language, "rows": rows}


def run_resume(options) -> dict:
    """Killed ten times each way at random, and gone on each time."""
    from prodcat.demo.csv_catalog import write_catalog
    from prodcat.demo.quick_commerce import generate
    from prodcat.demo.scratch import write_scratch_encoder

    home = options.work / "resume"
    shutil.rmtree(home, ignore_errors=True)
    home.mkdir(parents=True)
    made = generate(1_500, "tr")
    catalog = write_catalog(made, home / "catalog.csv")
    encoder = write_scratch_encoder([row.title for row in made], home / "encoder", hidden=64)
    levels = ("department", "category", "subcategory", "type")

    def command(output: str, *more: str) -> list[str]:
        return [
            sys.executable, "-m", "prodcat", "train", str(catalog), "--path", *levels,
            "--encoder", str(encoder), "--output", str(home / output), "--quiet", *more,
            "--checkpoint-steps", "5", "--epochs", "4", "--token-budget", "256",
        ]  # fmt: skip

    environment = {**os.environ, "OMP_NUM_THREADS": str(THREADS)}
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "env": environment}

    def newest(output: str) -> int:
        found = (home / f"kept-{output}").rglob("step-*.safetensors")
        return max((int(path.stem.split("-")[1]) for path in found), default=0)

    def start(output: str) -> subprocess.Popen:
        mine = command(output, "--checkpoints", str(home / f"kept-{output}"))
        return subprocess.Popen(mine, **quiet)

    process, last = start("whole"), 0
    while process.poll() is None:
        last = max(last, newest("whole"))
        time.sleep(0.005)
    expected = (home / "whole" / "model.safetensors").read_bytes()
    rng, rows = random.Random(0), []
    for number in (signal.SIGKILL, signal.SIGTERM):
        for attempt in range(10):
            output = f"{number.name}-{attempt}"
            process, target = start(output), rng.randint(1, last - 5)
            while newest(output) < target and process.poll() is None:
                time.sleep(0.005)
            time.sleep(rng.uniform(0, 0.05))
            process.send_signal(number)
            code, at = process.wait(), newest(output)
            again = start(output).wait()
            same = (home / output / "model.safetensors").read_bytes() == expected
            rows.append({"signal": number.name, "step": target, "steps": last, "code": code,
                         "checkpoint": at, "resumed": again, "same": same})  # fmt: skip
            shutil.rmtree(home / output)
    return {"rows": rows}


# -- the report ---------------------------------------------------------------------


def assemble(work: Path) -> dict:
    def found(name: str):
        path = result_of(name, work)
        return json.loads(path.read_text()) if path.exists() else None

    rows, bars = [], []
    for name in SETS:
        told = found(f"race/{name}")
        if told is None:
            continue
        mine = race_rows(name, told)
        unpadded = found(f"unpadded/{name}")
        by = {}
        for row in mine:
            by.setdefault(row["system"], []).append(row)
        if unpadded is not None:
            row = by["default"][0]
            row["validation"], row["test"] = unpadded["validation"], unpadded["test"]
            if max(unpadded["epochs"]) >= row["target"]:
                first = next(i for i, a in enumerate(unpadded["epochs"]) if a >= row["target"])
                row["seconds_to_target"] = row["seconds"] * (first + 1) / 3
        rows += [{"table": "race", **row} for row in mine]
        worst = max((row["seconds_to_target"] or float("inf")) for row in by["prodcat"])
        tuned, default = by["tuned"][0], by["default"][0]
        slow = default["seconds_to_target"] or default["seconds"]
        note = "" if default["seconds_to_target"] else " (its whole run; it never gets there)"
        bars += [
            bar(f"{name}: seconds to (b)'s accuracy, over (a)'s{note}",
                f"1/{slow / worst:.0f} ({worst:.0f} s of {slow:.0f} s)", "at most 1/25",
                worst <= slow / 25),
            bar(f"{name}: seconds to (b)'s accuracy, over (b)'s",
                f"1/{tuned['seconds_to_target'] / worst:.1f} ({worst:.0f} s of "
                f"{tuned['seconds_to_target']:.0f} s)", "at most 1/3",
                worst <= tuned["seconds_to_target"] / 3),
            bar(f"{name}: final test accuracy, not below (b)",
                f"{np.mean([row['test'] for row in by['prodcat']]):.4f} against "
                f"{tuned['test']:.4f}", "not below",
                min(row["test"] for row in by["prodcat"]) >= tuned["test"]),
        ]  # fmt: skip
    told = found("throughput")
    if told is not None:
        rows += [{"table": "throughput", "system": own, **values} for own, values in told.items()]
    for name, words in (("flops", "this machine's (AMX)"), ("flops-without-amx", "AVX-512 alone")):
        told = found(name)
        if told is None:
            continue
        top = told["peak_flops"]
        by = {}
        for row in told["variants"]:
            by.setdefault(row["variant"], []).append(row)
        for variant, own in by.items():
            useful = float(np.median([row["useful_flops"] for row in own]))
            rows.append(
                {"table": "flops", "peak": words, "peak_flops": top, "variant": variant,
                 "useful_flops": useful, "share": useful / top,
                 "titles_per_second": float(np.median([r["titles_per_second"] for r in own])),
                 "padded_share": own[0]["padded_share"]}
            )  # fmt: skip
        best = max((row for row in rows if row["table"] == "flops" and row["peak"] == words),
                   key=lambda row: row["share"])  # fmt: skip
        bars.append(
            bar(f"useful FLOP/s over the bf16 peak, {words} ({best['variant']})",
                f"{best['share']:.0%} of {top / 1e9:.0f} GFLOP/s", "at least 50 %",
                best["share"] >= 0.5)
        )  # fmt: skip
    shares = [row["padded_share"] for row in rows
              if row.get("system", "").startswith("prodcat") and "padded_share" in row]  # fmt: skip
    if shares:
        bars.append(bar("padded share", f"{max(shares):.1%}", "at most 5 %", max(shares) <= 0.05))
    told = found("trim")
    for row in [] if told is None else told["rows"]:
        rows.append({"table": "trim", **row})
        share, lost = row["trimmed_bytes"] / row["bytes"], row["test"] - row["trimmed_test"]
        name = row["set"]
        bars += [
            bar(f"{name}: trimmed artifact", f"{share:.3f} of {row['bytes'] / 1e6:.0f} MB",
                "at most 1/4", share <= 0.25),
            bar(f"{name}: accuracy lost by the trim", f"{100 * lost:+.2f} points",
                "within 0.1 points", abs(lost) <= 0.001),
        ]  # fmt: skip
    told = found("warm")
    for row in [] if told is None else told["rows"]:
        rows.append({"table": "warm", **row})
        ratio = row["warm_seconds"] / row["cold_seconds"]
        bars += [
            bar(f"{row['set']}: warm start on 5 % new titles",
                f"1/{1 / ratio:.1f} ({row['warm_seconds']:.0f} s of {row['cold_seconds']:.0f} s)",
                "at most 1/5 of the cold time", ratio <= 0.2),
            bar(f"{row['set']}: accuracy of the warm start",
                f"{row['warm']:.4f} against {row['cold']:.4f} cold: {100 * row['gain']:+.2f} "
                f"points [{100 * row['gain_low']:+.2f}, {100 * row['gain_high']:+.2f}]", "no loss",
                row["warm"] >= row["cold"]),
        ]  # fmt: skip
    told = found("countries")
    if told is not None:
        rows += [{"table": "countries", "language": told["language"], **r} for r in told["rows"]]
        bars.append(bar("learning curve of a new language", f"{len(told['rows'])} points",
                        "at 100, 500, 2,000 titles, three starts",
                        {r["titles"] for r in told["rows"]} >= {100, 500, 2000}))  # fmt: skip
    told = found("resume")
    if told is not None:
        rows += [{"table": "resume", **row} for row in told["rows"]]
        for name in ("SIGKILL", "SIGTERM"):
            own = [row for row in told["rows"] if row["signal"] == name]
            hit = [row for row in own if row["code"] != 0]
            bars.append(
                bar(f"{name} at random points, gone on: equal weights",
                    f"{sum(row['same'] for row in own)} of {len(own)} ({len(hit)} hit it running, "
                    f"{sum(row['checkpoint'] > 0 for row in hit)} with a state to go on from)",
                    "10 of 10", len(own) == 10 and all(row["same"] for row in own))
            )  # fmt: skip
    return {"rows": rows, "bars": bars}


def table(rows) -> str:
    def part(name):
        return [row for row in rows if row["table"] == name]

    def number(value, form):
        return "-" if value is None else format(value, form)

    lines = [
        "| set | system | to (b)'s accuracy, s | whole run, s | validation | test | titles/s | "
        "tokens/s | padded |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for row in part("race"):
        lines.append(
            f"| {row['set']} | {NAMES[row['system']]}, seed {row['seed']} | "
            f"{number(row['seconds_to_target'], '.0f')} | {row['seconds']:.0f} | "
            f"{number(row.get('validation'), '.4f')} | {number(row.get('test'), '.4f')} | "
            f"{row['titles_per_second']:.0f} | {row['tokens_per_second']:.0f} | "
            f"{number(row.get('padded_share'), '.1%')} |"
        )
    lines += ["", "50,000 made-up titles, encoder alone, throughput only:", "",
              "| system | titles/s | tokens/s |", "|---|---|---|"]  # fmt: skip
    for row in part("throughput"):
        name = NAMES[row["system"].split("/")[0]]
        lines.append(
            f"| {name} | {row['titles_per_second']:.0f} | {row['tokens_per_second']:.0f} |"
        )
    lines += ["", "| peak | variant | useful GFLOP/s | share of the peak | titles/s | padded |",
              "|---|---|---|---|---|---|"]  # fmt: skip
    for row in part("flops"):
        lines.append(
            f"| {row['peak']}, {row['peak_flops'] / 1e9:.0f} GFLOP/s | {row['variant']} | "
            f"{row['useful_flops'] / 1e9:.0f} | {row['share']:.0%} | "
            f"{row['titles_per_second']:.0f} | {row['padded_share']:.1%} |"
        )
    lines += ["", "| set | artifact, MB | trimmed, MB | test | trimmed |", "|---|---|---|---|---|"]
    for row in part("trim"):
        lines.append(
            f"| {row['set']} | {row['bytes'] / 1e6:.1f} | {row['trimmed_bytes'] / 1e6:.1f} | "
            f"{row['test']:.4f} | {row['trimmed_test']:.4f} |"
        )
    lines += ["", "| set | new titles | cold, s | warm, s | unchanged, s | before | cold | warm |",
              "|---|---|---|---|---|---|---|---|"]  # fmt: skip
    for row in part("warm"):
        lines.append(
            f"| {row['set']} | {row['new']} | {row['cold_seconds']:.0f} | "
            f"{row['warm_seconds']:.0f} | {row['unchanged_seconds']:.1f} | {row['base']:.4f} | "
            f"{row['cold']:.4f} | {row['warm']:.4f} |"
        )
    lines += ["", "| titles of the new language | start | test | seconds |", "|---|---|---|---|"]
    for row in part("countries"):
        lines.append(
            f"| {row['titles']} | {row['start']} | {row['test']:.4f} | {row['seconds']:.0f} |"
        )
    return "\n".join(lines)


def run_any(name: str, options) -> None:
    kind, *rest = name.split("/")
    if kind == "timed":
        run_timed(options, rest[0], rest[1], int(rest[2]))
        return
    found = {
        "race": lambda: run_race(options, rest[0]),
        "unpadded": lambda: run_unpadded(options, rest[0]),
        "throughput": lambda: run_throughput(options),
        "flops": lambda: run_flops(options, False),
        "flops-without-amx": lambda: run_flops(options, True),
        "trim": lambda: run_trim(options),
        "warm": lambda: run_warm(options),
        "countries": lambda: run_countries(options),
        "resume": lambda: run_resume(options),
    }[kind]()
    result_of(name, options.work).write_text(json.dumps(found))


if __name__ == "__main__":
    main(Path(__file__), [], run_any, assemble, table, alone=jobs(), threads=THREADS)
