"""Sets of public keys (RFC 7517) as far as publish tokens need them: Ed25519 (RFC 8037)."""

import base64
import binascii
import hashlib
import json
from collections.abc import Iterable, Mapping

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from config.limits import KEY_SET_KEYS_MAX

_KEY_BYTES = 32


class MalformedKeySet(ValueError):
    """This is no set of public keys, or none of them is for us."""


def thumbprint(key: Ed25519PublicKey) -> str:
    """The key's name, made of nothing but the key (RFC 7638)."""
    # Section 3: the required members only, in this order, without blanks.
    members = {"crv": "Ed25519", "kty": "OKP", "x": _encoded(key.public_bytes_raw())}
    return _encoded(hashlib.sha256(json.dumps(members, separators=(",", ":")).encode()).digest())


def write_key_set(keys: Iterable[Ed25519PublicKey]) -> dict[str, object]:
    """The set as a JSON document; each key is called by its thumbprint."""
    return {
        "keys": [
            {
                "kty": "OKP",
                "crv": "Ed25519",
                "x": _encoded(key.public_bytes_raw()),
                "kid": thumbprint(key),
                "alg": "EdDSA",
                "use": "sig",
            }
            for key in keys
        ]
    }


def read_key_set(text: bytes) -> dict[str, Ed25519PublicKey]:
    """The keys by their ids; those of other kinds and for other uses are left out.

    Raises:
        MalformedKeySet: see there.
    """
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        raise MalformedKeySet("it is not JSON") from None
    entries = document.get("keys") if isinstance(document, dict) else None
    if not isinstance(entries, list) or len(entries) > KEY_SET_KEYS_MAX:
        raise MalformedKeySet(f"it is no list of at most {KEY_SET_KEYS_MAX} keys")
    found: dict[str, Ed25519PublicKey] = {}
    for entry in entries:
        if isinstance(entry, dict) and _is_for_us(entry):
            found.setdefault(entry["kid"], _key(entry["x"]))
    if not found:
        raise MalformedKeySet("it has no Ed25519 key for signatures that has an id")
    return found


def _is_for_us(entry: Mapping[str, object]) -> bool:
    is_ed25519 = (entry.get("kty"), entry.get("crv")) == ("OKP", "Ed25519")
    is_for_this = entry.get("use", "sig") == "sig" and entry.get("alg", "EdDSA") == "EdDSA"
    has_name = isinstance(entry.get("kid"), str) and isinstance(entry.get("x"), str)
    # A private key that somebody has published is known to everybody.
    return is_ed25519 and is_for_this and has_name and "d" not in entry


def _key(encoded: str) -> Ed25519PublicKey:
    try:
        raw = base64.b64decode(encoded + "=", altchars="-_", validate=True)
    except (binascii.Error, ValueError):
        raise MalformedKeySet("a key is not in base 64") from None
    if len(raw) != _KEY_BYTES:
        raise MalformedKeySet(f"an Ed25519 key has {_KEY_BYTES} bytes")
    return Ed25519PublicKey.from_public_bytes(raw)


def _encoded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")
