"""With 30 % lost answers and 30 % late ledgers nobody is paid twice and nothing is stuck.

Ten thousand settlements take minutes: `python -m tests.metering.settlement.fault_matrix`.
"""

from collections.abc import Iterator

import pytest
import structlog

from tests.metering.settlement.fault_matrix import APIS, run

SETTLEMENTS = 60


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    before = structlog.get_config()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger("critical"))
    yield
    structlog.configure(**before)


@pytest.mark.parametrize("api", APIS)
async def test_no_payout_is_doubled_or_stuck_and_chain_and_ledger_agree(api: str) -> None:
    matrix = await run(SETTLEMENTS, 7, api)
    assert matrix.wrong == []
    assert matrix.settlements["applied"] >= SETTLEMENTS
    assert matrix.sent_again > 0, "answers were lost"
    assert matrix.bids > 0, "ledgers were late"
