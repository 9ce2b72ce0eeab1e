"""Parts of a live: given at once, saved together, never paced for who watches, and charged once."""

import asyncio
from collections.abc import Callable
from itertools import pairwise

import pytest

from config.clock import ManualClock
from config.limits import INTAKE_BEHIND_MS_MAX
from metering.intake import (
    Balance,
    InsufficientFunds,
    Intake,
    MeterUnavailable,
    SessionClosed,
)
from metering.ledger.ledger import Transfer
from metering.money import Stroops
from metering.rules import UNITS_PER_SECOND, MeterRules
from tests.metering.watching import HOT, Store, Viewer, Watch, turns

PART_MS = 200
PART = UNITS_PER_SECOND // 5
PARTS = 10  # of a segment of two seconds


class Player:
    """A low-latency player of a live whose first part was there at 200 ms; it takes every body at
    once. `take` fails when it is made to wait.
    """

    def __init__(self, viewer: Viewer, clock: ManualClock) -> None:
        self.viewer, self.intake, self.clock = viewer, viewer.intake, clock
        self.next = 0
        self.got: set[int] = set()

    @property
    def edge(self) -> int:
        """How many parts there are."""
        return self.clock.monotonic_ms() // PART_MS

    def take(self, part: int, *, complete: bool = True) -> None:
        sequence, lo = part // PARTS, part * PART
        delivery = self.intake.request_at_once(self.viewer.id, sequence, lo, lo + PART, prompt=True)
        assert delivery is not None, f"part {part} had to wait"
        self.intake.finish(delivery, complete=complete)
        if complete:
            self.got.add(part)

    def follow(self, tracks: int = 1) -> None:
        """Take what is new: of pictures, of sound."""
        for part in range(self.next, self.edge):
            for _ in range(tracks):
                self.take(part)
        self.next = self.edge

    def join(self) -> None:
        """From the beginning of the segment in which playback starts, three parts behind."""
        self.next = (self.edge - 3) // PARTS * PARTS
        self.follow()

    def watch_on(self, parts: int) -> None:
        """Some parts more, between two rounds."""
        for _ in range(parts):
            self.clock.advance(PART_MS)
            self.follow()

    async def watch(self, seconds: int, each_part: Callable[[], None]) -> None:
        for tick in range(seconds * 5):
            self.clock.advance(PART_MS)
            each_part()
            if tick % 5 == 4:
                await self.intake.sweep()

    async def billed(self) -> int:
        return (await self.intake.close(self.viewer.id)).seconds_billed


@pytest.fixture
async def player(watch: Watch, clock: ManualClock) -> Player:
    clock.advance(61_400)
    player = Player(await watch(), clock)
    player.join()
    return player


# --- who plays at the edge is never paced, and pays for what was watched -------------------------


async def test_pictures_and_sound_at_the_edge(player: Player, store: Store) -> None:
    """A minute from 60 s on, of which 1.4 s were there: one commit a second, one row each time."""
    await player.watch(60, lambda: player.follow(tracks=2))
    assert await player.billed() == 61
    assert len(player.got) == 61 * 5 + 2
    assert len(store.commits) <= 62
    changes = [change for batch in store.commits for change in batch.changes]
    assert max(len(change.served) for change in changes) <= 2
    promised = sorted((row.lo, row.hi) for row in store.deliveries.values())
    assert promised[0][0] == 60 * UNITS_PER_SECOND
    assert all(one[1] == two[0] for one, two in pairwise(promised))


async def test_a_change_of_quality_every_few_seconds(player: Player) -> None:
    """The new rendition is taken from the last independent part on: the segment's first."""

    def each_part() -> None:
        player.follow(tracks=2)
        if player.edge % 37 == 0:
            for part in range(player.edge // PARTS * PARTS, player.edge):
                player.take(part)

    await player.watch(60, each_part)
    assert await player.billed() == 61


async def test_parts_then_the_whole_segment_then_ranges_of_it(player: Player) -> None:
    """As a probe of another quality does, and a player that lost the edge."""

    def each_part() -> None:
        player.follow()
        if player.edge % PARTS == 0:
            lo = (player.edge - PARTS) * PART
            for _ in range(2):
                delivery = player.intake.request_at_once(
                    player.viewer.id, lo // PART // PARTS, lo, lo + PARTS * PART, prompt=False
                )
                assert delivery is not None
                player.intake.finish(delivery, complete=True)

    await player.watch(30, each_part)
    assert await player.billed() == 31


async def test_stalls_pauses_and_jumps_to_the_edge(player: Player) -> None:
    """A network that stops for three seconds delays; what a pause skips is never charged."""
    await player.watch(10, player.follow)
    await player.watch(3, lambda: None)
    await player.watch(7, player.follow)  # catches up in one burst
    await player.watch(60, lambda: None)
    player.join()
    await player.watch(20, player.follow)
    assert len(player.got) == 2 * (7 + 100)
    assert await player.billed() == 42


async def test_every_part_fails_once_and_is_fetched_again(player: Player) -> None:
    def each_part() -> None:
        player.take(player.next, complete=False)
        player.follow()

    await player.watch(30, each_part)
    assert await player.billed() == 31


async def test_a_publisher_that_was_away_leaves_no_trace(player: Player) -> None:
    """Nothing comes for twenty seconds, then everything goes on; nothing is lost or paced."""
    await player.watch(10, player.follow)
    player.clock.advance(20_000)
    player.next = player.edge
    await player.watch(10, player.follow)
    assert await player.billed() == 21


# --- what is promised and not saved --------------------------------------------------------------


async def test_a_part_is_given_at_once_and_saved_with_the_next_round(
    player: Player, store: Store, intake: Intake
) -> None:
    await turns()
    assert store.commits == []
    assert (await intake.balance("v")).available == 9_900
    store.gate.clear()
    sweeping = asyncio.ensure_future(intake.sweep())
    await turns()
    player.watch_on(3)
    store.gate.set()
    await sweeping
    await turns()
    assert [len(batch.changes) for batch in store.commits] == [1]
    assert (await intake.balance("v")).available == 9_800


async def test_media_that_is_paid_for_is_given_at_once_unless_its_hold_is_being_saved(
    watch: Watch, intake: Intake, store: Store
) -> None:
    viewer = await watch()
    file = (viewer.id, 0, 0, 2 * UNITS_PER_SECOND)
    assert intake.request_at_once(*file, prompt=False) is None
    store.gate.clear()
    asked = asyncio.ensure_future(intake.request(*file))
    await turns()
    assert intake.request_at_once(*file, prompt=False) is None
    store.gate.set()
    intake.finish(await asked, complete=True)
    again = intake.request_at_once(*file, prompt=False)
    assert again is not None
    intake.finish(again, complete=False)
    assert (await intake.close(viewer.id)).seconds_billed == 2


async def test_while_the_store_is_slow_parts_wait_like_everything_else(
    player: Player, intake: Intake, store: Store, clock: ManualClock
) -> None:
    store.gate.clear()
    sweeping = asyncio.ensure_future(intake.sweep())
    await turns()
    clock.advance(INTAKE_BEHIND_MS_MAX - 200)
    player.follow()
    clock.advance(200)
    lo = player.next * PART
    file = (player.viewer.id, player.next // PARTS, lo, lo + PART)
    assert intake.request_at_once(*file, prompt=True) is None
    asked = asyncio.ensure_future(intake.request(*file, prompt=True))
    await turns()
    assert not asked.done()
    store.gate.set()
    intake.finish(await asked, complete=True)
    await sweeping
    player.next += 1
    clock.advance(PART_MS)
    player.follow()
    assert await player.billed() == 2


@pytest.mark.parametrize("happened", [False, True])
async def test_without_the_store_parts_are_refused_and_those_before_are_charged_once(
    player: Player, intake: Intake, store: Store, clock: ManualClock, happened: bool
) -> None:
    store.lost = happened
    await intake.sweep()
    clock.advance(PART_MS)
    file = (player.viewer.id, 30, player.next * PART, (player.next + 1) * PART)
    assert intake.request_at_once(*file, prompt=True) is None
    with pytest.raises(MeterUnavailable):
        await intake.request(*file, prompt=True)
    store.lost = None
    await intake.sweep()
    await player.watch(4, player.follow)
    assert await player.billed() == len(player.got) // 5


async def test_who_spent_the_money_elsewhere_is_refused_from_the_next_part_on(
    player: Player, intake: Intake, store: Store, clock: ManualClock
) -> None:
    """What was given before that came out is not charged; nothing is charged twice."""
    await player.watch(3, player.follow)
    paid = (await intake.summary(player.viewer.id)).seconds_billed
    left = (await intake.balance("v")).available
    drain = Transfer("out", "viewer:v:XLM", HOT.id, Stroops(left - 50), "XLM", "withdraw")
    await store.post([], [drain])
    clock.advance(5 * PART_MS)
    player.follow()
    store.reads.clear()
    sweeping = asyncio.ensure_future(intake.sweep())
    await store.refused.wait()
    lo = player.next * PART
    file = (player.viewer.id, player.next // PARTS, lo, lo + 5 * PART)
    assert intake.request_at_once(*file, prompt=True) is None
    store.reads.set()
    with pytest.raises(InsufficientFunds):
        await intake.request(*file, prompt=True)
    await sweeping
    await intake.fund("v", Stroops(10_000), "more")
    await player.watch(2, player.follow)
    billed = await player.billed()
    assert paid <= billed <= paid + 4
    assert await intake.balance("v") == Balance(
        Stroops(10_000 + 50 - 100 * (billed - paid)), Stroops(0)
    )


async def test_a_closed_session_gets_nothing_at_once(player: Player, intake: Intake) -> None:
    closing = asyncio.ensure_future(intake.close(player.viewer.id))
    await asyncio.sleep(0)
    file = (player.viewer.id, 30, 60 * UNITS_PER_SECOND, 60 * UNITS_PER_SECOND + PART)
    for prompt in (True, False):
        assert intake.request_at_once(*file, prompt=prompt) is None
    with pytest.raises(SessionClosed):
        await intake.request(*file, prompt=True)
    with pytest.raises(SessionClosed):
        intake.look(player.viewer.id)
    await closing
    with pytest.raises(SessionClosed):
        intake.look(player.viewer.id)
    assert intake.request_at_once("ses_0", 0, 0, PART, prompt=True) is None


async def test_what_dies_with_the_process_is_the_last_second_and_the_viewers(
    player: Player, store: Store, clock: ManualClock
) -> None:
    await player.watch(10, player.follow)
    clock.advance(4 * PART_MS)
    player.follow()
    # Another process begins where the store is; the first one never saves anything again.
    later = Intake(store, clock, MeterRules())
    await later.start()
    player.viewer.intake = player.intake = later
    clock.advance(PART_MS)
    player.follow()
    await player.watch(9, player.follow)
    watched = len(player.got) // 5
    assert watched - 2 <= await player.billed() <= watched
    runs = store.tick_runs[player.viewer.id]
    assert [run.first_tick for run in runs[1:]] == [run.last_tick for run in runs[:-1]]
    await later.stop()
