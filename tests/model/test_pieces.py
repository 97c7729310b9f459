"""Scores that are added up from those of pieces equal those of whole titles."""

import os
import signal
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch
from training_runs import outcome_spans

from prodcat.catalog.fields import join_fields
from prodcat.model import piece_scores, pieces
from prodcat.model.hash_index import HashIndex
from prodcat.model.ngrams import NGrams
from prodcat.model.piece_scores import PieceScorer
from prodcat.model.sparse_rows import SparseRows
from prodcat.training.lexical_fit import solve

WORDS = ("Süt", "süt", "oat-milk", "coca_cola", "x", "6x200ml", "crème", "brûlée,", "ああ", "ab")
ODD = ["", " ", "süt süt süt", "aaaaaaaaaaaaaaaaaaaaaa aaaaa", "Cr&egrave;me <b>x</b>", "unseen zz"]


def titles(count, seed=0):
    """Titles of a few words, many of which occur twice in a title."""
    rng = np.random.default_rng(seed)
    return [" ".join(rng.choice(WORDS, rng.integers(1, 9))) for _ in range(count)]


def rows_with_columns(count):
    rng = np.random.default_rng(1)
    brands, prices = rng.choice(WORDS, count), rng.integers(100, 999, count)
    rows = zip(titles(count), brands, prices, strict=True)
    return [join_fields([title, brand, f"{price / 100} €"]) for title, brand, price in rows]


def learned(texts, version=None, outcomes=40):
    """The n-grams of texts, and machines for many outcomes."""
    ngrams, features = NGrams.fit(texts, (2, 4), 2_000)
    places = np.arange(len(texts)) % outcomes
    branch = solve(features, outcome_spans(places), outcome_spans(range(outcomes)))
    if version is not None:
        ngrams = NGrams(ngrams.hashes, ngrams.idf, ngrams.characters, version)
    return ngrams, branch


@pytest.mark.parametrize("kind", ["titles", "version 1", "columns"])
def test_scores_equal_those_of_whole_titles(kind):
    texts = rows_with_columns(200) if kind == "columns" else titles(200)
    ngrams, branch = learned(texts, version=1 if kind == "version 1" else None)
    asked = [*texts, *titles(50, seed=2), *ODD]
    scorer = PieceScorer(ngrams, branch)
    scores = scorer.scores(scorer(asked))
    torch.testing.assert_close(scores, branch(ngrams(asked)), rtol=0, atol=1e-5)
    dense = torch.zeros(len(ngrams.hashes), scores.shape[1], dtype=torch.float64)
    rows = torch.repeat_interleave(torch.arange(len(dense)), branch.offsets.diff())
    dense[rows, branch.columns.long()] = branch.values.double()
    exact = torch.from_numpy(ngrams(asked).matrix.astype(np.float64).toarray()) @ dense
    torch.testing.assert_close(scores.double(), exact + branch.bias, rtol=0, atol=1e-5)


def test_the_scores_of_a_title_depend_on_it_alone():
    texts = titles(300)
    ngrams, branch = learned(texts)
    scorer = PieceScorer(ngrams, branch)
    features = scorer([*texts, *ODD])
    together = scorer.scores(features)
    for rows in (np.arange(1), np.array([7, 7, 305]), np.arange(299, -1, -1), np.arange(0)):
        assert torch.equal(scorer.scores(features.take(rows)), together[torch.from_numpy(rows)])
    afresh = PieceScorer(ngrams, branch)
    for row in (301, 3, 299):
        assert torch.equal(afresh.scores(afresh([(texts + ODD)[row]]))[0], together[row])
    assert len(scorer([])) == 0 and scorer.scores(scorer([])).shape == (0, 40)


def test_what_is_remembered_is_bounded_and_forgotten_pieces_are_computed_again(monkeypatch):
    texts = [f"{word} {number} süt" for number in range(200) for word in ("ab", "cd")]
    ngrams, branch = learned(texts)
    wanted = PieceScorer(ngrams, branch)
    wanted = wanted.scores(wanted(texts))
    monkeypatch.setattr(piece_scores, "_MOST_CELLS", 0)
    monkeypatch.setattr(piece_scores, "_LEAST_PIECES", 7)
    monkeypatch.setattr(pieces, "MOST_PIECES", 50)
    scorer = PieceScorer(ngrams, branch)
    for start in range(0, 400, 20):
        kept = scorer(texts[start : start + 20])
        assert torch.equal(scorer.scores(kept), wanted[start : start + 20])
        assert len(scorer._table) <= 50 + 60 and len(scorer._scored._scores) <= 7
    older = scorer(texts[:20])
    scorer(texts[100:])
    scorer(texts[:10])  # begins a new table
    assert torch.equal(scorer.scores(older), wanted[:20])
    long = " ".join(f"piece{number}" for number in range(30))  # more than are kept
    assert torch.equal(scorer.scores(scorer([long, "süt"]))[1], scorer.scores(scorer(["süt"]))[0])


def test_threads_may_share_a_scorer(monkeypatch):
    texts = titles(2_000, seed=3)
    texts = [f"{title} w{number % 997}" for number, title in enumerate(texts)]
    ngrams, branch = learned(texts[:400])
    alone = PieceScorer(ngrams, branch)
    wanted = alone.scores(alone(texts))
    monkeypatch.setattr(piece_scores, "_MOST_CELLS", 40 * 300)
    monkeypatch.setattr(pieces, "MOST_PIECES", 400)
    scorer = PieceScorer(ngrams, branch)

    def scored(start):
        return scorer.scores(scorer(texts[start : start + 50]))

    with ThreadPoolExecutor(8) as pool:
        for start, scores in zip(
            range(0, 2_000, 50), pool.map(scored, range(0, 2_000, 50)), strict=True
        ):
            assert torch.equal(scores, wanted[start : start + 50])


def test_an_index_finds_what_a_vocabulary_has():
    rng = np.random.default_rng(0)
    for size in (0, 1, 2, 1_000):
        hashes = np.unique(rng.integers(0, 1 << 63, size, dtype=np.uint64) << np.uint64(1))
        index = HashIndex(hashes)
        assert index(hashes).tolist() == list(range(len(hashes)))
        assert (index(hashes + np.uint64(1)) == -1).all()
        assert len(index(hashes[:0])) == 0
    crowded = np.arange(20, dtype=np.uint64) << np.uint64(32)  # all in one bucket
    assert HashIndex(crowded)(crowded[::-1]).tolist() == list(range(19, -1, -1))


def test_rows_are_taken_and_joined_in_order():
    rows = SparseRows.of_entries(
        np.array([2, 0, 2]), np.array([5, 6, 4]), np.array([1.0, 2.0, 3.0]), 4
    )
    assert rows.offsets.tolist() == [0, 1, 1, 3, 3] and rows.columns.tolist() == [6, 5, 4]
    both = SparseRows.joined([rows, rows.take(np.array([2, 1]))])
    assert len(both) == 6 and both.columns.tolist() == [6, 5, 4, 5, 4]
    table = torch.arange(14.0).view(7, 2)
    assert both.times(table)[4].tolist() == [10 * 1 + 8 * 3, 11 * 1 + 9 * 3]


def test_a_forked_process_begins_anew():
    """Another thread may have held a lock, or have added half of a piece."""
    ngrams, branch = learned(titles(50))
    scorer = PieceScorer(ngrams, branch)
    wanted = scorer.scores(scorer(["süt oat-milk"]))
    with scorer._table._adding, scorer._scored._lock:
        child = os.fork()
        if not child:
            equal = torch.equal(scorer.scores(scorer(["süt oat-milk"])), wanted)
            os._exit(0 if equal else 1)
        for _ in range(200):
            done, status = os.waitpid(child, os.WNOHANG)
            if done:
                break
            time.sleep(0.05)
        else:
            os.kill(child, signal.SIGKILL)
    assert done and status == 0
