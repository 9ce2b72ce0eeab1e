"""Which addresses are of the public internet, so that nobody has us ask a machine of our own."""

import asyncio
import socket
from collections.abc import Sequence
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address

from aiohttp.abc import AbstractResolver, ResolveResult

# IPv4 addresses are inside of these: NAT64 (RFC 6052), 6to4 (RFC 3056).
_NAT64 = IPv6Network("64:ff9b::/96")


class NotPublic(OSError):
    """A name stands for an address that is not of the public internet, or for none."""


def is_public(text: str) -> bool:
    """Whether an address is one that anybody could reach."""
    try:
        address = ip_address(text.partition("%")[0])
    except ValueError:
        return False
    return all(each.is_global and not each.is_multicast for each in _all_of(address))


def _all_of(address: IPv4Address | IPv6Address) -> Sequence[IPv4Address | IPv6Address]:
    """An address, with the one of IPv4 that it stands for."""
    if isinstance(address, IPv4Address):
        return (address,)
    if address.ipv4_mapped is not None:
        return (address.ipv4_mapped,)
    inner = address.sixtofour
    if address in _NAT64:
        inner = IPv4Address(int(address) & 0xFFFFFFFF)
    return (address,) if inner is None else (address, inner)


class PublicResolver(AbstractResolver):
    """Looks names up and gives out public addresses only. What is connected to is what was looked
    at: a name that is another address a moment later gains nothing.
    """

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        loop = asyncio.get_running_loop()
        found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM, family=family)
        addresses = [(kind, str(place[0])) for kind, _, _, _, place in found]
        if not addresses or not all(is_public(address) for _, address in addresses):
            raise NotPublic(f"{host} is not on the public internet")
        return [
            ResolveResult(
                hostname=host,
                host=address,
                port=port,
                family=kind,
                proto=0,
                flags=socket.AI_NUMERICHOST | socket.AI_NUMERICSERV,
            )
            for kind, address in addresses
        ]

    async def close(self) -> None:
        """It keeps nothing open."""
