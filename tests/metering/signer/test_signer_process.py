"""A signer in a process of its own, which reads what was planned from a real database."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from api.signer_process import SignerProcess
from config.clock import SystemClock
from config.embedded_postgres import SIGNER_ROLE, EmbeddedPostgres
from config.postgres import Connection, Database, InsufficientPrivilegeError
from config.roles import grant_to_signer
from config.tasks import spawn
from metering.settlement.outbox import Settlement
from metering.settlement.outbox_postgres import _insert
from metering.settlement.signer import Reason, Refused, SignerAway, SigningOrder
from metering.signer.brief import Brief
from metering.signer.register_file import FileRegister
from metering.signer.remote_signer import RemoteSigner
from tests.end_to_end.running_server import descendants
from tests.metering.signer.plans import KEYS, PASSPHRASE, SEED, order, pay, plan

pytestmark = pytest.mark.process

_SECONDS_MAX = 30
_CAP = 1_000


class Site:
    """A database with plans, and a signer beside it whose key was kept elsewhere before."""

    def __init__(self, database: Database, url: str, folder: Path) -> None:
        self.database = database
        self.folder = folder / "signer"
        former = folder / "former-seed"
        former.touch(mode=0o600)
        former.write_text(SEED)
        brief = Brief(
            str(self.folder), str(former), PASSPHRASE, {"XLM": _CAP}, 10**6, url, "", "info", "json"
        )
        self.process = SignerProcess.start(brief)
        self.signer: RemoteSigner

    @property
    def worker(self) -> int:
        """The process that has the keys."""
        assert self.process._process is not None
        [worker] = descendants(self.process._process.pid)
        return worker

    async def add(self, settlement: Settlement) -> Settlement:
        async with self.database.transaction() as connection:
            await _insert(connection, settlement)
        return settlement


@pytest.fixture
async def site(
    database: Database, postgres_server: EmbeddedPostgres, tmp_path: Path
) -> AsyncIterator[Site]:
    await grant_to_signer(database, SIGNER_ROLE)
    name = await database.fetchval("SELECT current_database()")
    site = Site(database, postgres_server.url(SIGNER_ROLE, name), tmp_path)
    try:
        async with asyncio.timeout(_SECONDS_MAX):
            site.signer = await site.process.meet()
        yield site
    finally:
        await site.process.stop()


def soon(settlement: Settlement) -> SigningOrder:
    return order(settlement, max_time=SystemClock().wall_ms() // 1000 + 60)


async def test_killed_in_the_middle_of_an_order_it_signs_once_when_asked_again(
    site: Site,
) -> None:
    """Goal: `kill -9` of a signer loses nothing, and nothing is signed twice or counted twice.
    Method: a lock on the plans holds an order up until the signer is dead; then the same order is
    given to its successor, with other numbers, before and after that one is killed as well.
    """
    assert (site.signer.hot, site.signer.channels) == (KEYS.hot, KEYS.channels)
    settlement = await site.add(plan("set_1", pay(700)))
    async with site.database.transaction() as connection:
        await connection.execute("LOCK TABLE payout IN ACCESS EXCLUSIVE MODE")
        ordered = spawn(site.signer.sign(soon(settlement)), name="order")
        await _waits_for_the_lock(connection)
        os.kill(site.worker, signal.SIGKILL)
        with pytest.raises(SignerAway):
            async with asyncio.timeout(_SECONDS_MAX):
                await ordered
    async with asyncio.timeout(_SECONDS_MAX):
        signed = await site.signer.sign(soon(settlement))
        os.kill(site.worker, signal.SIGKILL)
        again = await site.signer.sign(replace(soon(settlement), sequence=99, ledger=99))
        assert again == signed, "whoever did not hear the first answer gets the same one"
        second = await site.add(
            plan("set_2", replace(pay(_CAP), id="pay_2"), source=KEYS.channels[0])
        )
        with pytest.raises(Refused) as refused:
            await site.signer.sign(soon(second))
    assert refused.value.reason is Reason.DAILY_CAP, "its successors know what it signed"
    await site.process.stop()
    kept = FileRegister(site.folder / "signed.jsonl")
    assert kept.spent(SystemClock().wall_ms()).by_asset == {"XLM": 700}


async def _waits_for_the_lock(connection: Connection) -> None:
    async with asyncio.timeout(_SECONDS_MAX):
        while not await connection.fetchval(  # noqa: ASYNC110 - another process gives no event
            "SELECT count(*) FROM pg_locks WHERE relation = 'payout'::regclass AND NOT granted"
        ):
            await asyncio.sleep(0.02)


async def test_its_role_reads_what_is_planned_and_can_do_nothing_else(
    database: Database, postgres_server: EmbeddedPostgres
) -> None:
    await database.execute(f"GRANT ALL ON payout TO {SIGNER_ROLE}")
    await grant_to_signer(database, SIGNER_ROLE)
    name = await database.fetchval("SELECT current_database()")
    tables = [
        row["tablename"]
        for row in await database.fetch(
            "SELECT tablename FROM pg_tables WHERE schemaname = current_schema()"
        )
    ]
    mine = await Database.connect(postgres_server.url(SIGNER_ROLE, name), pool_size=1)
    try:
        done = [
            f"{verb} {table}"
            for table in tables
            for verb, statement in (
                ("read", f"SELECT count(*) FROM {table}"),
                ("add", f"INSERT INTO {table} DEFAULT VALUES"),
                ("change", f"DELETE FROM {table}"),
                ("lock", f"LOCK TABLE {table} IN SHARE MODE"),
            )
            if await _is_allowed(mine, statement)
        ]
        for statement in ("CREATE TABLE mine (id int)", "SELECT grant_to_signer(current_user)"):
            assert not await _is_allowed(mine, statement)
    finally:
        await mine.close()
    assert len(tables) > 30
    assert sorted(done) == ["read payout", "read payout_batch"]


async def _is_allowed(database: Database, statement: str) -> bool:
    try:
        async with database.transaction() as connection:
            await connection.execute(statement)
    except InsufficientPrivilegeError:
        return False
    return True
