"""Stream keys: 160 random bits that a person can copy, and their hashes."""

import hashlib
import hmac
import secrets

from config.ids import base32

_ENTROPY_BITS = 160
_LETTERS = 32  # of five bits each: they hold the 160 exactly
_GROUP = 8


def new_key(entropy: int | None = None) -> str:
    """A stream key: four groups of eight letters, joined by dashes.

    Args:
        entropy: 160 bits; drawn from the system when left out.
    """
    bits = secrets.randbits(_ENTROPY_BITS) if entropy is None else entropy
    letters = base32(bits, _LETTERS)
    return "-".join(letters[start : start + _GROUP] for start in range(0, _LETTERS, _GROUP))


def hash_key(key: str) -> bytes:
    """What is stored of a key: plain SHA-256, which is enough for a secret nobody can guess."""
    return hashlib.sha256(key.encode("utf-8", "surrogatepass")).digest()


def matches(key: str, key_hash: bytes) -> bool:
    """Whether `key` is the one that was hashed, in a time that does not depend on the answer."""
    return hmac.compare_digest(hash_key(key), key_hash)
