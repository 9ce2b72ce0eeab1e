"""What payment channels cost us, in Postgres: a loss and what books it are written together."""

from datetime import datetime

from config.limits import CHANNEL_LOSSES_MAX
from config.postgres import Database, Record
from metering.ledger.ledger import channel_loss_account
from metering.ledger.ledger_postgres import PostgresLedger
from metering.money import Stroops
from metering.vouchers.loss import Loss, OtherAmount, WriteOff, loss_of
from metering.vouchers.payment_channel import UnknownChannel
from metering.vouchers.store_postgres import channel_of

_LOSS = """
SELECT payment_channel.*, reason, written_by, written_at
FROM payment_channel LEFT JOIN channel_write_off USING (contract)
WHERE contract = $1
"""

# The one row: whoever writes it off at the same moment waits, and finds it written off.
_LOCK = "SELECT FROM payment_channel WHERE contract = $1 FOR NO KEY UPDATE"

_OPEN = """
SELECT payment_channel.*, reason, written_by, written_at
FROM payment_channel LEFT JOIN channel_write_off USING (contract)
WHERE state = 'closed' AND signed > withdrawn AND (written_at IS NULL OR written_at >= $1)
ORDER BY written_at IS NOT NULL, contract LIMIT $2
"""

_WRITE_OFF = """
INSERT INTO channel_write_off (contract, asset, amount, reason, written_by, written_at)
VALUES ($1, $2, $3, $4, $5, $6)
"""


class PostgresLosses:
    """Each call may also raise one of `config.postgres.UNAVAILABLE`."""

    def __init__(self, database: Database, ledger: PostgresLedger) -> None:
        self._database = database
        self._ledger = ledger

    async def losses(self, since: datetime) -> list[Loss]:
        """What is lost and still a claim, and what was written off since then; the former first,
        and `CHANNEL_LOSSES_MAX` at most.
        """
        return await losses(self._database, since)

    async def loss(self, contract: str) -> Loss:
        """What one payment channel cost us, written off or not.

        Raises:
            UnknownChannel: nobody registered it.
            NothingLost: see there.
        """
        row = await self._database.fetchrow(_LOSS, contract)
        if row is None:
            raise UnknownChannel(contract)
        return _loss(row)

    async def write_off(self, contract: str, amount: Stroops, write_off: WriteOff) -> Loss:
        """Give it up; what was given up before stays as it is.

        Args:
            contract: the payment channel's address.
            amount: what is lost, as the operator saw it.
            write_off: why, who and when.

        Raises:
            UnknownChannel, NothingLost: as `loss`.
            OtherAmount: something else is lost by now.
        """
        async with self._database.transaction() as connection:
            await connection.fetchrow(_LOCK, contract)
            row = await connection.fetchrow(_LOSS, contract)
            if row is None:
                raise UnknownChannel(contract)
            found = _loss(row)
            if found.amount != amount:
                raise OtherAmount(contract)
            if found.written_off is not None:
                return found
            await connection.execute(
                _WRITE_OFF,
                contract,
                found.asset,
                amount,
                write_off.reason,
                write_off.by,
                write_off.at,
            )
            accounts = [channel_loss_account(found.asset)]
            await self._ledger.open_accounts_within(connection, accounts)
            await self._ledger.post_within(connection, [found.transfer])
        return await self.loss(contract)


async def losses(database: Database, since: datetime) -> list[Loss]:
    """See `PostgresLosses.losses`."""
    return [_loss(row) for row in await database.fetch(_OPEN, since, CHANNEL_LOSSES_MAX)]


def _loss(row: Record) -> Loss:
    written = None
    if row["written_at"] is not None:
        written = WriteOff(row["reason"], row["written_by"], row["written_at"])
    return loss_of(channel_of(row), written)
