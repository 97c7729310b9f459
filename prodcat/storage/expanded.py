"""The size of rows of Arrow columns once each row has its own copy of its values.

Arrow's dictionaries, runs and views store equal values only once, however many rows have them.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

MOST_BYTES = 32 << 20  # of rows that are read at once, unless a single row has more
_VALUE = 8  # bytes that a value takes besides its content, such as an offset

_Bytes = NDArray[np.float64]


def row_bytes(column: Any) -> _Bytes:
    """The expanded size in bytes of each row of an Arrow array: float64 [row]."""
    import pyarrow as pa
    import pyarrow.types as kinds

    kind = column.type
    if isinstance(column, pa.ExtensionArray):
        return row_bytes(column.storage)
    if kinds.is_dictionary(kind):
        places = column.indices.cast(pa.int64()).fill_null(-1)  # they may be unsigned
        return _chosen(column.dictionary, places.to_numpy(False))
    if kinds.is_run_end_encoded(kind):
        rows = np.arange(column.offset, column.offset + len(column))
        return _chosen(column.values, np.searchsorted(column.run_ends.to_numpy(), rows, "right"))
    if kinds.is_struct(kind):
        return sum(map(row_bytes, column.flatten()), np.zeros(len(column)))
    if kinds.is_map(kind):
        ends = column.offsets.to_numpy()
        inner = [part.slice(ends[0], ends[-1] - ends[0]) for part in (column.keys, column.items)]
        return _sums(row_bytes(inner[0]) + row_bytes(inner[1]), ends - ends[0])
    if kinds.is_nested(kind) and hasattr(column, "value_lengths"):
        lengths = column.value_lengths().fill_null(0).to_numpy(False)
        return _sums(row_bytes(column.flatten()), np.append(0, np.cumsum(lengths)))
    return _flat_bytes(column)


def expanded_bytes(batch: Any) -> int:
    """The expanded size in bytes of an Arrow batch."""
    return sum(int(row_bytes(column).sum()) for column in batch.columns)


def byte_slices(batch: Any) -> Iterator[Any]:
    """Yield consecutive slices of an Arrow batch of at most ``MOST_BYTES`` expanded, or one row."""
    if len(batch) < 2 or expanded_bytes(batch) <= MOST_BYTES:
        yield batch
        return
    middle = len(batch) // 2
    yield from byte_slices(batch.slice(0, middle))
    yield from byte_slices(batch.slice(middle))


def _flat_bytes(column: Any) -> _Bytes:
    import pyarrow as pa
    import pyarrow.compute as pc
    import pyarrow.types as kinds

    kind = column.type
    if kind in (pa.string_view(), pa.binary_view()):
        views = np.frombuffer(column.buffers()[1] or b"", np.int32).reshape(-1, 4)
        lengths = views[column.offset : column.offset + len(column), 0]
    elif kinds.is_string(kind) or kinds.is_large_string(kind) or _is_binary(kind):
        lengths = pc.binary_length(column).fill_null(0).to_numpy(False)
    else:
        return np.full(len(column), _VALUE + column.nbytes / max(len(column), 1))
    return np.asarray(lengths, np.float64) + _VALUE


def _is_binary(kind: Any) -> bool:
    import pyarrow.types as kinds

    return bool(kinds.is_binary(kind) or kinds.is_large_binary(kind))


def _chosen(values: Any, places: NDArray[Any]) -> _Bytes:
    """The bytes of the values at these positions; a position of -1 stands for no value."""
    lengths: _Bytes = np.append(row_bytes(values), 0.0)[places]
    return lengths + _VALUE


def _sums(values: _Bytes, ends: NDArray[Any]) -> _Bytes:
    """Sum the values of each row.

    Args:
        values: float64 [value]: the bytes of each value.
        ends: int [row + 1]: row ``i`` has the values from ``ends[i]`` to before ``ends[i + 1]``.
    """
    totals = np.append(0.0, np.cumsum(values))
    sums: _Bytes = totals[ends[1:]] - totals[ends[:-1]]
    return sums + _VALUE
