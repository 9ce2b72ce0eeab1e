"""Mistakes that are easily made in such code, each in one place: the simulation has to find all.

A bug replaces one function of the program while histories run. It is not there otherwise.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from itertools import count
from typing import Any, NamedTuple

import metering.settlement.outbox_memory
import metering.settlement.sending
import metering.store
from metering.bodies import Bodies
from metering.book import Book
from metering.holdings import Holdings
from metering.intake import Intake
from metering.intervals import Intervals
from metering.leases.lease import MemoryLeases
from metering.ledger.ledger import Transfer, WouldOverdraw, movements
from metering.ledger.ledger_memory import MemoryLedger
from metering.rules import MeterRules
from metering.settlement.lifecycle import Action, Signed
from metering.settlement.worker import SettlementWorker
from metering.viewers import Viewers
from metering.void_budget import VoidBudget
from tests.simulation.process import Process


class Bug(NamedTuple):
    """`owner.name` is replaced by what `wrong` makes of it."""

    title: str
    owner: Any
    name: str
    wrong: Callable[[Any], Any]


@contextmanager
def planted(bug: Bug) -> Iterator[None]:
    """While this lasts, the bug is there."""
    right = bug.owner.__dict__[bug.name]
    setattr(bug.owner, bug.name, bug.wrong(right))
    try:
        yield
    finally:
        setattr(bug.owner, bug.name, right)


def _leave_before_commit(_: Any) -> Any:
    return lambda book, session_id: False


def _no_roll_back(right: Any) -> Any:
    async def post(ledger: MemoryLedger, transfers: Sequence[Transfer]) -> Any:
        try:
            return await right(ledger, transfers)
        except WouldOverdraw:
            for account, change in movements(transfers).items():
                ledger._balances[account] += change
            raise

    return post


def _any_revision(_: Any) -> Any:
    return lambda store, batch: True


def _cause_is_not_the_id(right: Any) -> Any:
    attempts = count()

    async def fund(intake: Intake, viewer: str, amount: Any, cause: str, asset: Any = None) -> Any:
        return await right(intake, viewer, amount, f"{cause}:{next(attempts)}", asset)

    return fund


def _dropped_hold(right: Any) -> Any:
    return lambda change: tuple(each for each in right(change) if each.cause != "hold")


def _gives_up_early(right: Any) -> Any:
    return lambda signed, seen: right(replace(signed, max_time=signed.max_time - 30), seen)


def _signs_again(right: Any) -> Any:
    async def act(
        worker: SettlementWorker, action: Action, settlement: Any, observation: Any
    ) -> Any:
        if action is Action.SEND and settlement.sent_ms is not None:
            signed = await worker._sign(settlement)
            if isinstance(signed, Signed):
                settlement = replace(settlement, signed=signed.envelope, bumps=())
        return await right(worker, action, settlement, observation)

    return act


def _charges_what_broke_off(right: Any) -> Any:
    def finish(meter: Bodies, ticket: int, *, complete: bool, **more: Any) -> None:
        right(meter, ticket, complete=True, **more)

    return finish


def _budget_for_each_session(_: Any) -> Any:
    def budget(viewers: Viewers, viewer: str) -> VoidBudget:
        rules: MeterRules = viewers._rules
        return VoidBudget(rules.void_units_max, rules.void_window_ms)

    return budget


def _absence_counts(right: Any) -> Any:
    def init(meter: Holdings, *args: Any) -> None:
        right(meter, *args)
        meter._keepalive_ms = 10**9

    return init


def _other_qualities_count(_: Any) -> Any:
    return lambda intervals, lo, hi: [(lo, hi)]


def _the_dead_are_not_refunded(right: Any) -> Any:
    def final_transfers(settlement: Any) -> Any:
        return right(settlement) if settlement.state != "dead" else []

    return final_transfers


def _meters_by_the_wall(_: Any) -> Any:
    return Process.wall_ms


def _the_fenced_go_on(_: Any) -> Any:
    return lambda leases, fence: None


BUGS = (
    Bug("leave is given before the commit", Book, "owes", _leave_before_commit),
    Bug("what was refused is not rolled back", MemoryLedger, "post", _no_roll_back),
    Bug("revisions are not looked at", metering.store.MemoryMeterStore, "_is_next", _any_revision),
    Bug("a deposit is posted under a new id each time", Intake, "fund", _cause_is_not_the_id),
    Bug("a hold is dropped", metering.store, "transfers_for", _dropped_hold),
    Bug(
        "an envelope is given up before its time",
        metering.settlement.sending,
        "_death",
        _gives_up_early,
    ),
    Bug("what got no answer is signed again", SettlementWorker, "_act", _signs_again),
    Bug("a body that broke off is charged as whole", Bodies, "finish", _charges_what_broke_off),
    Bug("each session has its own void budget", Viewers, "budget", _budget_for_each_session),
    Bug("absence counts as presence", Holdings, "__init__", _absence_counts),
    Bug("another quality is new media", Intervals, "gaps", _other_qualities_count),
    Bug(
        "what a dead payout set aside stays there",
        metering.settlement.outbox_memory,
        "final_transfers",
        _the_dead_are_not_refunded,
    ),
    Bug("time is read off the wall", Process, "monotonic_ms", _meters_by_the_wall),
    Bug("who lost the lease goes on", MemoryLeases, "require", _the_fenced_go_on),
)
