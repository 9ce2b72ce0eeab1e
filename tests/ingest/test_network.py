import pytest

from ingest.network import is_within, network_of, parse_network


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("", ""),
        ("a path", "a path"),
    ],
)
def test_an_ipv6_host_counts_with_all_its_addresses(address: str, network: str) -> None:
    assert network_of(address) == network


@pytest.mark.parametrize(
    ("address", "networks", "is_inside"),
    [
        ("192.0.2.7", ("192.0.2.0/24",), True),
        ("::ffff:192.0.2.7", ("192.0.2.0/24",), True),
        ("192.0.3.7", ("192.0.2.0/24",), False),
        ("2001:db8::1", ("192.0.2.0/24", "2001:db8::/32"), True),
        ("192.0.2.7", (), False),
        ("", ("0.0.0.0/0",), False),
    ],
)
def test_an_address_is_in_a_network_or_not(
    address: str, networks: tuple[str, ...], is_inside: bool
) -> None:
    assert is_within(address, networks) == is_inside


def test_networks_are_written_in_one_way() -> None:
    assert parse_network("192.0.2.7/24") == "192.0.2.0/24"
    assert parse_network("192.0.2.7") == "192.0.2.7/32"
    assert parse_network("2001:DB8::1/32") == "2001:db8::/32"
    for wrong in ("", "example.org", "192.0.2.0/33", "192.0.2"):
        with pytest.raises(ValueError, match="does not appear to be"):
            parse_network(wrong)
