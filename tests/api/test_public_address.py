"""Which addresses may be asked for on behalf of strangers."""

import pytest

from api.public_address import NotPublic, PublicResolver, is_public


@pytest.mark.parametrize(
    "address", ["1.1.1.1", "93.184.216.34", "2606:4700:4700::1111", "64:ff9b::101:101"]
)
def test_what_is_on_the_internet_may_be_asked(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize(
    "address",
    [
        *("127.0.0.1", "127.8.8.8", "0.0.0.0", "0.1.2.3", "10.0.0.1", "172.16.0.1", "192.168.1.1"),
        # CGNAT, link-local (where clouds tell secrets), documentation, benchmarks, multicast.
        *("100.64.0.1", "169.254.169.254", "192.0.2.1", "198.18.0.1", "224.0.0.1", "240.0.0.1"),
        *("255.255.255.255", "192.0.0.1"),
        *("::1", "::", "fe80::1", "fe80::1%eth0", "fc00::1", "fd12::1", "ff02::1", "2001:db8::1"),
        # An IPv4 address inside: mapped, NAT64, 6to4.
        *(
            "::ffff:127.0.0.1",
            "::ffff:10.0.0.1",
            "64:ff9b::7f00:1",
            "2002:7f00:1::",
            "64:ff9b:1::1",
        ),
        *("", "localhost", "0x7f000001", "2130706433", "127.1", "1.1.1.1:80"),
    ],
)
def test_what_is_ours_or_nobodys_may_not(address: str) -> None:
    assert not is_public(address)


async def test_a_name_of_this_machine_stands_for_nothing() -> None:
    with pytest.raises(NotPublic):
        await PublicResolver().resolve("localhost", 443)
