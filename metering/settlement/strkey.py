"""Addresses of Stellar as text: keys with a version and a checksum (SEP-23)."""

from base64 import b32decode, b32encode
from binascii import Error as NotBase32
from binascii import crc_hqx
from typing import NamedTuple

_ACCOUNT = 6 << 3  # G: an ed25519 public key
_MUXED = 12 << 3  # M: the same, and whom of its many owners is meant
_CONTRACT = 2 << 3  # C: the hash that a contract is named by
_KEY_BYTES = 32
_ID_BYTES = 8
_CHECKSUM_BYTES = 2


class BadAddress(ValueError):
    """Not the address of an account (G...), of one of its owners (M...), or of a contract (C...),
    whichever was asked for.
    """


class Address(NamedTuple):
    """An account's key, and which of its owners is meant."""

    key: bytes
    muxed_id: int | None = None


def read_address(text: str) -> Address:
    """Read `G...` or `M...`.

    Raises:
        BadAddress: something else, or mistyped.
    """
    version, body = _decode(text)
    if version == _ACCOUNT and len(body) == _KEY_BYTES:
        return Address(body)
    if version == _MUXED and len(body) == _KEY_BYTES + _ID_BYTES:
        return Address(body[:_KEY_BYTES], int.from_bytes(body[_KEY_BYTES:], "big"))
    raise BadAddress(f"not an account: {text[:80]!r}")


def account_key(address: str) -> bytes:
    """The key of an account (G...).

    Raises:
        BadAddress: it is none.
    """
    read = read_address(address)
    if read.muxed_id is not None:
        raise BadAddress(f"not a plain account: {address[:80]!r}")
    return read.key


def contract_key(address: str) -> bytes:
    """The 32 bytes that a contract is named by (C...).

    Raises:
        BadAddress: it is none.
    """
    version, body = _decode(address)
    if version != _CONTRACT or len(body) != _KEY_BYTES:
        raise BadAddress(f"not a contract: {address[:80]!r}")
    return body


def write_address(address: Address) -> str:
    """The inverse of `read_address`."""
    if address.muxed_id is None:
        return encode(_ACCOUNT, address.key)
    return encode(_MUXED, address.key + address.muxed_id.to_bytes(_ID_BYTES, "big"))


def encode(version: int, body: bytes) -> str:
    """The text of some bytes under a version byte."""
    payload = bytes([version]) + body
    checksum = crc_hqx(payload, 0).to_bytes(_CHECKSUM_BYTES, "little")
    return b32encode(payload + checksum).decode("ascii").rstrip("=")


def _decode(text: str) -> tuple[int, bytes]:
    """The version byte and what follows it, with the checksum looked at."""
    # Without padding, as SEP-23 has it: 35 bytes are 56 letters, 43 are 69.
    padding = {56: "", 69: "==="}.get(len(text))
    if padding is None:
        raise BadAddress(f"not an address: {text[:80]!r}")
    try:
        raw = b32decode(text + padding)
    except (NotBase32, ValueError):
        raise BadAddress(f"not an address: {text[:80]!r}") from None
    version, body = raw[0], raw[1:-_CHECKSUM_BYTES]
    if encode(version, body) != text:
        raise BadAddress(f"mistyped: {text[:80]!r}")
    return version, body
