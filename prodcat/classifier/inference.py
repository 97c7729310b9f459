"""Many titles to answers: equal ones once, longest first, the next ones read meanwhile.

A window of titles is made ready on the host (equal titles are kept once, tokens and n-grams
found, rows of like length put together, so that hardly anything is padded) and then answered
on the device, batch by batch, down to the few numbers that an answer needs.
"""

import os
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from prodcat.decisions.answers import Answers, join_answers
from prodcat.decisions.calibration import Weights
from prodcat.decisions.decider import Decide
from prodcat.model.batches import TokenTable, plan_window, to_device
from prodcat.model.encoder import pad_id_of
from prodcat.model.network import Network
from prodcat.model.ngrams import Features, NGrams
from prodcat.model.precisions import Reading
from prodcat.model.tokenization import tokenize

if TYPE_CHECKING:
    from tokenizers import Tokenizer

_MOST_CELLS = 1 << 19  # log-probabilities that are decoded at once on a CPU
_STREAMS = 8
_WORKERS: dict[tuple[int, int, int], ThreadPoolExecutor] = {}
_MAKING = threading.Lock()
_MOST_CELLS_GPU = 1 << 26
_Item = TypeVar("_Item")
_Out = TypeVar("_Out")


@dataclass(frozen=True)
class Window:
    """Titles that are ready for the device.

    Attributes:
        place: int64 [title]: which of the distinct texts each title is.
        table: The distinct texts' tokens, or None without an encoder.
        features: Their n-grams, or None without a lexical branch.
        batches: Row numbers of distinct texts, int64 [batch] each; together all, once.
    """

    place: NDArray[np.int64]
    table: TokenTable | None
    features: Features | None
    batches: list[NDArray[np.int64]]

    @property
    def distinct(self) -> int:
        """How many texts there are, equal ones counted once."""
        return sum(map(len, self.batches))


class Inference:
    """A network with its readers, ready for many titles.

    Args:
        network: In eval mode, on its device.
        tokenizer: Of its encoder, or None.
        ngrams: Of its lexical branch, or None.
        weights: The calibration.
        max_tokens: Longer titles are cut.
        token_budget: Tokens of a batch, padding counted.
        reading: How the encoder is run.
    """

    def __init__(
        self,
        network: Network,
        tokenizer: "Tokenizer | None",
        ngrams: NGrams | None,
        weights: Weights,
        max_tokens: int,
        token_budget: int,
        reading: Reading,
    ) -> None:
        self.network, self.tokenizer, self.ngrams = network, tokenizer, ngrams
        self.weights = weights.to(network.device)
        self.acting = weights.acting()
        self.max_tokens, self.token_budget = max_tokens, token_budget
        self.reading = reading

    def ready(self, texts: Sequence[str]) -> Window:
        """Do what needs no device; may run in another thread."""
        first: dict[str, int] = {}
        place = np.fromiter(
            (first.setdefault(text, len(first)) for text in texts), np.int64, len(texts)
        )
        distinct = list(first)
        table = features = None
        if self.tokenizer is not None:
            table = tokenize(self.tokenizer, distinct, self.max_tokens)
            batches = plan_window(table.lengths, self.token_budget)
        else:
            size = max(self.token_budget, 1)
            batches = [
                np.arange(start, min(start + size, len(distinct)))
                for start in range(0, len(distinct), size)
            ]
        if self.ngrams is not None:
            features = self.ngrams(distinct)
        return Window(place, table, features, batches)

    def log_probs(self, window: Window) -> Tensor:
        """Calibrated log-probabilities of all titles, float32 [title, outcome] on the device."""
        groups = list(self._groups(window))
        if len(groups) == 1:
            groups = [[batch] for batch in window.batches]

        def found(own: list[NDArray[np.int64]]) -> tuple[NDArray[np.int64], Tensor]:
            with torch.no_grad():
                return self._group_log_probs(window, own)

        return self._in_order(window, list(self._mapped(found, groups)))

    def evidence(self, window: Window) -> tuple[Tensor | None, Tensor | None]:
        """What the encoder and the n-grams say of all titles before they are weighed.

        Returns:
            Log-probabilities and margins, float32 [title, outcome] on the device; None for what
            the network lacks.
        """
        found = [(np.concatenate(own), *self._scores(window, own)) for own in self._groups(window)]
        encoder, lexical = (
            None
            if any(own[which] is None for own in found)
            else self._in_order(window, [(own[0], own[which]) for own in found])
            for which in (1, 2)
        )
        return encoder, lexical

    def _in_order(self, window: Window, found: Sequence[tuple[NDArray[np.int64], Any]]) -> Tensor:
        """Rows of distinct texts, put together as the titles are."""
        device, outcomes = self.network.device, len(self.network.paths.outcomes)
        own = torch.empty(window.distinct, outcomes, device=device)
        for rows, values in found:
            own[torch.from_numpy(rows).to(device)] = values
        return own[torch.from_numpy(window.place).to(device)]

    def _groups(self, window: Window) -> Iterator[list[NDArray[np.int64]]]:
        """Batches that are decoded together."""
        cells = _MOST_CELLS if self.network.device.type == "cpu" else _MOST_CELLS_GPU
        most = cells / len(self.network.paths.outcomes)
        some: list[NDArray[np.int64]] = []
        size = 0
        for rows in window.batches:
            some.append(rows)
            size += len(rows)
            if size >= most:
                yield some
                some, size = [], 0
        if some:
            yield some

    def answers(
        self,
        window: Window,
        decide: Decide,
        groups: Sequence[str] | None = None,
        stopped: Callable[[], bool] = bool,
    ) -> Answers | None:
        """Answer all titles of a window.

        Args:
            window: From :meth:`ready`.
            decide: From log-probabilities and the titles' groups to answers.
            groups: The group of each title; equal titles of one window are then decided one
                by one, as their groups may differ.
            stopped: Asked between batches; once it says true, nothing is answered.

        Returns:
            The answers, on the host, in the order of the titles; None if stopped.
        """
        titles, starts = np.arange(len(window.place)), np.zeros(0, np.int64)
        if groups is not None:
            titles = np.argsort(window.place, kind="stable")
            starts = np.searchsorted(window.place[titles], np.arange(window.distinct + 1))

        def answered(batches: list[NDArray[np.int64]]) -> tuple[NDArray[np.int64], Answers] | None:
            if stopped():
                return None
            with torch.inference_mode():
                rows, log_probs = self._group_log_probs(window, batches)
                if groups is None:
                    return rows, decide(log_probs, None).each(Tensor.cpu)
                counts = starts[rows + 1] - starts[rows]
                own = np.concatenate([titles[starts[r] : starts[r + 1]] for r in rows])
                repeated = log_probs[torch.from_numpy(np.repeat(np.arange(len(rows)), counts))]
                return own, decide(repeated, [groups[title] for title in own]).each(Tensor.cpu)

        found = list(self._mapped(answered, list(self._groups(window))))
        parts = [own for own in found if own is not None]
        if len(parts) < len(found):
            return None
        if not parts:
            return self._nothing(decide)
        answers = join_answers([own for _, own in parts])
        order = np.concatenate([rows for rows, _ in parts])
        where = np.empty(len(order), np.int64)
        where[order] = np.arange(len(order))
        rows = torch.from_numpy(where if groups is not None else where[window.place])
        return answers.take(rows)

    def _nothing(self, decide: Decide) -> Answers:
        with torch.inference_mode():
            outcomes = len(self.network.paths.outcomes)
            none = torch.zeros(0, outcomes, device=self.network.device)
            return decide(none, []).each(Tensor.cpu)

    def _mapped(self, call: Callable[[_Item], _Out], items: Sequence[_Item]) -> Iterator[_Out]:
        """Call for each item: on a CPU side by side, each with a core of its own.

        Two batches on two cores are faster than one batch on both: no step of one waits for the
        slower core, and what keeps a single core busy (sparse products, decoding) fills no gap.
        """
        cores = torch.get_num_threads()
        streams = min(cores, _STREAMS, len(items))
        if self.network.device.type != "cpu" or streams < 2:
            yield from map(call, items)
            return
        yield from _workers(os.getpid(), streams, cores).map(call, items)

    def _group_log_probs(
        self, window: Window, batches: list[NDArray[np.int64]]
    ) -> tuple[NDArray[np.int64], Tensor]:
        scores = self._scores(window, batches)
        log_probs = self.weights.applied(self.network.paths, *scores, *self.acting)
        return np.concatenate(batches), log_probs

    def _scores(
        self, window: Window, batches: list[NDArray[np.int64]]
    ) -> tuple[Tensor | None, Tensor | None]:
        encoder = lexical = None
        if window.table is not None:
            encoder = torch.cat([self._encoder_scores(window.table, some) for some in batches])
        if window.features is not None:
            lexical = self.network.lexical_scores(window.features.take(np.concatenate(batches)))
        return encoder, lexical

    def _encoder_scores(self, table: TokenTable, rows: NDArray[np.int64]) -> Tensor:
        network = self.network
        assert network.encoder is not None and network.heads is not None
        batch = table.batch(rows, pad_id_of(network.encoder))
        pooled = self.reading(
            to_device(batch.ids, network.device),
            None if batch.mask is None else to_device(batch.mask, network.device),
        )
        logits: Tensor = network.heads(pooled)
        return network.paths.log_probs(logits)


def _workers(process: int, count: int, cores: int) -> ThreadPoolExecutor:
    """Threads that share the cores and are kept, as each takes memory of its own."""
    with _MAKING:
        key = process, count, cores
        if key not in _WORKERS:
            pool = ThreadPoolExecutor(count, "prodcat-stream", take_cores, (cores // count,))
            all_there = threading.Barrier(count + 1)
            for _ in range(count):
                pool.submit(all_there.wait)
            all_there.wait()
            torch.set_num_threads(cores)  # what the last of them took is at first that of all
            _WORKERS[key] = pool
        return _WORKERS[key]


def take_cores(count: int) -> None:
    """Give the calling thread so many cores.

    A thread takes torch's number at its first operation, and that number is one for all: another
    thread that starts at the same moment may change it, and sums in another order would differ
    in their last bits.  So the thread takes it first, and then its own.
    """
    torch.get_num_threads()
    torch.set_num_threads(count)
