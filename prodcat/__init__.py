"""prodcat: product titles in, category paths out.

The public names below are imported when they are first used, so that ``import prodcat``
is fast.
"""

from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

_PUBLIC = {
    "ArtifactError": "errors",
    "Catalog": "catalog",
    "CatalogError": "errors",
    "CatalogReport": "catalog",
    "CheckpointError": "errors",
    "Classifier": "classifier",
    "Comparison": "metrics",
    "ConfigError": "errors",
    "EncoderError": "errors",
    "Evaluation": "metrics",
    "ExpectedCost": "decoding",
    "Guarantee": "guarantee",
    "HierarchicalF": "decoding",
    "ModelConfig": "config",
    "MostLikelyPath": "decoding",
    "Prediction": "classifier",
    "ProdcatError": "errors",
    "Taxonomy": "taxonomy",
    "TaxonomyError": "errors",
    "TrainingConfig": "config",
    "TrainingInterrupted": "errors",
    "TreeDistance": "decoding",
    "VocabularyReport": "vocabulary",
    "fit": "fitting",
    "leak_audit": "splits",
    "load": "classifier",
    "read_catalog": "catalog",
    "read_taxonomy": "taxonomy",
    "split": "splits",
    "trim_encoder": "encoder",
}

__all__ = [
    "ArtifactError",
    "Catalog",
    "CatalogError",
    "CatalogReport",
    "CheckpointError",
    "Classifier",
    "Comparison",
    "ConfigError",
    "EncoderError",
    "Evaluation",
    "ExpectedCost",
    "Guarantee",
    "HierarchicalF",
    "ModelConfig",
    "MostLikelyPath",
    "Prediction",
    "ProdcatError",
    "Taxonomy",
    "TaxonomyError",
    "TrainingConfig",
    "TrainingInterrupted",
    "TreeDistance",
    "VocabularyReport",
    "fit",
    "leak_audit",
    "load",
    "read_catalog",
    "read_taxonomy",
    "split",
    "trim_encoder",
]

if TYPE_CHECKING:
    from prodcat.catalog import Catalog, CatalogReport, read_catalog
    from prodcat.classifier import Classifier, Prediction, load
    from prodcat.config import ModelConfig, TrainingConfig
    from prodcat.decoding import ExpectedCost, HierarchicalF, MostLikelyPath, TreeDistance
    from prodcat.encoder import trim_encoder
    from prodcat.errors import (
        ArtifactError,
        CatalogError,
        CheckpointError,
        ConfigError,
        EncoderError,
        ProdcatError,
        TaxonomyError,
        TrainingInterrupted,
    )
    from prodcat.fitting import fit
    from prodcat.guarantee import Guarantee
    from prodcat.metrics import Comparison, Evaluation
    from prodcat.splits import leak_audit, split
    from prodcat.taxonomy import Taxonomy, read_taxonomy
    from prodcat.vocabulary import VocabularyReport


def __getattr__(name: str) -> Any:
    if name not in _PUBLIC:
        raise AttributeError(f"module 'prodcat' has no attribute {name!r}")
    from importlib import import_module

    value = getattr(import_module(f"prodcat.{_PUBLIC[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
