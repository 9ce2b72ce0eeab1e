"""Where a publisher comes from."""

from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
    ip_network,
)


def address_of(text: str) -> IPv4Address | IPv6Address | None:
    """The address that a socket names; None when it is none.

    An IPv4 address in the form of an IPv6 one is the former (RFC 4291, section 2.5.5.2).
    """
    try:
        address = ip_address(text.partition("%")[0])
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address


def network_of(text: str) -> str:
    """What counts as one place: an IPv4 address, or the /64 that every IPv6 host has to itself.

    RFC 6177, section 2. What is no address counts as itself.
    """
    address = address_of(text)
    if isinstance(address, IPv6Address):
        return str(IPv6Network((int(address) >> 64 << 64, 64)))
    return text if address is None else str(address)


def parse_network(text: str) -> str:
    """An address or a network (CIDR), as it is written as a rule.

    Raises:
        ValueError: it is neither.
    """
    return str(_network(text))


def _network(text: str) -> IPv4Network | IPv6Network:
    return ip_network(text, strict=False)


def is_within(address: str, networks: tuple[str, ...]) -> bool:
    """Whether an address is in one of these networks."""
    parsed = address_of(address)
    return parsed is not None and any(parsed in _network(network) for network in networks)
