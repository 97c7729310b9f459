"""The weights of evidence, of levels and of single titles."""

from dataclasses import replace

import pytest
import torch
from training_runs import outcome_spans

from prodcat.decisions.calibration import fit_weights
from prodcat.decisions.step_calibration import AlongPaths
from prodcat.decisions.weights import Choices, Weights
from prodcat.model.network import Network
from prodcat.model.ngrams import NGrams
from prodcat.model.path_model import PathModel
from prodcat.taxonomy.tree import Taxonomy
from prodcat.training.lexical_fit import solve

TREE = Taxonomy.from_paths([("A", "X"), ("A", "Y"), ("B", "Z"), ("C",)])


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


@pytest.mark.parametrize("method", ["temperature", "levels", "adaptive", "steps"])
def test_too_sure_scores_are_cooled(method):
    """Draws from a known distribution, seen through scores five times too sharp."""
    paths = PathModel(TREE)
    generator = torch.Generator().manual_seed(0)
    honest = torch.randn(4000, 4, generator=generator).log_softmax(1)
    outcome = torch.multinomial(honest.exp(), 1, generator=generator).flatten()
    targets = torch.tensor(TREE.outcomes)[outcome]
    weights = fit_weights(paths, targets, 5 * honest, None, method)
    log_probs = weights(paths, 5 * honest, None)
    assert float((log_probs.exp() - honest.exp()).abs().mean()) < 0.02
    if method == "temperature":
        assert weights.evidence[0] == pytest.approx(0.2, rel=0.1)
        assert weights.levels.tolist() == [1, 1] and weights.sharpness.tolist() == [0, 0, 0]


def test_each_level_has_its_temperature():
    """Departments are overconfident and shelves underconfident: one temperature cannot fix both."""
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
    """Only confident titles are overconfident: one temperature cannot fix both kinds."""
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


def test_two_kinds_of_evidence_are_weighed_in_one_softmax():
    _, features = NGrams.fit(["red apple", "fast car"] * 3, (2, 4), 100)
    branch = solve(features, outcome_spans([0, 1] * 3), outcome_spans(range(4)))
    network = Network(TREE, None, "stacked", 4, branch)
    encoder_scores, margins = torch.randn(6, 4).log_softmax(1), network.lexical_scores(features)
    weights = Weights(torch.tensor([0.5, 2.0]), torch.ones(2), torch.zeros(3))
    expected = (0.5 * encoder_scores + 2 * branch(features)).log_softmax(1)
    torch.testing.assert_close(weights(network.paths, encoder_scores, margins), expected)
    alone = weights(network.paths, encoder_scores, None)
    torch.testing.assert_close(alone, (0.5 * encoder_scores).log_softmax(1))
    weights = Weights(torch.ones(2), torch.tensor([1.0, 0.5]), torch.tensor([0.1, 0.2, 0.3]))
    tempered = network.paths.temper(
        (encoder_scores + branch(features)).log_softmax(1), weights.levels
    )
    entropy = -(tempered.exp() * tempered).sum(1)
    inverse_temperature = (0.1 + 0.2 * tempered.amax(1) + 0.3 * entropy).exp()
    expected = (tempered * inverse_temperature[:, None]).log_softmax(1)
    torch.testing.assert_close(weights(network.paths, encoder_scores, margins), expected)


def loss_of_steps(paths, weights, targets, scores, margins):
    """The loss that ``steps`` minimise, from the probability of every node."""
    spans, outcomes = paths.target_spans[targets], torch.arange(len(paths.outcomes))
    probs = weights(paths, scores, margins).double().exp()
    nodes, answer = paths.node_probs(probs), probs.argmax(1)
    allowed = (outcomes >= spans[:, :1]) & (outcomes < spans[:, 1:])
    terms = [-(probs * allowed).sum(1).log().mean()]
    best = probs.gather(1, answer[:, None])[:, 0]
    terms.append(-torch.where(paths.covers(targets, answer), best, 1 - best).log().mean())
    by_level = []
    for level in range(len(paths.level_bounds)):
        said, true = paths.chains[paths.outcomes[answer], level], paths.chains[targets, level]
        judged = (said >= 0) & ((true >= 0) | paths.terminal[targets])
        sure = nodes.gather(1, said.clamp(min=0)[:, None])[:, 0]
        loss = -torch.where(said == true, sure, 1 - sure).clamp(min=1e-6).log()
        by_level.append(loss[judged].mean())
    return float(sum(terms) + sum(by_level) / len(by_level))


def test_the_loss_of_steps_is_that_of_all_nodes():
    """Products end at an inner node, too, and some labels are partial."""
    tree = Taxonomy.from_paths([("A",), ("A", "X"), ("A", "Y"), ("B", "Z"), ("C", "V"), ("C", "W")])
    paths, generator = PathModel(tree), torch.Generator().manual_seed(0)
    scores = torch.randn(300, 6, generator=generator).log_softmax(1)
    targets = torch.randint(len(tree), (300,), generator=generator)
    margins = torch.randn(300, len(paths.branches.choice_branch), generator=generator)
    pooled = Weights.neutral(2)
    made = Choices.of(paths, pooled(paths, scores, margins))
    for steps in 0.5 * torch.randn(5, 4, 2, generator=generator):
        weights = replace(pooled, steps=steps)
        answers = weights(paths, scores, margins).argmax(1)
        loss = AlongPaths(paths, targets, answers, made, margins).loss(weights)
        expected = loss_of_steps(paths, weights, targets, scores, margins)
        assert float(loss) == pytest.approx(expected, abs=1e-4)
