"""Requests that come through a front are asked by whoever is behind it."""

from collections.abc import Awaitable, Callable, Sequence
from ipaddress import ip_network

import structlog
from aiohttp import web

from api.forwarded import client_address, is_forwarded, is_trusted
from ingest.network import address_of

log = structlog.get_logger(__name__)

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class BehindFronts:
    """`request.remote` is the client for all that comes after `middleware`.

    Args:
        trusted: networks of proxies that are believed.
    """

    def __init__(self, trusted: Sequence[str]) -> None:
        self._trusted = tuple(ip_network(network) for network in trusted)
        self._has_warned = False

    @web.middleware
    async def middleware(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        def lines(name: str) -> Sequence[str]:
            return request.headers.getall(name, ())

        peer = request.remote or ""
        if is_trusted(peer, self._trusted):
            request = request.clone(remote=client_address(peer, lines, self._trusted))
        elif not self._has_warned and is_forwarded(lines):
            self._warn(peer)
        return await handler(request)

    def _warn(self, peer: str) -> None:
        """Once, of what looks like a forgotten front; strangers may send what they like."""
        address = address_of(peer)
        if address is None or not address.is_private:
            return
        self._has_warned = True
        log.warning(
            "requests are forwarded by an address that is not in http.trusted_proxies: limits "
            "count everybody behind it as one",
            address=peer,
        )
