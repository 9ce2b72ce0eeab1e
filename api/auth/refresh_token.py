"""Refresh tokens: opaque to everybody else, good once.

    rt_   sign-in (26)   chance (22)   seal (22)

The sign-in's id is in them and sealed, so that one that was used before is told from one that
somebody made up: only the former ends a sign-in.
"""

import hashlib
import hmac
import secrets
from binascii import b2a_base64

_PREFIX = "rt_"
_ID = 26
_BYTES = 16
_TEXT = 22
_LENGTH = len(_PREFIX) + _ID + _TEXT + _TEXT
_URL_SAFE = bytes.maketrans(b"+/", b"-_")


class RefreshRefused(Exception):
    """The refresh token is not one of ours."""


class RefreshTokens:
    """Makes and reads refresh tokens with one secret key of at least 32 bytes."""

    def __init__(self, key: bytes) -> None:
        if len(key) < 32:
            raise ValueError("a signing key has at least 32 bytes")
        self._key = key

    def make(self, sign_in_id: str) -> str:
        """Another token of this sign-in, with 128 random bits."""
        body = _PREFIX + sign_in_id.removeprefix("sgn_") + _text(secrets.token_bytes(_BYTES))
        return body + self._seal(body)

    def sign_in_of(self, token: str) -> str:
        """The id of the sign-in that a token is of.

        Raises:
            RefreshRefused: see there.
        """
        if len(token) != _LENGTH or not token.isascii() or not token.startswith(_PREFIX):
            raise RefreshRefused
        body, seal = token[:-_TEXT], token[-_TEXT:]
        if not hmac.compare_digest(seal, self._seal(body)):
            raise RefreshRefused
        return f"sgn_{body[len(_PREFIX) : len(_PREFIX) + _ID]}"

    def _seal(self, body: str) -> str:
        return _text(hmac.digest(self._key, f"refresh\0{body}".encode(), "sha256")[:_BYTES])


def hash_refresh(token: str) -> bytes:
    """What is stored instead of a refresh token; its chance needs no salt."""
    return hashlib.sha256(token.encode()).digest()


def _text(data: bytes) -> str:
    return b2a_base64(data, newline=False)[:_TEXT].translate(_URL_SAFE).decode()
