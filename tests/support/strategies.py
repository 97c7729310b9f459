"""Random trees: ragged, with terminal inner nodes and names that repeat."""

from hypothesis import strategies as st

from prodcat.taxonomy.tree import Taxonomy

NAMES = ["Food", "Drinks", "Baby", "Pet", "Other", "Süß > sauer", "İçecek"]


@st.composite
def taxonomies(draw, most_paths: int = 12, most_levels: int = 4) -> Taxonomy:
    path = st.lists(st.sampled_from(NAMES), min_size=1, max_size=most_levels).map(tuple)
    paths = draw(st.lists(path, min_size=1, max_size=most_paths))
    return Taxonomy.from_paths(paths, inner=draw(st.sampled_from(["terminal", "partial"])))
