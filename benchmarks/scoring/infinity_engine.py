"""infinity-emb as a process that embeds a line of titles at a time; see README.md here.

It runs in an environment of its own, without prodcat, and so imports nothing from benchmarks.
"""

import asyncio
import json
import sys

import torch
from infinity_emb import AsyncEmbeddingEngine, EngineArgs


async def main(folder: str) -> None:
    """Embed the titles of each line of standard input; no answers are given back."""
    torch.set_num_threads(2)
    arguments = EngineArgs(
        model_name_or_path=folder, engine="torch", device="cpu", dtype="float32", batch_size=64,
        bettertransformer=False, compile=False, model_warmup=False,
    )  # fmt: skip
    engine = AsyncEmbeddingEngine.from_args(arguments)
    async with engine:
        print("ready null", flush=True)
        for line in sys.stdin:
            _, titles = json.loads(line)
            await engine.embed(sentences=titles)
            print("answers null", flush=True)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
