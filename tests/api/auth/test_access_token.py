"""Access tokens: fifteen kinds that are none, and the one that is."""

import base64
import json
from collections.abc import Callable
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from api.auth.access_token import AUDIENCE, Access, AccessRefused, AccessTokens
from config.ids import new_id
from config.limits import ACCESS_TOKEN_SECONDS
from ingest.key_set import thumbprint

SECRET, ISSUER = b"s" * 32, "https://live.example.org/auth"
WALL_MS = 1_700_000_000_123
NOW = WALL_MS // 1000
PRIVATE = Ed25519PrivateKey.from_private_bytes(SECRET)
KEY_ID = thumbprint(PRIVATE.public_key())
ACCESS = Access(new_id("sgn", WALL_MS), "GABC")
TOKENS = AccessTokens(SECRET, ISSUER)

GOOD: dict[str, Any] = {
    "iss": ISSUER,
    "aud": AUDIENCE,
    "sub": ACCESS.subject,
    "sid": ACCESS.sign_in_id,
    "jti": "jti_1",
    "iat": NOW,
    "exp": NOW + 600,
}


def made(
    change: dict[str, Any] | None = None,
    *,
    headers: dict[str, Any] | None = None,
    key: Any = PRIVATE,
    algorithm: str = "EdDSA",
) -> str:
    claims = {name: value for name, value in {**GOOD, **(change or {})}.items() if value != "-"}
    named = {"kid": KEY_ID, **(headers or {})}
    shown = {name: value for name, value in named.items() if value is not None}
    return jwt.encode(claims, key, algorithm=algorithm, headers=shown)


def without_signature() -> str:
    head, body, _ = made().split(".")
    none = base64.urlsafe_b64encode(json.dumps({"alg": "none", "kid": KEY_ID}).encode()).decode()
    assert head != none
    return f"{none.rstrip('=')}.{body}."


def with_another_body() -> str:
    head, _, signature = made().split(".")
    body = base64.urlsafe_b64encode(json.dumps({**GOOD, "sub": "GOTHER"}).encode()).decode()
    return f"{head}.{body.rstrip('=')}.{signature}"


OWN_KEY = Ed25519PrivateKey.generate()
PUBLIC_BYTES = PRIVATE.public_key().public_bytes_raw()

BAD: dict[str, Callable[[], str]] = {
    "no algorithm": without_signature,
    "HMAC, with our public key as its secret": lambda: made(key=PUBLIC_BYTES, algorithm="HS256"),
    "another key under our key's name": lambda: made(key=OWN_KEY),
    "a key that we do not know": lambda: made(headers={"kid": "another"}),
    "no name of a key": lambda: made(headers={"kid": None}),
    "it brings its own key": lambda: made(headers={"jwk": {"kty": "OKP"}}),
    "it says where its key is": lambda: made(headers={"jku": "https://evil.example/jwks"}),
    "a critical extension": lambda: made(headers={"crit": ["b64"], "b64": False}),
    "what it says was changed": with_another_body,
    "its time is over": lambda: made({"iat": NOW - 601, "exp": NOW}),
    "it lives for too long": lambda: made({"exp": NOW + 901}),
    "it is of later": lambda: made({"iat": NOW + 61}),
    "no end": lambda: made({"exp": "-"}),
    "for another audience": lambda: made({"aud": "tollcast:publish"}),
    "of another issuer": lambda: made({"iss": "https://evil.example/auth"}),
}


def test_a_good_one_says_whose_it_is_and_for_how_long() -> None:
    for token in (made(), TOKENS.sign(ACCESS, WALL_MS)):
        assert TOKENS.read(token, NOW) == ACCESS
        assert TOKENS.read(token, NOW - 60) == ACCESS, "the clock was set right by a minute"
        assert TOKENS.read(token, NOW + ACCESS_TOKEN_SECONDS - 1) == ACCESS
        with pytest.raises(AccessRefused):
            TOKENS.read(token, NOW + ACCESS_TOKEN_SECONDS)
    assert len({TOKENS.sign(ACCESS, WALL_MS) for _ in range(3)}) == 3, "each has its own id"


@pytest.mark.filterwarnings("ignore::jwt.warnings.InsecureKeyLengthWarning")
@pytest.mark.parametrize("kind", BAD)
def test_a_bad_one_speaks_for_nobody(kind: str) -> None:
    with pytest.raises(AccessRefused):
        TOKENS.read(BAD[kind](), NOW)


@pytest.mark.parametrize(
    "change",
    [
        *({name: "-"} for name in ("iat", "aud", "iss", "sub", "jti", "sid")),
        {"exp": True},
        {"iat": "1"},
        {"nbf": NOW + 61},
        {"aud": [AUDIENCE]},
        {"sid": "ses_1"},
        {"sid": 1},
        {"exp": NOW - 1, "iat": NOW},
    ],
)
def test_every_claim_has_to_be_there_and_of_its_kind(change: dict[str, Any]) -> None:
    with pytest.raises(AccessRefused):
        TOKENS.read(made(change), NOW)


@pytest.mark.parametrize("text", ["", "eyJ", "a.b.c", "é.é.é", "eyJ" + "A" * 5000, "." * 30])
def test_rubbish_is_refused_alike(text: str) -> None:
    with pytest.raises(AccessRefused):
        TOKENS.read(text, NOW)
