"""Changes of names alone, which leave nothing in a classifier but what is said of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from prodcat.classifier.migration.report import MigrationReport


@dataclass(frozen=True)
class Rename:
    """A change of the tree in which names alone changed.

    Attributes:
        after: The number of other changes of the tree before it.
        report: What was done.
    """

    after: int
    report: MigrationReport

    def stored(self) -> dict[str, Any]:
        """The change as values for JSON."""
        return {"after": self.after, "report": self.report.to_dict()}

    @classmethod
    def of_stored(cls, values: Mapping[str, Any]) -> "Rename":
        """Make a change from the result of :meth:`stored`.

        Raises:
            KeyError: A value is missing.
            TypeError: A value has another type.
        """
        return cls(int(values["after"]), MigrationReport.from_dict(values["report"]))


def with_renames(
    others: Sequence[MigrationReport], renames: Sequence[Rename]
) -> tuple[MigrationReport, ...]:
    """The reports of all changes of a tree, the earliest first.

    Args:
        others: The reports of the changes in which more than names changed, the earliest first.
        renames: The others, the earliest first.
    """
    # As sorting keeps the order of equals, what was renamed between two changes stays in order.
    placed = [(2 * number + 1, report) for number, report in enumerate(others)]
    placed += [(2 * rename.after, rename.report) for rename in renames]
    return tuple(report for _, report in sorted(placed, key=lambda each: each[0]))
