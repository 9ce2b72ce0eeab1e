"""A process that is killed in the middle loses nothing that it acknowledged, and charges nothing
twice; a database that goes away stops the serving, not the books.
"""

import asyncio
import signal
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

import pytest

from config.clock import ManualClock
from config.embedded_postgres import EmbeddedPostgres
from config.migrate import migrate
from config.postgres import Database
from metering.intake import Intake, MeterUnavailable
from metering.ledger import Transfer, hot_account, treasury_account
from metering.money import Stroops
from metering.rules import UNITS_PER_SECOND, MeterRules
from metering.session import SavedSession
from metering.store_postgres import PostgresMeterStore
from metering.tariff import Price
from tests.metering.metered_load import PARTS_ASSET

LOAD = Path(__file__).with_name("metered_load.py")
SEGMENT = 2 * UNITS_PER_SECOND
KILLS = 4

# The server may still work on what a killed client sent last; this returns when that has ended.
_END_ITS_STATEMENTS = """
SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid()
"""


def killed_after(url: str, lines: int) -> dict[str, set[int]]:
    """Run the load, kill it with SIGKILL after so many acknowledgements; what it acknowledged."""
    with subprocess.Popen(
        [sys.executable, str(LOAD)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as load:
        assert load.stdin is not None
        assert load.stdout is not None
        load.stdin.write(url + "\n")
        load.stdin.flush()
        said = [load.stdout.readline() for _ in range(lines)]
        load.send_signal(signal.SIGKILL)
        said += load.stdout.readlines()
    acknowledged: dict[str, set[int]] = defaultdict(set)
    for line in said:
        what, _, rest = line.strip().partition(" ")
        if what == "asked":
            session_id, sequence = rest.split()
            acknowledged[session_id].add(int(sequence))
    return acknowledged


async def check_books(database: Database, store: PostgresMeterStore) -> list[SavedSession]:
    """Invariants I1, I3, I4, I5, I7 over everything in the database."""
    assert (await store.ledger.check()).sound
    kept = await store.open_sessions()
    holds = await store.ledger.balances("hold:")
    for saved in kept:
        runs = await database.fetch(
            "SELECT * FROM tick_run WHERE session_id = $1 ORDER BY first_tick", saved.session.id
        )
        ticks = [row["first_tick"] for row in runs] + [saved.totals.ticks]
        assert ticks == [0] + [row["last_tick"] for row in runs]
        price = saved.session.price
        assert sum(row["amount"] for row in runs) == price.cost(0, saved.totals.ticks)
        assert holds[saved.session.hold_account] == saved.totals.drawn - saved.amount
        state = saved.meter_state()
        covered = sum(hi - lo for lo, hi in state.covered) if state is not None else 0
        pending = sum(hi - lo for lo, hi, _ in state.pending) if state is not None else 0
        assert saved.totals.posted + pending == covered
        assert saved.totals.drawn == price.cost(0, covered // UNITS_PER_SECOND)
    return kept


async def test_a_killed_process_lost_nothing_it_acknowledged_and_charged_nothing_twice(
    postgres_url: str, database: Database
) -> None:
    """Kill it in mid-load, look, and let the next one go on; at last charge for all of it."""
    store = PostgresMeterStore(database)
    acknowledged: dict[str, set[int]] = defaultdict(set)
    kept: list[SavedSession] = []
    for kill in range(KILLS):
        new = await asyncio.to_thread(killed_after, postgres_url, 150 + 97 * kill)
        await database.fetch(_END_ITS_STATEMENTS)
        kept = await check_books(database, store)
        delivered = await database.fetch("SELECT session_id, sequence FROM delivery")
        promised = {(row["session_id"], row["sequence"]) for row in delivered}
        for saved in kept:
            if saved.session.asset_id == PARTS_ASSET:
                continue
            state = saved.meter_state()
            covered = state.covered if state is not None else []
            for sequence in new[saved.session.id]:
                assert (saved.session.id, sequence) in promised
                lo, hi = sequence * SEGMENT, (sequence + 1) * SEGMENT
                assert any(start <= lo and hi <= end for start, end in covered)
            acknowledged[saved.session.id] |= new[saved.session.id]
    assert min(len(sequences) for sequences in acknowledged.values()) > KILLS

    clock = ManualClock()
    intake = Intake(store, clock, MeterRules())
    await intake.start()
    clock.advance(60_000)
    summaries = [await intake.close(saved.session.id) for saved in kept]
    await intake.stop()
    assert (await store.ledger.check()).sound
    assert await store.open_sessions() == []
    for summary in summaries:
        assert summary.amount == summary.price.cost(0, summary.ticks)
        if summary.asset_id == PARTS_ASSET:
            assert summary.ticks > KILLS
            continue
        # Not more than was asked for: unanswered requests of each killed process may be void.
        assert summary.ticks <= 2 * (max(acknowledged[summary.session_id]) + 1 + KILLS)
    balances = await store.ledger.balances("")
    assert sum(balances[f"creator:acc_c{i}:XLM"] for i in range(3)) == sum(
        summary.amount for summary in summaries
    )
    assert all(held == 0 for name, held in balances.items() if name.startswith("hold:"))


@pytest.fixture
def server(tmp_path: Path) -> EmbeddedPostgres:
    return EmbeddedPostgres(tmp_path / "postgres")


async def test_while_the_database_is_away_nothing_is_served_and_afterwards_nothing_is_missing(
    server: EmbeddedPostgres,
) -> None:
    database = await Database.connect(await server.start())
    await migrate(database)
    store, clock = PostgresMeterStore(database), ManualClock()
    hot, treasury = hot_account("XLM"), treasury_account("XLM")
    fill = Transfer("fill", hot.id, treasury.id, Stroops(10**9), "XLM", "fill")
    await store.post([hot, treasury], [fill])
    intake = Intake(store, clock, MeterRules())
    await intake.start()
    await intake.fund("v", Stroops(10_000), "gift")
    session_id = (await intake.open("v", "a", "c", Price("XLM", 100, 1))).session_id
    intake.finish(await intake.request(session_id, 0, 0, SEGMENT), complete=True)

    await server.stop()
    for i in (1, 2):
        async with asyncio.timeout(5):
            with pytest.raises(MeterUnavailable):
                await intake.request(session_id, i, i * SEGMENT, (i + 1) * SEGMENT)
    await server.start()
    clock.advance(1_000)
    await intake.sweep()
    intake.finish(await intake.request(session_id, 1, SEGMENT, 2 * SEGMENT), complete=True)
    clock.advance(10_000)
    summary = await intake.close(session_id)
    assert (summary.amount, summary.balance) == (400, 9_600)
    await intake.stop()
    assert (await store.ledger.check()).sound
    await database.close()
    await server.stop()
