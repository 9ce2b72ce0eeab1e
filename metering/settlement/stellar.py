"""Stellar's addresses and seeds."""

from stellar_sdk import Keypair, StrKey


class BadSeed(ValueError):
    """Not a Stellar secret seed (S...); the seed itself is not told."""


class BadAddress(ValueError):
    """Not a Stellar account address (G...)."""


def new_seed() -> str:
    """A fresh secret seed, to be kept in a file that only the server reads."""
    return Keypair.random().secret


def address_of(seed: str) -> str:
    """The account address (G...) of a secret seed.

    Raises:
        BadSeed: not a seed.
    """
    try:
        return Keypair.from_secret(seed).public_key
    except ValueError:
        # Without the cause: its message repeats the seed.
        raise BadSeed("not a Stellar secret seed") from None


def checked_address(text: str) -> str:
    """The address itself.

    Raises:
        BadAddress: it is none.
    """
    if not StrKey.is_valid_ed25519_public_key(text):
        raise BadAddress(f"not a Stellar address: {text[:60]!r}")
    return text
