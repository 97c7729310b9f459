"""Export a classifier as an ONNX graph, for runtimes without torch.

    model.onnx        the graph: token ids (and n-gram margins) to calibrated log-probabilities
    outcomes.json     ids and paths of the outcomes, in the order of the graph's output
    tokenizer.json    the tokenizer, which turns titles into token ids

The graph computes everything from token ids to log-probabilities.  It cannot extract n-grams from
text: for a classifier with a lexical branch, the margins of the n-grams, which
:func:`lexical_margins` computes, are a further input.  If the classifier has a branch of titles
alone, the graph has one more input: which rows have no further text, bool [batch], as
:func:`prodcat.catalog.fields.are_titles_alone` computes.
"""

import copy
import os
import tempfile
import warnings
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from prodcat.catalog.fields import BORDER, are_titles_alone
from prodcat.classifier.classifier import Classifier
from prodcat.errors import ArtifactError, ConfigError, StoreError
from prodcat.model.tokenization import tokenize
from prodcat.storage.archive import is_archive
from prodcat.storage.containers import path_text
from prodcat.storage.document import json_bytes
from prodcat.storage.objects import Objects

if TYPE_CHECKING:
    from collections.abc import Sequence

_CLOSE = 1e-4  # largest difference of a probability between the graph and the classifier
_TITLES = ("yarim yagli sut 1 lt", "Bio Vollmilch 3,8 % 1 l", "x", "şeker", "café moulu 250 g" * 4)


class _Graph(nn.Module):
    def __init__(self, classifier: Classifier) -> None:
        super().__init__()
        self.network = copy.deepcopy(classifier.network).cpu().float().eval()
        encoder = self.network.encoder
        assert encoder is not None
        # Attention that depends on the size of the batch cannot be exported.
        encoder.model().set_attn_implementation("sdpa")  # type: ignore[operator]
        self.network.lexical = None
        self.weights = classifier.weights
        self.acting = self.weights.acting()
        self.titles = classifier.reader.title_branch
        self.reads_margins = classifier.model.lexical
        changes = classifier.reader.migrations
        self.migrations = None if changes is None else changes.to("cpu")
        steps = () if self.migrations is None else self.migrations.steps
        self.maps = nn.ModuleList(part for step in steps for part in (step.outcome_map, step.paths))
        self.eval()

    def forward(
        self,
        input_ids: Tensor,
        attention_mask: Tensor,
        margins: Tensor,
        titles_alone: Tensor | None = None,
    ) -> Tensor:
        paths = self.network.paths
        scores = paths.log_probs(self.network.logits(input_ids, attention_mask.bool()))
        given = margins if self.reads_margins else None
        log_probs = self.weights.applied(paths, scores, given, *self.acting)
        if self.titles is not None and titles_alone is not None:
            of_titles = self.titles.weights
            by_titles = of_titles.applied(paths, scores, given, *of_titles.acting())
            log_probs = torch.where(titles_alone[:, None], by_titles, log_probs)
        if self.migrations is None:
            return log_probs
        return self.migrations(log_probs, None, False)


def export_onnx(classifier: Classifier, uri: str | os.PathLike[str]) -> float:
    """Write a classifier as an ONNX graph, after comparing its answers with the classifier's.

    Args:
        classifier: A classifier with an encoder.
        uri: The folder to write, at any fsspec URI.

    Returns:
        The largest absolute difference between a probability of the graph, in ONNX Runtime, and of
        the classifier, on a few titles.

    Raises:
        ConfigError: There is no encoder, packages are missing, or ``uri`` names an archive.
        ArtifactError: The graph's probabilities differ by more than 0.0001, or the graph cannot be
            written.
    """
    uri = path_text(uri, "uri", "the path or URI of a folder", ConfigError)
    if is_archive(uri):
        raise ConfigError(f"{uri!r} names an archive; expected a folder for the graph's files.")
    _check_exportable(classifier)
    try:
        import onnx  # noqa: F401
        import onnxruntime
        import onnxscript  # noqa: F401
    except ImportError as error:
        raise ConfigError(
            f"The export needs further packages ({error}). Run: pip install 'prodcat[onnx]'."
        ) from error
    graph = _Graph(classifier)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.onnx"
        _export(graph, classifier, path)
        session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
        worst = _difference(session, classifier)
        if not worst <= _CLOSE:
            raise ArtifactError(
                f"The graph's probabilities differ by {worst:.2g} from the classifier's; expected "
                f"at most {_CLOSE:g}. Nothing was written. Use other versions of torch and onnx."
            )
        parts = {file.name: file.read_bytes() for file in sorted(Path(folder).iterdir())}
    taxonomy = classifier.taxonomy
    outcomes = [
        {"id": taxonomy.ids[node], "path": list(taxonomy.path(int(node)))}
        for node in taxonomy.outcomes
    ]
    parts["outcomes.json"] = json_bytes(outcomes)
    assert classifier.tokenizer is not None
    parts["tokenizer.json"] = classifier.tokenizer.to_str().encode()
    objects = Objects(uri)
    try:
        for name, content in parts.items():
            objects.write(name, content)
    except StoreError as error:
        raise ArtifactError(f"Cannot write the graph to {uri!r}: {error}") from error
    return worst


def _check_exportable(classifier: Classifier) -> None:
    """Refuse classifiers of which no graph can be made.

    Raises:
        ConfigError: There is no encoder, or probability is shared out by the words of titles.
    """
    if classifier.network.encoder is None or classifier.tokenizer is None:
        raise ConfigError(
            "This classifier has no encoder, so there is no graph to export; expected a classifier "
            "with an encoder."
        )
    migrations = classifier.reader.migrations
    if migrations is not None and migrations.needs_scores:
        raise ConfigError(
            "The tree of this classifier has changed, and what categories were split into or added "
            "is told by the words of titles, which a graph cannot read. Train a classifier on the "
            "new tree, and export that."
        )


def lexical_margins(classifier: Classifier, titles: "Sequence[str]") -> NDArray[np.float32]:
    """Compute the scores by the n-grams, which are the graph's input ``margins``.

    Args:
        classifier: The classifier.
        titles: The texts of titles, from ``classifier.texts_of(catalog)``.

    Returns:
        float32 [titles, outcome]; zeros without a lexical branch.
    """
    if classifier.ngrams is None:
        return np.zeros((len(titles), len(classifier.learned_tree.outcomes)), np.float32)
    texts, branch = list(titles), classifier.reader.title_branch
    with torch.inference_mode():
        margins = classifier.network.lexical_scores(classifier.ngrams(texts))
        assert margins is not None
        if branch is not None:
            alone = torch.from_numpy(are_titles_alone(texts)).to(margins.device)[:, None]
            margins = torch.where(alone, branch.lexical(branch.ngrams(texts)), margins)
    return margins.cpu().numpy().astype(np.float32, copy=False)


def _export(graph: _Graph, classifier: Classifier, path: Path) -> None:
    ids = torch.ones(2, 5, dtype=torch.int64)
    margins = torch.from_numpy(lexical_margins(classifier, ["a", "b"]))
    batch, tokens = torch.export.Dim("batch"), torch.export.Dim("tokens")
    inputs = {
        "input_ids": (ids, {0: batch, 1: tokens}),
        "attention_mask": (torch.ones_like(ids), {0: batch, 1: tokens}),
        "margins": (margins, {0: batch}),
    }
    if graph.titles is not None:
        inputs["titles_alone"] = (torch.tensor([True, False]), {0: batch})
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # axes share a name on purpose
        program = torch.onnx.export(
            graph,
            tuple(example for example, _ in inputs.values()),
            input_names=list(inputs),
            output_names=["log_probs"],
            dynamic_shapes=tuple(axes for _, axes in inputs.values()),
            dynamo=True,
            verbose=False,
        )
    assert program is not None
    program.save(str(path))


def _difference(session: Any, classifier: Classifier) -> float:
    titles = list(_TITLES)
    if classifier.reader.title_branch is not None:
        titles += [BORDER.join(pair) for pair in pairwise(_TITLES)]
    assert classifier.tokenizer is not None
    table = tokenize(classifier.tokenizer, titles, classifier.model.max_tokens)
    ids, mask = table.pad(np.arange(len(titles)), 0)
    margins = lexical_margins(classifier, titles)
    feeds = {
        "input_ids": ids.numpy(),
        "attention_mask": mask.long().numpy(),
        "margins": margins,
        "titles_alone": are_titles_alone(titles),
    }
    names = {node.name for node in session.get_inputs()}
    [log_probs] = session.run(None, {name: feeds[name] for name in feeds if name in names})
    expected = torch.cat(list(classifier.reader.log_probs(titles))).cpu().numpy()
    return float(np.abs(np.exp(log_probs) - np.exp(expected)).max())
