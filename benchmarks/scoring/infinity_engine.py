"""infinity-emb as a process that embeds a line of titles at a time; see README.md here.

It runs in an environment of its own, without prodcat, and so imports nothing from benchmarks.
"""

import asyncio
import json
import sys

import torch
from infinity_emb import AsyncEmbeddingEngine, EngineArgs


async def main(folder: str) -> None:
    """Answer each line of standard input, a JSON list of titles, with ``done`` and their number."""
    torch.set_num_threads(2)
    arguments = EngineArgs(
        model_name_or_path=folder, engine="torch", device="cpu", dtype="float32", batch_size=64,
        bettertransformer=False, compile=False, model_warmup=False,
    )  # fmt: skip
    engine = AsyncEmbeddingEngine.from_args(arguments)
    async with engine:
        for line in sys.stdin:
            vectors, _ = await engine.embed(sentences=json.loads(line))
            print("done", len(vectors), flush=True)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
