"""A plain loop over sorted batches, as a team would write it with torch."""

import copy
import os
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import torch

    from prodcat import Classifier

THREADS = min(2, len(os.sched_getaffinity(0)))  # of every way that can use more than one
# Answers titles with the numbers of their outcomes, or with None where it only embeds them.
Way = Callable[[Sequence[str]], NDArray[Any] | None]
Batch = tuple[NDArray[np.int64], "torch.Tensor", "torch.Tensor"]
Pooled = Callable[["torch.Tensor", "torch.Tensor"], "torch.Tensor"]


def batches(classifier: "Classifier", titles: Sequence[str], budget: int) -> Iterator[Batch]:
    """Rows, token ids and mask of batches of titles of like length."""
    from prodcat.model.batches import plan_batches
    from prodcat.model.tokenization import tokenize

    assert classifier.tokenizer is not None
    table = tokenize(classifier.tokenizer, titles, classifier.model.max_tokens)
    for rows in plan_batches(table.lengths, budget):
        yield (rows, *table.pad(rows, 1))


def mean_of(states: "torch.Tensor", mask: "torch.Tensor") -> "torch.Tensor":
    """The mean over the tokens of each title, float32 [title, hidden]."""
    weight = mask[..., None].float()
    result: torch.Tensor = (states.float() * weight).sum(1) / weight.sum(1)
    return result


def pooled_by(body: Any) -> Pooled:
    """The mean of what an encoder of transformers says of each token."""

    def pooled(ids: "torch.Tensor", mask: "torch.Tensor") -> "torch.Tensor":
        states = body(input_ids=ids, attention_mask=mask.long()).last_hidden_state
        return mean_of(states, mask)

    return pooled


def in_precision(classifier: "Classifier", precision: str) -> Any:
    """The classifier's encoder as transformers has it, with weights of a precision."""
    import torch

    encoder = classifier.network.encoder
    assert encoder is not None
    body: Any = copy.deepcopy(encoder.model()).eval()
    body.set_attn_implementation("sdpa")
    return body.to(getattr(torch, precision))


class ByHand:
    """Tokens, encoder and heads, batch by batch.

    Args:
        classifier: Whose encoder and heads are run.
        budget: Tokens of a batch, padding counted.
        pooled: What runs the encoder, from ids and mask to float [title, hidden]; by default the
            encoder as transformers has it.
    """

    def __init__(self, classifier: "Classifier", budget: int, pooled: Pooled | None = None) -> None:
        encoder = classifier.network.encoder
        assert encoder is not None
        self.classifier, self.budget = classifier, budget
        self.pooled: Pooled = encoder.eval() if pooled is None else pooled

    def float32(self, titles: Sequence[str]) -> NDArray[np.int64]:
        """Outcomes by number, the encoder in float32."""
        return self._answers(titles, bfloat16=False)

    def bfloat16(self, titles: Sequence[str]) -> NDArray[np.int64]:
        """Outcomes by number, the encoder under bfloat16 autocast."""
        return self._answers(titles, bfloat16=True)

    def _answers(self, titles: Sequence[str], bfloat16: bool) -> NDArray[np.int64]:
        import torch

        network = self.classifier.network
        heads = network.heads
        assert heads is not None
        outcomes = np.empty(len(titles), np.int64)
        with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16, enabled=bfloat16):
            for rows, ids, mask in batches(self.classifier, titles, self.budget):
                pooled = self.pooled(ids, mask).float()
                with torch.autocast("cpu", enabled=False):
                    scores = network.paths.log_probs(heads(pooled))
                outcomes[rows] = scores.argmax(1).numpy()
        return outcomes
