"""``prodcat review --pairs``: decide on a local page how doubtful pairs of products relate."""

import argparse
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from prodcat.cli.destinations import check_file
from prodcat.cli.input import check_tables, read_options
from prodcat.cli.output import STDOUT, check_writable, show
from prodcat.errors import ConfigError

if TYPE_CHECKING:
    from prodcat.insight.decisions.pairs import PairTable, RelationChoices

# The options that say something of pairs, too; the others are about titles.
_OPTIONS = frozenset({
    "--pairs", "--serve", "--port", "--decisions", "--export", "--overwrite", "--delimiter",
    "--file-encoding", "--sheet", "--quiet", "--verbose", "--log-format",
})  # fmt: skip


def decisions_of(name: str) -> str:
    """The file of the decisions about a queue, or a table of pairs, if no other is named.

    Args:
        name: The file of the queue or the table without its ending.
    """
    return f"{name}.decisions.jsonl"


def decisions_about_pairs(table: str) -> Path:
    """The file of the decisions about a table of pairs, if no other is named.

    Args:
        table: The path of the table.

    >>> str(decisions_about_pairs("may/doubtful.csv.gz"))
    'may/doubtful.decisions.jsonl'
    """
    path = Path(table.removeprefix("file://"))
    return path.with_name(decisions_of(path.name.removesuffix(".gz").rpartition(".")[0]))


def review_pairs(
    options: argparse.Namespace, page_server: Callable[[], Callable[..., None]]
) -> None:
    """Serve the page, and write the table with the answers, as the options say.

    Args:
        options: The parsed options.
        page_server: Returns the function that serves the page.

    Raises:
        ConfigError: The options are not consistent, an output cannot be written, or the packages
            of the page are not installed.
        CatalogError: The pairs or the decisions cannot be read.
        StoreError: A file cannot be read or written.
    """
    _check(options)
    check_tables(options)
    place = Path(options.decisions or decisions_about_pairs(options.pairs))
    if options.export is not None:
        check_kept(options.export, {"file of decisions": str(place)})
    serve_review = page_server() if options.serve else None

    from prodcat.insight.decisions.pairs import RelationChoices, read_pair_table
    from prodcat.matching.answers import ANSWER_WORDS
    from prodcat.matching.relations import RELATIONS

    choices = RelationChoices(RELATIONS, ANSWER_WORDS)
    table = read_pair_table(options.pairs, choices, options=read_options(options))
    if serve_review is not None:
        serve_review(table.items, choices, place, options.port)
    if options.export is not None:
        _export(options.export, table, choices, place)


def _check(options: argparse.Namespace) -> None:
    """Refuse inconsistent options, before anything is read.

    Raises:
        ConfigError: There is nothing to do, an option is about titles, or no decisions can be
            written.
    """
    from prodcat.offers.files import ENDINGS

    strange = [name for name in options.given.options if name not in _OPTIONS]
    if strange or options.catalog is not None:
        raise ConfigError(
            f"Found {strange[0] if strange else 'a file of titles'} with --pairs, which shows "
            "pairs and no titles; expected only --serve, --export and what belongs to them. Leave "
            "it out, or leave --pairs out."
        )
    if not options.serve and options.export is None:
        raise ConfigError(
            "There is nothing to do. Give --serve to decide, or --export FILE to write the answers."
        )
    if options.export is not None:
        if not options.export.lower().endswith(ENDINGS):
            raise ConfigError(
                f"--export is {options.export!r}; expected a name ending with one of "
                f"{', '.join(ENDINGS)}."
            )
        check_file("--export", options.export)
    check_writable("--decisions", options.decisions)
    if options.decisions is None and not _is_local_file(options):
        raise ConfigError(
            f"--pairs is {options.pairs!r}, but decisions are written beside one file on the disk "
            "of this machine. Name a file for them with --decisions FILE.jsonl."
        )


def check_kept(export: str, kept: Mapping[str, str]) -> None:
    """Refuse to replace what an export is made of, also with ``--overwrite``.

    Args:
        export: The file to write.
        kept: The files that are kept, by what they are.

    Raises:
        ConfigError: The export would replace one of them.
    """
    for name, uri in kept.items():
        with suppress(OSError):  # the one or the other does not exist, or is not on this machine
            if Path(export).samefile(uri):
                raise ConfigError(
                    f"--export is {export!r}, which is the {name} and would be replaced. Name "
                    "another file."
                )


def _is_local_file(options: argparse.Namespace) -> bool:
    """Whether the pairs are in one file of this machine that stays there."""
    name = options.pairs.removeprefix("file://")
    return options.pairs not in (STDOUT, options.stdin) and Path(name).is_file()


def _export(uri: str, table: "PairTable", choices: "RelationChoices", place: Path) -> None:
    """Write the table of pairs with the answers."""
    from prodcat.insight.decisions import Decisions
    from prodcat.insight.decisions.pairs import ANSWER
    from prodcat.matching.writing import write_table
    from prodcat.taxonomy.cells import cell_text

    with Decisions(place, table.items, choices, write=False) as decisions:
        standing = decisions.standing
    answered = table.answered(standing)
    write_table(answered, uri)
    count = sum(bool(cell_text(answer)) for answer in answered[ANSWER].to_pylist())
    skipped = sum(event["kind"] == "skip" for event in standing.values())
    show(
        f"{count:,} answered pairs written to {uri}; {skipped:,} skipped, "
        f"{len(table.items) - count - skipped:,} open"
    )
