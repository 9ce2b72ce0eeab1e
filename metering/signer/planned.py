"""What was planned, as the signer reads it from the database, where it can change nothing."""

from collections.abc import Callable

from config.limits import SIGNER_CONNECTIONS
from config.postgres import UNAVAILABLE, Database, DatabaseUnavailable
from metering.settlement import outbox_rows
from metering.settlement.outbox import Settlement
from metering.settlement.signer import SignerAway

_BATCH = "SELECT * FROM payout_batch WHERE id = $1"
_PAYOUTS = "SELECT * FROM payout WHERE batch = $1 ORDER BY place"

_AWAY: tuple[type[Exception], ...] = (*UNAVAILABLE, DatabaseUnavailable)


class PlannedSettlements:
    """Implements `local_signer.Settlements`. Connects with the first order, and again when needed.

    Args:
        url: tells where the database is now: an embedded one moves when it is started again.
    """

    def __init__(self, url: Callable[[], str]) -> None:
        self._url = url
        self._database: Database | None = None

    async def settlement(self, settlement_id: str) -> Settlement | None:
        try:
            database = await self._connected()
            batch = await database.fetchrow(_BATCH, settlement_id)
            payouts = await database.fetch(_PAYOUTS, settlement_id)
        except _AWAY as error:
            await self.close()
            raise SignerAway(f"the database is away: {error}") from error
        return None if batch is None else outbox_rows.settlement(batch, payouts, ())

    async def close(self) -> None:
        if self._database is not None:
            await self._database.close()
        self._database = None

    async def _connected(self) -> Database:
        if self._database is None:
            self._database = await Database.connect(self._url(), pool_size=SIGNER_CONNECTIONS)
        return self._database
