"""The bytes that requests hold together."""

from prodcat.serving.held_bytes import HeldBytes, Share


def test_what_a_request_can_do_without_leaves_half_of_the_bytes_to_others():
    held = HeldBytes(1_000)
    with Share(held) as first, Share(held) as second:
        assert first.keeps(400) and held.taken == 400
        assert not second.keeps(101) and held.taken == 400
        assert second.keeps(100) and second.bytes == 100
    assert held.taken == 0
