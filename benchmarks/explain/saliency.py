"""Gradient saliency: how steep the margin of a level is in the inputs of each word.

It is what is usually drawn first: the size of the gradient of the score by the input, without the
input itself (Simonyan et al., ICLR 2014, workshop).  The inputs are the n-grams' weights and the
encoder's word embeddings; of each kind a word has its share, and the shares are added up.
"""

from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray

from prodcat.decisions.tree_choices import ChoicesOfTree
from prodcat.model.named_ngrams import named_features, text_words

if TYPE_CHECKING:
    from prodcat import Classifier
    from prodcat.classifier.explanation.explanation import Explanation
    from prodcat.classifier.explanation.reasons import LevelReasons


class Saliency:
    """The saliency of the words of titles for one classifier.

    Args:
        classifier: The classifier, on the CPU.
    """

    def __init__(self, classifier: "Classifier") -> None:
        self.classifier = classifier
        tree = classifier.taxonomy
        self.spans = {path: tree.spans[node].tolist() for node, path in enumerate(tree.paths)}
        self.ends = {path: place for place, path in enumerate(classifier.outcomes)}
        self.tree = ChoicesOfTree(tree, classifier.network.paths)

    def __call__(self, explanation: "Explanation", level: "LevelReasons") -> NDArray[np.float64]:
        """The saliency of each word, float64 [word].

        Args:
            explanation: The reasons for the answer.
            level: One of its levels, which has a runner-up.
        """
        title = explanation.title
        reader = self.classifier.reader
        lexical, encoder, embedded = self._scores(title, explanation.encoder)
        log_probs = reader.weights(reader.network.paths, encoder, lexical)
        margin = self._sum(log_probs, level.path, level.ends)
        assert level.runner_up is not None
        margin = margin - self._sum(log_probs, level.runner_up, level.runner_up_ends)
        inputs = [each for each in (lexical, embedded) if each is not None]
        gradients = iter(torch.autograd.grad(margin, inputs))
        total = np.zeros(len(text_words(title)))
        if lexical is not None:
            total += self._of_ngrams(title, next(gradients)[0])
        if embedded is not None:
            total += self._of_pieces(title, next(gradients)[0])
        return total

    def _sum(self, log_probs: Any, path: tuple[str, ...], ends: bool) -> Any:
        start, end = (self.ends[path], self.ends[path] + 1) if ends else self.spans[path]
        return log_probs[0, start:end].logsumexp(0)

    def _scores(self, title: str, encoded: bool) -> tuple[Any, Any, Any]:
        """The n-grams' margins, the encoder's scores and its word embeddings, with gradients."""
        reader = self.classifier.reader
        lexical = encoder = embedded = None
        if reader.ngrams is not None and reader.network.lexical is not None:
            lexical = reader.network.lexical(reader.ngrams([title])).clone().requires_grad_()
        if encoded and reader.network.encoder is not None and reader.tokenizer is not None:
            model: Any = reader.network.encoder.model()
            ids = torch.tensor([reader.tokenizer.encode(title).ids])
            embedded = model.get_input_embeddings()(ids).detach().requires_grad_()
            states = model(inputs_embeds=embedded).last_hidden_state
            pooled = states.mean(1) if reader.network.encoder.pooling == "mean" else states[:, 0]
            assert reader.network.heads is not None
            encoder = reader.network.paths.log_probs(reader.network.heads(pooled))
        return lexical, encoder, embedded

    def _of_ngrams(self, title: str, gradient: Any) -> NDArray[np.float64]:
        """The share of each word in the sizes of the gradients by the n-grams' weights."""
        reader = self.classifier.reader
        assert reader.ngrams is not None and reader.network.lexical is not None
        [named] = named_features(reader.ngrams, [title])
        branch, slopes = reader.network.lexical, gradient.double().numpy()
        offsets = branch.offsets.numpy()
        sizes = np.array(
            [
                abs(
                    float(
                        branch.values[offsets[n] : offsets[n + 1]].double().numpy()
                        @ slopes[branch.columns[offsets[n] : offsets[n + 1]].long().numpy()]
                    )
                )
                for n in named.columns.tolist()
            ]
        )
        by_word: NDArray[np.float64] = named.shares.T @ sizes
        return by_word / max(float(by_word.sum()), 1e-12)

    def _of_pieces(self, title: str, gradient: Any) -> NDArray[np.float64]:
        """The share of each word in the lengths of the gradients by its embeddings."""
        lengths = gradient.norm(dim=1).double().numpy()
        return shares_of_pieces(self.classifier, title, lengths)


def shares_of_pieces(
    classifier: "Classifier", title: str, values: NDArray[np.float64]
) -> NDArray[np.float64]:
    """The sums of values of pieces by the word that each piece is from, which add up to 1 or -1.

    Args:
        classifier: The classifier.
        title: The title.
        values: float64 [piece]: the value of each piece, special ones included.
    """
    by_word = sums_of_pieces(classifier, title, values)
    return by_word / max(float(np.abs(by_word).sum()), 1e-12)


def sums_of_pieces(
    classifier: "Classifier", title: str, values: NDArray[np.float64]
) -> NDArray[np.float64]:
    """The sums of values of pieces by the word that each piece is from, float64 [word]."""
    assert classifier.tokenizer is not None
    words = title.split()
    starts, place = [], 0
    for word in words:
        place = title.index(word, place)
        starts.append(place)
        place += len(word)
    by_word = np.zeros(len(words))
    offsets = classifier.tokenizer.encode(title).offsets
    for (start, end), value in zip(offsets, values, strict=True):
        if end > start:
            by_word[max(int(np.searchsorted(starts, end - 1, "right")) - 1, 0)] += value
    return by_word
