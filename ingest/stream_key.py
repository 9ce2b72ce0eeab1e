"""Stream keys: 160 random bits that a person can copy, and their hashes."""

import hashlib
import hmac
import secrets

_ENTROPY_BITS = 160
# Crockford's base 32 without I, L, O, U: 32 letters hold the 160 bits exactly.
_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
_LETTERS = 32
_GROUP = 8


def new_key(entropy: int | None = None) -> str:
    """A stream key: four groups of eight letters, joined by dashes.

    Args:
        entropy: 160 bits; drawn from the system when left out.
    """
    bits = secrets.randbits(_ENTROPY_BITS) if entropy is None else entropy
    letters = "".join(_ALPHABET[(bits >> (5 * index)) & 31] for index in reversed(range(_LETTERS)))
    return "-".join(letters[start : start + _GROUP] for start in range(0, _LETTERS, _GROUP))


def hash_key(key: str) -> bytes:
    """What is stored of a key: plain SHA-256, which is enough for a secret nobody can guess."""
    return hashlib.sha256(key.encode("utf-8", "surrogatepass")).digest()


def matches(key: str, key_hash: bytes) -> bool:
    """Whether `key` is the one that was hashed, in a time that does not depend on the answer."""
    return hmac.compare_digest(hash_key(key), key_hash)
