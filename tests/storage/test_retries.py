"""Which faults are tried again, how often, and what is said in the end."""

import errno

import pytest

from prodcat import ArtifactError, StoreError
from prodcat.storage.faults import TruncatedError
from prodcat.storage.retries import Operation


@pytest.fixture(autouse=True)
def waits(monkeypatch):
    """The seconds that would have been waited."""
    waited = []
    monkeypatch.setattr("prodcat.storage.retries.time.sleep", waited.append)
    return waited


def operation(verb="read", patience=60.0, is_s3=False):
    return Operation(verb, "s3://b/m/a", is_local=False, is_s3=is_s3, patience=patience)


def failing(*errors):
    """An attempt that meets these faults, one after the other, and then succeeds."""
    left = list(errors)

    def attempt():
        if left:
            raise left.pop(0)
        return "content"

    return attempt


def test_what_passes_is_tried_again_after_longer_and_longer_waits(waits):
    assert operation().run(failing(*[TimeoutError("late")] * 9)) == "content"
    assert len(waits) == 9
    limits = [0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 10.0, 10.0, 10.0]
    assert all(limit / 2 <= wait <= limit for wait, limit in zip(waits, limits, strict=True))


def test_when_the_patience_is_over_the_fault_is_explained():
    with pytest.raises(
        StoreError, match=r"Cannot read 's3://b/m/a': late. Tried for 0 s"
    ) as caught:
        operation(patience=0.1).run(failing(TimeoutError("late")))
    assert caught.value.unreachable and isinstance(caught.value.__cause__, TimeoutError)


def test_what_does_not_pass_is_explained_at_once(waits):
    full = OSError(errno.ENOSPC, "No space left on device")
    with pytest.raises(StoreError, match="The disk is full: free some space") as caught:
        operation("write").run(failing(full))
    assert not caught.value.unreachable and waits == []


def test_truncated_bytes_are_asked_for_three_times(waits):
    assert operation().run(failing(*[TruncatedError("5 bytes came of 6")] * 2)) == "content"
    with pytest.raises(ArtifactError, match="arrived altered or truncated 3 times"):
        operation().run(failing(*[TruncatedError("5 bytes came of 6")] * 3))


@pytest.mark.parametrize("error", [FileNotFoundError("a"), StoreError("a"), ArtifactError("a")])
def test_what_is_known_already_is_passed_on(error):
    with pytest.raises(type(error)) as caught:
        operation().run(failing(error))
    assert caught.value is error


def test_a_folder_that_is_not_there_cannot_be_written_to():
    with pytest.raises(StoreError, match="Cannot write 's3://b/m/a': a. Check the address."):
        operation("write").run(failing(FileNotFoundError("a")))


def test_mistakes_in_code_are_passed_on_but_wrong_options_of_s3_are_explained():
    with pytest.raises(TypeError):
        operation().run(failing(TypeError("unexpected keyword")))
    with pytest.raises(StoreError, match="Check the address, the endpoint and storage_options"):
        operation(is_s3=True).run(failing(TypeError("unexpected keyword")))
