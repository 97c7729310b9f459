"""The demo's countries, on this machine and on AWS."""

import pytest
from country_jobs import edit

from prodcat.demo.countries import write_demo
from prodcat.pipeline.countries import read_countries


@pytest.fixture
def home(tmp_path):
    write_demo(tmp_path, 200, "none")
    return tmp_path


@pytest.fixture
def on_aws(home):
    edit(home, 'store = "store"', 'store = "s3://shop-models/all"')
    edit(home, 'work = "work"', 'work = "s3://shop-jobs"\nimage = "shop/prodcat:7"')
    path = home / "countries.toml"
    path.write_text(path.read_text().replace('"data/', '"s3://shop-data/'))
    edit(home, 'language = "tr"', 'language = "tr"\narray = 4\ninstance = "g5.2xlarge"')
    return read_countries(str(path))
