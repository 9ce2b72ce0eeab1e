"""What is signed: what was planned, soon to be applied, and no more in a day than the caps say.

All that comes from the database is doubted here. Whoever got hold of the server may write any plan,
so that what protects the money is the sum of a day; and nothing that is planned may make the
transaction another one than it looks like, or its sum less than it is.
"""

from collections.abc import Container, Mapping
from dataclasses import dataclass

from config.limits import (
    SETTLEMENT_FEE_RATE_MAX,
    SETTLEMENT_PAYMENTS_MAX,
    SIGNER_AHEAD_SECONDS_MAX,
    SIGNER_SETTLEMENTS_PER_DAY_MAX,
)
from metering.money import NATIVE, STROOPS_MAX
from metering.settlement.outbox import Kind, Payment, Settlement
from metering.settlement.signer import Reason, Refused, SigningOrder
from metering.signer.register import Entry, Spent

_SEQUENCE_MAX = 2**63 - 1
# A ClaimableBalanceID: its version, which is 0, and a hash.
_BALANCE_VERSION = bytes(4)
_BALANCE_BYTES = 36


@dataclass(frozen=True, slots=True)
class Rules:
    """How much may be signed within a day.

    Args:
        daily_caps: in stroops, by asset. Of other assets nothing is paid.
        fees: in stroops of lumens.
        settlements: how many.
    """

    daily_caps: Mapping[str, int]
    fees: int
    settlements: int = SIGNER_SETTLEMENTS_PER_DAY_MAX


def outflow(settlement: Settlement, ours: Container[str]) -> int:
    """How much leaves our accounts: all but what goes to one of ours, or comes back."""
    return sum(p.amount for p in settlement.payments if not _stays(p, ours))


def check_planned(source: str, settlement: Settlement | None, ours: Container[str]) -> Settlement:
    """What was planned, if it is under way and a transaction can say it.

    Args:
        source: whose sequence number is to be used.
        settlement: what was planned under the id of an order; None when nothing was.
        ours: the accounts whose keys there are.

    Raises:
        Refused: it is not.
    """
    if settlement is None:
        raise Refused(Reason.UNKNOWN)
    if settlement.state.final:
        raise Refused(Reason.ENDED, settlement.state.value)
    if source != settlement.source or source not in ours:
        raise Refused(Reason.FOREIGN_SOURCE, source)
    if not 0 < len(settlement.payments) <= SETTLEMENT_PAYMENTS_MAX:
        raise Refused(Reason.MALFORMED, f"{len(settlement.payments)} payments")
    if len(settlement.payments) > 1 and any(p.memo is not None for p in settlement.payments):
        raise Refused(Reason.MALFORMED, "a memo of one of several payments")
    for payment in settlement.payments:
        if not _is_sound(payment, settlement.asset):
            raise Refused(Reason.MALFORMED, payment.id)
    return settlement


def check_allowed(
    order: SigningOrder, settlement: Settlement, rules: Rules, spent: Spent, ours: Container[str]
) -> None:
    """Whether one that was not signed yet may be.

    Args:
        order: what is asked for.
        settlement: passed `check_planned`.
        rules: the caps.
        spent: what was signed within a day.
        ours: the accounts whose keys there are.

    Raises:
        Refused: no; some of its reasons pass.
    """
    if not 0 < order.sequence <= _SEQUENCE_MAX or order.ledger < 0:
        raise Refused(Reason.MALFORMED, f"sequence {order.sequence}")
    if not 0 < settlement.fee_max <= SETTLEMENT_FEE_RATE_MAX * len(settlement.payments):
        raise Refused(Reason.FEE_TOO_HIGH, str(settlement.fee_max))
    leaving, asset = outflow(settlement, ours), settlement.asset
    cap = rules.daily_caps.get(asset, 0)
    if asset not in rules.daily_caps and (asset != NATIVE or leaving > 0):
        raise Refused(Reason.FOREIGN_ASSET, asset)
    if spent.by_asset.get(asset, 0) + leaving > cap:
        raise Refused(Reason.DAILY_CAP, f"{leaving} more than {cap} allow")
    if spent.fees + settlement.fee_max > rules.fees or spent.settlements >= rules.settlements:
        raise Refused(Reason.DAILY_CAP, "fees or settlements of a day")


def check_time(max_time: int, now_ms: int) -> None:
    """Whether a transaction can only be applied soon.

    Raises:
        Refused: no.
    """
    if not 0 < max_time <= now_ms // 1000 + SIGNER_AHEAD_SECONDS_MAX:
        raise Refused(Reason.TOO_LATE, f"by {max_time}")


def check_bump(entry: Entry, operations: int, fee: int, rules: Rules, spent: Spent) -> None:
    """Whether so much may be bid for a transaction that was signed.

    Args:
        entry: how it was signed.
        operations: how many it has; a bump counts as one more.
        fee: for all of them, in stroops.
        rules: the caps.
        spent: what was signed within a day, this one included.

    Raises:
        Refused: no.
    """
    if not 0 < fee <= SETTLEMENT_FEE_RATE_MAX * (operations + 1):
        raise Refused(Reason.FEE_TOO_HIGH, str(fee))
    if spent.fees + max(0, fee - entry.fee) > rules.fees:
        raise Refused(Reason.DAILY_CAP, "fees of a day")


def _stays(payment: Payment, ours: Container[str]) -> bool:
    if payment.kind == Kind.RECLAIM:
        return True
    return payment.address in ours and not payment.claimable


def _is_sound(payment: Payment, asset: str) -> bool:
    """Whether it is of the sort whose amount is what it costs. Its address is read when built."""
    if not 0 < payment.amount <= STROOPS_MAX:
        return False
    if payment.kind == Kind.OPEN:  # what makes an account is always paid in lumens
        return asset == NATIVE and not payment.claimable
    if payment.kind == Kind.RECLAIM:  # goes into the transaction as it is
        return _is_balance_id(payment.address) and not payment.claimable
    return True


def _is_balance_id(text: str) -> bool:
    try:
        id_ = bytes.fromhex(text)
    except ValueError:
        return False
    return len(id_) == _BALANCE_BYTES and id_.startswith(_BALANCE_VERSION)
