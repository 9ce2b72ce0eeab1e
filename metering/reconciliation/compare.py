"""Finds what chain, journal and outbox do not agree about; knows nothing of where that comes from.

What is a few seconds old is not there yet in all three: it is looked at again, and only after a
while it counts as late, and then as missing. There is one exception. A transaction of our own that
the outbox does not know is missing at once: an envelope is stored before it is sent first.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from config.limits import RECONCILE_LATE_SECONDS, RECONCILE_MISSING_SECONDS
from metering.money import NATIVE
from metering.reconciliation.difference import Difference, Kind
from metering.reconciliation.evidence import (
    Books,
    Evidence,
    Line,
    Moment,
    Movement,
    Posted,
    Settled,
    Suspended,
)
from metering.settlement.chain import Snapshot
from metering.settlement.outbox import State

NO_SUCH_TRANSACTION = "our outbox has no such transaction"
"""What is said of a payment of ours that nothing in our books is about."""

# An account begins with the number of its ledger, shifted by 32 bits (Stellar-ledger-entries.x).
# What is below counts its transactions.
USED = (1 << 32) - 1


@dataclass(frozen=True, slots=True)
class Unbooked:
    """How much of a movement our books lack."""

    movement: Movement
    key: str
    amount: int


@dataclass(frozen=True, slots=True)
class Found:
    """What came of a look at some ledgers.

    Args:
        differences: what is wrong.
        unbooked: what the chain moved and our books did not, also where it is too early to say.
        again_from: the oldest ledger that has to be looked at again; None: none has.
    """

    differences: tuple[Difference, ...]
    unbooked: tuple[Unbooked, ...]
    again_from: int | None


def compare(evidence: Evidence, ours: frozenset[str], tip: Moment) -> Found:
    """Look at some ledgers from all three sides.

    Args:
        evidence: what each says of them.
        ours: addresses whose money is in our books.
        tip: how far the chain is.
    """
    verdicts = [(each, _of_movement(each, evidence, ours, tip)) for each in evidence.movements]
    unbooked = [_unbooked(each, verdict) for each, verdict in verdicts if verdict is not None]
    differences = [verdict for _, verdict in verdicts if isinstance(verdict, Difference)]
    differences += _not_on_chain(evidence)
    waiting = [verdict for _, verdict in verdicts if isinstance(verdict, int)]
    late = [each.ledger for each in differences if each.kind == Kind.LATE]
    return Found(tuple(differences), tuple(unbooked), min([*waiting, *late], default=None))


def _unbooked(movement: Movement, verdict: Difference | int) -> Unbooked:
    booked = verdict.in_ledger or 0 if isinstance(verdict, Difference) else 0
    return Unbooked(movement, _key(movement), movement.amount - booked)


def _key(movement: Movement) -> str:
    return f"event:{movement.event}"


# --- what the chain shows -------------------------------------------------------------------------


def _of_movement(
    movement: Movement, evidence: Evidence, ours: frozenset[str], tip: Moment
) -> Difference | int | None:
    """What is wrong with it; or its ledger when it is too early to say."""
    settled = _settled_by(movement.transaction, evidence.settled)
    if settled is not None:
        return _of_settlement(movement, settled, tip)
    taken = {each.event: each for each in evidence.taken}.get(movement.event)
    if taken is not None:
        return _of_taken(movement, taken.amount, taken.posted)
    if not evidence.collected.get(movement.transaction, True):
        return _not_yet(movement, tip, "this collection is still under way", Kind.LATE)
    if movement.transaction in evidence.collected or movement.source in evidence.contracts:
        return None
    if movement.source in ours and movement.destination not in ours:
        return _differs(movement, Kind.MISSING_IN_LEDGER, NO_SUCH_TRANSACTION)
    return _not_yet(movement, tip, "nobody booked what came in")


def _settled_by(transaction: str, settled: Iterable[Settled]) -> Settled | None:
    return next((each for each in settled if transaction in each.hashes), None)


def _of_taken(movement: Movement, amount: int, posted: int | None) -> Difference | None:
    if posted is None:
        return _differs(movement, Kind.MISSING_IN_LEDGER, "it was taken, and no entry moved it")
    if not movement.amount == amount == posted:
        return _differs(movement, Kind.AMOUNT, "another amount was booked", posted)
    return None


def _of_settlement(movement: Movement, settled: Settled, tip: Moment) -> Difference | int | None:
    if not settled.state.final:
        return _not_yet(movement, tip, f"{settled.id} is still under way", Kind.LATE)
    if settled.state != State.APPLIED:
        detail = f"{settled.id} is {settled.state}, and the chain applied it"
        return _differs(movement, Kind.MISSING_IN_LEDGER, detail)
    if movement.place >= len(settled.lines):
        return _differs(movement, Kind.MISSING_IN_LEDGER, f"{settled.id} has no such payment")
    line = settled.lines[movement.place]
    if line.posted is None:
        detail = f"{line.id} was applied, and no entry moved it"
        return _differs(movement, Kind.MISSING_IN_LEDGER, detail)
    address = movement.destination if line.alone else line.address
    due = (line.amount, settled.asset, address)
    if (movement.amount, movement.asset, movement.destination) != due or line.posted != due[0]:
        detail = f"{line.id} is of {line.amount} to {line.address}"
        return _differs(movement, Kind.AMOUNT, detail, line.posted)
    return None


def _not_yet(
    movement: Movement, tip: Moment, detail: str, in_the_end: Kind = Kind.MISSING_IN_LEDGER
) -> Difference | int:
    age = tip.close_time - movement.closed_at
    if age < RECONCILE_LATE_SECONDS:
        return movement.ledger
    kind = Kind.LATE if age < RECONCILE_MISSING_SECONDS else in_the_end
    return _differs(movement, kind, detail)


def _differs(
    movement: Movement, kind: Kind, detail: str, in_ledger: int | None = None
) -> Difference:
    return Difference(
        key=_key(movement),
        kind=kind,
        about=movement.event,
        detail=detail,
        ledger=movement.ledger,
        asset=movement.asset,
        on_chain=movement.amount,
        in_ledger=in_ledger,
        transaction=movement.transaction,
        source=movement.source,
        destination=movement.destination,
    )


# --- what our books say ---------------------------------------------------------------------------


def _not_on_chain(evidence: Evidence) -> Iterator[Difference]:
    events = {movement.event for movement in evidence.movements}
    for taken in evidence.taken:
        if taken.event not in events:
            yield Difference(
                key=f"event:{taken.event}",
                kind=Kind.MISSING_ON_CHAIN,
                about=taken.event,
                detail="it was booked, and the chain does not show it",
                ledger=taken.ledger,
                asset=taken.asset,
                in_ledger=taken.amount,
                transaction=taken.event.partition(":")[0],
            )
    for settled in evidence.settled:
        if settled.state == State.APPLIED:
            yield from _unpaid(settled, events)


def _unpaid(settled: Settled, events: set[str]) -> Iterator[Difference]:
    for place, line in enumerate(settled.lines):
        shown = any(f"{hash_}:{place}" in events for hash_ in settled.hashes)
        if not shown and not (line.alone and settled.confirmed):
            yield _unpaid_line(settled, line)


def _unpaid_line(settled: Settled, line: Line) -> Difference:
    return Difference(
        key=f"payment:{line.id}",
        kind=Kind.MISSING_ON_CHAIN,
        about=line.id,
        detail=f"{settled.id} was applied by our books, and the chain does not show this payment",
        ledger=settled.ledger or 0,
        asset=settled.asset,
        in_ledger=line.amount,
        transaction=min(settled.hashes, default=""),
        destination=line.address,
    )


def of_entries(posted: Iterable[Posted], tip: Moment) -> list[Difference]:
    """Entries of the journal that say that something happened on the chain."""
    return [
        Difference(
            key=f"entry:{each.id}",
            kind=Kind.MISSING_ON_CHAIN,
            about=each.id,
            detail=f"an entry of {each.account} that no payment, settlement or channel explains",
            ledger=tip.ledger,
            asset=each.asset,
            in_ledger=each.amount,
        )
        for each in posted
    ]


def of_suspense(suspended: Iterable[Suspended]) -> list[Difference]:
    """What waits for the operator."""
    return [
        Difference(
            key=f"suspense:{each.event}",
            kind=Kind.SUSPENSE,
            about=each.event,
            detail=f"for nobody known: {each.reason}",
            ledger=each.ledger,
            asset=each.asset,
            on_chain=each.amount,
            in_ledger=each.amount,
            transaction=each.transaction,
            source=each.source,
        )
        for each in suspended
    ]


def of_overdue(settled: Iterable[Settled], tip: Moment) -> list[Difference]:
    """Settlements that can have ended long ago, and have not in our books."""
    return [
        Difference(
            key=f"settlement:{each.id}",
            kind=Kind.LATE,
            about=each.id,
            detail=f"still {each.state}, although its time was over at {each.max_time}",
            ledger=tip.ledger,
            asset=each.asset,
            in_ledger=sum(line.amount for line in each.lines),
            transaction=min(each.hashes, default=""),
        )
        for each in settled
        if each.max_time + RECONCILE_LATE_SECONDS < tip.close_time
    ]


# --- accounts -------------------------------------------------------------------------------------


def of_balances(
    snapshot: Snapshot, books: Books, accounts: dict[tuple[str, str], str]
) -> list[Difference]:
    """What accounts hold beyond or below what our books explain.

    Args:
        snapshot: of the chain.
        books: of ours, read after it.
        accounts: the ledger's account for each address and asset.
    """
    return [
        difference
        for (address, asset), account in accounts.items()
        if (difference := _of_balance(snapshot, books, (address, asset), account)) is not None
    ]


def _of_balance(
    snapshot: Snapshot, books: Books, place: tuple[str, str], account: str
) -> Difference | None:
    held = snapshot.held.get(place, 0)
    booked = books.ahead.get(account, 0) - books.balances.get(account, 0)
    expected = booked + books.unbooked.get(place, 0)
    fees = books.fees.get(place[0], 0) if place[1] == NATIVE else 0
    if expected - fees <= held <= expected:
        return None
    return Difference(
        key=f"balance:{account}",
        kind=Kind.AMOUNT,
        about=account,
        detail=f"{place[0]} holds {held - expected:+} stroops that nothing explains",
        ledger=snapshot.ledger,
        asset=place[1],
        on_chain=held,
        in_ledger=expected,
    )


def of_sequences(snapshot: Snapshot, known: dict[str, int]) -> list[Difference]:
    """Accounts that made transactions which nobody here knows of.

    Args:
        snapshot: of the chain.
        known: the highest sequence number of each account that we used, read after it.
    """
    return [
        Difference(
            key=f"sequence:{address}",
            kind=Kind.MISSING_IN_LEDGER,
            about=address,
            detail=f"its sequence number is {sequence}, and we used {known[address]} at most",
            ledger=snapshot.ledger,
            on_chain=sequence,
            in_ledger=known[address],
        )
        for address, sequence in snapshot.sequences.items()
        if address in known and sequence > known[address] and sequence & USED
    ]
