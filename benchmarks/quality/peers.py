"""The features of the ten-line baseline."""

from typing import Any


def tfidf() -> Any:
    """TF-IDF of words 1-2 and of characters 2-4 within words."""
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.pipeline import make_union

    return make_union(
        TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True),
        TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 4), sublinear_tf=True),
    )
