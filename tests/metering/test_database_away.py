"""A database that goes away, over and over: viewers who were let in notice nothing within the
credit, and when all is said each of them has paid for exactly what was sent.
"""

import os
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from config.embedded_postgres import EmbeddedPostgres
from metering.errors import MeterUnavailable
from metering.intake import Intake
from metering.rules import MeterRules
from tests.metering.audience import CREDIT, family, metered, postmaster
from tests.metering.database_kills import UNPAID_SECONDS_MAX, run

pytestmark = pytest.mark.process

OUTAGES = 5


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[EmbeddedPostgres]:
    server = EmbeddedPostgres(tmp_path / "postgres", {"fsync": "off"})
    yield server
    await server.stop()


async def test_a_database_that_is_killed_over_and_over_costs_nobody_anything(
    server: EmbeddedPostgres,
) -> None:
    """Half a minute of media each time. Twenty times: `python -m tests.metering.database_kills`."""
    found = await run(server, OUTAGES)
    assert (found.kills, found.stalls, found.let_in) == (OUTAGES, 0, 0)
    assert found.sent > 0
    assert CREDIT.seconds <= max(found.unpaid) <= UNPAID_SECONDS_MAX, "the process died as well"


async def test_beyond_the_credit_all_wait_and_go_on_by_themselves(
    server: EmbeddedPostgres,
) -> None:
    """Then the process dies as well: what it had lent is the viewers', and not more than that."""
    async with metered(await server.start()) as audience:
        await audience.watch(2)
        await audience.intake.sweep()
        await server.stop()
        await audience.watch(CREDIT.seconds // 2)
        with pytest.raises(MeterUnavailable):
            await audience.watch(1)
        await server.start()
        later = Intake(audience.store, audience.clock, MeterRules(), outage=CREDIT)
        await later.start()
        for session_id, segments in audience.sent.items():
            billed = (await later.close(session_id)).seconds_billed
            assert 4 <= billed <= 2 * segments
            assert 2 * segments - billed <= CREDIT.seconds
        await later.stop()


async def test_a_database_that_hangs_is_waited_for_by_nobody(
    server: EmbeddedPostgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was asked to commit when it froze, and does so when it wakes up."""
    monkeypatch.setattr("metering.bookkeeper.INTAKE_BEHIND_MS_MAX", 50)
    monkeypatch.setattr("metering.committer.INTAKE_COMMIT_MS_MAX", 400)
    async with metered(await server.start()) as audience:
        await audience.watch(2)
        for outage in range(3):
            frozen = family(postmaster(server))
            for process in frozen:
                os.kill(process, signal.SIGSTOP)
            await audience.watch(4 + outage)
            for process in frozen:
                os.kill(process, signal.SIGCONT)
            await audience.intake.sweep()
            await audience.watch(2)
        await audience.pay()
