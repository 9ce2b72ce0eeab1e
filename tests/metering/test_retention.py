"""A year of fake time: parts are begun, closed and exported, and no stroop is lost on the way."""

import json
from pathlib import Path

import pytest

from config.clock import ManualClock
from config.embedded_postgres import EmbeddedPostgres
from config.postgres import Database
from metering.audit.audit import audit
from metering.audit.finding import Verdict
from metering.intake import Intake
from metering.ledger.archive_file import archive_path
from metering.ledger.journal_postgres import PostgresJournal
from metering.ledger.ledger import (
    ConflictingTransfer,
    Transfer,
    creator_account,
    hot_account,
    viewer_account,
)
from metering.ledger.ledger_postgres import PostgresLedger
from metering.ledger.sealer import Sealer
from metering.money import Stroops
from metering.retention.parts import first_session_id, month_name, month_of, month_start
from metering.retention.retention import LedgerRetention
from metering.retention.upkeep import LedgerUpkeep, NotSound
from metering.rules import UNITS_PER_SECOND, MeterRules
from metering.store_postgres import PostgresMeterStore
from metering.tariff import Price

PRICE = Price("XLM", 1, 1)
SEGMENT = 2 * UNITS_PER_SECOND

_SHORTENED = """
SELECT count(*) FROM playback_session
WHERE (SELECT count(*) FROM tick_run WHERE session_id = id) = 1
    AND (SELECT count(*) FROM delivery WHERE session_id = id) = 2
"""

HOT = hot_account("XLM")
VIEWERS = [viewer_account(f"v{i}", "XLM") for i in range(5)]
CREATOR = creator_account("c", "XLM")
DAY_MS = 86_400_000
# The first part was begun when the test began; time only goes forward from there.
JANUARY_2040_MS = 2_208_988_800_000


def gift(name: str, viewer: int, amount: int) -> Transfer:
    return Transfer(name, HOT.id, VIEWERS[viewer].id, Stroops(amount), "XLM", "play_money")


class Year:
    """The ledger as the server's role, and what is done for it as time passes."""

    def __init__(self, server: Database, postgres_url: str, directory: Path) -> None:
        self.clock = ManualClock(JANUARY_2040_MS)
        self.ledger = PostgresLedger(server)
        self.journal = PostgresJournal(server)
        self.retention = LedgerRetention(postgres_url, directory, months=2)
        self.upkeep = LedgerUpkeep(server, self.clock, self.retention)
        self.sealer = Sealer(self.journal, self.clock)
        self.database = server
        self.directory = directory

    async def month(self, number: int) -> None:
        """Ten transfers, some of them of sessions, and then the next month."""
        for i in range(5):
            session = f"ses_{number}{i}:1:post"
            post = Transfer(
                session, VIEWERS[i].id, CREATOR.id, Stroops(number + i + 1), "XLM", "post"
            )
            await self.ledger.post([gift(f"gift:{number}:{i}", i, 1_000 + i), post])
        await self.watch(number)
        await self.sealer.seal_round()
        self.clock.advance(31 * DAY_MS)
        await self.upkeep.prepare()

    async def watch(self, number: int) -> None:
        """A session that goes back to its beginning, and goes on after a while."""
        intake = Intake(PostgresMeterStore(self.database), self.clock, MeterRules())
        await intake.start()
        session = (await intake.open(f"v{number % 5}", "ast", "c", PRICE)).session_id
        for i in (0, 1, 2, 0, 3, 9, 10):
            delivery = await intake.request(session, i, i * SEGMENT, (i + 1) * SEGMENT)
            intake.finish(delivery, complete=True)
            self.clock.advance(3_000)
            await intake.sweep()
        await intake.close(session)
        await intake.stop()

    async def broken(self) -> list[str]:
        found = await audit(self.database, archive=self.directory)
        return [each.state for each in found.findings if each.verdict is Verdict.VIOLATED]


@pytest.fixture
async def year(server_database: Database, postgres_url: str, tmp_path: Path) -> Year:
    year = Year(server_database, postgres_url, tmp_path / "ledger")
    await year.ledger.open_accounts([HOT, CREATOR, *VIEWERS])
    return year


async def test_after_a_year_all_money_is_there_and_everything_can_be_checked(
    year: Year, database: Database
) -> None:
    await year.upkeep.prepare()
    for number in range(12):
        await year.month(number)
        before = await year.ledger.balances("")
        await database.execute("DELETE FROM receipt_due")  # as if they had their receipts
        await year.retention.close_due(year.clock.wall_ms())
        assert await year.ledger.balances("") == before
        assert (await year.ledger.check()).sound
    assert await year.broken() == []
    watched = await database.fetchval("SELECT sum(ticks) FROM playback_session")
    assert 12 * 10 < watched <= 12 * 14
    paid = sum(number + i + 1 for number in range(12) for i in range(5)) + watched
    assert await year.ledger.balance(CREATOR.id) == paid
    assert sum((await year.ledger.balances("")).values()) == 0
    kept = await database.fetch("SELECT number, closing_seal FROM ledger_part ORDER BY 1")
    closed = [row["number"] for row in kept if row["closing_seal"] is not None]
    assert closed == list(range(len(closed)))
    assert len(kept) - len(closed) == 3
    lines = [
        json.loads(line)
        for part in closed
        for line in archive_path(year.directory, part).read_text().splitlines()
    ]
    positions = [line[0] for line in lines]
    assert positions == sorted(positions)
    sealed = await database.fetchval(
        "SELECT sum(transfers) FROM journal_seal WHERE kind='transfers'"
    )
    assert len(lines) + await database.fetchval("SELECT count(*) FROM ledger_transfer") == sealed
    # Those who watched long ago are one run of ticks and two pieces of media each.
    assert await database.fetchval(_SHORTENED) == 10
    files = sorted(each.name for each in year.directory.glob("tick_run_2040_*"))
    assert files[-3:] == [f"tick_run_2040_{month}.ndjson" for month in ("08", "09", "10")]

    await year.upkeep.prepare()
    assert await year.retention.close_due(year.clock.wall_ms()) == 0


async def test_what_was_posted_in_a_closed_part_is_not_posted_again(year: Year) -> None:
    await year.upkeep.prepare()
    for number in range(4):
        await year.month(number)
    assert await year.retention.close_due(year.clock.wall_ms()) > 0
    before = await year.ledger.balances("")
    assert await year.ledger.post([gift("gift:0:1", 1, 1_001)]) == frozenset()
    with pytest.raises(ConflictingTransfer):
        await year.ledger.post([gift("gift:0:1", 1, 1_002)])
    with pytest.raises(ConflictingTransfer):
        await year.ledger.post([gift("gift:0:1", 2, 1_001)])
    assert await year.ledger.balances("") == before


async def test_a_changed_file_or_balance_of_a_closed_part_is_named(
    year: Year, database: Database, postgres_server: EmbeddedPostgres
) -> None:
    await year.upkeep.prepare()
    for number in range(4):
        await year.month(number)
    await year.retention.close_due(year.clock.wall_ms())
    file = archive_path(year.directory, 1)
    right = file.read_text()
    file.write_text(right.replace("1001", "1002", 1))
    assert any("are not as in seal 1" in what for what in await year.broken())
    file.write_text(f"{right}[{2**52}]\n")
    assert any("has another hash" in what for what in await year.broken())
    file.unlink()
    assert any("No such file" in what for what in await year.broken())
    file.write_text(right)
    assert await year.broken() == []
    name = await database.fetchval("SELECT current_database()")
    superuser = await Database.connect(postgres_server.url("postgres", name), pool_size=1)
    async with superuser.transaction() as connection:
        await connection.execute("SET LOCAL session_replication_role = replica")
        await connection.execute("UPDATE journal_balance SET balance = balance + 1")
    await superuser.close()
    assert any("what a part was closed with was changed" in what for what in await year.broken())


async def test_a_ledger_that_is_not_sound_is_not_closed(year: Year, database: Database) -> None:
    await year.upkeep.prepare()
    for number in range(4):
        await year.month(number)
    await database.execute("UPDATE ledger_account SET balance = balance + 1 WHERE id = $1", HOT.id)
    with pytest.raises(NotSound, match="sum to 1"):
        await year.retention.close_due(year.clock.wall_ms())
    assert await database.fetchval("SELECT count(closing_seal) FROM ledger_part") == 0
    assert not archive_path(year.directory, 0).exists()


def test_months_are_found_again_in_the_ids_of_sessions() -> None:
    december = month_of(int(month_start(2026 * 12 + 11).timestamp()) * 1000)
    assert (month_name(december), month_name(december + 1)) == ("2026_12", "2027_01")
    assert first_session_id(december) < first_session_id(december + 1)
    assert len(first_session_id(december)) == 14
