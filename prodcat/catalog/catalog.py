"""Titles with their categories; rows that are wrong are reported, never lost in silence."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from prodcat.catalog.text import raw_bytes, readable
from prodcat.errors import CatalogError
from prodcat.storage.tables import Columns, is_missing, iter_tables
from prodcat.taxonomy.tree import Path, Taxonomy, join_path, split_path

OnError = Literal["raise", "aside", "accept"]
PathColumns = str | Sequence[str]

EMPTY_TITLE = "empty title"
INVALID_UTF8 = "invalid UTF-8"
SKIPPED_LEVEL = "path skips a level"
UNKNOWN_CATEGORY = "unknown category"
NO_CATEGORY = "no category"
AMBIGUOUS_IDS = "path and ids differ"
_TEXT_SEPARATOR = " | "


@dataclass(frozen=True)
class RowProblem:
    """One wrong row.

    Attributes:
        row: Its number in the source, counted from 0, the header not counted.
        reason: One of the module's reasons, e.g. ``"empty title"``.
        detail: What was found.
        record: The row's own values in the columns that were asked for.
    """

    row: int
    reason: str
    detail: str
    record: Mapping[str, Any] = field(repr=False, default_factory=dict)


@dataclass(frozen=True)
class CatalogReport:
    """What was read, and what was wrong with it.

    Attributes:
        rows_read: Rows in the source.
        problems: The wrong rows, in order.
        on_error: What was done with them: ``"aside"`` (left out) or ``"accept"`` (kept).
    """

    rows_read: int = 0
    problems: tuple[RowProblem, ...] = ()
    on_error: OnError = "raise"

    def counts(self) -> dict[str, int]:
        """Wrong rows by reason."""
        return dict(Counter(problem.reason for problem in self.problems))

    def __str__(self) -> str:
        """A few lines for people, with the first rows of each reason."""
        if not self.problems:
            return f"{self.rows_read:,} rows read, none wrong."
        done = {"aside": "kept aside", "accept": "accepted", "raise": "refused"}[self.on_error]
        wrong = len({problem.row for problem in self.problems})
        lines = [f"{self.rows_read:,} rows read, {wrong:,} wrong ({done}):"]
        for reason, count in self.counts().items():
            some = [problem for problem in self.problems if problem.reason == reason][:3]
            shown = "; ".join(f"row {problem.row}: {problem.detail}" for problem in some)
            lines.append(f"  {reason}: {count:,} ({shown}{'; …' if count > len(some) else ''})")
        return "\n".join(lines)


@dataclass(frozen=True, eq=False)
class Catalog:
    """Product titles, with their place in a taxonomy where it is known.

    Make one with :func:`read_catalog`.

    Attributes:
        titles: One product title for each row.
        taxonomy: The tree, or None where the source has no categories.
        targets: int64 [rows]: the node each row is labelled with, -1 for none.
        texts: Further text of each row by column, such as the brand.
        languages: The language of each row, or None.
        columns: Other columns that were kept, such as a group or a time to split by.
        rows: int64 [rows]: each row's number in the source.
        report: What was wrong in the source.
    """

    titles: tuple[str, ...]
    taxonomy: Taxonomy | None
    targets: NDArray[np.int64]
    texts: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    languages: tuple[str, ...] | None = None
    columns: Mapping[str, tuple[Any, ...]] = field(default_factory=dict)
    rows: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))
    report: CatalogReport = field(default_factory=CatalogReport)

    def __len__(self) -> int:
        """The number of rows."""
        return len(self.titles)

    @property
    def inputs(self) -> list[str]:
        """What the model reads for each row: the title, then the further texts."""
        if not self.texts:
            return list(self.titles)
        return [
            _TEXT_SEPARATOR.join(part for part in parts if part)
            for parts in zip(self.titles, *self.texts.values(), strict=True)
        ]

    @property
    def labelled(self) -> NDArray[np.bool_]:
        """Bool [rows]: whether the row has a category."""
        return self.targets >= 0

    @property
    def tree(self) -> Taxonomy:
        """The taxonomy.

        Raises:
            CatalogError: The catalog has no categories.
        """
        if self.taxonomy is None:
            raise CatalogError(
                "The catalog has no categories; expected some. Name their column with path=."
            )
        return self.taxonomy

    @property
    def paths(self) -> list[Path | None]:
        """The target path of each row, None where it has none."""
        paths = self.tree.paths
        return [paths[target] if target >= 0 else None for target in self.targets]

    def column(self, name: str) -> list[str]:
        """A kept column, or the language, as texts; empty where a value is missing.

        Raises:
            CatalogError: There is none of this name.
        """
        if name in self.columns:
            return [group_text(value) for value in self.columns[name]]
        if name == "language" and self.languages is not None:
            return list(self.languages)
        raise CatalogError(
            f"The catalog has no column {name!r} to group by; found {sorted(self.columns)}. Read "
            f"it with keep=[{name!r}]."
        )

    def take(self, rows: NDArray[np.integer[Any]] | NDArray[np.bool_]) -> "Catalog":
        """The rows at these positions (or where this mask is true), in this order."""
        index = (np.flatnonzero(rows) if rows.dtype == np.bool_ else rows).tolist()
        some: Callable[[Sequence[Any]], tuple[Any, ...]] = lambda v: tuple(v[i] for i in index)  # noqa: E731
        return replace(
            self,
            titles=some(self.titles),
            targets=self.targets[index],
            texts={name: some(column) for name, column in self.texts.items()},
            languages=None if self.languages is None else some(self.languages),
            columns={name: some(column) for name, column in self.columns.items()},
            rows=self.rows[index],
        )

    def __repr__(self) -> str:
        """Sizes in one line."""
        labelled = int(self.labelled.sum())
        wrong = f", {len(self.report.problems):,} wrong rows" if self.report.problems else ""
        return f"Catalog({len(self):,} titles, {labelled:,} labelled{wrong}; {self.taxonomy!r})"


def group_text(value: object) -> str:
    """A group's value as text, the same from any table: 1 for 1.0, empty where it is missing."""
    if is_missing(value):
        return ""
    whole = isinstance(value, float | np.floating) and float(value).is_integer()
    return str(int(value) if whole else value).strip()  # type: ignore[call-overload]


def targets_in(catalog: Catalog, taxonomy: Taxonomy) -> NDArray[np.int64]:
    """The catalog's targets as nodes of this tree.

    Raises:
        CatalogError: A label is not in the tree.
    """
    theirs = catalog.tree
    if theirs is taxonomy or theirs.hash == taxonomy.hash:
        return catalog.targets
    by_chain = {_id_chain(taxonomy, node): node for node in range(len(taxonomy))}
    found = {
        int(t): by_chain.get(_id_chain(theirs, int(t)), -1) for t in np.unique(catalog.targets)
    }
    missing = [join_path(theirs.paths[node]) for node, own in found.items() if own < 0]
    if missing:
        rows = int(np.isin(catalog.targets, [n for n, own in found.items() if own < 0]).sum())
        raise CatalogError(
            f"{rows} rows carry {len(missing)} categories that are not in the classifier's tree, "
            f"e.g. {missing[:3]}. Read the catalog with taxonomy=<the training catalog's> and "
            "on_error='aside' to leave such rows out."
        )
    return np.array([found[int(target)] for target in catalog.targets], dtype=np.int64)


def _id_chain(taxonomy: Taxonomy, node: int) -> tuple[str, ...]:
    return tuple(taxonomy.ids[n] for n in taxonomy.ancestors(node))


@dataclass(frozen=True)
class _Wanted:
    """The columns that were asked for."""

    title: str
    path: PathColumns | None
    path_ids: PathColumns | None
    language: str | None
    text: tuple[str, ...]
    keep: tuple[str, ...]
    separator: str

    def names(self) -> list[str]:
        columns: list[str] = [self.title, *self.text, *self.keep]
        for path in (self.path, self.path_ids):
            columns += [path] if isinstance(path, str) else list(path or ())
        columns += [self.language] if self.language else []
        return list(dict.fromkeys(columns))


def read_catalog(
    source: object,
    *,
    title: str = "title",
    path: PathColumns | None = "path",
    path_ids: PathColumns | None = None,
    language: str | None = None,
    text: Sequence[str] = (),
    keep: Sequence[str] = (),
    separator: str = ">",
    taxonomy: Taxonomy | None = None,
    inner: str = "terminal",
    on_error: OnError = "raise",
) -> Catalog:
    """Read titles and their categories.

    Args:
        source: A URI or glob (Parquet, CSV, TSV, JSONL; ``.gz`` too; any fsspec
            filesystem), a pandas or polars DataFrame, an Arrow table, a list of mappings,
            or a mapping of columns.
        title: The column with the product title.
        path: The column with the whole path (a list, or one line such as ``"A > B > C"``),
            or one column for each level, coarse to fine; None for titles alone.
        path_ids: The column or columns with the stable ids along the path.  With ids, the
            same category may carry its name in each row's language.
        language: The column with the row's language.
        text: Further text columns that the model shall read, such as brand or description.
        keep: Other columns to keep, such as a group or a time to split by.
        separator: What stands between the names of a path in one line.
        taxonomy: The tree that the paths must be in; without it the rows make the tree.
        inner: As for :meth:`Taxonomy.from_paths`, where the rows make the tree.
        on_error: What to do with wrong rows (empty title, invalid UTF-8, no or unknown
            category, a path that skips a level): ``"raise"``; ``"aside"`` leaves them out
            and lists them in ``catalog.report``; ``"accept"`` keeps them as far as they can
            be read (unreadable bytes become U+FFFD, a path ends at its last known node, and
            a row without any category stays without) and lists them too.

    Returns:
        The catalog, with a report on the wrong rows.

    Raises:
        CatalogError: A column is missing, the source cannot be read, or rows are wrong and
            ``on_error`` is ``"raise"``.
        TaxonomyError: The rows do not make a tree.
    """
    if on_error not in ("raise", "aside", "accept"):
        raise CatalogError(
            f"on_error={on_error!r} is not known; expected 'raise', 'aside' or 'accept'."
        )
    if not separator.strip():
        raise CatalogError(f"separator={separator!r} is blank; expected a mark such as '>'.")
    if isinstance(text, str) or isinstance(keep, str):
        raise CatalogError("text= and keep= take lists of columns; put the name into a list.")
    if isinstance(source, (list, tuple)) and source and isinstance(source[0], str):
        path = None
    wanted = _Wanted(title, path, path_ids, language, tuple(text), tuple(keep), separator)
    columns = _read_columns(source, wanted)
    return _assemble(columns, wanted, taxonomy, inner, on_error)


def _read_columns(source: object, wanted: _Wanted) -> Columns:
    names = wanted.names()
    columns: Columns = {name: [] for name in names}
    met: dict[str, None] = {}
    rows = 0
    for piece in iter_tables(source):
        met.update(dict.fromkeys(piece))
        size = len(next(iter(piece.values()), []))
        for name in names:
            columns[name] += piece.get(name, [None] * size)
        rows += size
    missing = [name for name in names if name not in met]
    if missing and met:
        raise CatalogError(
            f"The source has no column {missing[0]!r}; found {sorted(met)}. Name the "
            "columns with title=, path=, path_ids=, language=, text= and keep=."
        )
    if not rows:
        raise CatalogError("The source has no rows; expected at least one title.")
    return columns


def _assemble(
    columns: Columns,
    wanted: _Wanted,
    taxonomy: Taxonomy | None,
    inner: str,
    on_error: OnError,
) -> Catalog:
    rows = len(columns[wanted.title])
    problems: list[RowProblem] = []
    bad: set[int] = set()

    def wrong(row: int, reason: str, detail: str) -> None:
        record = {name: columns[name][row] for name in wanted.names()}
        problems.append(RowProblem(row, reason, detail, record))
        bad.add(row)

    titles = _clean_texts(columns[wanted.title], wanted.title, wrong)
    texts = {name: _clean_texts(columns[name], name, wrong) for name in wanted.text}
    for row, value in enumerate(titles):
        if not value:
            wrong(row, EMPTY_TITLE, f"{wanted.title}={columns[wanted.title][row]!r}")
    languages = None
    if wanted.language is not None:
        languages = [readable(_name(value)) for value in columns[wanted.language]]

    targets = np.full(rows, -1, np.int64)
    if wanted.path is not None or wanted.path_ids is not None:
        paths, ids = _read_paths(columns, wanted, rows, wrong)
        grown = taxonomy is None
        if taxonomy is None:
            spoiled = set() if on_error == "accept" else bad
            usable = [row for row in range(rows) if paths[row] and row not in spoiled]
            if usable:
                taxonomy = _grow(paths, ids, languages, usable, inner)
        if taxonomy is not None:
            # What is wrong with a row already is no second problem: its path was cut, or
            # the tree was made without it.
            cut = {problem.row for problem in problems if problem.reason == SKIPPED_LEVEL}
            cut |= bad if grown else set()
            _place(paths, ids, taxonomy, targets, lambda r, *w: None if r in cut else wrong(r, *w))

    problems.sort(key=lambda problem: problem.row)
    report = CatalogReport(rows, tuple(problems), on_error)
    if problems and on_error == "raise":
        raise CatalogError(
            f"{report}\nCorrect the rows, or read with on_error='aside' to leave them out or "
            "on_error='accept' to keep what can be read."
        )
    catalog = Catalog(
        titles=tuple(titles),
        taxonomy=taxonomy,
        targets=targets,
        texts={name: tuple(column) for name, column in texts.items()},
        languages=None if languages is None else tuple(languages),
        columns={name: tuple(columns[name]) for name in wanted.keep},
        rows=np.arange(rows, dtype=np.int64),
        report=report,
    )
    if bad and on_error == "aside":
        return catalog.take(np.array([row not in bad for row in range(rows)], dtype=np.bool_))
    return catalog


_Wrong = Callable[[int, str, str], None]


def _clean_texts(values: Iterable[object], column: str, wrong: _Wrong) -> list[str]:
    cleaned = []
    for row, value in enumerate(values):
        text = _name(value)
        clean = readable(text)
        if clean != text:
            wrong(row, INVALID_UTF8, f"{column}={raw_bytes(text)!r}")
        cleaned.append(clean)
    return cleaned


def _read_paths(
    columns: Columns, wanted: _Wanted, rows: int, wrong: _Wrong
) -> tuple[list[Path], list[Path] | None]:
    """Each row's path up to its first gap, and its ids, both empty where it has none."""
    flagged: set[int] = set()

    def flag(row: int, reason: str, detail: str) -> None:
        flagged.add(row)
        wrong(row, reason, detail)

    def read(source: PathColumns, row: int) -> list[str]:
        if not isinstance(source, str):
            names = [_name(columns[name][row]) for name in source]
        else:
            value = columns[source][row]
            if isinstance(value, (dict, set)):
                flag(row, NO_CATEGORY, f"a {type(value).__name__} is no path: {value!r}")
            names = _path_names(value, wanted.separator)
        clean = [readable(name) for name in names]
        if clean != names:
            bad = next(name for name in names if readable(name) != name)
            flag(row, INVALID_UTF8, f"path name {raw_bytes(bad)!r}")
        return clean

    ids: list[Path] | None = None if wanted.path_ids is None else []
    paths: list[Path] = []
    for row in range(rows):
        names = read(wanted.path, row) if wanted.path is not None else None
        keys = read(wanted.path_ids, row) if wanted.path_ids is not None else names or []
        path, key, problem = _checked_path(keys if names is None else names, keys)
        if problem is not None and not (problem[0] == NO_CATEGORY and row in flagged):
            wrong(row, *problem)
        paths.append(path)
        if ids is not None:
            ids.append(key)
    return paths, ids


def _checked_path(names: list[str], keys: list[str]) -> tuple[Path, Path, tuple[str, str] | None]:
    """The path and its ids as far as they can be used, and what is wrong with them."""

    def trimmed(parts: list[str]) -> Path:
        end = max((i + 1 for i, part in enumerate(parts) if part), default=0)
        return tuple(parts[:end])

    path, key = trimmed(names), trimmed(keys)
    gap = next((i for i, part in enumerate(key) if not part), len(key))
    if gap < len(key):
        detail = f"{list(key)!r} has nothing at level {gap + 1}"
        return path[:gap], key[:gap], (SKIPPED_LEVEL, detail)
    if not key:
        return (), (), (NO_CATEGORY, "nothing at any level")
    if len(path) != len(key):
        detail = f"{len(path)} names {list(path)!r} for {len(key)} ids {list(key)!r}"
        return (), (), (AMBIGUOUS_IDS, detail)
    if not all(path):
        return (), (), (SKIPPED_LEVEL, f"{list(path)!r} has an empty name")
    return path, key, None


def _path_names(value: object, separator: str) -> list[str]:
    """The names in one cell: a list or array of names, one line, or one name."""
    if isinstance(value, (dict, set)):
        return []
    if isinstance(value, (list, tuple, np.ndarray)):
        return [_name(part) for part in value]
    text = _name(value)
    return list(split_path(text, separator)) if text else []


def _name(value: object) -> str:
    """A cell as text; whole numbers lose the point that a missing neighbour gave them."""
    if is_missing(value):
        return ""
    if isinstance(value, bytes):
        value = value.decode("utf-8", "surrogateescape")
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return str(value).strip()


def _grow(
    paths: list[Path],
    ids: list[Path] | None,
    languages: list[str] | None,
    rows: list[int],
    inner: str,
) -> Taxonomy:
    """The tree of these rows; with ids, a node is named as in the first row that has it."""
    if ids is None:
        return Taxonomy.from_paths((paths[row] for row in rows), inner=inner)
    first: dict[str, str] = {}
    named: dict[str, dict[str, str]] = {}
    for row in rows:
        language = languages[row] if languages is not None else ""
        for key, name in zip(ids[row], paths[row], strict=True):
            first.setdefault(key, name)
            if language:
                named.setdefault(language, {}).setdefault(key, name)
    taxonomy = Taxonomy.from_paths(
        (tuple(first[key] for key in ids[row]) for row in rows),
        ids=(ids[row] for row in rows),
        inner=inner,
    )
    for language, names in named.items():
        taxonomy = taxonomy.with_names(language, names)
    return taxonomy


def _place(
    paths: list[Path],
    ids: list[Path] | None,
    taxonomy: Taxonomy,
    targets: NDArray[np.int64],
    wrong: _Wrong,
) -> None:
    """Fill in the target of each row: its node, or the last one on its path that is known."""
    keys = paths if ids is None else ids
    known: Callable[[Path], int | None] = taxonomy.get
    if ids is not None:
        chains = {
            tuple(taxonomy.ids[n] for n in taxonomy.ancestors(node)): node
            for node in range(len(taxonomy))
        }
        known = lambda key: chains.get(tuple(key))  # noqa: E731
    for row, key in enumerate(keys):
        if not key:
            continue
        node = known(key)
        if node is None:
            hint = taxonomy.near(key) if ids is None else ""
            wrong(row, UNKNOWN_CATEGORY, f"{join_path(key)!r} is not in the tree{hint}")
            ends = (known(key[:end]) for end in range(len(key) - 1, 0, -1))
            node = next((end for end in ends if end is not None), None)
        if node is not None:
            targets[row] = node
