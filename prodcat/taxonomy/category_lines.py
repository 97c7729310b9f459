"""Reads lists of categories with one category a line, as Google and Shopify publish them.

A line is a path, or an id and a path: ``1 - Animals & Pet Supplies > Live Animals`` (Google) or
``gid://shopify/TaxonomyCategory/ap-1 : Animals & Pet Supplies > Live Animals`` (Shopify).  Lines
above the first category that begin with ``#`` are comments.
"""

import re
from collections.abc import Iterable
from itertools import dropwhile
from typing import Any

from prodcat.errors import TaxonomyError
from prodcat.taxonomy.paths import split_path

_WITH_ID = (re.compile(r"(\d+) - (.+)"), re.compile(r"(gid://\S+)\s+:\s+(.+)"))


def records_of_lines(text: str, separator: str) -> list[dict[str, Any]]:
    r"""The categories of a list, each as ``path`` and, if every line has one, ``id``.

    Raises:
        TaxonomyError: There is no category.

    >>> records_of_lines("# Version: 2021-09-21\n1 - Pets\n3 - Pets > Birds", ">")
    [{'id': '1', 'path': ('Pets',)}, {'id': '3', 'path': ('Pets', 'Birds')}]
    """
    lines = [line.strip() for line in text.splitlines()]
    lines = list(filter(None, lines))
    lines = list(dropwhile(lambda line: line.startswith("#"), lines))
    if not lines:
        raise TaxonomyError("The file has no categories; expected one a line, as 'Food > Fruit'.")
    for form in _WITH_ID:
        matches = [form.fullmatch(line) for line in lines]
        if all(matches):
            pairs = [match.groups() for match in matches if match is not None]
            return [{"id": key, "path": split_path(path, separator)} for key, path in pairs]
    return [{"path": split_path(line, separator)} for line in lines]


def rows_of_shopify(document: dict[str, Any]) -> list[dict[str, Any]] | None:
    """Parent-child rows of Shopify's ``categories.json`` or ``taxonomy.json``; None for others.

    >>> pets = {"id": "gid://1", "name": "Pets", "parent_id": None}
    >>> rows_of_shopify({"verticals": [{"name": "Pets", "categories": [pets]}]})
    [{'id': 'gid://1', 'parent': None, 'name': 'Pets'}]
    """
    verticals = document.get("verticals")
    if not isinstance(verticals, list):
        return None
    categories: Iterable[Any] = (
        category
        for vertical in verticals
        if isinstance(vertical, dict)
        for category in vertical.get("categories") or ()
    )
    rows = [
        {"id": c.get("id"), "parent": c.get("parent_id"), "name": c.get("name")}
        for c in categories
        if isinstance(c, dict)
    ]
    return rows or None
