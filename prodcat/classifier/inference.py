"""Batch inference: answers for many titles, computed only once for equal titles.

A window of titles is prepared on the CPU: of equal titles one is kept, titles become tokens and
n-grams, and titles of similar length share a batch, so that batches have hardly any padding.  The
device then answers the window batch by batch, and returns only the few numbers of each answer.

With a cascade, the n-grams read all titles first, and the encoder reads only those of which they
are not sure.
"""

import os
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from math import inf
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from prodcat.classifier.windows import Part, Reading, Window, kinds_of
from prodcat.decisions.answers import Answers, join_answers
from prodcat.decisions.cascade import Cascade
from prodcat.decisions.decider import Decide
from prodcat.model.batches import TokenTable, plan_window, to_device
from prodcat.model.elementwise import exp
from prodcat.model.encoder import pad_id_of
from prodcat.model.forks import in_each_fork
from prodcat.model.network import Network
from prodcat.model.piece_scores import PieceFeatures
from prodcat.model.precisions import EncoderForm
from prodcat.model.tokenization import tokenize

if TYPE_CHECKING:
    from tokenizers import Tokenizer

_MOST_CELLS = 1 << 19  # maximum number of log-probabilities that are decoded together on a CPU
_MOST_CELLS_GPU = 1 << 26
_MOST_KEPT = 1 << 24  # log-probabilities of a window's easy titles that are not computed again
_STREAMS = 8  # maximum number of threads that answer batches on a CPU
_WORKERS: dict[tuple[int, int, int], ThreadPoolExecutor] = {}
_MAKING = threading.Lock()
_Item = TypeVar("_Item")
_Out = TypeVar("_Out")


# Batches of one part that are computed together.
_Group = tuple[Part, list[NDArray[np.int64]]]


class BatchInference:
    """A network with its tokenizer, n-grams and calibrations, to answer many titles.

    Args:
        network: The network, in eval mode, on its device.
        tokenizer: The tokenizer of the encoder, or None without an encoder.
        reading: How titles are read, with further texts or without.
        titles: How titles without any further text are read, or None to read all alike.
        cascade: When n-grams alone answer titles that are read by ``reading``, or None.
        max_tokens: Longer titles are cut to this many tokens.
        token_budget: Maximum number of tokens in a batch, padding included.
        run_encoder: The encoder in the chosen precision; see
            :data:`prodcat.model.precisions.EncoderForm`.
    """

    def __init__(
        self,
        network: Network,
        tokenizer: "Tokenizer | None",
        reading: Reading,
        titles: Reading | None,
        cascade: Cascade | None,
        max_tokens: int,
        token_budget: int,
        run_encoder: EncoderForm,
    ) -> None:
        self.network, self.tokenizer, self.run_encoder = network, tokenizer, run_encoder
        self.max_tokens, self.token_budget = max_tokens, token_budget
        self.reading, self.titles = reading, titles
        self.outcomes = len((reading.migrations or network).paths.outcomes)
        self.easy, self.threshold = None, inf
        if cascade is not None and cascade.acts and reading.encoded and reading.scorer is not None:
            weights = cascade.weights.to(network.device)
            self.easy = replace(reading, weights=weights, encoded=False)
            self.threshold = cascade.threshold

    def prepare(self, texts: Sequence[str]) -> Window:
        """Do the part of the work that the encoder does not wait for; may run in another thread.

        With a cascade the n-grams read the titles here.

        Args:
            texts: The texts of titles, made by :meth:`prodcat.classifier.reader.Reader.texts`.

        Returns:
            The window of these titles.
        """
        place = np.empty(len(texts), np.int64)
        parts: list[Part] = []
        start = 0
        for rows, picked_texts, reading in kinds_of(texts, self.reading, self.titles):
            first: dict[str, int] = {}
            positions = [first.setdefault(text, len(first)) for text in picked_texts]
            order = np.empty(len(first), np.int64)
            for picked, part in self._parts(list(first), reading, start):
                order[picked] = np.arange(len(picked)) + part.start
                parts.append(part)
            place[rows] = order[np.array(positions, np.int64)]
            start += len(first)
        return Window(place, start, tuple(parts))

    def _parts(
        self, texts: list[str], reading: Reading, start: int
    ) -> Iterator[tuple[NDArray[np.int64], Part]]:
        """Divide distinct texts into parts, with the positions of their texts, int64 [texts]."""
        if not texts:
            return
        every = np.arange(len(texts))
        features = None if reading.scorer is None else reading.scorer(texts)
        if self.easy is None or reading is not self.reading or features is None:
            yield every, self._part(reading, start, texts, features)
            return
        sure, log_probs = self._sure(features)
        for rows, how in ((every[~sure], self.reading), (every[sure], self.easy)):
            if len(rows):
                picked = [texts[row] for row in rows.tolist()]
                part = self._part(how, start, picked, features.take(rows))
                yield rows, replace(part, log_probs=log_probs if how is self.easy else None)
                start += len(rows)

    def _part(
        self, reading: Reading, start: int, texts: list[str], features: PieceFeatures | None
    ) -> Part:
        table = None
        if reading.encoded and self.tokenizer is not None:
            table = tokenize(self.tokenizer, texts, self.max_tokens)
            batches = plan_window(table.lengths, self.token_budget)
        else:
            size = max(self.token_budget, 1)
            batches = [
                np.arange(first, min(first + size, len(texts)))
                for first in range(0, len(texts), size)
            ]
        return Part(reading, start, table, features, batches, shares=reading.shares(texts))

    def _sure(self, features: PieceFeatures) -> tuple[NDArray[np.bool_], Tensor | None]:
        """Which texts n-grams alone answer.

        Returns:
            bool [texts]; and the calibrated log-probabilities of those that they answer, float32
            [sure text, outcome], or None if these would take too much memory.
        """
        assert self.easy is not None
        sure = np.zeros(len(features), np.bool_)
        outcomes = len(self.network.paths.outcomes)
        size = max(self._most_cells() // outcomes, 1)
        keeps = len(features) * outcomes <= _MOST_KEPT
        kept: list[Tensor] = []
        for start in range(0, len(features), size):
            rows = np.arange(start, min(start + size, len(features)))
            with torch.inference_mode():
                log_probs = self._calibrated(
                    self.easy, None, self._margins(self.easy, features, rows)
                )
                is_sure = exp(log_probs.amax(dim=1)) >= self.threshold
                sure[rows] = is_sure.cpu().numpy()
                if keeps:
                    kept.append(log_probs[is_sure])
        return sure, torch.cat(kept) if keeps else None

    def log_probs(self, window: Window) -> Tensor:
        """Compute the calibrated log-probabilities of all titles of a window.

        Returns:
            float32 [title, outcome], on the device.
        """
        groups = list(self._groups(window))
        if len(groups) == 1:
            groups = [(part, [batch]) for part in window.parts for batch in part.batches]

        def computed(group: _Group) -> tuple[NDArray[np.int64], Tensor]:
            with torch.no_grad():
                return self._group_log_probs(group)

        return self._in_order(window, list(self._mapped(computed, groups)))

    def evidence(self, window: Window) -> tuple[Tensor | None, Tensor | None]:
        """Compute the scores of all titles by the encoder and by the n-grams, not calibrated.

        Returns:
            The encoder's log-probabilities, float32 [title, outcome], and the n-grams' margins,
            float32 [title, choice], on the device; None for what the network does not have.
        """
        scored = [(_positions(group), *self._scores(group)) for group in self._groups(window)]
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
        columns = scored[0][1].shape[1] if scored else self.outcomes
        distinct = torch.empty(window.distinct, columns, device=device)
        for rows, values in scored:
            distinct[torch.from_numpy(rows).to(device)] = values
        return distinct[torch.from_numpy(window.place).to(device)]

    def _most_cells(self) -> int:
        return _MOST_CELLS if self.network.device.type == "cpu" else _MOST_CELLS_GPU

    def _groups(self, window: Window) -> Iterator[_Group]:
        """Join batches of a part into groups that are decoded together.

        On a CPU each batch that the encoder reads is a group, so that all cores have one to read.
        """
        most = self._most_cells() / len(self.network.paths.outcomes)
        for part in window.parts:
            if part.table is not None and self.network.device.type == "cpu":
                yield from ((part, [rows]) for rows in part.batches)
                continue
            group: list[NDArray[np.int64]] = []
            size = 0
            for rows in part.batches:
                group.append(rows)
                size += len(rows)
                if size >= most:
                    yield part, group
                    group, size = [], 0
            if group:
                yield part, group

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

        def answered(group: _Group) -> tuple[NDArray[np.int64], Answers] | None:
            if stopped():
                return None
            with torch.inference_mode():
                rows, log_probs = self._group_log_probs(group)
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
            none = torch.zeros(0, self.outcomes, device=self.network.device)
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

    def _group_log_probs(self, group: _Group) -> tuple[NDArray[np.int64], Tensor]:
        """The positions of a group's texts, int64, and their calibrated log-probabilities."""
        part, rows = group[0], torch.from_numpy(np.concatenate(group[1]))
        if part.log_probs is not None:
            log_probs = part.log_probs[rows]
        else:
            log_probs = self._calibrated(part.reading, *self._scores(group))
        return _positions(group), part.reading.migrated(log_probs, part.shares_of(rows))

    def _calibrated(
        self, reading: Reading, encoder: Tensor | None, lexical: Tensor | None
    ) -> Tensor:
        return reading.weights.applied(self.network.paths, encoder, lexical, *reading.acting)

    def _scores(self, group: _Group) -> tuple[Tensor | None, Tensor | None]:
        """The scores of a group by the encoder and by the n-grams, [text, outcome], or None."""
        part, batches = group
        encoder = lexical = None
        if part.table is not None:
            encoder = torch.cat([self._encoder_scores(part.table, rows) for rows in batches])
        if part.margins is not None:
            lexical = part.margins[torch.from_numpy(np.concatenate(batches))]
        elif part.features is not None:
            lexical = self._margins(part.reading, part.features, np.concatenate(batches))
        return encoder, lexical

    def _margins(
        self, reading: Reading, features: PieceFeatures, rows: NDArray[np.int64]
    ) -> Tensor | None:
        """The margins of some texts, float32 [row, choice]; None without a lexical branch."""
        if reading.scorer is None:
            return None
        margins = reading.scorer.scores(features.take(rows))
        return to_device(margins, self.network.device)

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


def _positions(group: _Group) -> NDArray[np.int64]:
    """The positions of a group's texts among the distinct texts of the window."""
    part, batches = group
    return np.concatenate(batches) + part.start


def _make_lock() -> None:
    global _MAKING
    _MAKING = threading.Lock()


in_each_fork(_make_lock)


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
