"""Bodies of requests to titles, and answers to bodies, by their media type.

application/json        ``["title", …]``, ``{"instances": [title or {"title": …, "brand": …}]}`` or
                        ``{"inputs": …}``, with ``top_k``, ``objective``, ``guarantee`` or
                        ``max_error`` beside them or in ``"parameters"``
application/jsonlines   one title or object a line; one line for each, also for bad ones
text/csv                with a header that has a ``title``, or titles alone
application/x-parquet   a table with a ``title``
"""

import csv
import io
import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NoReturn

from prodcat.serving.apart import Apart
from prodcat.serving.refusal import Refusal
from prodcat.storage.document import count_values

JSON, LINES, CSV, PARQUET = (
    "application/json",
    "application/jsonlines",
    "text/csv",
    "application/x-parquet",
)
_ALIASES = {
    "application/jsonl": LINES,
    "application/x-jsonlines": LINES,
    "application/x-ndjson": LINES,
    "application/parquet": PARQUET,
    "application/vnd.apache.parquet": PARQUET,
}
ATTRIBUTES = "X-Amzn-SageMaker-Custom-Attributes"
_SETTINGS = ("top_k", "objective", "guarantee", "max_error")
_MOST_LETTERS = 10_000
_UNPACKED = 4  # times the largest body
# Others unpack to a thousand times of what was sent, and a page's size is known only afterwards.
_COMPRESSIONS = ("UNCOMPRESSED", "SNAPPY")
_ROWS = 256  # of a table that are unpacked at once


@dataclass(frozen=True)
class Limits:
    """What a request may be.

    Attributes:
        body: Bytes.
        titles: In one request.
    """

    body: int = 6 << 20
    titles: int = 4_096


@dataclass(frozen=True)
class Query:
    """What is asked.

    Attributes:
        columns: Lists of one length by name; ``"title"`` is one of them.
        errors: What is wrong with a row, by its number; its texts are empty.
        settings: Of the decision, by name.
        form: How the answers are to be laid out: ``"list"``, ``"instances"``, ``"one"`` (a single
            title), ``"lines"``, ``"csv"``, ``"csv with header"`` or ``"parquet"``.
    """

    columns: Mapping[str, list[Any]]
    errors: Mapping[int, str] = field(default_factory=dict)
    settings: Mapping[str, Any] = field(default_factory=dict)
    form: str = "list"

    @property
    def promises(self) -> bool:
        """Whether something is promised of the answers."""
        return "guarantee" in self.settings or "max_error" in self.settings

    def __len__(self) -> int:
        """How many titles."""
        return len(self.columns["title"])


def media_type(header: str | None, default: str = JSON) -> str:
    """The media type of a header, without its parameters, in one form."""
    own = (header or default).partition(";")[0].strip().lower()
    return _ALIASES.get(own, own)


def read_body(body: bytes, content_type: str | None, known: Sequence[str], limits: Limits) -> Query:
    """Understand a request.

    Args:
        body: As it came.
        content_type: Of the header; JSON if there is none.
        known: Columns beside the title that the model can read.
        limits: What it may be.

    Raises:
        Refusal: It is too large, of an unknown type, or says nothing that can be answered.
    """
    kind = media_type(content_type)
    if kind not in _READERS:
        raise Refusal(
            415,
            f"Content-Type {content_type!r} is not read here; expected one of {list(_READERS)}.",
        )
    if len(body) > limits.body:
        raise too_large(len(body), limits.body)
    if not body.strip():
        raise Refusal(400, "The body is empty; expected titles.")
    query = _READERS[kind](body, known, limits)
    if len(query) > limits.titles:
        raise Refusal(
            413,
            f"Found {len(query):,} titles; expected at most {limits.titles:,} in one request. "
            "Send several, or answer files with prodcat predict.",
        )
    if not len(query):
        raise Refusal(400, "Found no title; expected at least one.")
    return query


def too_large(found: int | str, limit: int) -> Refusal:
    """A body over the limit."""
    size = f"{found:,}" if isinstance(found, int) else found
    return Refusal(
        413, f"The body has {size} bytes; expected at most {limit:,}. Send several requests."
    )


def picked_type(accept: str | None, content_type: str | None) -> str:
    """The type that answers are sent in.

    Raises:
        Refusal: None of the accepted ones can be had.
    """
    own = media_type(content_type)
    if not accept:
        return own
    wanted = []
    for place, part in enumerate(accept.split(",")):
        name, *parameters = part.split(";")
        quality = 1.0
        for parameter in parameters:
            key, _, value = parameter.partition("=")
            if key.strip().lower() == "q":
                try:
                    quality = float(value)
                except ValueError:
                    quality = 0.0
        if quality > 0:
            wanted.append((-quality, place, media_type(name, own)))
    for _, _, name in sorted(wanted):
        if name in _READERS:
            return name
        if name == "*/*" or (name.endswith("/*") and own.startswith(name[:-1])):
            return own
    raise Refusal(406, f"Accept {accept!r} cannot be had; expected one of {list(_READERS)} or */*.")


# -- JSON -------------------------------------------------------------------------


def _parse(text: str | bytes, what: str, limits: Limits) -> Any:
    raw = text if isinstance(text, bytes) else text.encode("utf-8", "surrogatepass")
    if count_values(raw) > 64 * limits.titles:
        raise Refusal(413, f"{what} holds too many values; expected titles. Send several requests.")
    try:
        return json.loads(text, parse_constant=_no_constant)
    except RecursionError as error:
        raise Refusal(400, f"{what} is nested too deep; expected titles.") from error
    except UnicodeDecodeError as error:
        raise Refusal(400, f"{what} is no UTF-8: {error}.") from error
    except ValueError as error:
        raise Refusal(400, f"{what} is no JSON: {error}.") from error


def _no_constant(name: str) -> float:
    raise ValueError(f"{name} is no number of JSON")


def _json(body: bytes, known: Sequence[str], limits: Limits) -> Query:
    found = _parse(body, "The body", limits)
    settings: dict[str, Any] = {}
    form = "list"
    if isinstance(found, dict):
        given = {name: found.pop(name) for name in ("instances", "inputs") if name in found}
        parameters = found.pop("parameters", {})
        if not isinstance(parameters, dict):
            raise Refusal(400, f"parameters is {_shown(parameters)}; expected an object.")
        if len(given) != 1 and not (not given and "title" in found):
            raise Refusal(
                400,
                'Expected {"instances": [titles]}, {"inputs": titles} or a list; found an '
                f"object with {_shown(sorted(found))}.",
            )
        settings = _settings({**_split_settings(found), **parameters})
        if not given:
            given = {"inputs": dict(found)}
        elif found:
            name = next(iter(found))
            raise Refusal(
                400,
                f"{name!r} is not known; expected one of {list(_SETTINGS)} beside the titles.",
            )
        form = "instances" if "instances" in given else "list"
        [found] = given.values()
    if isinstance(found, (str, dict)):
        if form == "instances":
            raise Refusal(400, f"instances is {_shown(found)}; expected a list.")
        found, form = [found], "one"
    if not isinstance(found, list):
        raise Refusal(400, f"Found {_shown(found)}; expected a list of titles.")
    columns, errors = _rows(found, known)
    if errors:
        row = min(errors)
        raise Refusal(400, f"Title {row}: {errors[row]}")
    return Query(columns, {}, settings, form)


def _split_settings(found: dict[str, Any]) -> dict[str, Any]:
    return {name: found.pop(name) for name in _SETTINGS if name in found}


def _settings(found: Mapping[str, Any]) -> dict[str, Any]:
    kinds: dict[str, tuple[type, ...]] = {
        "top_k": (int,),
        "objective": (str,),
        "guarantee": (int, float),
        "max_error": (int, float),
    }
    own: dict[str, Any] = {}
    for name, value in found.items():
        if name not in kinds:
            raise Refusal(400, f"{name!r} is no setting; expected some of {list(_SETTINGS)}.")
        if value is None:
            continue
        if isinstance(value, bool) or not isinstance(value, kinds[name]):
            wanted = " or ".join(kind.__name__ for kind in kinds[name])
            raise Refusal(400, f"{name} is {_shown(value)}; expected {wanted}.")
        if isinstance(value, float) and not math.isfinite(value):
            raise Refusal(400, f"{name} is {value}; expected a number.")
        own[name] = value
    if not 1 <= own.get("top_k", 1) <= 100:
        raise Refusal(400, f"top_k is {_shown(own['top_k'])}; expected 1 to 100.")
    return own


def _rows(
    found: Sequence[Any], known: Sequence[str]
) -> tuple[dict[str, list[Any]], dict[int, str]]:
    """Titles, or objects with one, as columns."""
    columns: dict[str, list[Any]] = {"title": []}
    errors: dict[int, str] = {}
    for row, own in enumerate(found):
        values, error = _one(own, known)
        if error is not None:
            errors[row] = error
        for name in values:
            columns.setdefault(name, [None] * row)
        for name, column in columns.items():
            column.append(values.get(name))
    return columns, errors


def _one(own: Any, known: Sequence[str]) -> tuple[dict[str, Any], str | None]:
    values = {"title": own} if isinstance(own, str) else own
    if not isinstance(values, dict):
        return {}, f"found {_shown(own)}; expected a text, or an object with a title."
    if "title" not in values:
        return {}, f"found an object with {_shown(sorted(values))}; expected a title."
    for name, value in values.items():
        if name != "title" and name not in known:
            expected = ", ".join(map(repr, ("title", *known)))
            return {}, f"{_shown(name)} is not read by this model; expected {expected}."
        if value is not None and not isinstance(value, str):
            return {}, f"{name} is {_shown(value)}; expected a text."
        if value is not None and len(value) > _MOST_LETTERS:
            return {}, (f"{name} has {len(value):,} letters; expected at most {_MOST_LETTERS:,}.")
    return values, None


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:77]}..."


def _lines(body: bytes, known: Sequence[str], limits: Limits) -> Query:
    lines = body.removesuffix(b"\n").split(b"\n")
    if len(lines) > limits.titles:
        raise Refusal(
            413,
            f"Found {len(lines):,} lines; expected at most {limits.titles:,} in one request. Send "
            "several.",
        )
    found: list[Any] = []
    errors: dict[int, str] = {}
    for row, line in enumerate(lines):
        try:
            found.append(_parse(line.strip(), "The line", limits))
        except Refusal as refusal:
            found.append("")
            errors[row] = refusal.reason
    columns, wrong = _rows(found, known)
    return Query(columns, {**wrong, **errors}, {}, "lines")


# -- tables -----------------------------------------------------------------------


def _csv(body: bytes, known: Sequence[str], limits: Limits) -> Query:
    try:
        text = body.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise Refusal(400, f"The body is no UTF-8: {error}.") from error
    csv.field_size_limit(limits.body)
    rows: list[list[str]] = []
    try:
        for row in csv.reader(io.StringIO(text, newline=""), strict=True):
            if row:
                rows.append(row)
            if len(rows) > limits.titles + 1:
                break
    except csv.Error as error:
        raise Refusal(400, f"The body is no CSV: {error}.") from error
    first = [name.strip().lower() for name in rows[0]] if rows else []
    header = "title" in first
    names = [name.strip() for name in rows.pop(0)] if header else ["title", *known]
    if header:
        names[first.index("title")] = "title"
    width = len(names) if header else len(rows[0]) if rows else 1
    if not header and width not in (1, len(names)):
        raise Refusal(
            400,
            f"Found {width} columns and no header with a title; expected titles alone, or one.",
        )
    wrong = next((row for row in rows if len(row) != width), None)
    if wrong is not None:
        raise Refusal(
            400, f"Found rows of {width} and of {len(wrong)} fields; expected one length."
        )
    if len(set(names)) < len(names):
        raise Refusal(400, f"Found two columns of one name: {_shown(names)}.")
    read = ["title", *known]
    columns = {
        name: [row[place] for row in rows]
        for place, name in enumerate(names[:width])
        if name in read
    }
    _check_letters(columns)
    return Query(columns, {}, {}, "csv with header" if header else "csv")


def _check_letters(columns: Mapping[str, list[Any]]) -> None:
    for name, values in columns.items():
        longest = max((len(value) for value in values if value), default=0)
        if longest > _MOST_LETTERS:
            _too_long(name, longest)


def _too_long(name: str, letters: int) -> NoReturn:
    raise Refusal(400, f"A {name} has {letters:,} letters; expected at most {_MOST_LETTERS:,}.")


_read_apart = Apart(
    "prodcat.serving.media:parquet_texts",
    "The body is no Parquet table of texts: what reads it did not survive it.",
)


def _parquet(body: bytes, known: Sequence[str], limits: Limits) -> Query:
    return Query(_read_apart(body, list(known), limits.body, limits.titles), {}, {}, "parquet")


def parquet_texts(
    body: bytes, known: Sequence[str], most_bytes: int, most_titles: int
) -> dict[str, list[Any]]:
    """The texts of a Parquet file; a damaged one may end the process.

    Args:
        body: The file.
        known: Columns beside the title that the model can read.
        most_bytes: Of a body; four times as many may be unpacked.
        most_titles: Of a request.

    Raises:
        Refusal: It is none, or too large.
    """
    limits = Limits(most_bytes, most_titles)
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        # Equal texts are one in the file: they stay one until they are known to be short.
        file = pq.ParquetFile(pa.BufferReader(body), read_dictionary=["title", *known])
        rows, names = file.metadata.num_rows, file.schema_arrow.names
        groups = [file.metadata.row_group(n) for n in range(file.metadata.num_row_groups)]
        unpacked = sum(group.total_byte_size for group in groups)
        if rows > limits.titles:
            raise Refusal(
                413,
                f"Found {rows:,} rows; expected at most {limits.titles:,} in one request. Send "
                "several.",
            )
        if unpacked > _UNPACKED * limits.body:
            raise too_large(f"{unpacked:,} unpacked", _UNPACKED * limits.body)
        if names.count("title") != 1:
            raise Refusal(400, f"Found the columns {_shown(names)}; expected one title.")
        read = [name for name in names if name == "title" or name in known]
        if len(set(read)) < len(read):
            raise Refusal(400, f"Found two columns of one name: {_shown(names)}.")
        packed = {
            group.column(place).compression
            for group in groups
            for place in range(group.num_columns)
        }
        if not packed <= set(_COMPRESSIONS):
            raise Refusal(
                400,
                f"The body is compressed with {_shown(sorted(packed))}; expected one of "
                f"{list(_COMPRESSIONS)}.",
            )
        return _texts_of(file, read, limits)
    except Refusal:
        raise
    except (pa.ArrowException, OSError, ValueError, MemoryError, OverflowError, KeyError) as error:
        raise Refusal(
            400, f"The body is no Parquet table of texts: {_shown(str(error))}."
        ) from error


def _texts_of(file: Any, read: list[str], limits: Limits) -> dict[str, list[Any]]:
    """The columns of a Parquet file, a few rows at a time and none of them without end."""
    import pyarrow as pa
    import pyarrow.compute as pc

    columns: dict[str, list[Any]] = {name: [] for name in read}
    total = 0
    for batch in file.iter_batches(_ROWS, columns=read):
        for name in read:
            column = batch.column(name)
            texts = column.dictionary if pa.types.is_dictionary(column.type) else column
            if pa.types.is_string(texts.type) or pa.types.is_large_string(texts.type):
                longest = pc.max(pc.binary_length(texts)).as_py() or 0
                if longest > 4 * _MOST_LETTERS:
                    _too_long(name, longest)
            text = column.cast(pa.string())
            total += text.nbytes
            if total > _UNPACKED * limits.body:
                raise too_large(f"{total:,} unpacked", _UNPACKED * limits.body)
            columns[name] += text.to_pylist()
    _check_letters(columns)
    return columns


_READERS: dict[str, Callable[[bytes, Sequence[str], Limits], Query]] = {
    JSON: _json,
    LINES: _lines,
    CSV: _csv,
    PARQUET: _parquet,
}


# -- answers ----------------------------------------------------------------------


def write_body(records: Sequence[Mapping[str, Any]], query: Query, kind: str) -> bytes:
    """Answers as a body.

    Args:
        records: For each title ``{"path", "id", "ids", "confidence", "level_confidences"}``, with
            ``"others"`` where more than one path was asked for; or ``{"error"}``.
        query: What was asked.
        kind: The media type.
    """
    if kind == JSON:
        if query.form == "one":
            return _dumps(records[0])
        return _dumps({"predictions": records} if query.form == "instances" else list(records))
    if kind == LINES:
        return b"".join(_dumps(record) + b"\n" for record in records)
    flat = _flat(records)
    if kind == PARQUET:
        import pyarrow as pa
        import pyarrow.parquet as pq

        out = io.BytesIO()
        pq.write_table(pa.table(flat), out)
        return out.getvalue()
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    if query.form != "csv":
        writer.writerow(flat)
    writer.writerows(zip(*flat.values(), strict=True))
    return text.getvalue().encode()


def _dumps(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")


def _flat(records: Sequence[Mapping[str, Any]]) -> dict[str, list[Any]]:
    from prodcat.taxonomy.tree import join_path

    def path(own: Mapping[str, Any]) -> str | None:
        return join_path(own["path"]) if "path" in own else None

    flat: dict[str, list[Any]] = {
        "predicted_path": [path(own) for own in records],
        "predicted_id": [own.get("id") for own in records],
        "confidence": [own.get("confidence") for own in records],
    }
    for rank in range(max((len(own.get("others", ())) for own in records), default=0)):
        others = [own["others"][rank] if "others" in own else {} for own in records]
        flat[f"predicted_path_{rank + 2}"] = [path(own) for own in others]
        flat[f"predicted_id_{rank + 2}"] = [own.get("id") for own in others]
        flat[f"confidence_{rank + 2}"] = [own.get("confidence") for own in others]
    flat["error"] = [own.get("error") for own in records]
    return flat
