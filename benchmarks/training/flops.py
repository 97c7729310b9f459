"""Useful FLOP/s of the training loop, compared with the machine's peak."""

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmarks.frozen_sets import read
from benchmarks.jobs import Options, run_without_amx, uses_amx
from benchmarks.reporting import Row
from benchmarks.training.speed import MODULE, THREADS

if TYPE_CHECKING:
    from prodcat import Catalog

ROUNDS = 2
# "fused attention" is a plain loop over buckets of like lengths: what transformers does itself.
VARIANTS: dict[str, dict[str, Any]] = {
    "all layers": {"frozen_layers": 0.0, "token_budget": 2048},
    "all layers, larger batches": {"frozen_layers": 0.0, "token_budget": 4096},
    "upper half, defaults": {},
    "fused attention, dropout": {
        "frozen_layers": 0.0,
        "token_budget": 512,
        "encoder_dropout": 0.1,
    },
}


def peak() -> float:
    """bfloat16 matrix products of this machine, FLOP/s: the best of several large ones."""
    import torch

    best = 0.0
    for size in (1024, 2048, 4096):
        a, b = (torch.randn(size, size).bfloat16() for _ in range(2))
        for _ in range(8):
            began = time.perf_counter()
            a @ b
            best = max(best, 2 * size**3 / (time.perf_counter() - began))
    return best


def measure_flops(options: Options, without_amx: bool) -> Row:
    """Useful work of an epoch: what its own tokens need, by the time that all of it takes."""
    if without_amx and uses_amx():
        result: Row = run_without_amx(MODULE, options, "flops-without-amx")
        return result
    import torch

    torch.set_num_threads(THREADS)
    train, _, _ = read(options.data, "shop-titles-en", "all")
    count = 1000 if without_amx else 2500
    train = train.take(np.random.default_rng(0).permutation(len(train))[:count])
    peaks, variants = [], []
    for number in range(ROUNDS):
        for label, settings in VARIANTS.items():
            peaks.append(peak())
            variants.append(train_epoch(options, train, label, number, settings))
    return {"peak_flops": float(np.median(peaks)), "peaks": peaks, "variants": variants}


def train_epoch(
    options: Options, train: "Catalog", label: str, number: int, settings: dict[str, Any]
) -> Row:
    """One epoch of one variant, and its useful FLOP/s."""
    from prodcat import ModelConfig, TrainingConfig
    from prodcat.model.network import Network
    from prodcat.model.pretrained import load_encoder
    from prodcat.model.tokenization import tokenize
    from prodcat.training.loop import train as train_network
    from prodcat.training.rows import Rows

    encoder, tokenizer = load_encoder(str(options.encoder))
    body: Any = encoder.model()
    if label.startswith("fused"):
        body.set_attn_implementation("sdpa")
    config = TrainingConfig(
        epochs=1, closed_form=False, precision="bfloat16", seed=number, **settings
    )

    def rows_of(texts: Sequence[str]) -> Rows:
        table = tokenize(tokenizer, texts, ModelConfig().max_tokens)
        return Rows(table, None, train.targets[: len(texts)])

    training = rows_of(train.inputs)
    network = Network(train.tree, encoder, "stacked", 64, None, 0.1)
    validation = rows_of(train.inputs[:64])
    trained = train_network(network, train.tree, training, validation, config, progress=False)
    matrices = sum(p.numel() for p in body.encoder.layer[0].parameters() if p.ndim == 2)
    lengths = training.tokens.lengths
    # Forward and backward: six for each weight and token, twelve for the two products of
    # attention, each token with each; padding does no good and does not count.
    layers = 6 if config.frozen_layers else 12
    work = layers * (6 * matrices * lengths.sum() + 12 * encoder.hidden * (lengths**2).sum())
    titles_per_second = trained.history[-1].titles_per_second
    return {
        "variant": label, "round": number,
        "useful_flops": float(work * titles_per_second / len(train)),
        "titles_per_second": titles_per_second,
        "padded_share": trained.history[-1].padded_share,
    }  # fmt: skip
