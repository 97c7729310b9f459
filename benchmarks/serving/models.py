"""The models that are served: prodcat's, and the same encoder for the other servers."""

import json
import random
import shutil
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks import frozen_sets
from benchmarks.jobs import Options
from benchmarks.reporting import Row, cpu

if TYPE_CHECKING:
    from prodcat import Classifier

SET = "shop-titles-en"
WARM_UP = "warm-up-"  # before the name of a file of requests


def fit_models(options: Options) -> Row:
    """One classifier on multilingual-e5-small, and its encoder as transformers' classifier.

    The work folder gets ``model``, ``transformers``, ``encoder-alone``, and the requests: the test
    titles, each once, and others with which servers are warmed up.
    """
    classifier, test = frozen_sets.fitted(options, SET)
    titles = list(dict.fromkeys(test.titles))
    random.Random(0).shuffle(titles)
    write_files(options, classifier, titles)
    cascade = str(classifier.reader.cascade)
    return {"outcomes": len(classifier.taxonomy.outcomes), "cascade": cascade, "cpu": cpu()}


def write_files(options: Options, classifier: "Classifier", titles: Sequence[str]) -> None:
    """Write the encoder for the other servers, and the requests of all."""
    import transformers

    from prodcat.demo.quick_commerce import generate

    encoder = classifier.network.encoder
    assert encoder is not None
    body: Any = encoder.model()
    config, tree = body.config, classifier.taxonomy
    names = [" > ".join(tree.paths[node]) for node in tree.outcomes]
    config.id2label = dict(enumerate(names))
    config.label2id = {name: number for number, name in config.id2label.items()}
    other = transformers.BertForSequenceClassification(config)
    other.bert.load_state_dict(body.state_dict(), strict=False)
    folder = options.work / "transformers"
    other.save_pretrained(folder)
    transformers.PreTrainedTokenizerFast(
        tokenizer_object=classifier.tokenizer,
        pad_token="<pad>",
        model_max_length=classifier.model.max_tokens,
    ).save_pretrained(folder)
    settings = folder / "tokenizer_config.json"  # by the name that transformers 4 knows
    known = {**json.loads(settings.read_text()), "tokenizer_class": "PreTrainedTokenizerFast"}
    settings.write_text(json.dumps(known))
    alone = options.work / "encoder-alone"
    body.save_pretrained(alone)
    for name in ("tokenizer.json", "tokenizer_config.json"):
        shutil.copy(folder / name, alone / name)
    (options.work / "titles.json").write_text(json.dumps(titles))
    write_titles(options, "", titles)
    # Made-up titles in another language, so that no piece of the measured ones is known.
    write_titles(options, WARM_UP, [row.title for row in generate(256, "tr")])


def write_titles(options: Options, prefix: str, titles: Sequence[str]) -> None:
    """Write the requests of all servers, one title each."""
    write_bodies(options.work / f"{prefix}one.jsonl", ({"inputs": title} for title in titles))
    write_bodies(
        options.work / f"{prefix}infinity.jsonl",
        ({"model": "m", "input": [title]} for title in titles),
    )


def read_titles(options: Options) -> list[str]:
    """The test titles, which are what is asked."""
    titles: list[str] = json.loads((options.work / "titles.json").read_text())
    return titles


def write_bodies(path: Path, bodies: Iterable[Row]) -> None:
    """Write requests, one JSON body a line."""
    path.write_text("".join(json.dumps(body, ensure_ascii=False) + "\n" for body in bodies))
