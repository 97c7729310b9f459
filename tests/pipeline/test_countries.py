"""The file that says what each country's jobs need."""

import pytest
from country_jobs import edit

from prodcat import ConfigError
from prodcat.pipeline.countries import read_countries


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("[pipeline]", "[pipelines]", "'pipelines' is unknown.* Did you mean 'pipeline'"),
        ("store =", "shop =", "the setting 'shop' is unknown"),
        ('encoder = "none"', "encodr = 1", "Did you mean 'encoder'"),
        (
            "cron(0 3 ? * SUN *)",
            "every day",
            "train_schedule='every day' is not a schedule; expected cron",
        ),
        ("Europe/Istanbul", "Turkey/Ankara", "timezone='Turkey/Ankara' is unknown"),
        ('encoder = "none"', 'margin = "x"', "margin='x' is not a number"),
        (
            'encoder = "none"',
            "array = 0",
            "array=0 is out of range; expected the number of child jobs, at least 1",
        ),
        (
            'encoder = "none"',
            "guarantee = 0.9",
            "needs labelled titles to measure it on. Set calibration",
        ),
        ('encoder = "none"', "training = {epochs = -1}", "country 'tr': epochs=-1"),
        ('encoder = "none"', "training = {epoch = 1}", "country 'tr': .*'epoch'"),
        ('labelled = "data/tr/labelled.csv"', "", "labelled is missing in \\[countries.tr\\]"),
        ("[countries.tr]", "[countries.T-R]", "expected 2 to 31 lower-case letters"),
        ("[defaults]", "[defaults", "Cannot read"),
    ],
)
def test_mistakes_in_the_file_are_named(home, old, new, message):
    edit(home, old, new)
    with pytest.raises(ConfigError, match=message):
        read_countries(str(home / "countries.toml"))
