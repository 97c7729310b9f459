"""Decide which requests a server accepts, by their token and their headers.

A web page can make its visitor's browser send requests to servers that only the visitor can reach,
also by letting the page's host name resolve to the address of such a server (DNS rebinding).  The
headers ``Origin`` and ``Host`` reveal such requests.
"""

import hmac
import re
import socket
from dataclasses import dataclass, field
from ipaddress import ip_address
from typing import TYPE_CHECKING

from prodcat.errors import ConfigError
from prodcat.serving.refusal import Refusal, shown

if TYPE_CHECKING:
    from starlette.datastructures import Headers

_HOST = re.compile(r"(\[[0-9a-f:.]+\]|[a-z0-9._-]+?)\.?(:[0-9]{1,5})?")
_TOKEN = re.compile(r"[\x21-\x7e]{16,1024}")


@dataclass(frozen=True)
class Access:
    """Which requests a server accepts.

    Attributes:
        token: A secret of 16 to 1,024 printable ASCII characters without blanks.  Every request
            but ``GET /ping`` must carry it as ``Authorization: Bearer TOKEN``.  None if no token
            is required.
        hosts: Host names, in lower case, that the header ``Host`` may contain besides
            ``localhost`` and addresses; web pages of these hosts may use the server.  If empty, a
            server that listens on the network accepts every host name, but no other site's pages.
        is_local: Whether the server listens on the loopback interface only.  ``Host`` must then be
            a loopback address, ``localhost`` or one of ``hosts``.

    Raises:
        ConfigError: The token has another length or other characters, or an entry of ``hosts`` is
            not a host name.
    """

    token: str | None = field(default=None, repr=False)
    hosts: tuple[str, ...] = ()
    is_local: bool = False

    def __post_init__(self) -> None:
        """Check the token and the host names."""
        if self.token is not None and not _TOKEN.fullmatch(self.token):
            raise ConfigError(
                f"The token of the server has {len(self.token)} characters; expected 16 to 1,024 "
                "printable ASCII characters without blanks. `openssl rand -hex 32` makes one."
            )
        for host in self.hosts:
            if host != host.lower() or _name(host) != host:
                raise ConfigError(
                    f"{host!r} is no name of a host; expected a host name in lower case without "
                    "scheme and port, such as prices.example.com."
                )

    def check(self, headers: "Headers") -> None:
        """Refuse a request that comes from a web page of another site, or lacks the token.

        Args:
            headers: The headers of the request.

        Raises:
            Refusal: With status 400 if there are several ``Host`` headers, 401 if the token is
                missing or wrong, or 403 if ``Host`` or ``Origin`` is not allowed.
        """
        names = headers.getlist("host")
        if len(names) > 1:
            raise Refusal(400, "The request has several Host headers; expected one.")
        host = names[0].lower() if names else ""
        if (self.is_local or self.hosts) and not self._is_trusted(host):
            raise Refusal(
                403,
                f"The Host {shown(host)} of the request is not allowed; expected localhost or the "
                "address of the server. Start it with --allowed-host NAME to allow another name.",
            )
        for origin in headers.getlist("origin"):
            if not self._is_from_here(origin.lower(), host):
                raise Refusal(
                    403,
                    f"Web pages of {shown(origin)} may not use this server. Start it with "
                    "--allowed-host NAME to allow the pages of a host.",
                )
        if self.token is not None:
            self._check_token(headers.getlist("authorization"), self.token)

    def _is_trusted(self, host: str) -> bool:
        """Whether ``Host`` is a name or address that no web page can have chosen."""
        name = _name(host)
        if name is None:
            return False
        if name == "localhost" or name in self.hosts:
            return True
        try:
            address = ip_address(name.strip("[]"))
        except ValueError:
            return False
        return address.is_loopback or not self.is_local

    def _is_from_here(self, origin: str, host: str) -> bool:
        """Whether an ``Origin`` is this server itself, or one of the allowed hosts."""
        scheme, _, site = origin.partition("://")
        if scheme not in ("http", "https"):
            return False
        return _name(site) in self.hosts or (site == host and self._is_trusted(host))

    def _check_token(self, given: list[str], token: str) -> None:
        kind, _, secret = given[0].partition(" ") if len(given) == 1 else ("", "", "")
        # Headers were decoded as Latin-1, so encoding them as Latin-1 always succeeds.
        same = hmac.compare_digest(secret.strip().encode("latin-1"), token.encode())
        if not same or kind.lower() != "bearer":
            raise Refusal(
                401,
                "The token of the request is missing or wrong; expected the header "
                "Authorization: Bearer TOKEN with the server's token.",
            )


def is_loopback(host: str) -> bool:
    """Whether a server that listens at this host can be reached from this machine only.

    >>> is_loopback("127.0.0.1"), is_loopback("0.0.0.0")
    (True, False)
    """
    try:  # an empty host means every address
        addresses = {str(entry[4][0]) for entry in socket.getaddrinfo(host or "0.0.0.0", None)}
        return all(ip_address(address).is_loopback for address in addresses)
    except (OSError, ValueError):
        return False


def _name(host: str) -> str | None:
    """The host name or address in a lower-case ``Host`` without the port; None if not valid."""
    match = _HOST.fullmatch(host)
    return match[1] if match else None
