"""Who is paid next: which creators are due, which of them can be paid, and what the fee may be."""

from collections.abc import Mapping
from dataclasses import dataclass

from config.limits import SETTLEMENT_FEE_RATE_MAX, SETTLEMENT_PAYMENTS_MAX
from metering.money import Stroops

FEE_RATE_MIN = 100  # stroops an operation, the network's own minimum

# Codes of operations that are the payee's doing, not ours (Stellar-transaction.x, PaymentResult).
PAYEE_CODES = ("op_no_destination", "op_no_trust", "op_not_authorized", "op_line_full")

# What keeps a creator from being paid, besides codes of operations.
NO_ADDRESS = "no_address"
OWN_ADDRESS = "own_address"  # the hot account's: it would pay itself
REFUSED_LATELY = "refused_lately"


@dataclass(frozen=True, slots=True)
class Due:
    """A creator with enough to be paid, and where to."""

    creator: str
    address: str
    amount: Stroops


@dataclass(frozen=True, slots=True)
class Batch:
    """Who is paid together, and who has to wait because the hot account has too little."""

    paid: tuple[Due, ...]
    waiting: tuple[Due, ...]


def due_creators(
    balances: Mapping[str, Stroops], asset: str, minimum: Stroops
) -> dict[str, Stroops]:
    """Creators and what they are due.

    Args:
        balances: of ledger accounts `creator:{id}:{asset}`, as the ledger lists them.
        asset: which of them are meant.
        minimum: smaller balances wait; at least one stroop.
    """
    due = {}
    for account, balance in balances.items():
        owner = account.removesuffix(f":{asset}")
        creator = owner.removeprefix("creator:")
        if account != owner != creator and balance >= max(1, minimum):
            due[creator] = balance
    return due


def fee_rate(p80: int) -> int:
    """What to bid for each operation: what four of five paid lately, within our bounds."""
    return max(FEE_RATE_MIN, min(p80, SETTLEMENT_FEE_RATE_MAX))


def choose(due: list[Due], spendable: Stroops, rate: int) -> Batch:
    """Fill one transaction, the largest amounts first.

    Args:
        due: who could be paid.
        spendable: what the hot account can part with, fees included.
        rate: the fee for each payment.
    """
    paid: list[Due] = []
    waiting: list[Due] = []
    left = int(spendable)
    for candidate in sorted(due, key=lambda d: (-d.amount, d.creator)):
        cost = candidate.amount + rate
        if len(paid) < SETTLEMENT_PAYMENTS_MAX and cost <= left:
            paid.append(candidate)
            left -= cost
        elif cost > left:
            waiting.append(candidate)
    return Batch(tuple(paid), tuple(waiting))
