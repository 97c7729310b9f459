"""Titles are sifted: n-grams alone answer the easy ones, and the encoder reads the others later."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from training_runs import SETTINGS

import prodcat
from prodcat.catalog.fields import join_fields
from prodcat.classifier.sifting import can_sift, sift, window_of


@pytest.fixture(scope="module")
def inference(classifier):
    return classifier.inference(cascade=0.5)


@pytest.fixture(scope="module")
def titles(rows):
    return [row.title for row in rows[:60]]


def test_easy_titles_have_the_probabilities_that_a_window_gives_them(inference, titles):
    sifted = sift(inference, titles)
    assert 0 < sifted.sure.sum() < len(titles)
    with torch.inference_mode():
        wanted = inference.log_probs(inference.prepare(titles))
    assert torch.equal(sifted.log_probs, wanted[torch.from_numpy(sifted.sure)])
    for row, title in enumerate(titles):
        alone = sift(inference, [title])
        assert alone.sure[0] == sifted.sure[row]
        if alone.sure[0]:
            place = int(sifted.sure[:row].sum())
            assert torch.equal(alone.log_probs[0], sifted.log_probs[place])


def test_the_encoder_reads_what_is_left_with_the_margins_that_are_known(inference, titles):
    repeated = titles + titles[::2]
    sifted = sift(inference, repeated)
    left = [title for title, sure in zip(repeated, sifted.sure, strict=True) if not sure]
    assert len(left) == len(sifted.margins)
    window = window_of(inference, left, sifted.margins)
    assert window.distinct == len(set(left)) < len(left)
    assert all(part.features is None and part.table is not None for part in window.parts)
    with torch.inference_mode():
        answered = inference.log_probs(window)
        wanted = inference.log_probs(inference.prepare(repeated))[torch.from_numpy(~sifted.sure)]
        without = inference.log_probs(window_of(inference, left, 0 * sifted.margins))
    torch.testing.assert_close(answered, wanted, atol=1e-5, rtol=1e-4)
    assert not torch.allclose(without, wanted, atol=1e-3)


def test_a_model_of_ngrams_alone_is_sure_of_every_title(small, titles):
    inference = small.inference()
    assert can_sift(inference)
    sifted = sift(inference, titles)
    assert sifted.sure.all() and len(sifted.margins) == 0
    with torch.inference_mode():
        assert torch.equal(sifted.log_probs, inference.log_probs(inference.prepare(titles)))


def test_without_a_cascade_nothing_can_be_sifted(classifier):
    assert not can_sift(classifier.inference(cascade="off"))


@pytest.fixture(scope="module")
def with_brands(rows, encoder_folder):
    """A classifier with a further text column, whose n-grams are sure of every title with it."""
    table = [{"title": row.title, "brand": row.brand, "path": list(row.path)} for row in rows[:300]]
    fitted = prodcat.fit(
        prodcat.read_catalog(table, text=["brand"]),
        validation=prodcat.read_catalog(table[::3], text=["brand"]),
        model=prodcat.ModelConfig(encoder=str(encoder_folder), belief_width=0),
        training=prodcat.TrainingConfig(baseline=False, **{**SETTINGS, "epochs": 0}),
        progress=False,
        device="cpu",
    )
    assert fitted.reader.title_branch is not None
    cascade = replace(fitted.reader.cascade, threshold=0.0)
    return replace(fitted, reader=replace(fitted.reader, cascade=cascade))


def test_titles_without_their_columns_are_left_to_the_encoder(with_brands, rows):
    inference = with_brands.inference(cascade="auto")
    alone = [join_fields([row.title, ""]) for row in rows[:2]]
    whole = [join_fields([row.title, row.brand]) for row in rows[:2]]
    mixed = [whole[0], *alone, whole[1]]
    sifted = sift(inference, mixed)
    assert sifted.sure.tolist() == [True, False, False, True]
    window = window_of(inference, mixed[1:3], sifted.margins)
    with torch.inference_mode():
        answered = inference.log_probs(window)
        wanted = inference.log_probs(inference.prepare(mixed))
    torch.testing.assert_close(answered, wanted[1:3], atol=1e-5, rtol=1e-4)
    assert torch.equal(sifted.log_probs, wanted[torch.tensor([0, 3])])
    assert np.array_equal(sift(inference, [*alone, *whole]).sure, [False, False, True, True])


def test_both_kinds_of_titles_keep_their_places(with_brands, rows):
    cascade = replace(with_brands.reader.cascade, threshold=1.1)  # no title is easy
    inference = replace(with_brands.reader, cascade=cascade).inference(cascade="auto")
    alone = [join_fields([row.title, ""]) for row in rows[:3]]
    whole = [join_fields([row.title, row.brand]) for row in rows[:3]]
    mixed = [alone[0], *whole[:2], *alone[1:], whole[0], whole[2]]
    sifted = sift(inference, mixed)
    assert not sifted.sure.any()
    with torch.inference_mode():
        answered = inference.log_probs(window_of(inference, mixed, sifted.margins))
        wanted = inference.log_probs(inference.prepare(mixed))
    torch.testing.assert_close(answered, wanted, atol=1e-5, rtol=1e-4)
