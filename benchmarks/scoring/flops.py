"""Useful FLOP/s of the packed encoder, compared with the machine's peak."""

import time

import numpy as np

from benchmarks.jobs import Options, run_without_amx, uses_amx
from benchmarks.reporting import Row, cpu
from benchmarks.scoring.by_hand import THREADS

MODULE = "benchmarks.scoring.run"
TOKENS, WIDTH, LAYERS = 15, 768, 12


def measure_flops(options: Options, without_amx: bool) -> Row:
    """Useful operations a second of an encoder of base size, and of one large product."""
    if without_amx and uses_amx():
        result: Row = run_without_amx(MODULE, options, "flops-without-amx")
        return result
    import torch

    from prodcat.model.precisions import encoder_form
    from prodcat.model.pretrained import build_encoder

    torch.set_num_threads(THREADS)
    encoder = build_encoder(
        {"model_type": "bert", "vocab_size": 30_000, "hidden_size": WIDTH,
         "num_hidden_layers": LAYERS, "num_attention_heads": 12, "intermediate_size": 3_072}
    ).eval()  # fmt: skip
    form = encoder_form(encoder, "bfloat16")
    peak, useful = [], []
    with torch.inference_mode():
        ids = torch.randint(1_000, 29_000, (136, TOKENS))
        matrix = torch.randn(4_096, 4_096, dtype=torch.bfloat16)
        for _ in range(2):
            form(ids, None)
            matrix @ matrix
        linear = LAYERS * 2 * 12 * WIDTH * WIDTH * ids.numel()
        attention = LAYERS * 2 * 2 * TOKENS * WIDTH * ids.numel()
        for _ in range(8):
            began = time.perf_counter()
            matrix @ matrix
            peak.append(2 * 4_096**3 / (time.perf_counter() - began))
            began = time.perf_counter()
            for _ in range(3):
                form(ids, None)
            useful.append(3 * (linear + attention) / (time.perf_counter() - began))
    return {"peak": float(np.median(peak)), "useful": float(np.median(useful)), "cpu": cpu()}
