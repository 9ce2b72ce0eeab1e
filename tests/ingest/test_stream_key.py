import re

from hypothesis import given
from hypothesis import strategies as st

from ingest.stream_key import hash_key, matches, new_key


def test_a_key_is_four_readable_groups() -> None:
    assert re.fullmatch(r"([0-9a-hjkmnp-tv-z]{8}-){3}[0-9a-hjkmnp-tv-z]{8}", new_key())
    assert new_key(0) == "00000000-00000000-00000000-00000000"
    assert new_key(2**160 - 1) == "zzzzzzzz-zzzzzzzz-zzzzzzzz-zzzzzzzz"


def test_two_keys_differ() -> None:
    assert new_key() != new_key()


@given(st.integers(0, 2**160 - 1), st.integers(0, 2**160 - 1))
def test_every_bit_of_entropy_is_in_the_key(one: int, other: int) -> None:
    assert (new_key(one) == new_key(other)) == (one == other)


def test_a_key_matches_its_own_hash_only() -> None:
    key = new_key()

    assert len(hash_key(key)) == 32
    assert matches(key, hash_key(key))
    assert not matches(key.upper(), hash_key(key))
    assert not matches("", hash_key(key))


def test_any_text_that_a_peer_sends_can_be_hashed() -> None:
    assert not matches("\udcff", hash_key("x"))
