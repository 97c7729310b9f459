"""The Hugging Face Trainer as people use it: what prodcat's training is timed against.

    python -m benchmarks.training.trainer --data DIR --set food-terms --encoder DIR \
        --recipe default

Prints one JSON line for each event, see :mod:`benchmarks.training.events`.
"""

import argparse
import os
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

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

from benchmarks.frozen_sets import chain
from benchmarks.training.events import say
from benchmarks.training.systems import read_sets

if TYPE_CHECKING:
    from prodcat import Catalog

BATCH = 32
UNKNOWN = -100  # a label that training never saw: no loss, and never right
# "default" has the defaults of the text-classification example of transformers, "tuned" is the
# same by someone who knows it.  "unpadded" is the first without the padding to 128 and in
# bfloat16: padding is masked out, so that it learns the same, sooner; it is for the accuracy
# alone, never for a time.
RECIPES: dict[str, dict[str, Any]] = {
    "default": {"learning_rate": 2e-5, "num_train_epochs": 3},
    "unpadded": {"learning_rate": 2e-5, "num_train_epochs": 3, "bf16": True},
    "tuned": {
        "bf16": True,
        "train_sampling_strategy": "group_by_length",
        "optim": "adamw_torch_fused",
    },
}


class SayEvents(TrainerCallback):  # type: ignore[misc]
    """Prints when training begins, when a step is done, and when an epoch is judged."""

    def on_train_begin(self, args: Any, state: Any, control: Any, **rest: Any) -> None:
        """Training begins."""
        say("begin", steps=state.max_steps)

    def on_step_end(self, args: Any, state: Any, control: Any, **rest: Any) -> None:
        """A step is done."""
        say("step", step=state.global_step)

    def on_evaluate(
        self, args: Any, state: Any, control: Any, metrics: Any = None, **rest: Any
    ) -> None:
        """An epoch is judged."""
        say("epoch", epoch=state.epoch, accuracy=metrics["eval_accuracy"])


def read_arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.training.trainer")
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--set", required=True)
    parser.add_argument("--encoder", type=Path, required=True)
    parser.add_argument("--recipe", choices=list(RECIPES), required=True)
    parser.add_argument("--rate", type=float)
    parser.add_argument("--epochs", type=float)
    parser.add_argument("--rows", type=int, help="train on this many titles, drawn at random")
    parser.add_argument("--work", type=Path, default=Path(".bench-training/trainer"))
    return parser.parse_args()


def training_arguments(options: argparse.Namespace, titles: int) -> Any:
    """The recipe's arguments of the Trainer for so many titles."""
    recipe = dict(RECIPES[options.recipe])
    if options.rate:
        recipe["learning_rate"] = options.rate
    if options.epochs:
        recipe["num_train_epochs"] = options.epochs
    tuned = options.recipe == "tuned"
    if tuned:
        recipe["warmup_steps"] = round(0.06 * recipe["num_train_epochs"] * titles / BATCH)
    return TrainingArguments(
        output_dir=str(options.work), per_device_train_batch_size=BATCH,
        per_device_eval_batch_size=128, use_cpu=not torch.cuda.is_available(),
        eval_strategy="epoch", save_strategy="best" if tuned else "no",
        save_total_limit=1, load_best_model_at_end=tuned, metric_for_best_model="accuracy",
        report_to="none", disable_tqdm=True, logging_strategy="no", seed=0, **recipe,
    )  # fmt: skip


def accuracy_of(predicted: Any) -> float:
    """The share of rows whose largest logit is that of the label."""
    return float((predicted.predictions.argmax(-1) == predicted.label_ids).mean())


def main() -> None:
    """Train, and judge the validation and test titles in the end."""
    options = read_arguments()
    transformers.logging.set_verbosity_error()
    train, validation, test = read_sets(options.data, options.set)
    labels = sorted({chain(train.tree, node) for node in train.targets})
    number = {label: place for place, label in enumerate(labels)}
    tokenizer = AutoTokenizer.from_pretrained(options.encoder)

    def rows_of(catalog: "Catalog") -> list[dict[str, Any]]:
        tokens = tokenizer(list(catalog.titles), truncation=True, max_length=128)["input_ids"]
        targets = [number.get(chain(catalog.tree, node), UNKNOWN) for node in catalog.targets]
        return [
            {"input_ids": ids, "labels": label, "length": len(ids)}
            for ids, label in zip(tokens, targets, strict=True)
        ]

    training = rows_of(train)
    if options.rows:
        picked = np.random.default_rng(0).permutation(len(training))[: options.rows]
        training = [training[row] for row in picked]
    judged = {"validation": rows_of(validation)}
    if test is not None:
        judged["test"] = rows_of(test)
    padded = options.recipe == "default"
    trainer = Trainer(
        model=AutoModelForSequenceClassification.from_pretrained(
            options.encoder, num_labels=len(labels)
        ),
        args=training_arguments(options, len(training)),
        train_dataset=training,
        eval_dataset=sorted(judged["validation"], key=lambda row: row["length"]),
        data_collator=DataCollatorWithPadding(
            tokenizer, padding="max_length" if padded else True, max_length=128 if padded else None
        ),
        processing_class=tokenizer,
        compute_metrics=lambda predicted: {"accuracy": accuracy_of(predicted)},
        callbacks=[
            SayEvents(),
            *([EarlyStoppingCallback(2)] if options.recipe == "tuned" else []),
        ],
    )
    say("ready", titles=len(training), tokens=sum(row["length"] for row in training))
    trainer.train()
    say("end")
    for part, rows in judged.items():
        # The labels as the Trainer gives them back: it may group these rows by length too.
        say("judged", part=part, accuracy=accuracy_of(trainer.predict(rows)))


if __name__ == "__main__":
    main()
