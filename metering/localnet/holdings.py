"""Amounts that go into and out of accounts: lumens, or what a trust line holds."""

from dataclasses import replace
from enum import Enum, auto

from metering.localnet.entries import INT64_MAX, NATIVE, Entries
from metering.localnet.xdr_values import split_asset


class Trouble(Enum):
    """Why an amount could not be moved."""

    NO_ACCOUNT = auto()
    NO_TRUST = auto()
    NOT_AUTHORIZED = auto()
    FULL = auto()
    SHORT = auto()


def give(entries: Entries, holder: str, asset: str, amount: int) -> Trouble | None:
    """Add to what an account holds. Its issuer burns what it is given of an asset."""
    return _shift(entries, holder, asset, amount)


def take(entries: Entries, holder: str, asset: str, amount: int) -> Trouble | None:
    """Take from what an account holds, but not its reserve. An issuer makes what it gives."""
    return _shift(entries, holder, asset, -amount)


def _shift(entries: Entries, holder: str, asset: str, by: int) -> Trouble | None:
    if asset == NATIVE:
        return _shift_lumens(entries, holder, by)
    if split_asset(asset)[1] == holder:
        return None
    return _shift_line(entries, holder, asset, by)


def _shift_lumens(entries: Entries, holder: str, by: int) -> Trouble | None:
    account = entries.account(holder)
    if account is None:
        return Trouble.NO_ACCOUNT
    if account.balance + by > INT64_MAX:
        return Trouble.FULL
    if by < 0 and account.balance + by < account.reserve:
        return Trouble.SHORT
    entries.put(replace(account, balance=account.balance + by))
    return None


def _shift_line(entries: Entries, holder: str, asset: str, by: int) -> Trouble | None:
    line = entries.trust_line(holder, asset)
    if line is None:
        return Trouble.NO_TRUST
    if not line.authorized:
        return Trouble.NOT_AUTHORIZED
    if by > 0 and line.balance + by > line.limit:
        return Trouble.FULL
    if line.balance + by < 0:
        return Trouble.SHORT
    entries.put(replace(line, balance=line.balance + by))
    return None
