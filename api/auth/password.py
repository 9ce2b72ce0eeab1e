"""Passwords: Argon2id (RFC 9106) in PHC form, and what a password has to be.

It takes tens of milliseconds on purpose, most of them without Python's lock.
"""

import secrets
import unicodedata

from cryptography.exceptions import InvalidKey
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

from config.limits import (
    PASSWORD_CHARACTERS_MAX,
    PASSWORD_CHARACTERS_MIN,
    PASSWORD_MEMORY_KIB,
    PASSWORD_PASSES,
)

_SALT_BYTES = 16
_HASH_BYTES = 32
_DISTINCT_MIN = 5
_COSTS = f"$argon2id$v=19$m={PASSWORD_MEMORY_KIB},t={PASSWORD_PASSES},p=1$"


def faults_of(password: str, *names: str) -> str | None:
    """Why a password will not do, in words for its owner; None of one that will.

    Args:
        names: what everybody who attacks tries first: the e-mail address, the name.
    """
    if not PASSWORD_CHARACTERS_MIN <= len(password) <= PASSWORD_CHARACTERS_MAX:
        return f"has to have {PASSWORD_CHARACTERS_MIN} to {PASSWORD_CHARACTERS_MAX} characters"
    if len(set(password)) < _DISTINCT_MIN:
        return f"has to have {_DISTINCT_MIN} different characters"
    plain = password.casefold()
    if any(name.casefold() in plain for name in names if len(name) >= _DISTINCT_MIN):
        return "must not contain the name or the e-mail address"
    return None


def hash_password(password: str) -> str:
    """What is stored instead of a password, with a salt and the costs of now."""
    salt = secrets.token_bytes(_SALT_BYTES)
    function = Argon2id(
        salt=salt,
        length=_HASH_BYTES,
        iterations=PASSWORD_PASSES,
        lanes=1,
        memory_cost=PASSWORD_MEMORY_KIB,
    )
    return function.derive_phc_encoded(_bytes(password))


def is_password(password: str, stored: str | None) -> bool:
    """Whether it is the one; of nobody's it takes as long to say no."""
    try:
        Argon2id.verify_phc_encoded(_bytes(password), stored or _NOBODYS)
    except InvalidKey:
        return False
    return stored is not None


def is_dated(stored: str) -> bool:
    """Whether it was stored at other costs than those of now."""
    return not stored.startswith(_COSTS)


def _bytes(password: str) -> bytes:
    """NIST SP 800-63B, 3.1.1.2: the same letters typed on another keyboard are the same."""
    return unicodedata.normalize("NFKC", password).encode(errors="surrogatepass")


# A salt and a hash of nothing but zeros: they only have to cost what others cost.
_NOBODYS = f"{_COSTS}{'A' * 22}${'A' * 43}"
