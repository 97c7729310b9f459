"""``countries.toml``: what each country's jobs need, in one file that people edit.

[pipeline]
store = "s3://shop-models"              # versions and aliases
work = "s3://shop-jobs"                 # checkpoints, gate reports, scores

[defaults]                              # anything that a country may say
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
    """One country's jobs.

    Attributes:
        name: Of the country, and of its model in the store.
        labelled: Titles with categories, to train on.
        validation: Frozen titles with categories, on which versions are compared.
        assortment: Titles to be answered: a file, a folder or a glob.
        language: Of the titles, such as ``"tr"``; the answers' names are in it where the tree
            has them.
        taxonomy: The tree; made of the labelled titles' paths if not given.
        title: The column with the title.
        path: The column with the path, or one for each level.
        text: Further text columns.
        encoder: See :class:`prodcat.ModelConfig`; ``"none"`` for n-grams alone.
        margin: What a candidate's path accuracy must be above production's, as a share;
            below 0 for what it may lose.
        calibration: Labelled titles, neither trained on nor frozen, on which a guarantee is
            measured.
        guarantee: With what probability answers are the truth or above it; needs
            ``calibration``.
        format: Of the scores.
        timezone: Of the schedules.
        train_schedule: ``cron(…)`` or ``rate(…)``; none if not given.
        score_schedule: The same.
        instance: EC2 instance type with a GPU.
        array: Children among which a scoring is shared.
        model: More of :class:`prodcat.ModelConfig`.
        training: More of :class:`prodcat.TrainingConfig`.
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
            own = getattr(self, name)
            if own is not None and not _SCHEDULE.fullmatch(own):
                raise ConfigError(
                    f"{where}: {name}={own!r} is none; expected cron(minute hour day month weekday "
                    "year), such as cron(0 3 ? * SUN *), or rate(1 day)."
                )
        if self.timezone not in available_timezones():
            raise ConfigError(
                f"{where}: timezone={self.timezone!r} is not known; expected one such as "
                "'Europe/Istanbul'."
            )
        if isinstance(self.margin, bool) or not isinstance(self.margin, (int, float)):
            raise ConfigError(f"{where}: margin={self.margin!r} is no number.")
        if isinstance(self.array, bool) or not isinstance(self.array, int) or self.array < 1:
            raise ConfigError(f"{where}: array={self.array!r} is no number of children.")
        for name in ("path", "text"):
            own = getattr(self, name)
            if isinstance(own, list):
                object.__setattr__(self, name, tuple(own))
        if self.guarantee is not None and self.calibration is None:
            raise ConfigError(
                f"{where}: guarantee={self.guarantee!r} needs titles to be measured on; add "
                "calibration."
            )
        self.settings()

    def settings(self) -> tuple[ModelConfig, TrainingConfig]:
        """How its model is made and trained.

        Raises:
            ConfigError: There is no such setting, or it has a value that it cannot have.
        """
        encoder = None if self.encoder == "none" else self.encoder
        try:
            model = ModelConfig(**{"encoder": encoder, **_tuples(self.model)})
            return model, TrainingConfig(**_tuples(self.training))
        except (TypeError, ConfigError) as error:
            raise ConfigError(f"country {self.name!r}: {error}") from error


@dataclass(frozen=True)
class Countries:
    """All countries, and where their models and jobs are.

    Attributes:
        store: Of the models; see :class:`prodcat.Store`.
        work: A folder for checkpoints, gate reports and scores.
        countries: By name.
        image: The container image that runs the jobs, for the infrastructure.
    """

    store: str
    work: str
    countries: Mapping[str, Country]
    image: str = "prodcat:latest"

    def named(self, names: str) -> list[Country]:
        """The countries that are meant: ``"tr"``, ``"tr,nl"`` or ``"all"``.

        Raises:
            ConfigError: There is no such country.
        """
        if names == "all":
            return list(self.countries.values())
        found = []
        for name in names.split(","):
            if name not in self.countries:
                raise ConfigError(
                    f"There is no country {name!r}; found {', '.join(self.countries)}. Give one of "
                    "them, several with commas between, or all."
                )
            found.append(self.countries[name])
        return found


def read_countries(uri: str) -> Countries:
    """Read a ``countries.toml``.

    Args:
        uri: A file at any fsspec URI; names of files in it may be relative to its folder.

    Raises:
        ConfigError: It is not there, or says something that it cannot.
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
    about = _section(table, "pipeline", uri)
    _check_names(about, {"store", "work", "image"}, f"{uri}: [pipeline]")
    for needed in ("store", "work"):
        if needed not in about:
            raise ConfigError(f"{uri}: [pipeline] lacks {needed}.")
    defaults = _section(table, "defaults", uri)
    known = {own.name for own in fields(Country)} - {"name"}
    needed_by_all = [own.name for own in fields(Country) if own.default is MISSING and
                     own.default_factory is MISSING and own.name != "name"]  # fmt: skip
    countries = {}
    for country, own in _section(table, "countries", uri).items():
        values = {**defaults, **own}
        _check_names(values, known, f"{uri}: [countries.{country}]")
        for wanted in needed_by_all:
            if wanted not in values:
                raise ConfigError(f"{uri}: [countries.{country}] lacks {wanted}.")
        for place in ("labelled", "validation", "assortment", "taxonomy", "calibration"):
            if place in values:
                values[place] = _beside(folder, values[place])
        countries[country] = Country(name=country, **values)
    if not countries:
        raise ConfigError(f"{uri}: found no country; expected [countries.tr] and the like.")
    return Countries(
        store=_beside(folder, about["store"]),
        work=_beside(folder, about["work"]),
        countries=countries,
        **({"image": about["image"]} if "image" in about else {}),
    )


def _section(table: Mapping[str, Any], name: str, uri: str) -> dict[str, Any]:
    own = table.get(name, {})
    if not isinstance(own, dict):
        raise ConfigError(f"{uri}: [{name}] is {own!r}; expected a table.")
    return own


def _check_names(found: Mapping[str, Any], known: set[str], where: str) -> None:
    for name in found:
        if name not in known:
            near = difflib.get_close_matches(name, known, 1)
            meant = f" Did you mean {near[0]!r}?" if near else ""
            raise ConfigError(
                f"{where} has {name!r}, which is not known; expected some of "
                f"{sorted(known)}.{meant}"
            )


def _beside(folder: str, place: str) -> str:
    """A place that is named relative to the file's folder."""
    if "://" in place or place.startswith("/") or not folder:
        return place
    return f"{folder}/{place}"


def _tuples(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: tuple(own) if isinstance(own, list) else own for name, own in values.items()}
