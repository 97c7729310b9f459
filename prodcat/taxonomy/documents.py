"""Reads the rows of a tree from JSON and YAML, as Shopify, shops and prodcat itself write them."""

import json
import re
from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any

from prodcat.errors import TaxonomyError
from prodcat.storage.json_records import unique_json

_BELOW = ("children", "children_data", "subcategories", "sub_categories", "categories")
_LISTS = ("nodes", "categories", "children", "items", "data")


def rows_of_json(text: str) -> list[dict[str, Any]]:
    """Read the rows of a tree from a JSON document.

    Args:
        text: ``{"nodes": [{"id": ..., "parent": ..., "name": ...}, ...]}``, or only the list; or
            the categories that Shopify publishes; or categories inside their parents, as
            ``{"name": ..., "children": [...]}``.

    Raises:
        TaxonomyError: The text is not JSON, or its structure is another one.

    >>> rows_of_json('[{"id": "f", "parent": null, "name": "Food"}]')
    [{'id': 'f', 'parent': None, 'name': 'Food'}]
    """
    if not isinstance(text, (str, bytes)):
        raise TaxonomyError(
            f"The text is a {type(text).__name__}; expected a JSON document as text. Read a table "
            "with from_table, and a file with read_taxonomy."
        )
    if isinstance(text, bytes):
        text = text.decode("utf-8-sig", "replace")
    try:
        document, fault = unique_json(text)
    except (ValueError, RecursionError) as error:
        raise TaxonomyError(f"The taxonomy is not valid JSON: {error}. Correct it.") from error
    if fault:
        raise TaxonomyError(f"An object of the JSON {fault}. Correct it.")
    return rows_of_document(document)


def rows_of_yaml(text: str) -> list[dict[str, Any]]:
    """Read the rows of a tree from YAML, with the structures of :func:`rows_of_json`.

    Raises:
        TaxonomyError: The text is not YAML, or its structure is another one.
    """
    import yaml

    try:
        document = yaml.load(text, Loader=_text_loader())
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise TaxonomyError(f"The taxonomy is not valid YAML: {error}. Correct it.") from error
    return rows_of_document(document)


@cache
def _text_loader() -> Any:
    """A loader of YAML that leaves every value a text as it is written, but for nulls.

    YAML 1.1 would read the id 010 as 8, the name No as false, and 12:30 as 750.
    """
    import yaml

    base: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    loader: Any = type("_TextLoader", (base,), {"yaml_implicit_resolvers": {}})
    null = re.compile(r"(?:~|null|Null|NULL|)$")
    loader.add_implicit_resolver("tag:yaml.org,2002:null", null, ["~", "n", "N", ""])
    loader.add_implicit_resolver("tag:yaml.org,2002:merge", re.compile("<<$"), ["<"])
    return loader


def rows_of_document(document: Any) -> list[dict[str, Any]]:
    """The rows of a document that is read already; see :func:`rows_of_json`.

    Raises:
        TaxonomyError: Its structure is another one.

    >>> rows_of_document({"name": "Food", "children": [{"name": "Milk"}]})
    [{'path': ('Food',)}, {'path': ('Food', 'Milk')}]
    """
    rows = document
    if isinstance(document, dict):
        rows = rows_of_shopify(document)
        if rows is None:
            lists = (document.get(name) for name in _LISTS if "name" not in document)
            rows = next((each for each in lists if isinstance(each, list) and each), [document])
    if not isinstance(rows, list) or not rows or not all(isinstance(row, dict) for row in rows):
        raise _no_tree(document)
    if any(isinstance(row.get(name), list) for row in rows for name in _BELOW):
        return _flattened(rows)
    is_known = any({"name", "path", "full_name", "parent"} & row.keys() for row in rows)
    if not is_known and rows is not document:
        raise _no_tree(document)
    return rows


def _no_tree(document: Any) -> TaxonomyError:
    keys = (
        f"; found an object with the keys {list(document)[:8]}"
        if isinstance(document, dict)
        else ""
    )
    return TaxonomyError(
        'The JSON is not a tree; expected {"nodes": [{"id": ..., "parent": ..., "name": ...}, '
        f'...]}} or only the list, or {{"name": ..., "children": [...]}}{keys}.'
    )


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


def _flattened(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Rows without children inside them: parent-child rows if all have an id, otherwise paths.

    Children may be given by their ids instead, as in Shopify's YAML.
    """
    flat: list[tuple[dict[str, Any], Any, tuple[Any, ...]]] = []
    parent_of: dict[str, Any] = {}
    stack: list[tuple[Any, Any, tuple[Any, ...]]] = [(row, None, ()) for row in reversed(rows)]
    while stack:
        row, parent, above = stack.pop()
        if not isinstance(row, Mapping) or "name" not in row:
            raise TaxonomyError(
                f"A category of the tree is {json.dumps(row, default=str)[:60]}; expected an "
                'object such as {"name": "Food", "children": [...]}.'
            )
        path = (*above, row["name"])
        if len(path) > 1_000:
            raise TaxonomyError("The tree has more than 1,000 levels; expected at most 64.")
        flat.append((dict(row), parent, path))
        below: list[Any] = next(
            (row[name] for name in _BELOW if isinstance(row.get(name), list)), []
        )
        for child in reversed(below):
            if isinstance(child, Mapping):
                stack.append((dict(child), row.get("id"), path))
            else:
                parent_of[str(child)] = row.get("id")
    if all(row.get("id") is not None for row, _, _ in flat):
        return [
            {
                "id": row["id"],
                "parent": parent if parent is not None else parent_of.get(str(row["id"])),
                "name": row["name"],
            }
            for row, parent, _ in flat
        ]
    return [{"path": path} for _, _, path in flat]
