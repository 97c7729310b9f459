"""The classifier's encoder and heads as the peers read them: ONNX graphs and a tokenizer."""

import copy
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


def export_graphs(classifier: "Classifier", folder: Path) -> None:
    """Write the encoder and heads as ONNX: in float32, and with dynamic int8."""
    import torch
    from onnxruntime.quantization import QuantType, quantize_dynamic

    if (folder / "int8.onnx").exists():
        return
    folder.mkdir(exist_ok=True)
    network: Any = copy.deepcopy(classifier.network).eval()
    network.encoder.body.set_attn_implementation("eager")

    class Graph(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.network = network

        def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> Any:
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
