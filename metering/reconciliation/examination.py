"""One look at everything that may differ."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from config.limits import RECONCILE_LEDGERS_AT_ONCE, SETTLEMENT_FEE_RATE_MAX
from metering.money import NATIVE
from metering.reconciliation.addresses import Ours
from metering.reconciliation.books_postgres import PostgresBooks
from metering.reconciliation.compare import (
    USED,
    Unbooked,
    compare,
    of_balances,
    of_entries,
    of_overdue,
    of_sequences,
    of_suspense,
)
from metering.reconciliation.difference import Difference
from metering.reconciliation.evidence import Books, Evidence, Moment, Settled
from metering.reconciliation.forgotten import Transactions, recalled, unpaid_fees
from metering.reconciliation.store import Open, Progress
from metering.settlement.chain import SeenTransaction, Snapshot, Tip
from metering.settlement.outbox import SignedEnvelope, State
from metering.settlement.sending import Found, NotFound

# How keys of differences begin that are about payments, which belong to a ledger.
_OF_LEDGERS = ("event:", "payment:")


class Looking(Transactions, Protocol):
    """Whoever looks for transactions by their hashes: for ours, and for any."""

    async def look(self, envelope: SignedEnvelope) -> Found | NotFound: ...


class Acceptances(Protocol):
    """Whoever knows what somebody accepted."""

    async def accepted(self, keys: Sequence[str]) -> frozenset[str]: ...


@dataclass(frozen=True, slots=True)
class Examination:
    """What it came to.

    Args:
        differences: by key; none that was accepted.
        checked: keys that were looked at: those of them that are not there are over.
        progress: up to where nothing has to be looked at again.
        covered: up to which ledger everything was looked at.
        snapshot: which balances were compared, if any.
    """

    differences: dict[str, Difference]
    checked: frozenset[str]
    progress: Progress
    covered: int
    snapshot: Snapshot | None


@dataclass(slots=True)
class _Look:
    """What was found by now."""

    differences: dict[str, Difference]
    unbooked: dict[str, Unbooked]
    again_from: int | None = None

    def add(self, found: Iterable[Difference]) -> None:
        self.differences |= {each.key: each for each in found}


class Examiner:
    """Looks at ledgers, entries, balances and sequence numbers; keeps nothing."""

    def __init__(
        self, chain: Looking, ours: Ours, books: PostgresBooks, acceptances: Acceptances
    ) -> None:
        self._chain = chain
        self._ours = ours
        self._books = books
        self._acceptances = acceptances

    async def examine(
        self,
        progress: Progress,
        covered: int,
        tip: Tip,
        snapshot: Snapshot | None,
        known: Sequence[Open],
    ) -> Examination:
        """Look at what is new, and again at what was wrong before.

        Args:
            progress: what was looked at for good.
            covered: up to which ledger the chain was read.
            tip: how far the chain is.
            snapshot: of accounts, not newer than `covered`.
            known: what was wrong before.
        """
        moment = Moment(tip.ledger, tip.close_time)
        look = _Look({}, {})
        for after, until in _slices(progress.ledger, covered, known):
            await self._ledgers(look, after, until, moment)
        position = await self._entries(look, progress, moment, known)
        look.add(of_suspense(await self._books.suspended()))
        under_way = await self._books.under_way()
        look.add(of_overdue(under_way, moment))
        await self._settle_on(look, known)
        if snapshot is not None:
            await self._accounts(look, snapshot, under_way)
        clean = covered if look.again_from is None else min(covered, look.again_from - 1)
        return Examination(
            differences=look.differences,
            checked=_checked(known, balances=snapshot is not None),
            progress=Progress(max(progress.ledger, clean), position),
            covered=covered,
            snapshot=snapshot,
        )

    async def ledgers(self, after: int, until: int, tip: Tip) -> dict[str, Difference]:
        """Look at some ledgers only: those behind `after`, up to and with `until`."""
        look = _Look({}, {})
        for piece in _pieces(after, until):
            await self._ledgers(look, *piece, Moment(tip.ledger, tip.close_time))
        await self._settle_on(look, ())
        return look.differences

    async def _settle_on(self, look: _Look, known: Sequence[Open]) -> None:
        """What was accepted is left out, and what was forgotten is recalled."""
        for key in await self._acceptances.accepted(list(look.differences)):
            look.differences.pop(key)
            look.unbooked.pop(key, None)
        before = [each.difference for each in known]
        found = list(look.differences.values())
        memories = await recalled(found, before, self._chain, self._books)
        look.add(memories.differences)
        for key in memories.over:
            look.differences.pop(key, None)
            look.unbooked.pop(key, None)

    async def _ledgers(self, look: _Look, after: int, until: int, moment: Moment) -> None:
        evidence = await self._confirmed(await self._books.evidence(after, until))
        found = compare(evidence, frozenset(self._ours.all), moment)
        look.add(found.differences)
        look.unbooked |= {each.key: each for each in found.unbooked}
        if found.again_from is not None:
            earlier = (found.again_from, look.again_from)
            look.again_from = min(each for each in earlier if each is not None)

    async def _confirmed(self, evidence: Evidence) -> Evidence:
        """Asks the node for settlements with payments that a feed may not tell."""
        events = {movement.event for movement in evidence.movements}
        settled = tuple(
            [
                replace(each, confirmed=await self._is_applied(each))
                if _is_doubtful(each, events)
                else each
                for each in evidence.settled
            ]
        )
        return replace(evidence, settled=settled)

    async def _is_applied(self, settled: Settled) -> bool:
        seen = await self._chain.look(_envelope(settled))
        return isinstance(seen, Found) and seen.successful

    async def _entries(
        self, look: _Look, progress: Progress, moment: Moment, known: Sequence[Open]
    ) -> int:
        sealed, _ = await self._books.sealed()
        ids = [each.difference.about for each in known if each.difference.key.startswith("entry:")]
        until = max(sealed, progress.position)
        look.add(of_entries(await self._books.unexplained(progress.position, until, ids), moment))
        return until

    async def _accounts(
        self, look: _Look, snapshot: Snapshot, under_way: Sequence[Settled]
    ) -> None:
        fees = await self._fees(snapshot, under_way)
        forgotten = await self._forgotten(look, snapshot)
        balances, ahead = await self._books.balances(snapshot.ledger)
        unbooked: defaultdict[tuple[str, str], int] = defaultdict(int)
        for each in look.unbooked.values():
            movement = each.movement
            if movement.ledger <= snapshot.ledger:
                unbooked[movement.destination, movement.asset] += each.amount
                unbooked[movement.source, movement.asset] -= each.amount
        for address, fee in [*fees, *((each.payer, each.fee) for each in forgotten)]:
            unbooked[address, NATIVE] -= fee
        books = Books(balances, ahead, unbooked, self._operators_fees(snapshot))
        look.add(of_balances(snapshot, books, self._ours.accounts))
        sequences = await self._books.sequences(self._ours.signed)
        for seen in forgotten:
            sequences[seen.source] = max(seen.sequence, sequences.get(seen.source, 0))
        look.add(of_sequences(snapshot, sequences))

    async def _forgotten(self, look: _Look, snapshot: Snapshot) -> list[SeenTransaction]:
        """Transactions that the chain had by then and our books have forgotten, each once."""
        recalled_ = [each for each in look.differences.values() if each.ledger <= snapshot.ledger]
        hashes = [each.transaction for each in recalled_ if each.seen is not None]
        booked = await self._books.fees_booked(hashes) if hashes else ()
        return [each.seen for each in unpaid_fees(recalled_, booked) if each.seen is not None]

    def _operators_fees(self, snapshot: Snapshot) -> dict[str, int]:
        """The operator signs alone for another address of deposits: what is moved from there shows
        as payments, and the fees of that do not. Sequence numbers count from an account's first.
        """
        deposit = self._ours.deposit
        if deposit in self._ours.signed:
            return {}
        transactions = snapshot.sequences.get(deposit, 0) & USED
        return {deposit: transactions * SETTLEMENT_FEE_RATE_MAX}

    async def _fees(
        self, snapshot: Snapshot, under_way: Sequence[Settled]
    ) -> list[tuple[str, int]]:
        """What the network took for transactions whose end our books do not know yet."""
        taken = []
        for settled in under_way:
            seen = await self._chain.look(_envelope(settled))
            if isinstance(seen, Found) and seen.ledger <= snapshot.ledger:
                bumped = seen.code.startswith("tx_fee_bump")
                taken.append((self._ours.hot if bumped else settled.source, seen.fee_charged))
        return taken


def _slices(after: int, until: int, known: Sequence[Open]) -> list[tuple[int, int]]:
    """What is new, and the single ledgers of what was wrong before."""
    ledgers = {
        each.difference.ledger
        for each in known
        if each.difference.key.startswith(_OF_LEDGERS) and each.difference.ledger <= after
    }
    return [(ledger - 1, ledger) for ledger in sorted(ledgers)] + _pieces(after, until)


def _pieces(after: int, until: int) -> list[tuple[int, int]]:
    """No more at once than memory has room for."""
    starts = range(after, until, RECONCILE_LEDGERS_AT_ONCE)
    return [(start, min(until, start + RECONCILE_LEDGERS_AT_ONCE)) for start in starts]


def _checked(known: Collection[Open], *, balances: bool) -> frozenset[str]:
    keys = (each.difference.key for each in known)
    # What was told otherwise once stays, until somebody accepts it.
    later = ("changed:",) if balances else ("changed:", "balance:", "sequence:")
    return frozenset(key for key in keys if not key.startswith(later))


def _is_doubtful(settled: Settled, events: Collection[str]) -> bool:
    return settled.state == State.APPLIED and any(
        line.alone and not any(f"{hash_}:{place}" in events for hash_ in settled.hashes)
        for place, line in enumerate(settled.lines)
    )


def _envelope(settled: Settled) -> SignedEnvelope:
    """As much of it as is needed to look for it."""
    return SignedEnvelope(
        xdr="",
        hash=settled.latest,
        source=settled.source,
        sequence=0,
        max_time=settled.max_time,
        fee=0,
        ledger=0,
    )
