"""The life of one signed envelope: it is sent, always the same, until it is seen or dead.

    signed --handed to a node--> sent --found--> applied | failed
        \\-----------------------\\--not found, and it never can be--> dead

It is stored before it is handed over, and sending it again is harmless: its sequence number can be
used up only once. What a node says to it is never a no, it only leads to a look by hash.
Settlements (`lifecycle`), collections and top-ups live so; what else may become of one is for each
of them.
"""

from dataclasses import dataclass, replace
from typing import Any, ClassVar, Protocol

from config.limits import SETTLEMENT_RESEND_MS
from metering.settlement.outbox import Outcome, SignedEnvelope, State


class Kept(Protocol):
    """A frozen dataclass that is stored with its envelope."""

    __dataclass_fields__: ClassVar[dict[str, Any]]

    @property
    def signed(self) -> SignedEnvelope | None: ...
    @property
    def state(self) -> State: ...
    @property
    def sent_ms(self) -> int | None: ...
    @property
    def outcome(self) -> Outcome | None: ...


@dataclass(frozen=True, slots=True)
class Found:
    """The transaction is part of a ledger."""

    successful: bool
    ledger: int
    fee_charged: int
    code: str
    operations: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class NotFound:
    """A node does not know the hash, as of its ledger `latest_ledger`.

    `source_sequence` was read at that ledger or an earlier one; None when it was not read.
    `refusal` is what it was refused for, when that was asked.
    """

    latest_ledger: int
    latest_close_time: int
    oldest_ledger: int
    source_sequence: int | None
    refusal: str | None = None


def sent[Each: Kept](kept: Each, now_ms: int) -> Each:
    """It was handed to a node, whatever that said."""
    return replace(kept, state=State.SENT, sent_ms=later(kept, now_ms))


def is_due(kept: Kept, now_ms: int) -> bool:
    """Never sent, or sent long enough ago to be sent again; of one that was just not found."""
    return kept.sent_ms is None or now_ms - kept.sent_ms >= SETTLEMENT_RESEND_MS


def later(kept: Kept, now_ms: int) -> int:
    """Now, and never what it was before: by it a step is told from the next."""
    return now_ms if kept.sent_ms is None else max(now_ms, kept.sent_ms + 1)


def looked[Each: Kept](
    kept: Each, seen: Found | NotFound, *, even_if_forgotten: bool = False
) -> Each:
    """What a look by its hash says: it ended, or is as it was.

    Args:
        kept: of which the envelope was looked for.
        seen: the answer.
        even_if_forgotten: it is dead also where the node's history does not reach back to it: only
            for what cannot be paid twice, if it was applied after all.
    """
    if isinstance(seen, Found):
        return ended(kept, seen)
    signed = kept.signed
    assert signed is not None, "only what was signed is looked for"
    covered = seen.oldest_ledger <= signed.ledger
    death = _death(signed, seen) if covered or even_if_forgotten else None
    return kept if death is None else died(kept, death)


def ended[Each: Kept](kept: Each, found: Found, operations: tuple[str, ...] = ()) -> Each:
    """It is part of a ledger; `operations` has a code for each payment, where there are several."""
    outcome = Outcome(found.ledger, found.fee_charged, found.code, operations)
    state = State.APPLIED if found.successful else State.FAILED
    return replace(kept, state=state, outcome=outcome)


def died[Each: Kept](kept: Each, code: str) -> Each:
    """It never was part of a ledger, and never will be."""
    return replace(kept, state=State.DEAD, outcome=Outcome(None, 0, code))


def _death(signed: SignedEnvelope, seen: NotFound) -> str | None:
    """A ledger closed after its time bound, or another transaction used its sequence number."""
    if seen.latest_close_time > signed.max_time:
        return "expired"
    if seen.source_sequence is not None and seen.source_sequence >= signed.sequence:
        return "sequence_used"
    return None
