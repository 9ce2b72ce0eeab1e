"""Publish tokens: short JWTs (RFC 7519), signed with Ed25519 (RFC 8037), that open one source.

One algorithm, one audience, fifteen minutes at most, and a key that we know whatever the token says
about it (RFC 8725).
"""

from dataclasses import dataclass
from typing import Any, Protocol

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from config.limits import (
    PUBLISH_ADDRESS_CHARACTERS_MAX,
    PUBLISH_TOKEN_LEEWAY_SECONDS,
    PUBLISH_TOKEN_SECONDS_MAX,
)
from ingest.key_set import thumbprint

AUDIENCE = "tollcast:publish"
OUR_ISSUER = "tollcast"

_ALGORITHM = "EdDSA"
# All others are refused: `jku`, `jwk`, `x5u` and `x5c` name a key, `crit` changes what is signed.
_HEADERS = {"alg", "kid", "typ"}
_TIMES = ("exp", "iat", "nbf")


class TokenRefused(Exception):
    """The token opens nothing."""


@dataclass(frozen=True, slots=True)
class IssuerKey:
    """A key, and who signs with it."""

    issuer: str
    key: Ed25519PublicKey


class IssuerKeys(Protocol):
    """The keys of an issuer."""

    async def find(self, key_id: str) -> IssuerKey | None:
        """The key of that id.

        Raises:
            KeysUnknown: nobody can tell.
        """


class KeysUnknown(Exception):
    """The issuer's keys are not known now."""


class TokenSigner:
    """Signs our own tokens, and knows the key that they are checked with.

    Args:
        secret: 32 bytes.
    """

    def __init__(self, secret: bytes) -> None:
        self._private = Ed25519PrivateKey.from_private_bytes(secret)
        self.public = self._private.public_key()
        self.key_id = thumbprint(self.public)

    def sign(self, source_id: str, now_s: int, seconds: int) -> str:
        """A token with which one may publish to a source until `now_s + seconds` (Unix time)."""
        claims: dict[str, Any] = {
            "iss": OUR_ISSUER,
            "aud": AUDIENCE,
            "sub": source_id,
            "iat": now_s,
            "exp": now_s + seconds,
        }
        # Short enough for every place of an address, hence without `typ`.
        headers = {"kid": self.key_id, "typ": None}
        return jwt.encode(claims, self._private, algorithm=_ALGORITHM, headers=headers)

    async def find(self, key_id: str) -> IssuerKey | None:
        return IssuerKey(OUR_ISSUER, self.public) if key_id == self.key_id else None


def key_id_of(token: str) -> str:
    """Which key a token says that it was signed with.

    Raises:
        TokenRefused: no key of ours could have signed it.
    """
    if not token.isascii() or len(token) > PUBLISH_ADDRESS_CHARACTERS_MAX:
        raise TokenRefused
    try:
        header = jwt.get_unverified_header(token)
    except (jwt.PyJWTError, RecursionError):
        raise TokenRefused from None
    key_id = header.get("kid")
    if header.get("alg") != _ALGORITHM or not header.keys() <= _HEADERS:
        raise TokenRefused
    if not isinstance(key_id, str):
        raise TokenRefused
    return key_id


def source_id_of(token: str, key: IssuerKey, now_s: int) -> str:
    """Check a token with the key that it names; the id of the source that it opens.

    Raises:
        TokenRefused: see there.
    """
    try:
        claims = jwt.decode(
            token,
            key.key,
            algorithms=[_ALGORITHM],
            audience=AUDIENCE,
            issuer=key.issuer,
            options={
                "require": ["exp", "iat", "aud", "iss", "sub"],
                "strict_aud": True,
                # Ours are below: the library reads the system's clock.
                "verify_exp": False,
                "verify_iat": False,
                "verify_nbf": False,
            },
        )
    except (jwt.PyJWTError, RecursionError):
        raise TokenRefused from None
    _check_times(claims, now_s)
    source_id: str = claims["sub"]
    return source_id


def _check_times(claims: dict[str, Any], now_s: int) -> None:
    times = [claims[name] for name in _TIMES if name in claims]
    if any(type(time) is not int for time in times):
        raise TokenRefused
    expires, issued, begins = claims["exp"], claims["iat"], claims.get("nbf", claims["iat"])
    if not 0 < expires - issued <= PUBLISH_TOKEN_SECONDS_MAX:
        raise TokenRefused
    if max(issued, begins) > now_s + PUBLISH_TOKEN_LEEWAY_SECONDS:
        raise TokenRefused
    if expires <= now_s - PUBLISH_TOKEN_LEEWAY_SECONDS:
        raise TokenRefused
