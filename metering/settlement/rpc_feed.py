"""The feed of payments over Stellar RPC: by events, or by transactions where there are none."""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import groupby

from stellar_sdk.soroban_rpc import (
    EventFilter,
    EventFilterType,
    EventInfo,
    GetTransactionStatus,
    Transaction,
)
from stellar_sdk.soroban_server_async import SorobanServerAsync

from config.limits import FEED_TRANSACTIONS_MAX
from metering.settlement.chain_envelope import Told, movements, told_by
from metering.settlement.chain_event import Movement, fee_topics, movement, topics_about
from metering.settlement.feed import ChainPayment, FeedPage, HistoryGap
from metering.settlement.place import (
    end_of,
    end_of_transaction,
    event_cursor,
    event_place,
    next_ledger,
    place_at,
    transaction_cursor,
)
from metering.settlement.rpc_node import RpcNode
from metering.toid import Place

_NOBODY = Told(None, None)


@dataclass(frozen=True, slots=True)
class _Read:
    """A page before it is told whether everything in it was seen: up to `place`."""

    payments: list[ChainPayment]
    place: Place
    latest: int


class RpcFeed:
    """Implements `feed.Feed`.

    Nodes emit events of classic payments only when they are told to, and those that do not look as
    if nobody had paid. So the first transaction that is seen has to have emitted its fee's event;
    without that, every transaction of the network is read.
    """

    def __init__(self, node: RpcNode, address: str) -> None:
        self._node = node
        self._address = address
        self._filter = _filter(topics_about(address))
        self._has_events: bool | None = None

    @property
    def address(self) -> str:
        return self._address

    async def after(self, cursor: str | None, limit: int) -> FeedPage:
        tip = await self._node.tip()
        start = end_of(tip.oldest_ledger - 1) if cursor is None else place_at(cursor)
        if tip.oldest_ledger > next_ledger(start):
            raise HistoryGap(start.cursor, tip.oldest_ledger)
        if next_ledger(start) > tip.ledger:
            return FeedPage((), start.cursor, next_ledger(start) - 1, finished=True)
        read = await self._read(start, limit)
        place = read.place
        return FeedPage(
            tuple(read.payments), place.cursor, next_ledger(place) - 1, place == end_of(read.latest)
        )

    async def _read(self, start: Place, limit: int) -> _Read:
        if self._has_events is False:
            return await self._transactions(start)
        read = await self._events(start, limit)
        if self._has_events is None:
            self._has_events = await self._tells_events(start, read.place)
        return await self._transactions(start) if self._has_events is False else read

    # --- by events -------------------------------------------------------------------------------

    async def _events(self, start: Place, limit: int) -> _Read:
        async with self._node.ask() as server:
            whole = start == end_of(start.ledger)
            response = await server.get_events(
                start_ledger=next_ledger(start) if whole else None,
                cursor=None if whole else event_cursor(start),
                filters=[self._filter],
                limit=limit,
            )
            if response.oldest_ledger > next_ledger(start):
                raise HistoryGap(start.cursor, response.oldest_ledger)
            place = event_place(int(response.cursor.partition("-")[0]))
            events = response.events
            if len(events) >= limit:
                events = _whole_operations(events)
                place = _place(events[-1])
            payments = await self._payments(server, events)
        return _Read(payments, place, response.latest_ledger)

    async def _payments(
        self, server: SorobanServerAsync, events: Iterable[EventInfo]
    ) -> list[ChainPayment]:
        payments: list[ChainPayment] = []
        for place, together in groupby(events, _place):
            found = [
                (event, moved) for event in together if (moved := self._movement(event)) is not None
            ]
            for number, (event, moved) in enumerate(found):
                told = await self._told(server, event, moved)
                payments.append(_from_event(event, moved, told, place, number))
        return payments

    def _movement(self, event: EventInfo) -> Movement | None:
        passphrase = self._node.passphrase
        return movement(event.contract_id, event.topic, event.value, passphrase)

    async def _told(self, server: SorobanServerAsync, event: EventInfo, moved: Movement) -> Told:
        """An event has one field for a muxed id and for a memo; the envelope tells which it is."""
        if moved.told_id is None or moved.destination != self._address:
            return _NOBODY
        response = await server.get_transaction(event.transaction_hash)
        if response.status == GetTransactionStatus.NOT_FOUND or response.envelope_xdr is None:
            raise ValueError(f"an event of {event.transaction_hash}, which the node does not know")
        told = told_by(response.envelope_xdr, event.operation_index, self._address)
        # What a contract paid has its muxed id in the event alone.
        return Told(moved.told_id, None) if told == _NOBODY else told

    async def _tells_events(self, start: Place, until: Place) -> bool | None:
        """None: there was no transaction, so nobody knows, and nothing was missed."""
        async with self._node.ask() as server:
            page = await server.get_transactions(start_ledger=next_ledger(start), limit=1)
            if not page.transactions or page.transactions[0].ledger >= next_ledger(until):
                return None
            ledger = page.transactions[0].ledger
            fees = await server.get_events(
                start_ledger=ledger,
                end_ledger=ledger + 1,
                filters=[_filter(fee_topics())],
                limit=1,
            )
        return bool(fees.events)

    # --- by transactions -------------------------------------------------------------------------

    async def _transactions(self, start: Place) -> _Read:
        async with self._node.ask() as server:
            whole = start == end_of(start.ledger)
            page = await server.get_transactions(
                start_ledger=next_ledger(start) if whole else None,
                cursor=None if whole else transaction_cursor(start),
                limit=FEED_TRANSACTIONS_MAX,
            )
            if page.oldest_ledger > next_ledger(start):
                raise HistoryGap(start.cursor, page.oldest_ledger)
            payments = [
                payment
                for transaction in page.transactions
                for payment in self._paid(transaction)
                if place_at(payment.cursor) > start
            ]
        place = end_of(page.latest_ledger)
        if len(page.transactions) >= FEED_TRANSACTIONS_MAX:
            last = page.transactions[-1]
            place = end_of_transaction(last.ledger, last.application_order)
        return _Read(payments, place, page.latest_ledger)

    def _paid(self, transaction: Transaction) -> list[ChainPayment]:
        if transaction.status != GetTransactionStatus.SUCCESS.value:
            return []
        return [
            _from_transaction(transaction, number, moved, self._address)
            for number, moved in movements(transaction.envelope_xdr, transaction.result_xdr)
            if self._address in (moved.source, moved.destination)
        ]


def _filter(topics: list[list[str]]) -> EventFilter:
    return EventFilter(type=EventFilterType.CONTRACT, topics=topics)


def _place(event: EventInfo) -> Place:
    return event_place(int(event.id.partition("-")[0]))


def _whole_operations(events: list[EventInfo]) -> list[EventInfo]:
    """A full page without the operation that it may have been cut in."""
    last = _place(events[-1])
    whole = [event for event in events if _place(event) != last]
    if not whole:
        raise ValueError(f"an operation with more events than a page: {events[-1].id}")
    return whole


def _from_event(
    event: EventInfo, moved: Movement, told: Told, place: Place, number: int
) -> ChainPayment:
    # Only one that exchanges what we hold moves twice for us; Horizon makes one payment of it.
    suffix = f".{number}" if number else ""
    return ChainPayment(
        id=f"{event.transaction_hash}:{event.operation_index}{suffix}",
        cursor=place.cursor,
        ledger=event.ledger,
        closed_at=int(event.ledger_close_at.timestamp()),
        transaction=event.transaction_hash,
        source=moved.source,
        destination=moved.destination,
        muxed_id=told.muxed_id,
        memo_id=told.memo_id,
        asset=moved.asset,
        amount=moved.amount,
    )


def _from_transaction(
    transaction: Transaction, number: int, moved: Movement, recipient: str
) -> ChainPayment:
    incoming = moved.destination == recipient
    told = told_by(transaction.envelope_xdr, number, recipient) if incoming else _NOBODY
    place = Place(transaction.ledger, transaction.application_order, number + 1)
    return ChainPayment(
        id=f"{transaction.transaction_hash}:{number}",
        cursor=place.cursor,
        ledger=transaction.ledger,
        closed_at=transaction.created_at,
        transaction=transaction.transaction_hash,
        source=moved.source,
        destination=moved.destination,
        muxed_id=told.muxed_id,
        memo_id=told.memo_id,
        asset=moved.asset,
        amount=moved.amount,
    )
