"""Import paths of earlier versions, forwarded to where their names are now.

A forwarded name comes with a :class:`DeprecationWarning` that says what to import instead.
"""

import sys
import warnings
from collections.abc import Callable, Sequence
from importlib import import_module
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

# The old module, and the modules that its names are in now.
MOVED: dict[str, tuple[str, ...]] = {
    "prodcat.activations": ("prodcat.training.activations",),
    "prodcat.aliases": ("prodcat.storage.aliases",),
    "prodcat.archive": ("prodcat.storage.archive",),
    "prodcat.artifact": ("prodcat.storage.artifact",),
    "prodcat.attention": ("prodcat.model.attention",),
    "prodcat.aws.infrastructure": ("prodcat.pipeline.infrastructure",),
    "prodcat.cache": ("prodcat.storage.cache",),
    "prodcat.calibration": ("prodcat.decisions.calibration",),
    "prodcat.carry": ("prodcat.training.warm_start",),
    "prodcat.catalog": ("prodcat.catalog.catalog",),
    "prodcat.checkpoint": ("prodcat.training.checkpoint",),
    "prodcat.classifier": ("prodcat.classifier.classifier",),
    "prodcat.cli": ("prodcat.cli.command",),
    "prodcat.cli_input": ("prodcat.cli.input",),
    "prodcat.cli_insight": ("prodcat.cli.insight",),
    "prodcat.cli_models": ("prodcat.cli.models",),
    "prodcat.cli_pipeline": ("prodcat.cli.pipeline",),
    "prodcat.cli_serve": ("prodcat.cli.serve",),
    "prodcat.closed_form": ("prodcat.training.closed_form",),
    "prodcat.config": (
        "prodcat.model.config",
        "prodcat.scoring.config",
        "prodcat.decisions.options",
    ),
    "prodcat.countries": ("prodcat.pipeline.countries",),
    "prodcat.decoding": ("prodcat.decisions.decoding",),
    "prodcat.document": ("prodcat.storage.document",),
    "prodcat.encoder": ("prodcat.model.encoder",),
    "prodcat.estimator": ("prodcat.training.estimator",),
    "prodcat.fingerprint": ("prodcat.catalog.fingerprint",),
    "prodcat.fitting": ("prodcat.training.fitting",),
    "prodcat.gate": ("prodcat.pipeline.gate",),
    "prodcat.guarantee": ("prodcat.decisions.guarantee",),
    "prodcat.heads": ("prodcat.model.heads",),
    "prodcat.inference": ("prodcat.classifier.inference",),
    "prodcat.judging": ("prodcat.evaluation.judging",),
    "prodcat.ledger": ("prodcat.scoring.ledger",),
    "prodcat.lexical": (
        "prodcat.model.lexical",
        "prodcat.training.lexical_fit",
    ),
    "prodcat.loading": ("prodcat.classifier.loading",),
    "prodcat.loss": ("prodcat.training.loss",),
    "prodcat.metrics": ("prodcat.evaluation.metrics",),
    "prodcat.network": ("prodcat.model.network",),
    "prodcat.objects": ("prodcat.storage.objects",),
    "prodcat.onnx_export": ("prodcat.classifier.onnx_export",),
    "prodcat.parts": ("prodcat.scoring.parts",),
    "prodcat.path_model": ("prodcat.model.path_model",),
    "prodcat.pipeline": ("prodcat.pipeline.jobs",),
    "prodcat.plots": ("prodcat.evaluation.plots",),
    "prodcat.ranks": ("prodcat.training.ranks",),
    "prodcat.ray_engine": ("prodcat.scoring.ray_engine",),
    "prodcat.reading": ("prodcat.model.reading",),
    "prodcat.results": ("prodcat.classifier.results",),
    "prodcat.scorer": ("prodcat.scoring.scorer",),
    "prodcat.scoring": ("prodcat.scoring.jobs",),
    "prodcat.serving.environment": ("prodcat.aws.environment",),
    "prodcat.signature": ("prodcat.storage.signature",),
    "prodcat.spark": ("prodcat.scoring.spark",),
    "prodcat.splits": ("prodcat.catalog.splits",),
    "prodcat.stopping": ("prodcat.storage.interruption",),
    "prodcat.store": ("prodcat.classifier.store",),
    "prodcat.svm": ("prodcat.training.svm",),
    "prodcat.tables": ("prodcat.storage.tables",),
    "prodcat.taxonomy": ("prodcat.taxonomy.tree",),
    "prodcat.text": ("prodcat.catalog.text",),
    "prodcat.tokenization": ("prodcat.model.tokenization",),
    "prodcat.training": (
        "prodcat.training.loop",
        "prodcat.classifier.records",
    ),
    "prodcat.versions": ("prodcat.storage.versions",),
    "prodcat.vocabulary": ("prodcat.model.vocabulary",),
}


def forward(old: str) -> Callable[[str], Any]:
    """The ``__getattr__`` of a module whose names are elsewhere now.

    Args:
        old: The full name of the module, a key of :data:`MOVED`.
    """

    def find(name: str) -> Any:
        if not name.startswith("__"):
            for place in MOVED[old]:
                module = import_module(place)
                if name in vars(module):
                    public = name in sys.modules["prodcat"].__all__
                    warnings.warn(
                        f"{old}.{name} has moved: import it from {'prodcat' if public else place}.",
                        DeprecationWarning,
                        stacklevel=2,
                    )
                    return getattr(module, name)
        raise AttributeError(f"module {old!r} has no attribute {name!r}")

    return find


class _Finder(MetaPathFinder, Loader):
    """Makes a module for each import path that is a module no more."""

    def find_spec(
        self, name: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        return ModuleSpec(name, self) if name in MOVED else None

    def create_module(self, spec: ModuleSpec) -> None:
        """Python makes the module as usual."""

    def exec_module(self, module: ModuleType) -> None:
        module.__doc__ = f"Forwards to {', '.join(MOVED[module.__name__])}."
        module.__dict__["__getattr__"] = forward(module.__name__)


def install() -> None:
    """Answer imports of old paths; called once, when prodcat is imported."""
    if not any(isinstance(finder, _Finder) for finder in sys.meta_path):
        sys.meta_path.append(_Finder())
