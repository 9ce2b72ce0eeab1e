"""The life of a settlement: planned, signed, sent, and then applied, failed or dead.

The danger is paying twice, or never. So:

1. The signed envelope is stored before it is sent for the first time, and never another transaction
   is signed for this settlement. Sending it again is harmless: its sequence number can be used up
   only once. What no ledger takes gets a higher bid, in an envelope that has the first one in it
   (CAP-15) and is stored just so.
2. No answer is not a no. Timeouts, lost connections and even refusals only lead to a look by hash,
   and by the hash of each bid.
3. A settlement is dead only when a node whose history reaches back to the signing does not know
   any of its hashes, and it can never apply: a ledger closed after its time bound, or the account's
   sequence number has passed it. Only then its money is free to be planned anew. One that the
   signer refused was never signed: it is dead at once.

    planned --signed--> signed --answered--> sent --found--> applied | failed
        \\--declined--\\------------------------\\--not found, rule 3--> dead

A crash anywhere leaves a stored state from which `Began` goes on.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import Enum, StrEnum, auto

from config.limits import (
    SETTLEMENT_BUMP_FACTOR,
    SETTLEMENT_BUMP_LEDGERS,
    SETTLEMENT_BUMPS_MAX,
    SETTLEMENT_FEE_RATE_MAX,
)
from metering.settlement.outbox import Settlement, SignedEnvelope, State
from metering.settlement.sending import (
    Found,
    NotFound,
    died,
    ended,
    is_due,
    later,
    looked,
    sent,
)

# With this a node says that it has better paid ones enough.
_UNDERBID = "tx_insufficient_fee"


class Action(Enum):
    """What the worker is to do next. SIGN, SEND, LOOK and CONFIRM lead to an observation."""

    SIGN = auto()
    SEND = auto()  # the last bid
    LOOK = auto()
    CONFIRM = auto()  # look once more before resting, after a refusal
    BUMP = auto()  # bid more, if that can be afforded
    REST = auto()  # come back with Began after a ledger or so
    ALARM = auto()  # rest, and tell the operator that the node's history has a gap


@dataclass(frozen=True, slots=True)
class Began:
    """The worker takes the settlement up, for the first time or again."""


@dataclass(frozen=True, slots=True)
class Signed:
    """The envelope is ready, not yet sent."""

    envelope: SignedEnvelope


@dataclass(frozen=True, slots=True)
class Declined:
    """The signer does not sign it, and never has."""

    code: str


@dataclass(frozen=True, slots=True)
class Bumped:
    """The same transaction with a higher bid, not yet sent."""

    envelope: SignedEnvelope


@dataclass(frozen=True, slots=True)
class NotBumped:
    """More is not bid now: it would be too much."""


class Answer(StrEnum):
    """How a node took an envelope."""

    ACCEPTED = "accepted"  # PENDING or DUPLICATE
    BUSY = "busy"  # TRY_AGAIN_LATER: another of this source waits, or the node is full
    REFUSED = "refused"  # an error, with a result code
    UNKNOWN = "unknown"  # no answer: it may have arrived


@dataclass(frozen=True, slots=True)
class Answered:
    """What came back from sending; `detail` is the result code or the error."""

    answer: Answer
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Unreachable:
    """The chain could not be asked, or nothing could be signed now."""


Observation = (
    Began | Signed | Declined | Bumped | NotBumped | Answered | Found | NotFound | Unreachable
)


def step(
    settlement: Settlement, observation: Observation, now_ms: int
) -> tuple[Settlement, tuple[Action, ...]]:
    """The settlement after an observation, to be stored before any of the actions is begun."""
    assert not settlement.state.final, "an ended settlement is not taken up again"
    if isinstance(observation, Unreachable):
        return settlement, (Action.REST,)
    if settlement.state == State.PLANNED:
        return _step_planned(settlement, observation)
    return _step_signed(settlement, observation, now_ms)


def _step_planned(
    settlement: Settlement, observation: Observation
) -> tuple[Settlement, tuple[Action, ...]]:
    match observation:
        case Began():
            return settlement, (Action.SIGN,)
        case Signed():
            signed = replace(settlement, state=State.SIGNED, signed=observation.envelope)
            return signed, (Action.SEND,)
        case Declined():
            return died(settlement, observation.code), ()
        case _:
            raise AssertionError(f"nothing was sent yet, but {observation}")


def _step_signed(
    settlement: Settlement, observation: Observation, now_ms: int
) -> tuple[Settlement, tuple[Action, ...]]:
    match observation:
        case Began():
            # It may have been sent before a crash, whatever the state says.
            return settlement, (Action.LOOK,)
        case Answered():
            refused = observation.answer == Answer.REFUSED
            return sent(settlement, now_ms), (Action.CONFIRM if refused else Action.REST,)
        case Bumped():
            bumps = (*settlement.bumps, observation.envelope)
            bid = replace(settlement, bumps=bumps, sent_ms=later(settlement, now_ms))
            return bid, (Action.SEND,)
        case NotBumped():
            return settlement, (Action.SEND if is_due(settlement, now_ms) else Action.REST,)
        case Found():
            return ended(settlement, observation, observation.operations), ()
        case NotFound():
            return _step_not_found(settlement, observation, now_ms)
        case _:
            raise AssertionError(f"signed already, but {observation}")


def _step_not_found(
    settlement: Settlement, observation: NotFound, now_ms: int
) -> tuple[Settlement, tuple[Action, ...]]:
    signed = settlement.signed
    assert signed is not None, "it was looked for by its hash"
    if observation.oldest_ledger > signed.ledger:
        return settlement, (Action.ALARM,)
    after = looked(settlement, observation)
    if after.state.final:
        return after, ()
    if bump_is_due(settlement, observation):
        return settlement, (Action.BUMP,)
    if observation.refusal is not None or not is_due(settlement, now_ms):
        return settlement, (Action.REST,)
    return settlement, (Action.SEND,)


def bump_is_due(settlement: Settlement, observation: NotFound) -> bool:
    """Whether ledgers closed without it that could have taken it, or the node wants more for it."""
    latest = settlement.latest
    if latest is None or len(settlement.bumps) >= SETTLEMENT_BUMPS_MAX:
        return False
    if observation.refusal is not None:
        return observation.refusal.startswith(_UNDERBID)
    waited = observation.latest_ledger - latest.ledger
    return settlement.state == State.SENT and waited >= SETTLEMENT_BUMP_LEDGERS


def bump_rate(settlement: Settlement, p80: int) -> int | None:
    """Stroops an operation to bid next; None when that is more than we ever bid."""
    latest = settlement.latest
    assert latest is not None, "only what was signed is bid for again"
    # A bump counts as an operation more.
    operations = len(settlement.payments) + (1 if settlement.bumps else 0)
    # Rounded up: a node takes a replacement that bids ten times as much for each operation.
    enough = -(-latest.fee * SETTLEMENT_BUMP_FACTOR // operations)
    rate = max(enough, min(p80, SETTLEMENT_FEE_RATE_MAX))
    return rate if rate <= SETTLEMENT_FEE_RATE_MAX else None


def together(looks: Sequence[NotFound]) -> NotFound:
    """What it means that none of a settlement's hashes was found, asked in this order.

    Each is unknown as of its own look. The sequence number was read first, so that what used it up
    was part of all that was asked later, if no node after that was behind.
    """
    first = looks[0]
    behind = any(look.latest_ledger < first.latest_ledger for look in looks)
    return NotFound(
        latest_ledger=min(look.latest_ledger for look in looks),
        latest_close_time=min(look.latest_close_time for look in looks),
        oldest_ledger=max(look.oldest_ledger for look in looks),
        source_sequence=None if behind else first.source_sequence,
        refusal=first.refusal,
    )
