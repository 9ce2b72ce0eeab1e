"""The signed token in every playlist and segment URI of a playback session."""

import base64
import hashlib
import hmac
from dataclasses import dataclass

from config.ids import is_id

# 26 characters of session, 26 of asset, 8 hexadecimal digits of expiry, then the signature.
_ID = 26
_EXPIRY = 8
_PAYLOAD = 2 * _ID + _EXPIRY
# 160 of HMAC-SHA256's 256 bits: RFC 2104, section 5 asks for at least half.
_SIGNATURE_BYTES = 20
_SIGNATURE = 27


class TokenRefused(Exception):
    """The playback token is not one of ours."""


class TokenExpired(TokenRefused):
    """The playback token's time is over."""


@dataclass(frozen=True, slots=True)
class PlaybackClaims:
    """What a token proves: this session may watch this asset until then (Unix seconds)."""

    session_id: str
    asset_id: str
    expires_s: int


class PlaybackTokens:
    """Signs and reads playback tokens with one secret key of at least 32 bytes."""

    def __init__(self, key: bytes) -> None:
        if len(key) < 32:
            raise ValueError("a signing key has at least 32 bytes")
        self._mac = hmac.new(key, digestmod=hashlib.sha256)

    def sign(self, claims: PlaybackClaims) -> str:
        payload = (
            claims.session_id.removeprefix("ses_")
            + claims.asset_id.removeprefix("ast_")
            + f"{claims.expires_s:0{_EXPIRY}x}"
        )
        return payload + self._signature(payload)

    def read(self, token: str, now_s: int) -> PlaybackClaims:
        """Check a token.

        Raises:
            TokenRefused: malformed or not signed by us.
            TokenExpired: ours, but over.
        """
        payload, signature = token[:_PAYLOAD], token[_PAYLOAD:]
        if len(signature) != _SIGNATURE or not token.isascii():
            raise TokenRefused
        if not hmac.compare_digest(signature, self._signature(payload)):
            raise TokenRefused
        claims = PlaybackClaims(
            session_id=f"ses_{payload[:_ID]}",
            asset_id=f"ast_{payload[_ID : 2 * _ID]}",
            expires_s=int(payload[2 * _ID :], 16),
        )
        assert is_id("ses", claims.session_id), "we sign well-formed ids only"
        if now_s >= claims.expires_s:
            raise TokenExpired
        return claims

    def _signature(self, payload: str) -> str:
        mac = self._mac.copy()
        mac.update(payload.encode("ascii"))
        return base64.urlsafe_b64encode(mac.digest()[:_SIGNATURE_BYTES]).decode().rstrip("=")
