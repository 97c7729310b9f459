"""The Hugging Face Trainer as people use it: what prodcat's training is timed against.

    python benchmarks/training/trainer.py --data DIR --set food-terms --encoder DIR --recipe default

Prints one JSON line for each event, with the system's monotonic clock, so that whoever runs it
can leave out the time in which it was stopped.
"""

import argparse
import json
import os
import sys
import time
import warnings
from pathlib import Path

os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["TOKENIZERS_PARALLELISM"] = "false"
warnings.filterwarnings("ignore")

import numpy as np
import torch
import transformers
from transformers import (
    AutoModelForSequenceClassification,
    AutoTokenizer,
    DataCollatorWithPadding,
    EarlyStoppingCallback,
    Trainer,
    TrainerCallback,
    TrainingArguments,
)

sys.path.insert(0, str(Path(__file__).parent.parent))

from frozen_sets import chain, read

BATCH = 32
UNKNOWN = -100  # a label that training never saw: no loss, and never right
# The defaults of the text-classification example of transformers, and the same by someone who
# knows it.  "unpadded" is the first without the padding to 128 and in bfloat16: padding is masked
# out, so that it learns the same, sooner; for the accuracy alone, never for a time.
RECIPES = {
    "default": {"learning_rate": 2e-5, "num_train_epochs": 3},
    "unpadded": {"learning_rate": 2e-5, "num_train_epochs": 3, "bf16": True},
    "tuned": {
        "bf16": True,
        "train_sampling_strategy": "group_by_length",
        "optim": "adamw_torch_fused",
    },
}


def say(event: str, **values) -> None:
    print(json.dumps({"event": event, "clock": time.monotonic(), **values}), flush=True)


class Told(TrainerCallback):
    """Says when a step is done, and when an epoch is judged."""

    def on_train_begin(self, args, state, control, **rest):
        say("begin", steps=state.max_steps)

    def on_step_end(self, args, state, control, **rest):
        say("step", step=state.global_step)

    def on_evaluate(self, args, state, control, metrics=None, **rest):
        say("epoch", epoch=state.epoch, accuracy=metrics["eval_accuracy"])


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--set", required=True)
    parser.add_argument("--encoder", type=Path, required=True)
    parser.add_argument("--recipe", choices=list(RECIPES), required=True)
    parser.add_argument("--rate", type=float)
    parser.add_argument("--epochs", type=float)
    parser.add_argument("--rows", type=int, help="train on this many titles, drawn at random")
    parser.add_argument("--work", type=Path, default=Path(".bench-training/trainer"))
    options = parser.parse_args()
    transformers.logging.set_verbosity_error()

    train, validation, test = sets(options.data, options.set)
    labels = sorted({chain(train.tree, node) for node in train.targets})
    number = {label: place for place, label in enumerate(labels)}
    tokenizer = AutoTokenizer.from_pretrained(options.encoder)
    padded = options.recipe == "default"

    def rows(catalog):
        tokens = tokenizer(list(catalog.titles), truncation=True, max_length=128)["input_ids"]
        mine = [number.get(chain(catalog.tree, node), UNKNOWN) for node in catalog.targets]
        return [
            {"input_ids": own, "labels": label, "length": len(own)}
            for own, label in zip(tokens, mine, strict=True)
        ]

    training = rows(train)
    if options.rows:
        picked = np.random.default_rng(0).permutation(len(training))[: options.rows]
        training = [training[row] for row in picked]
    judged = {"validation": rows(validation)} | ({"test": rows(test)} if test is not None else {})
    model = AutoModelForSequenceClassification.from_pretrained(
        options.encoder, num_labels=len(labels)
    )
    given = dict(RECIPES[options.recipe])
    if options.rate:
        given["learning_rate"] = options.rate
    if options.epochs:
        given["num_train_epochs"] = options.epochs
    tuned = options.recipe == "tuned"
    if tuned:
        given["warmup_steps"] = round(0.06 * given["num_train_epochs"] * len(training) / BATCH)
    arguments = TrainingArguments(
        output_dir=str(options.work), per_device_train_batch_size=BATCH,
        per_device_eval_batch_size=128, use_cpu=not torch.cuda.is_available(),
        eval_strategy="epoch", save_strategy="best" if tuned else "no",
        save_total_limit=1, load_best_model_at_end=tuned, metric_for_best_model="accuracy",
        report_to="none", disable_tqdm=True, logging_strategy="no", seed=0, **given,
    )  # fmt: skip
    trainer = Trainer(
        model=model,
        args=arguments,
        train_dataset=training,
        eval_dataset=sorted(judged["validation"], key=lambda row: row["length"]),
        data_collator=DataCollatorWithPadding(
            tokenizer, padding="max_length" if padded else True, max_length=128 if padded else None
        ),
        processing_class=tokenizer,
        compute_metrics=lambda found: {
            "accuracy": float((found.predictions.argmax(-1) == found.label_ids).mean())
        },
        callbacks=[Told(), *([EarlyStoppingCallback(2)] if tuned else [])],
    )
    say("ready", titles=len(training), tokens=sum(row["length"] for row in training))
    trainer.train()
    say("end")
    for part, own in judged.items():
        # The labels as the Trainer gives them back: it may group these rows by length too.
        found = trainer.predict(own)
        right = found.predictions.argmax(-1) == found.label_ids
        say("judged", part=part, accuracy=float(right.mean()))


def sets(data: Path, name: str):
    if name != "parallel-synthetic":
        return read(data, name, "all")
    import prodcat

    catalog = prodcat.read_catalog(
        str(data / name / "items.jsonl.gz"), path_ids="path_ids", language="language"
    )
    rows = np.resize(np.arange(len(catalog)), 50_000)
    return catalog.take(rows), catalog.take(np.arange(500)), None


if __name__ == "__main__":
    main()
