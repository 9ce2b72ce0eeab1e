"""Publish tokens: ours are read by anybody's library, and what is no token opens nothing."""

import base64
import hmac
import json
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from config.limits import PUBLISH_TOKEN_LEEWAY_SECONDS, PUBLISH_TOKEN_SECONDS_MAX
from ingest.key_set import thumbprint, write_key_set
from ingest.publish_token import (
    AUDIENCE,
    OUR_ISSUER,
    IssuerKey,
    TokenRefused,
    TokenSigner,
    key_id_of,
    source_id_of,
)

NOW_S = 1_790_000_000
SIGNER = TokenSigner(bytes(range(32)))
PRIVATE = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
OTHER = Ed25519PrivateKey.from_private_bytes(bytes(32))
OURS = IssuerKey(OUR_ISSUER, SIGNER.public)
CLAIMS = {
    "iss": OUR_ISSUER,
    "aud": AUDIENCE,
    "sub": "src_1",
    "iat": NOW_S,
    "exp": NOW_S + 900,
}


def opened(token: str, now_s: int = NOW_S) -> str:
    """The source that a token opens, checked with the key that it names if we have that."""
    if key_id_of(token) != SIGNER.key_id:
        raise TokenRefused
    return source_id_of(token, OURS, now_s)


def signed(
    changes: dict[str, Any] | None = None,
    headers: dict[str, Any] | None = None,
    private: Ed25519PrivateKey = PRIVATE,
) -> str:
    """A good token but for what is changed; a claim or header that is None is left out."""
    claims = {
        name: value for name, value in (CLAIMS | (changes or {})).items() if value is not None
    }
    header = {"alg": "EdDSA", "kid": SIGNER.key_id} | (headers or {})
    header = {name: value for name, value in header.items() if value is not None}
    message = f"{_part(header)}.{_part(claims)}"
    return f"{message}.{_base64(private.sign(message.encode()))}"


def _part(value: dict[str, Any]) -> str:
    return _base64(json.dumps(value).encode())


def _base64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def _with_the_public_key_as_secret() -> str:
    message = f"{_part({'alg': 'HS256', 'kid': SIGNER.key_id})}.{_part(CLAIMS)}"
    public = SIGNER.public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    return f"{message}.{_base64(hmac.digest(public, message.encode(), 'sha256'))}"


def _unsigned() -> str:
    return f"{_part({'alg': 'none', 'kid': SIGNER.key_id})}.{_part(CLAIMS)}."


OTHERS_JWK = write_key_set([OTHER.public_key()])["keys"][0]  # type: ignore[index]

BAD = {
    "no signature": _unsigned(),
    "HMAC with the public key": _with_the_public_key_as_secret(),
    "somebody else's signature": signed(private=OTHER),
    "a key that is not ours": signed(
        headers={"kid": thumbprint(OTHER.public_key())}, private=OTHER
    ),
    "no key": signed(headers={"kid": None}),
    "a key that is no name": signed(headers={"kid": ["a"]}),
    "a key inside": signed(headers={"jwk": OTHERS_JWK}, private=OTHER),
    "a place of keys": signed(headers={"jku": "https://example.org/jwks.json"}),
    "a certificate's place": signed(headers={"x5u": "https://example.org/cert.pem"}),
    "an extension": signed(headers={"crit": ["b64"], "b64": True}),
    "an algorithm by its new name": signed(headers={"alg": "Ed25519"}),
    "another audience": signed({"aud": "tollcast:play"}),
    "several audiences": signed({"aud": [AUDIENCE]}),
    "no audience": signed({"aud": None}),
    "another issuer": signed({"iss": "https://example.org"}),
    "no issuer": signed({"iss": None}),
    "no source": signed({"sub": None}),
    "a source that is no name": signed({"sub": 1}),
    "no end": signed({"exp": None}),
    "no beginning": signed({"iat": None}),
    "over": signed({"iat": NOW_S - 900, "exp": NOW_S - PUBLISH_TOKEN_LEEWAY_SECONDS}),
    "from the future": signed({"iat": NOW_S + 61, "exp": NOW_S + 900}),
    "not yet": signed({"nbf": NOW_S + 61}),
    "too long": signed({"exp": NOW_S + PUBLISH_TOKEN_SECONDS_MAX + 1}),
    "no time at all": signed({"exp": NOW_S}),
    "an end in words": signed({"exp": str(NOW_S + 900)}),
    "an end with a fraction": signed({"exp": NOW_S + 899.5}),
    "an end that is true": signed({"iat": 0, "exp": True}),
    "too large": signed({"more": "x" * 1_024}),
    "changed": signed().replace(_part(CLAIMS), _part(CLAIMS | {"sub": "src_2"})),
    "cut off": signed()[:-2],
    "two parts": signed().rpartition(".")[0],
    "nothing": "",
    "words": "eyJ.not.base64!",
    "beyond ASCII": f"{signed()}\u00e9",
    "deep": f"{_base64(b'[' * 600)}.{_base64(b'{}')}.",
    "no claims": f"{_part({'alg': 'EdDSA', 'kid': SIGNER.key_id})}.{_base64(b'[1]')}.AA",
}


@pytest.mark.parametrize("token", BAD.values(), ids=BAD.keys())
def test_a_bad_token_opens_nothing(token: str) -> None:
    with pytest.raises(TokenRefused):
        opened(token)


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"nbf": NOW_S + PUBLISH_TOKEN_LEEWAY_SECONDS},
        {"iat": NOW_S + PUBLISH_TOKEN_LEEWAY_SECONDS, "exp": NOW_S + 900},
        {"iat": NOW_S - 900, "exp": NOW_S - PUBLISH_TOKEN_LEEWAY_SECONDS + 1},
        {"more": "claims"},
    ],
)
def test_clocks_may_differ_by_a_minute(changes: dict[str, Any]) -> None:
    assert opened(signed(changes)) == "src_1"
    assert opened(signed(changes, {"typ": "JWT"})) == "src_1"


def test_our_own_tokens_are_short_and_read_by_a_library_with_our_key_set() -> None:
    token = SIGNER.sign("src_01kb0000000000000000000000", NOW_S, 900)

    published = jwt.PyJWKSet.from_dict(write_key_set([SIGNER.public]))
    claims = jwt.decode(
        token,
        published[jwt.get_unverified_header(token)["kid"]],
        algorithms=["EdDSA"],
        audience=AUDIENCE,
        options={"verify_exp": False, "verify_iat": False},
    )

    assert claims["sub"] == "src_01kb0000000000000000000000"
    assert opened(token) == "src_01kb0000000000000000000000"
    assert len(token) < 350, "fits into every place of an address"
    with pytest.raises(TokenRefused):
        opened(token, NOW_S + 900 + PUBLISH_TOKEN_LEEWAY_SECONDS)


async def test_a_signer_has_its_own_key_only() -> None:
    assert await SIGNER.find(SIGNER.key_id) == OURS
    assert await SIGNER.find("another") is None
