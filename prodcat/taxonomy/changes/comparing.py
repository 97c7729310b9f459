"""The method by which a tree is compared with its next version."""

from typing import TYPE_CHECKING

from prodcat.taxonomy.changes.changes import TreeChanges
from prodcat.taxonomy.changes.finding import find_changes

if TYPE_CHECKING:
    from prodcat.taxonomy.changes.trees import Tree
    from prodcat.taxonomy.changes.words import Titles


class Comparing:
    """A tree that can be compared with its next version."""

    __slots__ = ()

    def diff(
        self: "Tree",
        other: "Tree",
        *,
        ids: str = "auto",
        titles: "tuple[Titles, Titles] | None" = None,
    ) -> TreeChanges:
        """What each category has become in the next version of the tree.

        Categories are found by their ids where both trees have the same, and otherwise by their
        paths, their names in all languages that both trees have, and their places.

        Args:
            other: The next version of the tree.
            ids: ``"stable"`` if an id means the same category in both trees, ``"ignore"`` if not;
                ``"auto"`` takes equal ids as stable if most of them have the same name.
            titles: Titles of products in categories of this tree, and in those of the other, each
                as ``{id: [titles]}``; they tell what a category with another name is.

        Returns:
            The changes, of which each has a confidence.

        Raises:
            ConfigError: ``ids`` is not supported.
            TaxonomyError: The titles are not two mappings from ids of the trees.

        >>> import prodcat
        >>> old = prodcat.Taxonomy.from_paths(["Food > Fruit > Apples", "Food > Bread"])
        >>> new = prodcat.Taxonomy.from_paths(["Food > Fresh Fruit > Apples", "Food > Bread"])
        >>> [(row.kind, row.new_ids) for row in old.diff(new).rows if row.kind != "same"]
        [('renamed', ('Food > Fresh Fruit',))]
        """
        return find_changes(self, other, ids=ids, titles=titles)
