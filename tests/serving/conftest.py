"""One server's process for all tests of the package that ask one."""

import prodcat_server
import pytest


@pytest.fixture(scope="session")
def folder(classifier, tmp_path_factory):
    own = tmp_path_factory.mktemp("served") / "model"
    classifier.save(str(own))
    return own


@pytest.fixture(scope="session")
def server(folder):
    own = prodcat_server.Running("--model", folder)
    yield own
    own.stop()


@pytest.fixture(scope="session")
def wanted(classifier, titles):
    precision = classifier.pick_precision("auto")
    return classifier.predict(titles, precision=precision)


@pytest.fixture(scope="session")
def titles(rows):
    return [row.title for row in rows[:40]]
