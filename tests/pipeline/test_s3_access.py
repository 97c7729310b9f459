"""What a job may do on S3: its own sources and places, and nothing else."""

import pytest

from prodcat import ConfigError
from prodcat.pipeline.countries import Countries, Country
from prodcat.pipeline.s3_access import access_of

SOURCES = {
    "labelled": "s3://data/tr/labelled/*.parquet",
    "validation": "s3://data/tr/frozen.parquet",
    "assortment": "s3://data/tr/all",
}


def access(step, store="s3://models/all", **more):
    country = Country("tr", **{**SOURCES, **more})
    countries = Countries(store, "s3://jobs", {"tr": country})
    return access_of(countries, country, step, "s3://jobs/countries.toml")


def test_a_scoring_reads_models_and_the_assortment_and_writes_its_folder():
    scoring = access("score", taxonomy="s3://trees/tr.json")
    assert scoring.listed == ["data", "jobs", "models"]
    assert scoring.read == [
        "jobs/countries.toml", "data/tr/all", "data/tr/all/*", "models/all/store.json",
        "models/all/tr/*", "jobs/tr/*",
    ]  # fmt: skip
    assert scoring.written == ["jobs/tr/*"]


def test_a_training_writes_its_models_too():
    training = access("train", taxonomy="s3://trees/tr.json", encoder="s3://encoders/e5")
    assert training.listed == ["data", "encoders", "jobs", "models", "trees"]
    assert training.read == [
        "jobs/countries.toml", "data/tr/labelled/*", "data/tr/frozen.parquet", "trees/tr.json",
        "encoders/e5", "encoders/e5/*", "models/all/store.json", "models/all/tr/*", "jobs/tr/*",
    ]  # fmt: skip
    assert training.written == ["jobs/tr/*", "models/all/tr/*", "models/all/store.json"]


def test_places_of_another_store_are_named():
    with pytest.raises(ConfigError, match="'/data/frozen.csv' is not on S3; expected s3://bucket"):
        access("train", validation="/data/frozen.csv")
