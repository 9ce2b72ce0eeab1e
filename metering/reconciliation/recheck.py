"""A day's ledgers read once more: whether the chain still says what it said."""

from collections.abc import Iterable

from config.limits import FEED_PAYMENTS_MAX, RECONCILE_DAY_PAGES_MAX
from metering.reconciliation.difference import Difference, Kind
from metering.reconciliation.evidence import Movement
from metering.settlement.feed import ChainPayment, Feed
from metering.settlement.place import end_of


class TooManyPayments(Exception):
    """A day had more than this is made for."""


async def read_again(feeds: Iterable[Feed], after: int, until: int) -> dict[str, ChainPayment]:
    """The payments of the ledgers behind `after`, up to and with `until`, by event.

    Raises:
        TooManyPayments: there is no end of it.
        HistoryGap, ChainUnreachable, WrongNetwork: as the feeds.
    """
    found: dict[str, ChainPayment] = {}
    for feed in feeds:
        found |= await _of_address(feed, after, until)
    return found


async def _of_address(feed: Feed, after: int, until: int) -> dict[str, ChainPayment]:
    found: dict[str, ChainPayment] = {}
    cursor = end_of(after).cursor
    for _ in range(RECONCILE_DAY_PAGES_MAX):
        page = await feed.after(cursor, FEED_PAYMENTS_MAX)
        found |= {each.id: each for each in page.payments if each.ledger <= until}
        cursor = page.cursor
        if page.finished or page.ledger >= until:
            return found
    raise TooManyPayments(feed.address)


def of_rereading(told: Iterable[Movement], again: dict[str, ChainPayment]) -> list[Difference]:
    """What the chain told before and does not any more, or tells otherwise.

    Args:
        told: payments as they were told first.
        again: those that are told now, by event. What is new among them is compared as ever.
    """
    return [
        difference
        for each in told
        if (difference := _changed(each, again.get(each.event))) is not None
    ]


def _changed(told: Movement, again: ChainPayment | None) -> Difference | None:
    if again is None:
        kind, detail = Kind.MISSING_ON_CHAIN, "the chain told it once, and does not any more"
    elif movement_of(again) != told:
        kind, detail = Kind.AMOUNT, "the chain tells it otherwise now"
    else:
        return None
    return Difference(
        key=f"changed:{told.event}",
        kind=kind,
        about=told.event,
        detail=detail,
        ledger=told.ledger,
        asset=told.asset,
        on_chain=None if again is None else again.amount,
        in_ledger=told.amount,
        transaction=told.transaction,
        source=told.source,
        destination=told.destination,
    )


def movement_of(payment: ChainPayment) -> Movement:
    """What is compared of a payment."""
    return Movement(
        event=payment.id,
        ledger=payment.ledger,
        closed_at=payment.closed_at,
        transaction=payment.transaction,
        source=payment.source,
        destination=payment.destination,
        asset=payment.asset,
        amount=payment.amount,
    )
