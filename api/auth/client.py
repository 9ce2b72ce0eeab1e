"""Who asks for media, as far as addresses and words tell: a network, and a program in it.

A *place* is the network that a client is in: 24 bits of an IPv4 address, 56 of an IPv6 one, which
is what a home or an office has. A *client* is a place and the program there (its `User-Agent`).
Both are numbers, so that they are compared at no cost and pass between processes.
"""

from collections.abc import Iterable, Sequence
from functools import lru_cache
from ipaddress import IPv6Address, ip_network
from typing import NamedTuple
from zlib import crc32

from api.forwarded import Networks, client_address
from config.limits import CLIENT_PLACES_KNOWN_MAX
from ingest.network import address_of

_IPV4_HOST_BITS, _IPV6_HOST_BITS = 8, 72
# Above all places of IPv4.
_IPV6 = 1 << 56
_AGENT_BITS = 32
_AGENT = (1 << _AGENT_BITS) - 1


class Sender(NamedTuple):
    """What the fields of a request say of who sends it.

    Attributes:
        agent: a number for its `User-Agent`; see `agent_of`.
        forwarded_for, forwarded: whom proxies ask for (`X-Forwarded-For`, `Forwarded`), as sent.
    """

    agent: int = 0
    forwarded_for: str = ""
    forwarded: str = ""


UNTOLD = Sender()


def agent_of(user_agent: bytes) -> int:
    """A program's number; 0 of one that does not say. The same in all processes."""
    return crc32(user_agent)


@lru_cache(CLIENT_PLACES_KNOWN_MAX)
def place_of(address: str) -> int:
    """Where an address is; 0 of what is none."""
    parsed = address_of(address)
    if parsed is None:
        return 0
    if isinstance(parsed, IPv6Address):
        return _IPV6 | int(parsed) >> _IPV6_HOST_BITS
    return int(parsed) >> _IPV4_HOST_BITS


def client_of(place: int, agent: int) -> int:
    return place << _AGENT_BITS | agent


def place_in(client: int) -> int:
    return client >> _AGENT_BITS


def agent_in(client: int) -> int:
    return client & _AGENT


class Clients:
    """Tells clients by the peers of sockets, and by what trusted proxies say.

    Args:
        trusted: networks of proxies that are believed; see `api.forwarded`.
    """

    def __init__(self, trusted: Networks = ()) -> None:
        self._trusted = tuple(trusted)
        # A proxy asks for many over one connection.
        self._place = lru_cache(CLIENT_PLACES_KNOWN_MAX)(self._found)

    @classmethod
    def behind(cls, trusted: Iterable[str]) -> "Clients":
        """With networks as in the settings."""
        return cls([ip_network(network) for network in trusted])

    def client(self, peer: str, sender: Sender) -> int:
        """The client that asks over a socket with this peer."""
        agent, forwarded_for, forwarded = sender
        if not self._trusted:
            return client_of(place_of(peer), agent)
        return client_of(self._place(peer, forwarded_for, forwarded), agent)

    def _found(self, peer: str, forwarded_for: str, forwarded: str) -> int:
        fields = {"X-Forwarded-For": forwarded_for, "Forwarded": forwarded}

        def lines(name: str) -> Sequence[str]:
            return [fields[name]] if fields[name] else []

        return place_of(client_address(peer, lines, self._trusted))
