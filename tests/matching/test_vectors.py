"""Candidates by the vectors of a classifier's encoder."""

import numpy as np
import pytest

from prodcat import CatalogError, ConfigError
from prodcat.cli.command import main
from prodcat.matching import Matcher, match_products, read_products

OURS = [{"title": "Süt"}, {"title": None}, {"title": "Velmora Cola 330 ml"}]
THEIRS = [{"title": "kola velmora 33cl"}, {"title": "\u200b"}, {"title": "XQJW"}]


def pairs_of(matcher, classifier=None):
    table = match_products(OURS, THEIRS, classifier=classifier, matcher=matcher).table
    return {(row["our_row"], row["their_row"]) for row in table.to_pylist()}


def test_an_encoder_finds_further_candidates(classifier):
    alone = pairs_of(Matcher(candidates=1), classifier)
    more = pairs_of(Matcher(candidates=1, uses_vectors=True), classifier)
    assert alone < more
    assert {one for one, _ in more} == {0, 2} and 1 not in {other for _, other in more}


def test_products_without_a_title_have_no_vector(classifier):
    vectors = read_products(OURS).with_encoder(classifier).vectors
    assert not vectors[1].any()
    np.testing.assert_allclose(np.linalg.norm(vectors[[0, 2]], axis=1), 1, rtol=1e-5)


def test_who_makes_no_vectors_is_told(small):
    with pytest.raises(ConfigError, match="without a classifier. Expected classifier="):
        pairs_of(Matcher(uses_vectors=True))
    with pytest.raises(ConfigError, match="n-grams alone"):
        pairs_of(Matcher(uses_vectors=True), small)
    with pytest.raises(CatalogError, match="Only one of the tables has vectors"):
        ours, theirs = read_products(OURS), read_products(THEIRS)
        Matcher().match(ours.with_vectors(np.ones((3, 2))), theirs)


def test_the_command_line_takes_the_encoder_of_a_model(classifier, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    classifier.save("model")
    (tmp_path / "ours.csv").write_text("title\nSüt\nVelmora Cola 330 ml\n", "utf-8")
    (tmp_path / "theirs.csv").write_text("title\nkola velmora 33cl\nXQJW\n")
    command = ["match", "ours.csv", "theirs.csv", "--candidates", "1", "--output"]
    assert main([*command, "none.csv", "--vectors"]) == 2
    assert "--vectors is given without --model" in capsys.readouterr().err
    rows = []
    for name, more in (("alone.csv", []), ("vectors.csv", ["--vectors"])):
        assert main([*command, name, "--model", "model", *more]) == 0
        rows.append(len((tmp_path / name).read_text().splitlines()))
    assert rows[0] < rows[1]
