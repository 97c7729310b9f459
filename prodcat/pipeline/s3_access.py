"""Computes the least access to S3 that a job of a country needs."""

from collections.abc import Sequence
from dataclasses import dataclass

from prodcat.errors import ConfigError
from prodcat.pipeline.countries import Countries, Country


@dataclass(frozen=True)
class S3Access:
    """Places on S3, each as bucket and key; a star at the end stands for everything below.

    Attributes:
        listed: Patterns of the keys that may be listed, by bucket.
        read: Objects that may be read.
        written: Objects that may be written and deleted.
    """

    listed: dict[str, list[str]]
    read: list[str]
    written: list[str]


def access_of(countries: Countries, country: Country, step: str, config: str) -> S3Access:
    """The access that a job needs.

    Args:
        countries: The content of ``countries.toml``.
        country: The country of the job.
        step: ``"train"`` or ``"score"``.
        config: The ``s3://`` URI of the ``countries.toml`` that the job reads.

    Raises:
        ConfigError: A source is not on S3.
    """
    sources = _sources(country, step, config)
    work = f"{countries.work}/{country.name}"
    model = f"{countries.store}/{country.name}"
    store_file = f"{_pattern(countries.store)}/store.json"
    read = [key for source in sources for key in _readable(source)]
    read += [store_file, f"{_pattern(model)}/*"]
    written = [f"{_pattern(work)}/*"]
    if step == "train":
        written += [f"{_pattern(model)}/*", store_file]
    return S3Access(
        listed=_listed([*sources, f"{countries.store}/store.json", f"{model}/", f"{work}/"]),
        read=list(dict.fromkeys([*read, *written])),
        written=written,
    )


def bucket_of(uri: str) -> str:
    """The bucket of an ``s3://`` URI.

    >>> bucket_of("s3://shop-data/tr/frozen.parquet")
    'shop-data'
    """
    return uri.removeprefix("s3://").split("/")[0]


def _listed(uris: Sequence[str]) -> dict[str, list[str]]:
    """The patterns of the keys that may be listed to read these places, by bucket.

    A file system lists the folder of a glob, and what is below a file's name to see whether the
    name is that of a folder.
    """
    patterns: dict[str, list[str]] = {}
    for uri in uris:
        bucket, _, key = _pattern(uri).partition("/")
        if key.endswith("*"):
            names = [f"{key.rpartition('/')[0]}/*".lstrip("/")]
        else:
            names = [key.rstrip("/"), f"{key.rstrip('/')}/*"]
        patterns[bucket] = list(dict.fromkeys([*patterns.get(bucket, []), *names]))
    return patterns


def _sources(country: Country, step: str, config: str) -> list[str]:
    """The URIs that a step reads, apart from those in the store and the work folder."""
    if step != "train":
        return [config, country.assortment]
    optional = [country.taxonomy, country.calibration]
    sources = [config, country.labelled, country.validation]
    sources += [place for place in optional if place is not None]
    return [*sources, country.encoder] if "://" in country.encoder else sources


def _pattern(uri: str) -> str:
    """The bucket and key of a place; a glob is cut at its first special character, with a star.

    Raises:
        ConfigError: The place is not on S3.
    """
    key = uri.removeprefix("s3://")
    if not uri.startswith("s3://"):
        raise ConfigError(f"{uri!r} is not on S3; expected s3://bucket/… for jobs on AWS.")
    for place, letter in enumerate(key):
        if letter in "*?[":
            return key[:place] + "*"
    return key


def _readable(uri: str) -> list[str]:
    """Patterns of the objects of a place: its key, and all keys below it if it may be a folder."""
    key = _pattern(uri)
    if key.endswith("*"):
        return [key]
    name = key.rstrip("/").rpartition("/")[2]
    return [key] if "." in name else [key.rstrip("/"), f"{key.rstrip('/')}/*"]
