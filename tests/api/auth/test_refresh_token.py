"""Refresh tokens name their sign-in, and only ours do."""

import pytest

from api.auth.refresh_token import RefreshRefused, RefreshTokens, hash_refresh
from config.ids import new_id

TOKENS = RefreshTokens(b"k" * 32)
SIGN_IN = new_id("sgn", 1_700_000_000_000)


def test_each_token_is_another_one_of_the_same_sign_in() -> None:
    made = {TOKENS.make(SIGN_IN) for _ in range(5)}
    assert len(made) == 5
    assert {TOKENS.sign_in_of(token) for token in made} == {SIGN_IN}
    assert len({hash_refresh(token) for token in made}) == 5


def test_what_somebody_made_up_names_nothing() -> None:
    token = TOKENS.make(SIGN_IN)
    other = RefreshTokens(b"o" * 32).make(SIGN_IN)
    changed = token[:20] + ("0" if token[20] != "0" else "1") + token[21:]
    for bad in (other, changed, token[:-1], token + "x", token[1:], "", "é" * len(token)):
        with pytest.raises(RefreshRefused):
            TOKENS.sign_in_of(bad)


def test_a_short_key_is_refused() -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        RefreshTokens(b"short")
