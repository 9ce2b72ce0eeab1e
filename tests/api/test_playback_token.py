"""Playback tokens prove a session, an asset and a group of segments, and nothing else passes."""

from collections.abc import Iterator
from dataclasses import replace
from timeit import timeit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.auth.playback_token import (
    Grant,
    PlaybackTokens,
    TokenExpired,
    TokenRefused,
    WrongAsset,
)
from config.ids import new_id

NOW_S = 1_700_000_000
TOKENS = PlaybackTokens(b"k" * 32)
ASSET, OTHER_ASSET = new_id("ast", 3, 4), new_id("ast", 5, 6)
SESSION = Grant(new_id("ses", 1, 2), NOW_S + 60)
SESSION_TOKEN = TOKENS.session_token(SESSION, ASSET)
MEDIA_TOKEN = TOKENS.media_token(SESSION, ASSET, 7).decode()


def test_what_was_signed_is_read_back() -> None:
    assert TOKENS.read(SESSION_TOKEN, ASSET, NOW_S) == SESSION
    assert TOKENS.read(MEDIA_TOKEN, ASSET, NOW_S) == replace(SESSION, group=7)


def test_a_sessions_media_tokens_never_change() -> None:
    """Players compare URIs; also after a restart, which forgets what was made."""
    again = PlaybackTokens(b"k" * 32).media_token(SESSION, ASSET, 7)
    assert again.decode() == MEDIA_TOKEN
    assert len({TOKENS.media_token(SESSION, ASSET, group) for group in range(100)}) == 100


def test_a_playlist_holds_the_same_tokens_each_time_however_far_back_it_reaches() -> None:
    tokens = PlaybackTokens(b"k" * 32)
    grant = tokens.read(SESSION_TOKEN, ASSET, NOW_S)
    expected = [TOKENS.media_token(replace(SESSION), ASSET, group) for group in range(9)]
    for first, last in (0, 3), (0, 3), (2, 6), (5, 9), (0, 9), (8, 9):
        made = [tokens.media_token(grant, ASSET, group) for group in range(first, last)]
        assert made == expected[first:last]
    assert tokens.media_token(grant, OTHER_ASSET, 8) != expected[8]


def test_who_shows_many_tokens_is_not_remembered_for_ever_and_passes_all_the_same() -> None:
    tokens = PlaybackTokens(b"k" * 32, known_max=8)
    shown = [tokens.session_token(Grant(new_id("ses", i), NOW_S + 60), ASSET) for i in range(40)]
    before = [tokens.read(each, ASSET, NOW_S) for each in shown]
    assert tokens.read(shown[-1], ASSET, NOW_S) is before[-1]
    assert tokens.read(shown[-5], ASSET, NOW_S) is before[-5]
    again = tokens.read(shown[0], ASSET, NOW_S)
    assert again == before[0]
    assert again is not before[0]


@pytest.mark.parametrize("token", [SESSION_TOKEN, MEDIA_TOKEN])
def test_a_token_ends_with_its_session(token: str) -> None:
    assert TOKENS.read(token, ASSET, SESSION.expires_s - 1).session_id == SESSION.session_id
    with pytest.raises(TokenExpired):
        TOKENS.read(token, ASSET, SESSION.expires_s)


def forgeries(token: str) -> Iterator[str]:
    """What can be made of a token without the key: 0 of these may pass."""
    for position, character in enumerate(token):
        for other in "0", "1", "A", "z", "-", "_", "é", "\0":
            if other != character:
                yield token[:position] + other + token[position + 1 :]
        yield token[:position]
        yield token[:position] + token[position + 1 :]
        yield token[:position] + character + token[position:]
    yield token.upper()
    yield token + "="
    yield f" {token}"
    yield token * 2


def stranger(key: bytes, asset_id: str, grant: Grant) -> Iterator[str]:
    """Tokens of our form that were signed for something else."""
    tokens = PlaybackTokens(key)
    yield tokens.session_token(grant, asset_id)
    yield tokens.media_token(grant, asset_id, 7).decode()


def test_no_forgery_passes() -> None:
    session, media = SESSION_TOKEN, MEDIA_TOKEN
    bad = [*forgeries(session), *forgeries(media)]
    # A signature under another's payload, of the same length and of the other kind.
    other = Grant(new_id("ses", 8, 9), SESSION.expires_s)
    later = replace(SESSION, expires_s=SESSION.expires_s + 3600)
    for grant in other, later:
        for own, foreign in zip((session, media), stranger(b"k" * 32, ASSET, grant), strict=True):
            bad += [own[:-22] + foreign[-22:], foreign[:-22] + own[-22:]]
    group_8 = TOKENS.media_token(SESSION, ASSET, 8).decode()
    bad += [media[:-22] + group_8[-22:], group_8[:-22] + media[-22:]]
    bad += [session[:-22] + media[-22:], media[:-22] + session[-22:]]
    bad += [*stranger(b"x" * 32, ASSET, SESSION)]
    # The parts of a session token, cut so as to look like a media token.
    bad += [session[: len(media)], session[-len(media) :], media + session[len(media) :]]
    accepted = []
    for token in bad:
        with pytest.raises(TokenRefused):
            accepted.append(TOKENS.read(token, ASSET, NOW_S))
    assert len(bad) > 1500
    assert accepted == []


def test_a_token_opens_its_own_asset_only() -> None:
    with pytest.raises(WrongAsset):
        TOKENS.read(SESSION_TOKEN, OTHER_ASSET, NOW_S)
    for asset_id in OTHER_ASSET, "", ASSET.removeprefix("ast_"), f"{ASSET} ":
        with pytest.raises(TokenRefused):
            TOKENS.read(MEDIA_TOKEN, asset_id, NOW_S)


@given(st.text(max_size=120))
def test_garbage_is_refused(text: str) -> None:
    with pytest.raises(TokenRefused):
        TOKENS.read(text, ASSET, NOW_S)


def test_a_known_token_costs_next_to_nothing() -> None:
    """Each part of each viewer shows one; a signature takes several times as long."""
    shown = [TOKENS.media_token(SESSION, ASSET, group).decode() for group in range(300)]

    def seconds(tokens: PlaybackTokens) -> float:
        return timeit(lambda: [tokens.read(each, ASSET, NOW_S) for each in shown], number=1)

    servers = [PlaybackTokens(b"k" * 32) for _ in range(9)]
    first = min(seconds(each) for each in servers)
    assert min(seconds(each) for each in servers) < first / 3


def test_a_short_key_is_a_mistake() -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        PlaybackTokens(b"short")
