"""``countries.toml``: what each country's jobs need, in one file that people edit.

[pipeline]
store = "s3://shop-models"              # versions and aliases
work = "s3://shop-jobs"                 # checkpoints, gate reports, scores

[defaults]                              # settings of every country that has none of its own
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
_LIMIT = 1 << 20


@dataclass(frozen=True)
class Country:
    """What the jobs of one country need.

    Attributes:
        name: The name of the country, and of its model in the store.
        labelled: Labelled titles to train on.
        validation: Frozen labelled titles, on which versions are compared.
        assortment: Titles to answer: a file, a folder or a glob.
        language: The language of the titles, such as ``"tr"``; answers have names in it if the
            tree does.
        taxonomy: The file of the tree; None to make the tree of the labelled titles' paths.
        title: Name of the column with the title.
        path: Name of the column with the path, or of one column for each level.
        text: Names of further text columns.
        encoder: See :class:`prodcat.ModelConfig`; ``"none"`` for n-grams alone.
        margin: How much higher than production's a candidate's path accuracy must be, as a
            share; below 0, how much lower it may be.
        calibration: Labelled titles, neither trained on nor frozen, on which a guarantee is
            measured.
        guarantee: The probability with which an answer is the truth or an ancestor of it; needs
            ``calibration``.
        format: The file format of the answers; see :class:`prodcat.ScoringConfig`.
        timezone: The time zone of the schedules.
        train_schedule: When to train, as ``cron(…)`` or ``rate(…)``; None for no schedule.
        score_schedule: When to score, in the same form.
        instance: An EC2 instance type with a GPU.
        array: Number of child jobs that share a scoring.
        model: Further settings of :class:`prodcat.ModelConfig`.
        training: Further settings of :class:`prodcat.TrainingConfig`.
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
            raise ConfigError(f"{where}: expected a name of 2 to 31 small letters and digits.")
        for name in ("train_schedule", "score_schedule"):
            schedule = getattr(self, name)
            if schedule is not None and not _SCHEDULE.fullmatch(schedule):
                raise ConfigError(
                    f"{where}: {name}={schedule!r} is no schedule; expected cron(minute hour day "
                    "month weekday year), such as cron(0 3 ? * SUN *), or rate(1 day)."
                )
        if self.timezone not in available_timezones():
            raise ConfigError(
                f"{where}: timezone={self.timezone!r} is not known; expected one such as "
                "'Europe/Istanbul'."
            )
        if isinstance(self.margin, bool) or not isinstance(self.margin, (int, float)):
            raise ConfigError(f"{where}: margin={self.margin!r} is not a number.")
        if isinstance(self.array, bool) or not isinstance(self.array, int) or self.array < 1:
            raise ConfigError(
                f"{where}: array={self.array!r} is no number of child jobs; expected a whole "
                "number from 1."
            )
        for name in ("path", "text"):
            columns = getattr(self, name)
            if isinstance(columns, list):
                object.__setattr__(self, name, tuple(columns))
        if self.guarantee is not None and self.calibration is None:
            raise ConfigError(
                f"{where}: guarantee={self.guarantee!r} needs labelled titles to be measured on; "
                "add calibration."
            )
        self.settings()

    def settings(self) -> tuple[ModelConfig, TrainingConfig]:
        """The settings of the country's model and of its training.

        Raises:
            ConfigError: A setting is not known, or has a value that is not allowed.
        """
        encoder = None if self.encoder == "none" else self.encoder
        try:
            model = ModelConfig(**{"encoder": encoder, **_tuples(self.model)})
            return model, TrainingConfig(**_tuples(self.training))
        except (TypeError, ConfigError) as error:
            raise ConfigError(f"country {self.name!r}: {error}") from error


@dataclass(frozen=True)
class Countries:
    """All countries, and the places of their models and jobs.

    Attributes:
        store: The folder of the store of models; see :class:`prodcat.Store`.
        work: A folder for checkpoints, gate reports and scores.
        countries: The countries by name.
        image: The container image that runs the jobs, for the infrastructure.
    """

    store: str
    work: str
    countries: Mapping[str, Country]
    image: str = "prodcat:latest"

    def named(self, names: str) -> list[Country]:
        """The countries with these names.

        Args:
            names: One name, several with commas between them, or ``"all"``.

        Raises:
            ConfigError: There is no country of that name.
        """
        if names == "all":
            return list(self.countries.values())
        countries = []
        for name in names.split(","):
            if name not in self.countries:
                raise ConfigError(
                    f"There is no country {name!r}; found {', '.join(self.countries)}. Give one of "
                    "them, several with commas between them, or all."
                )
            countries.append(self.countries[name])
        return countries


def read_countries(uri: str) -> Countries:
    """Read a ``countries.toml``.

    Args:
        uri: A file at any fsspec URI; names of files in it may be relative to its folder.

    Raises:
        ConfigError: The file is missing or no TOML, lacks a setting, or has one that is unknown or
            not allowed.
    """
    folder, _, name = uri.rpartition("/")
    try:
        content = Objects(folder or ".").start(name, _LIMIT)
        table = tomllib.loads(content.decode())
    except FileNotFoundError as error:
        raise ConfigError(f"Found no file at {uri!r}. Check the address.") from error
    except (StoreError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigError(f"Cannot read {uri!r}: {error}") from error
    _check_names(table, {"pipeline", "defaults", "countries"}, uri)
    pipeline = _section(table, "pipeline", uri)
    _check_names(pipeline, {"store", "work", "image"}, f"{uri}: [pipeline]")
    for needed in ("store", "work"):
        if needed not in pipeline:
            raise ConfigError(f"{uri}: [pipeline] lacks {needed}.")
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
                raise ConfigError(f"{uri}: [countries.{country}] lacks {name}.")
        for place in ("labelled", "validation", "assortment", "taxonomy", "calibration"):
            if place in values:
                values[place] = _resolved(folder, values[place])
        countries[country] = Country(name=country, **values)
    if not countries:
        raise ConfigError(f"{uri}: found no country; expected [countries.tr] and the like.")
    return Countries(
        store=_resolved(folder, pipeline["store"]),
        work=_resolved(folder, pipeline["work"]),
        countries=countries,
        **({"image": pipeline["image"]} if "image" in pipeline else {}),
    )


def _section(table: Mapping[str, Any], name: str, uri: str) -> dict[str, Any]:
    section = table.get(name, {})
    if not isinstance(section, dict):
        raise ConfigError(f"{uri}: [{name}] is {section!r}; expected a table.")
    return section


def _check_names(section: Mapping[str, Any], known: set[str], where: str) -> None:
    for name in section:
        if name not in known:
            near = difflib.get_close_matches(name, known, 1)
            meant = f" Did you mean {near[0]!r}?" if near else ""
            raise ConfigError(
                f"{where} has {name!r}, which is not known; expected some of "
                f"{sorted(known)}.{meant}"
            )


def _resolved(folder: str, place: str) -> str:
    """A place, which may be relative to the folder of the file."""
    if "://" in place or place.startswith("/") or not folder:
        return place
    return f"{folder}/{place}"


def _tuples(values: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: tuple(value) if isinstance(value, list) else value for name, value in values.items()
    }
