"""Transactions of ours that our books have forgotten: what they cost, and what they paid.

After a database was restored from an older copy, the chain has transactions that the copy does not
know. Each is asked for by its hash. Its memo is the root of a settlement's statement; where the
copy knows that settlement, planned and not paid, the transaction paid just that one. Its fee and
its sequence number are explained with it, so that they are no differences of their own.

A bid may be forgotten alone: the copy knows the settlement's envelope, and not that a higher bid
for it was sent, whose hash is another one. Both use one sequence number, so that one of them can be
applied at most: it is the settlement's own transaction, and no difference.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import Protocol

from config.limits import RECONCILE_RECALLED_MAX
from metering.reconciliation.compare import NO_SUCH_TRANSACTION
from metering.reconciliation.difference import Difference, Kind
from metering.settlement.chain import SeenTransaction
from metering.settlement.outbox import Settlement, State


class Transactions(Protocol):
    """Who is asked for transactions by their hashes; raises as `chain.Chain`."""

    async def transaction(self, hash_: str) -> SeenTransaction | None: ...


class Statements(Protocol):
    """Who knows which settlements have these roots (hex), of the newest ones."""

    async def stated(self, roots: Collection[str]) -> Mapping[str, Settlement]: ...


@dataclass(frozen=True, slots=True)
class Recalled:
    """What came of it.

    Args:
        differences: those that stay, with what is known of them now.
        over: keys of those that are none: a settlement's own transaction, under a forgotten bid.
    """

    differences: list[Difference]
    over: frozenset[str]


async def recalled(
    found: Iterable[Difference],
    known: Iterable[Difference],
    chain: Transactions,
    books: Statements,
) -> Recalled:
    """The forgotten ones among differences, with what the chain says of their transactions.

    Args:
        found: any differences.
        known: those of the pass before; nobody is asked again for what they tell.
        chain: asked for at most `RECONCILE_RECALLED_MAX` transactions, the rest waits for the next.
        books: where settlements are looked up.
    """
    forgotten = [each for each in found if each.detail == NO_SUCH_TRANSACTION]
    told = {each.key: each for each in known if each.seen is not None}
    new = [each for each in forgotten if each.key not in told]
    seen = await _seen([each.transaction for each in new], chain)
    settlements = await books.stated({each.memo for each in seen.values()} - {""})
    differences = [_as_before(each, told[each.key]) for each in forgotten if each.key in told]
    over: set[str] = set()
    for each in new:
        if each.transaction in seen:
            transaction = seen[each.transaction]
            settlement = settlements.get(transaction.memo)
            if settlement is not None and _is_own(settlement, transaction):
                over |= _over(each, settlement)
                differences += _under_way(each, settlement)
            else:
                differences.append(_explained(each, transaction, settlement))
    return Recalled(differences, frozenset(over))


def unpaid_fees(differences: Iterable[Difference], booked: Collection[str]) -> list[Difference]:
    """One difference for each transaction whose fee our books lack.

    Args:
        differences: some of them recalled.
        booked: hashes of transactions whose fee was booked when another payment of it was accepted.
    """
    by_hash = {each.transaction: each for each in differences if each.seen is not None}
    return [each for hash_, each in by_hash.items() if hash_ not in booked]


async def _seen(hashes: Sequence[str], chain: Transactions) -> dict[str, SeenTransaction]:
    found = {}
    for hash_ in islice(dict.fromkeys(hashes), RECONCILE_RECALLED_MAX):
        transaction = await chain.transaction(hash_)
        if transaction is not None:
            found[hash_] = transaction
    return found


def _as_before(difference: Difference, told: Difference) -> Difference:
    return replace(
        difference,
        detail=told.detail,
        seen=told.seen,
        settlement=told.settlement,
        payment=told.payment,
    )


def _is_own(settlement: Settlement, seen: SeenTransaction) -> bool:
    signed = settlement.signed
    if signed is None or settlement.state in (State.FAILED, State.DEAD):
        return False
    return (signed.source, signed.sequence) == (seen.source, seen.sequence)


def _over(difference: Difference, settlement: Settlement) -> set[str]:
    """Of one that our books have as applied, also that the chain does not show its payment."""
    if settlement.state != State.APPLIED:
        return set()
    return {difference.key, f"payment:{_payment(difference, settlement)}"}


def _under_way(difference: Difference, settlement: Settlement) -> list[Difference]:
    """It is looked at again until our books know how it ended."""
    if settlement.state == State.APPLIED:
        return []
    detail = f"{settlement.id} is still under way, by a bid that our books have forgotten"
    return [replace(difference, kind=Kind.LATE, detail=detail, settlement=settlement.id)]


def _explained(
    difference: Difference, seen: SeenTransaction, settlement: Settlement | None
) -> Difference:
    if settlement is None:
        return replace(difference, seen=seen)
    payment = _payment(difference, settlement)
    said = f"{NO_SUCH_TRANSACTION}; its memo is the statement of {settlement.id}"
    detail = f"{said}, and it pays {payment}" if payment else f"{said}, which pays something else"
    return replace(difference, detail=detail, seen=seen, settlement=settlement.id, payment=payment)


def _payment(difference: Difference, settlement: Settlement) -> str:
    """Which of its payments this is; nothing when it has no such one."""
    place = difference.place
    if place >= len(settlement.payments) or settlement.asset != difference.asset:
        return ""
    payment = settlement.payments[place]
    return payment.id if payment.amount == difference.on_chain else ""
