"""Who is counted behind fronts, of what they and their clients say."""

from ipaddress import ip_network

import pytest

from api.forwarded import client_address, is_forwarded

NGINX, INNER, CLIENT = "127.0.0.1", "10.0.0.2", "203.0.113.7"
TRUSTED = [ip_network(text) for text in ("127.0.0.1/32", "10.0.0.0/8", "2001:db8:f::/48")]


def told(peer: str, fields: dict[str, list[str]]) -> str:
    return client_address(peer, lambda name: fields.get(name, []), TRUSTED)


@pytest.mark.parametrize(
    ("value", "client"),
    [
        (CLIENT, CLIENT),
        (f" {CLIENT} ", CLIENT),
        (f"{CLIENT}:50001", CLIENT),
        ("2001:db8::7", "2001:db8::7"),
        ("2001:DB8:0::7", "2001:db8::7"),
        ("[2001:db8::7]", "2001:db8::7"),
        ("[2001:db8::7]:50001", "2001:db8::7"),
        ("::ffff:203.0.113.7", CLIENT),
        # Through a second front, which passes on what the client says of itself.
        (f"{CLIENT}, {INNER}", CLIENT),
        (f"192.0.2.1, {CLIENT}, {INNER}", CLIENT),
        (f"192.0.2.1,{CLIENT}", CLIENT),
        (f"unknown, {CLIENT}", CLIENT),
        ("2001:db8::7, 2001:db8:f::1", "2001:db8::7"),
        # It asks for itself.
        (INNER, INNER),
        (f"{INNER}, {NGINX}", INNER),
        # Whoever hides a client stands for it.
        ("unknown", NGINX),
        ("_gazonk", NGINX),
        (f"{CLIENT}, unknown", NGINX),
        (f"unknown, {INNER}", INNER),
        ("", NGINX),
        (",", NGINX),
        (f"{CLIENT},", NGINX),
        ("203.0.113", NGINX),
        ("203.0.113.7.9", NGINX),
        ("203.0.113.7:x", NGINX),
        ("203.0.113.7:123456", NGINX),
        ("[203.0.113.7", NGINX),
        ("[]:80", NGINX),
        ("live.example.org", NGINX),
        ("<script>", NGINX),
        ("٢٠٣.0.113.7", NGINX),
    ],
)
def test_the_first_from_the_right_whom_nobody_trusts_is_the_client(value: str, client: str) -> None:
    assert told(NGINX, {"X-Forwarded-For": [value]}) == client


@pytest.mark.parametrize(
    ("value", "client"),
    [
        (f"for={CLIENT}", CLIENT),
        (f"For={CLIENT};Proto=https;by={NGINX}", CLIENT),
        (f'proto=https ; host="live.example.org:8443" ; for="{CLIENT}:50001"', CLIENT),
        (f"for={CLIENT}:50001", CLIENT),
        ('for="[2001:db8::7]:50001"', "2001:db8::7"),
        ("for=[2001:db8::7]", "2001:db8::7"),
        (r'for="203.0\.113.7"', CLIENT),
        (f"for=192.0.2.1, for={CLIENT}, for={INNER}", CLIENT),
        (f'for="a, for=192.0.2.1", for={CLIENT}', CLIENT),
        (f"for=192.0.2.1, for=_hidden, for={INNER}", INNER),
        ("for=unknown", NGINX),
        ('for="_gazonk"', NGINX),
        ('for=""', NGINX),
        ("proto=https", NGINX),
        ("", NGINX),
        (f"for={CLIENT},", NGINX),
        (f"for={CLIENT};for=192.0.2.1", NGINX),
        (f'for="{CLIENT}', NGINX),
        # A quote that the client left open does not swallow what the front adds.
        (f'for="192.0.2.1, for={CLIENT}', NGINX),
        ('for="192.0.2.1, for="[2001:db8::7]"', NGINX),
        (f"for = {CLIENT}", NGINX),
        (f"for={CLIENT} for=192.0.2.1", NGINX),
    ],
)
def test_the_field_of_the_standard_says_the_same(value: str, client: str) -> None:
    assert told(NGINX, {"Forwarded": [value]}) == client


def test_only_trusted_peers_are_believed() -> None:
    fields = {"X-Forwarded-For": ["192.0.2.1"], "Forwarded": ["for=192.0.2.1"]}
    for stranger in (CLIENT, "127.0.0.2", "2001:db8::7", "no address", ""):
        assert told(stranger, fields) == stranger
    assert told("::ffff:127.0.0.1", fields) == "192.0.2.1"
    assert client_address(NGINX, lambda name: fields.get(name, []), ()) == NGINX


def test_several_lines_are_one_list() -> None:
    assert told(NGINX, {"X-Forwarded-For": ["192.0.2.1", f"{CLIENT}, {INNER}"]}) == CLIENT
    assert told(NGINX, {"Forwarded": [f"for={CLIENT}", f"for={INNER}"]}) == CLIENT


def test_what_all_fronts_write_outweighs_what_a_client_may_have_sent() -> None:
    fields = {"X-Forwarded-For": [CLIENT], "Forwarded": ["for=192.0.2.1"]}
    assert told(NGINX, fields) == CLIENT
    assert told(NGINX, {**fields, "X-Forwarded-For": ["unknown"]}) == NGINX


def test_a_long_list_is_read_to_the_first_stranger() -> None:
    assert told(NGINX, {"X-Forwarded-For": [f"192.0.2.1{f', {INNER}' * 500}"]}) == "192.0.2.1"
    assert told(NGINX, {"Forwarded": ['for="\\' * 2000]}) == NGINX


def test_either_field_tells_that_there_is_a_front() -> None:
    for name in ("X-Forwarded-For", "Forwarded"):
        assert is_forwarded({name: ["x"]}.get)  # type: ignore[arg-type]
    assert not is_forwarded(lambda _name: ())
