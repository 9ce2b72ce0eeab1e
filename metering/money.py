"""Amounts of money: whole stroops inside, decimal text with seven places at the edges.

No float and no Decimal ever holds money here: both round, and a rounded stroop is somebody's.
"""

import re
from base64 import b32decode
from binascii import crc_hqx
from typing import NewType

# One ten-millionth of a unit of any Stellar asset (stellar-core: STROOP = 1e-7).
Stroops = NewType("Stroops", int)

# The asset whose code no issuer has to stand behind (CAP-0046-06 calls it native).
NATIVE = "XLM"

# Stellar amounts are signed 64-bit integers, and so are Postgres's bigints.
STROOPS_MAX = Stroops(2**63 - 1)

_PLACES = 7
_PER_UNIT = 10**_PLACES
_AMOUNT = re.compile(r"(0|[1-9][0-9]{0,11})(?:\.([0-9]{1,7}))?")
_ASSET = re.compile(r"([A-Za-z0-9]{1,12})(?::(G[A-Z2-7]{55}))?")
# SEP-23: a byte that tells what it is (here an account), 32 bytes of key, a checksum.
_ISSUER_VERSION = 6 << 3


class BadAmount(ValueError):
    """Not an amount: digits, optionally a point and up to seven digits, within 64 bits."""


class BadAsset(ValueError):
    """Not an asset: one to twelve letters or digits, and the issuer's address after a colon."""


def format_amount(stroops: int) -> str:
    """Write an amount with exactly seven places, e.g. `0.0001388`; exact, also below zero."""
    units, rest = divmod(abs(stroops), _PER_UNIT)
    sign = "-" if stroops < 0 else ""
    return f"{sign}{units}.{rest:0{_PLACES}d}"


def parse_amount(text: str) -> Stroops:
    """Read an amount of zero or more; exact.

    Raises:
        BadAmount: a sign, an exponent, spaces, more than seven places, or too much.
    """
    match = _AMOUNT.fullmatch(text)
    if match is None:
        raise BadAmount(f"not an amount: {text[:40]!r}")
    units, places = match.group(1), match.group(2) or ""
    stroops = int(units) * _PER_UNIT + int(places.ljust(_PLACES, "0"))
    if stroops > STROOPS_MAX:
        raise BadAmount(f"more than 64 bits can hold: {text[:40]!r}")
    return Stroops(stroops)


def checked_asset(asset: str) -> str:
    """The asset itself when it is one: `CODE:ISSUER`, or a code that needs no issuer.

    The issuer's checksum is looked at, since nobody could ever pay in what a mistyped one stands
    for. Names of accounts end with the asset, so that its colon does them no harm.

    Raises:
        BadAsset: anything else.
    """
    match = _ASSET.fullmatch(asset)
    if match is None or (match.group(2) is not None and not _is_issuer(match.group(2))):
        raise BadAsset(f"not an asset: {asset[:80]!r}")
    return asset


def asset_code(asset: str) -> str:
    """What people call an asset: its code, without the issuer."""
    return asset.partition(":")[0]


def _is_issuer(address: str) -> bool:
    """SEP-23: the address of an account, with its CRC16/XModem."""
    raw = b32decode(address)
    return raw[0] == _ISSUER_VERSION and raw[-2:] == crc_hqx(raw[:-2], 0).to_bytes(2, "little")
