"""Which pages are ours."""

import pytest

from api.origin import is_own

HOST = "live.example.org"


@pytest.mark.parametrize(
    ("origin", "own"),
    [
        (None, True),
        ("https://live.example.org", True),
        ("http://LIVE.example.org", True),
        ("https://www.example.org:8443", True),
        ("https://live.example.org:8443", False),
        ("https://live.example.org.evil.example", False),
        ("https://evil.example", False),
        ("null", False),
        ("", False),
        ("file://", False),
        ("ftp://live.example.org", False),
        ("http://[", False),
    ],
)
def test_an_origin_is_ours_by_the_name_that_clients_use_or_the_public_one(
    origin: str | None, own: bool
) -> None:
    assert is_own(origin, HOST, "https://www.example.org:8443") is own


def test_without_a_public_name_nothing_is_ours_by_it() -> None:
    assert not is_own("https://www.example.org", HOST, "")
