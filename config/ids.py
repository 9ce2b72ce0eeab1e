"""Identifiers that sort by creation time: a prefix and 26 characters."""

import secrets
from collections.abc import Callable

# How ids are made, of a prefix and wall milliseconds: chance as a constructor argument, which a
# simulation draws from its seed.
Ids = Callable[[str, int], str]

# Crockford's base 32: no I, L, O, U, so that an id can be read aloud.
_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
_CHARACTERS = 26
_ENTROPY_BITS = 80


def new_id(prefix: str, wall_ms: int, entropy: int | None = None) -> str:
    """Make `prefix_` plus 26 characters: 48 bits of milliseconds, 80 random bits (as ULID).

    Args:
        prefix: the kind of thing, e.g. `ast` or `ses`.
        wall_ms: creation time, milliseconds since 1970.
        entropy: 80 bits; drawn from the system when left out.
    """
    bits = secrets.randbits(_ENTROPY_BITS) if entropy is None else entropy
    return f"{prefix}_{base32((wall_ms << _ENTROPY_BITS) | bits, _CHARACTERS)}"


def base32(number: int, letters: int) -> str:
    """The lowest `5 * letters` bits of a number, most significant letter first."""
    return "".join(_ALPHABET[(number >> (5 * index)) & 31] for index in reversed(range(letters)))


def is_id(prefix: str, text: str) -> bool:
    """Tell whether `text` has the shape of an id of this kind."""
    head, _, tail = text.partition("_")
    return head == prefix and len(tail) == _CHARACTERS and all(c in _ALPHABET for c in tail)
