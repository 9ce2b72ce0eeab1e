"""When there is too much to do, nobody new is let in, and those who are in notice nothing."""

import asyncio
from collections.abc import Sequence

import pytest

from config.clock import ManualClock
from config.limits import INTAKE_CREDITS_PER_ROUND, INTAKE_OPENINGS_PER_ROUND
from config.tasks import spawn
from metering.admission import LIMITS, Load, crowded
from metering.intake import Intake, Overloaded
from metering.ledger.ledger import Account, Transfer
from metering.money import Stroops
from metering.rules import MeterRules
from metering.session import Session
from metering.tariff import Price
from tests.metering.watching import HOT, TREASURY, Store, Viewer

IDLE = Load(0, 0, 0, 0)
FREE = Price("XLM", 0, 1)
VIEWERS, HERD = 20, 3_000


def test_there_is_room_up_to_each_limit_and_not_beyond() -> None:
    assert crowded(IDLE) is None
    assert crowded(Load(*(limit - 1 for limit in LIMITS))) is None
    why = [crowded(IDLE._replace(**{name: limit})) for name, limit in LIMITS._asdict().items()]
    assert None not in why
    assert len(set(why)) == len(LIMITS)


@pytest.mark.parametrize(("limits", "sessions"), [({"sessions": 1}, 1), ({"lag_ms": 0}, 0)])
async def test_who_comes_too_late_is_told_to_ask_again(
    intake: Intake, monkeypatch: pytest.MonkeyPatch, limits: dict[str, int], sessions: int
) -> None:
    monkeypatch.setattr("metering.admission.LIMITS", LIMITS._replace(**limits))
    for i in range(sessions):
        await intake.open(f"v{i}", "ast_1", "creator", FREE)
    with pytest.raises(Overloaded):
        await intake.open("late", "ast_1", "creator", FREE)


class BusyStore(Store):
    """Counts what it does, in sessions and payments, and lets others run meanwhile."""

    def __init__(self) -> None:
        super().__init__()
        self.done = 0

    async def open(self, sessions: Sequence[Session], fence: int) -> None:
        await asyncio.sleep(0)
        await super().open(sessions, fence)
        self.done += len(sessions)

    async def post(self, accounts: Sequence[Account], transfers: Sequence[Transfer]) -> None:
        await asyncio.sleep(0)
        await super().post(accounts, transfers)
        self.done += len(transfers)


async def test_a_herd_at_the_door_keeps_nobody_who_is_in_from_watching(clock: ManualClock) -> None:
    """However many want to come in and to pay in: between a request for media and its answer the
    store does little of that. It is counted, not timed.
    """
    store = BusyStore()
    fill = Transfer("fill", HOT.id, TREASURY.id, Stroops(10**9), "XLM", "fill")
    await store.post([HOT, TREASURY], [fill])
    intake = Intake(store, clock, MeterRules())
    await intake.start()
    inside = [
        Viewer(intake, (await intake.open(f"in{i}", "ast_1", "creator", FREE)).session_id)
        for i in range(VIEWERS)
    ]
    herd = [
        spawn(intake.open(f"v{i}", "ast_1", "creator", FREE), "one who comes") for i in range(HERD)
    ]
    payments = [
        spawn(intake.fund(f"v{i}", Stroops(1), f"gift {i}"), "one who pays")
        for i in range(HERD // 5)
    ]
    waited: list[int] = []
    done, segment = 0, 0
    while done < HERD:
        before = store.done
        answered = await asyncio.gather(*(viewer.ask(segment) for viewer in inside))
        waited.append(store.done - before)
        for delivery in answered:
            intake.finish(delivery, complete=True)
        clock.advance(2_000)
        segment += 1
        done = sum(each.done() for each in herd)
    assert max(waited) <= 2 * (INTAKE_OPENINGS_PER_ROUND + INTAKE_CREDITS_PER_ROUND)
    assert len(waited) >= HERD // INTAKE_OPENINGS_PER_ROUND // 2
    await asyncio.gather(*herd, *payments)
    await intake.stop()
