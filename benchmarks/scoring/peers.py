"""Ways to answer titles with the same encoder and heads, from text to the outcome's number."""

import contextlib
import json
import os
import subprocess
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.scoring.graphs import export_graphs, fast_tokenizer

if TYPE_CHECKING:
    import torch

    from prodcat import Classifier

BUDGETS = (512, 2_048)  # tokens of a batch
# Answers titles with the numbers of their outcomes, or with None where it only embeds them.
Way = Callable[[Sequence[str]], NDArray[Any] | None]


def peers(classifier: "Classifier", work: Path) -> dict[str, Way]:
    """All peers by name; infinity-emb and OpenVINO only where they are installed."""
    export_graphs(classifier, work / "onnx")
    ways: dict[str, Way] = {}
    for budget in BUDGETS:
        by_hand, graph = ByHand(classifier, budget), work / "onnx"
        ways[f"by hand, float32, sorted, {budget} tokens"] = by_hand.float32
        ways[f"by hand, bfloat16, sorted, {budget} tokens"] = by_hand.bfloat16
        ways[f"ONNX Runtime, float32, sorted, {budget} tokens"] = onnx_runtime(
            classifier, graph / "float32.onnx", budget
        )
        ways[f"ONNX Runtime, int8, sorted, {budget} tokens"] = onnx_runtime(
            classifier, graph / "int8.onnx", budget
        )
        with contextlib.suppress(ImportError):
            ways[f"OpenVINO, bfloat16, sorted, {budget} tokens"] = openvino(
                classifier, graph / "float32.onnx", budget
            )
    if "INFINITY_PYTHON" in os.environ:
        ways["infinity-emb, float32"] = infinity(classifier, work)
    ways["transformers.pipeline, batch of 32"] = pipeline(classifier, 32)
    ways["transformers.pipeline, one at a time"] = pipeline(classifier, 1)
    return ways


Batch = tuple[NDArray[np.int64], "torch.Tensor", "torch.Tensor"]


def batches(classifier: "Classifier", titles: Sequence[str], budget: int) -> Iterator[Batch]:
    """Rows, token ids and mask of batches of titles of like length."""
    from prodcat.model.batches import plan_batches
    from prodcat.model.tokenization import tokenize

    assert classifier.tokenizer is not None
    table = tokenize(classifier.tokenizer, titles, classifier.model.max_tokens)
    for rows in plan_batches(table.lengths, budget):
        yield (rows, *table.pad(rows, 1))


class ByHand:
    """A plain loop over sorted batches, as a team would write it with torch.

    Args:
        classifier: Whose encoder and heads are run.
        budget: Tokens of a batch, padding counted.
    """

    def __init__(self, classifier: "Classifier", budget: int) -> None:
        self.classifier, self.budget = classifier, budget

    def float32(self, titles: Sequence[str]) -> NDArray[np.int64]:
        """Outcomes by number, the encoder in float32."""
        return self._answers(titles, bfloat16=False)

    def bfloat16(self, titles: Sequence[str]) -> NDArray[np.int64]:
        """Outcomes by number, the encoder under bfloat16 autocast."""
        return self._answers(titles, bfloat16=True)

    def _answers(self, titles: Sequence[str], bfloat16: bool) -> NDArray[np.int64]:
        import torch

        network = self.classifier.network
        encoder, heads = network.encoder, network.heads
        assert encoder is not None and heads is not None
        encoder.eval()
        outcomes = np.empty(len(titles), np.int64)
        with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16, enabled=bfloat16):
            for rows, ids, mask in batches(self.classifier, titles, self.budget):
                pooled = encoder(ids, mask).float()
                with torch.autocast("cpu", enabled=False):
                    scores = network.paths.log_probs(heads(pooled))
                outcomes[rows] = scores.argmax(1).numpy()
        return outcomes


def onnx_runtime(classifier: "Classifier", graph: Path, budget: int) -> Way:
    """ONNX Runtime with two threads on sorted batches."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 2
    session = onnxruntime.InferenceSession(str(graph), options, providers=["CPUExecutionProvider"])

    def answer(titles: Sequence[str]) -> NDArray[np.int64]:
        outcomes = np.empty(len(titles), np.int64)
        for rows, ids, mask in batches(classifier, titles, budget):
            feeds = {"input_ids": ids.numpy(), "attention_mask": mask.long().numpy()}
            outcomes[rows] = session.run(None, feeds)[0].argmax(1)
        return outcomes

    return answer


def openvino(classifier: "Classifier", graph: Path, budget: int) -> Way:
    """OpenVINO in bfloat16 with two threads on sorted batches."""
    import openvino as ov

    compiled = ov.Core().compile_model(
        str(graph), "CPU", {"INFERENCE_PRECISION_HINT": "bf16", "INFERENCE_NUM_THREADS": 2}
    )
    request = compiled.create_infer_request()

    def answer(titles: Sequence[str]) -> NDArray[np.int64]:
        outcomes = np.empty(len(titles), np.int64)
        for rows, ids, mask in batches(classifier, titles, budget):
            request.infer({"input_ids": ids.numpy(), "attention_mask": mask.long().numpy()})
            outcomes[rows] = request.get_output_tensor(0).data.argmax(1)
        return outcomes

    return answer


def infinity(classifier: "Classifier", work: Path) -> Way:
    """The engine of infinity-emb, in a process of its environment; its vectors are normalised."""
    folder = work / "infinity"
    if not folder.exists():
        encoder = classifier.network.encoder
        assert encoder is not None
        body: Any = encoder.body
        body.save_pretrained(folder)
        fast_tokenizer(classifier).save_pretrained(folder)
        settings = folder / "tokenizer_config.json"  # by the name that transformers 4 knows
        known = {**json.loads(settings.read_text()), "tokenizer_class": "PreTrainedTokenizerFast"}
        settings.write_text(json.dumps(known))
    script = Path(__file__).with_name("infinity_engine.py")
    engine = subprocess.Popen(
        [os.environ["INFINITY_PYTHON"], str(script), str(folder)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    sent, received = engine.stdin, engine.stdout
    assert sent is not None and received is not None

    def answer(titles: Sequence[str]) -> None:
        sent.write(json.dumps(list(titles)) + "\n")
        sent.flush()
        line = received.readline()
        while not line.startswith("done"):
            assert line, "the engine ended"
            line = received.readline()

    return answer


def pipeline(classifier: "Classifier", batch_size: int) -> Way:
    """The pipeline of transformers over the same encoder and heads."""
    import transformers
    from transformers.modeling_outputs import SequenceClassifierOutput

    network: Any = classifier.network
    config: Any = network.encoder.body.config

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
