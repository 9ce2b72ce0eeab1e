"""A payment that was presented, and the life of the transaction that carries it to the chain.

Nothing can be paid twice here: an agreement to a transfer has a nonce, which the network takes once
(CAP-46-11). And nothing is booked here: the transfer goes to the viewer's own number at our address
of deposits, and is credited like every payment that comes in there. So what is kept is kept to
answer a client that asks again, and to send one transaction of our account at a time. It lives as
every signed envelope does (`settlement.sending`).
"""

from dataclasses import dataclass

from metering.money import Stroops
from metering.settlement import sending
from metering.settlement.outbox import Outcome, SignedEnvelope, State
from metering.settlement.sending import Found, NotFound


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


def looked(top_up: TopUp, seen: Found | NotFound) -> TopUp:
    """What a look by its hash says: it ended, or is as it was.

    One that no node can tell of any more is given up: if it was applied after all, it was credited,
    and who carries its agreement again is refused by the network.
    """
    return sending.looked(top_up, seen, even_if_forgotten=True)
