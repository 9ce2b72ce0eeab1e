"""The signed tokens in the URIs of a playback session.

A *session token* is in the URL that a session's owner gets, and so in those of the playlists: it
opens playlists, init segments, and files of all kinds. A *media token* is in the URIs that are in
playlists: it opens one group of neighbouring segments and what else is of them, so that a URI that
leaks is worth a minute of media. Both are bound to their session, its asset and its expiry, and end
with the session; their lengths tell them apart.

    session token   session (26) asset (26) expiry (8)             signature (22)
    media token     session (26)            expiry (8)  group (6)  signature (22)

Ids are without their prefixes, numbers in hexadecimal. A media token is in every line of a playlist
and leaves out the asset, which is in the URI next to it and in what is signed.
"""

import hmac
from binascii import b2a_base64
from dataclasses import dataclass, field
from functools import lru_cache

from config.limits import PLAYBACK_TOKENS_MADE_MAX, PLAYBACK_TOKENS_READ_MAX

_ID = 26
_EXPIRY = 8
_GROUP = 6
# 128 of HMAC-SHA256's 256 bits: RFC 2104, section 5 asks for at least half.
_SIGNATURE_BYTES = 16
_SIGNATURE = 22
_URL_SAFE = bytes.maketrans(b"+/", b"-_")
_SESSION_TOKEN = _ID + _ID + _EXPIRY + _SIGNATURE
_MEDIA_TOKEN = _ID + _EXPIRY + _GROUP + _SIGNATURE


class TokenRefused(Exception):
    """The playback token is not one of ours."""


class TokenExpired(TokenRefused):
    """The playback token's time is over."""


class WrongAsset(TokenRefused):
    """The playback token is for another asset."""


@dataclass(slots=True)
class Grant:
    """What a token proves: this session may watch its asset until then (Unix seconds).

    Attributes:
        group: which segments a media token opens (`packager.playlist_text.token_group`); None of a
            session token, which opens everything.
    """

    session_id: str
    expires_s: int
    group: int | None = None

    # Of the asset it was shown for, and the media token that its playlists ask for: at a live edge
    # that is one for a minute. It is kept here, because a place in a table takes twice the memory.
    _asset_id: str = field(default="", init=False, repr=False, compare=False)
    _newest: int | None = field(default=None, init=False, repr=False, compare=False)
    _token: bytes = field(default=b"", init=False, repr=False, compare=False)


class PlaybackTokens:
    """Signs and reads playback tokens.

    Args:
        key: a secret of at least 32 bytes.
        known_max: how many tokens that were shown are remembered.

    Every request of a player shows a token that was shown before, and every playlist holds tokens
    that were in the last one: both are remembered, so that a signature is made once for each group.
    """

    def __init__(self, key: bytes, known_max: int = PLAYBACK_TOKENS_READ_MAX) -> None:
        if len(key) < 32:
            raise ValueError("a signing key has at least 32 bytes")
        # Copied for each signature: that is half the work of beginning with the key.
        self._mac = hmac.new(key, digestmod="sha256")
        self._known_max = known_max
        # Of what is shown only what passed is remembered: a refusal is an exception. Finding a
        # token in a table tells nothing about others by its time: Python's hashes are keyed by a
        # secret of their own, and texts are only compared when these are equal. There are two
        # tables, and the older one is dropped when the newer one is full.
        self._known: dict[str, Grant] = {}
        self._known_before: dict[str, Grant] = {}
        self._signed = lru_cache(PLAYBACK_TOKENS_MADE_MAX)(self._media_token)

    def session_token(self, grant: Grant, asset_id: str) -> str:
        """The token that opens all of a session's asset."""
        session, asset = grant.session_id.removeprefix("ses_"), asset_id.removeprefix("ast_")
        payload = f"{session}{asset}{grant.expires_s:0{_EXPIRY}x}"
        token = payload + self._signature("session", payload)
        assert len(token) == _SESSION_TOKEN, "ids have 26 characters"
        return token

    def read(self, token: str, asset_id: str, now_s: int) -> Grant:
        """Check a token that is shown for an asset.

        Raises:
            TokenRefused: malformed or not signed by us, or a media token for another asset.
            TokenExpired: ours, but over.
            WrongAsset: a session token for another asset.
        """
        grant = self._known.get(token)
        if grant is None or grant._asset_id != asset_id:
            grant = self._recalled(token, asset_id)
        if now_s >= grant.expires_s:
            raise TokenExpired
        return grant

    def media_token(self, grant: Grant, asset_id: str, group: int) -> bytes:
        """The token that opens one group, by a session's own grant, its asset and the group; always
        the same for a session.
        """
        if grant._newest == group and grant._asset_id == asset_id:
            return grant._token
        if grant._asset_id != asset_id or grant._newest not in (None, group - 1):
            return self._signed(grant.session_id, grant.expires_s, asset_id, group)
        grant._newest = group
        grant._token = self._media_token(grant.session_id, grant.expires_s, asset_id, group)
        return grant._token

    def _recalled(self, token: str, asset_id: str) -> Grant:
        grant = self._known_before.get(token)
        if grant is None or grant._asset_id != asset_id:
            grant = self._checked(token, asset_id)
            grant._asset_id = asset_id
        if len(self._known) >= self._known_max // 2:
            self._known, self._known_before = {}, self._known
        self._known[token] = grant
        return grant

    def _checked(self, token: str, asset_id: str) -> Grant:
        if not token.isascii():
            raise TokenRefused
        payload, signature = token[:-_SIGNATURE], token[-_SIGNATURE:]
        if len(token) == _SESSION_TOKEN:
            return self._session_grant(payload, signature, asset_id)
        if len(token) == _MEDIA_TOKEN:
            return self._media_grant(payload, signature, asset_id)
        raise TokenRefused

    def _session_grant(self, payload: str, signature: str, asset_id: str) -> Grant:
        self._require("session", payload, signature)
        if payload[_ID:-_EXPIRY] != asset_id.removeprefix("ast_"):
            raise WrongAsset
        return Grant(f"ses_{payload[:_ID]}", int(payload[-_EXPIRY:], 16))

    def _media_grant(self, payload: str, signature: str, asset_id: str) -> Grant:
        self._require(f"media {asset_id} ", payload, signature)
        numbers = payload[_ID:]
        expires_s, group = int(numbers[:_EXPIRY], 16), int(numbers[_EXPIRY:], 16)
        return Grant(f"ses_{payload[:_ID]}", expires_s, group)

    def _media_token(self, session_id: str, expires_s: int, asset_id: str, group: int) -> bytes:
        session = session_id.removeprefix("ses_")
        payload = f"{session}{expires_s:0{_EXPIRY}x}{group:0{_GROUP}x}"
        token = payload + self._signature(f"media {asset_id} ", payload)
        assert len(token) == _MEDIA_TOKEN, "16 million groups are half a century of segments"
        return token.encode()

    def _require(self, kind: str, payload: str, signature: str) -> None:
        if not hmac.compare_digest(signature, self._signature(kind, payload)):
            raise TokenRefused

    def _signature(self, kind: str, payload: str) -> str:
        """`kind` makes sure that no token of one kind, or for one asset, is one of another."""
        mac = self._mac.copy()
        mac.update(f"{kind}{payload}".encode())
        text = b2a_base64(mac.digest()[:_SIGNATURE_BYTES], newline=False)
        return text[:_SIGNATURE].translate(_URL_SAFE).decode()
