"""Who is paid next, in which transactions, and what the fee may be."""

from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass, replace

from config.limits import (
    CLAIMABLE_STROOPS_MIN,
    SETTLEMENT_FEE_RATE_MAX,
    SETTLEMENT_PAYMENTS_MAX,
)
from metering.money import NATIVE, Stroops
from metering.settlement.outbox import Kind
from metering.settlement.source import Due

FEE_RATE_MIN = 100  # stroops an operation, the network's own minimum

# Codes of operations that come of the payee's own account (Stellar-transaction.x, PaymentResult).
# These leave the money to be claimed later,
CLAIMABLE_CODES = ("op_no_trust", "op_line_full", "op_not_authorized")
# these leave nobody to claim it,
_NOBODY_CODES = ("op_no_destination",)
PAYEE_CODES = (*_NOBODY_CODES, *CLAIMABLE_CODES)
# and with this one we lack the lumen that what is to be claimed binds.
UNAFFORDABLE_CODES = ("op_low_reserve",)

# What keeps a payee from being paid, besides codes of operations.
NO_ADDRESS = "no_address"
OWN_ADDRESS = "own_address"  # one of ours: we would pay ourselves
BAD_ADDRESS = "bad_address"
REFUSED_LATELY = "refused_lately"
DAILY_CAP = "daily_cap"


@dataclass(frozen=True, slots=True)
class Judged:
    """Who can be paid; who is held back, and why, by due; who has to be told that it is refused."""

    payable: tuple[Due, ...]
    held: Mapping[str, str]
    refused: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Room:
    """How much can be planned at once.

    Args:
        transactions: how many sources are free.
        payments: how many operations, in all of them.
        spendable: what the hot account can part with, fees included.
        allowance: what the daily cap leaves.
        fees: what the daily budget for fees leaves.
        rate: the fee for each payment.
    """

    transactions: int
    payments: int
    spendable: Stroops
    allowance: Stroops
    fees: int
    rate: int


@dataclass(frozen=True, slots=True)
class Plan:
    """Who is paid together. Who waits since the hot account has too little; since the cap of the
    day is reached; whether somebody waits since its budget for fees is.
    """

    batches: tuple[tuple[Due, ...], ...]
    short: tuple[Due, ...] = ()
    capped: tuple[Due, ...] = ()
    out_of_fees: bool = False


def fee_rate(p80: int) -> int:
    """What to bid for each operation: what four of five paid lately, within our bounds."""
    return max(FEE_RATE_MIN, min(p80, SETTLEMENT_FEE_RATE_MAX))


def judge(
    dues: Sequence[Due],
    asset: str,
    blocked: Mapping[str, str],
    lately: Mapping[str, str],
    reclaimed: Container[str] = (),
) -> Judged:
    """Tell apart who can be paid, so that nobody's account fails the payments of 99 others.

    Args:
        dues: all of them.
        asset: what is paid.
        blocked: codes by address, as the chain and we know.
        lately: codes by due, of payments that came back lately.
        reclaimed: accounts that had to take back what was left last. Nothing more is left to them
            until a payment arrives, or it would come and go for ever.
    """
    payable, held, refused = [], {}, {}
    for due in dues:
        code = NO_ADDRESS if due.address is None else blocked.get(due.address) or lately.get(due.id)
        if code is None:
            payable.append(due)
        elif due.kind == Kind.WITHDRAWAL and code not in UNAFFORDABLE_CODES:
            refused[due.id] = code
        elif due.account not in reclaimed and _may_claim(due, asset, code):
            payable.append(replace(due, claimable=True))
        else:
            known = due.address in blocked or due.address is None
            held[due.id] = code if known else REFUSED_LATELY
    return Judged(tuple(payable), held, refused)


def _may_claim(due: Due, asset: str, code: str) -> bool:
    enough = due.amount >= CLAIMABLE_STROOPS_MIN
    return asset != NATIVE and code in CLAIMABLE_CODES and enough and due.kind == Kind.PAYOUT


def fill(dues: Sequence[Due], room: Room, asset: str) -> Plan:
    """Fill transactions: first what somebody takes out, then the largest amounts.

    A due with a memo has a transaction of its own.
    """
    filling = _Filling(room, asset)
    for due in sorted(dues, key=lambda d: (d.kind != Kind.WITHDRAWAL, -d.amount, d.id)):
        filling.offer(due)
    return filling.plan()


class _Filling:
    """Transactions as they are filled."""

    def __init__(self, room: Room, asset: str) -> None:
        self._room = room
        self._fee_in_asset = room.rate if asset == NATIVE else 0
        self._spendable = int(room.spendable)
        self._allowance = int(room.allowance)
        self._fees = room.fees
        self._payments = room.payments
        self._alone: list[tuple[Due, ...]] = []
        self._together: list[list[Due]] = []
        self._short: list[Due] = []
        self._capped: list[Due] = []
        self._out_of_fees = False

    def offer(self, due: Due) -> None:
        cost = due.amount + self._fee_in_asset
        if due.amount > self._allowance:
            self._capped.append(due)
        elif cost > self._spendable:
            self._short.append(due)
        elif self._room.rate > self._fees:
            self._out_of_fees = True
        elif self._payments > 0 and self._placed(due):
            self._payments -= 1
            self._spendable -= cost
            self._allowance -= due.amount
            self._fees -= self._room.rate

    def _placed(self, due: Due) -> bool:
        last = self._together[-1] if self._together else None
        if due.memo is None and last is not None and len(last) < SETTLEMENT_PAYMENTS_MAX:
            last.append(due)
            return True
        if len(self._alone) + len(self._together) >= self._room.transactions:
            return False
        if due.memo is None:
            self._together.append([due])
        else:
            self._alone.append((due,))
        return True

    def plan(self) -> Plan:
        batches = (*self._alone, *map(tuple, self._together))
        return Plan(batches, tuple(self._short), tuple(self._capped), self._out_of_fees)
