"""Reads ``countries.toml``, the file in which people configure the jobs of all countries.

[pipeline]
store = "s3://shop-models"              # versions and aliases of models
work = "s3://shop-jobs"                 # checkpoints, gate reports, scores

[defaults]                              # settings of every country that does not change them
encoder = "intfloat/multilingual-e5-small"

[countries.tr]
language = "tr"
labelled = "s3://shop-data/tr/labelled/*.parquet"
validation = "s3://shop-data/tr/frozen.parquet"
assortment = "s3://shop-data/tr/all/*.parquet"
timezone = "Europe/Istanbul"
train_schedule = "cron(0 3 ? * SUN *)"
score_schedule = "cron(0 6 * * ? *)"
"""

import difflib
import re
import tomllib
from collections.abc import Mapping
from dataclasses import MISSING, dataclass, field, fields
from typing import Any
from zoneinfo import available_timezones

from prodcat.errors import ConfigError, StoreError
from prodcat.model.config import ModelConfig, TrainingConfig
from prodcat.storage.objects import Objects

_NAME = re.compile(r"[a-z][a-z0-9]{1,30}")
_SCHEDULE = re.compile(r"cron\((\S+ ){5}\S+\)|rate\(\d+ (minutes?|hours?|days?)\)")
_LIMIT = 1 << 20  # the greatest size of the file in bytes


@dataclass(frozen=True)
class Country:
    """The settings of the jobs of one country.

    Attributes:
        name: The name of the country and of its model in the store: 2 to 31 lower-case letters or
            digits, of which the first is a letter.
        labelled: The URI or glob of labelled titles to train on.
        validation: The URI or glob of frozen labelled titles, on which versions are compared.
        assortment: The URI of a file or folder with the titles to score, or a glob.
        language: The code of the titles' language, such as ``"tr"``.  Answers have names in this
            language if the tree has such names.
        taxonomy: The URI of the file with the tree; None to make the tree from the labelled titles.
        title: The column with the title.
        path: The column with the path, or one column for each level, coarsest first.
        text: Further text columns that are part of the model's input.
        encoder: The encoder, as for :class:`prodcat.ModelConfig`; ``"none"`` for only n-grams.
        margin: The smallest allowed difference between the path accuracies of a candidate and of
            the version in production, such as 0.01; if negative, the candidate may be worse.
        calibration: The URI or glob of labelled titles to measure a guarantee on, which are neither
            trained on nor frozen; None for no guarantee.
        guarantee: The probability with which an answer is the truth or an ancestor of it; needs
            ``calibration``.  None for no guarantee.
        format: The file format of the answers; see :class:`prodcat.ScoringConfig`.
        timezone: The time zone of the schedules, such as ``"Europe/Istanbul"``.
        train_schedule: When to train, as ``cron(…)`` or ``rate(…)``; None for no schedule.
        score_schedule: When to score, in the same format.
        instance: The type of the EC2 instances, which have a GPU.
        array: The number of child jobs that share the work of scoring.
        model: Further settings of :class:`prodcat.ModelConfig` by name.
        training: Settings of :class:`prodcat.TrainingConfig` by name.

    Raises:
        ConfigError: A setting has a value that is not allowed.
    """

    name: str
    labelled: str
    validation: str
    assortment: str
    language: str = ""
    taxonomy: str | None = None
    title: str = "title"
    path: str | tuple[str, ...] = "path"
    text: tuple[str, ...] = ()
    encoder: str = "intfloat/multilingual-e5-small"
    margin: float = 0.0
    calibration: str | None = None
    guarantee: float | None = None
    format: str = "parquet"
    timezone: str = "UTC"
    train_schedule: str | None = None
    score_schedule: str | None = None
    instance: str = "g5.xlarge"
    array: int = 1
    model: Mapping[str, Any] = field(default_factory=dict)
    training: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        where = f"country {self.name!r}"
        if not _NAME.fullmatch(self.name):
            raise ConfigError(
                f"{where}: the name is not allowed; expected 2 to 31 lower-case letters or digits, "
                "of which the first is a letter."
            )
        for name in ("train_schedule", "score_schedule"):
            schedule = getattr(self, name)
            if schedule is not None and not _SCHEDULE.fullmatch(schedule):
                raise ConfigError(
                    f"{where}: {name}={schedule!r} is not a schedule; expected cron(minute hour "
                    "day month weekday year), such as cron(0 3 ? * SUN *), or rate(1 day)."
                )
        if self.timezone not in available_timezones():
            raise ConfigError(
                f"{where}: timezone={self.timezone!r} is unknown; expected a name such as "
                "'Europe/Istanbul'."
            )
        if isinstance(self.margin, bool) or not isinstance(self.margin, (int, float)):
            raise ConfigError(
                f"{where}: margin={self.margin!r} is not a number; expected one such as 0.01."
            )
        if isinstance(self.array, bool) or not isinstance(self.array, int) or self.array < 1:
            raise ConfigError(
                f"{where}: array={self.array!r} is out of range; expected the number of child "
                "jobs, at least 1."
            )
        for name in ("path", "text"):
            columns = getattr(self, name)
            if isinstance(columns, list):
                object.__setattr__(self, name, tuple(columns))
        if self.guarantee is not None and self.calibration is None:
            raise ConfigError(
                f"{where}: guarantee={self.guarantee!r} needs labelled titles to measure it on. "
                "Set calibration to their URI."
            )
        self.settings()

    def settings(self) -> tuple[ModelConfig, TrainingConfig]:
        """The settings of the country's model and of its training.

        Raises:
            ConfigError: A setting is unknown, or has a value that is not allowed.
        """
        encoder = None if self.encoder == "none" else self.encoder
        try:
            model = ModelConfig(**{"encoder": encoder, **_tuples(self.model)})
            return model, TrainingConfig(**_tuples(self.training))
        except (TypeError, ConfigError) as error:
            raise ConfigError(f"country {self.name!r}: {error}") from error


@dataclass(frozen=True)
class Countries:
    """The content of ``countries.toml``.

    Attributes:
        store: The URI of the folder of the model store; see :class:`prodcat.Store`.
        work: The URI of the folder for checkpoints, gate reports and answers.
        countries: The settings of each country by its name.
        image: The address of the container image that runs the jobs on AWS.
    """

    store: str
    work: str
    countries: Mapping[str, Country]
    image: str = "prodcat:latest"

    def named(self, names: str) -> list[Country]:
        """The countries with some names.

        Args:
            names: One name, several names separated by commas, or ``"all"``.

        Raises:
            ConfigError: There is no country with one of the names.
        """
        if names == "all":
            return list(self.countries.values())
        countries = []
        for name in names.split(","):
            if name not in self.countries:
                raise ConfigError(
                    f"There is no country {name!r}; found {', '.join(self.countries)}. Give one of "
                    "them, several separated by commas, or all."
                )
            countries.append(self.countries[name])
        return countries


def read_countries(uri: str) -> Countries:
    """Read a ``countries.toml``.

    Args:
        uri: The fsspec URI of the file.  Places in the file may be relative to its folder.

    Raises:
        ConfigError: The file is missing or is not TOML, a setting is missing or unknown, or has a
            value that is not allowed.
    """
    folder, _, name = uri.rpartition("/")
    try:
        content = Objects(folder or ".").start(name, _LIMIT)
        table = tomllib.loads(content.decode())
    except FileNotFoundError as error:
        raise ConfigError(f"There is no file {uri!r}; expected a countries.toml.") from error
    except (StoreError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigError(f"Cannot read {uri!r}: {error}") from error
    _check_names(table, {"pipeline", "defaults", "countries"}, uri)
    pipeline = _section(table, "pipeline", uri)
    _check_names(pipeline, {"store", "work", "image"}, f"{uri}: [pipeline]")
    for needed in ("store", "work"):
        if needed not in pipeline:
            raise ConfigError(f"{uri}: the setting {needed} is missing in [pipeline].")
    defaults = _section(table, "defaults", uri)
    settings = {setting.name: setting for setting in fields(Country) if setting.name != "name"}
    required = [name for name, setting in settings.items()
                if setting.default is MISSING and setting.default_factory is MISSING]  # fmt: skip
    countries = {}
    for country, given in _section(table, "countries", uri).items():
        values = {**defaults, **given}
        _check_names(values, set(settings), f"{uri}: [countries.{country}]")
        for name in required:
            if name not in values:
                raise ConfigError(f"{uri}: the setting {name} is missing in [countries.{country}].")
        for place in ("labelled", "validation", "assortment", "taxonomy", "calibration"):
            if place in values:
                values[place] = _resolved(folder, values[place])
        countries[country] = Country(name=country, **values)
    if not countries:
        raise ConfigError(f"{uri}: there is no country; expected tables such as [countries.tr].")
    return Countries(
        store=_resolved(folder, pipeline["store"]),
        work=_resolved(folder, pipeline["work"]),
        countries=countries,
        **({"image": pipeline["image"]} if "image" in pipeline else {}),
    )


def _section(table: Mapping[str, Any], name: str, uri: str) -> dict[str, Any]:
    """The table with a name, empty if there is none.

    Raises:
        ConfigError: The name stands for another value.
    """
    section = table.get(name, {})
    if not isinstance(section, dict):
        raise ConfigError(f"{uri}: [{name}] is {section!r}; expected a table.")
    return section


def _check_names(section: Mapping[str, Any], known: set[str], where: str) -> None:
    """Check that all settings of a table are known.

    Raises:
        ConfigError: A setting is unknown; the message suggests a similar name.
    """
    for name in section:
        if name not in known:
            near = difflib.get_close_matches(name, known, 1)
            meant = f" Did you mean {near[0]!r}?" if near else ""
            raise ConfigError(
                f"{where}: the setting {name!r} is unknown; expected some of "
                f"{sorted(known)}.{meant}"
            )


def _resolved(folder: str, place: str) -> str:
    """The URI of a place that is absolute or relative to the folder of the file."""
    if "://" in place or place.startswith("/") or not folder:
        return place
    return f"{folder}/{place}"


def _tuples(values: Mapping[str, Any]) -> dict[str, Any]:
    """The settings with lists, which TOML has, as tuples."""
    return {
        name: tuple(value) if isinstance(value, list) else value for name, value in values.items()
    }
