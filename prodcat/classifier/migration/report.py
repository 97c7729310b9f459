"""What a migration did with each category, and what a person must look at."""

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

from prodcat.evaluation.intervals import Interval
from prodcat.taxonomy.notebook import Framed, NotebookTable, notebook_html
from prodcat.taxonomy.paths import Path, join_path

KEPT, ADDED_UP = "kept", "probabilities added"
LEARNED, BY_NAMES, IN_PROPORTION = "learned from titles", "shared out by names", "in proportion"
DROPPED, NOTHING, BELOW = "dropped", "no probability", "the sum of those below"
_SHOWN = 10  # categories that a summary lists
_COLUMNS = (
    "kind", "old_id", "old_path", "new_ids", "new_paths", "action", "titles", "learned_before",
    "taken", "sure", "look_at",
)  # fmt: skip


@dataclass(frozen=True)
class MigratedCategory:
    """What was done with one category that changed.

    Attributes:
        kind: The kind of its change; see :class:`prodcat.taxonomy.changes.change.TreeChange`.
        old_id: Its id in the old tree; empty for an added one.
        old_path: Its path in the old tree; empty for an added one.
        new_ids: The ids of what it has become.
        new_paths: The paths of what it has become.
        action: ``"kept"``: the same probability, or the sum of those below.  ``"the sum of those
            below"``: an added category above others.  ``"probabilities added"``: to that of others.
            ``"learned from titles"`` and ``"shared out by names"``: a part of its probability goes
            to each of what it has become, by the words of the title; an added category gets a
            probability that was learned from titles.  ``"in proportion"``: its probability goes to
            categories below what it has become, in proportion to theirs.  ``"dropped"``: all other
            probabilities are divided by their sum.  ``"no probability"``: never an answer.
        titles: The number of titles that this was learned from.
        learned_before: The number of titles that the classifier had learned for it.
        sure: Whether no person must look at it.
        look_at: What a person must look at, in words; empty if nothing.
        taken: Of an added category, the number of given titles of other categories whose answer it
            is now, of at most 1,000 that were answered again.
    """

    kind: str
    old_id: str
    old_path: Path
    new_ids: tuple[str, ...]
    new_paths: tuple[Path, ...]
    action: str
    titles: int = 0
    learned_before: int = 0
    sure: bool = True
    look_at: str = ""
    taken: int = 0


@dataclass(frozen=True)
class SharedMetrics:
    """The accuracy before and after, on titles of categories that both trees have.

    Attributes:
        rows: The number of titles.
        seen: The number of these that the classifier had learned before.
        before: The share of right answers before, 0 to 1.
        after: The share of right answers after.
        difference: After minus before, with its 95 % interval.
    """

    rows: int
    seen: int
    before: float
    after: float
    difference: Interval

    def __str__(self) -> str:
        """The figures in one sentence."""
        seen = f", of which it had learned {self.seen:,}" if self.seen else ""
        return (
            f"{self.before:.2%} of {self.rows:,} titles of categories that both trees have were "
            f"right before{seen}, and {self.after:.2%} are right now"
        )


@dataclass(frozen=True)
class MigrationReport(Framed):
    """What a migration did; :meth:`prodcat.Classifier.migrate` returns it.

    Attributes:
        categories: What was done with each category that changed, in the order of the old tree;
            added ones are last.
        unchanged: The number of categories that are the same.
        guarantee: What became of the guarantee: ``"kept"``, ``"kept for max_error"``,
            ``"dropped"`` or ``"none"``.
        guarantee_reason: Why, in words.
        validation: Whether the metrics on the validation titles are those of before.
        shared: The accuracy before and after on categories that both trees have; None without
            titles of these.
        given: The number of labelled titles that were given.
        learned: The number of these that were learned.
        old_tree: The hash of the old tree.
        new_tree: The hash of the new tree.
    """

    categories: tuple[MigratedCategory, ...]
    unchanged: int
    guarantee: str
    guarantee_reason: str
    validation: bool
    shared: SharedMetrics | None
    given: int
    learned: int
    old_tree: str
    new_tree: str

    @property
    def to_check(self) -> tuple[MigratedCategory, ...]:
        """The categories that a person must look at."""
        return tuple(row for row in self.categories if not row.sure)

    # -- showing ------------------------------------------------------------------

    def __str__(self) -> str:
        """What was done, and what a person must look at."""
        counts = Counter((row.kind, row.action) for row in self.categories)
        lines = [
            f"{len(self.categories):,} categories changed, {self.unchanged:,} are the same:",
            *(f"  {kind}, {action:<24}{n:>8,}" for (kind, action), n in counts.items()),
            f"guarantee: {self.guarantee}; {self.guarantee_reason}",
            "validation metrics: "
            + ("those of before" if self.validation else "none, as they are of the old tree"),
        ]
        if self.shared is not None:
            lines.append(f"accuracy: {self.shared}")
        check = self.to_check
        lines.append(f"to be looked at by a person: {len(check):,}")
        for row in check[:_SHOWN]:
            lines.append(f"  {join_path(row.old_path or row.new_paths[0])}")
            lines.append(f"        {row.kind}, {row.action}: {row.look_at}")
        if len(check) > _SHOWN:
            lines.append(f"  and {len(check) - _SHOWN:,} more")
        return "\n".join(lines)

    def __repr__(self) -> str:
        """The number of changes in one line."""
        return (
            f"MigrationReport({len(self.categories):,} changed, {len(self.to_check):,} to be "
            f"looked at, guarantee {self.guarantee})"
        )

    def _repr_html_(self) -> str:
        rows = self.to_table()
        columns = ("kind", "old_path", "new_paths", "action", "titles", "look_at")
        facts = [("guarantee", f"{self.guarantee}; {self.guarantee_reason}")]
        if self.shared is not None:
            facts.append(("accuracy", str(self.shared)))
        first = [row for row in rows if row["sure"] == "no"]
        ordered = first + [row for row in rows if row["sure"] != "no"]
        return notebook_html(
            "MigrationReport",
            [f"{len(rows):,} categories changed", f"{len(first):,} to be looked at"],
            NotebookTable(("", ""), facts),
            NotebookTable(columns, [[str(row[name]) for name in columns] for row in ordered]),
        )

    def to_table(self) -> list[dict[str, Any]]:
        """A row for each category that changed, with plain values."""
        return [
            {
                "kind": row.kind,
                "old_id": row.old_id,
                "old_path": join_path(row.old_path),
                "new_ids": " | ".join(row.new_ids),
                "new_paths": " | ".join(map(join_path, row.new_paths)),
                "action": row.action,
                "titles": row.titles,
                "learned_before": row.learned_before,
                "taken": row.taken,
                "sure": "yes" if row.sure else "no",
                "look_at": row.look_at,
            }
            for row in self.categories
        ]

    def _columns(self) -> Mapping[str, Any]:
        rows = self.to_table()
        return {column: [row[column] for row in rows] for column in _COLUMNS}

    # -- writing and reading ------------------------------------------------------

    def to_dict(self) -> dict[str, Any]:
        """The report as values for JSON."""
        return asdict(self)

    def to_json(self) -> str:
        """The report as a JSON document."""
        return json.dumps(self.to_dict(), ensure_ascii=False, indent=2) + "\n"

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "MigrationReport":
        """Make a report from the result of :meth:`to_dict`.

        Raises:
            KeyError: A value is missing.
            TypeError: A value has another type.
        """
        known = {field.name: values[field.name] for field in fields(cls)}
        shared = known["shared"]
        if shared is not None:
            difference = Interval(**shared["difference"])
            shared = SharedMetrics(**{**shared, "difference": difference})
        categories = tuple(_category(row) for row in known["categories"])
        return cls(**{**known, "categories": categories, "shared": shared})


def _category(row: Mapping[str, Any]) -> MigratedCategory:
    """A category from its values in JSON, where tuples are lists."""
    listed = {
        "old_path": tuple(row["old_path"]),
        "new_ids": tuple(row["new_ids"]),
        "new_paths": tuple(map(tuple, row["new_paths"])),
    }
    return MigratedCategory(**{**row, **listed})
