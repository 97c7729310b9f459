"""Which way of measuring a word's part of the encoder's evidence names the words that decide."""

import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray

from benchmarks.explain.measure import FEWEST_WORDS
from benchmarks.explain.models import classifier_of, test_titles
from benchmarks.explain.saliency import sums_of_pieces
from benchmarks.jobs import Options
from benchmarks.reporting import Row
from prodcat.classifier.explanation.shortened import ShortenedTitles, TitleWords
from prodcat.classifier.explanation.word_values import word_values
from prodcat.decisions.level_margins import Scores, level_margins
from prodcat.decisions.tree_choices import ChoicesOfTree
from prodcat.model.named_ngrams import text_words

if TYPE_CHECKING:
    from prodcat import Classifier

Floats = NDArray[np.float64]
TITLES = 25
PERMUTATIONS = 4
STEPS = 16  # of integrated gradients
DRAWS = 5

# A function from the words of a title and the weights of one level, float64 [outcome], to values.
_Method = Callable[[TitleWords, Floats], Floats]


def compare_methods(options: Options, data: str) -> list[Row]:
    """How far the encoder's part of a margin falls without the words that each method names.

    Args:
        options: Where to read and write.
        data: The set.

    Returns:
        For each title and level the fall of the part by method, and the seconds that each took.
    """
    classifier = classifier_of(options, "encoder", data)
    titles = test_titles(options, data, 6 if options.quick else TITLES)
    methods = _Methods(classifier)
    rows: list[Row] = []
    for title in titles:
        words = TitleWords(title, text_words(title))
        if len(words.words) < FEWEST_WORDS or [word.text for word in words.words] != title.split():
            continue
        for level, weights in methods.levels(title):
            rows.append({"data": data, "level": level, **methods.falls(words, weights)})
    return rows


class _Methods:
    """The methods for one classifier, on the CPU."""

    def __init__(self, classifier: "Classifier") -> None:
        self.classifier = classifier
        inference = classifier.inference(cascade="off")
        self.shortened = ShortenedTitles(inference, inference)
        self.tree = ChoicesOfTree(classifier.taxonomy, classifier.network.paths)
        self.random = np.random.default_rng(0)
        self.methods: dict[str, _Method] = {
            "alone and without": self.ends,
            "without": self.occlusion,
            "Shapley values, sampled": self.shapley,
            "integrated gradients": self.integrated,
            "gradient times input": self.gradient,
        }

    def levels(self, title: str) -> list[tuple[int, Floats]]:
        """The levels of the answer, with the weights of the encoder's scores."""
        classifier, reader = self.classifier, self.classifier.reader
        [[answer]] = classifier.predict([title], cascade="off")
        [read] = self.shortened.read([title])
        assert read.encoder is not None and read.margins is not None
        assert classifier.network.lexical is not None
        margins = level_margins(
            self.tree,
            classifier.network.paths,
            reader.weights,
            Scores(self._scores([""])[0], classifier.network.lexical.bias.double()),
            Scores(read.encoder[0].double(), read.margins[0].double()),
            self.tree.along(classifier.taxonomy.find(answer.path), True),
            read.answered[0].double().clone(),
        )
        return [
            (margin.choice.level + 1, margin.encoder_weights)
            for margin in margins
            if margin.encoder_weights is not None
        ]

    def falls(self, words: TitleWords, weights: Floats) -> Row:
        """The fall of the encoder's part without a third of the words, by method, and seconds."""
        count = len(words.words)
        deleted = max(count // 3, 1)
        whole = self._value([words.text], weights)[0]
        row: Row = {}
        for name, method in self.methods.items():
            self.shortened.forget([])
            began = time.perf_counter()
            values = method(words, weights)
            row[f"{name}, seconds"] = time.perf_counter() - began
            named = np.argsort(-values, kind="stable")[:deleted]
            row[name] = whole - self._without(words, [named], weights)
        drawn = [self.random.permutation(count)[:deleted] for _ in range(DRAWS)]
        row["random"] = whole - self._without(words, drawn, weights)
        return row

    def _without(
        self, words: TitleWords, choices: Sequence[NDArray[np.int64]], weights: Floats
    ) -> float:
        return float(
            np.mean(self._value([words.kept(_all_but(words, c)) for c in choices], weights))
        )

    def _scores(self, texts: Sequence[str]) -> Any:
        return self.shortened.encoder_scores(texts).double()

    def _value(self, texts: Sequence[str], weights: Floats) -> Floats:
        values: Floats = self._scores(texts).numpy() @ weights
        return values

    # -- methods ------------------------------------------------------------------

    def ends(self, words: TitleWords, weights: Floats) -> Floats:
        """The product's: half of what a word has alone, and half of what is lost without it."""

        def scores(texts: Sequence[str]) -> Floats:
            table: Floats = self._scores(texts).numpy()
            return table

        values: Floats = word_values(words, weights[None], scores)[0]
        return values

    def occlusion(self, words: TitleWords, weights: Floats) -> Floats:
        """What is lost without each word."""
        every = range(len(words.words))
        without = [words.kept(_all_but(words, np.array([word]))) for word in every]
        return self._value([words.text], weights) - self._value(without, weights)

    def shapley(self, words: TitleWords, weights: Floats) -> Floats:
        """The mean of what each word adds in random orders (Castro et al., 2009)."""
        count = len(words.words)
        orders = [self.random.permutation(count) for _ in range(PERMUTATIONS)]
        texts = [
            words.kept(np.isin(np.arange(count), order[:size])) if size else ""
            for order in orders
            for size in range(count + 1)
        ]
        values = self._value(texts, weights).reshape(len(orders), count + 1)
        sums = np.zeros(count)
        for order, steps in zip(orders, np.diff(values, axis=1), strict=True):
            sums[order] += steps
        return sums / len(orders)

    def integrated(self, words: TitleWords, weights: Floats) -> Floats:
        """Integrated gradients by the word embeddings (Sundararajan et al., ICML 2017)."""
        return self._gradients(words, weights, (np.arange(STEPS) + 0.5) / STEPS)

    def gradient(self, words: TitleWords, weights: Floats) -> Floats:
        """The gradient by each word embedding times the embedding."""
        return self._gradients(words, weights, np.ones(1))

    def _gradients(self, words: TitleWords, weights: Floats, places: Floats) -> Floats:
        network, tokenizer = self.classifier.network, self.classifier.tokenizer
        assert network.encoder is not None and tokenizer is not None and network.heads is not None
        model: Any = network.encoder.model()
        ids = torch.tensor([tokenizer.encode(words.text).ids])
        embedded = model.get_input_embeddings()(ids).detach()
        line = torch.from_numpy(places).float()[:, None, None] * embedded
        line.requires_grad_()
        pooled = model(inputs_embeds=line).last_hidden_state.mean(1)
        scores = network.paths.log_probs(network.heads(pooled)).double()
        value = (scores @ torch.from_numpy(weights)).mean()
        [slopes] = torch.autograd.grad(value, [line])
        values = (slopes.sum(0) * embedded[0]).sum(1).double().numpy()
        return sums_of_pieces(self.classifier, words.text, values)


def _all_but(words: TitleWords, deleted: NDArray[np.int64]) -> NDArray[np.bool_]:
    keeps = np.ones(len(words.words), np.bool_)
    keeps[deleted] = False
    return keeps
