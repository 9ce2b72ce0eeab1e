"""Splits: what content earns is shared by several accounts, in basis points, to the stroop.

What is shared out is the sum so far, never a single amount: each share of a sum is fixed, so it
does not matter how often, or in which pieces, it is moved. The platform has its part of the sum
rounded down. The rest belongs to the payees, and of it each has its exact share, rounded down or
up, so that all shares add up to it and no share ever shrinks when the sum grows: nobody has to give
back.

The largest remainders, which the rounded sums of a single payment should follow, cannot promise the
last: when there is a stroop more to share, somebody may get one less (the Alabama paradox, known
from seats in parliaments; a test shows one). So stroops are handed out one after the other, by the
quota method of Balinski and Young (The Quota Method of Apportionment, 1975): each goes to the payee
whose next one is due first, among those who have less than their exact share. With basis points
this repeats itself after at most 10,000 stroops, so that one round tells all.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from math import gcd
from typing import Any

from config.ids import base32, is_id
from config.limits import PLATFORM_FEE_BASIS_POINTS_MAX, SPLIT_PAYEES_MAX, SPLITS_REMEMBERED_MAX
from metering.ledger.ledger import Account, Transfer, creator_account
from metering.money import Stroops

WHOLE = 10_000  # basis points

_ID_LETTERS = 26


class BadSplit(ValueError):
    """Nobody's share, one account twice, or shares that are not 10,000 basis points together."""


@dataclass(frozen=True, slots=True)
class Share:
    """How many basis points an account has of what the platform leaves."""

    account: str
    basis_points: int


@dataclass(frozen=True, slots=True)
class Split:
    """Who shares what, once and for all: other shares are another split. Equal content, equal `id`.

    Attributes:
        shares: the payees', together `WHOLE`.
        fee: the platform's basis points of everything.
    """

    shares: tuple[Share, ...]
    fee: int = 0

    def __post_init__(self) -> None:
        if not 0 <= self.fee <= PLATFORM_FEE_BASIS_POINTS_MAX:
            raise BadSplit(f"{self.fee} basis points is no fee of a platform")
        if not 0 < len(self.shares) <= SPLIT_PAYEES_MAX:
            raise BadSplit(f"a split has from 1 to {SPLIT_PAYEES_MAX} payees")
        if len({share.account for share in self.shares}) < len(self.shares):
            raise BadSplit("an account has one share")
        if any(share.basis_points <= 0 for share in self.shares):
            raise BadSplit("a share is at least 1 basis point")
        total = sum(share.basis_points for share in self.shares)
        if total != WHOLE:
            raise BadSplit(f"the shares are {total} basis points together, not {WHOLE}")

    @property
    def id(self) -> str:
        """`spl_` and a hash of the content; it takes a payee's place in sessions."""
        text = json.dumps(self.to_document(), sort_keys=True, separators=(",", ":"))
        number = int.from_bytes(hashlib.sha256(text.encode()).digest())
        return f"spl_{base32(number, _ID_LETTERS)}"

    def parts(self, total: int) -> tuple[int, list[int]]:
        """What the platform has of `total` stroops, and each payee in the order of the shares."""
        fee = total * self.fee // WHOLE
        weights, turns = _round(tuple(share.basis_points for share in self.shares))
        rounds, rest = divmod(total - fee, len(turns))
        begun = turns[:rest]
        return fee, [rounds * each + begun.count(n) for n, each in enumerate(weights)]

    def due_to(self, account: str, moved: int, waiting: int) -> int:
        """What an account gets when `waiting` stroops are shared out after `moved` ones."""
        _, before = self.parts(moved)
        _, after = self.parts(moved + waiting)
        return sum(
            new - old
            for share, old, new in zip(self.shares, before, after, strict=True)
            if share.account == account
        )

    def to_document(self) -> dict[str, Any]:
        """As JSON; what `id` is made of."""
        return {
            "fee": self.fee,
            "shares": [
                {"account": share.account, "basisPoints": share.basis_points}
                for share in self.shares
            ],
        }

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> "Split":
        """What `to_document` wrote."""
        shares = (Share(each["account"], each["basisPoints"]) for each in document["shares"])
        return cls(tuple(shares), document["fee"])


@lru_cache(maxsize=SPLITS_REMEMBERED_MAX)
def _round(basis_points: tuple[int, ...]) -> tuple[tuple[int, ...], bytes]:
    """Shares in lowest terms, and in one round of so many stroops whose each one is."""
    divisor = gcd(*basis_points)
    weights = tuple(each // divisor for each in basis_points)
    whole = sum(weights)
    counts = [0] * len(weights)
    turns = bytearray()
    for given in range(1, whole + 1):
        next_ = -1
        for n, weight in enumerate(weights):
            if counts[n] * whole >= weight * given:
                continue  # has its exact share of so many
            # Whose (count + 1) / weight is least: by products, since they are exact.
            if next_ < 0 or (counts[n] + 1) * weights[next_] < (counts[next_] + 1) * weight:
                next_ = n
        counts[next_] += 1
        turns.append(next_)
    return weights, bytes(turns)


def is_split(payee: str) -> bool:
    """Whether this payee of a session is a split, and not an account."""
    return is_id("spl", payee)


def payee_account(payee: str, asset: str) -> Account:
    """The ledger's account for what a session's payee earns."""
    return unsplit_account(payee, asset) if is_split(payee) else creator_account(payee, asset)


def unsplit_account(split: str, asset: str) -> Account:
    """What was earned under a split and not moved to those who share it."""
    return Account(f"unsplit:{split}:{asset}", asset)


def platform_account(asset: str) -> Account:
    """What the platform has taken as its fee."""
    return Account(f"platform:{asset}", asset)


def share_accounts(split: Split, asset: str) -> list[Account]:
    """The accounts that a split moves money between."""
    payees = [creator_account(share.account, asset) for share in split.shares]
    return [unsplit_account(split.id, asset), platform_account(asset), *payees]


def share_transfers(split: Split, asset: str, moved: int, total: int) -> list[Transfer]:
    """What makes shares of `total` stroops out of the shares of `moved` ones."""
    source, platform, *payees = share_accounts(split, asset)
    fee_before, before = split.parts(moved)
    fee, after = split.parts(total)
    moves = [
        (platform, "platform_fee", fee - fee_before),
        *((account, "split", after[n] - before[n]) for n, account in enumerate(payees)),
    ]
    return [
        Transfer(
            id=f"{split.id}:{asset}:{total}:{account.id}",
            debit=source.id,
            credit=account.id,
            amount=Stroops(amount),
            asset=asset,
            cause=cause,
        )
        for account, cause, amount in moves
        if amount > 0
    ]
