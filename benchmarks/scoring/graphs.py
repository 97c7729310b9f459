"""The classifier's encoder and heads as the peers read them: ONNX graphs, transformers' files."""

import copy
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from prodcat import Classifier


def fast_tokenizer(classifier: "Classifier") -> Any:
    """The classifier's tokenizer as transformers has it."""
    import transformers

    return transformers.PreTrainedTokenizerFast(
        tokenizer_object=classifier.tokenizer,
        pad_token="<pad>",
        model_max_length=classifier.model.max_tokens,
    )


def export_encoder(classifier: "Classifier", folder: Path) -> None:
    """Write the encoder and its tokenizer as transformers has them."""
    if folder.exists():
        return
    encoder = classifier.network.encoder
    assert encoder is not None
    body: Any = encoder.model()
    body.save_pretrained(folder)
    fast_tokenizer(classifier).save_pretrained(folder)
    # What transformers 4 and CTranslate2 look for.
    for name, known in (
        ("tokenizer_config.json", {"tokenizer_class": "PreTrainedTokenizerFast"}),
        ("config.json", {"position_embedding_type": "absolute"}),
    ):
        settings = json.loads((folder / name).read_text())
        (folder / name).write_text(json.dumps({**settings, **known}))


def export_graphs(classifier: "Classifier", folder: Path) -> None:
    """Write the encoder and heads as ONNX: in float32, and with dynamic int8."""
    import torch
    from onnxruntime.quantization import QuantType, quantize_dynamic

    if (folder / "int8.onnx").exists():
        return
    folder.mkdir(exist_ok=True)
    network: Any = copy.deepcopy(classifier.network).eval()
    network.encoder.model().set_attn_implementation("eager")

    class Graph(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.network = network

        def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> Any:
            states = network.encoder.model()(
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
