"""Converts columns to values of Python, only where they are read, and without any loss."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, overload

from prodcat.errors import CatalogError

_FAULTS = (ValueError, OverflowError, NotImplementedError, LookupError)  # also those of Arrow


class LazyColumn(Sequence[Any]):
    """The values of a column, which are converted each time that they are read.

    So a column that nobody reads may have values that Python has no type for.

    Args:
        name: The name of the column, for messages.
        column: The column, of Arrow, pandas or polars.
        values: Gives its values as Python objects.
    """

    def __init__(self, name: str, column: Any, values: Callable[[Any], list[Any]]) -> None:
        self.name, self.column, self.values = name, column, values

    def __len__(self) -> int:
        """The number of rows."""
        return len(self.column)

    def __iter__(self) -> Iterator[Any]:
        """The values of all rows.

        Raises:
            CatalogError: Python cannot hold a value.
        """
        return iter(self._read())

    @overload
    def __getitem__(self, place: int) -> Any: ...
    @overload
    def __getitem__(self, place: slice) -> list[Any]: ...
    def __getitem__(self, place: int | slice) -> Any:
        """The value of a row, or those of several.

        Raises:
            CatalogError: Python cannot hold a value of the column.
            IndexError: There is no such row.
        """
        if isinstance(place, slice):
            return self._read(place)
        row = range(len(self))[place]
        [value] = self._read(slice(row, row + 1))
        return value

    def _read(self, rows: slice | None = None) -> list[Any]:
        column = self.column
        if rows is not None:
            column = column.iloc[rows] if hasattr(column, "iloc") else column[rows]
        try:
            return self.values(column)
        except _FAULTS as error:
            kind = str(column.type if hasattr(column, "type") else column.dtype)
            raise CatalogError(
                f"The column {self.name!r} of the type {kind[:80]} has values that Python cannot "
                f"hold: {_reason(column, error)}. Leave it out of the columns that are read, or "
                "write it as text or with coarser units first."
            ) from error


def arrow_values(column: Any) -> list[Any]:
    """The values of an Arrow column as Python objects; invalid UTF-8 becomes lone surrogates.

    Args:
        column: An Arrow array or chunked array.

    Raises:
        ValueError: Python has no type for a value, such as a time of nanoseconds.
        OverflowError: A date or time is too far away for Python.
        LookupError: A time zone is not known.
        pyarrow.ArrowException: A value cannot be converted.
    """
    kind = column.type
    if "time64[ns]" in str(kind):  # which Python would cut to microseconds
        column = column.cast(_replaced(kind, _with_microseconds))
    try:
        return list(column.to_pylist())
    except UnicodeDecodeError:
        raw = column.cast(_replaced(column.type, _as_bytes)).to_pylist()
        return [_decoded(value, kind) for value in raw]


def _reason(column: Any, error: Exception) -> str:
    """What is wrong with values, as Arrow says it, or the time zone that it does not name."""
    zone = getattr(getattr(column, "type", None), "tz", None)
    if zone and "zoneinfo" in str(error):
        return f"the time zone {zone!r} is not known"
    return str(error).rstrip(".")


def _with_microseconds(kind: Any) -> Any:
    import pyarrow as pa

    return pa.time64("us") if kind == pa.time64("ns") else kind


def _as_bytes(kind: Any) -> Any:
    import pyarrow as pa

    return pa.large_binary() if _is_text(kind) else kind


def _is_text(kind: Any) -> bool:
    """Whether an Arrow type is one of texts, also of those in a dictionary."""
    import pyarrow as pa
    import pyarrow.types as kinds

    if kinds.is_dictionary(kind):
        kind = kind.value_type
    return kind in (pa.string(), pa.large_string(), pa.string_view())


def _replaced(kind: Any, replace: Callable[[Any], Any]) -> Any:
    """An Arrow type with other types in the places of the innermost ones."""
    import pyarrow as pa
    import pyarrow.types as kinds

    if kinds.is_struct(kind):
        fields = [kind.field(place) for place in range(kind.num_fields)]
        return pa.struct([field.with_type(_replaced(field.type, replace)) for field in fields])
    if kinds.is_map(kind):
        return pa.map_(_replaced(kind.key_type, replace), _replaced(kind.item_type, replace))
    if kinds.is_fixed_size_list(kind):
        return pa.list_(_replaced(kind.value_type, replace), kind.list_size)
    if kinds.is_list(kind):
        return pa.list_(_replaced(kind.value_type, replace))
    if kinds.is_large_list(kind):
        return pa.large_list(_replaced(kind.value_type, replace))
    return replace(kind)


def _decoded(value: Any, kind: Any) -> Any:
    """A value that was read as :func:`_as_bytes` says, with its texts."""
    import pyarrow.types as kinds

    if value is None:
        return None
    if kinds.is_struct(kind):
        inner = {kind.field(place).name: kind.field(place).type for place in range(kind.num_fields)}
        return {name: _decoded(part, inner[name]) for name, part in value.items()}
    if kinds.is_map(kind):
        pairs = ((_decoded(k, kind.key_type), _decoded(v, kind.item_type)) for k, v in value)
        return list(pairs)
    if isinstance(value, list):
        return [_decoded(part, kind.value_type) for part in value]
    return value.decode("utf-8", "surrogateescape") if _is_text(kind) else value
