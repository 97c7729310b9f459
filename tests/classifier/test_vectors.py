"""The vectors of titles are what the heads read."""

import numpy as np
import pytest
import torch

import prodcat


def test_the_heads_make_the_scores_of_them(classifier, catalog):
    titles = list(catalog.titles[:300])
    vectors = classifier.title_vectors(titles, "float32")
    network = classifier.network
    assert vectors.shape == (300, network.encoder.hidden) and vectors.dtype == np.float32
    with torch.inference_mode():
        scores = network.paths.log_probs(network.heads(torch.from_numpy(vectors)))
        inference = classifier.inference("float32")
        encoder, _ = inference.evidence(inference.prepare(classifier.reader.texts(titles)))
    np.testing.assert_allclose(scores.numpy(), encoder.numpy(), atol=1e-4)


def test_equal_titles_have_equal_vectors_in_any_order(classifier, catalog):
    titles = [catalog.titles[0], catalog.titles[1], catalog.titles[0], ""]
    vectors = classifier.title_vectors(titles)
    assert (vectors[0] == vectors[2]).all() and not (vectors[0] == vectors[1]).all()
    assert np.isfinite(vectors).all()
    np.testing.assert_allclose(classifier.title_vectors(titles[::-1]), vectors[::-1], atol=1e-5)


def test_more_titles_than_a_chunk(classifier, catalog):
    titles = [f"{title} {number}" for number in range(8) for title in catalog.titles]
    vectors = classifier.title_vectors(titles)
    assert len(titles) > 4_096 and vectors.shape[0] == len(titles)
    last = classifier.title_vectors(titles[-3:])
    np.testing.assert_allclose(vectors[-3:], last, atol=1e-4)


def test_n_grams_alone_make_none(small):
    with pytest.raises(prodcat.ConfigError, match="n-grams alone, which make no vectors"):
        small.title_vectors(["Milch 1 l"])
