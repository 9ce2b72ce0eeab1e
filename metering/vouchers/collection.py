"""A transaction that asks a contract to pay what was signed for, and how its life goes on.

Here nothing can be paid twice: the contract pays the difference to what it paid before, and what it
paid is booked by its own word (`payment_channel.see`). So a collection is simpler than a settlement
(`settlement.lifecycle`): it is stored signed before it is sent, sent again as it is, and given up
when it can never apply, because a ledger closed after its time or its sequence number was used.
What remains to be collected is then asked for by another one.
"""

from dataclasses import dataclass, replace

from config.limits import SETTLEMENT_RESEND_MS
from metering.settlement.lifecycle import Found, NotFound
from metering.settlement.outbox import Outcome, SignedEnvelope, State
from metering.signer.collecting import Verb


@dataclass(frozen=True, slots=True)
class Collection:
    """One envelope. `amount` is the cumulative sum, in stroops, of the voucher that it is for."""

    id: str
    contract: str
    verb: Verb
    amount: int
    signed: SignedEnvelope
    created_ms: int
    state: State = State.SIGNED
    sent_ms: int | None = None
    outcome: Outcome | None = None


def sent(collection: Collection, now_ms: int) -> Collection:
    """It was handed to a node, whatever that said: also a refusal only leads to another look."""
    return replace(collection, state=State.SENT, sent_ms=now_ms)


def looked(collection: Collection, seen: Found | NotFound) -> Collection:
    """What a look by its hash says: it ended, or is as it was."""
    if isinstance(seen, Found):
        state = State.APPLIED if seen.successful else State.FAILED
        outcome = Outcome(seen.ledger, seen.fee_charged, seen.code, seen.operations)
        return replace(collection, state=state, outcome=outcome)
    death = _death(collection.signed, seen)
    if death is None:
        return collection
    return replace(collection, state=State.DEAD, outcome=Outcome(None, 0, death))


def is_to_be_sent(collection: Collection, now_ms: int) -> bool:
    """Never sent, or long enough ago; only of one that a node was just asked for in vain."""
    if collection.state.final:
        return False
    return collection.sent_ms is None or now_ms - collection.sent_ms >= SETTLEMENT_RESEND_MS


def _death(signed: SignedEnvelope, seen: NotFound) -> str | None:
    if seen.latest_close_time > signed.max_time:
        return "expired"
    if seen.source_sequence is not None and seen.source_sequence >= signed.sequence:
        return "sequence_used"
    return None
