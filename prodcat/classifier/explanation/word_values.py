"""What each word of a title contributes through the encoder.

The encoder's scores are no sum over words, so what a word contributes is measured: the encoder
reads the title without the word, and the word alone.  Half of the sum of both differences is the
word's value.  It is a Shapley value (Contributions to the Theory of Games II, 1953) for which only
the smallest and the largest groups of words are read, those with the largest weights in KernelSHAP
(Lundberg and Lee, NeurIPS 2017).  What is left of the whole is divided equally, so that the values
of all words add up to what the encoder contributes.
"""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from prodcat.classifier.explanation.shortened import TitleWords

MOST_GROUPS = (
    24  # of neighbouring words, each of which has one value; a word is one if there are few
)
Floats = NDArray[np.float64]


def word_groups(words: int) -> list[NDArray[np.int64]]:
    """Divide words into groups of neighbours that are deleted together.

    Args:
        words: The number of words, at least 1.

    Returns:
        The numbers of the words of each group; each word alone if there are at most 24.
    """
    return np.array_split(np.arange(words), min(words, MOST_GROUPS))


def perturbed_texts(title: TitleWords) -> list[str]:
    """The texts that the encoder has to read for the values of words.

    Args:
        title: The words.

    Returns:
        The whole text, no text, and for each group of words the text without and with it alone.
    """
    count = len(title.words)
    texts = [title.text, ""]
    for group in word_groups(count):
        without = np.ones(count, np.bool_)
        without[group] = False
        texts += [title.kept(without), title.kept(~without)]
    return texts


def word_values(
    title: TitleWords, weights: Floats, scores: Callable[[Sequence[str]], Floats]
) -> Floats:
    """The value of each word through the encoder, float64 [level, word].

    Args:
        title: The words, at least one.
        weights: float64 [level, outcome]: the weight of each score in the margin of each level.
        scores: A function from texts to the encoder's scores, float64 [text, outcome].

    Returns:
        Values whose sum over words is, at each level, the weighted difference of the scores of the
        whole text and of no text.
    """
    groups = word_groups(len(title.words))
    values = scores(perturbed_texts(title)) @ weights.T  # [text, level]
    whole, nothing, without, alone = values[0], values[1], values[2::2], values[3::2]
    halves = ((whole - without) + (alone - nothing)) / 2
    halves += ((whole - nothing) - halves.sum(axis=0)) / len(groups)
    sizes = np.array([len(group) for group in groups])
    spread: Floats = np.repeat(halves / sizes[:, None], sizes, axis=0).T
    return spread
