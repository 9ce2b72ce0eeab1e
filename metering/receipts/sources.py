"""What a receipt is made of: a closed session as the store has it, and what was charged when."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from metering.money import Stroops
from metering.receipts.receipt import ClosedSession, Refund, TickRun
from metering.session import SavedSession
from metering.terms import Terms


@dataclass(frozen=True, slots=True)
class ChargedRun:
    """Seconds [first, last) and what was charged for them by a commit of the session."""

    revision: int
    first: int
    last: int
    amount: Stroops


@dataclass(frozen=True, slots=True)
class PastTerms:
    """Terms that held until other ones took over, and how far the session was then.

    Attributes:
        revision: of the last commit under them.
        seconds: charged by then, `rungs` of them at each rung.
        amount: what the session had cost by then.
    """

    terms: Terms
    revision: int
    seconds: int
    rungs: tuple[int, ...]
    amount: int


@dataclass(frozen=True, slots=True)
class Sources:
    """All that is known of a closed session; `past` terms and `runs` in their order."""

    saved: SavedSession
    past: tuple[PastTerms, ...]
    runs: tuple[ChargedRun, ...]
    refunds: tuple[Refund, ...]


def closed_session(sources: Sources) -> ClosedSession:
    """What the receipt of a session says."""
    saved = sources.saved
    session, state = saved.session, saved.meter_state()
    assert saved.closed_at is not None, "an open session has no receipt"
    return ClosedSession(
        id=session.id,
        viewer=session.viewer,
        content=session.asset_id,
        payee=session.payee,
        opened_at=session.opened_at,
        closed_at=saved.closed_at,
        terms=(*(each.terms for each in sources.past), session.terms),
        # When a session ends, all that was neither charged nor waived is voided.
        intervals=() if state is None else tuple(state.covered),
        waived=0 if state is None else state.waived,
        runs=tuple(_runs(sources)),
        refunds=sources.refunds,
    )


def _runs(sources: Sources) -> Iterable[TickRun]:
    totals = sources.saved.totals
    last = PastTerms(
        sources.saved.session.terms,
        sources.saved.revision,
        totals.ticks,
        totals.rungs,
        totals.amount,
    )
    after = -1
    for place, terms in enumerate((*sources.past, last)):
        runs = [
            run
            for run in sources.runs
            # Those that are older than revisions of runs have numbers far below zero.
            if (run.revision > after or not place) and run.revision <= terms.revision
        ]
        after = terms.revision
        yield from _under(place, terms, runs)


def _under(place: int, terms: PastTerms, runs: Sequence[ChargedRun]) -> Iterable[TickRun]:
    """The runs under one of the session's terms. How many seconds each had at the rungs is not
    kept: where these cost something, all runs are told as one.
    """
    if not runs:
        return
    if not terms.rungs:
        for run in runs:
            yield TickRun(place, run.first, run.last, run.amount, (), _posts([run]))
        return
    amount = Stroops(sum(run.amount for run in runs))
    yield TickRun(place, runs[0].first, runs[-1].last, amount, terms.rungs, _posts(runs))


def _posts(runs: Sequence[ChargedRun]) -> tuple[int, int] | None:
    """The first and the last commit that moved money for them."""
    posts = [run.revision for run in runs if run.amount > 0 and run.revision > 0]
    return (posts[0], posts[-1]) if posts else None
