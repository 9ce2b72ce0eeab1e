"""What is done for the ledger beside the meter: sealing it, and keeping its tables in parts."""

from contextlib import AsyncExitStack

from api.health import Dependency
from api.storage import archive_directory
from api.stores import Stores
from config.postgres import Database
from metering.ledger.journal_postgres import JournalReader, PostgresJournal
from metering.ledger.sealer import Sealer
from metering.retention.retention import LedgerRetention
from metering.retention.upkeep import LedgerUpkeep


async def start_books(stores: Stores, stack: AsyncExitStack) -> None:
    """Started before the meter, and so ended after it: its last transfers are sealed, too."""
    months = stores.settings.ledger.retention_months
    files = archive_directory(stores.data)
    retention = LedgerRetention(stores.database_urls.owner, files, months) if months else None
    upkeep = LedgerUpkeep(stores.database, stores.clock, retention)
    stack.push_async_callback(upkeep.stop)
    await upkeep.start()
    sealer = Sealer(PostgresJournal(stores.database), stores.clock)
    stack.push_async_callback(sealer.stop)
    await sealer.start()


def journal_dependency(database: Database) -> Dependency:
    """Tells the head of the chain, which an operator may note elsewhere."""
    journal = JournalReader(database)

    async def probe() -> str:
        head = await journal.head()
        return "nothing sealed yet" if head is None else f"seal {head.number}, {head.hash.hex()}"

    return Dependency("journal", probe, required=False)
