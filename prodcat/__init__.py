"""prodcat: product titles in, category paths out.

The public names below are imported when they are first used, so that ``import prodcat``
is fast.
"""

from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

_PUBLIC = {
    "AliasEvent": "aliases",
    "ArtifactError": "errors",
    "Cache": "cache",
    "Catalog": "catalog",
    "CatalogError": "errors",
    "CatalogReport": "catalog",
    "CheckpointError": "errors",
    "Classifier": "classifier",
    "Comparison": "metrics",
    "ConfigError": "errors",
    "ConflictError": "errors",
    "EncoderError": "errors",
    "Evaluation": "metrics",
    "ExpectedCost": "decoding",
    "Guarantee": "guarantee",
    "HierarchicalF": "decoding",
    "Interrupted": "errors",
    "Key": "signature",
    "ModelConfig": "config",
    "MostLikelyPath": "decoding",
    "Prediction": "classifier",
    "ProdcatError": "errors",
    "ScoringConfig": "config",
    "ScoringError": "errors",
    "ScoringReport": "scoring",
    "Store": "store",
    "StoreError": "errors",
    "Taxonomy": "taxonomy",
    "TaxonomyError": "errors",
    "TrainingConfig": "config",
    "TrainingInterrupted": "errors",
    "TreeDistance": "decoding",
    "Version": "store",
    "VocabularyReport": "vocabulary",
    "export_onnx": "onnx_export",
    "fit": "fitting",
    "leak_audit": "splits",
    "load": "loading",
    "read_catalog": "catalog",
    "read_taxonomy": "taxonomy",
    "score": "scoring",
    "split": "splits",
    "trim_encoder": "encoder",
}

__all__ = [
    "AliasEvent",
    "ArtifactError",
    "Cache",
    "Catalog",
    "CatalogError",
    "CatalogReport",
    "CheckpointError",
    "Classifier",
    "Comparison",
    "ConfigError",
    "ConflictError",
    "EncoderError",
    "Evaluation",
    "ExpectedCost",
    "Guarantee",
    "HierarchicalF",
    "Interrupted",
    "Key",
    "ModelConfig",
    "MostLikelyPath",
    "Prediction",
    "ProdcatError",
    "ScoringConfig",
    "ScoringError",
    "ScoringReport",
    "Store",
    "StoreError",
    "Taxonomy",
    "TaxonomyError",
    "TrainingConfig",
    "TrainingInterrupted",
    "TreeDistance",
    "Version",
    "VocabularyReport",
    "export_onnx",
    "fit",
    "leak_audit",
    "load",
    "read_catalog",
    "read_taxonomy",
    "score",
    "split",
    "trim_encoder",
]

if TYPE_CHECKING:
    from prodcat.aliases import AliasEvent
    from prodcat.cache import Cache
    from prodcat.catalog import Catalog, CatalogReport, read_catalog
    from prodcat.classifier import Classifier, Prediction
    from prodcat.config import ModelConfig, ScoringConfig, TrainingConfig
    from prodcat.decoding import ExpectedCost, HierarchicalF, MostLikelyPath, TreeDistance
    from prodcat.encoder import trim_encoder
    from prodcat.errors import (
        ArtifactError,
        CatalogError,
        CheckpointError,
        ConfigError,
        ConflictError,
        EncoderError,
        Interrupted,
        ProdcatError,
        ScoringError,
        StoreError,
        TaxonomyError,
        TrainingInterrupted,
    )
    from prodcat.fitting import fit
    from prodcat.guarantee import Guarantee
    from prodcat.loading import load
    from prodcat.metrics import Comparison, Evaluation
    from prodcat.onnx_export import export_onnx
    from prodcat.scoring import ScoringReport, score
    from prodcat.signature import Key
    from prodcat.splits import leak_audit, split
    from prodcat.store import Store, Version
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
