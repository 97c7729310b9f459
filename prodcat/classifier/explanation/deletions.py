"""The search for the fewest words without which an answer changes.

All deletions of one word are tried, then all of two, and so on, while their number allows it.
Where there are too many, the words that the answer needs most are deleted one after the other until
it changes, and then those that were not needed for this are put back.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from math import comb

import numpy as np

from prodcat.classifier.explanation.shortened import Flags, TitleWords

MOST_TRIED = 256  # deletions of which every one is tried; with an encoder, see ``MOST_READ``
MOST_READ = 40  # the same where the encoder reads titles


@dataclass(frozen=True, eq=False)
class ChangedAnswer:
    """A deletion that changes the answer.

    Attributes:
        keeps: bool [word]: which words are kept.
        is_smallest: Whether no deletion of fewer words changes the answer.
    """

    keeps: Flags
    is_smallest: bool


@dataclass
class DeletionSearch:
    """One search.

    Args:
        title: The words of the title.
        changes: Returns for some texts how much each speaks for the answer that the whole title
            has, or -1 where the answer is another one.
        is_changed: Whether the answer to one text, by a real prediction, is another one.
        most: How many deletions are tried where all of a size are.

    Attributes:
        tried: The number of deletions that were tried so far.
        exhaustive: Whether every deletion was tried that leaves a word of the title.
    """

    title: TitleWords
    changes: Callable[[Sequence[str]], Sequence[float]]
    is_changed: Callable[[str], bool]
    most: int
    tried: int = 0
    exhaustive: bool = True

    def smallest(self, needed: Sequence[float]) -> ChangedAnswer | None:
        """The smallest deletion that changes the answer; None if no deletion that was tried does.

        Args:
            needed: For each word how much it speaks for the answer.
        """
        count = len(self.title.words)
        for size in range(1, count):
            if self.tried + comb(count, size) > self.most:
                self.exhaustive = False
                return self._by_need(needed, size)
            changed = self._first(list(self._deletions(combinations(range(count), size))))
            if changed is not None:
                return ChangedAnswer(changed, True)
        return None

    def _deletions(self, deleted: Iterable[Sequence[int]]) -> Iterator[Flags]:
        """Which words are kept by each deletion that leaves a word of the title."""
        for numbers in deleted:
            keeps = np.ones(len(self.title.words), np.bool_)
            keeps[list(numbers)] = False
            if self.title.has_title(keeps):
                yield keeps

    def _first(self, deletions: Sequence[Flags]) -> Flags | None:
        """The first of some deletions, in the order of their effect, that changes the answer."""
        if not deletions:
            return None
        self.tried += len(deletions)
        effects = self.changes([self.title.kept(keeps) for keeps in deletions])
        order: list[int] = np.argsort(np.array(effects), kind="stable").tolist()
        for place in order:
            if effects[place] >= 0:
                return None
            if self.is_changed(self.title.kept(deletions[place])):
                return deletions[place]
        return None

    def _by_need(self, needed: Sequence[float], size: int) -> ChangedAnswer | None:
        """Delete the most needed words until the answer changes, then put back those in excess.

        Args:
            needed: For each word how much it speaks for the answer.
            size: The size of the smallest deletions that were not all tried.
        """
        order = np.argsort(-np.array(needed), kind="stable").tolist()
        longest = min(len(order) - 1, self.most)
        grown = np.unique(np.linspace(size, longest, self.most).astype(int)).tolist()
        deletions = list(self._deletions(order[:count] for count in grown))
        if not deletions:
            return None
        self.tried += len(deletions)
        effects = self.changes([self.title.kept(keeps) for keeps in deletions])
        for keeps, effect in zip(deletions, effects, strict=True):
            if effect < 0 and self.is_changed(self.title.kept(keeps)):
                return self._without_excess(keeps, size)
        return None

    def _without_excess(self, keeps: Flags, size: int) -> ChangedAnswer:
        while int((~keeps).sum()) > size:
            fewer = []
            for number in np.flatnonzero(~keeps).tolist():
                back = keeps.copy()
                back[number] = True
                fewer.append(back)
            smaller = self._first(fewer)
            if smaller is None:
                break
            keeps = smaller
        return ChangedAnswer(keeps, int((~keeps).sum()) <= size)
