"""Events as Stellar RPC lists them: read out of metas, each with its place in the chain."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

from stellar_sdk import StrKey
from stellar_sdk import xdr as stellar_xdr

from metering.localnet.record import Record
from metering.localnet.told_meta import told_meta
from metering.toid import OPERATION_MAX, TRANSACTION_MAX, Place, place_of

EVENT_MAX = (1 << 32) - 1

# Read metas are kept for a client that goes through a full ledger in small pages.
_LEDGERS_KEPT = 4

_STAGE = stellar_xdr.TransactionEventStage


class Cursor(NamedTuple):
    """An event's place and its number there; cursors are in order. Its text is the event's id."""

    place: Place
    event: int = 0

    def __str__(self) -> str:
        return f"{self.place.toid:019d}-{self.event:010d}"


def read_cursor(text: str) -> Cursor:
    """Read what `str(cursor)` wrote.

    Raises:
        ValueError: not an event's id.
    """
    toid, dash, event = text.partition("-")
    if not (dash and toid.isdecimal() and event.isdecimal()) or int(event) > EVENT_MAX:
        raise ValueError(f"invalid event id {text[:40]}")
    return Cursor(place_of(int(toid)), int(event))


def end_of(ledger: int) -> Cursor:
    """A cursor behind every event of a ledger."""
    return Cursor(Place(ledger, TRANSACTION_MAX, OPERATION_MAX), EVENT_MAX)


@dataclass(frozen=True, slots=True)
class LoggedEvent:
    """An event with where it happened; topics and value in base64, contract as C... address."""

    cursor: Cursor
    record: Record
    kind: str
    contract: str
    topics: tuple[str, ...]
    value: str
    classic: bool


def ledgers_of(records: Iterable[Record]) -> Iterator[list[Record]]:
    """Records that are in order, ledger by ledger."""
    together: list[Record] = []
    for record in records:
        if together and together[-1].ledger != record.ledger:
            yield together
            together = []
        together.append(record)
    if together:
        yield together


def events_of(records: Sequence[Record], passphrase: str) -> tuple[LoggedEvent, ...]:
    """Every event of one ledger, in order.

    Args:
        records: all transactions of that ledger, in order.
        passphrase: the network's.
    """
    return _events_of(tuple(records), passphrase)


@lru_cache(_LEDGERS_KEPT)
def _events_of(records: tuple[Record, ...], passphrase: str) -> tuple[LoggedEvent, ...]:
    found: list[LoggedEvent] = []
    numbers = {_STAGE.TRANSACTION_EVENT_STAGE_BEFORE_ALL_TXS: 0}
    for record in records:
        meta = told_meta(record, passphrase)
        numbers[_STAGE.TRANSACTION_EVENT_STAGE_AFTER_TX] = 0
        classic = meta.soroban_meta is None
        for told in meta.events:
            number = numbers.setdefault(told.stage, 0)
            numbers[told.stage] = number + 1
            cursor = Cursor(_place(told.stage, record), number)
            found.append(_logged(cursor, record, told.event, True))
        for index, operation in enumerate(meta.operations):
            place = Place(record.ledger, record.order, index)
            found += [
                _logged(Cursor(place, number), record, event, classic)
                for number, event in enumerate(operation.events)
            ]
    return tuple(sorted(found, key=lambda event: event.cursor))


def _place(stage: stellar_xdr.TransactionEventStage, record: Record) -> Place:
    """Where Stellar RPC puts the events of transactions, so that they sort as they happened."""
    match stage:
        case _STAGE.TRANSACTION_EVENT_STAGE_BEFORE_ALL_TXS:
            return Place(record.ledger)
        case _STAGE.TRANSACTION_EVENT_STAGE_AFTER_TX:
            return Place(record.ledger, record.order, OPERATION_MAX)
        case _:
            return Place(record.ledger, TRANSACTION_MAX)


def _logged(
    cursor: Cursor, record: Record, event: stellar_xdr.ContractEvent, classic: bool
) -> LoggedEvent:
    assert event.body.v0 is not None
    assert event.contract_id is not None
    return LoggedEvent(
        cursor=cursor,
        record=record,
        kind=event.type.name.lower(),
        contract=StrKey.encode_contract(event.contract_id.contract_id.hash),
        topics=tuple(topic.to_xdr() for topic in event.body.v0.topics),
        value=event.body.v0.data.to_xdr(),
        classic=classic,
    )
