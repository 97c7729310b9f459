"""Explain answers: the words that decide each level, similar titles, and what would change it."""

import copy
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from prodcat.catalog.fields import BORDER, title_of
from prodcat.classifier.answer_nodes import AnswerNodes
from prodcat.classifier.explanation.deletions import MOST_READ, MOST_TRIED, DeletionSearch
from prodcat.classifier.explanation.explanation import Explanation
from prodcat.classifier.explanation.reasons import (
    Deletion,
    LevelReasons,
    NGramReason,
    WordReason,
)
from prodcat.classifier.explanation.shortened import ReadTexts, ShortenedTitles, TitleWords
from prodcat.classifier.explanation.word_values import perturbed_texts, word_values
from prodcat.classifier.migration.migrations import Migrations
from prodcat.classifier.prediction import NO_CATEGORY, Prediction, predict_texts, predictions
from prodcat.classifier.reader import Reader
from prodcat.classifier.titles import TITLE, empty_titles
from prodcat.decisions.decider import Decider
from prodcat.decisions.level_margins import After, Floats, LevelMargin, Scores, level_margins
from prodcat.decisions.options import AnswerOptions
from prodcat.decisions.tree_choices import Choice, ChoicesOfTree
from prodcat.decisions.weights import Weights
from prodcat.model.lexical import LexicalBranch
from prodcat.model.named_ngrams import NamedFeatures, named_features, text_words
from prodcat.model.neighbours import LabelledTitles
from prodcat.model.ngrams import NGrams
from prodcat.model.path_model import PathModel
from prodcat.model.sparse_rows import entries_of

_MOST_LETTERS = 200_000  # of all shortened titles of one title, so that long ones take no longer
_FEWEST_TRIED = 8


@dataclass(frozen=True, eq=False)
class _Evidence:
    """What was read of one title.

    Attributes:
        read: How it was read.
        title: Its words.
        named: Its n-grams, or None without n-grams.
        scores: Its scores.
        shared: Its n-grams as each change of the tree reads them that shares out probability by
            scores, with the map to these scores.
    """

    read: ReadTexts
    title: TitleWords
    named: NamedFeatures | None
    scores: Scores
    shared: tuple[tuple[LexicalBranch, NamedFeatures], ...] = ()

    @property
    def start(self) -> Tensor | None:
        """What an empty title has of the scores that share out, float64 [column]; or None."""
        parts = [branch.bias.double().cpu() for branch, _ in self.shared]
        return torch.cat(parts) if parts else None


class Explainer:
    """Explains the answers of a classifier.

    Args:
        reader: The reader of the classifier.
        decider: Its decider with the options of the answers.
        options: The options of the answers.
        known: Labelled titles, of which the most similar are shown, or None.
        count: The number of similar titles.
    """

    def __init__(
        self,
        reader: Reader,
        decider: Decider,
        options: AnswerOptions,
        known: LabelledTitles | None = None,
        count: int = 3,
    ) -> None:
        self.reader, self.decider, self.known, self.count = reader, decider, known, count
        self.nodes = AnswerNodes(decider.taxonomy, options.language)
        self.promised = options.promises
        self.inference = reader.inference(
            options.precision, options.promises, options.applied_cascade
        )
        whole = reader.inference(options.precision, options.promises, "off")
        self.shortened = ShortenedTitles(self.inference, whole)
        self.paths = _on_cpu(reader.network.paths)
        self.tree = ChoicesOfTree(decider.taxonomy, _on_cpu(decider.paths))
        self.migrations = _in_float64(reader.migrations)

    def __call__(self, texts: Sequence[str], groups: Sequence[str] | None) -> list[Explanation]:
        """Explain the answers to texts.

        Args:
            texts: The texts, made by :meth:`prodcat.classifier.reader.Reader.texts`.
            groups: The group of each text for the guarantee, or None.

        Returns:
            The reasons for the answer to each text.
        """
        if not texts:
            return []
        answers = self.inference.answers(self.inference.prepare(texts), self.decider, groups)
        assert answers is not None
        answered = predictions(answers, self.nodes)
        guesses, empty = answers.guesses[0].tolist(), set(empty_titles(texts))
        explained = []
        for row, text in enumerate(texts):
            made = Explanation(title_of(text), self._columns(text), NO_CATEGORY, (), (), False)
            if row not in empty:
                node = int(answers.nodes[row, 0])
                end, exact = (node, answers.exact) if node >= 0 else (guesses[row], True)
                path = self.tree.along(end, exact)
                group = None if groups is None else [groups[row]]
                made = replace(made, prediction=answered[row][0], path=self.nodes.paths[end])
                made = self._explained(made, text, group, path)
            explained.append(made)
        if self.known is not None:
            near = self.known([each.title for each in explained], self.count)
            explained = [
                replace(made, neighbours=tuple(similar))
                for made, similar in zip(explained, near, strict=True)
            ]
        return explained

    def _columns(self, text: str) -> dict[str, str]:
        """The further texts of a row, by the name of their column."""
        names = self.reader.text_columns
        return dict(zip(names, text.split(BORDER)[1:], strict=False))

    def _explained(
        self, made: Explanation, text: str, group: list[str] | None, path: Sequence[Choice]
    ) -> Explanation:
        """The explanation of one title, without similar ones."""
        [read] = self.shortened.read([text])
        evidence = self._evidence(read, text)
        margins = self._margins(evidence, path)
        if read.encoder is not None:  # all texts in one batch
            self.shortened.encoder_scores(perturbed_texts(evidence.title))
        levels = tuple(self._level(evidence, margin) for margin in margins)
        made = replace(made, levels=levels, encoder=read.encoder is not None)
        made = self._with_deletion(made, evidence.title, group)
        self.shortened.forget([""])
        return made

    # -- what decides each level --------------------------------------------------

    def _evidence(self, read: ReadTexts, text: str) -> _Evidence:
        """The words, n-grams and scores of a title."""
        named = lexical = encoder = None
        words = text_words(text)
        if read.margins is not None:
            ngrams, branch = self._branch(read)
            [named] = named_features(ngrams, read.texts)
            words, lexical = named.words, _scores(branch, named)
        if read.encoder is not None:
            encoder = read.encoder[0].double().cpu()
        shared = self._shared(text)
        parts = [_scores(branch, named_of_title) for branch, named_of_title in shared]
        shares = torch.cat(parts) if parts else None
        title = TitleWords(text, words)
        return _Evidence(read, title, named, Scores(encoder, lexical, shares), shared)

    def _shared(self, text: str) -> tuple[tuple[LexicalBranch, NamedFeatures], ...]:
        """The n-grams of a title as the changes of the tree read them, with their maps."""
        steps = () if self.migrations is None else self.migrations.steps
        scorers = [step.scores for step in steps if step.scores is not None]
        title = [title_of(text)]
        return tuple((each.lexical, named_features(each.ngrams, title)[0]) for each in scorers)

    def _branch(self, read: ReadTexts) -> tuple[NGrams, LexicalBranch]:
        """The n-grams that have read a title, and their map to scores."""
        titles = self.reader.title_branch
        if read.of_titles and titles is not None:
            return titles.ngrams, titles.lexical
        assert self.reader.ngrams is not None and self.reader.network.lexical is not None
        return self.reader.ngrams, self.reader.network.lexical

    def _margins(self, evidence: _Evidence, path: Sequence[Choice]) -> list[LevelMargin]:
        read, scores = evidence.read, evidence.scores
        lexical = None
        if scores.lexical is not None:
            lexical = self._branch(read)[1].bias.double().cpu()
        encoder = None
        if scores.encoder is not None:
            encoder = self.shortened.encoder_scores([""])[0].double().cpu()
        weights = read.reading.weights.to(torch.device("cpu"))
        with torch.inference_mode():
            answered = read.answered[0].double().cpu()
        return level_margins(
            self.tree,
            self.paths,
            weights,
            Scores(encoder, lexical, evidence.start),
            scores,
            path,
            answered.clone(),
            self._after(),
        )

    def _after(self) -> After | None:
        """What the changes of the tree do with log-probabilities of a title."""
        migrations = self.migrations
        if migrations is None:
            return None

        def after(log_probs: Tensor, shares: Tensor | None) -> Tensor:
            return migrations(log_probs, shares, self.promised)

        return after

    def _level(self, evidence: _Evidence, margin: LevelMargin) -> LevelReasons:
        """The reasons at one level."""
        named, words = evidence.named, evidence.title.words
        by_ngrams, by_encoder = np.zeros(len(words)), np.zeros(len(words))
        ngrams: list[NGramReason] = []
        if named is not None and margin.lexical_weights is not None:
            branch = self._branch(evidence.read)[1]
            parts = _contributions(branch, named, margin.lexical_weights)
            by_ngrams = named.shares.T @ parts
            ngrams = self._ngrams(named, parts)
        by_shares, of_shares = self._by_shares(evidence, margin)
        by_ngrams += by_shares
        ngrams = sorted([*ngrams, *of_shares], key=lambda ngram: -abs(ngram.weight))
        if margin.encoder_weights is not None:
            by_encoder = word_values(evidence.title, margin.encoder_weights[None], self._scores)[0]
        reasons = [
            WordReason(word.text, self._column(word.place), ngram_part, encoder_part)
            for word, ngram_part, encoder_part in zip(
                words, by_ngrams.tolist(), by_encoder.tolist(), strict=True
            )
        ]
        chosen, other = margin.choice, margin.runner_up
        return LevelReasons(
            level=chosen.level + 1,
            path=self.nodes.paths[chosen.node],
            ends=chosen.ends,
            confidence=min(math.exp(margin.log_prob), 1.0),
            runner_up=None if other is None else self.nodes.paths[other.node],
            runner_up_ends=other is not None and other.ends,
            runner_up_confidence=math.exp(margin.runner_up_log_prob),
            margin=margin.margin,
            start=margin.start,
            words=tuple(reasons),
            ngrams=tuple(ngrams),
        )

    def _by_shares(
        self, evidence: _Evidence, margin: LevelMargin
    ) -> tuple[Floats, list[NGramReason]]:
        """What words and n-grams contribute by sharing out the probability of old categories.

        Returns:
            float64 [word], and the n-grams.
        """
        by_word, ngrams = np.zeros(len(evidence.title.words)), list[NGramReason]()
        start = 0
        for branch, named in evidence.shared:
            end = start + len(branch.bias)
            if margin.share_weights is not None:
                parts = _contributions(branch, named, margin.share_weights[start:end])
                of_title = named.shares.T @ parts  # the words of the title are the first ones
                by_word[: len(of_title)] += of_title
                ngrams += self._ngrams(named, parts)
            start = end
        return by_word, ngrams

    def _ngrams(self, named: NamedFeatures, parts: Floats) -> list[NGramReason]:
        """The n-grams of a title with what each contributes, the strongest first."""
        return [
            NGramReason(
                named.ngrams[row].name,
                named.ngrams[row].kind,
                self._column(named.ngrams[row].place),
                float(parts[row]),
            )
            for row in np.argsort(-np.abs(parts), kind="stable").tolist()
        ]

    def _scores(self, texts: Sequence[str]) -> Floats:
        scores: Floats = self.shortened.encoder_scores(texts).double().cpu().numpy()
        return scores

    def _column(self, place: int) -> str:
        return self.reader.text_columns[place - 1] if place else TITLE

    # -- what would change the answer ---------------------------------------------

    def _with_deletion(
        self, made: Explanation, title: TitleWords, group: list[str] | None
    ) -> Explanation:
        """Add the smallest deletion of words that changes the answer, if there is one."""
        answers: dict[str, Prediction] = {}

        def is_changed(text: str) -> bool:
            [[answers[text]]] = predict_texts(
                self.inference, self.decider, [text], group, self.nodes
            )
            return answers[text].path != made.prediction.path

        def effects(texts: Sequence[str]) -> list[float]:
            groups = None if group is None else group * len(texts)
            answered = self.shortened.answers(texts, self.decider, groups)
            nodes, sure = answered.nodes[:, 0].tolist(), answered.confidence[:, 0].tolist()
            unchanged = [self.nodes.paths[node] == made.prediction.path for node in nodes]
            return [s if same else -1.0 for s, same in zip(sure, unchanged, strict=True)]

        most = MOST_READ if self.inference.reading.encoded else MOST_TRIED
        most = max(min(most, _MOST_LETTERS // len(title.text)), _FEWEST_TRIED)
        search = DeletionSearch(title, effects, is_changed, most)
        changed = search.smallest(_needed(made.levels, len(title.words)))
        made = replace(made, tried=search.tried, exhaustive=search.exhaustive)
        if changed is None:
            return made
        text = title.kept(changed.keeps)
        pairs = zip(title.words, changed.keeps.tolist(), strict=True)
        deletion = Deletion(
            words=tuple(word.text for word, keep in pairs if not keep),
            title=title_of(text),
            texts=self._columns(text),
            prediction=answers[text],
            is_smallest=changed.is_smallest,
        )
        return replace(made, deletion=deletion)


def _needed(levels: Sequence[LevelReasons], words: int) -> list[float]:
    """How much each word speaks for an answer, over all levels."""
    sums = np.zeros(words)
    for level in levels:
        sums += [word.weight for word in level.words]
    needed: list[float] = sums.tolist()
    return needed


def _on_cpu(paths: PathModel) -> PathModel:
    return paths if paths.parent.device.type == "cpu" else copy.deepcopy(paths).cpu()


def _in_float64(migrations: Migrations | None) -> Migrations | None:
    """The changes of the tree on the CPU, with calibrations in float64."""
    if migrations is None:
        return None
    steps = migrations.to("cpu").steps
    return Migrations(
        tuple(
            step
            if step.weights is None
            else replace(step, weights=Weights(*(tensor.double() for tensor in step.weights)))
            for step in steps
        )
    )


def _entries(
    branch: LexicalBranch, named: NamedFeatures
) -> tuple[NDArray[np.int64], NDArray[np.int64], Floats]:
    """The n-gram, the choice and the weight of each entry of a map that a title meets.

    Returns:
        int64 [entry] of positions among the title's n-grams, int64 [entry] and float64 [entry].
    """
    entries, counts = entries_of(branch.offsets.cpu().numpy(), named.columns)
    columns = branch.columns.cpu().numpy()[entries].astype(np.int64)
    values = branch.values.cpu().numpy()[entries].astype(np.float64)
    return np.repeat(np.arange(len(counts)), counts), columns, values


def _scores(branch: LexicalBranch, named: NamedFeatures) -> Tensor:
    """The margins of a title's n-grams, float64 [choice]."""
    row, columns, values = _entries(branch, named)
    size = len(branch.bias)
    sums = np.bincount(columns, values * named.values[row], size)
    return branch.bias.double().cpu() + torch.from_numpy(sums)


def _contributions(branch: LexicalBranch, named: NamedFeatures, weights: Floats) -> Floats:
    """What each n-gram of a title contributes, float64 [n-gram], with these weights of scores."""
    row, columns, values = _entries(branch, named)
    sums = np.bincount(row, values * weights[columns], len(named.values)).astype(np.float64)
    contributions: Floats = sums * named.values
    return contributions
