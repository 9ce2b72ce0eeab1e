"""The feed of payments over Horizon."""

from collections.abc import Iterator

from config.limits import HORIZON_LAG_LEDGERS
from metering.money import NATIVE
from metering.settlement.chain import ChainUnreachable
from metering.settlement.chain_event import Movement
from metering.settlement.feed import ChainPayment, FeedPage, HistoryGap
from metering.settlement.horizon_documents import BalanceChange, Payment, Payments, amount, read
from metering.settlement.horizon_node import HorizonNode
from metering.settlement.place import BadCursor, end_of, next_ledger, place_at
from metering.settlement.stellar_result import merged_by
from metering.toid import Place


class HorizonFeed:
    """Implements `feed.Feed`.

    Asked for what is older than its history, Horizon silently gives what follows: so how far back
    that reaches is looked at first. And how far forward, less some ledgers, since another server
    may answer the second question.
    """

    def __init__(self, node: HorizonNode, address: str) -> None:
        self._node = node
        self._address = address

    @property
    def address(self) -> str:
        return self._address

    async def after(self, cursor: str | None, limit: int) -> FeedPage:
        tip = (await self._node.root()).tip
        start = end_of(tip.oldest_ledger - 1) if cursor is None else place_at(cursor)
        if tip.oldest_ledger > next_ledger(start):
            raise HistoryGap(start.cursor, tip.oldest_ledger)
        records = await self._records(start, limit)
        if len(records) >= limit:
            last = _place(records[-1])
            payments = self._payments(records)
            return FeedPage(tuple(payments), last.cursor, last.ledger - 1, finished=False)
        reached = max(start, end_of(max(0, tip.ledger - HORIZON_LAG_LEDGERS)))
        if records:
            reached = max(reached, _place(records[-1]))
        payments = self._payments(records)
        return FeedPage(tuple(payments), reached.cursor, next_ledger(reached) - 1, finished=True)

    async def _records(self, start: Place, limit: int) -> list[Payment]:
        text = await self._node.find(
            f"/accounts/{self._address}/payments",
            cursor=start.cursor,
            order="asc",
            limit=str(limit),
            join="transactions",
        )
        # An account that does not exist has no payments.
        return [] if text is None else read(Payments, text).embedded.records

    def _payments(self, records: list[Payment]) -> Iterator[ChainPayment]:
        for record in records:
            place = _place(record)
            moved = [
                movement
                for movement in _movements(record, place.operation - 1)
                if self._address in (movement.source, movement.destination)
            ]
            for number, movement in enumerate(moved):
                yield self._payment(record, place, movement, number)

    def _payment(self, record: Payment, place: Place, moved: Movement, number: int) -> ChainPayment:
        incoming = moved.destination == self._address
        suffix = f".{number}" if number else ""
        return ChainPayment(
            id=f"{record.transaction_hash}:{place.operation - 1}{suffix}",
            cursor=place.cursor,
            ledger=place.ledger,
            closed_at=int(record.created_at.timestamp()),
            transaction=record.transaction_hash,
            source=moved.source,
            destination=moved.destination,
            muxed_id=moved.told_id if incoming else None,
            memo_id=record.transaction.memo_id if incoming else None,
            asset=moved.asset,
            amount=moved.amount,
        )


def _movements(record: Payment, operation: int) -> list[Movement]:
    if not record.transaction_successful:
        return []
    match record.type:
        case "create_account":
            value = amount(record.starting_balance)
            return [Movement(record.funder, record.account, NATIVE, value, None)]
        case "account_merge":
            value = merged_by(record.transaction.result_xdr, operation)
            return [Movement(record.account, record.into, NATIVE, value, record.into_muxed_id)]
        case "invoke_host_function":
            return [_change(change) for change in record.asset_balance_changes or []]
        case _:
            value = amount(record.amount)
            route = record.source, record.destination
            return [Movement(*route, record.asset, value, record.to_muxed_id)]


def _change(change: BalanceChange) -> Movement:
    """What is minted comes from the issuer, what is burned or clawed back goes there."""
    return Movement(
        change.source or change.asset_issuer,
        change.destination or change.asset_issuer,
        change.asset,
        amount(change.amount),
        change.told_id,
    )


def _place(record: Payment) -> Place:
    try:
        return place_at(record.paging_token)
    except BadCursor as error:
        raise ChainUnreachable(str(error)) from error
