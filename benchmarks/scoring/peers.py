"""Ways to answer titles with the same encoder and heads, from text to the outcome's number."""

import json
import os
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.jobs import ROOT
from benchmarks.scoring.by_hand import THREADS, ByHand, Way, batches, in_precision, pooled_by
from benchmarks.scoring.graphs import export_encoder, export_graphs, fast_tokenizer

if TYPE_CHECKING:
    from prodcat import Classifier

BUDGETS = (512, 2_048)  # tokens of a batch
# Engines, how each is called in the tables, the variable that names its environment's Python, and
# the precisions in which it is run.
ENGINES = {
    "openvino": ("OpenVINO", "ENGINES_PYTHON", ("float32", "bfloat16")),
    "ctranslate2": ("CTranslate2", "ENGINES_PYTHON", ("float32", "bfloat16", "int8")),
    "zentorch": ("zentorch", "ZENTORCH_PYTHON", ("float32", "bfloat16")),
}
INFINITY = "infinity-emb, float32"
Make = Callable[[], Way]


class MissingError(Exception):
    """A peer is not installed, or cannot run this model; the message says why."""


class Engine:
    """An engine in a process of its environment, which answers lines of titles.

    The process starts when it is first needed, and ends with the process that started it.

    Args:
        variable: The environment variable with the Python of its environment.
        arguments: What this Python runs.
    """

    def __init__(self, variable: str, arguments: Sequence[object]) -> None:
        self.variable, self.arguments = variable, [str(argument) for argument in arguments]
        self._process: subprocess.Popen[str] | None = None

    def with_budget(self, budget: int) -> Make:
        """What makes the way to answer titles in batches of so many tokens."""

        def make() -> Way:
            self._start()
            return lambda titles: self._answer(titles, budget)

        return make

    def _start(self) -> None:
        if self._process is not None:
            return
        if self.variable not in os.environ:
            raise MissingError(f"not installed: {self.variable} is not set")
        self._process = subprocess.Popen(
            [os.environ[self.variable], *self.arguments], stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, cwd=ROOT,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
        )  # fmt: skip
        self._next_line("ready")

    def _answer(self, titles: Sequence[str], budget: int) -> NDArray[np.int64] | None:
        assert self._process is not None and self._process.stdin is not None
        if self._process.poll() is not None:
            raise MissingError(f"its process ended with status {self._process.returncode}")
        self._process.stdin.write(json.dumps([budget, list(titles)]) + "\n")
        self._process.stdin.flush()
        outcomes = self._next_line("answers")
        return None if outcomes is None else np.array(outcomes, np.int64)

    def _next_line(self, expected: str) -> Any:
        assert self._process is not None and self._process.stdout is not None
        for line in self._process.stdout:
            kind, _, value = line.partition(" ")
            if kind == "failed":
                raise MissingError(json.loads(value))
            if kind == expected:
                return json.loads(value)
        raise MissingError(f"its process ended with status {self._process.wait()}")


def peers(classifier: "Classifier", model: Path, work: Path) -> dict[str, Make]:
    """All peers by name; each is made when it is first called.

    Args:
        classifier: Whose encoder and heads are run.
        model: Where it is saved.
        work: Gets the encoder in the forms that the peers read.
    """
    export_graphs(classifier, work / "onnx")
    export_encoder(classifier, work / "transformers")
    makes: dict[str, Make] = {}
    files = model.resolve(), work.resolve()
    half = pooled_by(in_precision(classifier, "bfloat16"))
    for budget in BUDGETS:
        by_hand, words = ByHand(classifier, budget), f"sorted, {budget} tokens"
        makes[f"by hand, float32, {words}"] = _made(by_hand.float32)
        makes[f"by hand, bfloat16, {words}"] = _made(by_hand.bfloat16)
        halved = ByHand(classifier, budget, half)
        makes[f"by hand, bfloat16 weights, {words}"] = _made(halved.float32)
        for precision in ("float32", "int8"):
            session = onnx_runtime(classifier, work / "onnx" / f"{precision}.onnx", budget)
            makes[f"ONNX Runtime, {precision}, {words}"] = _made(session)
    for module, (name, variable, offered) in ENGINES.items():
        for precision in offered:
            script = ["-m", "benchmarks.scoring.engines", module, precision, *files]
            engine = Engine(variable, script)
            for budget in BUDGETS:
                words = f"sorted, {budget} tokens"
                makes[f"{name}, {precision}, {words}"] = engine.with_budget(budget)
    infinity = [Path(__file__).with_name("infinity_engine.py"), files[1] / "transformers"]
    makes[INFINITY] = Engine("INFINITY_PYTHON", infinity).with_budget(0)
    makes["transformers.pipeline, batch of 32"] = _made(pipeline(classifier, 32))
    makes["transformers.pipeline, one at a time"] = _made(pipeline(classifier, 1))
    return makes


def _made(way: Way) -> Make:
    return lambda: way


def onnx_runtime(classifier: "Classifier", graph: Path, budget: int) -> Way:
    """ONNX Runtime with two threads on sorted batches."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = THREADS
    session = onnxruntime.InferenceSession(str(graph), options, providers=["CPUExecutionProvider"])

    def answer(titles: Sequence[str]) -> NDArray[np.int64]:
        outcomes = np.empty(len(titles), np.int64)
        for rows, ids, mask in batches(classifier, titles, budget):
            feeds = {"input_ids": ids.numpy(), "attention_mask": mask.long().numpy()}
            outcomes[rows] = session.run(None, feeds)[0].argmax(1)
        return outcomes

    return answer


def pipeline(classifier: "Classifier", batch_size: int) -> Way:
    """The pipeline of transformers over the same encoder and heads."""
    import transformers
    from transformers.modeling_outputs import SequenceClassifierOutput

    network: Any = classifier.network
    config: Any = network.encoder.model().config

    class SameNetwork(transformers.PreTrainedModel):  # type: ignore[misc]
        config_class = type(config)

        def __init__(self, config: Any) -> None:
            super().__init__(config)
            self.network = network

        def forward(self, input_ids: Any = None, attention_mask: Any = None, **rest: Any) -> Any:
            pooled = self.network.encoder(input_ids, attention_mask.bool())
            return SequenceClassifierOutput(
                logits=self.network.paths.log_probs(self.network.heads(pooled))
            )

    outcomes = len(classifier.taxonomy.outcomes)
    config.id2label = {number: f"LABEL_{number}" for number in range(outcomes)}
    config.label2id = {name: number for number, name in config.id2label.items()}
    pipe = transformers.pipeline(
        "text-classification", model=SameNetwork(config).eval(),
        tokenizer=fast_tokenizer(classifier), device="cpu",
    )  # fmt: skip
    most = classifier.model.max_tokens

    def answer(titles: Sequence[str]) -> NDArray[np.int64]:
        labels = pipe(list(titles), batch_size=batch_size, truncation=True, max_length=most)
        return np.array([int(label["label"].removeprefix("LABEL_")) for label in labels])

    return answer
