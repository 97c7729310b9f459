"""Which headers a request may have, without a server."""

import pytest
from starlette.datastructures import Headers

from prodcat.serving.access import Access, is_loopback
from prodcat.serving.refusal import Refusal

TOKEN = "a-token-with-enough-letters"


def refused(access, **headers):
    try:
        access.check(Headers(headers))
    except Refusal as refusal:
        return refusal.status
    return None


def test_on_the_network_every_name_is_good_until_one_is_named_and_no_page_is():
    open_access = Access()
    assert refused(open_access, host="internal-balancer.example") is None
    assert refused(open_access) is None
    # A name may have been pointed at this machine by whoever owns it; an address may not.
    same = {"host": "attacker.example:8080", "origin": "http://attacker.example:8080"}
    assert refused(open_access, **same) == 403
    assert refused(open_access, host="10.0.0.5:80", origin="http://10.0.0.5:80") is None
    named = Access(hosts=("prices.example.com",))
    assert refused(named, host="prices.example.com:443") is None
    assert refused(named, host="10.0.0.5") is None
    assert refused(named, host="attacker.example") == 403
    assert refused(named, host="localhost", origin="https://prices.example.com") is None
    assert refused(named, host="prices.example.com", origin="https://attacker.example") == 403
    assert refused(named, host="prices.example.com", origin="file://prices.example.com") == 403
    local = Access(hosts=("prices.example.com",), is_local=True)
    assert refused(local, host="prices.example.com") is None
    assert refused(local, host="10.0.0.5") == 403


def test_a_token_that_can_be_guessed_and_a_host_that_is_none_are_refused():
    for token in ("", "short", "with a blank in the middle", "with-ş-and-more-letters"):
        with pytest.raises(ValueError, match="expected 16 to 1,024"):
            Access(token)
    assert TOKEN not in repr(Access(TOKEN))
    for host in ("http://a.example", "a.example:80", "A.example", "*", "a/b", ""):
        with pytest.raises(ValueError, match="is no name of a host"):
            Access(hosts=(host,))


def test_addresses_of_this_machine_alone():
    assert all(map(is_loopback, ("127.0.0.1", "127.9.9.9", "::1", "localhost")))
    assert not any(map(is_loopback, ("0.0.0.0", "::", "10.0.0.1", "", "nobody.invalid")))
