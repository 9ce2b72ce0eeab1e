"""The known network in Postgres."""

from config.postgres import Database
from metering.settlement.guard import KnownNetwork, Mark

_KNOWN = "SELECT * FROM known_network"

_REMEMBER = """
INSERT INTO known_network AS known
    (passphrase, first_ledger, first_hash, last_ledger, last_hash)
VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (only_one) DO UPDATE
    SET last_ledger = excluded.last_ledger, last_hash = excluded.last_hash
    WHERE known.passphrase = excluded.passphrase AND known.last_ledger < excluded.last_ledger
"""


class PostgresNetworkBook:
    """Implements `guard.NetworkBook`. Whoever remembers first, in any process, is the one."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def known(self) -> KnownNetwork | None:
        row = await self._database.fetchrow(_KNOWN)
        if row is None:
            return None
        return KnownNetwork(
            row["passphrase"],
            Mark(row["first_ledger"], row["first_hash"]),
            Mark(row["last_ledger"], row["last_hash"]),
        )

    async def remember(self, network: KnownNetwork) -> None:
        await self._database.execute(
            _REMEMBER,
            network.passphrase,
            network.first.ledger,
            network.first.hash,
            network.last.ledger,
            network.last.hash,
        )
