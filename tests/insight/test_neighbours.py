"""The titles that are most like others."""

import numpy as np
import pytest

from prodcat.insight.neighbours import Neighbours


def test_neighbours_are_the_most_like():
    titles = ["süt 1 l", "süt 500 ml", "ekmek", "yarım yağlı süt 1 l", "EKMEK"]
    places, likeness = Neighbours(titles)(["ekmek 500 g", "süt 1 l", "qqq"], 2)
    assert set(places[0].tolist()) == {2, 4} and places[1, 0] == 0
    assert likeness[1, 0] == pytest.approx(1, abs=1e-5)
    assert likeness[2].tolist() == [0, 0]
    brute = [Neighbours([title])(["süt 1 l"], 1)[1][0, 0] for title in titles]
    assert np.argmax(brute) == 0


def test_all_neighbours_come_with_their_cosine():
    titles = ["süt 1 l", "süt 500 ml", "ekmek", "yarım yağlı süt 1 l", "EKMEK"]
    places, likeness = Neighbours(titles)(titles, 9)
    assert places.shape == likeness.shape == (5, 5)
    assert (np.diff(likeness, axis=1) <= 0).all()
    cosines = np.zeros((5, 5))
    for row in range(5):
        alike = likeness[row] > 0  # the others have nothing in common
        cosines[row, places[row][alike]] = likeness[row][alike]
    np.testing.assert_allclose(np.diag(cosines), 1, atol=1e-5)
    np.testing.assert_allclose(cosines, cosines.T, atol=1e-6)
    assert cosines[0, 3] > cosines[0, 1] > cosines[0, 2] == 0
