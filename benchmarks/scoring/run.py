"""Bulk scoring: speed against what people glue together, memory, kills; see README.md."""

import contextlib
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

HERE = Path(__file__).resolve()
sys.path[:0] = [
    str(HERE.parents[1]),
    str(HERE.parents[2]),
    str(HERE.parents[2] / "tests" / "support"),
]

import frozen_sets
import jobs
import numpy as np
import servers
from reporting import bar

SET = "shop-titles-en"
TITLES = 3_000
TURNS = 3
KILLS = 20
BUDGETS = (512, 2_048)
NEAR = 0.001


# -- the classifier and its titles ----------------------------------------------


def model(options):
    """A classifier on multilingual-e5-small, cut to the titles' vocabulary."""
    own, _ = frozen_sets.fitted(options, SET)
    return {"precisions": own.reader.accuracies}


def titles_of(options, duplicates):
    """Test titles and as many training titles as are wanted, some there twice."""
    train, _, test = frozen_sets.read(options.data, SET, "all")
    own = list(dict.fromkeys([*test.titles, *train.titles]))
    fresh = own[: int(TITLES * (1 - duplicates))]
    rng = random.Random(0)
    again = [rng.choice(fresh) for _ in range(TITLES - len(fresh))]
    titles = fresh + again
    rng.shuffle(titles)
    truth = dict(zip(test.titles, (test.tree.ids[node] for node in test.targets), strict=True))
    return titles, truth


# -- speed ----------------------------------------------------------------------


def peers(own, work):
    """Ways to answer titles with the same encoder and heads, from text to outcome number."""
    import torch

    from prodcat.model.batches import plan_batches
    from prodcat.model.tokenization import tokenize

    network, tokenizer = own.network, own.tokenizer
    encoder = network.encoder.eval()
    most = own.model.max_tokens

    def batches(titles, budget, ordered=True):
        table = tokenize(tokenizer, titles, most)
        lengths = table.lengths if ordered else np.full(len(titles), 1)
        plan = plan_batches(lengths, budget)
        return [(rows, *table.pad(rows, 1)) for rows in plan]

    def by_hand(half, budget):
        def run(titles):
            found = np.empty(len(titles), np.int64)
            with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16, enabled=half):
                for rows, ids, mask in batches(titles, budget):
                    pooled = encoder(ids, mask).float()
                    with torch.autocast("cpu", enabled=False):
                        scores = network.paths.log_probs(network.heads(pooled))
                    found[rows] = scores.argmax(1).numpy()
            return found

        return run

    def pipeline(size):
        pipe = text_classification(own, work)

        def run(titles):
            said = pipe(titles, batch_size=size, truncation=True, max_length=most)
            return np.array([int(one["label"].removeprefix("LABEL_")) for one in said])

        return run

    def onnx(name, budget):
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 2
        session = onnxruntime.InferenceSession(
            str(work / "onnx" / f"{name}.onnx"), options, providers=["CPUExecutionProvider"]
        )

        def run(titles):
            found = np.empty(len(titles), np.int64)
            for rows, ids, mask in batches(titles, budget):
                feeds = {"input_ids": ids.numpy(), "attention_mask": mask.long().numpy()}
                found[rows] = session.run(None, feeds)[0].argmax(1)
            return found

        return run

    def openvino(budget):
        import openvino as ov

        compiled = ov.Core().compile_model(
            str(work / "onnx" / "float32.onnx"),
            "CPU",
            {"INFERENCE_PRECISION_HINT": "bf16", "INFERENCE_NUM_THREADS": 2},
        )
        request = compiled.create_infer_request()

        def run(titles):
            found = np.empty(len(titles), np.int64)
            for rows, ids, mask in batches(titles, budget):
                request.infer({"input_ids": ids.numpy(), "attention_mask": mask.long().numpy()})
                found[rows] = request.get_output_tensor(0).data.argmax(1)
            return found

        return run

    graphs(own, work / "onnx")
    found = {}
    for budget in BUDGETS:
        found[f"by hand, float32, sorted, {budget} tokens"] = by_hand(False, budget)
        found[f"by hand, bfloat16, sorted, {budget} tokens"] = by_hand(True, budget)
        found[f"ONNX Runtime, float32, sorted, {budget} tokens"] = onnx("float32", budget)
        found[f"ONNX Runtime, int8, sorted, {budget} tokens"] = onnx("int8", budget)
        with contextlib.suppress(ImportError):
            found[f"OpenVINO, bfloat16, sorted, {budget} tokens"] = openvino(budget)
    if "INFINITY_PYTHON" in os.environ:
        found["infinity-emb, float32"] = infinity(own, work)
    found["transformers.pipeline, batch of 32"] = pipeline(32)
    found["transformers.pipeline, one at a time"] = pipeline(1)
    return found


def infinity(own, work):
    """infinity-emb's engine, in a process of its environment; its vectors are normalised."""
    folder = work / "infinity"
    if not folder.exists():
        own.network.encoder.body.save_pretrained(folder)
        fast_tokenizer(own).save_pretrained(folder)
        settings = folder / "tokenizer_config.json"  # by the name that transformers 4 knows
        known = {**json.loads(settings.read_text()), "tokenizer_class": "PreTrainedTokenizerFast"}
        settings.write_text(json.dumps(known))
    engine = subprocess.Popen(
        [os.environ["INFINITY_PYTHON"], str(HERE.with_name("infinity_engine.py")), str(folder)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip

    def run(titles):
        engine.stdin.write(json.dumps(titles) + "\n")
        engine.stdin.flush()
        line = engine.stdout.readline()
        while not line.startswith("done"):
            assert line, "the engine ended"
            line = engine.stdout.readline()

    return run


def fast_tokenizer(own):
    import transformers

    return transformers.PreTrainedTokenizerFast(
        tokenizer_object=own.tokenizer, pad_token="<pad>", model_max_length=own.model.max_tokens
    )


def text_classification(own, work):
    """transformers' pipeline over the same encoder and heads."""
    import transformers
    from transformers.modeling_outputs import SequenceClassifierOutput

    class Same(transformers.PreTrainedModel):
        config_class = type(own.network.encoder.body.config)

        def __init__(self, config):
            super().__init__(config)
            self.network = own.network

        def forward(self, input_ids=None, attention_mask=None, **rest):
            pooled = self.network.encoder(input_ids, attention_mask.bool())
            return SequenceClassifierOutput(
                logits=self.network.paths.log_probs(self.network.heads(pooled))
            )

    config = own.network.encoder.body.config
    outcomes = len(own.taxonomy.outcomes)
    config.id2label = {number: f"LABEL_{number}" for number in range(outcomes)}
    config.label2id = {name: number for number, name in config.id2label.items()}
    return transformers.pipeline(
        "text-classification", model=Same(config).eval(), tokenizer=fast_tokenizer(own),
        device="cpu",
    )  # fmt: skip


def graphs(own, folder):
    """The encoder and heads as ONNX: float32, and with dynamic int8."""
    import torch
    from onnxruntime.quantization import QuantType, quantize_dynamic

    if (folder / "int8.onnx").exists():
        return
    folder.mkdir(exist_ok=True)
    import copy

    network = copy.deepcopy(own.network).eval()
    network.encoder.body.set_attn_implementation("eager")

    class Graph(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.network = network

        def forward(self, input_ids, attention_mask):
            states = network.encoder.body(
                input_ids=input_ids, attention_mask=attention_mask
            ).last_hidden_state
            weight = attention_mask[..., None].to(states.dtype)
            pooled = (states * weight).sum(1) / weight.sum(1)
            return network.paths.log_probs(network.heads(pooled))

    ids = torch.ones(2, 8, dtype=torch.int64)
    axes = {name: {0: "batch", 1: "tokens"} for name in ("input_ids", "attention_mask")}
    with torch.no_grad():
        torch.onnx.export(
            Graph(), (ids, torch.ones_like(ids)), str(folder / "float32.onnx"),
            input_names=list(axes), output_names=["log_probs"], dynamic_axes=axes,
            opset_version=17, dynamo=False,
        )  # fmt: skip
    quantize_dynamic(
        folder / "float32.onnx", folder / "int8.onnx", weight_type=QuantType.QInt8, per_channel=True
    )


def prodcats(own):
    """prodcat itself: the same encoder and heads, and everything."""
    from dataclasses import replace

    alone = replace(
        own, _ngrams=None, weights=type(own.weights).neutral(own.taxonomy.depth), guarantee=None
    )
    position = {int(node): place for place, node in enumerate(own.taxonomy.outcomes)}

    def runner(classifier, precision):
        inference, decide = classifier.inference(precision), classifier.decision()

        def run(titles):
            answers = inference.answers(inference.ready(titles), decide)
            return np.array([position[node] for node in answers.nodes[:, 0].tolist()])

        return run

    return {
        "prodcat, float32, encoder alone": runner(alone, "float32"),
        "prodcat, int8, encoder alone": runner(alone, "int8"),
        "prodcat, bfloat16, encoder alone": runner(alone, "bfloat16"),
        "prodcat, bfloat16, all of it": runner(own, "bfloat16"),
    }


def speed(options, duplicates):
    import warnings

    import torch

    import prodcat

    warnings.simplefilter("ignore")
    torch.set_num_threads(2)
    own = prodcat.load(str(options.work / "model"), device="cpu")
    titles, truth = titles_of(options, duplicates)
    ways = {**prodcats(own), **peers(own, options.work)}
    slow = {"transformers.pipeline, one at a time"}
    ids = np.array([own.taxonomy.ids[node] for node in own.taxonomy.outcomes])
    rows = {}
    for turn in range(TURNS):
        for name, run in ways.items():
            some = titles[:600] if name in slow else titles
            run(some[:64])
            began = time.perf_counter()
            found = run(some)
            took = time.perf_counter() - began
            row = rows.setdefault(name, {"way": name, "seconds": [], "titles": len(some)})
            row["seconds"].append(took)
            row.setdefault("accuracy", None)
            if turn == 0 and found is not None:
                judged = [
                    (ids[f], truth[t]) for f, t in zip(found, some, strict=True) if t in truth
                ]
                row["judged"] = len(judged)
                row["accuracy"] = float(np.mean([a == b for a, b in judged]))
    for row in rows.values():
        row["per_second"] = row["titles"] / float(np.median(row["seconds"]))
    return list(rows.values())


def without_amx(options):
    """prodcat's own forms on a CPU that has no AMX."""
    if os.environ.get("ONEDNN_MAX_CPU_ISA") != "AVX512_CORE_BF16":
        return again_without_amx("without-amx", options)
    import torch

    import prodcat

    torch.set_num_threads(2)
    own = prodcat.load(str(options.work / "model"), device="cpu")
    titles, _ = titles_of(options, 0)
    found = {}
    ways = {name: run for name, run in prodcats(own).items() if "alone" in name}
    for _ in range(TURNS):
        for name, run in ways.items():
            began = time.perf_counter()
            run(titles[:1_000])
            found.setdefault(name, []).append(1_000 / (time.perf_counter() - began))
    return {name: float(np.median(own)) for name, own in found.items()}


def again_without_amx(name, options):
    """The same job in a process that does not use AMX."""
    own = {**os.environ, "ONEDNN_MAX_CPU_ISA": "AVX512_CORE_BF16"}
    command = [sys.executable, str(HERE), "--data", str(options.data), "--work",
               str(options.work), "--job", name]  # fmt: skip
    subprocess.run(command, env=own, check=True)
    return json.loads(jobs.result_of(name, options.work).read_text())


# -- arithmetic -------------------------------------------------------------------


def flops(options, without_amx):
    """Useful operations a second of the packed encoder, beside the product's own peak."""
    if without_amx and os.environ.get("ONEDNN_MAX_CPU_ISA") != "AVX512_CORE_BF16":
        return again_without_amx("flops-without-amx", options)
    import torch

    from prodcat.model.precisions import make_reading
    from prodcat.model.pretrained import build_encoder

    torch.set_num_threads(2)
    encoder = build_encoder(
        {"model_type": "bert", "vocab_size": 30_000, "hidden_size": 768, "num_hidden_layers": 12,
         "num_attention_heads": 12, "intermediate_size": 3_072}
    ).eval()  # fmt: skip
    reading = make_reading(encoder, "bfloat16")
    tokens, width, layers = 15, 768, 12
    peak, found = [], []
    with torch.inference_mode():
        ids = torch.randint(1_000, 29_000, (136, tokens))
        matrix = torch.randn(4_096, 4_096, dtype=torch.bfloat16)
        for _ in range(2):
            reading(ids, None)
            matrix @ matrix
        linear = layers * 2 * 12 * width * width * ids.numel()
        attention = layers * 2 * 2 * tokens * width * ids.numel()
        for _ in range(8):
            began = time.perf_counter()
            matrix @ matrix
            peak.append(2 * 4_096**3 / (time.perf_counter() - began))
            began = time.perf_counter()
            for _ in range(3):
                reading(ids, None)
            found.append(3 * (linear + attention) / (time.perf_counter() - began))
    return {"peak": float(np.median(peak)), "useful": float(np.median(found))}


# -- memory -----------------------------------------------------------------------


def memory(options, rows):
    """Peak memory of scoring so many rows with a small encoder."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    folder = options.work / "memory"
    folder.mkdir(exist_ok=True)
    small = folder / "model"
    if not small.exists():
        small_model(folder).save(str(small))
    source = folder / f"{rows}.parquet"
    if not source.exists():
        from prodcat.demo.quick_commerce import generate

        some = [row.title for row in generate(20_000, "tr")]
        schema = pa.schema([("sku", pa.int64()), ("title", pa.string())])
        with pq.ParquetWriter(source, schema) as writer:
            for start in range(0, rows, 20_000):
                own = [f"{title} {start + n}" for n, title in enumerate(some)]
                table = pa.table({"sku": range(start, start + 20_000), "title": own}, schema=schema)
                writer.write_table(table)
    out = folder / f"out-{rows}"
    shutil.rmtree(out, ignore_errors=True)
    command = [sys.executable, "-c", _MEASURED, str(small), str(source), str(out)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    shutil.rmtree(out)
    return json.loads(done.stdout)


_MEASURED = """
import json, resource, sys, prodcat
report = prodcat.score(sys.argv[1], sys.argv[2], sys.argv[3], device="cpu")
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
print(json.dumps({"rows": report.summary["rows"], "peak_mb": peak, "seconds": report.seconds}))
"""


def small_model(folder):
    import prodcat
    from prodcat.demo.quick_commerce import generate
    from prodcat.demo.scratch import write_scratch_encoder

    rows = generate(1_000, "tr")
    encoder = write_scratch_encoder([row.title for row in rows], folder / "encoder", hidden=32,
                                    vocabulary=1_500, layers=2)  # fmt: skip
    catalog = prodcat.read_catalog([{"title": r.title, "path": list(r.path)} for r in rows])
    return prodcat.fit(
        catalog,
        model=prodcat.ModelConfig(encoder=str(encoder), belief_width=8),
        training=prodcat.TrainingConfig(epochs=1),
        device="cpu",
        progress=False,
    )


# -- kills ------------------------------------------------------------------------


def prepared(options):
    """A model, an input of 60 parts, and what a clean run writes."""
    import prodcat
    from prodcat.scoring.config import ScoringConfig

    folder = options.work / "kills"
    if not (folder / "clean").exists():
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        small_model(folder).save(str(folder / "model"))
        import pyarrow as pa
        import pyarrow.parquet as pq

        from prodcat.demo.quick_commerce import generate

        titles = [f"{row.title} {n}" for n in range(15) for row in generate(1_000, "tr")]
        table = pa.table({"sku": range(len(titles)), "title": titles})
        pq.write_table(table, folder / "in.parquet", row_group_size=250)
        prodcat.score(
            str(folder / "model"), str(folder / "in.parquet"), str(folder / "clean"),
            scoring=ScoringConfig(part_rows=250), device="cpu",
        )  # fmt: skip
    return folder


def command_of(folder, out, *more):
    return [
        sys.executable, "-m", "prodcat", "predict", str(folder / "in.parquet"), "--model",
        str(folder / "model"), "--output", str(out), "--part-rows", "250", "--device", "cpu", *more,
    ]  # fmt: skip


def same(folder, out):
    """Whether an output is that of the clean run, and has every row once."""
    import pyarrow.parquet as pq

    def files(root):
        return {
            str(path.relative_to(root)): path.read_bytes()
            for path in root.rglob("*")
            if path.is_file()
        }

    rows = pq.read_table(out)["sku"].to_pylist()
    once = sorted(rows) == list(range(15_000))
    clean, own = files(folder / "clean"), files(out)
    differing = sorted(
        name for name in clean.keys() | own.keys() if clean.get(name) != own.get(name)
    )
    return {"equal": not differing, "once": once, "differing": differing[:5]}


def start(command):
    return subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
        cwd=HERE.parents[2], start_new_session=True,
    )  # fmt: skip


def kills(options):
    """Killed at random points, one after the other, until it is done."""
    folder = prepared(options)
    rng = random.Random(1)
    found = []
    out = options.work / "killed"
    shutil.rmtree(out, ignore_errors=True)
    for _ in range(2):  # the first one is slow
        began = time.monotonic()
        start(command_of(folder, out)).communicate()
        whole = time.monotonic() - began
        shutil.rmtree(out)

    def finish(row):
        last = start(command_of(folder, out))
        said = last.communicate()[1]
        assert last.returncode == 0, said
        row |= same(folder, out)
        shutil.rmtree(out)

    while sum(row["hit"] for row in found) < KILLS:
        process = start(command_of(folder, out))
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(rng.uniform(0.3, 0.9) * whole)
        hit = process.poll() is None
        if hit:
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        parts = len(list(out.glob("_prodcat/part-*"))) if out.exists() else 0
        found.append({"hit": hit, "parts": parts})
        if parts >= 50:  # nearly done: to its end, and a new one
            finish(found[-1])
    if out.exists():
        finish(found[-1])
    return found


def children(options):
    """Seven children of an array, three of them killed and run again."""
    folder = prepared(options)
    out = options.work / "children"
    shutil.rmtree(out, ignore_errors=True)
    rng = random.Random(2)
    killed = 0
    for index in range(7):
        command = command_of(folder, out, "--shard", f"{index}/7")
        if index in (1, 3, 6):
            process = start(command)
            parts = 0
            while process.poll() is None and parts < 1 + rng.randrange(3):
                mine = [
                    path
                    for path in out.glob("_prodcat/part-*")
                    if int(path.name.split("-")[2].split(".")[0]) % 7 == index
                ]
                parts = len(mine)
                time.sleep(0.005)
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                killed += 1
            process.communicate()
        process = start(command)
        process.communicate()
    found = {"killed": killed, **same(folder, out)}
    shutil.rmtree(out)
    return found


def on_ray(options):
    """A cluster of this machine, killed in the middle."""
    folder = prepared(options)
    out = options.work / "ray"
    shutil.rmtree(out, ignore_errors=True)
    command = command_of(folder, out, "--engine", "ray", "--actors", "2")
    process = start(command)
    while process.poll() is None and len(list(out.glob("_prodcat/part-*"))) < 5:
        time.sleep(0.01)
    hit = process.poll() is None
    if hit:
        os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    servers.wait_for_session(process.pid)
    parts = len(list(out.glob("_prodcat/part-*")))
    again = start(command)
    said = again.communicate()[1]
    assert again.returncode == 0, said
    found = {"hit": hit, "parts": parts, **same(folder, out)}
    shutil.rmtree(out)
    return found


# -- the contract of Batch, and every country ------------------------------------------

CONTRACT = {
    "batch": "tests/aws/test_batch.py: array children, two nodes (gloo), SIGTERM and the second "
    "attempt, against Ceph RGW",
    "countries": "tests/pipeline/test_jobs.py: train, publish, gate, promote, score for 7 "
    "countries in one command",
}
TESTS = {
    "batch": ["tests/aws/test_batch.py", "-m", "system"],
    "countries": ["tests/pipeline/test_jobs.py", "-k", "seven_countries or real_s3"],
}


def contract(options):
    """The tests that run the jobs as AWS Batch does, in processes with its variables."""
    found = {}
    for name, tests in TESTS.items():
        command = [sys.executable, "-m", "pytest", "-q", "--no-cov", *tests]
        done = subprocess.run(command, cwd=HERE.parents[2], capture_output=True, text=True)
        said = done.stdout.strip().splitlines()[-1]
        found[name] = {"passed": done.returncode == 0 and "skipped" not in said, "said": said}
    return found


# -- all --------------------------------------------------------------------------

NAMES = [
    "model", "speed/0", "speed/20", "flops", "flops-without-amx", "without-amx",
    "memory/100000", "memory/500000", "memory/2000000", "kills", "children", "ray", "contract",
]  # fmt: skip


def job(name, options):
    kind, _, rest = name.partition("/")
    run = {
        "model": lambda: model(options),
        "speed": lambda: speed(options, int(rest) / 100),
        "flops": lambda: flops(options, False),
        "flops-without-amx": lambda: flops(options, True),
        "without-amx": lambda: without_amx(options),
        "memory": lambda: memory(options, int(rest)),
        "kills": lambda: kills(options),
        "children": lambda: children(options),
        "ray": lambda: on_ray(options),
        "contract": lambda: contract(options),
    }[kind]
    jobs.result_of(name, options.work).write_text(json.dumps(run(), indent=1))


def assemble(work):
    def read(name):
        return json.loads(jobs.result_of(name, work).read_text())

    rows, bars = [], []
    for share in (0, 20):
        own = read(f"speed/{share}")
        by_name = {row["way"]: row for row in own}
        reference = by_name[f"by hand, float32, sorted, {BUDGETS[-1]} tokens"]["accuracy"]
        for row in own:
            row |= {"table": "speed", "duplicates": share}
            # What gives no answers counts as if they were right.
            row["counts"] = row["accuracy"] is None or row["accuracy"] >= reference - NEAR - 1e-9
        rows += own
        mine = by_name["prodcat, bfloat16, encoder alone"]
        others = [row for row in own if not row["way"].startswith("prodcat") and row["counts"]]
        best = max(others, key=lambda row: row["per_second"])
        ratio = mine["per_second"] / best["per_second"]
        wanted = 1.2 if share else 1.0
        said = f"{ratio:.2f} times ({mine['per_second']:.0f} against {best['per_second']:.0f}: "
        name = f"{share} % duplicates: rows/s against the best peer"
        bars.append(bar(name, f"{said}{best['way']})", f"at least {wanted}", ratio >= wanted))
        bars.append(
            bar(
                f"{share} % duplicates: accuracy against float32 by hand",
                f"{mine['accuracy']:.4f} against {reference:.4f}",
                "within .001",
                mine["counts"],
            )
        )
        if not share:
            for way, least in (("batch of 32", 4), ("one at a time", 10)):
                theirs = by_name[f"transformers.pipeline, {way}"]["per_second"]
                ratio = mine["per_second"] / theirs
                bars.append(
                    bar(
                        f"against transformers.pipeline, {way}",
                        f"{ratio:.1f} times ({mine['per_second']:.0f} against {theirs:.0f})",
                        f"at least {least}",
                        ratio >= least,
                    )
                )
    for name, words in (("flops", "with AMX"), ("flops-without-amx", "AVX-512 alone")):
        own = read(name)
        share = own["useful"] / own["peak"]
        rows.append({"table": "flops", "machine": words, **own})
        bars.append(
            bar(
                f"useful FLOP/s of the base-size encoder, {words}",
                f"{share:.0%} of {own['peak'] / 1e9:,.0f} GFLOP/s",
                "at least 75 %",
                share >= 0.75,
            )
        )
    rows.append({"table": "without AMX", **read("without-amx")})
    few, many = read("memory/100000"), read("memory/2000000")
    rows += [{"table": "memory", **own} for own in (few, read("memory/500000"), many)]
    growth = many["peak_mb"] / few["peak_mb"] - 1
    bars.append(
        bar(
            "peak memory, 2,000,000 rows against 100,000",
            f"{many['peak_mb']:.0f} MB against {few['peak_mb']:.0f} ({growth:+.1%})",
            "within 5 %",
            growth <= 0.05,
        )
    )
    own = read("kills")
    checked = [row for row in own if "equal" in row]
    rows += [{"table": "kills", **row} for row in own]
    hits = sum(row["hit"] for row in own)
    good = all(row["equal"] and row["once"] for row in checked)
    bars.append(
        bar(
            "SIGKILL at random points, then the same command: equal to a clean run",
            f"{sum(row['equal'] for row in checked)} of {len(checked)} outputs; {hits} kills hit",
            "all, no row twice or missing",
            good and bool(checked) and hits == KILLS,
        )
    )
    for name, words in (("children", "7 children, 3 killed"), ("ray", "a Ray cluster, killed")):
        own = read(name)
        rows.append({"table": name, **own})
        hit = own.get("killed", own.get("hit"))
        bars.append(
            bar(
                f"{words} and run again: equal to a clean run",
                f"{'equal' if own['equal'] else 'NOT equal'}; killed: {hit}",
                "equal, every row once",
                own["equal"] and own["once"] and hit in (3, True),
            )
        )
    own = read("contract")
    rows.append({"table": "contract", **own})
    for name, words in CONTRACT.items():
        bars.append(bar(words, own[name]["said"], "passes, nothing skipped", own[name]["passed"]))
    return {"rows": rows, "bars": bars}


def _shown(accuracy):
    return "" if accuracy is None else f"{accuracy:.4f}"


def table(rows):
    lines = []
    for share in (0, 20):
        lines += [
            f"| {share} % duplicates | titles/s | path accuracy | counts |",
            "|---|---|---|---|",
        ]
        own = [row for row in rows if row.get("table") == "speed" and row["duplicates"] == share]
        lines += [
            f"| {row['way']} | {row['per_second']:.0f} | {_shown(row['accuracy'])} | "
            f"{'yes' if row['counts'] else 'no'} |"
            for row in sorted(own, key=lambda row: -row["per_second"])
        ]
        lines.append("")
    return "\n".join(lines)


if __name__ == "__main__":
    jobs.main(HERE, NAMES, job, assemble, table, alone=NAMES, threads=2)
