"""Playback tokens prove a session, and nothing else passes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.auth.playback_token import PlaybackClaims, PlaybackTokens, TokenExpired, TokenRefused
from config.ids import new_id

NOW_S = 1_700_000_000
TOKENS = PlaybackTokens(b"k" * 32)
CLAIMS = PlaybackClaims(new_id("ses", 1, 2), new_id("ast", 3, 4), NOW_S + 60)


def test_what_was_signed_is_read_back() -> None:
    assert TOKENS.read(TOKENS.sign(CLAIMS), NOW_S) == CLAIMS


def test_a_token_ends_with_its_time() -> None:
    token = TOKENS.sign(CLAIMS)
    assert TOKENS.read(token, CLAIMS.expires_s - 1) == CLAIMS
    with pytest.raises(TokenExpired):
        TOKENS.read(token, CLAIMS.expires_s)


def test_another_servers_token_is_refused() -> None:
    with pytest.raises(TokenRefused):
        PlaybackTokens(b"x" * 32).read(TOKENS.sign(CLAIMS), NOW_S)


def test_every_changed_character_is_noticed() -> None:
    token = TOKENS.sign(CLAIMS)
    for position, character in enumerate(token):
        other = "0" if character != "0" else "1"
        with pytest.raises(TokenRefused):
            TOKENS.read(token[:position] + other + token[position + 1 :], NOW_S)


@given(st.text(max_size=120))
def test_garbage_is_refused(text: str) -> None:
    with pytest.raises(TokenRefused):
        TOKENS.read(text, NOW_S)


def test_a_short_key_is_a_mistake() -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        PlaybackTokens(b"short")
