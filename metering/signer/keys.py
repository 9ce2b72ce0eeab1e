"""The keys of the hot account and of its channel accounts, all from one seed."""

import hmac
import os
from base64 import b32decode
from binascii import Error as NotBase32
from collections.abc import Iterable
from hashlib import sha256

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from config.limits import CHANNEL_ACCOUNTS
from metering.settlement.strkey import Address, encode, write_address

_SEED = 18 << 3  # S (SEP-23)
_BYTES = 32
_CHECKSUM_BYTES = 2
_CHANNEL = "tollcast channel account"


class BadSeed(ValueError):
    """Not a Stellar secret seed (S...); the seed itself is not told."""


class Keys:
    """Signs (Ed25519, RFC 8032). The keys are neither shown nor part of any message.

    Args:
        seed: of the hot account. The channel accounts' follow from it, so that whoever has a copy
            of it has all of them.

    Raises:
        BadSeed: it is none.
    """

    def __init__(self, seed: str) -> None:
        raw = _read_seed(seed)
        names = [f"{_CHANNEL} {number}" for number in range(1, CHANNEL_ACCOUNTS + 1)]
        seeds = [raw, *(hmac.digest(raw, name.encode(), sha256) for name in names)]
        self._keys = {key.address: key for key in map(_Key, seeds)}
        self.hot, *channels = self._keys
        self.channels = tuple(channels)
        self.accounts = frozenset(self._keys)

    def __repr__(self) -> str:
        return f"Keys(of {self.hot})"

    def sign(self, hash_: bytes, addresses: Iterable[str]) -> dict[bytes, bytes]:
        """Signatures of a transaction's hash, by public key.

        Args:
            hash_: of the transaction.
            addresses: accounts of ours; one that is named twice signs once.
        """
        keys = [self._keys[address] for address in addresses]
        return {key.public: key.private.sign(hash_) for key in keys}


class _Key:
    __slots__ = ("address", "private", "public")

    def __init__(self, seed: bytes) -> None:
        self.private = Ed25519PrivateKey.from_private_bytes(seed)
        self.public = self.private.public_key().public_bytes_raw()
        self.address = write_address(Address(self.public))


def new_seed() -> str:
    """A fresh seed, to be kept where only the signer reads."""
    return encode(_SEED, os.urandom(_BYTES))


def _read_seed(text: str) -> bytes:
    # Without the causes of what is wrong: their messages repeat the seed.
    try:
        body = b32decode(text)[1:-_CHECKSUM_BYTES]
    except (NotBase32, ValueError):
        raise BadSeed("not a Stellar secret seed") from None
    if len(body) != _BYTES or encode(_SEED, body) != text:
        raise BadSeed("not a Stellar secret seed")
    return body
