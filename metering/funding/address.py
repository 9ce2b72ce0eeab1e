"""Addresses on Stellar: of an account, and of one of its many owners (SEP-23, CAP-27).

A muxed address (M...) is an account's address and a number in one text. Money sent there arrives in
the account, and its operation says for which number.
"""

from base64 import b32decode, b32encode
from binascii import Error as NotBase32
from binascii import crc_hqx
from dataclasses import dataclass

NUMBER_MAX = 2**64 - 1

# SEP-23: the byte that makes an address begin with its letter.
_ACCOUNT_VERSION = 6 << 3
_MUXED_VERSION = 12 << 3
_KEY_BYTES = 32
_NUMBER_BYTES = 8
_CHECKSUM_BYTES = 2
_ACCOUNT_LETTERS = 56
_MUXED_LETTERS = 69


class BadAddress(ValueError):
    """Not a Stellar address (G... or M...)."""


@dataclass(frozen=True, slots=True)
class Destination:
    """Whom a payment goes to: an account (G...), and which of its owners, if it has many."""

    account: str
    number: int | None = None

    @property
    def text(self) -> str:
        """As wallets write it."""
        return self.account if self.number is None else muxed_address(self.account, self.number)


def read_destination(text: str) -> Destination:
    """Read a G... or M... address; its checksum is looked at.

    Raises:
        BadAddress: it is neither.
    """
    raw = _raw(text)
    if len(text) == _ACCOUNT_LETTERS and raw[0] == _ACCOUNT_VERSION:
        return Destination(text)
    if len(text) == _MUXED_LETTERS and raw[0] == _MUXED_VERSION:
        key, number = raw[1 : 1 + _KEY_BYTES], raw[1 + _KEY_BYTES : -_CHECKSUM_BYTES]
        return Destination(_written(_ACCOUNT_VERSION, key), int.from_bytes(number))
    raise _bad(text)


def muxed_address(account: str, number: int) -> str:
    """The address of one of an account's owners.

    Args:
        account: a G... address.
        number: 0 to `NUMBER_MAX`.

    Raises:
        BadAddress: `account` is none.
    """
    if not 0 <= number <= NUMBER_MAX:
        raise ValueError(f"a muxed id has 64 bits: {number}")
    if read_destination(account).number is not None:
        raise _bad(account)
    key = _raw(account)[1 : 1 + _KEY_BYTES]
    return _written(_MUXED_VERSION, key + number.to_bytes(_NUMBER_BYTES))


def _raw(text: str) -> bytes:
    """The bytes of an address whose checksum is right and which is written in the one right way."""
    if len(text) not in (_ACCOUNT_LETTERS, _MUXED_LETTERS):
        raise _bad(text)
    try:
        raw = b32decode(text + "=" * (-len(text) % 8))
    except (NotBase32, ValueError):
        raise _bad(text) from None
    body = raw[:-_CHECKSUM_BYTES]
    # Bits beyond the last byte have to be zero, or one address could be written in several ways.
    if raw[-_CHECKSUM_BYTES:] != _checksum(body) or _base32(raw) != text:
        raise _bad(text)
    return raw


def _written(version: int, payload: bytes) -> str:
    body = bytes([version]) + payload
    return _base32(body + _checksum(body))


def _checksum(body: bytes) -> bytes:
    return crc_hqx(body, 0).to_bytes(_CHECKSUM_BYTES, "little")


def _base32(raw: bytes) -> str:
    return b32encode(raw).decode().rstrip("=")


def _bad(text: str) -> BadAddress:
    return BadAddress(f"not a Stellar address: {text[:80]!r}")
