"""A server as a process: what it is started with."""

import pytest

from prodcat.serving.run import serve


def test_a_keyword_that_is_not_known_is_refused():
    with pytest.raises(
        TypeError,
        match=r"serve\(\) got an unexpected keyword argument 'devise'; expected .*'budget', 'device'",
    ):
        serve(None, devise="cpu")
