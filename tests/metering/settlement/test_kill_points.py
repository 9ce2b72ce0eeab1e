"""A process that is killed at any of six points has neither lost nor doubled a payout."""

from pathlib import Path

import pytest

from config.postgres import Database
from tests.metering.localnet.running import running_network
from tests.metering.settlement.kill_points import CLOSE_MS, run

pytestmark = pytest.mark.process


async def test_what_was_paid_is_what_was_earned_whenever_a_process_is_killed(
    database: Database, postgres_url: str, tmp_path: Path
) -> None:
    """Fifty times each takes minutes: `python -m tests.metering.settlement.kill_often`."""
    with running_network(tmp_path / "network.state", close_ms=CLOSE_MS) as network:
        assert await run(database, postgres_url, network, times=1) == []
