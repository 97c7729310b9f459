"""Product titles in, category paths out.

A classifier learns from a table of titles with their categories, and answers titles::

    catalog = prodcat.read_catalog("titles.csv", path="category", keep=["id"])
    parts = prodcat.split(catalog)
    classifier = prodcat.fit(parts.train, validation=parts.validation)
    classifier.evaluate(parts.test).to_frame("category")
    classifier.predict(parts.test).to_frame()
    classifier.save("model")
    classifier = prodcat.load("model")

Tables of titles:     first_look, read_catalog, split, leak_audit, suggest_columns
Trees of categories:  read_taxonomy, Taxonomy
Training:             fit, ModelConfig, TrainingConfig, CategoryClassifier for scikit-learn
Answers:              Classifier, Predictions, AnswerOptions, Evaluation, Comparison
Whole files:          score, ScoringConfig
Stores of models:     Store, load
Reports for people:   the modules of prodcat.insight

The public names are imported when they are first used, so that ``import prodcat`` is fast.
"""

from typing import TYPE_CHECKING, Any

from prodcat._version import __version__ as __version__
from prodcat.deprecated import MOVED, install

install()

_PUBLIC = {
    "AliasEvent": "storage.aliases",
    "AnswerOptions": "decisions.options",
    "ArtifactError": "errors",
    "Cache": "storage.cache",
    "Catalog": "catalog.catalog",
    "CatalogError": "errors",
    "CatalogReport": "catalog.report",
    "CategoryClassifier": "training.estimator",
    "CheckpointError": "errors",
    "CheckpointFolder": "training.checkpoint",
    "Classifier": "classifier.classifier",
    "ColumnGains": "insight.columns",
    "Comparison": "evaluation.comparison",
    "ConfigError": "errors",
    "ConflictError": "errors",
    "EncoderError": "errors",
    "Evaluation": "evaluation.evaluation",
    "ExpectedCost": "decisions.objectives",
    "Explanation": "classifier.explanation.explanation",
    "Explanations": "classifier.explanation.explanations",
    "FirstLook": "insight.first_look.result",
    "Guarantee": "decisions.guarantee",
    "HierarchicalF": "decisions.objectives",
    "InputChangedError": "errors",
    "Interrupted": "errors",
    "Key": "storage.signature",
    "LabelMigration": "catalog.undecided",
    "LabelledTitles": "model.neighbours",
    "MigrationReport": "classifier.migration.report",
    "ModelConfig": "model.config",
    "MostLikelyPath": "decisions.objectives",
    "OutputInUseError": "errors",
    "PlaceError": "errors",
    "Prediction": "classifier.prediction",
    "Predictions": "classifier.prediction",
    "ProdcatError": "errors",
    "ReadOptions": "storage.read_options",
    "ScoringConfig": "scoring.config",
    "ScoringError": "errors",
    "ScoringReport": "scoring.report",
    "Store": "classifier.store",
    "StoreError": "errors",
    "Taxonomy": "taxonomy.tree",
    "TaxonomyError": "errors",
    "TrainingConfig": "model.config",
    "TrainingInterrupted": "errors",
    "TreeChange": "taxonomy.changes.change",
    "TreeChanges": "taxonomy.changes.changes",
    "TreeDistance": "decisions.objectives",
    "UndecidedLabel": "catalog.undecided",
    "Version": "storage.listing",
    "VocabularyReport": "model.vocabulary_report",
    "export_onnx": "classifier.onnx_export",
    "first_look": "insight.first_look.look",
    "fit": "training.fitting",
    "leak_audit": "catalog.splits",
    "load": "classifier.loading",
    "read_catalog": "catalog.reading",
    "read_taxonomy": "taxonomy.reading",
    "score": "scoring.jobs",
    "split": "catalog.splits",
    "suggest_columns": "insight.columns",
    "trim_encoder": "model.trimming",
}

__all__ = [
    "AliasEvent",
    "AnswerOptions",
    "ArtifactError",
    "Cache",
    "Catalog",
    "CatalogError",
    "CatalogReport",
    "CategoryClassifier",
    "CheckpointError",
    "CheckpointFolder",
    "Classifier",
    "ColumnGains",
    "Comparison",
    "ConfigError",
    "ConflictError",
    "EncoderError",
    "Evaluation",
    "ExpectedCost",
    "Explanation",
    "Explanations",
    "FirstLook",
    "Guarantee",
    "HierarchicalF",
    "InputChangedError",
    "Interrupted",
    "Key",
    "LabelMigration",
    "LabelledTitles",
    "MigrationReport",
    "ModelConfig",
    "MostLikelyPath",
    "OutputInUseError",
    "PlaceError",
    "Prediction",
    "Predictions",
    "ProdcatError",
    "ReadOptions",
    "ScoringConfig",
    "ScoringError",
    "ScoringReport",
    "Store",
    "StoreError",
    "Taxonomy",
    "TaxonomyError",
    "TrainingConfig",
    "TrainingInterrupted",
    "TreeChange",
    "TreeChanges",
    "TreeDistance",
    "UndecidedLabel",
    "Version",
    "VocabularyReport",
    "export_onnx",
    "first_look",
    "fit",
    "leak_audit",
    "load",
    "read_catalog",
    "read_taxonomy",
    "score",
    "split",
    "suggest_columns",
    "trim_encoder",
]

if TYPE_CHECKING:
    from prodcat.catalog.catalog import Catalog
    from prodcat.catalog.reading import read_catalog
    from prodcat.catalog.report import CatalogReport
    from prodcat.catalog.splits import leak_audit, split
    from prodcat.catalog.undecided import LabelMigration, UndecidedLabel
    from prodcat.classifier.classifier import Classifier
    from prodcat.classifier.explanation.explanation import Explanation
    from prodcat.classifier.explanation.explanations import Explanations
    from prodcat.classifier.loading import load
    from prodcat.classifier.migration.report import MigrationReport
    from prodcat.classifier.onnx_export import export_onnx
    from prodcat.classifier.prediction import Prediction, Predictions
    from prodcat.classifier.store import Store
    from prodcat.decisions.guarantee import Guarantee
    from prodcat.decisions.objectives import (
        ExpectedCost,
        HierarchicalF,
        MostLikelyPath,
        TreeDistance,
    )
    from prodcat.decisions.options import AnswerOptions
    from prodcat.errors import (
        ArtifactError,
        CatalogError,
        CheckpointError,
        ConfigError,
        ConflictError,
        EncoderError,
        InputChangedError,
        Interrupted,
        OutputInUseError,
        PlaceError,
        ProdcatError,
        ScoringError,
        StoreError,
        TaxonomyError,
        TrainingInterrupted,
    )
    from prodcat.evaluation.comparison import Comparison
    from prodcat.evaluation.evaluation import Evaluation
    from prodcat.insight.columns import ColumnGains, suggest_columns
    from prodcat.insight.first_look.look import first_look
    from prodcat.insight.first_look.result import FirstLook
    from prodcat.model.config import ModelConfig, TrainingConfig
    from prodcat.model.neighbours import LabelledTitles
    from prodcat.model.trimming import trim_encoder
    from prodcat.model.vocabulary_report import VocabularyReport
    from prodcat.scoring.config import ScoringConfig
    from prodcat.scoring.jobs import score
    from prodcat.scoring.report import ScoringReport
    from prodcat.storage.aliases import AliasEvent
    from prodcat.storage.cache import Cache
    from prodcat.storage.listing import Version
    from prodcat.storage.read_options import ReadOptions
    from prodcat.storage.signature import Key
    from prodcat.taxonomy.changes.change import TreeChange
    from prodcat.taxonomy.changes.changes import TreeChanges
    from prodcat.taxonomy.reading import read_taxonomy
    from prodcat.taxonomy.tree import Taxonomy
    from prodcat.training.checkpoint import CheckpointFolder
    from prodcat.training.estimator import CategoryClassifier
    from prodcat.training.fitting import fit


def __getattr__(name: str) -> Any:
    from importlib import import_module

    if f"prodcat.{name}" in MOVED:
        return import_module(f"prodcat.{name}")
    if name not in _PUBLIC:
        raise AttributeError(f"module 'prodcat' has no attribute {name!r}")
    value = getattr(import_module(f"prodcat.{_PUBLIC[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
