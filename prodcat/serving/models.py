"""The models of a server: loaded and dropped while others answer, within a budget of memory."""

import logging
import os
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any
from weakref import WeakSet

from prodcat.catalog.catalog import read_catalog
from prodcat.classifier.classifier import Classifier
from prodcat.classifier.inference import Decide, Inference
from prodcat.classifier.loading import is_reference, load
from prodcat.classifier.store import Store
from prodcat.decisions.decoding import Answers
from prodcat.decisions.options import ReadingPrecision
from prodcat.errors import ConfigError, ProdcatError
from prodcat.serving.media import Query
from prodcat.serving.memory import free_memory, give_back, trim
from prodcat.serving.refusal import Refusal
from prodcat.storage.archive import is_archive
from prodcat.storage.artifact import parse_manifest, read_manifest
from prodcat.storage.objects import Objects

logger = logging.getLogger("prodcat")
_DECISIONS = 64
_MOMENT = 2.0  # seconds
# Titles from which it is known how long one of many takes before the first are asked for.
_SOME = [f"{number} litre of {'whole ' * (number % 4)}milk" for number in range(32)]
_DIGITS = 6


class Served:
    """A classifier that answers queries.

    Args:
        name: As clients call it.
        uri: Where it is from.
        classifier: On its device.
        bytes: Of memory that it takes.
        precision: Of its encoder.
    """

    def __init__(
        self,
        name: str,
        uri: str,
        classifier: Classifier,
        bytes: int,
        precision: ReadingPrecision = "auto",
    ) -> None:
        self.name, self.uri, self.classifier = name, uri, classifier
        # An encoder's weights are there as they are, and as they are read with.
        self.encoder = classifier.network.encoder
        self.encoder_bytes = min(2 * classifier.encoder_memory, bytes)
        self.own_bytes = max(bytes - self.encoder_bytes, classifier.memory)
        self.seconds = 0.0
        self.text = classifier.text_columns
        self.fast = classifier.inference(classifier.pick_precision(precision))
        # Promises are measured in float32; where there is none, none can be asked for.
        self.exact = self.fast if classifier.guarantee is None else classifier.inference()
        tree = classifier.taxonomy
        self._nodes = [
            {
                "path": list(tree.paths[node]),
                "id": tree.ids[node],
                "ids": [tree.ids[own] for own in tree.ancestors(node)],
            }
            for node in range(len(tree))
        ] + [{"path": [], "id": "", "ids": []}]
        self._decisions: OrderedDict[tuple[Any, ...], Decide] = OrderedDict()
        self._lock = threading.Lock()

    @property
    def bytes(self) -> int:
        """Of memory that it takes, a shared encoder counted."""
        return self.own_bytes + self.encoder_bytes

    @property
    def columns(self) -> list[str]:
        """What may come beside a title."""
        group = self.classifier.group_column(True)
        return list(dict.fromkeys([*self.text, *([group] if group else [])]))

    def inference(self, query: Query) -> Inference:
        """What reads the titles of a query."""
        return self.exact if query.promises else self.fast

    def decision(self, settings: Mapping[str, Any]) -> Decide:
        """How answers are decided.

        Raises:
            Refusal: 400: the settings do not go together.
        """
        key = tuple(sorted(settings.items()))
        with self._lock:
            if key in self._decisions:
                self._decisions.move_to_end(key)
                return self._decisions[key]
        try:
            found = self.classifier.decision(**settings)
        except (ProdcatError, ArithmeticError) as error:
            raise Refusal(400, str(error)) from error
        with self._lock:
            self._decisions[key] = found
            while len(self._decisions) > _DECISIONS:
                self._decisions.popitem(last=False)
        return found

    def texts(self, query: Query) -> tuple[list[str], list[str] | None, dict[int, str]]:
        """What is read of each title, its group if it is needed, and what is wrong with it."""
        group = self.classifier.group_column(query.promises)
        size = len(query)
        needed = dict.fromkeys(["title", *self.text, *([group] if group else [])])
        columns = {name: query.columns.get(name, [None] * size) for name in needed}
        catalog = read_catalog(
            columns,
            title="title",
            path=None,
            text=list(self.text),
            keep=[] if group is None else [group],
            on_error="accept",
        )
        errors = {problem.row: problem.reason for problem in catalog.report.problems}
        groups = None if group is None else catalog.column(group)
        return self.classifier.texts_of(catalog), groups, {**errors, **query.errors}

    def records(self, answers: Answers, errors: Mapping[int, str]) -> list[dict[str, Any]]:
        """Answers as they are sent."""
        found = []
        rows = zip(
            answers.nodes.tolist(),
            answers.confidence.tolist(),
            answers.level_confidence.tolist(),
            strict=True,
        )
        for row, (nodes, confidence, levels) in enumerate(rows):
            if row in errors:
                found.append({"error": errors[row]})
                continue
            best = self._nodes[nodes[0]]
            record: dict[str, Any] = {
                **best,
                "confidence": round(confidence[0], _DIGITS),
                "level_confidences": [
                    round(own, _DIGITS) for own in levels[0][: len(best["path"])]
                ],
            }
            if len(nodes) > 1:
                record["others"] = [
                    {
                        "path": self._nodes[node]["path"],
                        "id": self._nodes[node]["id"],
                        "confidence": round(own, _DIGITS),
                    }
                    for node, own in zip(nodes[1:], confidence[1:], strict=True)
                ]
            found.append(record)
        return found


class Models:
    """All models of a server.

    Args:
        budget: Bytes that they may take together; what is free if not given.
        device: Where they are.
        opener: From a URI to a classifier.
        precision: Of their encoders.
    """

    def __init__(
        self,
        budget: int | None = None,
        device: str | None = None,
        opener: Callable[..., Classifier] = load,
        precision: ReadingPrecision = "auto",
    ) -> None:
        self.precision = precision
        self.budget, self.device, self.opener = budget, device, opener
        self._models: dict[str, Served] = {}
        self._loading: dict[str, int] = {}  # bytes that are kept for a model
        self._leaving: WeakSet[Served] = WeakSet()  # dropped, and still answering
        self._lock = threading.Lock()

    def __len__(self) -> int:
        """How many are there."""
        return len(self._models)

    @property
    def bytes(self) -> int:
        """Of memory that is taken or kept."""
        with self._lock:
            return self._taken()

    def _taken(self) -> int:
        models = [*self._models.values(), *self._leaving]
        # What several share is there once, whoever of them came first and is gone.
        encoders = {id(own.encoder): own.encoder_bytes for own in models}
        there = sum(own.own_bytes for own in models) + sum(encoders.values())
        return there + sum(self._loading.values())

    def get(self, name: str) -> Served:
        """A model.

        Raises:
            Refusal: 404: there is none of that name.
        """
        with self._lock:
            if name in self._models:
                return self._models[name]
        raise Refusal(404, f"There is no model {name!r} here. Load it with POST /models.")

    def all(self) -> list[Served]:
        """All of them, by name."""
        with self._lock:
            return [self._models[name] for name in sorted(self._models)]

    def load(self, name: str, uri: str) -> Served:
        """Load one; takes its time.

        Raises:
            Refusal: 409: it is there; 507: it does not fit; 400 or 404: there is no model in
                that place.
        """
        if not is_reference(uri) and not _is_there(uri):
            raise Refusal(404, f"There is nothing at {uri!r}.")
        try:
            size = artifact_bytes(uri)
        except (ProdcatError, OSError, ValueError) as error:
            raise Refusal(400, f"The model {name!r} cannot be loaded: {error}") from error
        self._keep(name, size)
        served: Served | None = None
        with self._lock:
            dropped = len(self._leaving) > 0
        if dropped:
            give_back()
        try:
            served = open_model(
                name, uri, size, self.device, self.opener, self.all(), self.precision
            )
        except ProdcatError as error:
            raise Refusal(400, f"The model {name!r} cannot be loaded: {error}") from error
        except (MemoryError, RuntimeError) as error:
            # Both of torch's allocators raise a RuntimeError.
            if isinstance(error, MemoryError) or "memory" in str(error):
                raise Refusal(507, f"There is no memory for the model {name!r}.") from error
            raise
        finally:
            with self._lock:
                del self._loading[name]
                if served is not None:
                    self._models[name] = served
            trim()  # what was needed to load it alone
        return served

    def _keep(self, name: str, size: int) -> None:
        """Keep memory for a model; those that were dropped are given a moment to be gone."""
        limit = time.monotonic() + _MOMENT
        while True:
            with self._lock:
                if name in self._models or name in self._loading:
                    raise Refusal(409, f"There is a model {name!r} already. Drop it first.")
                refused = self._too_much(name, size)
                if refused is None:
                    self._loading[name] = size
                    return
                if not self._leaving or time.monotonic() > limit:
                    raise refused
            give_back()
            time.sleep(0.05)

    def _too_much(self, name: str, size: int) -> Refusal | None:
        needs = f"The model {name!r} takes about {size:,} bytes, and"
        if self.budget is not None:
            taken = self._taken()
            if taken + size <= self.budget:
                return None
            return Refusal(
                507, f"{needs} {taken:,} of {self.budget:,} are taken. Drop another one first."
            )
        free = free_memory(self.device)
        if free is None or size + sum(self._loading.values()) <= free:
            return None
        return Refusal(507, f"{needs} {free:,} are free. Drop another one first.")

    def drop(self, name: str) -> None:
        """Let one go; requests that it is answering are answered.

        Raises:
            Refusal: 404: there is none of that name.
        """
        with self._lock:
            if name not in self._models:
                raise Refusal(404, f"There is no model {name!r} here.")
            self._leaving.add(self._models.pop(name))


def named_model(environment: Mapping[str, str] = os.environ) -> str:
    """The model that a container is to serve: ``PRODCAT_MODEL``, or what SageMaker unpacked.

    Raises:
        ConfigError: There is none.
    """
    if environment.get("PRODCAT_MODEL"):
        return environment["PRODCAT_MODEL"]
    folder = Path(environment.get("SAGEMAKER_BASE_DIR", "/opt/ml"), "model")
    if folder.is_dir():
        return str(folder)
    raise ConfigError(
        f"Found no model: no --model, no PRODCAT_MODEL in the environment and no {folder}; "
        "expected one of them."
    )


def _is_there(uri: str) -> bool:
    import fsspec

    try:
        filesystem, path = fsspec.url_to_fs(uri)
        return bool(filesystem.exists(path))
    except Exception as error:  # every store has its own
        raise Refusal(400, f"{uri[:200]!r} cannot be read: {error}") from error


def open_model(
    name: str,
    uri: str,
    size: int = 0,
    device: str | None = None,
    opener: Callable[..., Classifier] = load,
    others: Sequence[Served] = (),
    precision: ReadingPrecision = "auto",
) -> Served:
    """Load a model and answer once, so that what is made at the first answer is made.

    Args:
        name: As clients call it.
        uri: Where it is.
        size: Of memory that it takes.
        device: Where it is to be.
        opener: From a URI to a classifier.
        others: Models whose encoder it shares if it is the same.
        precision: Of its encoder.

    Raises:
        ProdcatError: There is no model.
    """
    classifier = opener(uri, device=device)
    any(classifier.share_encoder(other.classifier) for other in others)
    served = Served(name, uri, classifier, size, precision)
    for titles in (["a"], _SOME):
        began = time.monotonic()
        served.fast.answers(served.fast.ready(titles), served.decision({}))
        served.seconds = (time.monotonic() - began) / len(titles)
    return served


def artifact_bytes(uri: str) -> int:
    """About how much memory a model takes, by the sizes of its files before they are read.

    The weights once as they are and once as they are read with, a quarter for what is made while
    titles are read, a tokenizer ten times its JSON.

    Raises:
        ProdcatError: There is no artifact.
    """
    folder, _, name = uri.rstrip("/").rpartition("/")
    if is_archive(uri):
        return 4 * Objects(folder or ".").size(name) + (1 << 20)
    if is_reference(uri):
        files: Mapping[str, Any] = Store(folder or ".").show(name).files
    else:
        files = parse_manifest(read_manifest(Objects(uri)), uri)["files"]
    sizes = {name: int(own["bytes"]) for name, own in files.items()}
    weights, tokenizer = sizes.get("model.safetensors", 0), sizes.get("tokenizer.json", 0)
    return 2 * weights + weights // 4 + 10 * tokenizer + (1 << 20)
