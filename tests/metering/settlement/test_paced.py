"""Whose turn comes rarely is asked rarely."""

from collections.abc import Sequence

from config.clock import ManualClock
from config.limits import SETTLEMENT_PAYMENTS_MAX
from metering.money import Stroops
from metering.settlement.paced import Paced
from metering.settlement.source import Due


class Earners:
    """So many are due each time."""

    def __init__(self, count: int) -> None:
        self.count = count
        self.refusals: list[tuple[str, str]] = []

    async def due(self, asset: str, limit: int) -> Sequence[Due]:
        return [
            Due(f"acc_{n}", f"acc_{n}", f"creator:acc_{n}:{asset}", None, Stroops(1))
            for n in range(min(self.count, limit))
        ]

    async def refused(self, due_id: str, code: str) -> None:
        self.refusals.append((due_id, code))


async def test_few_are_gathered_for_an_interval() -> None:
    clock, earners = ManualClock(), Earners(3)
    paced = Paced(earners, clock, 300_000)
    assert len(await paced.due("XLM", 1000)) == 3
    clock.advance(299_999)
    assert await paced.due("XLM", 1000) == ()
    clock.advance(1)
    assert len(await paced.due("XLM", 1000)) == 3


async def test_more_than_a_transaction_has_room_for_go_on_at_once() -> None:
    clock, earners = ManualClock(), Earners(SETTLEMENT_PAYMENTS_MAX)
    paced = Paced(earners, clock, 300_000)
    for _ in range(3):
        assert len(await paced.due("XLM", 1000)) == SETTLEMENT_PAYMENTS_MAX
    earners.count = 1
    assert len(await paced.due("XLM", 1000)) == 1
    assert await paced.due("XLM", 1000) == ()


async def test_what_is_refused_is_told_to_whom_it_concerns() -> None:
    earners = Earners(1)
    await Paced(earners, ManualClock(), 1).refused("acc_0", "op_no_trust")
    assert earners.refusals == [("acc_0", "op_no_trust")]
