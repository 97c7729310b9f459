"""Looks hashes up in a vocabulary, many at once."""

import numpy as np
from numpy.typing import NDArray

Hashes = NDArray[np.uint64]
_BUCKETS = 4  # at least so many for each hash of the vocabulary


class HashIndex:
    """The positions of hashes in a vocabulary.

    The lowest bits of a hash are the number of its bucket, which has a hash or none in nearly all
    cases.  So a look-up takes one or two steps where a binary search takes as many as the size of
    the vocabulary has digits in base 2.

    Args:
        hashes: uint64 [size], distinct, with well mixed lowest bits.
    """

    def __init__(self, hashes: Hashes) -> None:
        buckets = 1 << (max(_BUCKETS * len(hashes), 1) - 1).bit_length()
        self._mask = np.uint64(buckets - 1)
        bucket = (hashes & self._mask).astype(np.int64)
        order = np.argsort(bucket, kind="stable")
        self._position, self._hashes = order.astype(np.int32), hashes[order]
        counts = np.bincount(bucket, minlength=buckets)
        self._starts = np.append(0, np.cumsum(counts)).astype(np.int32)
        self._most = int(counts.max(initial=0))

    def __call__(self, sought: Hashes) -> NDArray[np.int32]:
        """The position of each hash, int32 [n], or -1 where the vocabulary lacks it.

        >>> HashIndex(np.array([3, 5, 19], np.uint64))(np.array([19, 4, 3], np.uint64))
        array([ 2, -1,  0], dtype=int32)
        """
        position = np.full(len(sought), -1, np.int32)
        bucket = (sought & self._mask).astype(np.int64)
        place, end = self._starts[bucket], self._starts[bucket + 1]
        waiting = np.flatnonzero(place < end)
        for step in range(self._most):
            if not len(waiting):
                break
            here = place[waiting] + np.int32(step)
            equal = self._hashes[here] == sought[waiting]
            position[waiting[equal]] = self._position[here[equal]]
            waiting = waiting[~equal & (here + 1 < end[waiting])]
        return position
