"""Supports import paths of earlier versions: forwards names to the modules where they are now.

Each use of such a path emits a :class:`DeprecationWarning` that says what to import instead.
"""

import sys
import warnings
from collections.abc import Callable, Sequence
from importlib import import_module
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from types import ModuleType
from typing import Any

# For each earlier module, the modules where its names are now.
MOVED: dict[str, tuple[str, ...]] = {
    "prodcat.activations": ("prodcat.training.activations",),
    "prodcat.aliases": ("prodcat.storage.aliases",),
    "prodcat.archive": ("prodcat.storage.archive",),
    "prodcat.artifact": ("prodcat.storage.artifact", "prodcat.storage.manifest"),
    "prodcat.attention": ("prodcat.model.attention",),
    "prodcat.aws.infrastructure": ("prodcat.pipeline.infrastructure",),
    "prodcat.cache": ("prodcat.storage.cache",),
    "prodcat.calibration": ("prodcat.decisions.calibration", "prodcat.decisions.weights"),
    "prodcat.carry": ("prodcat.training.warm_start",),
    "prodcat.catalog": (
        "prodcat.catalog.report",
        "prodcat.catalog.cells",
        "prodcat.catalog.catalog",
        "prodcat.catalog.columns",
        "prodcat.catalog.targets",
        "prodcat.catalog.reading",
    ),
    "prodcat.checkpoint": ("prodcat.training.checkpoint",),
    "prodcat.classifier": (
        "prodcat.classifier.classifier",
        "prodcat.classifier.reader",
        "prodcat.classifier.prediction",
        "prodcat.classifier.device",
        "prodcat.classifier.opening",
    ),
    "prodcat.cli": ("prodcat.cli.command",),
    "prodcat.cli_input": ("prodcat.cli.input", "prodcat.cli.classifiers"),
    "prodcat.cli_insight": ("prodcat.cli.command",),
    "prodcat.cli_models": ("prodcat.cli.models", "prodcat.cli.environment"),
    "prodcat.cli_pipeline": ("prodcat.cli.pipeline",),
    "prodcat.cli_serve": ("prodcat.cli.serve",),
    "prodcat.closed_form": ("prodcat.training.closed_form",),
    "prodcat.config": (
        "prodcat.model.config",
        "prodcat.scoring.config",
        "prodcat.decisions.options",
    ),
    "prodcat.countries": ("prodcat.pipeline.countries",),
    "prodcat.decoding": (
        "prodcat.decisions.decoding",
        "prodcat.decisions.answers",
        "prodcat.decisions.objectives",
    ),
    "prodcat.document": ("prodcat.storage.document",),
    "prodcat.encoder": (
        "prodcat.model.encoder",
        "prodcat.model.pretrained",
        "prodcat.model.trimming",
        "prodcat.model.untrusted",
        "prodcat.model.weightless",
    ),
    "prodcat.estimator": ("prodcat.training.estimator",),
    "prodcat.fingerprint": ("prodcat.catalog.fingerprint",),
    "prodcat.fitting": ("prodcat.training.fitting",),
    "prodcat.gate": ("prodcat.pipeline.gate",),
    "prodcat.guarantee": ("prodcat.decisions.guarantee", "prodcat.decisions.conformal"),
    "prodcat.heads": ("prodcat.model.heads",),
    "prodcat.inference": ("prodcat.classifier.inference", "prodcat.decisions.decider"),
    "prodcat.insight.assortment.page": ("prodcat.insight.assortment.result",),
    "prodcat.insight.audit.page": ("prodcat.insight.audit.result",),
    "prodcat.insight.drift.page": ("prodcat.insight.drift.result",),
    "prodcat.insight.report.charts": ("prodcat.insight.report.page",),
    "prodcat.insight.report.markdown": ("prodcat.insight.report.report",),
    "prodcat.insight.report.mistakes": (
        "prodcat.insight.report.categories",
        "prodcat.insight.report.examples",
    ),
    "prodcat.judging": (
        "prodcat.evaluation.reliability",
        "prodcat.evaluation.judged_rows",
        "prodcat.evaluation.judging",
    ),
    "prodcat.ledger": ("prodcat.scoring.finished_parts", "prodcat.scoring.inputs"),
    "prodcat.lexical": (
        "prodcat.model.lexical",
        "prodcat.model.ngrams",
        "prodcat.training.lexical_fit",
    ),
    "prodcat.loading": ("prodcat.classifier.loading",),
    "prodcat.loss": ("prodcat.training.loss",),
    "prodcat.metrics": (
        "prodcat.evaluation.intervals",
        "prodcat.evaluation.reliability",
        "prodcat.evaluation.levels",
        "prodcat.evaluation.confusions",
        "prodcat.evaluation.comparison",
        "prodcat.evaluation.evaluation",
        "prodcat.evaluation.metrics",
    ),
    "prodcat.network": ("prodcat.model.network",),
    "prodcat.objects": (
        "prodcat.storage.objects",
        "prodcat.storage.folder",
        "prodcat.storage.faults",
        "prodcat.storage.local_disk",
    ),
    "prodcat.onnx_export": ("prodcat.classifier.onnx_export",),
    "prodcat.parts": ("prodcat.scoring.parts",),
    "prodcat.path_model": ("prodcat.model.path_model",),
    "prodcat.pipeline": ("prodcat.pipeline.jobs",),
    "prodcat.plots": ("prodcat.evaluation.plots",),
    "prodcat.ranks": ("prodcat.training.ranks",),
    "prodcat.ray_engine": ("prodcat.scoring.ray_engine",),
    "prodcat.reading": ("prodcat.model.precisions", "prodcat.model.packed", "prodcat.model.int8"),
    "prodcat.results": ("prodcat.classifier.results",),
    "prodcat.scorer": ("prodcat.scoring.scorer",),
    "prodcat.scoring": (
        "prodcat.scoring.jobs",
        "prodcat.scoring.report",
        "prodcat.scoring.shards",
        "prodcat.scoring.single_file",
    ),
    "prodcat.serving.apart": ("prodcat.serving.isolated",),
    "prodcat.serving.app": (
        "prodcat.serving.application",
        "prodcat.serving.server",
        "prodcat.serving.settings",
    ),
    "prodcat.serving.environment": ("prodcat.cli.environment",),
    "prodcat.serving.media": (
        "prodcat.serving.bodies",
        "prodcat.serving.media_types",
        "prodcat.serving.parquet_bodies",
        "prodcat.serving.query",
        "prodcat.serving.refusal",
        "prodcat.serving.settings",
    ),
    "prodcat.serving.memory": ("prodcat.serving.available_memory", "prodcat.cli.environment"),
    "prodcat.serving.models": (
        "prodcat.serving.loaded_models",
        "prodcat.serving.loading",
        "prodcat.serving.served",
        "prodcat.cli.environment",
    ),
    "prodcat.serving.payload": ("prodcat.cli.environment",),
    "prodcat.signature": ("prodcat.storage.signature",),
    "prodcat.spark": ("prodcat.scoring.spark",),
    "prodcat.splits": ("prodcat.catalog.splits",),
    "prodcat.stopping": ("prodcat.storage.interruption",),
    "prodcat.store": (
        "prodcat.classifier.store",
        "prodcat.storage.references",
        "prodcat.storage.listing",
    ),
    "prodcat.svm": ("prodcat.training.svm",),
    "prodcat.tables": ("prodcat.storage.tables", "prodcat.storage.table_files"),
    "prodcat.taxonomy": (
        "prodcat.taxonomy.paths",
        "prodcat.taxonomy.nodes",
        "prodcat.taxonomy.tree",
        "prodcat.taxonomy.reading",
    ),
    "prodcat.text": ("prodcat.catalog.text",),
    "prodcat.tokenization": (
        "prodcat.model.tokenization",
        "prodcat.model.batches",
        "prodcat.model.untrusted",
    ),
    "prodcat.training": (
        "prodcat.classifier.records",
        "prodcat.training.rows",
        "prodcat.training.precision",
        "prodcat.training.validation",
        "prodcat.training.task",
        "prodcat.training.loop",
    ),
    "prodcat.versions": ("prodcat.storage.versions",),
    "prodcat.vocabulary": ("prodcat.model.vocabulary", "prodcat.model.vocabulary_report"),
}
# For the earlier path of each name that changed, the name now.
RENAMED: dict[str, str] = {
    "prodcat.carry.Carried": "TransferredHeads",
    "prodcat.carry.carry_heads": "transfer_heads",
    "prodcat.gate.judge": "compare_candidate",
    "prodcat.inference.Inference": "BatchInference",
    "prodcat.judging.Bools": "Flags",
    "prodcat.judging.Nodes": "Ints",
    "prodcat.judging.judge_rows": "pair_answers",
    "prodcat.ledger.Done": "FinishedPart",
    "prodcat.ledger.Ledger": "FinishedParts",
    "prodcat.ledger.overwrite": "remove_output",
    "prodcat.objects.beside": "PartFile",
    "prodcat.results.Columns": "AnswerColumns",
    "prodcat.scorer.Ready": "PreparedRows",
    "prodcat.scorer.Scorer": "RowScorer",
    "prodcat.serving.apart.Apart": "IsolatedFunction",
}


def forward(old: str) -> Callable[[str], Any]:
    """Create the ``__getattr__`` of an earlier module.

    Args:
        old: The full name of the module, a key of :data:`MOVED`.

    Returns:
        A function that returns the object with a name from the module where it is now, and emits a
        warning.
    """

    def find(name: str) -> Any:
        package = vars(sys.modules[old]).get("__path__")
        # Python calls this before it imports a module of the package, which it must find itself.
        is_module = package is not None and PathFinder.find_spec(f"{old}.{name}", package)
        if not name.startswith("__") and not is_module:
            new_name = RENAMED.get(f"{old}.{name}", name)
            for place in MOVED[old]:
                module = import_module(place)
                if new_name in vars(module):
                    public = new_name in sys.modules["prodcat"].__all__
                    renamed = "" if new_name == name else f" as {new_name}"
                    warnings.warn(
                        f"{old}.{name} has moved: import it from "
                        f"{'prodcat' if public else place}{renamed}.",
                        DeprecationWarning,
                        stacklevel=2,
                    )
                    return getattr(module, new_name)
        raise AttributeError(f"module {old!r} has no attribute {name!r}")

    return find


class _Finder(MetaPathFinder, Loader):
    """Creates a module for each earlier import path at which there is no module any more."""

    def find_spec(
        self, name: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if name not in MOVED:
            return None
        spec = PathFinder.find_spec(name, path, target)
        if spec is None:
            return ModuleSpec(name, self)
        # The module is a package of the same name now, which supports the earlier names, too.
        if isinstance(spec.loader, SourceFileLoader):
            spec.loader = _PackageLoader(spec.loader.name, spec.loader.path)
        return spec

    def create_module(self, spec: ModuleSpec) -> None:
        """Return None, so that Python creates the module as usual."""

    def exec_module(self, module: ModuleType) -> None:
        module.__doc__ = f"Forwards to {', '.join(MOVED[module.__name__])}."
        module.__dict__["__getattr__"] = forward(module.__name__)


class _PackageLoader(SourceFileLoader):
    """Loads a package that also supports the names of the module that it replaced."""

    def exec_module(self, module: ModuleType) -> None:
        super().exec_module(module)
        module.__dict__.setdefault("__getattr__", forward(module.__name__))


def install() -> None:
    """Enable the earlier import paths; called when prodcat is imported."""
    if not any(isinstance(finder, _Finder) for finder in sys.meta_path):
        sys.meta_path.insert(0, _Finder())
