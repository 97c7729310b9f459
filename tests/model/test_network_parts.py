"""Heads, lexical branch, closed form and weights of evidence."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.feature_extraction.text import TfidfVectorizer
from strategies import taxonomies

from prodcat.classifier.records import EpochResult
from prodcat.decisions.calibration import Weights, fit_weights
from prodcat.model.heads import FlatHead, StackedHeads
from prodcat.model.lexical import NGrams
from prodcat.model.network import Network
from prodcat.model.path_model import PathModel
from prodcat.taxonomy.tree import Taxonomy
from prodcat.training.closed_form import closed_form_start
from prodcat.training.lexical_fit import solve
from prodcat.training.loop import is_better

TREE = Taxonomy.from_paths([("A", "X"), ("A", "Y"), ("B", "Z"), ("C",)])


@given(st.lists(st.integers(0, 64), max_size=90), st.sampled_from([1, 40, 200, 2_048]))
def test_windows_are_planned_whole_within_the_budget_and_cheaply(lengths, budget):
    from prodcat.model.tokenization import padded_share, plan_window

    lengths = np.array(lengths, np.int64)
    plan = plan_window(lengths, budget)
    rows = np.concatenate([*plan, np.zeros(0, np.int64)])
    assert sorted(rows.tolist()) == list(range(len(lengths)))
    for batch in plan:
        longest = max(int(lengths[batch].max()), 1)
        assert len(batch) == 1 or len(batch) * longest <= budget
    if len(lengths) == 64 and budget == 2_048:
        assert padded_share(lengths, plan) < 0.6


def test_a_few_titles_are_not_mostly_padding():
    from prodcat.model.tokenization import padded_share, plan_batches, plan_window

    lengths = np.array([30, 8, 9, 10, 11, 28, 12, 9, 8, 7, 10, 29, 31, 9, 8, 12] * 2)
    whole, split = plan_batches(lengths, 2_048), plan_window(lengths, 2_048)
    assert len(whole) == 1 and len(split) == 2
    assert padded_share(lengths, split) < 0.2 < 0.5 < padded_share(lengths, whole)


def test_stacked_heads_start_as_linear_heads():
    heads = StackedHeads(5, [3, 3], [[0, 0, 1]], belief_width=4)
    weight, bias, x = torch.randn(6, 5), torch.randn(6), torch.randn(2, 5)
    heads.set_linear(weight, bias)
    torch.testing.assert_close(heads(x), x @ weight.T + bias)


def test_what_a_level_believes_changes_the_next_one():
    heads = StackedHeads(5, [3, 3], [[0, 0, 1]], belief_width=4)
    heads.set_linear(torch.randn(6, 5), torch.zeros(6))
    torch.nn.init.normal_(heads.shifts[0].weight)
    x = torch.randn(2, 5)
    before = heads(x)
    with torch.no_grad():
        heads.heads[0].bias += torch.tensor([5.0, 0.0, -5.0])
    after = heads(x)
    assert not torch.allclose(before[:, 3:], after[:, 3:])


def test_heads_without_beliefs_are_separate():
    heads = StackedHeads(5, [3, 3], [[0, 0, 1]], belief_width=0)
    assert not list(heads.shifts)
    assert heads(torch.randn(2, 5)).shape == (2, 6)
    assert FlatHead(5, 4)(torch.randn(2, 5)).shape == (2, 4)


def test_character_and_word_ngrams_are_those_of_scikit_learn():
    """Equal counts of distinct n-grams per title, and equal tf-idf weights."""
    texts = ["Pınar Süt 1 L", "sut sut sut", "Ekmek", "tam buğday ekmeği", "x"]
    _, features = NGrams.fit(texts, (2, 4), 10_000)
    folded = ["pinar sut 1 l", "sut sut sut", "ekmek", "tam bugday ekmegi", "x"]
    settings_ = {"sublinear_tf": True, "token_pattern": r"\S+"}
    words = TfidfVectorizer(ngram_range=(1, 2), **settings_).fit_transform(folded)
    letters = TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 4), sublinear_tf=True)
    letters = letters.fit_transform(folded)
    for row in range(len(texts)):
        own = features.take(np.array([row])).values
        expected = np.concatenate([words[row].data, letters[row].data])
        np.testing.assert_allclose(np.sort(own), np.sort(expected), rtol=1e-4)


def test_features_do_not_depend_on_the_batch():
    texts = [f"brand {i % 7} süt {i} ml" for i in range(50)]
    ngrams, features = NGrams.fit(texts, (2, 4), 10_000)
    for row in (0, 13, 49):
        alone = ngrams([texts[row]])
        own = features.take(np.array([row]))
        np.testing.assert_array_equal(alone.columns, own.columns)
        np.testing.assert_array_equal(alone.values, own.values)
    assert len(ngrams([])) == 0
    assert len(ngrams(["", "qqq", "süt"])) == 3


def test_the_rarest_ngrams_go_first():
    texts = ["milk"] * 9 + ["rare"]
    ngrams, features = NGrams.fit(texts, (2, 4), 5)
    assert len(ngrams.hashes) == 5
    assert len(features.take(np.array([9])).values) == 0


def test_the_lexical_branch_learns_and_equals_dense_arithmetic():
    texts = ["red apple", "green apple", "red car", "fast car"] * 5
    ngrams, features = NGrams.fit(texts, (2, 4), 10_000)
    branch = solve(features, len(ngrams.hashes), np.array([0, 0, 1, 1] * 5), 3)
    scores = branch(features)
    assert scores.argmax(1).tolist() == [0, 0, 1, 1] * 5
    assert bool((scores[:, 2] < scores[:, :2].max(1).values).all()), "an outcome without titles"
    dense = torch.zeros(len(ngrams.hashes), 3)
    rows = torch.repeat_interleave(torch.arange(len(dense)), branch.offsets.diff())
    dense[rows, branch.columns.long()] = branch.values.float()
    for row in range(4):
        own = features.take(np.array([row]))
        expected = torch.from_numpy(own.values) @ dense[own.columns] + branch.bias
        torch.testing.assert_close(scores[row], expected)
    again = branch(features)
    assert torch.equal(scores, again), "answering must not change the branch"


def test_one_outcome_needs_no_machine():
    ngrams, features = NGrams.fit(["a b", "b c"], (2, 3), 100)
    branch = solve(features, len(ngrams.hashes), np.array([1, 1]), 2)
    assert branch(features).argmax(1).tolist() == [1, 1]


def blobs(tree, per_outcome=30, hidden=8, seed=0):
    rng = np.random.default_rng(seed)
    targets = np.repeat(tree.outcomes, per_outcome)
    centers = rng.normal(size=(len(tree), hidden)) * 3
    x = centers[targets] + rng.normal(size=(len(targets), hidden))
    return torch.tensor(x, dtype=torch.float32), torch.tensor(targets)


@pytest.mark.parametrize("structure", ["stacked", "per_level", "flat"])
@given(tree=taxonomies(), seed=st.integers(0, 20))
@settings(max_examples=10, deadline=None)
def test_the_closed_form_start_solves_separable_titles(structure, tree, seed):
    x, targets = blobs(tree, seed=seed)
    paths = PathModel(tree, structure)
    start = closed_form_start(x, targets, tree, paths)
    log_probs = paths.log_probs(x @ start.weight.T + start.bias)
    right = torch.tensor(tree.outcomes)[log_probs.argmax(1)] == targets
    # A softmax of one level sees "no node" as one class of many centers, which no
    # line need split; the path softmax has a class for each outcome.
    assert right.float().mean() > (0.5 if structure == "per_level" else 0.9)
    if structure != "per_level":
        own = paths.target_log_probs(log_probs, targets).mean()
        assert -own < np.log(len(tree.outcomes)) + 1e-6, "no worse than knowing nothing"


def test_stacked_and_flat_starts_are_the_same_distribution():
    x, targets = blobs(TREE)
    found = []
    for structure in ("stacked", "flat"):
        paths = PathModel(TREE, structure)
        start = closed_form_start(x, targets, TREE, paths)
        found.append(paths.log_probs(x @ start.weight.T + start.bias))
    torch.testing.assert_close(found[0], found[1], atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("structure", ["stacked", "per_level", "flat"])
def test_the_start_copes_with_empty_outcomes_single_titles_and_partial_labels(structure):
    x, targets = blobs(TREE, per_outcome=3)
    keep = targets != TREE.find(("A", "Y"))
    x, targets = x[keep], targets[keep].clone()
    targets[-1] = TREE.find(("A",))  # a partial label
    start = closed_form_start(x, targets, TREE, PathModel(TREE, structure))
    assert bool(start.weight.isfinite().all()) and bool(start.bias.isfinite().all())


def test_one_title_has_nothing_to_hold_out():
    tree = Taxonomy.from_paths([("A",), ("B",)])
    start = closed_form_start(torch.randn(1, 4), torch.tensor([0]), tree, PathModel(tree))
    assert bool(start.weight.isfinite().all())


def test_evidence_that_is_right_weighs_more():
    paths = PathModel(TREE)
    targets = torch.tensor(TREE.outcomes).repeat(25)
    truth = torch.eye(4).repeat(25, 1)
    noise = torch.randn(100, 4, generator=torch.Generator().manual_seed(0))
    right, wrong = (4 * truth + noise).log_softmax(1), noise.log_softmax(1)
    evidence = fit_weights(paths, targets, right, wrong, "temperature").evidence
    assert evidence[0] > 3 * evidence[1] > 0
    assert fit_weights(paths, targets, None, right).evidence[0] == 1
    assert fit_weights(paths, targets[:0], right[:0], None).evidence.tolist() == [1, 1]


@pytest.mark.parametrize("method", ["temperature", "levels", "adaptive"])
def test_too_sure_scores_are_cooled(method):
    """Draws from a known distribution, seen through scores five times too sharp."""
    paths = PathModel(TREE)
    generator = torch.Generator().manual_seed(0)
    honest = torch.randn(4000, 4, generator=generator).log_softmax(1)
    outcome = torch.multinomial(honest.exp(), 1, generator=generator).flatten()
    targets = torch.tensor(TREE.outcomes)[outcome]
    weights = fit_weights(paths, targets, 5 * honest, None, method)
    found = weights(paths, 5 * honest, None)
    assert float((found.exp() - honest.exp()).abs().mean()) < 0.02
    if method == "temperature":
        assert weights.evidence[0] == pytest.approx(0.2, rel=0.1)
        assert weights.levels.tolist() == [1, 1] and weights.sharpness.tolist() == [0, 0, 0]


def test_each_level_has_a_temperature_of_its_own():
    """Departments told too surely and shelves not surely enough: no one temperature mends it."""
    tree = Taxonomy.from_paths([(f"d{i}", f"s{i}{j}") for i in range(3) for j in range(3)])
    paths = PathModel(tree)
    generator = torch.Generator().manual_seed(1)
    department = torch.randn(6000, 3, generator=generator).log_softmax(1)
    shelf = torch.randn(6000, 3, 3, generator=generator).log_softmax(2)
    honest = (department[:, :, None] + shelf).flatten(1)
    distorted = ((3 * department).log_softmax(1)[:, :, None] + (shelf / 2).log_softmax(2)).flatten(
        1
    )
    outcome = torch.multinomial(honest.exp(), 1, generator=generator).flatten()
    targets = torch.tensor(tree.outcomes)[outcome]
    gaps = {}
    for method in ("temperature", "levels"):
        weights = fit_weights(paths, targets, distorted, None, method)
        gaps[method] = float((weights(paths, distorted, None).exp() - honest.exp()).abs().mean())
    step = weights.levels * weights.evidence[0]
    assert step.tolist() == pytest.approx([1 / 3, 2], rel=0.1)
    assert gaps["levels"] < 0.005 < 0.02 < gaps["temperature"]


def test_a_temperature_may_depend_on_how_sure_the_title_is():
    """Sure titles are too sure, unsure ones are not: one temperature cannot mend both."""
    tree = Taxonomy.from_paths([(f"d{i}",) for i in range(5)])
    paths = PathModel(tree)
    generator = torch.Generator().manual_seed(2)
    honest = (torch.randn(8000, 5, generator=generator) * 1.5).log_softmax(1)
    distorted = (honest * (1 + 3 * honest.amax(1, keepdim=True).exp())).log_softmax(1)
    targets = torch.multinomial(honest.exp(), 1, generator=generator).flatten()
    gaps = {}
    for method in ("temperature", "adaptive"):
        weights = fit_weights(paths, targets, distorted, None, method)
        gaps[method] = float((weights(paths, distorted, None).exp() - honest.exp()).abs().mean())
    assert gaps["adaptive"] < gaps["temperature"] / 2


@given(tree=taxonomies(), seed=st.integers(0, 99))
@settings(max_examples=40, deadline=None)
def test_a_tempered_distribution_is_what_its_definition_says(tree, seed):
    paths = PathModel(tree)
    generator = torch.Generator().manual_seed(seed)
    logits = torch.randn(3, len(tree.outcomes), generator=generator, dtype=torch.float64)
    log_probs = logits.log_softmax(1)
    weights = torch.rand(tree.depth, generator=generator, dtype=torch.float64) + 0.5
    beliefs = paths.node_probs(log_probs.exp()).log()
    rows = []
    for place, outcome in enumerate(tree.outcomes.tolist()):
        steps, before = torch.zeros(3, dtype=torch.float64), torch.zeros(3, dtype=torch.float64)
        for level, node in enumerate(tree.ancestors(outcome)):
            steps, before = steps + weights[level] * (beliefs[:, node] - before), beliefs[:, node]
        if tree.children(outcome):  # stopping here is a step to the next level
            stop = log_probs[:, place] - before
            steps = steps + weights[int(tree.level[outcome])] * stop
        rows.append(steps)
    expected = torch.stack(rows, 1).log_softmax(1)
    found = paths.temper(log_probs, weights)
    torch.testing.assert_close(found, expected, atol=1e-9, rtol=1e-9)
    one = torch.full((tree.depth,), 0.7, dtype=torch.float64)
    torch.testing.assert_close(
        paths.temper(log_probs, one), (0.7 * log_probs).log_softmax(1), atol=1e-9, rtol=1e-9
    )


def test_two_kinds_of_evidence_are_weighed_in_one_softmax():
    ngrams, features = NGrams.fit(["red apple", "fast car"] * 3, (2, 4), 100)
    branch = solve(features, len(ngrams.hashes), np.array([0, 1] * 3), 4)
    network = Network(TREE, None, "stacked", 4, branch)
    own, margins = torch.randn(6, 4).log_softmax(1), network.lexical_scores(features)
    weights = Weights(torch.tensor([0.5, 2.0]), torch.ones(2), torch.zeros(3))
    expected = (0.5 * own + 2 * branch(features)).log_softmax(1)
    torch.testing.assert_close(weights(network.paths, own, margins), expected)
    alone = weights(network.paths, own, None)
    torch.testing.assert_close(alone, (0.5 * own).log_softmax(1))
    weights = Weights(torch.ones(2), torch.tensor([1.0, 0.5]), torch.tensor([0.1, 0.2, 0.3]))
    tempered = network.paths.temper((own + branch(features)).log_softmax(1), weights.levels)
    entropy = -(tempered.exp() * tempered).sum(1)
    own_temperature = (0.1 + 0.2 * tempered.amax(1) + 0.3 * entropy).exp()
    expected = (tempered * own_temperature[:, None]).log_softmax(1)
    torch.testing.assert_close(weights(network.paths, own, margins), expected)


def test_a_title_or_two_do_not_decide_which_epoch_is_kept():
    def epoch(number, accuracy, log_loss):
        return EpochResult(number, None, accuracy, log_loss, 0.0)

    def kept(*epochs, rows=1_000):
        best = epochs[0]
        for end, own in enumerate(epochs[1:], start=2):
            best = own if is_better(own, best, epochs[:end], rows) else best
        return best.epoch

    # Half a standard error at .9 and 1,000 titles: .0047.
    assert kept(epoch(0, 0.850, 0.9), epoch(1, 0.900, 0.60), epoch(2, 0.898, 0.50)) == 2
    assert kept(epoch(0, 0.850, 0.9), epoch(1, 0.900, 0.60), epoch(2, 0.890, 0.50)) == 1
    assert kept(epoch(0, 0.850, 0.9), epoch(1, 0.900, 0.60), epoch(2, 0.898, 0.65)) == 1
    # A clear gain counts, whatever the log-loss is.
    assert kept(epoch(0, 0.850, 0.5), epoch(1, 0.900, 0.60)) == 1
    # Small steps down do not add up: the floor is under the greatest, not under the last.
    steps = [epoch(n, 0.900 - 0.004 * n, 0.6 - 0.1 * n) for n in range(4)]
    assert kept(*steps) == 1
    # With many titles the same difference is no noise.
    assert kept(epoch(1, 0.900, 0.60), epoch(2, 0.898, 0.50), rows=100_000) == 1
