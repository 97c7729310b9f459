"""An engine that is installed in another environment, as a process that answers lines of titles.

    PYTHON -m benchmarks.scoring.engines NAME PRECISION MODEL FOLDER

PYTHON is that of the environment, which has what prodcat needs as well; ``PYTHONPATH`` is the
repository.  The process says "ready", reads lines of standard input, the tokens of a batch and
titles, and answers each with the numbers of the outcomes; see
:class:`benchmarks.scoring.peers.Engine`.
"""

import json
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from benchmarks.scoring.by_hand import THREADS, ByHand, batches, in_precision, mean_of, pooled_by

if TYPE_CHECKING:
    import torch

    from prodcat import Classifier


Budgeted = Callable[[Sequence[str], int], NDArray[np.int64]]  # titles, tokens of a batch


def openvino(classifier: "Classifier", folder: Path, precision: str) -> Budgeted:
    """OpenVINO with the ONNX graph of the encoder and heads."""
    import openvino as ov

    hints = {"float32": "f32", "bfloat16": "bf16"}
    compiled = ov.Core().compile_model(
        str(folder / "onnx" / "float32.onnx"),
        "CPU",
        {"INFERENCE_PRECISION_HINT": hints[precision], "INFERENCE_NUM_THREADS": THREADS},
    )
    request = compiled.create_infer_request()

    def answer(titles: Sequence[str], budget: int) -> NDArray[np.int64]:
        outcomes = np.empty(len(titles), np.int64)
        for rows, ids, mask in batches(classifier, titles, budget):
            request.infer({"input_ids": ids.numpy(), "attention_mask": mask.long().numpy()})
            outcomes[rows] = request.get_output_tensor(0).data.argmax(1)
        return outcomes

    return answer


def ctranslate2(classifier: "Classifier", folder: Path, precision: str) -> Budgeted:
    """CTranslate2's encoder; mean and heads by torch, which it does not have."""
    import ctranslate2 as ct2
    import torch

    converted = folder / "ctranslate2"
    if not converted.exists():
        ct2.converters.TransformersConverter(str(folder / "transformers")).convert(str(converted))
        settings = converted / "config.json"  # it reads no null, which a tokenizer may lack
        read = json.loads(settings.read_text())
        settings.write_text(json.dumps({**read, "unk_token": read["unk_token"] or "<unk>"}))
    encoder = ct2.Encoder(
        str(converted), device="cpu", compute_type=precision, inter_threads=1, intra_threads=THREADS
    )

    def pooled(ids: "torch.Tensor", mask: "torch.Tensor") -> "torch.Tensor":
        listed = [row[kept].tolist() for row, kept in zip(ids, mask.bool(), strict=True)]
        states = encoder.forward_batch(listed).last_hidden_state
        return mean_of(torch.from_numpy(np.array(states.to(ct2.DataType.float32))), mask)

    return lambda titles, budget: ByHand(classifier, budget, pooled).float32(titles)


def zentorch(classifier: "Classifier", folder: Path, precision: str) -> Budgeted:
    """torch.compile with AMD's zentorch, with weights of the precision.

    Under autocast its answers were wrong: one in ten was right.
    """
    import torch
    import zentorch as _  # noqa: F401, registers the backend

    body = in_precision(classifier, precision)
    compiled = torch.compile(body, backend="zentorch", dynamic=True)
    pooled = pooled_by(compiled)
    return lambda titles, budget: ByHand(classifier, budget, pooled).float32(titles)


Make = Callable[["Classifier", Path, str], Budgeted]
ENGINES: dict[str, Make] = {"openvino": openvino, "ctranslate2": ctranslate2, "zentorch": zentorch}


def main() -> None:
    """Answer lines of titles until there are no more; say why where it cannot."""
    name, precision, model, folder = sys.argv[1:]
    said = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what libraries print is no answer

    def say(kind: str, value: object = None) -> None:
        said.write(f"{kind} {json.dumps(value)}\n")
        said.flush()

    try:
        import torch

        import prodcat

        torch.set_num_threads(THREADS)
        classifier = prodcat.load(model, device="cpu")
        way = ENGINES[name](classifier, Path(folder), precision)
        way(["a title", "another title"], 512)
        say("ready")
        for line in sys.stdin:
            budget, titles = json.loads(line)
            say("answers", way(titles, budget).tolist())
    except Exception as error:  # whatever another library raises is the reason in the table
        lines = str(error).strip().splitlines() or [""]
        say("failed", f"{type(error).__name__}: {lines[0][:200]}")


if __name__ == "__main__":
    main()
