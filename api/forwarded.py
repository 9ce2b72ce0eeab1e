"""Who is behind a front: the client's address, as proxies that are trusted tell it.

The last proxy is the peer of our socket. Each one adds to what it was told whom it was told by
(`X-Forwarded-For`; `Forwarded`, RFC 7239), so that only what trusted ones added can be believed:
the first address from the right that is none of theirs. What is left of it the client may have made
up. So may whole fields of names that a front does not know, of which `X-Forwarded-For` outweighs
`Forwarded`, since all fronts write that one.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from ipaddress import IPv4Network, IPv6Network

from ingest.network import address_of

type Networks = Sequence[IPv4Network | IPv6Network]

Lines = Callable[[str], Sequence[str]]
"""All lines of a field, in their order."""

# One parameter of `Forwarded` with what ends it (RFC 7239, section 4). Values that should have been
# quoted, as addresses with ports, are often not.
_PARAMETER = re.compile(
    r'[ \t]*(?:([A-Za-z]+)=(?:"((?:[^"\\]|\\.)*)"|([^\s";,=]+)))?[ \t]*([;,]|\Z)', re.ASCII
)
# An address with a port, or in brackets, or both (RFC 7239, section 6).
_NODE = re.compile(r"(?:\[([0-9A-Fa-f:.]+)\]|([0-9.]+))(?::[0-9]{1,5})?", re.ASCII)


def client_address(peer: str, lines: Lines, trusted: Networks) -> str:
    """Whom to count and to name, given the peer of the socket.

    A hop that is not told, hidden (`unknown`, `_gazonk`) or no address ends the chain: then it is
    the proxy that said so, of all clients whom it does not tell.
    """
    client = peer
    if not is_trusted(peer, trusted):
        return client
    for hop in _hops(lines):
        address = address_of(hop)
        if address is None:
            return client
        client = str(address)
        if not is_trusted(client, trusted):
            return client
    return client


def is_trusted(address: str, trusted: Networks) -> bool:
    parsed = address_of(address)
    return parsed is not None and any(parsed in network for network in trusted)


def is_forwarded(lines: Lines) -> bool:
    """Whether somebody says to ask for somebody else."""
    return bool(lines("X-Forwarded-For") or lines("Forwarded"))


def _hops(lines: Lines) -> Iterator[str]:
    """The nearest first; what is no address is none of either kind."""
    listed = ",".join(lines("X-Forwarded-For"))
    if listed:
        yield from (_address(node.strip()) for node in reversed(listed.split(",")))
    else:
        yield from (_address(node) for node in reversed(_nodes(",".join(lines("Forwarded")))))


def _address(node: str) -> str:
    """Without brackets and port."""
    found = _NODE.fullmatch(node)
    return node if found is None else found[1] or found[2]


def _nodes(field: str) -> list[str]:
    """`for` of each element, empty where there is none; nothing of a field that cannot be read."""
    nodes, position, separator = [""], 0, ";"
    while separator:
        found = _PARAMETER.match(field, position)
        if found is None:
            return []
        name, quoted, plain, separator = found.groups()
        if name is not None and name.lower() == "for":
            if nodes[-1]:
                return []  # twice in one element
            nodes[-1] = plain or re.sub(r"\\(.)", r"\1", quoted)
        if separator == ",":
            nodes.append("")
        position = found.end()
    return nodes
