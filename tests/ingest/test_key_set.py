import base64
import json
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from config.limits import KEY_SET_KEYS_MAX
from ingest.key_set import MalformedKeySet, read_key_set, thumbprint, write_key_set

KEY = Ed25519PrivateKey.from_private_bytes(bytes(32)).public_key()
ENTRY: dict[str, Any] = write_key_set([KEY])["keys"][0]  # type: ignore[index]


def test_a_thumbprint_is_the_specifications() -> None:
    # RFC 8037, appendix A.3
    x = base64.urlsafe_b64decode("11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo=")
    key = Ed25519PublicKey.from_public_bytes(x)

    assert thumbprint(key) == "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"


def test_what_is_written_is_read() -> None:
    other = Ed25519PrivateKey.generate().public_key()

    assert read_key_set(json.dumps(write_key_set([KEY, other])).encode()) == {
        thumbprint(KEY): KEY,
        thumbprint(other): other,
    }


def test_keys_for_others_are_left_out_and_the_first_of_a_name_counts() -> None:
    others = [
        {"kty": "RSA", "kid": "1", "n": "AQAB", "e": "AQAB"},
        ENTRY | {"crv": "X25519", "kid": "2"},
        ENTRY | {"use": "enc", "kid": "3"},
        ENTRY | {"alg": "ES256", "kid": "4"},
        ENTRY | {"kid": None},
        ENTRY | {"x": 5, "kid": "5"},
        ENTRY | {"d": ENTRY["x"], "kid": "6"},
        "a word",
    ]
    twice = ENTRY | {"x": base64.urlsafe_b64encode(b"x" * 32).decode().rstrip("=")}
    bare = {name: ENTRY[name] for name in ("kty", "crv", "x")} | {"kid": "bare"}

    keys = read_key_set(json.dumps({"keys": [*others, ENTRY, twice, bare]}).encode())

    assert keys == {thumbprint(KEY): KEY, "bare": KEY}


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"<html>",
        b"\xff",
        b"[" * 100_000,
        b"[]",
        b'{"keys": {}}',
        b'{"keys": []}',
        json.dumps({"keys": [ENTRY] * (KEY_SET_KEYS_MAX + 1)}).encode(),
        json.dumps({"keys": [ENTRY | {"x": "AAAA"}]}).encode(),
        json.dumps({"keys": [ENTRY | {"x": "\u00e9" * 43}]}).encode(),
        json.dumps({"keys": [ENTRY | {"x": "!" * 43}]}).encode(),
    ],
)
def test_what_is_no_key_set_is_refused(text: bytes) -> None:
    with pytest.raises(MalformedKeySet):
        read_key_set(text)
