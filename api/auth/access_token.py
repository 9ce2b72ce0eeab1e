"""Access tokens: short JWTs (RFC 7519), signed with Ed25519 (RFC 8037), that speak for a sign-in.

One issuer, one algorithm, one audience, one key that is ours whatever the token says about it
(RFC 8725), and minutes to live. They are also what SEP-10 answers with, hence `iss` and `sub`.
"""

from dataclasses import dataclass
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from config.ids import is_id, new_id
from config.limits import (
    ACCESS_TOKEN_CHARACTERS_MAX,
    ACCESS_TOKEN_LEEWAY_SECONDS,
    ACCESS_TOKEN_SECONDS,
)
from ingest.key_set import thumbprint

AUDIENCE = "tollcast:api"

_ALGORITHM = "EdDSA"
# All others are refused: `jku`, `jwk`, `x5u` and `x5c` name a key, `crit` changes what is signed.
_HEADERS = {"alg", "kid", "typ"}
_REQUIRED = ["exp", "iat", "aud", "iss", "sub", "jti", "sid"]
_LIFE_SECONDS_MAX = 900


class AccessRefused(Exception):
    """The access token speaks for nobody."""


@dataclass(frozen=True, slots=True)
class Access:
    """What an access token says: this sign-in, of this subject."""

    sign_in_id: str
    subject: str


class AccessTokens:
    """Signs and reads access tokens.

    Args:
        secret: 32 bytes.
        issuer: a URL of ours, which tokens name.
    """

    def __init__(self, secret: bytes, issuer: str) -> None:
        private = Ed25519PrivateKey.from_private_bytes(secret)
        self._private = private
        self._issuer = issuer
        self._key_id = thumbprint(private.public_key())
        self._keys = {self._key_id: private.public_key()}

    def sign(self, access: Access, wall_ms: int, client_domain: str | None = None) -> str:
        """A token that is good for `ACCESS_TOKEN_SECONDS` from now on."""
        now_s = wall_ms // 1000
        claims: dict[str, Any] = {
            "iss": self._issuer,
            "aud": AUDIENCE,
            "sub": access.subject,
            "sid": access.sign_in_id,
            "jti": new_id("jti", wall_ms),
            "iat": now_s,
            "exp": now_s + ACCESS_TOKEN_SECONDS,
        }
        if client_domain is not None:
            claims["client_domain"] = client_domain
        headers = {"kid": self._key_id}
        return jwt.encode(claims, self._private, algorithm=_ALGORITHM, headers=headers)

    def read(self, token: str, now_s: int) -> Access:
        """Check a token; whether its sign-in is still open is another question.

        Raises:
            AccessRefused: see there.
        """
        try:
            claims = self._claims(token)
        except (jwt.PyJWTError, RecursionError):
            raise AccessRefused from None
        _check_times(claims, now_s)
        sign_in_id, subject = claims["sid"], claims["sub"]
        if not isinstance(sign_in_id, str) or not is_id("sgn", sign_in_id):
            raise AccessRefused
        return Access(sign_in_id, subject)

    def _claims(self, token: str) -> dict[str, Any]:
        if not token.isascii() or len(token) > ACCESS_TOKEN_CHARACTERS_MAX:
            raise AccessRefused
        header = jwt.get_unverified_header(token)
        key_id = header.get("kid")
        key = self._keys.get(key_id) if isinstance(key_id, str) else None
        if key is None or header.get("alg") != _ALGORITHM or not header.keys() <= _HEADERS:
            raise AccessRefused
        claims: dict[str, Any] = jwt.decode(
            token,
            key,
            algorithms=[_ALGORITHM],
            audience=AUDIENCE,
            issuer=self._issuer,
            options={
                "require": _REQUIRED,
                "strict_aud": True,
                # Ours are below: the library reads the system's clock.
                "verify_exp": False,
                "verify_iat": False,
                "verify_nbf": False,
            },
        )
        return claims


def _check_times(claims: dict[str, Any], now_s: int) -> None:
    expires, issued = claims["exp"], claims["iat"]
    begins = claims.get("nbf", issued)
    if any(type(time) is not int for time in (expires, issued, begins)):
        raise AccessRefused
    if not 0 < expires - issued <= _LIFE_SECONDS_MAX:
        raise AccessRefused
    if max(issued, begins) > now_s + ACCESS_TOKEN_LEEWAY_SECONDS or expires <= now_s:
        raise AccessRefused
