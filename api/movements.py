"""What an account did with its money, folded: a session is one movement, and so is a payout."""

from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple, Protocol

from api.wire import timestamp
from metering.money import Stroops, format_amount


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a part of a session's amount was moved: `charge` or `refund`; or was not: `waived`.

    Attributes:
        reason: in one word, for a machine: `watched`, what the refund's id says, or `lost`: the
            server has lost pictures or sound, and what they were missing in cost nothing.
        seconds: of media that a charge is for.
    """

    type: str
    reason: str
    amount: Stroops
    at: datetime | None = None
    seconds: int | None = None


@dataclass(frozen=True, slots=True)
class Movement:
    """One line of a history.

    Attributes:
        kind: `watched` and `earned` are sessions, `payout`, `withdrawal` and `deposit` what they
            say; others are the causes of transfers, such as `pass` and `pass_sold`.
        reference: the session, the payout, the withdrawal, the pass, or the transfer.
        amount: in stroops; below zero it went out.
        at: when it began.
        held: in stroops, reserved for media of an open session; not in `amount`.
        state: of a payout or a withdrawal, or `open` or `closed`.
    """

    kind: str
    reference: str
    asset: str
    amount: int
    at: datetime
    ended_at: datetime | None = None
    state: str | None = None
    content_id: str | None = None
    title: str | None = None
    held: int = 0
    transaction_hash: str | None = None
    reasons: tuple[Reason, ...] = ()


class Cursor(NamedTuple):
    """How far a history was read: sessions and other transfers have an order each.

    Attributes:
        session: the id of the last session that was given out.
        transfer: twice the position of the last transfer, and one more when it came in.
    """

    session: str
    transfer: int


FROM_THE_NEWEST = Cursor("ses_~", 2**62)


class Refunds(Protocol):
    """Where what was given back is looked up."""

    async def refunds_of(self, session_id: str) -> list[Reason]:
        """What was given back of a session, in order."""


_KINDS = {
    "fund": "deposit",
    "payout_planned": "payout",
    "suspense_assigned": "deposit",
    "withdrawal_requested": "withdrawal",
    "withdrawal_refused": "withdrawal_returned",
}


def kind_of(cause: str) -> str:
    """What people call a transfer that is not of a session."""
    return _KINDS.get(cause, cause)


def refund_reason(transfer_id: str) -> str:
    """The word behind `ses_…:refund:` in a transfer's id, unless that is just a number."""
    word = transfer_id.split(":")[-1] if transfer_id.count(":") > 1 else ""
    return "refund" if not word or word.isdigit() else word


def reason_json(reason: Reason) -> dict[str, object]:
    """Why a part of a session's amount was charged or given back."""
    return {
        "type": reason.type,
        "reason": reason.reason,
        "amount": format_amount(reason.amount),
        "at": None if reason.at is None else timestamp(reason.at),
        "seconds": reason.seconds,
    }
