"""The access to S3 that one job of one country needs, and nothing more."""

from dataclasses import dataclass

from prodcat.errors import ConfigError
from prodcat.pipeline.countries import Countries, Country


@dataclass(frozen=True)
class S3Access:
    """Places on S3, each as bucket and key; a star at the end stands for everything below.

    Attributes:
        listed: Buckets whose keys may be listed.
        read: Objects that may be read.
        written: Objects that may be written and deleted.
    """

    listed: list[str]
    read: list[str]
    written: list[str]


def access_of(countries: Countries, country: Country, step: str, config: str) -> S3Access:
    """The access that a job needs.

    Args:
        countries: The places of models and jobs.
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
        listed=sorted({bucket_of(place) for place in (*sources, countries.store, work)}),
        read=list(dict.fromkeys([*read, *written])),
        written=written,
    )


def bucket_of(uri: str) -> str:
    """The bucket of an ``s3://`` URI.

    >>> bucket_of("s3://shop-data/tr/frozen.parquet")
    'shop-data'
    """
    return uri.removeprefix("s3://").split("/")[0]


def _sources(country: Country, step: str, config: str) -> list[str]:
    if step != "train":
        return [config, country.assortment]
    optional = [country.taxonomy, country.calibration]
    sources = [config, country.labelled, country.validation]
    sources += [place for place in optional if place is not None]
    return [*sources, country.encoder] if "://" in country.encoder else sources


def _pattern(uri: str) -> str:
    """Bucket and key of a place; a glob keeps the part before its first special character."""
    key = uri.removeprefix("s3://")
    if not uri.startswith("s3://"):
        raise ConfigError(f"{uri!r} is not on S3; expected s3://bucket/… for jobs on AWS.")
    for place, letter in enumerate(key):
        if letter in "*?[":
            return key[:place] + "*"
    return key


def _readable(uri: str) -> list[str]:
    """The objects of a place: the file, and everything below it if it may be a folder."""
    key = _pattern(uri)
    if key.endswith("*"):
        return [key]
    name = key.rstrip("/").rpartition("/")[2]
    return [key] if "." in name else [key.rstrip("/"), f"{key.rstrip('/')}/*"]
