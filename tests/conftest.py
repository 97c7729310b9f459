"""One tiny real encoder and one fitted classifier for the whole session; no mocks."""

import os

os.environ["HF_HUB_OFFLINE"] = "1"

import hypothesis
import pytest

import prodcat
from prodcat.demo.quick_commerce import generate
from prodcat.demo.scratch import write_scratch_encoder

# A shared machine may be slow for a moment; that is no failure.
hypothesis.settings.register_profile("prodcat", deadline=None)
hypothesis.settings.load_profile("prodcat")


@pytest.fixture(scope="session")
def rows():
    return generate(700, "tr")


@pytest.fixture(scope="session")
def encoder_folder(tmp_path_factory, rows):
    folder = tmp_path_factory.mktemp("encoder")
    titles = [row.title for row in rows]
    return write_scratch_encoder(titles, folder, vocabulary=1_500, hidden=32, layers=2)


@pytest.fixture(scope="session")
def catalog(rows):
    return prodcat.read_catalog(
        [
            {"title": row.title, "path": list(row.path), "brand": row.brand, "number": number}
            for number, row in enumerate(rows)
        ],
        keep=["brand", "number"],
    )


@pytest.fixture(scope="session")
def parts(catalog):
    return prodcat.split(catalog, validation=0.15, test=0.2)


@pytest.fixture(scope="session")
def classifier(parts, encoder_folder):
    return prodcat.fit(
        parts.train,
        validation=parts.validation,
        model=prodcat.ModelConfig(encoder=str(encoder_folder), belief_width=8),
        training=prodcat.TrainingConfig(epochs=1, precision="float32"),
        device="cpu",
        progress=False,
    )
