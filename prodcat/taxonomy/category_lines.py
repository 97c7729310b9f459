"""Reads lists of categories with one category a line, as Google and Shopify publish them.

A line is a path, or an id and a path: ``1 - Animals & Pet Supplies > Live Animals`` (Google) or
``gid://shopify/TaxonomyCategory/ap-1 : Animals & Pet Supplies > Live Animals`` (Shopify).  A list
without separators may be indented instead, with each category below its parent, or have a tab
between the levels.  Lines above the first category that begin with ``#`` are comments, unless a
digit follows, as in ``#1 Brands``.
"""

import logging
import re
from itertools import dropwhile
from typing import Any

from prodcat.errors import TaxonomyError
from prodcat.taxonomy.paths import Path, split_path
from prodcat.taxonomy.problems import first_problems

_WITH_ID = (
    re.compile(r"(\d+) - (.+)"),
    re.compile(r"(gid://\S+)\s+:\s+(.+)"),
    re.compile(r"([^\t]+)\t\s*([^\t]+)"),
    re.compile(r"([\w.-]*\d[\w.-]*)\s*[,;]\s*(.+)"),
)
_DRAWN = re.compile(r"[│|\s]*(?:[├└╰┣┗]|[|`+\\]--)")  # a branch of a tree for people
_IN_ALL_LINES = _WITH_ID[2:]
_TITLES = frozenset(
    {
        *("path", "categorypath", "fullname", "fullpath", "breadcrumb", "breadcrumbs", "category"),
        *("categories", "kategorie", "kategorien", "kategori", "kategoriler", "catégorie"),
        *("categoria", "categoría", "categorie", "taxonomy"),
    }
)
logger = logging.getLogger("prodcat")
_COMMENT = re.compile(r"#(?!\d)")
_BULLET = re.compile(r"[-*+•]\s+")


def records_of_lines(text: str, separator: str) -> list[dict[str, Any]]:
    r"""The categories of a list, each as ``path``, ``place`` and, if every line has one, ``id``.

    Raises:
        TaxonomyError: There is no category, or some lines have an id and others have none.

    >>> records_of_lines("# Version: 2021-09-21\n1 - Pets\n3 - Pets > Birds", ">")[1]
    {'id': '3', 'path': ('Pets', 'Birds'), 'place': 'line 3'}
    """
    numbered = [(n, line.rstrip()) for n, line in enumerate(re.split(r"\r\n|\r|\n", text), 1)]
    numbered = [(number, line) for number, line in numbered if line.strip("\ufeff \t")]
    numbered = _without_comments(numbered)
    if not numbered:
        raise TaxonomyError("The file has no categories; expected one a line, as 'Food > Fruit'.")
    if len(numbered) > 1 and _is_title(numbered[0][1], [line for _, line in numbered[1:]]):
        logger.warning("The first line, %r, is read as a header.", numbered.pop(0)[1])
    _refuse_drawn(numbered)
    mark = separator.strip()
    if mark and (levels := _tabbed(numbered, mark)):
        return levels
    forms = [form for form in _WITH_ID if mark or form is not _WITH_ID[2]]
    for form in forms:
        matches = [form.fullmatch(line.strip()) for _, line in numbered]
        with_id = len(list(filter(None, matches)))
        if 2 * with_id <= len(numbered) or (form in _IN_ALL_LINES and with_id < len(numbered)):
            continue
        if form is _WITH_ID[3] and len({match[1] for match in matches if match}) < max(with_id, 2):
            continue
        _refuse_without_id(
            [each for each, match in zip(numbered, matches, strict=True) if not match]
        )
        texts = [match[2] if match else "" for match in matches]
        if form is _WITH_ID[3]:
            texts = list(map(_bare, texts))
        return [
            {"id": match[1].strip(), "path": _path(text, separator, number), "place": place}
            for (number, _), match, text in zip(numbered, matches, texts, strict=True)
            if match is not None and (place := f"line {number}")
        ]
    if not any(mark in line for _, line in numbered) and (paths := _outlined(numbered)):
        return [
            {"path": path, "place": f"line {number}"}
            for path, (number, _) in zip(paths, numbered, strict=True)
        ]
    return [
        {"path": _path(line, separator, number), "place": f"line {number}"}
        for number, line in numbered
    ]


def _without_comments(numbered: list[tuple[int, str]]) -> list[tuple[int, str]]:
    """The lines without the comments above the first category; tells those that are doubtful."""
    rest = list(dropwhile(lambda each: _COMMENT.match(each[1].lstrip("\ufeff \t")), numbered))
    for _, line in numbered[: len(numbered) - len(rest)]:
        if line.lstrip("\ufeff \t#")[:1] and not re.match(r"\s*#+\s", line.lstrip("\ufeff")):
            logger.warning(
                "The line %r is read as a comment; if it is a category, move it below another one.",
                line,
            )
    return rest


def _refuse_drawn(numbered: list[tuple[int, str]]) -> None:
    """Refuse a tree that is drawn with lines for people, as ``to_text`` of a tree does.

    Raises:
        TaxonomyError: Most lines are branches of such a tree.
    """
    drawn = [(number, line) for number, line in numbered if _DRAWN.match(line)]
    if 2 * len(drawn) > len(numbered):
        number, line = drawn[0]
        raise TaxonomyError(
            f"Line {number}, {line[:60]!r}, is a branch of a tree that is drawn for people; "
            "expected one category a line, such as 'Food > Milk'. Save a tree of prodcat with "
            "to_json(), and write others without lines, each category indented below its parent."
        )


def _tabbed(numbered: list[tuple[int, str]], mark: str) -> list[dict[str, Any]]:
    """The categories of lines whose levels are divided by tabs; none if there are no such lines.

    Args:
        numbered: The lines with their numbers.
        mark: The separator of paths, which such lines do not have.

    Raises:
        TaxonomyError: There may be an id or a level before the tab.
    """
    rows = [[cell.strip() for cell in line.rstrip().split("\t")] for _, line in numbered]
    if not any(len(row) > 1 and all(row) for row in rows) or any(mark in "".join(r) for r in rows):
        return []
    firsts = [row[0] for row in rows]
    if all(len(row) == 2 for row in rows) and len(set(firsts)) == len(rows):
        if all(any(letter.isdigit() for letter in first) for first in firsts):
            return []  # ids
        number, line = numbered[0]
        raise TaxonomyError(
            f"Line {number}, {line[:60]!r}, has a tab between two texts, which may be an id and a "
            f"name or two levels. Write levels as 'Food {mark} Milk', and ids as '12 - Milk'."
        )
    for (number, line), row in zip(numbered, rows, strict=True):
        if not all(row) or line[0] == " ":
            raise TaxonomyError(
                f"Line {number}, {line[:60]!r}, has tabs and an empty level or a margin; expected "
                f"all levels in each line, such as 'Food {mark} Milk'. Write them in full."
            )
    return [
        {"path": tuple(row), "place": f"line {number}"}
        for (number, _), row in zip(numbered, rows, strict=True)
    ]


def _bare(text: str) -> str:
    """A cell without the quotes that CSV puts around it."""
    is_quoted = len(text) > 1 and text[0] == text[-1] == '"' and text[1:-1].count('"') % 2 == 0
    return text[1:-1].replace('""', '"') if is_quoted else text


def _is_title(first: str, others: list[str]) -> bool:
    """Whether the first line is the name of a column, and no category with others below it."""
    name = first.strip('\ufeff \t"')
    is_alone = not any(line.lstrip().startswith(name) for line in others)
    return re.sub(r"[\W_]+", "", name).lower() in _TITLES and is_alone


def _path(text: str, separator: str, line: int) -> Path:
    """The path in a line; errors tell the line."""
    try:
        return split_path(text, separator)
    except TaxonomyError as error:
        raise TaxonomyError(f"Line {line}: {error}") from error


def _refuse_without_id(lines: list[tuple[int, str]]) -> None:
    """Refuse a list in which most lines have an id, and these have none.

    Raises:
        TaxonomyError: There are such lines.
    """
    if lines:
        problems = [f"line {number}: {line[:60]!r}" for number, line in lines]
        raise TaxonomyError(
            f"{len(lines)} lines have no id, and all others have one: {first_problems(problems)}. "
            "Write an id into each of them, or take the ids out of all lines."
        )


def _outlined(numbered: list[tuple[int, str]]) -> list[Path]:
    """The paths of an indented list; none if the lines are not indented as a tree."""
    lines = [line.expandtabs(8) for _, line in numbered]
    if all(_BULLET.match(line.lstrip()) for line in lines):
        bare = [_BULLET.sub("", line.lstrip(), count=1).strip() for line in lines]
    else:
        bare = [line.strip() for line in lines]
    margins = [len(line) - len(line.lstrip()) for line in lines]
    if len(set(margins)) < 2 or margins[0] != min(margins):
        return []
    paths: list[Path] = []
    above: list[tuple[int, str]] = []  # margin and name of each level
    for margin, name in zip(margins, bare, strict=True):
        while above and above[-1][0] >= margin:
            above.pop()
        above.append((margin, name))
        paths.append(tuple(name for _, name in above))
    return paths
