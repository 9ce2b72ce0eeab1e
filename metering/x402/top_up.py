"""A payment that was presented, and the life of the transaction that carries it to the chain.

Nothing can be paid twice here: an agreement to a transfer has a nonce, which the network takes once
(CAP-46-11). And nothing is booked here: the transfer goes to the viewer's own number at our address
of deposits, and is credited like every payment that comes in there. So what is kept is kept to
answer a client that asks again, and to send one transaction of our account at a time.
"""

from dataclasses import dataclass, replace

from config.limits import SETTLEMENT_RESEND_MS
from metering.money import Stroops
from metering.settlement.lifecycle import Found, NotFound, can_never_apply
from metering.settlement.outbox import Outcome, SignedEnvelope, State

EXPIRED = "never_applied"
"""The code of one that no ledger took: the same agreement may be carried by another one."""


class AlreadyPresented(Exception):
    """The same agreement is under way, or was used."""


@dataclass(frozen=True, slots=True)
class TopUp:
    """One transaction. `payer` and `nonce` name the agreement that it carries."""

    id: str
    account: str
    payer: str
    nonce: int
    asset: str
    amount: Stroops
    signed: SignedEnvelope
    created_ms: int
    state: State = State.SIGNED
    sent_ms: int | None = None
    outcome: Outcome | None = None


def sent(top_up: TopUp, now_ms: int) -> TopUp:
    """It was handed to a node, whatever that said."""
    return replace(top_up, state=State.SENT, sent_ms=now_ms)


def looked(top_up: TopUp, seen: Found | NotFound) -> TopUp:
    """What a look by its hash says: it ended, or is as it was."""
    if isinstance(seen, Found):
        state = State.APPLIED if seen.successful else State.FAILED
        outcome = Outcome(seen.ledger, seen.fee_charged, seen.code)
        return replace(top_up, state=state, outcome=outcome)
    if can_never_apply(top_up.signed, seen):
        return replace(top_up, state=State.DEAD, outcome=Outcome(None, 0, EXPIRED))
    return top_up


def is_to_be_sent(top_up: TopUp, now_ms: int) -> bool:
    """Never sent, or long enough ago; asked only while it is under way."""
    return top_up.sent_ms is None or now_ms - top_up.sent_ms >= SETTLEMENT_RESEND_MS
