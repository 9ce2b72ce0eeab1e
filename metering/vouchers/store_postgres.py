"""Payment channels in Postgres: a row's change and the ledger's move in one transaction."""

from collections.abc import Callable, Sequence
from datetime import datetime

from config.postgres import Connection, Database, Record, UniqueViolationError
from metering.ledger.ledger import Transfer
from metering.ledger.ledger_postgres import PostgresLedger
from metering.money import Stroops
from metering.settlement.envelope_row import ending, envelope_of
from metering.settlement.outbox import MovedOn, SourceBusy, State
from metering.signer.collecting import Verb
from metering.vouchers.collection import Collection
from metering.vouchers.payment_channel import (
    AlreadyTaken,
    Changed,
    ChannelState,
    ContractState,
    PaymentChannel,
    UnknownChannel,
    Voucher,
    VoucherRefused,
    accept,
    accounts_of,
    close,
    see,
)
from metering.vouchers.store import Outcome

_REGISTER = """
INSERT INTO payment_channel (
    contract, owner, asset, payer, key, waiting_ledgers, deposited, signature, seen_at, collected_at
)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
ON CONFLICT (contract) DO NOTHING
"""

_CHANNEL = "SELECT * FROM payment_channel WHERE contract = $1"

_CHANNELS = """
SELECT * FROM payment_channel WHERE owner = $1
ORDER BY state = 'closed', registered_at DESC LIMIT $2
"""

_UNFINISHED = """
SELECT * FROM payment_channel WHERE contract > $1 AND state <> 'closed'
ORDER BY contract LIMIT $2
"""

# In one order, so that two batches never wait for each other in a circle.
_LOCK = """
SELECT * FROM payment_channel WHERE contract = ANY ($1::text[])
ORDER BY contract FOR NO KEY UPDATE
"""

# The rows are locked, and still: a sum that does not grow is never written.
_ACCEPT = """
UPDATE payment_channel AS kept SET signed = new.signed, signature = new.signature
FROM unnest($1::text[], $2::bigint[], $3::bytea[]) AS new (contract, signed, signature)
WHERE kept.contract = new.contract AND kept.signed < new.signed AND kept.state = 'open'
"""

_SEE = """
UPDATE payment_channel SET deposited = $2, withdrawn = $3, state = $4, closes_at = $5,
    seen_at = $6, collected_at = $7
WHERE contract = $1
"""

_CLOSE = """
UPDATE payment_channel SET signed = $2, signature = $3, state = $4 WHERE contract = $1
"""

_COLLECT = """
INSERT INTO channel_collection (
    id, contract, verb, amount, created_ms, source, envelope_xdr, envelope_hash, sequence, max_time,
    signed_ledger, fee_max
)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
"""

# The row as it was read, or nothing: another worker may have taken it further.
_ADVANCE = """
UPDATE channel_collection SET
    state = $4, sent_ms = $5, applied_ledger = $6, fee_charged = $7, code = $8
WHERE id = $1 AND state = $2 AND sent_ms IS NOT DISTINCT FROM $3
"""

_UNDER_WAY = """
SELECT * FROM channel_collection WHERE source = $1 AND state IN ('signed', 'sent')
"""

_LAST_COLLECTION = """
SELECT * FROM channel_collection WHERE contract = $1 ORDER BY id DESC LIMIT 1
"""


class PostgresVoucherStore:
    """Implements `store.VoucherStore`; each call may also raise one of
    `config.postgres.UNAVAILABLE`, and then nobody knows whether it was done: do it again.
    """

    def __init__(self, database: Database, ledger: PostgresLedger) -> None:
        self._database = database
        self._ledger = ledger

    async def register(self, channel: PaymentChannel) -> PaymentChannel:
        async with self._database.transaction() as connection:
            await connection.execute(
                _REGISTER,
                channel.contract,
                channel.owner,
                channel.asset,
                channel.payer,
                channel.key,
                channel.waiting_ledgers,
                channel.deposited,
                channel.signature,
                channel.seen_at,
                channel.collected_at,
            )
            await self._ledger.open_accounts_within(connection, accounts_of(channel))
        kept = await self.channel(channel.contract)
        assert kept is not None, "it is never deleted"
        if kept.owner != channel.owner:
            raise AlreadyTaken(channel.contract)
        return kept

    async def channel(self, contract: str) -> PaymentChannel | None:
        row = await self._database.fetchrow(_CHANNEL, contract)
        return None if row is None else channel_of(row)

    async def channels(self, owner: str, limit: int) -> list[PaymentChannel]:
        return [channel_of(row) for row in await self._database.fetch(_CHANNELS, owner, limit)]

    async def unfinished(self, after: str, limit: int) -> list[PaymentChannel]:
        return [channel_of(row) for row in await self._database.fetch(_UNFINISHED, after, limit)]

    async def accept(self, vouchers: Sequence[Voucher], seen_since: datetime) -> list[Outcome]:
        async with self._database.transaction() as connection:
            before = await _locked(connection, {each.contract for each in vouchers})
            after = dict(before)
            outcomes: list[Outcome] = []
            transfers: list[Transfer] = []
            for voucher in vouchers:
                outcome = _judged(after, voucher, seen_since)
                if isinstance(outcome, Changed):
                    after[voucher.contract] = outcome.channel
                    transfers += outcome.transfers
                    outcomes.append(outcome.channel)
                else:
                    outcomes.append(outcome)
            risen = [each for contract, each in after.items() if each != before[contract]]
            if risen:
                await _write_signed(connection, risen)
                await self._ledger.post_within(connection, transfers)
        return outcomes

    async def see(self, contract: str, found: ContractState, at: datetime) -> PaymentChannel:
        return await self._change(contract, lambda channel: see(channel, found, at), _write_seen)

    async def close(self, contract: str, last: Voucher | None) -> PaymentChannel:
        return await self._change(contract, lambda channel: close(channel, last), _write_closing)

    async def _change(
        self,
        contract: str,
        change: Callable[[PaymentChannel], Changed],
        write: Callable[[PaymentChannel], tuple[str, *tuple[object, ...]]],
    ) -> PaymentChannel:
        async with self._database.transaction() as connection:
            locked = await _locked(connection, {contract})
            if contract not in locked:
                raise UnknownChannel(contract)
            changed = change(locked[contract])
            if changed.channel != locked[contract]:
                statement, *values = write(changed.channel)
                await connection.execute(statement, *values)
                if changed.transfers:
                    await self._ledger.post_within(connection, changed.transfers)
        return changed.channel

    async def collect(self, collection: Collection) -> None:
        signed = collection.signed
        try:
            await self._database.execute(
                _COLLECT,
                collection.id,
                collection.contract,
                collection.verb.value,
                collection.amount,
                collection.created_ms,
                signed.source,
                signed.xdr,
                signed.hash,
                signed.sequence,
                signed.max_time,
                signed.ledger,
                signed.fee,
            )
        except UniqueViolationError:
            raise SourceBusy(signed.source) from None

    async def advance(self, before: Collection, after: Collection) -> None:
        tag = await self._database.execute(
            _ADVANCE,
            before.id,
            before.state.value,
            before.sent_ms,
            after.state.value,
            after.sent_ms,
            *ending(after.outcome),
        )
        if tag != "UPDATE 1":
            raise MovedOn(before.id)

    async def under_way(self, source: str) -> Collection | None:
        row = await self._database.fetchrow(_UNDER_WAY, source)
        return None if row is None else _collection(row)

    async def last_collection(self, contract: str) -> Collection | None:
        row = await self._database.fetchrow(_LAST_COLLECTION, contract)
        return None if row is None else _collection(row)


async def _locked(connection: Connection, contracts: set[str]) -> dict[str, PaymentChannel]:
    rows = await connection.fetch(_LOCK, sorted(contracts))
    return {row["contract"]: channel_of(row) for row in rows}


def _judged(
    channels: dict[str, PaymentChannel], voucher: Voucher, seen_since: datetime
) -> Changed | VoucherRefused | UnknownChannel:
    channel = channels.get(voucher.contract)
    if channel is None:
        return UnknownChannel(voucher.contract)
    try:
        return accept(channel, voucher, seen_since)
    except VoucherRefused as refusal:
        return refusal


async def _write_signed(connection: Connection, risen: Sequence[PaymentChannel]) -> None:
    tag = await connection.execute(
        _ACCEPT,
        [each.contract for each in risen],
        [each.signed for each in risen],
        [each.signature for each in risen],
    )
    assert tag == f"UPDATE {len(risen)}", "the rows were locked"


def _write_seen(channel: PaymentChannel) -> tuple[str, *tuple[object, ...]]:
    return (
        _SEE,
        channel.contract,
        channel.deposited,
        channel.withdrawn,
        channel.state.value,
        channel.closes_at,
        channel.seen_at,
        channel.collected_at,
    )


def _write_closing(channel: PaymentChannel) -> tuple[str, *tuple[object, ...]]:
    return (_CLOSE, channel.contract, channel.signed, channel.signature, channel.state.value)


def channel_of(row: Record) -> PaymentChannel:
    """A row of `payment_channel`."""
    return PaymentChannel(
        contract=row["contract"],
        owner=row["owner"],
        asset=row["asset"],
        payer=row["payer"],
        key=row["key"],
        waiting_ledgers=row["waiting_ledgers"],
        deposited=Stroops(row["deposited"]),
        seen_at=row["seen_at"],
        collected_at=row["collected_at"],
        signature=row["signature"],
        signed=Stroops(row["signed"]),
        withdrawn=Stroops(row["withdrawn"]),
        state=ChannelState(row["state"]),
        closes_at=row["closes_at"],
    )


def _collection(row: Record) -> Collection:
    return Collection(
        id=row["id"],
        contract=row["contract"],
        verb=Verb(row["verb"]),
        amount=row["amount"],
        signed=envelope_of(row),
        created_ms=row["created_ms"],
        state=State(row["state"]),
        sent_ms=row["sent_ms"],
    )
