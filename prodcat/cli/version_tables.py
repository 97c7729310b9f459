"""Formats versions of models as text: a table of many versions, or all facts about one."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from prodcat.text_encoding import for_terminal

if TYPE_CHECKING:
    from prodcat.storage.listing import Version

_NUMBERS = (
    "PATH ACCURACY",
    "hF1",
    "ECE",
    "SIZE",
    "TITLES PER SECOND HERE",
    "LEVEL 1",
    "SECONDS TO TRAIN",
    "TITLES PER SECOND",
)
_NOTE_LETTERS = 40


def versions_table(versions: "Sequence[Version]", *, signed: bool) -> str:
    """Format a table with a line for each version.

    Args:
        versions: The versions, at least one.
        signed: Whether to add a column with the id of the key that signed each version.
    """
    return aligned([_cells(version, signed) for version in versions])


def version_facts(version: "Version") -> str:
    """Format all facts about a version, one per line."""
    facts = {
        "version": version.reference,
        "aliases": ", ".join(version.aliases) or "none",
        "created": version.created,
        "note": version.note,
        "parent": version.parent or "none",
        "tree": version.tree_hash,
        "data": version.fingerprint or "unknown",
        "signed by": version.signed_by or "nobody",
        "size": size_text(version.bytes),
        "prodcat": version.prodcat_version,
        **{f"  {name}": number for name, number in version.libraries.items()},
        "validation": "" if version.metrics else "unknown",
        **{
            f"  {name}": f"{value:,}" if name == "rows" else f"{value:.4f}"
            for name, value in version.metrics.items()
        },
        "files": "",
        **{
            f"  {name}": f"{size_text(file['bytes']):>9}  {file['sha256'][:16]}…"
            for name, file in version.files.items()
        },
    }
    width = max(map(len, facts))
    return "\n".join(
        for_terminal(f"{name.ljust(width)}  {value}".rstrip()) for name, value in facts.items()
    )


def _cells(version: "Version", signed: bool) -> dict[str, str]:
    """The cells of a version's line, by column."""

    def share(name: str) -> str:
        value = version.metrics.get(name)
        return "" if value is None else f"{value:.4f}"

    note = version.note
    return {
        "MODEL": version.model,
        "VERSION": version.version,
        "ALIASES": ", ".join(version.aliases),
        "PATH ACCURACY": share("path_accuracy"),
        "hF1": share("hierarchical_f1"),
        "ECE": share("ece"),
        "SIZE": size_text(version.bytes),
        **({"SIGNED BY": version.signed_by or "nobody"} if signed else {}),
        "NOTE": note if len(note) <= _NOTE_LETTERS else note[: _NOTE_LETTERS - 1] + "…",
    }


def aligned(lines: Sequence[dict[str, str]]) -> str:
    """Align cells to columns, without the columns that are empty in all lines.

    Args:
        lines: The cells of each line by the name of their column, the same names in all lines.
    """
    lines = [{name: for_terminal(cell) for name, cell in line.items()} for line in lines]
    shown = [name for name in lines[0] if any(line[name] for line in lines)]
    widths = {name: max(len(name), *(len(line[name]) for line in lines)) for name in shown}

    def row(cells: dict[str, str]) -> str:
        padded = (
            cells[name].rjust(widths[name]) if name in _NUMBERS else cells[name].ljust(widths[name])
            for name in shown
        )
        return "  ".join(padded).rstrip()

    return "\n".join([row({name: name for name in shown}), *(row(line) for line in lines)])


def size_text(number: int) -> str:
    """Format a number of bytes with a decimal unit: B, kB, MB or GB."""
    value = float(number)
    for unit in ("B", "kB", "MB"):
        if value < 1000:
            return f"{value:.0f} {unit}" if unit == "B" else f"{value:.1f} {unit}"
        value /= 1000
    return f"{value:.1f} GB"
