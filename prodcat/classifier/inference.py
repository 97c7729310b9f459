"""Batch inference: answers for many titles, computed only once for equal titles.

A window of titles is prepared on the CPU: of equal titles one is kept, titles become tokens and
n-grams, and titles of similar length share a batch, so that batches have hardly any padding.  The
device then answers the window batch by batch, and returns only the few numbers of each answer.
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

from prodcat.catalog.fields import are_titles_alone, title_of
from prodcat.classifier.title_branch import TitleBranch
from prodcat.decisions.answers import Answers, join_answers
from prodcat.decisions.decider import Decide
from prodcat.decisions.weights import Weights
from prodcat.model.batches import TokenTable, plan_window, to_device
from prodcat.model.encoder import pad_id_of
from prodcat.model.network import Network
from prodcat.model.ngrams import Features, NGrams
from prodcat.model.precisions import EncoderForm
from prodcat.model.tokenization import tokenize

if TYPE_CHECKING:
    from tokenizers import Tokenizer

_MOST_CELLS = 1 << 19  # maximum number of log-probabilities that are decoded together on a CPU
_MOST_CELLS_GPU = 1 << 26
_STREAMS = 8  # maximum number of threads that answer batches on a CPU
_WORKERS: dict[tuple[int, int, int], ThreadPoolExecutor] = {}
_MAKING = threading.Lock()
_Item = TypeVar("_Item")
_Out = TypeVar("_Out")


@dataclass(frozen=True)
class Window:
    """A chunk of titles: tokenised, without duplicates, and divided into batches.

    Attributes:
        place: int64 [title]: the position of each title's text among the distinct texts.
        table: The tokens of the distinct texts, or None without an encoder.
        features: The n-grams of the distinct texts that are read with their columns, or None
            without a lexical branch.
        titles: The n-grams of the other distinct texts, for the branch of titles alone, or None
            without one.
        batches: Positions of distinct texts, an int64 array for each batch; each distinct text is
            in exactly one batch.
        boundary: Distinct texts from this position on are read by the branch of titles alone; a
            batch has none of them or nothing else.
    """

    place: NDArray[np.int64]
    table: TokenTable | None
    features: Features | None
    titles: Features | None
    batches: list[NDArray[np.int64]]
    boundary: int

    @property
    def distinct(self) -> int:
        """The number of distinct texts."""
        return sum(map(len, self.batches))


class BatchInference:
    """A network with its tokenizer, n-grams and calibration, to answer many titles.

    Args:
        network: The network, in eval mode, on its device.
        tokenizer: The tokenizer of the encoder, or None without an encoder.
        ngrams: The n-gram vocabulary, or None without a lexical branch.
        weights: The weights of the calibration, not those of the network.
        max_tokens: Longer titles are cut to this many tokens.
        token_budget: Maximum number of tokens in a batch, padding included.
        run_encoder: The encoder in the chosen precision; see
            :data:`prodcat.model.precisions.EncoderForm`.
        title_branch: What reads rows without any further text in place of n-grams and weights;
            None to read all rows alike.
    """

    def __init__(
        self,
        network: Network,
        tokenizer: "Tokenizer | None",
        ngrams: NGrams | None,
        weights: Weights,
        max_tokens: int,
        token_budget: int,
        run_encoder: EncoderForm,
        title_branch: TitleBranch | None = None,
    ) -> None:
        self.network, self.tokenizer, self.ngrams = network, tokenizer, ngrams
        self.max_tokens, self.token_budget = max_tokens, token_budget
        self.run_encoder, self.title_branch = run_encoder, title_branch
        of_titles = weights if title_branch is None else title_branch.weights
        # The calibration of rows that are read with their columns, and that of titles alone.
        self.calibrations = [(w.to(network.device), w.acting()) for w in (weights, of_titles)]

    def prepare(self, texts: Sequence[str]) -> Window:
        """Do the part of the work that needs no GPU; can be called in another thread.

        Args:
            texts: The texts of titles, made by :meth:`prodcat.classifier.reader.Reader.texts`.

        Returns:
            The window of these titles.
        """
        place, distinct, boundary = self._distinct(texts)
        table = features = titles = None
        if self.tokenizer is not None:
            table = tokenize(self.tokenizer, distinct, self.max_tokens)
        batches: list[NDArray[np.int64]] = []
        for start, end in ((0, boundary), (boundary, len(distinct))):
            if table is not None:
                planned = plan_window(table.lengths[start:end], self.token_budget)
                batches += [rows + start for rows in planned]
            else:
                size = max(self.token_budget, 1)
                batches += [
                    np.arange(first, min(first + size, end)) for first in range(start, end, size)
                ]
        if self.ngrams is not None:
            features = self.ngrams(distinct[:boundary])
        if self.title_branch is not None:
            titles = self.title_branch.ngrams(distinct[boundary:])
        return Window(place, table, features, titles, batches, boundary)

    def _distinct(self, texts: Sequence[str]) -> tuple[NDArray[np.int64], list[str], int]:
        """The position of each text among the distinct ones, these, and where titles alone begin.

        Titles alone come last.
        """
        alone = np.zeros(len(texts), np.bool_)
        if self.title_branch is not None:
            alone = are_titles_alone(texts)
            pairs = zip(texts, alone.tolist(), strict=True)
            texts = [title_of(text) if is_alone else text for text, is_alone in pairs]
        first: dict[str, int] = {}
        place = np.empty(len(texts), np.int64)
        for rows in (np.flatnonzero(~alone), np.flatnonzero(alone)):
            boundary = len(first)
            place[rows] = [first.setdefault(texts[row], len(first)) for row in rows.tolist()]
        return place, list(first), boundary

    def log_probs(self, window: Window) -> Tensor:
        """Compute the calibrated log-probabilities of all titles of a window.

        Returns:
            float32 [title, outcome], on the device.
        """
        groups = list(self._groups(window))
        if len(groups) == 1:
            groups = [[batch] for batch in window.batches]

        def computed(batches: list[NDArray[np.int64]]) -> tuple[NDArray[np.int64], Tensor]:
            with torch.no_grad():
                return self._group_log_probs(window, batches)

        return self._in_order(window, list(self._mapped(computed, groups)))

    def evidence(self, window: Window) -> tuple[Tensor | None, Tensor | None]:
        """Compute the scores of all titles by the encoder and by the n-grams, not calibrated.

        Returns:
            The encoder's log-probabilities, float32 [title, outcome], and the n-grams' margins,
            float32 [title, choice], on the device; None for what the network does not have.
        """
        scored = [
            (np.concatenate(group), *self._scores(window, group)) for group in self._groups(window)
        ]
        encoder, lexical = (
            None
            if any(scores[which] is None for scores in scored)
            else self._in_order(window, [(scores[0], scores[which]) for scores in scored])
            for which in (1, 2)
        )
        return encoder, lexical

    def _in_order(self, window: Window, scored: Sequence[tuple[NDArray[np.int64], Any]]) -> Tensor:
        """Put scores of distinct texts, with their positions, into the order of all titles."""
        device = self.network.device
        columns = scored[0][1].shape[1] if scored else len(self.network.paths.outcomes)
        distinct = torch.empty(window.distinct, columns, device=device)
        for rows, values in scored:
            distinct[torch.from_numpy(rows).to(device)] = values
        return distinct[torch.from_numpy(window.place).to(device)]

    def _groups(self, window: Window) -> Iterator[list[NDArray[np.int64]]]:
        """Join batches into groups that are decoded together."""
        cells = _MOST_CELLS if self.network.device.type == "cpu" else _MOST_CELLS_GPU
        most = cells / len(self.network.paths.outcomes)
        group: list[NDArray[np.int64]] = []
        size = 0
        for rows in window.batches:
            if group and group[0][0] < window.boundary <= rows[0]:
                yield group
                group, size = [], 0
            group.append(rows)
            size += len(rows)
            if size >= most:
                yield group
                group, size = [], 0
        if group:
            yield group

    def answers(
        self,
        window: Window,
        decide: Decide,
        groups: Sequence[str] | None = None,
        stopped: Callable[[], bool] = bool,
    ) -> Answers | None:
        """Answer all titles of a window.

        Args:
            window: The titles, prepared by :meth:`prepare`.
            decide: A function from log-probabilities and the titles' groups to answers.
            groups: The group of each title, for which the guarantee may differ; equal titles are
                then answered one by one.
            stopped: A function that is called before each group of batches; once it returns
                true, no further titles are answered.

        Returns:
            The answers, on the CPU, in the order of the titles; None if stopped.
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
                equal = np.concatenate([titles[starts[r] : starts[r + 1]] for r in rows])
                repeated = log_probs[torch.from_numpy(np.repeat(np.arange(len(rows)), counts))]
                return equal, decide(repeated, [groups[title] for title in equal]).each(Tensor.cpu)

        outcomes = list(self._mapped(answered, list(self._groups(window))))
        parts = [part for part in outcomes if part is not None]
        if len(parts) < len(outcomes):
            return None
        if not parts:
            return self._no_answers(decide)
        answers = join_answers([part for _, part in parts])
        order = np.concatenate([rows for rows, _ in parts])
        where = np.empty(len(order), np.int64)
        where[order] = np.arange(len(order))
        rows = torch.from_numpy(where if groups is not None else where[window.place])
        return answers.take(rows)

    def _no_answers(self, decide: Decide) -> Answers:
        """The answers for a window without titles."""
        with torch.inference_mode():
            outcomes = len(self.network.paths.outcomes)
            none = torch.zeros(0, outcomes, device=self.network.device)
            return decide(none, []).each(Tensor.cpu)

    def _mapped(self, call: Callable[[_Item], _Out], items: Sequence[_Item]) -> Iterator[_Out]:
        """Call a function for each item; on a CPU in threads that share the cores.

        Two batches on two cores are faster than one batch on both: no step waits for the slower
        core, and no core is idle while another one does the work of a single core (sparse
        products, decoding).
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
        """The positions of a group's texts, int64, and their calibrated log-probabilities."""
        scores = self._scores(window, batches)
        weights, acting = self.calibrations[_are_alone(window, batches[0])]
        log_probs = weights.applied(self.network.paths, *scores, *acting)
        return np.concatenate(batches), log_probs

    def _scores(
        self, window: Window, batches: list[NDArray[np.int64]]
    ) -> tuple[Tensor | None, Tensor | None]:
        """The scores of a group by the encoder and by the n-grams, [text, outcome], or None."""
        encoder = lexical = None
        if window.table is not None:
            encoder = torch.cat([self._encoder_scores(window.table, rows) for rows in batches])
        rows = np.concatenate(batches)
        if self.title_branch is not None and window.titles is not None and _are_alone(window, rows):
            lexical = self.title_branch.lexical(window.titles.take(rows - window.boundary))
        elif window.features is not None:
            lexical = self.network.lexical_scores(window.features.take(rows))
        return encoder, lexical

    def _encoder_scores(self, table: TokenTable, rows: NDArray[np.int64]) -> Tensor:
        network = self.network
        assert network.encoder is not None and network.heads is not None
        batch = table.batch(rows, pad_id_of(network.encoder))
        pooled = self.run_encoder(
            to_device(batch.ids, network.device),
            None if batch.mask is None else to_device(batch.mask, network.device),
        )
        logits: Tensor = network.heads(pooled)
        return network.paths.log_probs(logits)


def _are_alone(window: Window, rows: NDArray[np.int64]) -> bool:
    """Whether the branch of titles alone reads these texts of a batch or a group."""
    return int(rows[0]) >= window.boundary


def _workers(process: int, count: int, cores: int) -> ThreadPoolExecutor:
    """Threads that share the cores; reused, because each new thread allocates memory again."""
    with _MAKING:
        key = process, count, cores
        if key not in _WORKERS:
            pool = ThreadPoolExecutor(count, "prodcat-stream", take_cores, (cores // count,))
            all_started = threading.Barrier(count + 1)
            for _ in range(count):
                pool.submit(all_started.wait)
            all_started.wait()
            torch.set_num_threads(cores)  # the threads changed the default of the process
            _WORKERS[key] = pool
        return _WORKERS[key]


def take_cores(count: int) -> None:
    """Let torch use this many cores in the calling thread.

    At its first operation a thread takes over torch's default number of cores, which is the same
    for the whole process: another thread that starts at the same moment may change it, and then
    sums are computed in another order and differ in their last bits.  So the thread first takes
    over the default, and then sets its number.
    """
    torch.get_num_threads()
    torch.set_num_threads(count)
