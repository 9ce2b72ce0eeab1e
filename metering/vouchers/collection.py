"""A transaction that asks a contract to pay what was signed for, and how its life goes on.

Here nothing can be paid twice: the contract pays the difference to what it paid before, and what it
paid is booked by its own word (`payment_channel.see`). So a collection is no more than a signed
envelope (`settlement.sending`), and is given up also where no node can tell any more whether it was
applied. What remains to be collected is then asked for by another one.
"""

from dataclasses import dataclass

from metering.settlement import sending
from metering.settlement.outbox import Outcome, SignedEnvelope, State
from metering.settlement.sending import Found, NotFound
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


def looked(collection: Collection, seen: Found | NotFound) -> Collection:
    """What a look by its hash says: it ended, or is as it was."""
    return sending.looked(collection, seen, even_if_forgotten=True)
